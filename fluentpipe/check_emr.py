"""The Arguments of EMR and EMRServerless steps, against what the SDK refuses and what the models of both services say.

Pipelines names the cluster, the application and their steps itself, and ends a cluster that it made; so what would name
or keep one is refused (SageMaker SDK, `EMRStep` and `EMRServerlessStep`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fluentpipe.document import StepEntry
from fluentpipe.errors import did_you_mean
from fluentpipe.request import Fault, check_structure

# Step type -> what it runs on: the member for one that is there, the member for one to be made.
RUNS_ON: Mapping[str, tuple[str, str]] = {
    "EMR": ("ClusterId", "ClusterConfig"),
    "EMRServerless": ("ApplicationId", "ApplicationConfig"),
}
_MEMBERS: Mapping[str, frozenset[str]] = {
    "EMR": frozenset(("ClusterId", "ClusterConfig", "StepConfig", "ExecutionRoleArn")),
    "EMRServerless": frozenset(("ApplicationId", "ApplicationConfig", "JobConfig", "ExecutionRoleArn")),
}
_REQUIRED: Mapping[str, tuple[str, ...]] = {"EMR": ("StepConfig",), "EMRServerless": ("JobConfig", "ExecutionRoleArn")}
_NOT_OF_A_CLUSTER = ("Name", "Steps", "AutoTerminationPolicy")
_NOT_OF_INSTANCES = ("KeepJobFlowAliveWhenNoSteps", "TerminationProtected")
_GROUPS = ("InstanceGroups", "InstanceFleets")
_TOKEN = frozenset(("clientToken",))  # makes two of the same request one; whoever sends it makes it


def emr_faults(entry: StepEntry) -> Iterator[Fault]:
    """Every fault of the Arguments of an EMR or an EMRServerless step; none for a step of another type."""
    if entry.type not in RUNS_ON:
        return
    arguments, known = entry.arguments, _MEMBERS[entry.type]
    for member in arguments:
        if member not in known:
            message = f"{member!r} is not known as a member of these Arguments.{did_you_mean(str(member), known)}"
            yield Fault("warning", "unknown-member", ((), member), message)
    for member in _REQUIRED[entry.type]:
        if member not in arguments:
            yield Fault("error", "missing-member", (), f"{member!r} is required and missing")
    yield from _place_faults(entry.type, arguments)
    yield from _cluster_faults(arguments) if entry.type == "EMR" else _application_faults(arguments)


def _place_faults(step_type: str, arguments: Mapping[str, Any]) -> Iterator[Fault]:
    there, made = RUNS_ON[step_type]
    if (there in arguments) == (made in arguments):
        code = "too-many" if there in arguments else "missing-member"
        yield Fault("error", code, (), f"it needs one of {there} and {made}, and not both: what it runs on")


def _cluster_faults(arguments: Mapping[str, Any]) -> Iterator[Fault]:
    if "StepConfig" in arguments:
        trail = ((), "StepConfig")
        yield from check_structure("emr", "StepConfig", arguments["StepConfig"], trail, filled_in=frozenset(("Name",)))
    if "ClusterConfig" not in arguments:
        return
    if "ExecutionRoleArn" in arguments:
        message = "a step takes a role of its own on a cluster that is there, by ClusterId, only"
        yield Fault("error", "unknown-member", ((), "ExecutionRoleArn"), message, "JobFlowRole in ClusterConfig")
    config = arguments["ClusterConfig"]
    trail = ((), "ClusterConfig")
    yield from check_structure("emr", "RunJobFlowInput", config, trail, filled_in=frozenset(("Name",)))
    if isinstance(config, Mapping):
        yield from _refused(config, _NOT_OF_A_CLUSTER, trail)
        if isinstance(instances := config.get("Instances"), Mapping):
            yield from _refused(instances, _NOT_OF_INSTANCES, (trail, "Instances"))
            if sum(member in instances for member in _GROUPS) != 1:
                message = f"it needs one of {' and '.join(_GROUPS)}: what machines there are"
                yield Fault("error", "missing-member", (trail, "Instances"), message)


def _refused(config: Mapping[str, Any], members: tuple[str, ...], trail: Any) -> Iterator[Fault]:
    for member in members:
        if member in config:
            message = f"{member!r} is refused here: Pipelines names the cluster, gives it the step and ends it"
            yield Fault("error", "unknown-member", (trail, member), message, "leave it out")


def _application_faults(arguments: Mapping[str, Any]) -> Iterator[Fault]:
    made = "ApplicationConfig" in arguments
    if made:
        config = arguments["ApplicationConfig"]
        yield from check_structure(
            "emr-serverless", "CreateApplicationRequest", config, ((), "ApplicationConfig"), filled_in=_TOKEN
        )
    if "JobConfig" in arguments:
        filled_in = _TOKEN | {"applicationId"} if made else _TOKEN
        config = arguments["JobConfig"]
        yield from check_structure(
            "emr-serverless", "StartJobRunRequest", config, ((), "JobConfig"), filled_in=filled_in
        )
