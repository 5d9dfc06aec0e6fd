"""Definitions as pipelines of the SDK: its classes, its graph, its own definition."""

from __future__ import annotations

import json
from importlib import import_module
from typing import Any

import pytest
from pytest_socket import disable_socket, enable_socket

from fluentpipe.definition import Definition
from fluentpipe.errors import DefinitionError
from fluentpipe.sdk import DEFAULTED, differences, installed, offline_session, sdk_pipeline

from .definitions import EDGES, EVERY_TYPE, WHERE, chain, every_type, written_by_the_sdk

SDK = installed()
DEFINITIONS = {"chain": chain().materialize(**WHERE), "every-type": every_type(), **written_by_the_sdk()}
CHAIN_EDGES = {
    "data_loading": ["tabular_preprocessing"],
    "tabular_preprocessing": ["model_evaluation", "xgboost_training"],
    "xgboost_training": ["model_evaluation", "model_registration"],
    "model_evaluation": ["model_registration", "quality_gate"],
    "quality_gate": ["model_registration", "quality_gate_failed"],
    "model_registration": [],
    "quality_gate_failed": [],
}


def edges(pipeline: Any) -> dict[str, list[str]]:
    """What the SDK's own graph sees."""
    graph = import_module(SDK.Pipeline.__module__).PipelineGraph.from_pipeline(pipeline)
    return {name: sorted(after) for name, after in graph.adjacency_list.items()}


@pytest.fixture(autouse=True)
def no_network(request):
    """Nothing at all is reached, and there are no credentials."""
    disable_socket(allow_unix_socket=True)
    yield
    enable_socket()


def test_the_definition_that_the_sdk_computes_is_ours_but_for_the_empty_mlflow_of_version_3(major, session):
    definition = chain().materialize(**WHERE)
    theirs = json.loads(chain().to_sagemaker(**WHERE, session=session).definition())
    if major == "3":
        assert theirs.pop("MlflowConfig") is None
    assert theirs == definition.document


@pytest.mark.parametrize("name", DEFINITIONS)
def test_any_definition_goes_through_the_sdk_unchanged(name, session):
    definition = DEFINITIONS[name]
    theirs = json.loads(sdk_pipeline(definition, session=session).definition())
    assert list(differences(definition.document, theirs)) == []


def test_there_are_definitions_of_both_majors_among_them():
    assert {"v2", "v3", "run_v2_algorithm", "run_v3_drivers"} <= DEFINITIONS.keys()


def test_the_graph_of_the_sdk_sees_every_dependency(session):
    assert edges(sdk_pipeline(DEFINITIONS["chain"], session=session)) == CHAIN_EDGES
    assert edges(sdk_pipeline(DEFINITIONS["every-type"], session=session)) == EDGES


CLASSES = {
    "Prep": ("ProcessingStep", "ProcessingStep"),
    "Tune": ("TuningStep", "TuningStep"),
    "Model": ("CreateModelStep", "ModelStep"),
    "Score": ("TransformStep", "TransformStep"),
    "Ask": ("CallbackStep", "CallbackStep"),
    "Tell": ("LambdaStep", "LambdaStep"),
    "Gate": ("ConditionStep", "ConditionStep"),
}


def test_the_steps_are_of_the_classes_of_the_sdk(session):
    pipeline = sdk_pipeline(DEFINITIONS["every-type"], session=session)
    assert [step.name for step in pipeline.steps] == list(CLASSES)
    for step in pipeline.steps:
        assert isinstance(step, getattr(SDK, CLASSES[step.name][SDK.major - 2])), step.name
    gate = pipeline.steps[-1]
    assert [type(each).__name__ for each in gate.conditions] == ["ConditionGreaterThanOrEqualTo", "ConditionOr"]
    assert isinstance(gate.if_steps[0], SDK.ConditionStep)
    assert isinstance(gate.else_steps[0], SDK.FailStep)
    assert isinstance(pipeline, SDK.Pipeline)


def test_a_reference_is_the_properties_object_of_the_very_step_that_it_leads_to(session):
    pipeline = sdk_pipeline(DEFINITIONS["chain"], session=session)
    prepared, trained = pipeline.steps[1:3]
    uri = trained.arguments["InputDataConfig"][0]["DataSource"]["S3DataSource"]["S3Uri"]
    assert uri is prepared.properties.ProcessingOutputConfig.Outputs["train_data"].S3Output.S3Uri
    assert uri._referenced_steps == [prepared]
    assert trained.properties.ModelArtifacts.S3ModelArtifacts.expr == {
        "Get": "Steps.xgboost_training.ModelArtifacts.S3ModelArtifacts"
    }


