"""`upsert` and `start` of the SDK, on a pipeline of ours, against moto's server over HTTP, from an empty account."""

from __future__ import annotations

import json
import urllib.request

import boto3
import pytest

from fluentpipe.errors import DefinitionError
from fluentpipe.sdk import installed

from .definitions import BUCKET, ROLE, WHERE, chain

pytestmark = pytest.mark.enable_socket


@pytest.fixture(autouse=True)
def account(moto_server, monkeypatch):
    """An empty account with a role and a bucket."""
    urllib.request.urlopen(urllib.request.Request(f"{moto_server}/moto-api/reset", method="POST")).close()
    for name, value in {
        "AWS_ENDPOINT_URL": moto_server, "AWS_ACCESS_KEY_ID": "made-up", "AWS_SECRET_ACCESS_KEY": "made-up",
        "SAGEMAKER_VALIDATE_ROLE": "false",  # moto cannot simulate policies
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    boto3.client("s3").create_bucket(Bucket=BUCKET)


def keys():
    return {each["Key"] for each in boto3.client("s3").list_objects_v2(Bucket=BUCKET).get("Contents", ())}


def deployed():
    return json.loads(boto3.client("sagemaker").describe_pipeline(PipelineName="churn")["PipelineDefinition"])


def test_a_pipeline_is_upserted_with_all_that_it_needs_and_started(telemetry):
    pipeline = chain().to_sagemaker(**WHERE)
    assert keys() == set()
    pipeline.upsert()
    described = boto3.client("sagemaker").describe_pipeline(PipelineName="churn")
    assert described["RoleArn"] == ROLE
    assert deployed() == json.loads(pipeline.definition())
    definition = chain().materialize(**WHERE)
    wanted = {f"{asset.uri}/{name}" for asset in definition.assets for name in asset.files}
    assert {f"s3://{BUCKET}/{key}" for key in keys()} == wanted
    execution = pipeline.start(parameters={"data": "s3://my-bucket/other.csv"})
    (listed,) = pipeline.list_executions()["PipelineExecutionSummaries"]
    assert execution.arn == listed["PipelineExecutionArn"]
    assert {"Name": "data", "Value": "s3://my-bucket/other.csv"} in execution.list_parameters()["PipelineParameters"]
    assert telemetry == []


def test_upserting_again_uploads_nothing_and_a_changed_chain_is_an_update():
    pipeline = chain().to_sagemaker(**WHERE)
    pipeline.upsert()
    assert pipeline.upload() == ()
    before = keys()
    chain().evaluate_performance(name="again").to_sagemaker(**WHERE).upsert()
    assert keys() == before
    assert "again" in json.dumps(deployed())


def test_a_subset_of_the_steps_can_be_started():
    """Selective execution names steps, which are ours."""
    module = __import__(
        f"sagemaker.{'mlops.' if installed().major == 3 else ''}workflow.selective_execution_config", fromlist=["x"]
    )
    pipeline = chain().to_sagemaker(**WHERE)
    pipeline.upsert()
    first = pipeline.start()
    sent = []
    pipeline.sagemaker_session.sagemaker_client.meta.events.register(
        "provide-client-params.sagemaker.StartPipelineExecution", lambda params, **_: sent.append(params)
    )
    pipeline.start(
        selective_execution_config=module.SelectiveExecutionConfig(
            selected_steps=["xgboost_training"], source_pipeline_execution_arn=first.arn
        )
    )
    assert sent[0]["SelectiveExecutionConfig"] == {
        "SelectedSteps": [{"StepName": "xgboost_training"}],
        "SourcePipelineExecutionArn": first.arn,
    }


def test_a_pipeline_without_role_and_bucket_is_for_looking_at_only():
    pipeline = chain().to_sagemaker()
    with pytest.raises(DefinitionError, match="made without role and bucket"):
        pipeline.upsert()
    assert keys() == set()
