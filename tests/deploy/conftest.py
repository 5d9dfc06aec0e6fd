"""moto's server, an empty account in it for each test, and a look at all that is in it."""

from __future__ import annotations

import functools
import os
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import EndpointConnectionError
from botocore.httpsession import URLLib3Session
from moto.s3.models import s3_backends

from fluentpipe.aws import Account
from fluentpipe.deploy import deploy

ACCOUNT = "123456789012"  # moto's, for credentials that it does not know
REGION = "us-east-1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/SageMakerRole"
# Planted, to be looked for in everything that comes out.
SECRETS = {
    "AWS_ACCESS_KEY_ID": "AKIAPLANTED00000KEYS",
    "AWS_SECRET_ACCESS_KEY": "planted/secret+access/key00000000000000",
    "AWS_SESSION_TOKEN": "planted-session-token==",
}


@pytest.fixture(scope="session")
def server(moto_server: str) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("moto.sagemaker.models.load_pipeline_definition_from_s3", _definition_in_s3)
        yield moto_server


def _definition_in_s3(place: dict[str, str], account_id: str, partition: str) -> str:
    """The text, as the service gives it back; moto's own gives Python's repr of it."""
    text: bytes = s3_backends[account_id][partition].get_object(place["Bucket"], place["ObjectKey"]).value
    return text.decode()


@pytest.fixture
def reset(server: str) -> Callable[[], None]:
    """Empties the account."""
    request = urllib.request.Request(f"{server}/moto-api/reset", method="POST")
    return lambda: urllib.request.urlopen(request).close()


@pytest.fixture(autouse=True)
def empty(server: str, reset: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty account, credentials for it, and no waiting between tries."""
    reset()
    for name, value in {**SECRETS, "AWS_ENDPOINT_URL": server, "AWS_DEFAULT_REGION": REGION}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: 0)
    monkeypatch.setattr("fluentpipe.deploy.upserting._PAUSE", 0)


def undisturbed(_operation: str, _number: int, _request: Any) -> None:
    """Requests go out as they are."""


@attrs.define
class Wire:
    """A session whose calls are noted, and may be disturbed before they are sent."""

    session: Any
    calls: list[str] = attrs.field(factory=list)  # HTTP requests by operation, repeated ones again
    disturb: Callable[[str, int, Any], Any] = undisturbed

    def before_send(self, request: Any, event_name: str, **_: Any) -> Any:
        operation = event_name.rpartition(".")[2]
        self.calls.append(operation)
        return self.disturb(operation, len(self.calls), request)


def cut(request: Any) -> None:
    """The network fails before the request is sent."""
    raise EndpointConnectionError(endpoint_url=request.url)


def lost(request: Any) -> None:
    """The request arrives, and its answer is lost."""
    session = URLLib3Session()
    session.send(request)
    session.close()
    cut(request)


def answering(status: int, code: str, message: str, *, form: str = "json") -> Callable[[Any], Any]:
    """The service answers with an error.

    Args:
        status: Of HTTP.
        code: AWS's.
        message: AWS's.
        form: `json` as SageMaker has it, `s3`, `sts`, or `head`, which has no body.
    """
    bodies = {
        "json": f'{{"__type": "{code}", "message": "{message}"}}',
        "s3": f"<Error><Code>{code}</Code><Message>{message}</Message></Error>",
        "sts": f"<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>",
        "head": "",
    }

    class Raw:
        def stream(self, **_: Any) -> Iterator[bytes]:
            yield bodies[form].encode()

    return lambda request: AWSResponse(request.url, status, {}, Raw())


class Reusing(boto3.Session):
    """Makes each client once for all tests: reading the model of SageMaker takes longer than a deployment."""

    def client(self, service_name: str, *args: Any, **options: Any) -> Any:
        made = vars(self).setdefault("made", {})
        key = (service_name, options["region_name"], os.environ.get("AWS_MAX_ATTEMPTS"))
        if key not in made:
            made[key] = super().client(service_name, *args, **options)
        return made[key]


@pytest.fixture(scope="session")
def _wire() -> Wire:
    session = Reusing(*SECRETS.values(), region_name=REGION)
    made = Wire(session)
    session.events.register("before-send", made.before_send)
    return made


@pytest.fixture
def wire(_wire: Wire) -> Wire:
    _wire.calls.clear()
    _wire.disturb = undisturbed
    return _wire


@pytest.fixture(scope="session")
def aws(server: str) -> Iterator[Account]:
    """A way in beside the wire, to look and to prepare."""
    account = Account(session=boto3.Session(*SECRETS.values(), region_name=REGION))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", server)
        for service in ("s3", "sagemaker", "iam"):
            account.client(service)
    yield account
    account.close()


@pytest.fixture
def put(wire: Wire) -> Callable[..., Any]:
    """Deploys on the wire, in silence."""
    return functools.partial(deploy, session=wire.session, say=lambda _line: None)


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    file = tmp_path / "rows.csv"
    file.write_text("1,2\n3,4\n")
    return file


def everything(account: Account) -> dict[str, Any]:
    """All that a deployment may leave in an account, without what tells the time."""
    s3 = account.client("s3")
    found: dict[str, Any] = {}
    for bucket in (each["Name"] for each in s3.list_buckets()["Buckets"]):
        found[bucket] = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
        for each in s3.list_objects_v2(Bucket=bucket).get("Contents", ()):
            answer = s3.get_object(Bucket=bucket, Key=each["Key"])
            found[f"{bucket}/{each['Key']}"] = (answer["Body"].read(), answer["Metadata"])
        found[f"{bucket} unfinished"] = [
            each["Key"] for each in s3.list_multipart_uploads(Bucket=bucket).get("Uploads", ())
        ]
    return found | {name: pipeline_in(account, name) for name in pipelines_in(account)}


def pipelines_in(account: Account) -> list[str]:
    """Their names."""
    return [each["PipelineName"] for each in account.client("sagemaker").list_pipelines()["PipelineSummaries"]]


def pipeline_in(account: Account, name: str = "small") -> dict[str, Any]:
    """All that a deployment may set of a pipeline."""
    sagemaker = account.client("sagemaker")
    said = sagemaker.describe_pipeline(PipelineName=name)
    kept = ("PipelineDefinition", "RoleArn", "PipelineDescription", "ParallelismConfiguration", "PipelineDisplayName")
    tags = sagemaker.list_tags(ResourceArn=said["PipelineArn"])["Tags"]
    return {**{key: said.get(key) for key in kept}, "tags": {each["Key"]: each["Value"] for each in tags}}
