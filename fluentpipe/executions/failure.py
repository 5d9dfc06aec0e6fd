"""How an execution ended that did not succeed: the step, its reason, the last lines of its log, and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fluentpipe.errors import AwsError, GateFailed, RunError, StepFailed
from fluentpipe.executions.logs import log_group
from fluentpipe.executions.steps import StepExecution

if TYPE_CHECKING:
    from fluentpipe.executions.execution import Execution

LINES = 20  # of the log
_ENDS = {"Failed": "failed", "CompletedWithFailures": "completed with failures", "Stopped": "was stopped"}


def failure_of(execution: Execution) -> RunError:
    """The error of an execution that is over and did not succeed; of the kind that the same end has here."""
    steps = execution.steps
    failed = [step for step in steps.values() if step.state == "Failed"]
    first = min(failed, key=lambda step: (step.end is None, step.end), default=None)
    if execution.status == "Stopped" and first is None:
        return RunError(
            f"Execution {execution.short} was stopped.",
            f"arn: {execution.arn}",
            fix=f"go on where it stopped: fluentpipe retry {execution.short}",
            run=execution,
        )
    if first is None:
        return RunError(
            f"Execution {execution.short} {_ENDS.get(execution.status, execution.status)}.", execution.failure, f"arn: {execution.arn}",
            fix="see the reason that the service gives", run=execution,
        )  # fmt: skip
    if first.type == "Fail":
        return _gate(execution, first)
    return _step(execution, first, [step.name for step in failed if step is not first])


def _gate(execution: Execution, step: StepExecution) -> GateFailed:
    message = step.metadata.get("Fail", {}).get("ErrorMessage") or step.failure
    entry = next((each for each in execution.definition.steps() if each.name == step.name), None)
    gate = entry.scope[-1][0] if entry is not None and entry.scope else ""
    return GateFailed(
        f"Step {step.name!r} ended {execution.label}: {message}",
        f"decided by step {gate!r}" if gate else "",
        f"arn: {execution.arn}",
        fix="improve what was measured, or change the limit" if gate else "",
        step=step.name,
        run=execution,
    )


def _step(execution: Execution, step: StepExecution, others: list[str]) -> StepFailed:
    lines, unread = _log(execution, step)
    return StepFailed(
        f"Step {step.name!r} of {execution.label} failed: {step.failure or 'no reason given'}",
        f"job: {step.job} ({step.type})" if step.job else f"type: {step.type}",
        f"failed as well: {', '.join(others)}" if others else "",
        f"last lines of its log, in {log_group(step)}:" if lines else unread,
        *(f"  | {line}" for line in lines),
        f"arn: {execution.arn}",
        fix=f"{_to_do(step)}; then start again, or go on where it failed: fluentpipe retry {execution.short}",
        step=step.name,
        exit_code=None,
        log="\n".join(lines),
        run=execution,
    )


def _log(execution: Execution, step: StepExecution) -> tuple[list[str], str]:
    """The last lines, or a line that says why there are none: it must not hide why the step failed."""
    if not log_group(step):
        return [], ""
    try:
        lines = execution.logs(step.name, LINES)
    except AwsError as error:
        return [], f"its log could not be read: {str(error).splitlines()[0]}"
    return lines, "" if lines else "its log is empty: the job did not come to run its program"


# A part of the service's reason -> what to do; the service's own words, as its developer guide and its answers have them.
_TO_DO = (
    ("ResourceLimitExceeded", "ask for a higher quota of that instance type, or take another"),
    ("CapacityError", "try again later, or take another instance type"),
    ("AccessDenied", "give the execution role that permission: fluentpipe policy"),
    ("is not authorized to perform", "give the execution role that permission: fluentpipe policy"),
    ("NoSuchKey", "see whether the input is there"),
    ("No S3 objects found", "see whether the input is there"),
    ("MaxRuntimeInSeconds", "give the job more time"),
    ("AlgorithmError", "mend the program; it fails in the same way here: fluentpipe run"),
)


def _to_do(step: StepExecution) -> str:
    return next((fix for words, fix in _TO_DO if words in step.failure), "mend what the reason names")
