"""The service's checks compared with what the SageMaker SDK's own classes write for them, and for Clarify."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

import pytest

from fluentpipe import ModelName, Pipeline, Predictions, RawData

from .differences import ABSENT, Difference, apply
from .test_same_as_sdk import FIXTURES, MAJORS, canonical_text, comparable

CHECKS = ("data_quality_check", "model_quality_check", "data_bias_check", "model_bias_check", "explainability_check")
_UNSET = ("ModelPackageGroupName", "SuppliedBaselineStatistics", "SuppliedBaselineConstraints")
_INPUTS, _OUTPUTS = "Arguments.ProcessingInputs[]", "Arguments.ProcessingOutputConfig.Outputs[]"
_FALSE = "false is the service's default"


def _differences(name: str) -> list[Difference]:
    """Every difference between a step of the SDK and ours, with its reason; there are no others."""
    kind = "QualityCheck" if "quality" in name else "ClarifyCheck"
    written = "s3://my-bucket/churn/${Execution.PipelineExecutionId}/" + f"{name}/output"
    theirs = f"s3://my-bucket/churn/{name}"
    config = "s3://my-bucket/churn/code/<sha256>/analysis_config.json"
    return [
        *(Difference("23", kind, member, None, ABSENT, "null is no value") for member in _UNSET),
        Difference("2", kind, f"{_INPUTS}.AppManaged", False, ABSENT, _FALSE),
        Difference("2", kind, f"{_OUTPUTS}.AppManaged", False, ABSENT, _FALSE),
        Difference(
            "2", kind, f"{_INPUTS}.S3Input.S3CompressionType", "None", ABSENT, "it is for S3InputMode Pipe only"
        ),
        Difference(
            *("3", kind, f"{_INPUTS}.S3Input.S3DataDistributionType", ABSENT, "FullyReplicated"),
            "said, as for other processing jobs: the service's model names no default",
        ),
        Difference("23", kind, f"{_OUTPUTS}.S3Output.S3Uri", theirs, written, "executions never overwrite each other"),
        Difference(
            *("23", kind, f"{_INPUTS}.S3Input.S3Uri", f"{theirs}/analysis_config.json", config),
            "files that are made are named by their content",
        ),
    ]


@lru_cache(maxsize=1)
def ours() -> Any:
    bias: dict[str, Any] = {"positive": "Yes", "label": "churn", "group_variable": "contract"}
    facet, headers = {"gender": "Female"}, ["gender", "tenure", "churn"]
    renewed: dict[str, Any] = {"group": "churn-models", "register_new_baseline": True}
    given = Pipeline("churn").provide(RawData, "s3://my-bucket/churn.csv").provide(ModelName, "churn-model")
    pipe = (
        given.provide(Predictions, "s3://my-bucket/predictions.csv")
        .check_quality(baseline="s3://my-bucket/churn")
        .check_model_quality("binary", threshold=0.4, **renewed)
        .check_bias(facet, **bias, metrics=["CI", "DPL"], baseline_constraints="s3://my-bucket/churn/constraints.json")
        .check_model_bias(facet, **bias, headers=headers, **renewed)
        .check_explainability(label="churn", headers=headers, num_samples=100, num_clusters=3, seed=1, **renewed)
    )
    return pipe.materialize(role="arn:aws:iam::111122223333:role/SageMakerRole", bucket="my-bucket", region="us-east-1")


def theirs(major: str) -> Any:
    return json.loads((FIXTURES / f"checks_v{major}.json").read_text())


@pytest.mark.parametrize("major", MAJORS)
@pytest.mark.parametrize("name", CHECKS)
def test_a_check_is_what_the_sdk_writes_after_the_listed_differences(name: str, major: str) -> None:
    (step,) = [each for each in comparable(theirs(major)["Steps"]) if each["Name"] == name]
    for difference in _differences(name):
        if major in difference.sdk:
            changed = apply(difference, step)
            unused = difference.path.startswith(("ModelPackage", "Supplied")) or "analysis_config" in str(
                difference.theirs
            )
            assert changed != step or unused, f"not so any more: {difference}"
            step = changed
    (mine,) = [each for each in comparable(ours().document["Steps"]) if each["Name"] == name]
    assert canonical_text(mine) == canonical_text(step)


@pytest.mark.parametrize("major", MAJORS)
def test_clarify_is_told_what_the_sdk_tells_it(major: str) -> None:
    told = {}
    for entry in ours().steps():
        inputs = {each["InputName"]: each["S3Input"]["S3Uri"] for each in entry.arguments["ProcessingInputs"]}
        folder, _, file = inputs.get("analysis_config", "").rpartition("/")
        for asset in ours().assets:
            if asset.uri == folder:
                told[entry.name] = json.loads(asset.files[file])
    assert told == theirs(major)["analysis"]
