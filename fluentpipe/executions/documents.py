"""What the service says of a finished step: the document in which the property paths of the step are walked.

For most types it is the answer to the Describe operation of the job; for some it is the metadata of the step itself. To teach
the library a further type, declare a strategy::

    @describes("Athena")
    def athena(step, call):
        return call("athena", "get_query_execution", QueryExecutionId=step.metadata["Athena"]["QueryExecutionId"])

It gets the step (`StepExecution`) and a function that calls an operation of a boto3 client, with errors in our words; it
returns plain data. A strategy is asked once for each step that has succeeded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from typing import Any, Protocol, TypeAlias, TypeVar

from fluentpipe.errors import RunError, did_you_mean
from fluentpipe.executions.steps import StepExecution


class Call(Protocol):
    """Calls an operation of a service, such as `call("sagemaker", "describe_model", ModelName="m")`."""

    def __call__(self, service: str, operation: str, **request: Any) -> Mapping[str, Any]:
        """The answer."""


Strategy: TypeAlias = Callable[[StepExecution, Call], Mapping[str, Any]]
_S = TypeVar("_S", bound=Strategy)
_strategies: dict[str, Strategy] = {}

# Type of the step -> (operation, its parameter, whether that takes the ARN itself rather than the name at its end).
_DESCRIBED: Mapping[str, tuple[str, str, bool]] = {
    "Processing": ("describe_processing_job", "ProcessingJobName", False),
    "Training": ("describe_training_job", "TrainingJobName", False),
    "Transform": ("describe_transform_job", "TransformJobName", False),
    "AutoML": ("describe_auto_ml_job_v2", "AutoMLJobName", False),
    "Model": ("describe_model", "ModelName", False),
    "RegisterModel": ("describe_model_package", "ModelPackageName", True),
    "EndpointConfig": ("describe_endpoint_config", "EndpointConfigName", False),
    "Endpoint": ("describe_endpoint", "EndpointName", False),
}
# Types without a job of SageMaker's own that is described: the member of the metadata is all there is.
_IN_METADATA = ("Fail", "QualityCheck", "ClarifyCheck", "Athena", "Lineage")


def describes(*types: str) -> Callable[[_S], _S]:
    """Declare the strategy for types of steps; it takes the place of one that is there."""

    def declared(strategy: _S) -> _S:
        _strategies.update(dict.fromkeys(types, strategy))
        return strategy

    return declared


def document_of(step: StepExecution, call: Call) -> Mapping[str, Any]:
    """The document of a step that has succeeded, as plain data: times in ISO 8601.

    Raises:
        RunError: No strategy is known for its type, or the service says nothing of its job.
        AwsError: The service cannot be asked.
    """
    strategy = _strategies.get(step.type)
    if strategy is None:
        raise RunError(
            f"It is not known how to ask for the values of a step of type {step.type!r}.{did_you_mean(step.type, _strategies)}",
            f"known: {', '.join(sorted(_strategies))}",
            fix="declare it: fluentpipe.executions.describes",
            step=step.name,
        )
    plain = _plain(strategy(step, call))
    assert isinstance(plain, dict)  # a mapping becomes one
    return plain


@describes(*_DESCRIBED)
def _job(step: StepExecution, call: Call) -> Mapping[str, Any]:
    operation, parameter, by_arn = _DESCRIBED[step.type]
    arn = _arn(step)
    return call("sagemaker", operation, **{parameter: arn if by_arn else arn.rpartition("/")[2]})


def _arn(step: StepExecution) -> str:
    if not step.arn:
        raise RunError(f"The service does not say which job step {step.name!r} ran.", step=step.name)
    return step.arn


@describes("Tuning")
def _tuning(step: StepExecution, call: Call) -> Mapping[str, Any]:
    """The job and, as the properties of such a step have them, its trainings, the best one first."""
    name = {"HyperParameterTuningJobName": _arn(step).rpartition("/")[2]}
    said = call("sagemaker", "describe_hyper_parameter_tuning_job", **name)
    objective = said.get("HyperParameterTuningJobConfig", {}).get("HyperParameterTuningJobObjective", {})
    order = "Ascending" if objective.get("Type") == "Minimize" else "Descending"
    trainings = call(
        "sagemaker",
        "list_training_jobs_for_hyper_parameter_tuning_job",
        **name,
        SortBy="FinalObjectiveMetricValue",
        SortOrder=order,
        MaxResults=100,
    )
    return {**said, "TrainingJobSummaries": trainings["TrainingJobSummaries"]}


@describes("EMR")
def _emr(step: StepExecution, call: Call) -> Mapping[str, Any]:
    """What EMR says of the step on its cluster, its arguments among it, where the metadata says which that is."""
    said: Mapping[str, Any] = step.metadata.get(step.type, {})
    if not {"ClusterId", "StepId"} <= said.keys():
        return said
    answer = call("emr", "describe_step", ClusterId=said["ClusterId"], StepId=said["StepId"])
    return {**said, **answer["Step"]}


@describes("EMRServerless")
def _emr_serverless(step: StepExecution, call: Call) -> Mapping[str, Any]:
    """What EMR Serverless says of the job."""
    said: Mapping[str, Any] = step.metadata.get(step.type, {})
    if not {"ApplicationId", "JobRunId"} <= said.keys():
        return said
    answer = call("emr-serverless", "get_job_run", applicationId=said["ApplicationId"], jobRunId=said["JobRunId"])
    return {**said, "jobRun": answer["jobRun"]}


@describes("Condition")
def _condition(step: StepExecution, _call: Call) -> Mapping[str, Any]:
    return {"Outcome": step.metadata.get("Condition", {}).get("Outcome") == "True"}


@describes("Lambda", "Callback")
def _with_parameters(step: StepExecution, _call: Call) -> Mapping[str, Any]:
    said = step.metadata.get(step.type, {})
    outputs = {each["Name"]: each["Value"] for each in said.get("OutputParameters", ())}
    return {**said, "OutputParameters": outputs}


@describes(*_IN_METADATA)
def _metadata(step: StepExecution, _call: Call) -> Mapping[str, Any]:
    said: Mapping[str, Any] = step.metadata.get(step.type, {})
    return said


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items() if key != "ResponseMetadata"}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, datetime):
        return value.astimezone(timezone.utc).isoformat()
    return value
