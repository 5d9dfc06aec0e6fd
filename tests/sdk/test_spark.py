"""A step of PySpark compared with what the SageMaker SDK's PySparkProcessor writes for it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fluentpipe import Pipeline, ProcessingOutput

from . import spark_step
from .differences import ABSENT, Difference, apply
from .test_same_as_sdk import comparable

FIXTURES = Path(__file__).parent / "fixtures"
_TAKEN = "Arguments.ProcessingInputs[]"
_MADE = "Arguments.ProcessingOutputConfig.Outputs[]"
_CODE = "s3://my-bucket/churn/code/<sha256>"
_JOB = "s3://my-bucket/sagemaker-spark-processing-<time>/input"
_HASHED = "ours is a folder under its content hash, so that the service's cache finds the same code"
DIFFERENCES = (
    Difference("2", "Processing", f"{_TAKEN}.AppManaged", False, ABSENT, "false is the service's default"),
    Difference("2", "Processing", f"{_MADE}.AppManaged", False, ABSENT, "false is the service's default"),
    Difference("23", "Processing", f"{_TAKEN}.S3Input.S3CompressionType", "None", ABSENT, "it is for pipes"),
    Difference("23", "Processing", "Arguments.Environment", {}, ABSENT, "an empty container, which says nothing"),
    Difference("23", "Processing", f"{_TAKEN}.S3Input.S3Uri", f"{_JOB}/code/features.py", _CODE, _HASHED),
    Difference("23", "Processing", f"{_TAKEN}.S3Input.S3Uri", f"{_JOB}/py-files", _CODE, _HASHED),
    Difference("23", "Processing", f"{_TAKEN}.S3Input.S3Uri", f"{_JOB}/jars", _CODE, _HASHED),
    Difference(
        "23", "Processing", f"{_TAKEN}.S3Input.S3Uri",
        "s3://my-bucket/churn/features/input/conf/<sha256>/configuration.json", f"{_CODE}/configuration.json", _HASHED,
    ),
    Difference("2", "Processing", f"{_MADE}.OutputName", "output-2", "spark-event-logs", "the name that v3 gives it"),
    Difference(
        "23", "Processing", f"{_MADE}.S3Output.S3Uri", spark_step.CLEAN,
        "s3://my-bucket/churn/${Execution.PipelineExecutionId}/features/output/clean", "outputs are each execution's own",
    ),
)  # fmt: skip


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The user's files, in the working directory."""
    spark_step.write_files(tmp_path)
    monkeypatch.chdir(tmp_path)


def ours() -> tuple[Any, Any]:
    pipe = Pipeline("churn").spark(
        "features.py",  # which brings ratio.py, as it imports it
        access="file",
        inputs={"raw": spark_step.RAW},
        outputs={"clean": ProcessingOutput},
        arguments=spark_step.ARGUMENTS,
        jars=[spark_step.LIBRARY, "codec.jar"],
        configuration=spark_step.CONFIGURATION,
        spark_event_logs_uri=spark_step.EVENTS,
        framework_version="3.5",
        py_version="py312",
        container_version="1.0",
    )
    definition = pipe.materialize(role=spark_step.ROLE, bucket=spark_step.BUCKET, region="us-east-1")
    return definition, definition.document["Steps"][0]


def known(major: str) -> Any:
    return json.loads((FIXTURES / f"spark_v{major}.json").read_text())


@pytest.mark.parametrize("major", ["2", "3"])
def test_a_step_of_spark_is_what_the_sdk_writes_after_the_listed_differences(major: str) -> None:
    (theirs,) = known(major)["definition"]["Steps"]
    for difference in DIFFERENCES:
        if major in difference.sdk:
            changed = apply(difference, theirs)
            assert changed != theirs, f"no difference: {difference}"
            theirs = changed
    assert comparable(ours()[1]) == theirs


@pytest.mark.parametrize("major", ["2", "3"])
def test_the_files_that_are_shipped_are_those_of_the_sdk(major: str) -> None:
    def content(name: str, text: str) -> Any:
        return json.loads(text) if name.endswith(".json") else text

    theirs = {(name := uri.rpartition("/")[2]): content(name, text) for uri, text in known(major)["uploaded"].items()}
    shipped = {
        name: content(name, file.decode() if isinstance(file, bytes) else file.read_text())
        for asset in ours()[0].assets
        for name, file in asset.files.items()
    }
    assert shipped == theirs
