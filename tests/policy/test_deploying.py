"""Deploying with the printed policy and no more, on moto's server, which asks IAM; and without each part of it.

moto knows the resources of S3 alone: of the other services it looks at the actions, so their resources stand as "*" here.
"""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from fluentpipe import Pipeline
from fluentpipe.definition import Definition
from fluentpipe.deploy import deploy
from fluentpipe.errors import AwsError
from fluentpipe.policy import policies

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("moto")]

ACCOUNT, REGION = "123456789012", "us-east-1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/ChurnRole"
DEFAULT = f"sagemaker-{REGION}-{ACCOUNT}"
# moto calls these by the operation; AWS has no such actions.
MOTO_S3 = {"s3:ListBucket": "s3:HeadBucket", "s3:GetObject": "s3:HeadObject"}
# What deploying needs, beside what is for starting, watching and reading outcomes.
DEPLOYING = ("Pipeline", "Upload", "LookAtBucket", "MakeDefaultBucket")


@pytest.fixture
def server(moto_server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An empty account in which IAM decides, from the call of `guard` on."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto_server)
    _post(moto_server, "reset-auth", "inf")
    _post(moto_server, "reset", "")
    yield moto_server
    _post(moto_server, "reset-auth", "inf")
    _post(moto_server, "reset", "")


def _post(url: str, path: str, body: str) -> None:
    request = urllib.request.Request(
        f"{url}/moto-api/{path}", data=body.encode(), headers={"Content-Type": "text/plain"}
    )
    urllib.request.urlopen(request).close()


def definition() -> Definition:
    pipe = Pipeline("churn").load_data("s3://my-data/churn.csv", label="churn").preprocess()
    return pipe.materialize(role=ROLE, bucket=DEFAULT, region=REGION)


def statements() -> list[dict[str, Any]]:
    (document,) = policies(definition()).deployer
    return list(document["Statement"])


def guard(url: str, allowed: list[dict[str, Any]]) -> boto3.Session:
    """The session of a user who may do just this; from here on IAM is asked."""
    root = boto3.Session("root", "root", region_name=REGION)
    iam = root.client("iam")
    iam.create_user(UserName="deployer")
    key = iam.create_access_key(UserName="deployer")["AccessKey"]
    document = {"Version": "2012-10-17", "Statement": [for_moto(each) for each in allowed]}
    iam.put_user_policy(UserName="deployer", PolicyName="deploy", PolicyDocument=json.dumps(document))
    iam.close()
    _post(url, "reset-auth", "0")
    return boto3.Session(key["AccessKeyId"], key["SecretAccessKey"], region_name=REGION)


def for_moto(statement: dict[str, Any]) -> dict[str, Any]:
    """A statement as moto understands it."""
    in_s3 = all(":s3:" in arn for arn in statement["Resource"])
    actions = [*statement["Action"], *(MOTO_S3[action] for action in statement["Action"] if action in MOTO_S3)]
    return {
        "Effect": "Allow",
        "Action": actions,
        "Resource": statement["Resource"] if in_s3 else "*",
    }


def test_the_printed_policy_is_enough_from_an_empty_account(server: str) -> None:
    session = guard(server, statements())
    first = deploy(definition(), ROLE, bucket=DEFAULT, session=session, say=lambda _: None)
    assert first.changed == ("created",)
    assert deploy(definition(), ROLE, bucket=DEFAULT, session=session, say=lambda _: None).changed == ()


@pytest.mark.parametrize("sid", DEPLOYING)
def test_without_any_part_of_it_deploying_is_refused(server: str, sid: str) -> None:
    session = guard(server, [each for each in statements() if each["Sid"] != sid])
    with pytest.raises(AwsError):
        deploy(definition(), ROLE, bucket=DEFAULT, session=session, say=lambda _: None)