def test_what_a_user_of_the_sdk_changes_on_a_step_is_in_the_definition(session):
    pipeline = sdk_pipeline(DEFINITIONS["chain"], session=session)
    load, _, trained, *_ = pipeline.steps
    trained.cache_config = SDK.CacheConfig(enable_caching=False)
    trained.add_depends_on([load])
    load.display_name = "Load"
    steps = {step["Name"]: step for step in json.loads(pipeline.definition())["Steps"]}
    assert steps["xgboost_training"]["CacheConfig"] == {"Enabled": False}
    assert steps["xgboost_training"]["DependsOn"] == ["data_loading"]
    assert steps["data_loading"]["DisplayName"] == "Load"
    assert "xgboost_training" in edges(pipeline)["data_loading"]


def test_a_step_of_the_users_own_can_be_added_behind_ours(session):
    pipeline = sdk_pipeline(DEFINITIONS["chain"], session=session)
    message = SDK.Join(on=" ", values=["trained", pipeline.steps[2].properties.TrainingJobName])
    pipeline.steps.append(SDK.FailStep(name="enough", error_message=message))
    assert edges(pipeline)["xgboost_training"] == ["enough", "model_evaluation", "model_registration"]


@pytest.mark.parametrize("row", DEFAULTED, ids=lambda row: row.path)
def test_no_default_is_listed_that_the_sdk_does_not_write(row, session):
    """A row that is not needed would hide a later difference."""
    stop = {"Name": "Stop", "Type": "Fail", "Arguments": {}}
    gate = {"Name": "Gate", "Type": "Condition", "Arguments": {}}
    for document in (EVERY_TYPE, {"Version": "2020-12-01", "Steps": [stop, gate]}):
        theirs = json.loads(sdk_pipeline(Definition("some", document, diagnostics=()), session=session).definition())
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("fluentpipe.sdk.outward.DEFAULTED", [each for each in DEFAULTED if each is not row])
            if list(differences(document, theirs)):
                return
    assert row.path == "MlflowConfig", row
    assert SDK.major == 2  # version 3 alone has it


def test_what_the_sdk_cannot_say_is_told_with_its_place(session):
    document = {
        **EVERY_TYPE,
        "Parameters": [{"Name": "Count", "Type": "Integer", "DefaultValue": 1, "EnumValues": [1, 2]}],
    }
    document["Steps"] = EVERY_TYPE["Steps"][1:2]
    document["Steps"][0]["Arguments"] = {"Count": {"Get": "Parameters.Count"}}
    with pytest.raises(DefinitionError, match=r"\$\.Parameters\[0\]\.EnumValues: \[1, 2\] here, nothing by the SDK"):
        sdk_pipeline(Definition("some", document, diagnostics=()), session=session)


def test_a_type_of_step_that_the_sdk_does_not_have_is_told(session):
    document = {"Version": "2020-12-01", "Steps": [{"Name": "New", "Type": "Brand-new", "Arguments": {}}]}
    with pytest.raises(
        DefinitionError, match=r"step 'New' is of type 'Brand-new', which <SageMaker SDK .*> does not have"
    ):
        sdk_pipeline(Definition("some", document, diagnostics=()), session=session)


def test_a_reference_to_nothing_is_told(session):
    document = {
        "Version": "2020-12-01",
        "Steps": [{"Name": "A", "Type": "Fail", "Arguments": {"ErrorMessage": {"Get": "Parameters.None"}}}],
    }
    with pytest.raises(DefinitionError, match=r"'Parameters\.None' leads to nothing"):
        sdk_pipeline(Definition("some", document, diagnostics=()), session=session)


def test_it_is_made_with_any_session_of_the_users(tmp_path):
    session = offline_session(tmp_path, bucket="my-bucket", region="eu-west-1")
    pipeline = chain().to_sagemaker(role=WHERE["role"], bucket="my-bucket", session=session)
    assert pipeline.sagemaker_session is session
    assert ".eu-west-1.amazonaws.com" in pipeline.definition()


def test_a_pipeline_without_a_session_gets_one_that_looks_for_no_credentials(monkeypatch):
    """Looking for them asks the metadata service of EC2, among others."""
    monkeypatch.setattr("botocore.credentials.CredentialResolver.load_credentials", lambda _: pytest.fail("looked"))
    pipeline = chain().to_sagemaker(**WHERE)
    assert pipeline.sagemaker_session.boto_region_name == "us-east-1"
    assert json.loads(pipeline.definition())["Steps"]


def test_no_telemetry_is_sent_by_defining(telemetry, session):
    sdk_pipeline(DEFINITIONS["chain"], session=session).definition()
    assert telemetry == []
