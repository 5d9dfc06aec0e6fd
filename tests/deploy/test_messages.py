"""What people are told, each with the whole message in `golden/`; and never a word of the credentials."""

from __future__ import annotations

import json
import logging
import os
import re
import subprocess
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from click.testing import CliRunner

from fluentpipe import aws_faults, errors
from fluentpipe.aws import Account
from fluentpipe.cli import main
from fluentpipe.definition import Definition
from fluentpipe.deploy import delete, deploy
from fluentpipe.errors import FluentpipeError

from .conftest import ACCOUNT, REGION, ROLE, SECRETS, Wire, answering, cut, everything, pipeline_in, pipelines_in
from .definitions import BUCKET, small

pytestmark = pytest.mark.xdist_group("moto-deploy")
Put = Callable[..., Any]
GOLDEN = Path(__file__).parent / "golden"
USER = f"arn:aws:sts::{ACCOUNT}:assumed-role/dev/me"
CANONICAL = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key.\\n\\n"
    f"The Canonical String for this request should have been\\nPOST\\n/\\nx-amz-security-token:{SECRETS['AWS_SESSION_TOKEN']}\\n"
    f"Credential={SECRETS['AWS_ACCESS_KEY_ID']}/20260101/us-east-1, Signature=" + "ab" * 32
)


def check(name: str, error: BaseException, tmp_path: Path) -> None:
    """Compare with the golden file; `UPDATE_GOLDEN=1` writes it anew."""
    text = f"{type(error).__name__}: {error}\n".replace(str(tmp_path), "HERE").replace(repr(str(Path.cwd())), "CWD")
    text = re.sub(r"[0-9a-f]{64}", "HASH", text)
    text = re.sub(r"127\.0\.0\.1:\d+", "ENDPOINT", text)
    file = GOLDEN / f"{name.replace(' ', '-')}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    assert text == file.read_text()
    shown = "".join(traceback.format_exception(error)) + repr(vars(error))
    assert not [secret for secret in SECRETS.values() if secret in shown]


# Operation -> how the service answers it.
ANSWERS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "pass role denied": (
        "CreatePipeline",
        answering(400, "AccessDeniedException", f"User: {USER} is not authorized to perform: iam:PassRole on resource: {ROLE} "
                  "because no identity-based policy allows the iam:PassRole action"),
    ),
    "describe denied": (
        "DescribePipeline",
        answering(400, "AccessDeniedException", f"User: {USER} is not authorized to perform: sagemaker:DescribePipeline on "
                  f"resource: arn:aws:sagemaker:{REGION}:{ACCOUNT}:pipeline/small with an explicit deny in a service control policy"),
    ),
    "upload denied": ("PutObject", answering(403, "AccessDenied", "Access Denied", form="s3")),
    "bucket of another": ("HeadBucket", answering(403, "", "", form="head")),
    "bucket name taken": ("CreateBucket", answering(409, "BucketAlreadyExists", "The requested bucket name is not available.", form="s3")),
    "throttled": ("CreatePipeline", answering(400, "ThrottlingException", "Rate exceeded")),
    "service down": ("DescribePipeline", answering(503, "ServiceUnavailable", "Try later")),
    "quota": ("CreatePipeline", answering(400, "ResourceLimitExceeded", "The account-level service limit 'Pipelines' is 500.")),
    "validation": ("CreatePipeline", answering(400, "ValidationException", "Unable to parse pipeline definition.")),
    "expired": ("GetCallerIdentity", answering(403, "ExpiredToken", "The security token included in the request is expired", form="sts")),
    "answer of another": ("GetCallerIdentity", answering(403, "Blocked", "By a proxy.", form="s3")),
    "signature": ("DescribePipeline", answering(403, "InvalidSignatureException", CANONICAL)),
    "clock": ("HeadBucket", answering(403, "RequestTimeTooSkewed", "The difference is too large.", form="s3")),
    "conflict": ("CreatePipeline", answering(400, "ConflictException", "The pipeline is being changed.")),
    "no network": ("GetCallerIdentity", cut),
}  # fmt: skip


@pytest.mark.parametrize("name", ANSWERS)
def test_what_aws_refuses_is_told_with_the_way_out(name, rows, put: Put, wire: Wire, tmp_path) -> None:
    refused, answer = ANSWERS[name]
    if name == "clock":  # a HEAD has no body to say it
        refused = "CreateBucket"
    wire.disturb = lambda operation, at, request: answer(request) if operation == refused else None
    with pytest.raises(errors.AwsError) as caught:
        put(small(rows))
    check(name, caught.value, tmp_path)


