"""Run-time property resolution: what each output of an execution actually is, or why it is nothing yet."""

from __future__ import annotations

import pytest
from botocore import xform_name
from botocore.session import get_session
from botocore.validate import ParamValidator

from fluentpipe import Join, Parameter
from fluentpipe.definition import Definition
from fluentpipe.errors import NoValue, RunError, UnknownOutput
from fluentpipe.executions import Execution, describes, documents
from fluentpipe.executions.steps import StepExecution, steps_of
from fluentpipe.outcome.declared import declared_outputs
from fluentpipe.outcome.values import RunOutputs
from fluentpipe.reference import ExecutionVariable, PropertyReference
from fluentpipe.run.values import Values
from fluentpipe.step import step_classes

from .conftest import churn
from .service import ACCOUNT, REGION, START, Frame, all_succeeded

ID = "exec00000000"
S3 = f"s3://my-bucket/churn/{ID}"
MODEL = f"{S3}/xgboost_training/pipelines-{ID}-xgboost-training/output/model.tar.gz"


@pytest.fixture
def done(begin, service) -> Execution:
    """An execution in which everything succeeded."""
    service.frames = service.frames[-1:]
    return begin(parameters={"depth": 8})


@pytest.mark.parametrize(
    ("step", "output", "value"),
    [
        ("data_loading", "raw_data", f"{S3}/data_loading/output/raw_data"),
        ("xgboost_training", "model_artifacts", MODEL),
        ("xgboost_training", "training_job_name", f"pipelines-{ID}-xgboost-training"),
        ("model_evaluation", "evaluation_report", f"{S3}/model_evaluation/output/evaluation_report"),
        ("model_registration", "model_package_arn", f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:model-package/churn-models/1"),
        ("quality_gate", "outcome", True),
    ],
)  # fmt: skip
def test_an_output_has_the_value_that_the_service_knows(done, step, output, value):
    assert done.outputs.get(step, output).value() == value
    assert done.outputs[step][output].value() == value


def test_outputs_are_attributes_as_those_of_a_pipeline_are(done):
    assert done.outputs.xgboost_training.model_artifacts.value() == MODEL
    assert {"model_artifacts", "training_job_name", "at"} <= {*dir(done.outputs.xgboost_training)}
    assert "xgboost_training" in dir(done.outputs)
    assert repr(done.outputs.xgboost_training.model_artifacts) == (
        f"<value xgboost_training.model_artifacts of execution churn/{ID}>"
    )


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("TrainingTimeInSeconds", 63),
        ("properties.HyperParameters['max_depth']", "8"),
        ("InputDataConfig[0].ChannelName", "train"),
        ("CreationTime", START.isoformat()),
    ],
)
def test_any_property_of_the_job_is_reached_by_its_path(done, path, value):
    assert done.outputs.xgboost_training.at(path).value() == value


def test_whatever_stands_for_a_value_has_one(done):
    model = PropertyReference("xgboost_training", "ModelArtifacts.S3ModelArtifacts")
    asked = {
        "parameter": Parameter("depth", 6),
        "text": f"{model}/x and more",
        "join": Join("-", ("a", ExecutionVariable("PipelineExecutionId"))),
        "data": [{"Get": "Parameters.booster"}, {"plain": 1}],
        "output": done.outputs.xgboost_training.model_artifacts,
        "arn": ExecutionVariable("PipelineExecutionArn"),
        "name": ExecutionVariable("PipelineName"),
        "start": ExecutionVariable("StartDateTime"),
    }
    assert done.value(asked) == {
        "parameter": 8,
        "text": f"{MODEL}/x and more",
        "join": f"a-{ID}",
        "data": ["gbtree", {"plain": 1}],
        "output": MODEL,
        "arn": done.arn,
        "name": "churn",
        "start": START.isoformat(),
    }


def test_the_parameters_are_those_given_and_the_defaults_each_of_its_type(done):
    assert done.parameters == {"data": "s3://my-bucket/churn.csv", "depth": 8, "booster": "gbtree"}


def test_a_condition_is_no_value(done):
    with pytest.raises(TypeError, match="A condition is no value"):
        done.value(PropertyReference("a", "b") == 1)


# ---- asked for once --------------------------------------------------------------------------------------------------------


