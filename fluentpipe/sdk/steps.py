"""The steps of a definition as steps of the SDK.

Each is of the SDK's own class, has its properties, and takes part in its graph; only where its request comes from is other.
The SDK makes requests from estimators and processors; ours is there already.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fluentpipe.errors import DefinitionError
from fluentpipe.sdk.installed import Sdk
from fluentpipe.sdk.variables import Variables

# Type of a step -> its class in version 2 and in version 3; of others, the class that all steps derive from.
_CLASSES: Mapping[str, tuple[str, str]] = {
    "AutoML": ("AutoMLStep", "AutoMLStep"),
    "Callback": ("CallbackStep", "CallbackStep"),
    "ClarifyCheck": ("ClarifyCheckStep", "ClarifyCheckStep"),
    "EMR": ("EMRStep", "EMRStep"),
    "Lambda": ("LambdaStep", "LambdaStep"),
    "Model": ("CreateModelStep", "ModelStep"),
    "Processing": ("ProcessingStep", "ProcessingStep"),
    "QualityCheck": ("QualityCheckStep", "QualityCheckStep"),
    "RegisterModel": ("_RegisterModelStep", "ModelStep"),
    "Training": ("TrainingStep", "TrainingStep"),
    "Transform": ("TransformStep", "TransformStep"),
    "Tuning": ("TuningStep", "TuningStep"),
}
# Type of a step -> the descriptions of its job that its properties are those of; as in the SDK's own classes.
_DESCRIBED: Mapping[str, tuple[str, ...]] = {
    "AutoML": ("DescribeAutoMLJobV2Response",),
    "ClarifyCheck": ("DescribeProcessingJobResponse",),
    "Model": ("DescribeModelOutput",),
    "Processing": ("DescribeProcessingJobResponse",),
    "QualityCheck": ("DescribeProcessingJobResponse",),
    "RegisterModel": ("DescribeModelPackageOutput",),
    "Training": ("DescribeTrainingJobResponse",),
    "Transform": ("DescribeTransformJobResponse",),
    "Tuning": (
        "DescribeHyperParameterTuningJobResponse", "ListTrainingJobsForHyperParameterTuningJobResponse",
    ),
}  # fmt: skip
# What the SDK's steps write themselves from what they hold; anything else in a step is written as it is.
_OWN = frozenset((
    "Name", "Type", "Arguments", "DependsOn", "DisplayName", "Description", "RetryPolicies", "CacheConfig", "PropertyFiles",
))  # fmt: skip


class Written:
    """A step of the SDK whose request was written elsewhere. Mixed in before the SDK's class.

    Dependencies, caching, retries and property files can be changed as on any step of the SDK; settings of the job cannot, as
    there is no estimator or processor behind it.
    """

    # What the mixin takes for granted of the class behind it.
    name: str
    cache_config: Any
    property_files: list[Any]

    _request: Mapping[str, Any]
    _variables: Variables

    @property
    def arguments(self) -> dict[str, Any]:
        """The request of the job, with the SDK's objects for references."""
        found: dict[str, Any] = self._variables.of(self._request.get("Arguments", {}))
        return found

    def to_request(self) -> dict[str, Any]:
        """The step as the SDK's classes write one."""
        sdk = self._variables.sdk
        writer = sdk.ConfigurableRetryStep if isinstance(self, sdk.ConfigurableRetryStep) else sdk.Step
        request: dict[str, Any] = writer.to_request(self)
        if self.cache_config:
            request.update(self.cache_config.config)
        if self.property_files:
            request["PropertyFiles"] = [each.expr for each in self.property_files]
        further = {key: value for key, value in self._request.items() if key not in _OWN}
        request.update(self._variables.of(further))
        return request


def written_step(variables: Variables, request: Mapping[str, Any]) -> Any:
    """A step of the SDK for one of a definition, still without what leads to other steps; `connect` adds that.

    Raises:
        DefinitionError: The installed SDK has no such type of step.
    """
    sdk, kind, name = variables.sdk, request.get("Type", ""), request.get("Name", "")
    try:
        step_type = sdk.StepTypeEnum(kind)
    except ValueError:
        raise DefinitionError(
            f"step {name!r} is of type {kind!r}, which {sdk!r} does not have.",
            fix="upgrade the SDK, or deploy the definition without it",
            diagnostics=(),
        ) from None
    named = {
        key: request.get(member) for key, member in (("display_name", "DisplayName"), ("description", "Description"))
    }
    if kind in {"Condition", "Fail"}:
        return (sdk.ConditionStep if kind == "Condition" else sdk.FailStep)(name=name, **named)
    base = getattr(sdk, _CLASSES[kind][sdk.major - 2]) if kind in _CLASSES else sdk.ConfigurableRetryStep
    made = type(
        base.__name__, (Written, base), {"__module__": __name__, "__doc__": base.__doc__, "properties": _properties}
    )
    step: Any = object.__new__(made)
    policies = [_policy(sdk, each) for each in request.get("RetryPolicies", ())]
    # Past the constructors of the classes themselves, which ask for an estimator, a processor or a function.
    if issubclass(base, sdk.ConfigurableRetryStep):
        sdk.ConfigurableRetryStep.__init__(step, name, step_type, depends_on=None, retry_policies=policies, **named)
    else:
        sdk.Step.__init__(step, name, step_type=step_type, depends_on=None, **named)
    vars(step).update(_facts(sdk, request), _request=request, _variables=variables)
    vars(step)["_properties"] = _properties_of(sdk, step, request)
    return step


