"""Pipelines and steps that were written with the SDK, loaded, wrapped, mixed with ours, and run here."""

from __future__ import annotations

import copy
import json
import pickle
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import runnable
from pytest_socket import disable_socket, enable_socket
from run_written import write_rows

from fluentpipe import (
    CustomProperty,
    Definition,
    ModelArtifacts,
    OutputSpec,
    Parameter,
    Pipeline,
    PropertyReference,
    TestData,
    TrainingData,
    ValidationData,
)
from fluentpipe.errors import FluentpipeError, ResolveError, SettingError
from fluentpipe.run import run as run_definition
from fluentpipe.sdk import SdkStep, accept_references, differences, installed

SDK = installed()
MODES = runnable.MODES[str(SDK.major)]  # in which a training may name its program
KINDS = {"Prep": {"train": TrainingData, "validation": ValidationData, "test": TestData}}


@pytest.fixture(autouse=True)
def no_network():
    disable_socket(allow_unix_socket=True)
    yield
    enable_socket()


@pytest.fixture
def written(by_hand: ModuleType, bucket: Path) -> Any:
    """The pipeline that was written by hand."""
    return by_hand.pipeline("algorithm", bucket)


@pytest.fixture
def maps(bucket: Path, tmp_path: Path) -> dict[str, Any]:
    """What stands for the bucket and for the rows in it."""
    return {"s3://my-bucket/raw": write_rows(tmp_path / "raw"), "s3://my-bucket": bucket}


def by_name(document: Any) -> Any:
    """A document whose parameters are in the order of their names: the only difference that does not count."""
    return {**document, "Parameters": sorted(document["Parameters"], key=lambda each: each["Name"])}


# ---- a whole pipeline --------------------------------------------------------------------------------------------------


def test_a_pipeline_of_the_sdk_loads_as_a_definition_and_checks_clean(written):
    definition = Definition.load(written)
    assert definition.name == "churn-by-hand"
    assert [entry.name for entry in definition.steps()][:4] == ["Prep", "Train", "Evaluate", "CheckAuc"]
    assert [each for each in definition.diagnostics if each.severity == "error"] == []


def test_each_step_of_a_pipeline_is_wrapped_into_a_chain_and_wired_as_the_sdk_wired_it(written, major):
    pipe = Pipeline.from_sagemaker(written, outputs=KINDS)
    last = "Register" if major == "3" else "Register-RegisterModel"
    assert [step.name for step in pipe.steps] == ["Prep", "Train", "Evaluate", "CheckAuc", last]
    assert all(isinstance(step, SdkStep) for step in pipe.steps)
    text = str(pipe.explain())
    assert "train <- Prep.train  1.00  given" in text
    assert f"{last}  (SdkRegisterModel_{last.replace('-', '_')}, only if CheckAuc passes)" in text
    assert pipe.outputs.Prep.train.kind is TrainingData
    assert pipe.outputs.Train.model_artifacts.kind is ModelArtifacts
    assert {name: each.default for name, each in pipe.parameters.items()} == {
        "InputData": "s3://my-bucket/raw",
        "ProcessingInstanceCount": 1,
        "AucThreshold": 0.8,
    }


def _without_times(document):
    """SDK 3 uploads code under the name of a job with the second of the call, which a slow machine sees passing."""
    return json.loads(re.sub(r"-20\d{12}(?=/)", "-TIME", json.dumps(document)))


@pytest.mark.parametrize("mode", MODES)
def test_a_wrapped_pipeline_materializes_to_what_the_sdk_writes(mode, by_hand, bucket):
    written = by_hand.pipeline(mode, bucket)
    ours = by_name(Pipeline.from_sagemaker(written).materialize().document)
    theirs = by_name(Definition.load(written).document)
    places = list(differences(_without_times(ours), _without_times(theirs)))
    # What is added: the JSON file under the output's own name; what is left out: empty containers, false for nothing.
    assert [place for place in places if "PropertyFiles" not in place and "nothing here" not in place] == []
    empty = [place for place in places if "nothing here" in place]
    assert all(place.endswith(("{} by the SDK", "[] by the SDK", "null by the SDK")) for place in empty), empty