def test_what_is_final_is_asked_for_once(done, service):
    for _ in range(3):
        done.outputs.xgboost_training.model_artifacts.value()
        done.outputs.xgboost_training.training_job_name.value()
    assert [service.names().count(name) for name in ("DescribeTrainingJob", "ListPipelineExecutionSteps")] == [1, 2]
    assert service.names().count("DescribePipelineExecution") == 1  # its list of steps has two pages


def test_a_step_that_succeeded_has_its_value_while_the_execution_goes_on(begin, service):
    service.frames = [Frame("Executing", {"data_loading": "Succeeded", "tabular_preprocessing": "Executing"})]
    execution = begin()
    for _ in range(2):
        assert execution.outputs.data_loading.raw_data.value() == f"{S3}/data_loading/output/raw_data"
    assert service.names().count("DescribeProcessingJob") == 1
    with pytest.raises(NoValue):
        execution.outputs.tabular_preprocessing.train_data.value()


# ---- no value --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "frame"),
    [
        ("Waiting", Frame("Executing", {"data_loading": "Executing"})),
        ("Running", Frame("Executing", {"xgboost_training": "Executing"})),
        ("Stopping", Frame("Stopping", {"xgboost_training": "Stopping"})),
        ("Stopped", Frame("Stopped", {"xgboost_training": "Stopped"})),
        ("Failed", Frame("Failed", {"xgboost_training": "Failed"}, reasons={"xgboost_training": "AlgorithmError: no"})),
        ("NotExecuted", Frame("Succeeded", {"data_loading": "Succeeded"})),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_step_without_values_says_its_state_and_what_to_do(begin, service, golden, state, frame):
    service.frames = [frame]
    with pytest.raises(NoValue) as caught:
        begin().outputs.xgboost_training.model_artifacts.value()
    golden(f"no_value_{state}.txt", str(caught.value))
    assert (caught.value.step, caught.value.state) == ("xgboost_training", state)
    assert isinstance(caught.value, LookupError)


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda outputs: outputs.xgboost_trainin, "this run has no step 'xgboost_trainin'. Did you mean 'xgboost_training'?"),
        (lambda outputs: outputs.get("nothing", "x"), "this run has no step 'nothing'."),
        (lambda outputs: outputs.xgboost_training.model_artifact, "no output 'model_artifact'. Did you mean 'model_artifacts'?"),
        (lambda outputs: outputs.get("xgboost_training", "model"), "no output 'model'."),
        (lambda outputs: outputs["xgboost_training"]["model"], 'any other property of its job: .at("TrainingTimeInSeconds")'),
        (lambda outputs: outputs.xgboost_training.at("TrainingTime"), "Did you mean 'TrainingEndTime'?"),
    ],
)  # fmt: skip
def test_a_typo_suggests_the_right_name_before_anything_is_asked(done, service, ask, message):
    outputs = done.outputs
    asked = len(service.calls)
    with pytest.raises(UnknownOutput) as caught:
        ask(outputs)
    assert message in str(caught.value)
    assert len(service.calls) == asked


def test_hasattr_is_honest(done):
    assert not hasattr(done.outputs, "nothing")
    assert not hasattr(done.outputs.xgboost_training, "_repr_html_")


# ---- strategies ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def strategies(monkeypatch):
    monkeypatch.setattr(documents, "_strategies", dict(documents._strategies))


def a_step(kind, metadata):
    return StepExecution("mine", kind, "Succeeded", metadata=metadata)


def refused(service, operation, **request):
    raise AssertionError(f"{operation} was called")


@pytest.mark.parametrize(
    ("kind", "metadata", "document"),
    [
        ("Condition", {"Condition": {"Outcome": "False"}}, {"Outcome": False}),
        (
            "Lambda",
            {"Lambda": {"Arn": "a", "OutputParameters": [{"Name": "x", "Value": "1"}]}},
            {"Arn": "a", "OutputParameters": {"x": "1"}},
        ),
        ("Callback", {"Callback": {"OutputParameters": [{"Name": "x", "Value": "1"}]}}, {"OutputParameters": {"x": "1"}}),
        ("EMR", {"EMR": {"StepId": "s-1"}}, {"StepId": "s-1"}),
        ("QualityCheck", {"QualityCheck": {"CalculatedBaselineStatistics": "s3://b/x"}}, {"CalculatedBaselineStatistics": "s3://b/x"}),
        ("Fail", {"Fail": {"ErrorMessage": "no"}}, {"ErrorMessage": "no"}),
    ],
)  # fmt: skip
def test_steps_without_a_job_have_what_the_service_says_of_them(kind, metadata, document):
    assert documents.document_of(a_step(kind, metadata), refused) == document


