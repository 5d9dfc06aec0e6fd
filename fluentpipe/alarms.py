"""Alarms: a message to an SNS topic when a pipeline, or a step of it such as a failed gate, ends badly.

A rule of EventBridge matches the events that SageMaker sends of executions and steps, and hands a line of text to the topic. The topic's own
policy has to let EventBridge publish; otherwise messages vanish without a word, so that it is looked at when the alarm is made.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs

from fluentpipe.aws import Account
from fluentpipe.aws_faults import code_of
from fluentpipe.deployed import existing
from fluentpipe.document import walk_steps
from fluentpipe.errors import AwsError, NameTaken, SettingError, did_you_mean

# `detail-type` of SageMaker's events, and their member that has the status; SageMaker developer guide, "Events".
_EXECUTION = ("SageMaker Model Building Pipeline Execution Status Change", "currentPipelineExecutionStatus")
_STEP = ("SageMaker Model Building Pipeline Execution Step Status Change", "currentStepStatus")
STATUSES = ("Failed", "Stopped", "Succeeded", "Executing", "Stopping")
_TOPIC = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}")
_NAME = re.compile(r"[.\-_A-Za-z0-9]{1,64}")  # botocore: Name of PutRule
_TARGET = "topic"


@attrs.frozen
class Alarm:
    """A rule that tells a topic of a pipeline."""

    name: str
    pipeline: str
    topic: str  # ARN
    on: tuple[str, ...]
    steps: tuple[str, ...] = ()

    def __str__(self) -> str:
        what = f"steps {', '.join(self.steps)} of {self.pipeline}" if self.steps else self.pipeline
        return f"alarm {self.name}: {what} {' or '.join(self.on)} -> {self.topic.rpartition(':')[2]}"


def alarm(
    account: Account,
    pipeline: str,
    topic: str,
    *,
    on: str | Sequence[str] = ("Failed",),
    steps: str | Sequence[str] = (),
    name: str | None = None,
    say: Callable[[str], None] = print,
) -> Alarm:
    """Tell a topic when an execution, or one of some steps, gets a status; made anew where it is there already.

    Args:
        account: That the pipeline is deployed in.
        pipeline: Its name.
        topic: ARN of the SNS topic.
        on: Statuses: Failed, Stopped, Succeeded, Executing, Stopping.
        steps: Names of steps, such as `quality_gate_failed`, in place of the whole execution.
        name: Of the rule; otherwise `<pipeline>-alarm`.
        say: Is told if the topic's policy does not let EventBridge publish.

    Raises:
        SettingError: Lists every fault of what was given; nothing was changed.
        NoSuchPipeline: It is not deployed.
        NameTaken: The name is taken by a rule of something else.
        AwsError: AWS refused.
    """
    name = rule_name(pipeline, name)
    on, steps = _several(on), _several(steps)
    _refuse(topic, on)
    deployed = existing(account, pipeline, "to watch")
    _refuse_unknown_steps(steps, [each.name for each in walk_steps(deployed.definition.document)])
    _refuse_others(account, name, deployed.arn)
    pattern = _pattern(deployed.arn, on, steps)
    with account.explained(f"make alarm {name!r}", resource=f"rule {name}"):
        events = account.client("events")
        events.put_rule(
            Name=name, EventPattern=json.dumps(pattern), State="ENABLED", Description=f"fluentpipe: {pipeline}"
        )
        answer = events.put_targets(
            Rule=name, Targets=[{"Id": _TARGET, "Arn": topic, "InputTransformer": _message(steps)}]
        )
    for failed in answer.get("FailedEntries", []):
        raise AwsError(
            f"Could not make alarm {name!r}.",
            f"{failed.get('ErrorCode')} {failed.get('ErrorMessage')}",
            fix="see the topic",
        )
    _look_at_topic(account, topic, say)
    return Alarm(name, pipeline, topic, on, steps)


def remove_alarm(account: Account, pipeline: str, name: str | None = None) -> None:
    """Delete the alarm of a pipeline.

    Raises:
        SettingError: There is none of that name.
        NameTaken: The rule is of something else.
        AwsError: AWS refused.
    """
    name = rule_name(pipeline, name)
    found = _rule(account, name)
    if found is None:
        raise SettingError(f"There is no alarm {name!r}.", fix="name= (--name), the name that it was made with")
    arns = _pipelines(found)
    if not all(arn.lower().endswith(f":pipeline/{pipeline}".lower()) for arn in arns) or not arns:
        raise _taken(account, name, arns)
    with account.explained(f"delete alarm {name!r}", resource=f"rule {name}"):
        account.client("events").remove_targets(Rule=name, Ids=[_TARGET])
        account.client("events").delete_rule(Name=name)


def rule_name(pipeline: str, name: str | None) -> str:
    """The name of a rule: the one given, or made of that of the pipeline.

    Raises:
        SettingError: No rule can have that name.
    """
    found = f"{pipeline[:58]}-alarm" if name is None else name
    if not _NAME.fullmatch(found):
        raise SettingError(
            f"name: an alarm's name has 1 to 64 letters, digits, '-', '_' and '.', not {found!r}.",
            fix='name="churn-alarm"',
        )
    return found


def _several(given: str | Sequence[str]) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)


def _refuse(topic: str, on: Sequence[str]) -> None:
    faults = [f"on: {each!r} is no status.{did_you_mean(each, STATUSES)}" for each in on if each not in STATUSES]
    if not on:
        faults.append("on: no status is given")
    if not _TOPIC.fullmatch(topic):
        faults.append(f"topic: {topic!r} is no ARN of an SNS topic, such as arn:aws:sns:us-east-1:111122223333:alarms")
    if faults:
        raise SettingError(
            "The alarm cannot work.", *faults, fix=f"statuses: {', '.join(STATUSES)}", faults=tuple(faults)
        )


def _refuse_unknown_steps(steps: Sequence[str], known: Sequence[str]) -> None:
    faults = [f"steps: there is no step {each!r}.{did_you_mean(each, known)}" for each in steps if each not in known]
    if faults:
        raise SettingError("The alarm cannot work.", *faults, fix=f"steps: {', '.join(known)}", faults=tuple(faults))


def _pattern(arn: str, on: Sequence[str], steps: Sequence[str]) -> dict[str, Any]:
    kind, status = _STEP if steps else _EXECUTION
    detail: dict[str, Any] = {"pipelineArn": [arn], status: list(on)}
    if steps:
        detail["stepName"] = list(steps)
    return {"source": ["aws.sagemaker"], "detail-type": [kind], "detail": detail}


def _message(steps: Sequence[str]) -> dict[str, Any]:
    """What the topic is told: a line of text made of the event."""
    paths = {"execution": "$.detail.pipelineExecutionArn", "time": "$.time"}
    if not steps:
        paths["status"] = f"$.detail.{_EXECUTION[1]}"
        return {"InputPathsMap": paths, "InputTemplate": '"<time> pipeline execution <status>: <execution>"'}
    paths |= {"status": f"$.detail.{_STEP[1]}", "step": "$.detail.stepName"}
    return {"InputPathsMap": paths, "InputTemplate": '"<time> step <step> <status>: <execution>"'}


def _rule(account: Account, name: str) -> Mapping[str, Any] | None:
    with account.explained(f"look at rule {name!r}", resource=f"rule {name}"):
        try:
            found: Mapping[str, Any] = account.client("events").describe_rule(Name=name)
        except Exception as error:
            if code_of(error) == "ResourceNotFoundException":
                return None
            raise
    return found


def _pipelines(rule: Mapping[str, Any]) -> list[str]:
    """ARNs of the pipelines that a rule is about; none for a rule of another kind."""
    try:
        return [str(arn) for arn in json.loads(rule.get("EventPattern") or "{}")["detail"]["pipelineArn"]]
    except (ValueError, KeyError, TypeError):
        return []


def _refuse_others(account: Account, name: str, arn: str) -> None:
    found = _rule(account, name)
    if found is not None and _pipelines(found) != [arn]:
        raise _taken(account, name, _pipelines(found))


def _taken(account: Account, name: str, arns: Sequence[str]) -> NameTaken:
    return NameTaken(
        f"Rule {name!r} is about something else.", *arns, fix="name= (--name), a name of its own", region=account.region
    )


def _look_at_topic(account: Account, topic: str, say: Callable[[str], None]) -> None:
    """Say so if the topic's policy does not name EventBridge; who may not read it is told that."""
    statement = {
        "Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sns:Publish", "Resource": topic,
    }  # fmt: skip
    try:
        with account.explained("read the policy of the topic", resource=topic):
            attributes = account.client("sns").get_topic_attributes(TopicArn=topic)["Attributes"]
    except AwsError as error:
        say(f"warning: the topic could not be looked at: {str(error).splitlines()[0]}")
        return
    if "events.amazonaws.com" not in attributes.get("Policy", ""):
        say(f"warning: the topic's policy lets nobody but its owner publish; add to it: {json.dumps(statement)}")
