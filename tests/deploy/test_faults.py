"""The network fails at every single call of a deployment in turn: the retry heals it, or a repeat mends it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from fluentpipe.aws import Account
from fluentpipe.errors import AssetChanged, DeployConflict, Unreachable
from fluentpipe.upload import files

from .conftest import Wire, answering, cut, everything, lost, pipeline_in, undisturbed
from .definitions import BUCKET, large, small

pytestmark = pytest.mark.xdist_group("moto-deploy")
Put = Callable[..., Any]
OPTIONS = {"tags": {"team": "ml", "cost": "7"}, "max_parallel_steps": 3}
larger = functools.partial(large, characters=104_000)  # just so large that it goes through S3
UPDATED = {"tags": {"team": "ops"}, "max_parallel_steps": 5}


def measured(wire: Wire, aws: Account, work: Callable[[], Any]) -> tuple[int, Any]:
    """How many requests some work takes, and what is there after it."""
    wire.calls.clear()
    work()
    return len(wire.calls), everything(aws)


@pytest.mark.slow
@pytest.mark.parametrize(("make", "how"), [(small, cut), (small, lost), (larger, lost)])
def test_one_failure_at_any_request_is_healed(make, how, rows, put: Put, wire: Wire, aws: Account, reset) -> None:
    count, wanted = measured(wire, aws, lambda: twice(put, make, rows))
    for number in range(1, count + 1):
        reset()
        wire.calls.clear()
        wire.disturb = lambda operation, at, request, number=number: how(request) if at == number else None
        twice(put, make, rows)
        assert everything(aws) == wanted, f"request {number}"
    assert count > 25


@pytest.mark.slow
@pytest.mark.parametrize(("make", "how"), [(small, cut), (small, lost), (larger, cut)])
def test_where_the_network_goes_away_at_any_request_a_repeat_mends_it(
    make, how, rows, put: Put, wire: Wire, aws: Account, reset, monkeypatch
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    count, wanted = measured(wire, aws, lambda: twice(put, make, rows))
    for number in range(1, count + 1):
        reset()
        wire.calls.clear()
        wire.disturb = lambda operation, at, request, number=number: (
            how(request) if at == number else cut(request) if at > number else None
        )
        with pytest.raises(Unreachable, match=r"Could not [\s\S]* fix: try again"):
            twice(put, make, rows)
        wire.disturb = undisturbed
        twice(put, make, rows)
        assert everything(aws) == wanted, f"request {number}"


def twice(put: Put, make: Any, rows: Path) -> None:
    """A deployment, and one that changes the definition, a file, the parallelism and the tags."""
    rows.write_text("1,2\n3,4\n")
    put(make(rows), **OPTIONS)
    rows.write_text("5,6\n")
    put(make(rows, depth=2), **UPDATED)


@pytest.mark.slow
def test_a_large_file_whose_upload_broke_off_at_any_part_is_uploaded_by_a_repeat(
    rows, put: Put, wire: Wire, aws: Account, reset, monkeypatch
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setattr(files, "_ABANDONED", timedelta(0))
    monkeypatch.setattr(files, "_PART", 5 << 20)  # the smallest that S3 takes
    rows.write_bytes(bytes(range(256)) * (12 << 12))
    count, wanted = measured(wire, aws, lambda: put(small(rows)))
    assert {"CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload"} <= set(wire.calls)
    for number, operation in enumerate(tuple(wire.calls), 1):
        if "PutObject" in operation or "Head" in operation:
            continue
        reset()
        wire.calls.clear()
        wire.disturb = lambda operation, at, request, number=number: lost(request) if at >= number else None
        with pytest.raises(Unreachable):
            put(small(rows))
        wire.disturb = undisturbed
        put(small(rows))
        assert everything(aws) == wanted, f"request {number}, {operation}"
    assert count


def test_parts_of_an_upload_that_may_still_go_on_are_left_alone(rows, put: Put, aws: Account, monkeypatch) -> None:
    monkeypatch.setattr(files, "_PART", 4)
    put(small(rows), dry_run=True)
    s3 = aws.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    key = next(each for each in _keys(rows) if each.endswith("rows.csv"))
    s3.create_multipart_upload(Bucket=BUCKET, Key=key)  # moto says that it was begun in 2010
    monkeypatch.setattr(files, "_ABANDONED", timedelta(days=365 * 100))
    put(small(rows))
    assert everything(aws)[f"{BUCKET} unfinished"] == [key]
    monkeypatch.setattr(files, "_ABANDONED", timedelta(days=1))
    s3.delete_object(Bucket=BUCKET, Key=key)
    put(small(rows))
    assert everything(aws)[f"{BUCKET} unfinished"] == []


def _keys(rows: Path) -> Iterator[str]:
    for asset in small(rows).assets:
        for name in asset.files:
            yield f"{asset.uri}/{name}".removeprefix(f"s3://{BUCKET}/")


# ---- a file that changes ---------------------------------------------------------------------------------------------


def test_a_file_that_was_edited_after_its_hash_was_taken_is_refused_before_anything_is_made(
    rows, put: Put, wire: Wire
) -> None:
    definition = small(rows)
    rows.write_text("9,9\n9,9\n")
    with pytest.raises(AssetChanged, match=r"one of: .*rows.csv[\s\S]*fix: materialize"):
        put(definition)
    assert not {"PutObject", "CreateBucket", "CreatePipeline"} & set(wire.calls)


def test_a_file_that_is_gone_is_named(rows, put: Put) -> None:
    definition = small(rows)
    rows.unlink()
    with pytest.raises(AssetChanged, match=r"rows.csv cannot be read any more: No such file"):
        put(definition)


@pytest.mark.parametrize(
    "size", [9, pytest.param(11 << 20, marks=pytest.mark.slow)], ids=["in one request", "in parts"]
)
@pytest.mark.parametrize("change", ["longer", "shorter", "other"])
def test_a_file_that_changes_while_it_is_uploaded_is_not_published(size, change, rows, put: Put, wire: Wire, aws: Account, monkeypatch) -> None:  # fmt: skip
    monkeypatch.setattr(files, "_PART", 5 << 20)
    rows.write_bytes(b"x" * size)
    definition = small(rows)
    before = rows.read_bytes()
    after = {"longer": before + b"!", "shorter": before[:-1], "other": before[:-1] + b"!"}[change]

    def edit(operation: str, _number: int, _request: Any) -> None:
        if operation == "PutPublicAccessBlock":  # after the hashing, before the uploads
            rows.write_bytes(after)

    wire.disturb = edit
    with pytest.raises(AssetChanged, match=r"rows.csv changed while it was uploaded; it was not published"):
        put(definition)
    assert "CreatePipeline" not in wire.calls
    found = everything(aws)
    assert not [key for key in found if key.endswith("rows.csv")]
    assert found[f"{BUCKET} unfinished"] == []
    wire.disturb = undisturbed
    rows.write_bytes(before)
    assert put(definition).changed == ("created",)
    assert everything(aws)[next(f"{BUCKET}/{key}" for key in _keys(rows) if key.endswith("rows.csv"))][0] == before


# ---- others at the same time -----------------------------------------------------------------------------------------


def test_a_pipeline_that_another_creates_meanwhile_is_updated(rows, put: Put, wire: Wire, aws: Account) -> None:
    def other(operation: str, _number: int, _request: Any) -> None:
        if operation == "CreatePipeline" and wire.calls.count("CreatePipeline") == 1:
            theirs = small(rows, depth=9).to_json()
            role = small(rows).document["Steps"][0]["Arguments"]["RoleArn"]
            aws.client("sagemaker").create_pipeline(PipelineName="small", RoleArn=role, PipelineDefinition=theirs)

    wire.disturb = other
    assert put(small(rows), tags={"a": "1"}).changed == ("definition", "tags")
    found = pipeline_in(aws)
    assert '"max_depth":"6"' in found["PipelineDefinition"]
    assert found["tags"] == {"a": "1"}


def test_a_pipeline_that_another_deletes_meanwhile_is_created(rows, put: Put, wire: Wire, aws: Account) -> None:
    put(small(rows))

    def other(operation: str, _number: int, _request: Any) -> None:
        if operation == "UpdatePipeline" and wire.calls.count("UpdatePipeline") == 1:
            aws.client("sagemaker").delete_pipeline(PipelineName="small")

    wire.disturb = other
    assert put(small(rows, depth=9)).changed == ("created",)
    assert '"max_depth":"9"' in pipeline_in(aws)["PipelineDefinition"]


def test_a_conflict_is_waited_out(rows, put: Put, wire: Wire, aws: Account) -> None:
    put(small(rows))
    busy = answering(400, "ConflictException", "The pipeline is being updated.")
    wire.disturb = lambda operation, at, request: (
        busy(request) if operation == "UpdatePipeline" and wire.calls.count(operation) < 4 else None
    )
    assert put(small(rows, depth=9)).changed == ("definition",)
    assert wire.calls.count("UpdatePipeline") == 4
    wire.disturb = lambda operation, at, request: busy(request) if operation == "UpdatePipeline" else None
    with pytest.raises(DeployConflict, match="somebody else went on changing it"):
        put(small(rows, depth=8))


@pytest.mark.parametrize("code", ["ThrottlingException", "InternalFailure"])
def test_throttling_is_waited_out(code, rows, put: Put, wire: Wire) -> None:
    busy = answering(400 if code.startswith("Throttling") else 500, code, "Rate exceeded")
    wire.disturb = lambda operation, at, request: (
        busy(request) if operation == "CreatePipeline" and wire.calls.count(operation) < 4 else None
    )
    assert put(small(rows)).changed == ("created",)
    assert wire.calls.count("CreatePipeline") == 4


def test_a_creation_whose_answer_was_lost_is_repeated_with_the_same_token(
    rows, put: Put, wire: Wire, aws: Account
) -> None:
    tokens: list[bytes] = []

    def other(operation: str, _number: int, request: Any) -> None:
        if operation == "CreatePipeline":
            tokens.append(request.body.partition(b'"ClientRequestToken": "')[2][:32])
            if len(tokens) == 1:
                lost(request)

    wire.disturb = other
    assert put(small(rows)).changed == ("created",)
    assert len(tokens) == 2
    assert len(set(tokens)) == 1
    assert len(tokens[0]) == 32


def test_two_at_once_leave_one_whole_deployment(rows, put: Put, aws: Account) -> None:
    definitions = [small(rows, depth=depth) for depth in (1, 2)]
    put(definitions[0], dry_run=True)  # the clients are made
    for _round in range(3):
        with ThreadPoolExecutor(2) as pool:
            done = [
                pool.submit(put, each, tags={"by": str(depth)}, max_parallel_steps=depth)
                for depth, each in enumerate(definitions, 1)
            ]
            results = [each.result() for each in done]
        found = everything(aws)
        assert found["small"]["PipelineDefinition"] in {each.to_json() for each in definitions}
        assert found["small"]["tags"]["by"] in ("1", "2")
        assert set(found[BUCKET].values()) == {True}
        assert len([key for key in found if "/small/" in key]) == 3
        assert len({each.arn for each in results}) == 1
        again = put(definitions[0], tags={"by": "1"}, max_parallel_steps=1)
        assert not again.uploaded


def test_a_bucket_whose_making_was_interrupted_is_finished(rows, put: Put, wire: Wire, aws: Account) -> None:
    aws.client("s3").create_bucket(Bucket=BUCKET)
    with pytest.raises(ClientError):
        aws.client("s3").get_public_access_block(Bucket=BUCKET)
    put(small(rows))
    assert set(everything(aws)[BUCKET].values()) == {True}


def test_a_choice_about_public_access_is_respected(rows, put: Put, aws: Account) -> None:
    choice = {
        "BlockPublicAcls": True,
        "IgnorePublicAcls": True,
        "BlockPublicPolicy": False,
        "RestrictPublicBuckets": False,
    }
    aws.client("s3").create_bucket(Bucket=BUCKET)
    aws.client("s3").put_public_access_block(Bucket=BUCKET, PublicAccessBlockConfiguration=choice)
    put(small(rows))
    assert everything(aws)[BUCKET] == choice


def test_without_the_right_to_look_a_deployment_works_all_the_same(rows, put: Put, wire: Wire, aws: Account) -> None:
    aws.client("s3").create_bucket(Bucket=BUCKET)
    denied, silent = answering(403, "AccessDenied", "Access Denied", form="s3"), answering(403, "", "", form="head")
    answers = {"HeadObject": silent, "GetPublicAccessBlock": denied, "ListMultipartUploads": denied}
    wire.disturb = lambda operation, at, request: answers[operation](request) if operation in answers else None
    assert len(put(small(rows)).uploaded) == 3