@pytest.mark.parametrize(
    ("kind", "member", "arn", "operation", "request_"),
    [
        ("Transform", "TransformJob", "transform-job/t", "describe_transform_job", {"TransformJobName": "t"}),
        ("AutoML", "AutoMLJob", "automl-job/a", "describe_auto_ml_job_v2", {"AutoMLJobName": "a"}),
        ("Model", "Model", "model/m", "describe_model", {"ModelName": "m"}),
        ("Endpoint", "Endpoint", "endpoint/e", "describe_endpoint", {"EndpointName": "e"}),
        ("EndpointConfig", "EndpointConfig", "endpoint-config/c", "describe_endpoint_config", {"EndpointConfigName": "c"}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_each_job_is_described_by_its_operation(kind, member, arn, operation, request_, service):
    called = []

    def call(name, asked, **request):
        called.append((name, asked, request))
        return {"Name": "x", "ResponseMetadata": {}, "At": START}

    whole = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:{arn}"
    assert documents.document_of(a_step(kind, {member: {"Arn": whole}}), call) == {"Name": "x", "At": START.isoformat()}
    assert called == [("sagemaker", operation, request_)]
    spelled = "".join(word.capitalize() for word in operation.split("_")).replace("AutoMl", "AutoML")
    wanted = service.models["sagemaker"].operation_model(spelled.replace("Jobv2", "JobV2")).input_shape
    assert [*request_] == wanted.required_members


@pytest.mark.parametrize(
    ("kind", "metadata", "operation", "answer", "document"),
    [
        ("EMR", {"ClusterId": "j-1", "StepId": "s-1"}, "DescribeStep", {"Step": {"Config": {"Args": ["a"]}}}, {"Config": {"Args": ["a"]}}),
        ("EMRServerless", {"ApplicationId": "00f1", "JobRunId": "r-1"}, "GetJobRun", {"jobRun": {"state": "SUCCESS"}}, {"jobRun": {"state": "SUCCESS"}}),
    ],
)  # fmt: skip
def test_steps_of_emr_have_what_emr_says_of_them(kind, metadata, operation, answer, document):
    def call(service, asked, **request):
        shape = get_session().get_service_model(service).operation_model(operation).input_shape
        assert asked == xform_name(operation)
        assert not ParamValidator().validate(request, shape).has_errors()
        assert [*request.values()] == [*metadata.values()]
        return answer

    assert documents.document_of(a_step(kind, {kind: metadata}), call) == {**metadata, **document}


@pytest.mark.parametrize(("objective", "order"), [("Minimize", "Ascending"), ("Maximize", "Descending")])
def test_a_tuning_has_its_trainings_the_best_first_and_the_model_of_the_best(objective, order, service):
    listed = [{"TrainingJobName": "best"}, {"TrainingJobName": "worse"}]
    said = {
        "HyperParameterTuningJobConfig": {"HyperParameterTuningJobObjective": {"Type": objective}},
        "TrainingJobDefinition": {"OutputDataConfig": {"S3OutputPath": "s3://b/out"}},
        "BestTrainingJob": {"TrainingJobName": "best"},
    }
    requests = {}

    def call(name, operation, **request):
        requests[operation] = request
        return said if operation.startswith("describe") else {"TrainingJobSummaries": listed}

    tuning = a_step(
        "Tuning", {"TuningJob": {"Arn": f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:hyper-parameter-tuning-job/h"}}
    )
    assert documents.document_of(tuning, call) == {**said, "TrainingJobSummaries": listed}
    asked = requests["list_training_jobs_for_hyper_parameter_tuning_job"]
    assert (asked["HyperParameterTuningJobName"], asked["SortOrder"]) == ("h", order)
    shape = service.models["sagemaker"].operation_model("ListTrainingJobsForHyperParameterTuningJob").input_shape
    assert not ParamValidator().validate(asked, shape).has_errors()

    class Source:
        def resolve(self, value):
            return Values({}, {}, pytest.fail, pytest.fail, {"tune": said}).resolve(value)

    definition = Definition("t", {"Steps": [{"Name": "tune", "Type": "Tuning", "Arguments": {}}]}, (), ())
    model = RunOutputs(Source(), declared_outputs(definition)).get("tune", "model_artifacts")
    assert model.value() == "s3://b/out/best/output/model.tar.gz"


# Outputs that are a file below another one: a definition does not say their names.
KNOWN_BY_THE_CONTRACT_ALONE = {"ModelCalibration.calibrated_model"}


def test_the_names_that_every_definition_is_given_are_those_of_the_built_in_steps():
    """So that an execution found by its ARN has the same outputs as one that a chain started."""
    odd = set()
    for cls in step_classes():
        if not cls.__module__.startswith("fluentpipe.steps."):
            continue
        outputs = [{"OutputName": spec.name} for spec in cls.contract.outputs]
        arguments = {"ProcessingOutputConfig": {"Outputs": outputs}} if cls.sagemaker_type == "Processing" else {}
        if cls.__name__ == "NotebookExecution":  # a training, told by its entry point
            arguments = {"AlgorithmSpecification": {"ContainerEntrypoint": ["amazon_sagemaker_scheduler"]}}
        step = {"Name": "a", "Type": cls.sagemaker_type, "Arguments": arguments}
        usual = declared_outputs(Definition("x", {"Steps": [step]}, (), ()))["a"]
        for spec in cls.contract.outputs:
            if spec.name not in usual or usual[spec.name].path != spec.path:
                odd.add(f"{cls.__name__}.{spec.name}")
    assert odd == KNOWN_BY_THE_CONTRACT_ALONE


def test_a_further_type_is_taught_by_a_strategy(strategies):
    @describes("Athena")
    def athena(step, call):
        return {"Rows": call("athena", "get_query_execution", Id=step.metadata["Athena"]["QueryExecutionId"])["n"]}

    found = documents.document_of(
        a_step("Athena", {"Athena": {"QueryExecutionId": "q"}}), lambda *_, **request: {"n": request}
    )
    assert found == {"Rows": {"Id": "q"}}


def test_a_type_that_nobody_knows_says_how_to_teach_it(golden):
    with pytest.raises(RunError) as caught:
        documents.document_of(a_step("Trainin", {}), refused)
    golden("no_strategy.txt", str(caught.value))


def test_a_step_of_a_type_with_a_job_but_without_one_is_told():
    with pytest.raises(RunError, match="does not say which job step 'mine' ran"):
        documents.document_of(a_step("Training", {}), refused)


# ---- steps -----------------------------------------------------------------------------------------------------------------


def test_the_steps_are_in_the_order_of_the_definition_whatever_the_order_of_the_list():
    types = {entry.name: entry.type for entry in churn().steps()}
    listed = [{"StepName": name, "StepStatus": "Succeeded"} for name in reversed([*all_succeeded(churn())])]
    assert [*steps_of(listed, types, is_over=True)] == [*types]


def test_of_several_attempts_at_a_step_the_last_one_counts():
    listed = [
        {"StepName": "a", "StepStatus": "Failed", "FailureReason": "first"},
        {"StepName": "a", "StepStatus": "Succeeded", "AttemptCount": 2},
    ]
    step = steps_of(listed, {"a": "Training"}, is_over=True)["a"]
    assert (step.state, step.failure, step.reason) == ("Succeeded", "", "attempt 2")


def test_a_step_that_was_cached_says_from_where():
    arn = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:pipeline/churn/execution/before"
    listed = [{"StepName": "a", "StepStatus": "Succeeded", "CacheHitResult": {"SourcePipelineExecutionArn": arn}}]
    step = steps_of(listed, {"a": "Training"}, is_over=True)["a"]
    assert (step.cached, step.reason) == (arn, "cached, from execution before")


def test_a_step_that_the_definition_does_not_name_is_shown_with_the_type_of_its_job():
    listed = [{"StepName": "tune", "StepStatus": "Executing", "Metadata": {"TuningJob": {"Arn": "x/tuned"}}}]
    step = steps_of(listed, {}, is_over=False)["tune"]
    assert (step.type, step.state, step.job) == ("Tuning", "Running", "tuned")