@pytest.mark.parametrize("as_steps", [False, True], ids=["as it is", "with its steps wrapped"])
@pytest.mark.parametrize("mode", MODES)
def test_a_pipeline_of_the_sdk_runs_here_to_a_registered_model(mode, by_hand, bucket, as_steps, maps, tmp_path):
    written = by_hand.pipeline(mode, bucket)
    if as_steps:
        run = Pipeline.from_sagemaker(written, outputs=KINDS).run(maps=maps, home=tmp_path / "home", echo=None)
    else:
        Definition.load(written).write(tmp_path / "bundle")
        run = run_definition(Definition.load(tmp_path / "bundle"), maps=maps, home=tmp_path / "home", echo=None)
    assert run.status == "Succeeded"
    (model,) = run.models
    assert (model.group, model.version) == ("churn-by-hand", 1)
    assert "auc 0.9" in run.steps["Evaluate"].log.read_text()


def test_the_gate_of_a_wrapped_pipeline_holds_back(written, maps, tmp_path):
    pipe = Pipeline.from_sagemaker(written)
    with pytest.raises(FluentpipeError, match=r"AUC below 1\.1"):
        pipe.run(maps=maps, home=tmp_path / "home", echo=None, parameters={"AucThreshold": 1.1})


def test_a_wrapped_pipeline_goes_back_to_the_sdk(written, session):
    pipe = Pipeline.from_sagemaker(written)
    back = pipe.to_sagemaker(role="arn:aws:iam::111122223333:role/SageMakerRole", bucket="my-bucket", session=session)
    assert json.loads(back.definition())["Steps"] == list(pipe.materialize().document["Steps"])


def test_the_order_in_which_the_steps_are_listed_does_not_matter(written):
    written.steps.reverse()
    assert [step.name for step in Pipeline.from_sagemaker(written).steps][:4] == [
        "Prep",
        "Train",
        "Evaluate",
        "CheckAuc",
    ]


def test_a_step_whose_output_is_used_comes_along_as_in_the_sdk(written):
    prep, trained, *_ = written.steps
    assert [step.name for step in Pipeline("some").sdk_step(trained).steps] == [prep.name, trained.name]


# ---- mixed ---------------------------------------------------------------------------------------------------------------


def chain(*steps: Any) -> Any:
    """The steps of the SDK at the beginning of a chain."""
    pipe: Any = Pipeline("mixed")
    for step in steps:
        pipe = pipe.sdk_step(step, outputs=KINDS.get(step.name))
    return pipe


def test_the_outputs_of_a_native_step_wire_like_any_others_of_their_kind(written):
    pipe = chain(written.steps[0]).train_xgboost(max_depth=3)
    step = next(each for each in pipe.materialize().steps() if each.name == "xgboost_training")
    uris = {
        each["ChannelName"]: each["DataSource"]["S3DataSource"]["S3Uri"] for each in step.arguments["InputDataConfig"]
    }
    assert uris == {
        "train": {"Get": "Steps.Prep.ProcessingOutputConfig.Outputs['train'].S3Output.S3Uri"},
        "validation": {"Get": "Steps.Prep.ProcessingOutputConfig.Outputs['validation'].S3Output.S3Uri"},
    }


def test_the_inputs_of_a_native_step_are_wired_by_the_resolver_where_it_is_told_what_they_take(written):
    base = Pipeline("mixed").load_data("s3://my-bucket/raw", label="churn").preprocess()
    pipe = base.sdk_step(written.steps[1], takes={"train": TrainingData, "validation": ValidationData})
    assert [step.name for step in pipe.steps] == ["data_loading", "tabular_preprocessing", "Train"]
    bindings = {each.input: each.label for each in pipe.explain() if each.step == "Train"}
    assert bindings == {
        "train": "tabular_preprocessing.train_data",
        "validation": "tabular_preprocessing.validation_data",
    }
    document = json.dumps(pipe.materialize().document)
    assert "Steps.Prep." not in document


def test_references_of_ours_stand_in_objects_of_the_sdk(written, by_hand, major):
    base = chain(*written.steps[:2])
    model, test = base.outputs.Train.model_artifacts, base.outputs.Prep.test
    assert isinstance(model, SDK.PipelineVariable)
    session = written.sagemaker_session
    evaluated = processing_step(by_hand, major, session, "Again", {"model": model, "test": test})
    pipe = base.sdk_step(evaluated)
    bindings = {each.label for each in pipe.explain() if each.step == "Again"}
    assert bindings == {"Train.model_artifacts", "Prep.test"}
    again = next(each for each in pipe.materialize().steps() if each.name == "Again")
    uris = [each["S3Input"]["S3Uri"] for each in again.arguments["ProcessingInputs"]]
    assert {"Get": "Steps.Train.ModelArtifacts.S3ModelArtifacts"} in uris


