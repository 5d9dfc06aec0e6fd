"""The steps of an execution as the service lists them, put into the words and the order of the definition."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timezone
from typing import Any

import attrs

from fluentpipe.outcome.shape import StepState

STATES: Mapping[str, StepState] = {
    "Starting": "Running", "Executing": "Running", "Stopping": "Stopping",
    "Stopped": "Stopped", "Failed": "Failed", "Succeeded": "Succeeded",
}  # fmt: skip
# Member of a step's metadata -> type of the step, where the one is not the other without "Job".
_TYPES = {"TuningJob": "Tuning", "AutoMLJob": "AutoML"}
JOB_MEMBERS = ("TrainingJob", "ProcessingJob", "TransformJob", "TuningJob", "AutoMLJob")


@attrs.frozen
class StepExecution:
    """One step of an execution, as far as it came."""

    name: str
    type: str  # Processing, Training, Condition, …
    state: StepState
    start: datetime | None = None
    end: datetime | None = None
    failure: str = ""  # FailureReason; empty if there is none
    attempts: int = 0
    cached: str = ""  # ARN of the execution whose result it took instead of being carried out
    metadata: Mapping[str, Any] = attrs.field(factory=dict, repr=False)  # PipelineExecutionStepMetadata

    @property
    def seconds(self) -> float | None:
        """Wall clock, so far or in all; None if it did not start."""
        if self.start is None:
            return None
        return max(0.0, ((self.end or datetime.now(timezone.utc)) - self.start).total_seconds())

    @property
    def arn(self) -> str:
        """Of the job, model or model package that the step made; empty where it makes none."""
        found = next((each["Arn"] for each in self._objects() if each.get("Arn")), "")
        return str(found or next((each["CheckJobArn"] for each in self._objects() if each.get("CheckJobArn")), ""))

    @property
    def job(self) -> str:
        """Name of the job; empty where the step has none."""
        is_job = any(member in self.metadata for member in JOB_MEMBERS) or "CheckJobArn" in str(self.metadata)
        return self.arn.rpartition("/")[2] if is_job else ""

    @property
    def reason(self) -> str:
        """What there is to say of its end, in a few words."""
        if self.failure:
            return self.failure
        if self.cached:
            return f"cached, from execution {self.cached.rpartition('/')[2]}"
        if outcome := self.metadata.get("Condition", {}).get("Outcome"):
            return "holds" if outcome == "True" else "does not hold"
        return f"attempt {self.attempts}" if self.attempts > 1 else ""

    def _objects(self) -> list[Mapping[str, Any]]:
        return [each for each in self.metadata.values() if isinstance(each, Mapping)]


def steps_of(
    listed: Iterable[Mapping[str, Any]], types: Mapping[str, str], *, is_over: bool
) -> Mapping[str, StepExecution]:
    """Every step of the definition, in its order; those that are not listed yet wait, or were not executed.

    Args:
        listed: Items of ListPipelineExecutionSteps, oldest first; of attempts at one step, the last one counts.
        types: Step -> type, of the definition.
        is_over: Whether the execution is.
    """
    unlisted: StepState = "NotExecuted" if is_over else "Waiting"
    steps = {name: StepExecution(name, kind, unlisted) for name, kind in types.items()}
    for item in listed:
        name = str(item.get("StepName", ""))
        steps[name] = _step(name, types.get(name, ""), item)
    return steps


def _step(name: str, kind: str, item: Mapping[str, Any]) -> StepExecution:
    metadata: Mapping[str, Any] = item.get("Metadata") or {}
    member = next(iter(metadata), "")
    cached = item.get("CacheHitResult") or item.get("SelectiveExecutionResult") or {}
    return StepExecution(
        name, kind or _TYPES.get(member, member.removesuffix("Job")), STATES.get(str(item.get("StepStatus")), "Running"),
        item.get("StartTime"), item.get("EndTime"), str(item.get("FailureReason", "")), int(item.get("AttemptCount") or 0),
        str(cached.get("SourcePipelineExecutionArn", "")), metadata,
    )  # fmt: skip
