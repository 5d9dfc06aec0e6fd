"""Deploying to moto's server over HTTP, from an empty account."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fluentpipe import Pipeline
from fluentpipe.aws import Account
from fluentpipe.definition import Definition
from fluentpipe.deploy import Changes, Deployment
from fluentpipe.errors import DefinitionError, NoSuchPipeline
from fluentpipe.upload import store

from .conftest import ACCOUNT, REGION, ROLE, Wire, everything, pipeline_in, pipelines_in
from .definitions import BUCKET, large, small

pytestmark = pytest.mark.xdist_group("moto-deploy")

Put = Callable[..., Any]
READING = {
    "GetCallerIdentity",
    "GetRole",
    "HeadBucket",
    "HeadObject",
    "GetPublicAccessBlock",
    "DescribePipeline",
    "ListTags",
}


@pytest.mark.parametrize("make", [small, pytest.param(large, marks=pytest.mark.slow)])
def test_a_second_deployment_changes_nothing_and_one_setting_changed_updates_the_definition_alone(
    make, rows: Path, put: Put, wire: Wire, aws: Account
) -> None:
    first = put(make(rows))
    assert first.changed == ("created",)
    assert len(first.uploaded) == (3 if make is small else 4)
    before = everything(aws)
    wire.calls.clear()
    second = put(make(rows))
    assert (second.changed, second.uploaded) == ((), ())
    assert set(wire.calls) <= READING
    assert everything(aws) == before


def test_the_service_has_what_was_asked_for(rows: Path, put: Put, aws: Account) -> None:
    definition = small(rows)
    put(
        definition, tags={"team": "ml"}, max_parallel_steps=4, description="Who will leave.", display_name="Small"
    )  # fmt: skip
    found = everything(aws)
    assert json.loads(found["small"]["PipelineDefinition"]) == definition.document
    assert found["small"]["RoleArn"] == ROLE  # the one that all its jobs take
    assert found["small"]["ParallelismConfiguration"] == {"MaxParallelExecutionSteps": 4}
    assert (found["small"]["PipelineDescription"], found["small"]["PipelineDisplayName"]) == (
        "Who will leave.",
        "Small",
    )
    assert found["small"]["tags"] == {"team": "ml"}
    assert set(found[BUCKET].values()) == {True}
    files = {
        f"{asset.uri}/{name}".removeprefix("s3://"): asset.files[name]
        for asset in definition.assets
        for name in asset.files
    }
    stored = {key: value[0] for key, value in found.items() if isinstance(value, tuple)}
    assert stored == {key: each if isinstance(each, bytes) else each.read_bytes() for key, each in files.items()}


def test_what_differs_is_updated_and_the_rest_is_left_alone(rows: Path, put: Put, aws: Account) -> None:
    put(small(rows), tags={"team": "ml"}, max_parallel_steps=4, description="old", display_name="Old")
    before = pipeline_in(aws)
    for options, changed, member in [
        ({}, (), None),
        ({"role": ROLE.replace("SageMakerRole", "Other")}, ("role",), "RoleArn"),
        ({"role": ROLE.replace("SageMakerRole", "Other"), "max_parallel_steps": 2}, ("parallelism",), "ParallelismConfiguration"),
        ({}, ("role",), "RoleArn"),
        ({"description": "new"}, ("description",), "PipelineDescription"),
        ({"display_name": "New"}, ("display name",), "PipelineDisplayName"),
        ({"tags": {"team": "ml"}}, (), None),
        ({"tags": {"team": "ops", "cost": "7"}}, ("tags",), "tags"),
        ({"tags": {}}, ("tags",), "tags"),
    ]:  # fmt: skip
        assert put(small(rows), **options).changed == changed, options
        after = pipeline_in(aws)
        assert {key for key in before if before[key] != after[key]} == ({member} if member else set()), options
        assert after["tags"] == options.get("tags", before["tags"])
        before = after


def test_tags_of_aws_itself_are_left_alone(rows: Path, put: Put, aws: Account) -> None:
    arn = put(small(rows), tags={"a": "1"}).arn
    aws.client("sagemaker").add_tags(ResourceArn=arn, Tags=[{"Key": "aws:cloudformation:stack", "Value": "x"}])
    put(small(rows), tags={"b": "2"})
    assert pipeline_in(aws)["tags"] == {"aws:cloudformation:stack": "x", "b": "2"}


@pytest.mark.parametrize("there", [False, True], ids=["from an empty account", "over an older one"])
def test_a_dry_run_makes_only_reading_calls(there: bool, rows: Path, put: Put, wire: Wire, aws: Account) -> None:
    if there:
        put(small(rows), tags={"a": "1", "old": "x"})
    rows.write_text("5,6\n")
    before, said = everything(aws), []
    wire.calls.clear()
    changes = put(
        small(rows, depth=2), tags={"a": "2"}, say=said.append, dry_run=True
    )  # fmt: skip
    assert isinstance(changes, Changes)
    assert everything(aws) == before
    assert set(wire.calls) <= READING
    text = "\n".join(said)
    if there:
        assert [Path(each.uri).name for each in changes.uploads] == ["rows.csv"]
        assert (changes.updates, changes.size) == (("definition",), 4)
        assert "upload 1 file, 4 B" in text
        assert "update the pipeline: definition" in text
        assert "tags: +a=2, -old" in text
    else:
        assert changes.new_buckets == (BUCKET,)
        assert f"make bucket {BUCKET}" in text
        assert "upload 3 files, 27 B" in text
        assert "create the pipeline" in text
    assert said[-1] == "dry run: nothing was changed"


def test_sizes_are_said_before_anything_is_sent(rows: Path, put: Put, wire: Wire) -> None:
    def say(line: str) -> None:
        if "upload" in line and not seen:
            seen.extend([line, *wire.calls])

    seen: list[str] = []
    put(small(rows), say=say)
    assert seen[0] == "  upload 3 files, 31 B"
    assert set(seen[1:]) <= READING


def test_a_deployment_describes_and_deletes_and_leaves_the_files(rows: Path, put: Put, aws: Account) -> None:
    deployed = put(small(rows))
    assert isinstance(deployed, Deployment)
    assert (deployed.account_id, deployed.region, deployed.bucket, deployed.role) == (ACCOUNT, REGION, BUCKET, ROLE)
    assert deployed.describe()["PipelineArn"] == deployed.arn
    deployed.delete()
    left = everything(aws)
    assert "small" not in left
    assert any("rows.csv" in key for key in left)
    for gone in (deployed.describe, deployed.delete):
        with pytest.raises(NoSuchPipeline, match="no pipeline 'small'"):
            gone()
    assert put(small(rows)).changed == ("created",)


def test_a_chain_is_deployed_and_started(tmp_path: Path, wire: Wire, aws: Account) -> None:
    csv, other = tmp_path / "churn.csv", tmp_path / "other.csv"
    for file in (csv, other):
        file.write_text(f"age,churn,in_{file.stem}\n1,Yes,0\n2,No,1\n")
    pipe = Pipeline("churn").load_data(str(csv), label="churn").preprocess().train_xgboost()
    said: list[str] = []
    deployed = pipe.upsert(ROLE, tags={"team": "ml"}, session=wire.session, say=said.append)
    assert pipe.upsert(ROLE, tags={"team": "ml"}, session=wire.session, say=said.append).changed == ()
    found = json.loads(deployed.describe()["PipelineDefinition"])
    assert found == pipe.materialize(role=ROLE, bucket=BUCKET, region=REGION).document
    execution = deployed.start(data=other, say=said.append)
    assert "/churn/data/" in execution.parameters["data"]
    assert any(key.endswith("/other.csv") for key in everything(aws))
    assert any(line.startswith("upload 1 file") for line in said)


def test_a_role_is_found_by_its_name(rows: Path, put: Put, aws: Account) -> None:
    made = aws.client("iam").create_role(RoleName="Jobs", Path="/ml/", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    for word in ("Jobs", "ml/Jobs"):
        assert put(small(rows), word).role == made


def test_only_what_is_missing_is_uploaded_even_within_a_folder(rows: Path, put: Put, aws: Account) -> None:
    put(small(rows))
    key = next(key for key in everything(aws) if key.endswith("train.py")).partition("/")[2]
    aws.client("s3").delete_object(Bucket=BUCKET, Key=key)
    assert put(small(rows)).uploaded == (f"s3://{BUCKET}/{key}",)


def test_a_definition_that_came_alone_is_deployed_once_its_files_are_there(rows: Path, put: Put, aws: Account) -> None:
    alone = Definition.load(small(rows).to_json(), name="small")
    for prepared in (lambda: None, lambda: aws.client("s3").create_bucket(Bucket=BUCKET)):
        prepared()
        with pytest.raises(DefinitionError, match=f"nothing at s3://{BUCKET}/small/code/"):
            put(alone)
    assert pipelines_in(aws) == []
    store(aws, small(rows).assets, say=lambda _line: None)
    assert put(alone).changed == ("created",)


@pytest.mark.parametrize("body", [b"print('HI')\n", b"other"], ids=["as long", "shorter"])
def test_an_object_that_somebody_else_put_there_is_replaced(body: bytes, rows: Path, put: Put, aws: Account) -> None:
    put(small(rows))
    before = everything(aws)
    key = next(key for key in before if key.endswith("train.py")).partition("/")[2]
    aws.client("s3").put_object(Bucket=BUCKET, Key=key, Body=body)
    assert put(small(rows)).uploaded == (f"s3://{BUCKET}/{key}",)
    assert everything(aws) == before


def test_every_request_to_the_default_bucket_names_its_owner(rows: Path, put: Put, wire: Wire) -> None:
    without: list[str] = []

    def look(operation: str, _number: int, request: object) -> None:
        headers = {key.lower(): value for key, value in request.headers.items()}  # type: ignore[attr-defined]
        if BUCKET in request.url and headers.get("x-amz-expected-bucket-owner") not in (ACCOUNT, ACCOUNT.encode()):  # type: ignore[attr-defined]
            without.append(operation)

    wire.disturb = look
    put(small(rows))
    assert set(without) <= {"CreateBucket", "HeadBucket"}  # the second of which waits for what the first made