MISTAKES: dict[str, Callable[[Path, Any], Any]] = {
    "no such role": lambda rows, session: deploy(small(rows), "SageMakerRol", session=session),
    "role of another account": lambda rows, session: deploy(
        small(rows), "arn:aws:iam::111122223333:role/Jobs", session=session
    ),
    "no role at all": lambda rows, session: deploy(small(rows), "arn:aws:iam::x", session=session),
    "files nowhere": lambda rows, session: deploy(
        Definition.load(small(rows).to_json(), name="small"), session=session
    ),
    "roles differ": lambda rows, session: deploy(_two_roles(rows), session=session),
    "no such bucket": lambda rows, session: deploy(small(rows, bucket="not-there-yet"), session=session),
    "bad tags": lambda rows, session: deploy(
        small(rows), tags={"aws:x": "1", "k" * 129: "v"}, max_parallel_steps=0, display_name="a b", session=session
    ),
    "faulty definition": lambda rows, session: deploy(_faulty(rows), session=session),
    "no such pipeline": lambda rows, session: delete(Account(session=session), "smal"),
    "no region": lambda rows, session: Account(session=boto3.Session(aws_access_key_id="x", aws_secret_access_key="y")),
    "no such profile": lambda rows, session: Account(profile="wrok"),
    "no region of that name": lambda rows, session: Account("us east", session=session).account_id,
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_told_with_the_way_out(name, rows, wire: Wire, tmp_path, monkeypatch) -> None:
    config = tmp_path / "config"
    config.write_text("[profile work]\nregion = eu-west-1\n[default]\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    if name == "no region":
        monkeypatch.delenv("AWS_DEFAULT_REGION")
    with pytest.raises(FluentpipeError) as caught:
        MISTAKES[name](rows, wire.session)
    check(name, caught.value, tmp_path)
    assert not {"PutObject", "CreateBucket", "CreatePipeline"} & set(wire.calls)


def test_without_credentials_it_is_told_where_to_get_some(rows, monkeypatch, tmp_path) -> None:
    for name in SECRETS:
        monkeypatch.delenv(name)
    with pytest.raises(errors.NoCredentials) as caught:
        deploy(small(rows))
    check("no credentials", caught.value, tmp_path)


def test_a_region_that_cannot_be_reached_and_is_none_is_suggested(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(errors.Unreachable) as caught:
        _ = Account("us-eats-1", session=boto3.Session(*SECRETS.values())).account_id
    assert "Did you mean 'us-east-1'?" in str(caught.value)


def test_a_bucket_in_another_region_is_refused(rows, put: Put, aws: Account, tmp_path) -> None:
    eu = {"CreateBucketConfiguration": {"LocationConstraint": "eu-west-1"}}
    boto3.Session(*SECRETS.values(), region_name="eu-west-1").client("s3").create_bucket(Bucket="my-eu-bucket", **eu)
    with pytest.raises(errors.AwsError) as caught:
        put(small(rows, bucket="my-eu-bucket"))
    check("bucket in another region", caught.value, tmp_path)


def test_every_class_of_fault_has_a_golden_message() -> None:
    said = {file.read_text().partition(":")[0] for file in GOLDEN.glob("*.txt")}
    classes = {cls.__name__ for cls in (errors.AwsError, *errors.AwsError.__subclasses__())}
    assert classes <= said


def _faulty(rows: Path) -> Any:
    definition = small(rows)
    step = json.loads(json.dumps(definition.document["Steps"][0]))
    step["Arguments"]["ResourceConfig"]["InstanceCounts"] = 0
    return type(definition)("small", {**definition.document, "Steps": [step]}, definition.assets)


def _two_roles(rows: Path) -> Any:
    definition = small(rows)
    second = json.loads(json.dumps(definition.document["Steps"][0]))
    second["Name"], second["Arguments"]["RoleArn"] = "Again", ROLE.replace("SageMakerRole", "Other")
    return type(definition)(
        "small", {**definition.document, "Steps": [*definition.document["Steps"], second]}, definition.assets
    )


# ---- credentials -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("x-amz-security-token:abc/def==\nhost:x", "x-amz-security-token:…\nhost:x"),
        ("X-Amz-Security-Token=abc&b=1", "X-Amz-Security-Token=…&b=1"),
        ("http://me:pass@proxy:8080/x", "http://…@proxy:8080/x"),
        ("the key AKIAIOSFODNN7EXAMPLE is off", "the key … is off"),
        (
            "arn:aws:iam::123456789012:role/X at https://host/a:b@c",
            "arn:aws:iam::123456789012:role/X at https://host/a:b@c",
        ),
        ("AKIND of thing", "AKIND of thing"),
    ],
)
def test_credentials_are_cut_out_of_texts_and_nothing_else(text: str, clean: str) -> None:
    assert aws_faults.without_secrets(text) == clean


@pytest.mark.slow
def test_nothing_that_comes_out_of_the_command_line_has_a_word_of_the_credentials(
    rows, tmp_path, aws: Account, server
) -> None:
    script = tmp_path / "train.py"
    script.write_text(
        "from fluentpipe import Pipeline\n"
        f"pipe = Pipeline('churn').provide(__import__('fluentpipe').TrainingData, {str(rows)!r}).train_xgboost()\n"
    )
    definition = tmp_path / "small.json"
    definition.write_text(small(rows).to_json())
    bad = {**os.environ, "AWS_ENDPOINT_URL": "http://user:planted-password@127.0.0.1:9", "AWS_MAX_ATTEMPTS": "1"}
    texts = []
    for arguments, environment, status in [
        (["deploy", "train.py", "--role", ROLE, "--dry-run"], os.environ, 0),
        (["deploy", "train.py", "--role", ROLE, "--tag", "team=ml"], os.environ, 0),
        (["deploy", "train.py", "--role", "NoSuchRole"], os.environ, 2),
        (["deploy", "small.json"], bad, 2),
        (["delete", "churn", "--yes"], os.environ, 0),
    ]:
        done = subprocess.run(
            [sys.executable, "-m", "fluentpipe", *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True
        )  # fmt: skip
        assert done.returncode == status, done.stderr
        texts.append(done.stdout + done.stderr)
    assert "created" in texts[1]
    assert "Traceback" not in "".join(texts)
    written = [file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()]
    everywhere = "".join(texts).encode() + b"".join(written) + repr(everything(aws)).encode()
    assert not [secret for secret in [*SECRETS.values(), "planted-password"] if secret.encode() in everywhere]


def test_logs_and_representations_have_no_word_of_the_credentials(rows, put: Put, wire: Wire, caplog) -> None:
    caplog.set_level(logging.INFO)
    wire.disturb = lambda operation, at, request: (
        answering(403, "InvalidSignatureException", CANONICAL)(request) if operation == "CreatePipeline" else None
    )
    account = Account(session=wire.session)
    with pytest.raises(errors.NoCredentials) as caught:
        put(small(rows))
    cause = caught.value.__cause__
    shown = caplog.text + repr(account) + str(account) + repr(cause) + repr(vars(cause))
    assert not [secret for secret in SECRETS.values() if secret in shown]


# ---- the command line ------------------------------------------------------------------------------------------------


def test_the_command_line_deploys_a_bundle_and_asks_before_it_deletes(rows, tmp_path, wire, aws, monkeypatch) -> None:
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", wire.session)
    small(rows).write(tmp_path / "bundle")
    run = CliRunner().invoke
    first = run(main, ["deploy", str(tmp_path / "bundle"), "--tag", "a=1", "--max-parallel-steps", "2"])
    assert first.exit_code == 0, first.output
    assert "small created, 3 files uploaded" in first.output
    assert pipeline_in(aws)["tags"] == {"a": "1"}
    again = run(main, ["deploy", str(tmp_path / "bundle"), "--dry-run"])
    assert "upload nothing\n  leave the pipeline as it is\ndry run: nothing was changed" in again.output
    kept = run(main, ["delete", "small"], input="n\n")
    assert (kept.exit_code, "small" in pipelines_in(aws)) == (1, True)
    assert run(main, ["delete", "small"], input="y\n").exit_code == 0
    assert "small" not in pipelines_in(aws)
    gone = run(main, ["delete", "small", "-y"])
    assert gone.exit_code == 2
    assert "NoSuchPipeline: There is no pipeline 'small'" in gone.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["train.py"], "--role is needed"),
        (["train.py", "--role", "x", "--name", "y"], "the pipeline of a script says its name itself"),
        (["x.json", "--tag", "team"], "team: write KEY=VALUE"),
        (["nothing.json"], "FileNotFoundError"),
    ],
)
def test_a_wrong_command_says_what_is_wrong(arguments, said, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(main, ["deploy", *arguments])
    assert done.exit_code == 2
    assert said in done.output


def test_a_large_definition_without_files_goes_to_the_default_bucket(rows, put: Put, aws: Account) -> None:
    from .definitions import large

    put(small(rows))  # the files of the other
    bare = Definition("bare", large(rows).document, (), ())
    deployed = put(bare)
    assert deployed.bucket == BUCKET
    assert deployed.uploaded[0].startswith(f"s3://{BUCKET}/bare/definition/")