def processing_step(by_hand: Any, major: str, session: Any, name: str, inputs: Any) -> Any:
    """A step of the SDK that evaluates a model."""
    processor = by_hand.ScriptProcessor(
        image_uri="image", command=["python3"], role=by_hand.runnable.ROLE, instance_type="ml.m5.large",
        instance_count=1, sagemaker_session=session,
    )  # fmt: skip
    place = "/opt/ml/processing"
    if major == "2":
        taken = [
            by_hand.ProcessingInput(source=uri, destination=f"{place}/{each}", input_name=each)
            for each, uri in inputs.items()
        ]
        made = [by_hand.ProcessingOutput(output_name="evaluation", source=f"{place}/evaluation")]
    else:
        taken = [
            by_hand.ProcessingInput(
                input_name=each,
                s3_input=by_hand.ProcessingS3Input(
                    s3_uri=uri, local_path=f"{place}/{each}", s3_data_type="S3Prefix", s3_input_mode="File"
                ),
            )
            for each, uri in inputs.items()
        ]
        output = by_hand.ProcessingS3Output(
            s3_uri="s3://my-bucket/again", local_path=f"{place}/evaluation", s3_upload_mode="EndOfJob"
        )
        made = [by_hand.ProcessingOutput(output_name="evaluation", s3_output=output)]
    arguments = processor.run(
        code=str(by_hand.runnable.PROGRAMS / "evaluate.py"), inputs=taken, outputs=made, arguments=["--x", "1"]
    )
    return by_hand.ProcessingStep(name=name, step_args=arguments)


def test_pipeline_variables_of_the_sdk_stand_in_settings_and_inputs_of_ours(written):
    depth = SDK.ParameterInteger("depth", 6)
    prep = written.steps[0]
    train = prep.properties.ProcessingOutputConfig.Outputs["train"].S3Output.S3Uri
    folder = SDK.Join(on="/", values=["s3://my-bucket", SDK.ExecutionVariable("PipelineExecutionId")])
    pipe = (
        chain(prep)
        .provide(ValidationData, SDK.Join(on="/", values=[folder, "validation"]))
        .train_xgboost(training_data=train, max_depth=depth, environment={"PLACE": folder}, name="trained")
    )
    step = pipe.steps[-1]
    assert step.max_depth is Parameter("depth", 6)
    assert pipe.parameters["depth"] is Parameter("depth", 6)
    arguments = next(each for each in pipe.materialize().steps() if each.name == "trained").arguments
    assert arguments["InputDataConfig"][0]["DataSource"]["S3DataSource"]["S3Uri"] == train.expr
    assert arguments["Environment"]["PLACE"] == folder.expr
    assert pipe.materialize().parameters["depth"] == {"Name": "depth", "Type": "Integer", "DefaultValue": 6}


def test_a_condition_step_of_the_sdk_opens_a_scope_like_require(written):
    pipe = Pipeline.from_sagemaker(written)
    gate = written.steps[-1]
    base = chain(*written.steps[:3]).sdk_step(gate)
    after = base.evaluate_performance(
        model_artifacts=base.outputs.Train.model_artifacts, test_data=base.outputs.Prep.test
    )
    assert [each.scope for each in after.materialize().steps() if each.name == "model_evaluation"] == [
        (("CheckAuc", "If"),)
    ]
    outside = pipe.evaluate_performance(
        model_artifacts=pipe.outputs.Train.model_artifacts, test_data=pipe.outputs.Prep.test
    )
    assert [each.scope for each in outside.materialize().steps() if each.name == "model_evaluation"] == [()]


def test_what_lies_under_a_condition_of_the_sdk_cannot_be_used_outside(written, major):
    pipe = Pipeline.from_sagemaker(written)
    package = pipe.outputs.get("Register" if major == "3" else "Register-RegisterModel", "model_package_arn")
    with pytest.raises(ResolveError, match="CheckAuc"):
        pipe.train_xgboost(training_data="s3://my-bucket/x", environment={"PACKAGE": package}, name="after")


def test_a_figure_of_a_report_of_a_native_step_is_read_by_a_gate_of_ours(written, maps, tmp_path):
    base = chain(*written.steps[:3])
    auc = base.outputs.Evaluate.evaluation.json("binary_classification_metrics.auc.value")
    pipe = base.require(auc >= 0.8, name="gate").register(
        "churn-by-hand", model_artifacts=base.outputs.Train.model_artifacts
    )
    assert pipe.run(maps=maps, home=tmp_path / "home", echo=None).models[0].version == 1


