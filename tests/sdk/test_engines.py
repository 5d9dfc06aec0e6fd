"""Steps of EMR, of EMR Serverless and of notebooks compared with what the SageMaker SDK's own classes write for them."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from fluentpipe import Pipeline, RawData

from .differences import ABSENT, Difference, apply
from .test_same_as_sdk import FIXTURES, canonical_text, comparable

STEPS = ("on_cluster", "new_cluster", "serverless", "query", "explore")
_PROGRAMS = Path(__file__).parents[1] / "programs" / "notebook"
_CODE = "Arguments.InputDataConfig[].DataSource.S3DataSource.S3Uri"
DIFFERENCES = (
    Difference(
        *("23", "Training", _CODE, "s3://my-bucket/churn/explore/input-<time>", "s3://my-bucket/churn/code/<sha256>"),
        "a time in a place changes the definition at every call; ours is named by the content",
    ),
    Difference(
        *("23", "Training", "Arguments.TrainingJobName", "explore", ABSENT),
        "Pipelines names the jobs, as all others; their names are what a policy may be narrowed to",
    ),
    Difference(
        *("23", "Training", "Arguments.Environment.SM_OUTPUT_NOTEBOOK_NAME", "explore.ipynb", "explore-executed.ipynb"),
        "both lie in one folder: under one name, the executed notebook would take the place of the other",
    ),
)


@lru_cache(maxsize=1)
def ours() -> dict[str, Any]:
    spark = "arn:aws:iam::111122223333:role/Spark"
    machines = [{"InstanceRole": "MASTER", "InstanceType": "m5.xlarge", "InstanceCount": 1}]
    cluster = {"ReleaseLabel": "emr-7.5.0", "Instances": {"InstanceGroups": machines}}
    role: dict[str, Any] = {"execution_role": spark}
    pipe: Any = (
        Pipeline("churn")
        .emr(
            arguments=["spark-submit", "s3://my-bucket/thin.py"], inputs={"raw": "s3://my-bucket/raw"}, outputs={"rows": RawData},
            cluster_id="j-1", **role, name="on_cluster",
        )
        .emr("s3://my-bucket/a.jar", main_class="a.B", properties={"a": "b"}, cluster_config=cluster, cache="P1D", name="new_cluster")
        .emr_serverless(
            "s3://my-bucket/thin.py", **role, arguments=["--share", 0.5], application_id="00f1", max_runtime=3600, tags={"team": "x"},
            spark_parameters="--conf a=b", name="serverless",
        )
        .emr_serverless(hive={"query": "SELECT 1"}, **role, application_config={"releaseLabel": "emr-7.5.0", "type": "HIVE"}, name="query")
        .notebook(
            _PROGRAMS / "explore.ipynb", image_uri="885854791233.dkr.ecr.us-east-1.amazonaws.com/sagemaker-distribution-prod:3.2.0-cpu",
            parameters={"least": 500}, environment={"WHO": "me"}, files=[_PROGRAMS / "beside.py"], init_script=_PROGRAMS / "init.sh",
            vpc={"subnets": ["subnet-1"], "security_groups": ["sg-1"]}, tags={"team": "x"}, output_kms_key="alias/out",
            volume_kms_key="alias/volumes",
        )
    )  # fmt: skip
    role_arn = "arn:aws:iam::111122223333:role/SageMakerRole"
    document = pipe.materialize(role=role_arn, bucket="my-bucket", region="us-east-1").document
    return {each["Name"]: each for each in comparable(document["Steps"])}


def theirs(major: str) -> dict[str, Any]:
    return {
        each["Name"]: each
        for each in comparable(json.loads((FIXTURES / f"engines_v{major}.json").read_text())["Steps"])
    }


@pytest.mark.parametrize(("major", "name"), [(major, name) for major in "23" for name in theirs(major)])
def test_a_step_is_what_the_sdk_writes_after_the_listed_differences(major: str, name: str) -> None:
    step = theirs(major)[name]
    for difference in DIFFERENCES if step["Type"] == "Training" else ():
        changed = apply(difference, step)
        assert changed != step, f"not so any more: {difference}"
        step = changed
    assert canonical_text(ours()[name]) == canonical_text(step)


def test_each_step_has_been_compared() -> None:
    assert set(theirs("3")) == set(STEPS)
    assert set(STEPS) - set(theirs("2")) == {"serverless", "query"}  # version 2 has no such class