_properties = property(
    lambda step: vars(step)["_properties"], doc="The properties of the job, as of any step of the SDK."
)


def _facts(sdk: Sdk, request: Mapping[str, Any]) -> dict[str, Any]:
    """What the constructors would have kept, as far as it is in the definition."""
    cache = request.get("CacheConfig")
    files = request.get("PropertyFiles", ())
    return {
        "step_args": None,
        "steps": [],
        "cache_config": sdk.CacheConfig(cache["Enabled"], cache.get("ExpireAfter")) if cache else None,
        "property_files": [
            sdk.PropertyFile(each["PropertyFileName"], each["OutputName"], each["FilePath"]) for each in files
        ],
        "outputs": _output_parameters(sdk, request),
    }


def _output_parameters(sdk: Sdk, request: Mapping[str, Any]) -> list[Any]:
    """The outputs that a Lambda or Callback step declares."""
    kind = request["Type"]
    if kind not in {"Lambda", "Callback"}:
        return []
    made, types = getattr(sdk, f"{kind}Output"), getattr(sdk, f"{kind}OutputTypeEnum")
    return [made(each["OutputName"], types(value=each["OutputType"])) for each in request.get("OutputParameters", ())]


def _properties_of(sdk: Sdk, step: Any, request: Mapping[str, Any]) -> Any:
    kind = request["Type"]
    if kind in {"Lambda", "Callback"}:
        names = [each["OutputName"] for each in request.get("OutputParameters", ())]
        root = sdk.Properties(step_name=step.name, step=step)
        outputs = {
            name: sdk.Properties(step_name=step.name, path=f"OutputParameters['{name}']", step=step) for name in names
        }
        vars(root).update(Outputs=outputs, OutputParameters=outputs)
        return root
    return sdk.Properties(step_name=step.name, step=step, shape_names=list(_DESCRIBED.get(kind, ())))


def _policy(sdk: Sdk, request: Mapping[str, Any]) -> Any:
    """A retry policy that says what the definition says: the SDK's own classes add their defaults."""
    policy: Any = object.__new__(type("RetryPolicy", (sdk.RetryPolicy,), {"to_request": lambda _: dict(request)}))
    vars(policy).update(
        backoff_rate=request.get("BackoffRate", 2.0),
        interval_seconds=request.get("IntervalSeconds", 1),
        max_attempts=request.get("MaxAttempts"),
        expire_after_mins=request.get("ExpireAfterMin"),
    )
    return policy


def connect(variables: Variables, step: Any, request: Mapping[str, Any]) -> None:
    """Give a step what leads to others: what it waits for, its conditions and branches, its message; all steps are there now."""
    sdk, steps, arguments = variables.sdk, variables.steps, request.get("Arguments", {})
    if waits := [_dependency(sdk, each, steps) for each in request.get("DependsOn", ())]:
        step.add_depends_on(waits)
    if request["Type"] == "Condition":
        step.conditions = [variables.condition(each) for each in arguments.get("Conditions", ())]
        step.if_steps = [steps[each["Name"]] for each in arguments.get("IfSteps", ())]
        step.else_steps = [steps[each["Name"]] for each in arguments.get("ElseSteps", ())]
    elif request["Type"] == "Fail":
        step.error_message = variables.of(arguments.get("ErrorMessage", ""))


def _dependency(sdk: Sdk, entry: Any, steps: Mapping[str, Any]) -> Any:
    """A name, or in newer definitions a name with the outcome that is waited for."""
    if isinstance(entry, Mapping) and sdk.has("StepDependency"):
        return sdk.StepDependency(steps[entry["Step"]], sdk.TriggerCondition(entry["Trigger"]))
    return steps.get(entry, entry) if isinstance(entry, str) else entry
