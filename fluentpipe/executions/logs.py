"""The logs of jobs, in CloudWatch: a group for each kind of job, a stream for each instance, named after the job."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

from fluentpipe.aws import Account
from fluentpipe.aws_faults import code_of
from fluentpipe.executions.steps import StepExecution

# Developer guide, "Log groups and streams that Amazon SageMaker sends to CloudWatch".
GROUPS: Mapping[str, str] = {
    "ProcessingJob": "/aws/sagemaker/ProcessingJobs",
    "TrainingJob": "/aws/sagemaker/TrainingJobs",
    "TransformJob": "/aws/sagemaker/TransformJobs",
    "QualityCheck": "/aws/sagemaker/ProcessingJobs",
    "ClarifyCheck": "/aws/sagemaker/ProcessingJobs",
}
_MOST = 10_000  # events of one answer; GetLogEvents


def log_group(step: StepExecution) -> str:
    """The log group of a step's job; empty for a step that has none."""
    return next((GROUPS[member] for member in step.metadata if member in GROUPS), "") if step.job else ""


def read_log(account: Account, step: StepExecution, last: int | None = None) -> list[str]:
    """The lines of a step's job, of several instances each with its name; none where there is no log yet.

    Args:
        account: That the job ran in.
        step: Of the execution.
        last: How many lines of each instance, counted from the end; None for all.

    Raises:
        AwsError: The log cannot be read.
    """
    if last == 0:
        return []
    streams = _streams(account, step)
    events = [_events(account, log_group(step), stream, last) for stream in streams]
    return [line for stream, found in zip(streams, events, strict=True) for line in _lines(stream, found, streams)]


def follow_log(account: Account, step: StepExecution, read: dict[str, str]) -> list[str]:
    """The lines that came since the last call with the same `read`: stream -> token of what was read."""
    streams = _streams(account, step)
    lines: list[str] = []
    for stream in streams:
        while True:
            request = {"startFromHead": True, **({"nextToken": read[stream]} if stream in read else {})}
            answer = _page(account, log_group(step), stream, request)
            lines += _lines(stream, answer.get("events", ()), streams)
            token, before = answer.get("nextForwardToken", ""), read.get(stream)
            read[stream] = token
            if not answer.get("events") or token in ("", before):
                break
    return lines


def _streams(account: Account, step: StepExecution) -> list[str]:
    from botocore.exceptions import ClientError

    group = log_group(step)
    if not group:
        return []
    found: list[str] = []
    with account.explained(f"list the logs of step {step.name!r}", resource=group):
        pages = account.client("logs").get_paginator("describe_log_streams")
        try:
            for page in pages.paginate(logGroupName=group, logStreamNamePrefix=f"{step.job}/"):
                found += (each["logStreamName"] for each in page.get("logStreams", ()))
        except ClientError as error:
            if code_of(error) != "ResourceNotFoundException":  # nothing was logged in this region yet
                raise
    return sorted(found)


def _events(account: Account, group: str, stream: str, last: int | None) -> list[Mapping[str, Any]]:
    """Events, oldest first; from the end backwards, since answers may be empty before the beginning is reached."""
    found: list[Mapping[str, Any]] = []
    request: dict[str, Any] = {"startFromHead": False, "limit": min(last or _MOST, _MOST)}
    while True:
        answer = _page(account, group, stream, request)
        found = [*answer.get("events", ()), *found]
        token = answer.get("nextBackwardToken")
        if not token or token == request.get("nextToken") or (last is not None and len(found) >= last):
            return found if last is None else found[-last:]
        request["nextToken"] = token


def _page(account: Account, group: str, stream: str, request: Mapping[str, Any]) -> Mapping[str, Any]:
    with account.explained(f"read the log {stream!r}", resource=group):
        answer: Mapping[str, Any] = account.client("logs").get_log_events(
            logGroupName=group, logStreamName=stream, **request
        )
        return answer


def _lines(stream: str, events: Any, streams: list[str]) -> Iterator[str]:
    instance = stream.rpartition("/")[2].rpartition("-")[0] if len(streams) > 1 else ""
    for event in events:
        for line in str(event.get("message", "")).splitlines() or [""]:
            yield f"[{instance}] {line}" if instance else line


def follow(execution: Any, name: str, poll: float) -> Iterator[str]:
    """The lines of a step as they come, until it is over.

    Args:
        execution: `Execution`.
        name: Of the step.
        poll: Seconds between two looks.
    """
    read: dict[str, str] = {}
    while True:
        step = execution.step(name)
        yield from follow_log(execution.account, step, read)
        if step.state not in ("Waiting", "Running", "Stopping"):
            return
        time.sleep(poll)
