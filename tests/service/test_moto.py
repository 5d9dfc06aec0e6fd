"""Every request of a definition, sent over HTTP to moto's SageMaker, and what moto says it then has."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import attrs
import pytest
from botocore.exceptions import ParamValidationError
from botocore.validate import ParamValidator

import fluentpipe.steps
from fluentpipe.definition import Definition
from fluentpipe.request import check_request
from fluentpipe.run.values import Values
from fluentpipe.step import Step

from . import pipelines

pytestmark = pytest.mark.xdist_group("moto")  # one server for all of them

# Members that moto takes but does not keep, so that they never come back; botocore's validator still sees them.
FORGOTTEN_BY_MOTO: Mapping[str, frozenset[str]] = {
    "Processing": frozenset(("Environment", "ProcessingResources", "Tags")),
    "Training": frozenset(("Environment", "RetryStrategy", "Tags")),
    "Tuning": frozenset(("Tags",)),
    "RegisterModel": frozenset(),
    "Model": frozenset(("Tags",)),
    "Transform": frozenset(("Tags",)),
    "QualityCheck": frozenset(("Environment", "ProcessingResources", "Tags")),
    "ClarifyCheck": frozenset(("Environment", "ProcessingResources", "Tags")),
}
OPERATIONS = {
    "Processing": "CreateProcessingJob",
    "Training": "CreateTrainingJob",
    "Tuning": "CreateHyperParameterTuningJob",
    "RegisterModel": "CreateModelPackage",
    "Model": "CreateModel",
    "Transform": "CreateTransformJob",
    "QualityCheck": "CreateProcessingJob",
    "ClarifyCheck": "CreateProcessingJob",
}
# What the service says of a check beside its job.
_BASELINES = {
    f"{which}{what}": f"s3://my-bucket/{what}.json"
    for which in ("CalculatedBaseline", "BaselineUsedForDriftCheck")
    for what in ("Statistics", "Constraints")
}
JOB_NAME = {
    "Processing": "ProcessingJobName",
    "Training": "TrainingJobName",
    "Tuning": "HyperParameterTuningJobName",
    "Model": "ModelName",
    "Transform": "TransformJobName",
    "QualityCheck": "ProcessingJobName",
    "ClarifyCheck": "ProcessingJobName",
}
_execution = itertools.count(1)


@attrs.frozen
class Sent:
    """A request as the service gets it, and the job that it made."""

    type: str  # of the step
    request: Mapping[str, Any]
    described: Mapping[str, Any]


@lru_cache(maxsize=8)
def materialized(make: Callable[[], Definition]) -> Definition:
    return make()


def send(client: Any, step_type: str, request: dict[str, Any]) -> Mapping[str, Any]:
    """Create and describe."""
    if step_type in ("QualityCheck", "ClarifyCheck"):
        return {**send(client, "Processing", request), **_BASELINES}
    if step_type == "Processing":
        client.create_processing_job(**request)
        return client.describe_processing_job(ProcessingJobName=request["ProcessingJobName"])
    if step_type == "Training":
        client.create_training_job(**request)
        return client.describe_training_job(TrainingJobName=request["TrainingJobName"])
    if step_type == "Tuning":
        client.create_hyper_parameter_tuning_job(**request)
        return client.describe_hyper_parameter_tuning_job(
            HyperParameterTuningJobName=request["HyperParameterTuningJobName"]
        )
    if step_type == "Model":
        client.create_model(**request)
        return client.describe_model(ModelName=request["ModelName"])
    if step_type == "Transform":
        client.create_transform_job(**request)
        return client.describe_transform_job(TransformJobName=request["TransformJobName"])
    known = {
        each["ModelPackageGroupName"] for each in client.list_model_package_groups()["ModelPackageGroupSummaryList"]
    }
    if request["ModelPackageGroupName"] not in known:
        # The service's own RegisterModel step makes the group where it does not exist.
        client.create_model_package_group(ModelPackageGroupName=request["ModelPackageGroupName"])
    arn = client.create_model_package(**request)["ModelPackageArn"]
    return client.describe_model_package(ModelPackageName=arn)


def execute(client: Any, definition: Definition) -> dict[str, Sent]:
    """Do what the service does with a definition: put in values for references, name the jobs, create them in order.

    A reference to a step's property is looked up in moto's own description of that step's job.
    """
    execution = f"exec{next(_execution):08}"
    values = Values(
        {name: each["DefaultValue"] for name, each in definition.parameters.items()},
        {"PipelineName": definition.name, "PipelineExecutionId": execution},
        property_file=pytest.fail,
        object_at=pytest.fail,
    )
    sent = {}
    for entry in definition.steps():
        if entry.type in OPERATIONS:
            request = values.resolve(entry.arguments)
            if entry.type in JOB_NAME:
                name = f"pipelines-{execution}-{entry.name.replace('_', '-')}"
                request[JOB_NAME[entry.type]] = name[-32:] if entry.type == "Tuning" else name
            described = send(client, entry.type, request)
            sent[entry.name] = Sent(entry.type, request, described)
            values.documents[entry.name] = described
    return sent


@pytest.fixture(scope="module")
def executed(client: Any) -> Callable[[Callable[[], Definition]], dict[str, Sent]]:
    done: dict[Any, dict[str, Sent]] = {}

    def once(make: Callable[[], Definition]) -> dict[str, Sent]:
        if make not in done:
            done[make] = execute(client, materialized(make))
        return done[make]

    return once


def every_setting_as_parameter() -> Definition:
    return pipelines.with_every_setting(parameters=True)


def learning_as_parameter() -> Definition:
    return pipelines.learning(parameters=True)


def monitoring_as_parameter() -> Definition:
    return pipelines.monitoring(parameters=True)


def checking_as_parameter() -> Definition:
    return pipelines.checking(parameters=True)


def anything_as_parameter() -> Definition:
    return pipelines.anything(parameters=True)


def engines_as_parameter() -> Definition:
    return pipelines.engines(parameters=True)


def serving_as_parameter() -> Definition:
    return pipelines.serving(parameters=True)


SPINE = ("data_loading", "tabular_preprocessing", "xgboost_training", "model_evaluation", "model_registration")
LEARNING = (
    *SPINE[:2],
    "xgboost_tuning",
    "hyperparameter_preparation",
    "sklearn_training",
    "lightgbm_training",
    "pytorch_training",
    "model_calibration",
)
MONITORING = ("data_loading", "data_baseline", "drift_check", "tabular_preprocessing")
SERVING = ("model_creation", "batch_transform", "model_scoring")
CHECKING = (
    *("model", "data_quality_check_rows", "data_quality_check", "model_quality_check_rows", "model_quality_check"),
    *("data_bias_check", "model_bias_check", "explainability_check", "model_registration"),
)
MADE: Mapping[Callable[[], Definition], tuple[str, ...]] = {
    pipelines.canonical: SPINE,
    pipelines.with_every_setting: SPINE,
    every_setting_as_parameter: SPINE,
    pipelines.learning: LEARNING,
    learning_as_parameter: LEARNING,
    pipelines.monitoring: MONITORING,
    monitoring_as_parameter: MONITORING,
    pipelines.serving: SERVING,
    serving_as_parameter: SERVING,
    checking_as_parameter: CHECKING,  # the same values, once they are put in
    pipelines.anything: ("preprocess", "features", "train"),
    anything_as_parameter: ("preprocess", "features", "train"),
    pipelines.engines: ("explore",),
    engines_as_parameter: ("explore",),
}
DEFINITIONS = list(MADE)
JOBS = [(make, name) for make, names in MADE.items() for name in names]
each_job = pytest.mark.parametrize(("make", "name"), JOBS, ids=[f"{make.__name__}-{name}" for make, name in JOBS])


def missing(sent: Any, described: Any, path: str = "") -> list[str]:
    """The places where what was sent is not in the description; the service may add members to objects."""
    if isinstance(sent, Mapping) and isinstance(described, Mapping):
        return [
            fault
            for key, value in sent.items()
            for fault in (missing(value, described[key], f"{path}.{key}") if key in described else [f"{path}.{key}"])
        ]
    if isinstance(sent, list) and isinstance(described, list) and len(sent) == len(described):
        return [
            fault
            for index, (one, other) in enumerate(zip(sent, described, strict=True))
            for fault in missing(one, other, f"{path}[{index}]")
        ]
    return [] if sent == described and type(sent) is type(described) else [path]


def test_every_built_in_step_type_is_tried_with_every_setting_it_has():
    built_in = {getattr(fluentpipe.steps, name) for name in fluentpipe.steps.__all__}
    assert set(pipelines.EVERY_SETTING) == built_in
    untried: dict[type[Step], set[str]] = {
        cls: set(cls.settings) ^ set(values) for cls, values in pipelines.EVERY_SETTING.items()
    }
    assert not any(untried.values()), f"make EVERY_SETTING in pipelines.py agree with the step classes: {untried}"


@pytest.mark.parametrize("make", DEFINITIONS)
def test_a_definition_has_no_fault_or_warning(make):
    assert materialized(make).diagnostics == ()


@pytest.mark.parametrize("make", DEFINITIONS)
def test_every_step_that_makes_a_job_is_sent(make, executed):
    assert list(executed(make)) == [name for tried, name in JOBS if tried is make]


@each_job
def test_everything_that_was_sent_comes_back_equal(make, name, executed):
    sent = executed(make)[name]
    kept = {key: value for key, value in sent.request.items() if key not in FORGOTTEN_BY_MOTO[sent.type]}
    if "AlgorithmSpecification" in kept:  # moto puts metrics of its own in the place of those that were sent
        algorithm = {k: v for k, v in kept["AlgorithmSpecification"].items() if k != "MetricDefinitions"}
        kept["AlgorithmSpecification"] = algorithm
    assert missing(kept, sent.described) == []


@each_job
def test_what_moto_is_said_to_forget_is_forgotten(make, name, executed):
    """So that a member leaves the table as soon as moto keeps it, and is then compared."""
    sent = executed(make)[name]
    assert not FORGOTTEN_BY_MOTO[sent.type] & set(sent.described)


@each_job
def test_botocore_accepts_the_request(make, name, executed, client):
    sent = executed(make)[name]
    operation = client.meta.service_model.operation_model(OPERATIONS[sent.type])
    report = ParamValidator().validate(dict(sent.request), operation.input_shape)
    assert not report.has_errors(), report.generate_report()


@each_job
def test_the_request_keeps_the_maximums_patterns_and_enums_that_botocore_does_not_check(make, name, executed):
    sent = executed(make)[name]
    assert check_request(OPERATIONS[sent.type], sent.request, references=False, complete=True) == []


def test_the_time_limit_of_the_gate_reaches_the_training_job(executed):
    assert executed(pipelines.canonical)["xgboost_training"].described["StoppingCondition"] == {
        "MaxRuntimeInSeconds": 4 * 3600
    }


def test_a_parameter_that_is_a_number_reaches_the_program_as_text(executed):
    described = executed(every_setting_as_parameter)
    assert described["xgboost_training"].described["HyperParameters"]["max_depth"] == "8"
    words = described["data_loading"].described["AppSpecification"]["ContainerArguments"]
    assert words[words.index("--seed") + 1] == "7"


@pytest.mark.parametrize("change", ["value", "type", "length", "absent"])
def test_the_comparison_sees_a_member_that_does_not_come_back(change):
    sent = {"ResourceConfig": {"InstanceCount": 1}, "InputDataConfig": [{"ChannelName": "train"}]}
    described = {
        "value": {"ResourceConfig": {"InstanceCount": 2}, "InputDataConfig": [{"ChannelName": "train"}]},
        "type": {"ResourceConfig": {"InstanceCount": "1"}, "InputDataConfig": [{"ChannelName": "train"}]},
        "length": {"ResourceConfig": {"InstanceCount": 1}, "InputDataConfig": [{"ChannelName": "train"}] * 2},
        "absent": {"ResourceConfig": {}, "InputDataConfig": [{"ChannelName": "train"}]},
    }[change]
    assert len(missing(sent, described)) == 1


def test_the_service_refuses_a_request_with_a_member_of_the_wrong_type(client):
    definition = materialized(pipelines.canonical)
    request = dict(next(entry for entry in definition.steps() if entry.type == "Training").arguments)
    with pytest.raises(ParamValidationError, match="S3OutputPath"):  # a reference that nothing was put in for
        client.create_training_job(TrainingJobName="job", **request)
