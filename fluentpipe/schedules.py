"""Schedules: a deployed pipeline started again and again, by EventBridge Scheduler.

    from fluentpipe.aws import Account
    from fluentpipe.schedules import schedule
    schedule(Account(region="us-east-1"), "churn", "rate(1 day)", role="SchedulerRole")

A schedule starts the pipeline by the target that Scheduler has for it, with the values of parameters that it keeps. Its role is not that of the
pipeline: Scheduler takes it, and needs `sagemaker:StartPipelineExecution` on the pipeline, no more.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import attrs

from fluentpipe.aws import Account
from fluentpipe.aws_faults import code_of
from fluentpipe.deploy import role_arn
from fluentpipe.deployed import existing
from fluentpipe.errors import NameTaken, SettingError
from fluentpipe.executions.arguments import pipeline_parameters
from fluentpipe.executions.data import Data
from fluentpipe.schedule_expression import checked, checked_timezone

_NAME = re.compile(r"[0-9a-zA-Z\-_.]{1,64}")  # botocore: Name of CreateSchedule
_ROUNDS = 3  # between creating and updating, while somebody else does the same
_KEPT = ("ScheduleExpression", "ScheduleExpressionTimezone", "State", "Target", "FlexibleTimeWindow")


@attrs.frozen
class Schedule:
    """A schedule as it is, and what was done to make it so."""

    name: str
    pipeline: str
    expression: str
    timezone: str
    enabled: bool
    role: str = ""  # ARN of the role that Scheduler takes
    parameters: Mapping[str, str] = attrs.field(factory=dict)
    changed: str = ""  # created, updated; nothing if all was so

    def __str__(self) -> str:
        zone = f" ({self.timezone})" if not self.expression.startswith("rate") else ""
        values = "".join(f", {name}={value}" for name, value in self.parameters.items())
        done = f" {self.changed}" if self.changed else ""
        return f"schedule {self.name}{done}: {self.pipeline} {self.expression}{zone}{values}{'' if self.enabled else ', disabled'}"


def schedule(
    account: Account,
    pipeline: str,
    expression: str,
    role: str,
    *,
    name: str | None = None,
    timezone: str = "UTC",
    parameters: Mapping[str, object] | None = None,
    enabled: bool = True,
    bucket: str | None = None,
    say: Callable[[str], None] = print,
) -> Schedule:
    """Make the schedule of a pipeline as said: created where there is none, updated where it differs.

    Args:
        account: That the pipeline is deployed in.
        pipeline: Its name.
        expression: `rate(1 day)`, `cron(0 6 ? * MON-FRI *)` or `at(2027-01-31T06:00:00)`.
        role: ARN or name of the role that Scheduler takes.
        name: Of the schedule; otherwise that of the pipeline.
        timezone: In which cron and at are meant, of the IANA database.
        parameters: Values instead of the pipeline's defaults; where the default is an S3 URI, a local file or folder will do.
        enabled: Whether it starts anything.
        bucket: For local data; otherwise the default one.
        say: Takes lines about the upload of local data.

    Raises:
        SettingError: The expression, the time zone, the name or a parameter is faulty; nothing was changed.
        NoSuchPipeline: It is not deployed.
        NameTaken: The name is taken by a schedule of something else.
        AwsError: AWS refused.
    """
    checked(expression)
    checked_timezone(timezone)
    name = schedule_name(pipeline, name)
    deployed = existing(account, pipeline, "to be started")
    role = role_arn(account, role)
    values = pipeline_parameters(
        deployed.definition, dict(parameters or {}), Data(account, pipeline, bucket, say).upload
    )
    target: dict[str, Any] = {"Arn": deployed.arn, "RoleArn": role}
    if values:
        target["SageMakerPipelineParameters"] = {"PipelineParameterList": values}
    wanted = {
        "ScheduleExpression": expression,
        "ScheduleExpressionTimezone": timezone,
        "State": "ENABLED" if enabled else "DISABLED",
        "Target": target,
        "FlexibleTimeWindow": {"Mode": "OFF"},
    }
    done = _made(account, name, deployed.arn, wanted)
    return attrs.evolve(_read(name, pipeline, wanted), changed=done)


def unschedule(account: Account, pipeline: str, name: str | None = None) -> None:
    """Delete the schedule of a pipeline.

    Raises:
        SettingError: There is none of that name.
        NameTaken: It is a schedule of something else.
        AwsError: AWS refused.
    """
    name = schedule_name(pipeline, name)
    found = _described(account, name)
    if found is None:
        names = [each.name for each in schedules(account, pipeline)]
        raise SettingError(
            f"There is no schedule {name!r}.",
            f"schedules of {pipeline}: {', '.join(names) or 'none'}",
            fix=f"name={names[0]!r} (--name {names[0]})" if names else "",
        )
    _refuse_others(account, name, found, pipeline)
    with account.explained(f"delete schedule {name!r}", resource=f"schedule {name}"):
        account.client("scheduler").delete_schedule(Name=name)


def schedules(account: Account, pipeline: str) -> tuple[Schedule, ...]:
    """The schedules that start a pipeline, by name.

    Raises:
        AwsError: AWS cannot be asked.
    """
    with account.explained(f"list the schedules of {pipeline!r}"):
        pages = account.client("scheduler").get_paginator("list_schedules").paginate(GroupName="default")
        names = [
            each["Name"] for page in pages for each in page["Schedules"] if _is_of(each["Target"]["Arn"], pipeline)
        ]
    found = ((name, _described(account, name)) for name in sorted(names))
    return tuple(_read(name, pipeline, each) for name, each in found if each is not None)


def schedule_name(pipeline: str, name: str | None) -> str:
    """The name of a schedule: the one given, or that of the pipeline.

    Raises:
        SettingError: No schedule can have that name.
    """
    found = pipeline[:64] if name is None else name
    if not _NAME.fullmatch(found):
        raise SettingError(
            f"name: a schedule's name has 1 to 64 letters, digits, '-', '_' and '.', not {found!r}.",
            fix='name="churn-daily"',
        )
    return found


def _made(account: Account, name: str, arn: str, wanted: Mapping[str, Any]) -> str:
    """What was done: `created`, `updated`, or nothing."""
    client = account.client("scheduler")
    for left in reversed(range(_ROUNDS)):
        found = _described(account, name)
        if found is not None:
            _refuse_others(account, name, found, arn.rpartition("/")[2])
            if _differences(found, wanted) == ():
                return ""
        call, done = (client.create_schedule, "created") if found is None else (client.update_schedule, "updated")
        with account.explained(f"make schedule {name!r}", resource=f"schedule {name}"):
            try:
                call(Name=name, **wanted)
            except Exception as error:
                if not left or code_of(error) not in {"ConflictException", "ResourceNotFoundException"}:
                    raise
                continue  # made or deleted by somebody else meanwhile
            return done
    raise AssertionError  # the last round returns or raises


def _differences(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> tuple[str, ...]:
    """Members that differ; of the target only what we say, as the service adds its retry policy."""
    current = {**found, "Target": {key: found["Target"].get(key) for key in wanted["Target"]}}
    if "SageMakerPipelineParameters" in found["Target"]:
        current["Target"]["SageMakerPipelineParameters"] = found["Target"]["SageMakerPipelineParameters"]
    return tuple(key for key in _KEPT if current.get(key) != wanted[key])


def _described(account: Account, name: str) -> dict[str, Any] | None:
    with account.explained(f"look at schedule {name!r}", resource=f"schedule {name}"):
        try:
            return dict(account.client("scheduler").get_schedule(Name=name))
        except Exception as error:
            if code_of(error) == "ResourceNotFoundException":
                return None
            raise


def _is_of(arn: str, pipeline: str) -> bool:
    return bool(re.fullmatch(rf"arn:[^:]+:sagemaker:[^:]+:\d+:pipeline/{re.escape(pipeline)}", arn, re.IGNORECASE))


def _refuse_others(account: Account, name: str, found: Mapping[str, Any], pipeline: str) -> None:
    arn = found["Target"]["Arn"]
    if not _is_of(arn, pipeline):
        raise NameTaken(
            f"Schedule {name!r} starts something else.",
            f"its target: {arn}",
            fix=f'name="{pipeline}-schedule" (--name), a name of its own',
            region=account.region,
        )


def _read(name: str, pipeline: str, said: Mapping[str, Any]) -> Schedule:
    listed = said["Target"].get("SageMakerPipelineParameters", {}).get("PipelineParameterList", [])
    return Schedule(
        name=name,
        pipeline=pipeline,
        expression=said["ScheduleExpression"],
        timezone=said.get("ScheduleExpressionTimezone", "UTC"),
        enabled=said.get("State", "ENABLED") == "ENABLED",
        role=said["Target"]["RoleArn"],
        parameters={each["Name"]: each["Value"] for each in listed},
    )