def test_a_requirement_of_ours_limits_a_training_of_the_sdk(written):
    pipe = chain(*written.steps[:2]).require(max_training_time="1 hour")
    train = next(each for each in pipe.materialize().steps() if each.name == "Train")
    assert train.arguments["StoppingCondition"]["MaxRuntimeInSeconds"] == 3600


def test_a_wrapped_step_is_frozen_equal_to_itself_and_can_be_kept(written):
    step = chain(written.steps[0]).steps[0]
    assert pickle.loads(pickle.dumps(step)) == step == copy.copy(step)
    with pytest.raises(AttributeError, match="frozen"):
        step.name = "Other"
    assert repr(step) == "SdkProcessing('Prep')"


def test_merging_two_branches_of_native_steps_keeps_the_shared_ones_once(written):
    base = chain(written.steps[0])
    both = base.train_xgboost(name="one").merge(base.train_xgboost(name="two"))
    assert [step.name for step in both.steps] == ["Prep", "one", "two"]


def test_an_output_that_cannot_be_inferred_is_declared_in_full(written):
    job = OutputSpec("job_arn", CustomProperty, "ProcessingJobArn")
    pipe = Pipeline("some").sdk_step(written.steps[0], outputs={"job_arn": job})
    assert pipe.outputs.Prep.job_arn.to_request() == {"Get": "Steps.Prep.ProcessingJobArn"}


# ---- mistakes ------------------------------------------------------------------------------------------------------------

MISTAKES = {
    "an output that there is not": (
        lambda pipe, steps: pipe.sdk_step(steps[0], outputs={"trian": TrainingData}),
        r"step 'Prep' has no output 'trian'. Did you mean 'train'\? It has train, validation, test",
    ),
    "an input that there is not": (
        lambda pipe, steps: pipe.sdk_step(steps[1], takes={"training": TrainingData}),
        r"step 'Train' has no input 'training'. Did you mean 'train'\? It has train, validation",
    ),
    "no step at all": (lambda pipe, steps: pipe.sdk_step("Train"), "str is no step of <SageMaker SDK"),
    "nothing that fits": (
        lambda pipe, steps: pipe.sdk_step(steps[1], takes={"train": TestData, "validation": ValidationData}),
        r"sdk_step needs TestData for its input 'train'",
    ),
    "a name twice": (
        lambda pipe, steps: pipe.sdk_step(steps[0]).load_data("s3://my-bucket/x", name="Prep"),
        "has a step 'Prep' already",
    ),
    "a step that waits for one that there is not": (
        lambda pipe, steps: pipe.sdk_step(depending(steps[0], "Nowhere")),
        "cannot write step 'Prep': .*Nowhere",
    ),
}


def depending(step: Any, name: str) -> Any:
    step.add_depends_on([name])
    return step


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told_at_the_call(mistake, written):
    call, message = MISTAKES[mistake]
    with pytest.raises(FluentpipeError, match=message):
        call(Pipeline("some"), written.steps)


def test_kinds_for_a_step_that_there_is_not_are_told(written):
    with pytest.raises(SettingError, match=r"there is no step 'prep'. Did you mean 'Prep'\?"):
        Pipeline.from_sagemaker(written, outputs={"prep": {}})


def test_a_dependency_on_a_step_of_ours_by_its_name_is_kept(written):
    prep = depending(written.steps[0], "data_loading")
    pipe = Pipeline("some").load_data("s3://my-bucket/x", label="y").sdk_step(prep)
    step = next(each for each in pipe.materialize().steps() if each.name == "Prep")
    assert step.request["DependsOn"] == ["data_loading"]


def test_references_are_variables_of_the_sdk_however_often_it_is_said():
    accept_references(SDK)
    reference = PropertyReference("Train", "ModelArtifacts.S3ModelArtifacts")
    assert reference.expr == {"Get": "Steps.Train.ModelArtifacts.S3ModelArtifacts"}
    assert reference._referenced_steps == ["Train"]
    assert isinstance(SDK.Join(on="/", values=[reference, "x"]).expr, dict)


def test_no_telemetry_is_sent_by_wrapping(written, telemetry):
    before = len(telemetry)  # of the user's own processors and estimators
    Pipeline.from_sagemaker(written)
    assert len(telemetry) == before
