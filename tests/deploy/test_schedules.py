"""Schedules and alarms, against a real service of moto's: made, updated, refused, listed, deleted."""

from __future__ import annotations

import contextlib
import functools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from click.testing import CliRunner
from hypothesis import given, strategies as st

from fluentpipe import Parameter, Pipeline
from fluentpipe.alarms import alarm, remove_alarm
from fluentpipe.aws import Account
from fluentpipe.cli import main
from fluentpipe.errors import NameTaken, NoSuchPipeline, SettingError
from fluentpipe.schedule_expression import checked, checked_timezone
from fluentpipe.schedules import schedule, schedules, unschedule

from .conftest import ACCOUNT, REGION, ROLE, Wire, answering
from .test_messages import check

SCHEDULER_ROLE = f"arn:aws:iam::{ACCOUNT}:role/SchedulerRole"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:alarms"
CHURN = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:pipeline/churn"


def pipe() -> Any:
    loaded = Pipeline("churn").load_data(Parameter("month", "s3://my-bucket/rows"), label="churn")
    depth = Parameter("depth", 6)
    trained = loaded.preprocess().train_xgboost(max_depth=depth).evaluate_performance()
    return trained.require(min_auc=0.8).register("churn-models")


@functools.cache
def definition() -> str:
    return pipe().materialize(role=ROLE, bucket="my-bucket", region=REGION).to_json()


@pytest.fixture
def churn(wire: Wire, account: Account) -> Any:
    """The pipeline, deployed."""
    client = account.client("sagemaker")
    client.create_pipeline(
        PipelineName="churn", PipelineDefinition=definition(), RoleArn=ROLE, ClientRequestToken="t" * 32
    )
    wire.calls.clear()
    return Pipeline("churn")


@pytest.fixture
def account(wire: Wire) -> Account:
    return Account(session=wire.session)


@pytest.mark.parametrize(
    "expression",
    ["rate(1 minute)", "rate(5 minutes)", "rate(36 hours)", "rate(1 day)", "cron(0 6 * * ? *)", "cron(0/15 8-18 ? * MON-FRI 2027-2030)",
     "cron(0 0 L * ? *)", "cron(30 2 1,15 JAN,jul ? *)", "cron(0 0 15W * ? *)", "cron(0 0 ? * 6L *)", "cron(0 0 ? * MON#2 *)",
     "at(2027-01-31T06:00:00)"],
)  # fmt: skip
def test_what_scheduler_understands_is_taken(expression: str) -> None:
    assert checked(expression) == expression


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("daily", "none of rate(…), cron(…), at(…)"),
        ("rate(1 day) ", "none of rate"),
        ("rate(0 days)", "rate: '0' is no whole number above 0"),
        ("rate(2 weeks)", "rate: 'weeks' is none of minutes, hours, days"),
        ("rate(3 dayss)", "Did you mean 'days'?"),
        ("cron(0 6 * * *)", "cron: it has 5 fields; six are needed: minutes, hours, day of month, month, day of week, year"),
        ("cron(0 6 * * * *)", "one of day of month and day of week, and only one, must be ?"),
        ("cron(0 6 ? * ? *)", "only one, must be ?"),
        ("cron(60 6 * * ? *)", "minutes: '60' is none of 0 to 59"),
        ("cron(0 6 ? * MOM *)", "day of week: 'MOM' is none of 1 to 7 or SUN to SAT"),
        ("cron(0 6 ? * 0 *)", "day of week: '0'"),
        ("cron(0/0 6 * * ? *)", "minutes: '0/0'"),
        ("cron(0 6 * * ? 1969)", "year: '1969'"),
        ("cron(a 99 * * ? *)", "hours: '99'"),
        ("at(2027-02-30T06:00:00)", "at: '2027-02-30T06:00:00' is no time"),
        ("at(2027-01-31 06:00)", "is no time such as"),
    ],
)  # fmt: skip
def test_what_it_would_not_understand_is_named(expression: str, said: str) -> None:
    with pytest.raises(SettingError) as caught:
        checked(expression)
    assert said in str(caught.value)
    assert "fix: " in str(caught.value)


@given(st.text(max_size=30) | st.from_regex(r"(rate|cron|at)\([^)]{0,30}\)", fullmatch=True))
def test_any_text_is_judged_without_a_crash(text: str) -> None:
    with contextlib.suppress(SettingError):
        assert checked(text) == text


def test_a_time_zone_is_one_there_is() -> None:
    assert checked_timezone("Europe/Berlin") == "Europe/Berlin"
    with pytest.raises(SettingError, match=r"'Europe/Berln' is no time zone. Did you mean 'Europe/Berlin'\?"):
        checked_timezone("Europe/Berln")


def test_a_schedule_starts_the_pipeline_with_its_parameters(churn: Any, wire: Wire, account: Account) -> None:
    made = churn.schedule(
        "cron(0 6 1 * ? *)", SCHEDULER_ROLE, timezone="Europe/Berlin", parameters={"depth": 8, "month": "s3://my-bucket/march"},
        session=wire.session,
    )  # fmt: skip
    assert made.changed == "created"
    assert str(made) == (
        "schedule churn created: churn cron(0 6 1 * ? *) (Europe/Berlin), month=s3://my-bucket/march, depth=8"
    )
    said = account.client("scheduler").get_schedule(Name="churn")
    assert said["Target"]["Arn"] == CHURN
    assert said["Target"]["RoleArn"] == SCHEDULER_ROLE
    assert said["Target"]["SageMakerPipelineParameters"]["PipelineParameterList"] == [
        {"Name": "month", "Value": "s3://my-bucket/march"}, {"Name": "depth", "Value": "8"},
    ]  # fmt: skip
    assert said["ScheduleExpressionTimezone"] == "Europe/Berlin"
    assert said["FlexibleTimeWindow"] == {"Mode": "OFF"}
    (listed,) = schedules(account, "churn")
    assert (listed.expression, listed.parameters, listed.role) == (made.expression, made.parameters, SCHEDULER_ROLE)


def test_the_same_again_changes_nothing_and_another_is_an_update(churn: Any, wire: Wire, account: Account) -> None:
    assert (
        churn.schedule("rate(1 day)", SCHEDULER_ROLE, parameters={"depth": 8}, session=wire.session).changed
        == "created"
    )
    wire.calls.clear()
    assert churn.schedule("rate(1 day)", SCHEDULER_ROLE, parameters={"depth": 8}, session=wire.session).changed == ""
    assert not {"CreateSchedule", "UpdateSchedule"} & set(wire.calls)
    changed = churn.schedule("rate(1 day)", SCHEDULER_ROLE, enabled=False, session=wire.session)
    assert changed.changed == "updated"
    (listed,) = schedules(account, "churn")
    assert not listed.enabled
    assert listed.parameters == {}  # made exactly as said
    unschedule(account, "churn")
    assert schedules(account, "churn") == ()


def test_somebody_else_who_creates_it_meanwhile_leads_to_an_update(
    churn: Any, wire: Wire, account: Account, aws: Account
) -> None:
    client = aws.client("scheduler")

    def before_us(operation: str, _number: int, _request: Any) -> None:
        if operation == "CreateSchedule":
            wire.disturb = lambda *_: None
            target = {"Arn": CHURN, "RoleArn": SCHEDULER_ROLE}
            client.create_schedule(
                Name="churn", ScheduleExpression="rate(5 days)", Target=target, FlexibleTimeWindow={"Mode": "OFF"}
            )

    wire.disturb = before_us
    assert churn.schedule("rate(1 day)", SCHEDULER_ROLE, session=wire.session).changed == "updated"
    assert [each.expression for each in schedules(account, "churn")] == ["rate(1 day)"]


def test_a_schedule_of_something_else_is_left_alone(churn: Any, wire: Wire, account: Account, tmp_path: Path) -> None:
    target = {"Arn": CHURN + "-of-others", "RoleArn": SCHEDULER_ROLE}
    account.client("scheduler").create_schedule(
        Name="churn", ScheduleExpression="rate(5 days)", Target=target, FlexibleTimeWindow={"Mode": "OFF"}
    )
    with pytest.raises(NameTaken, match="Schedule 'churn' starts something else") as caught:
        churn.schedule("rate(1 day)", SCHEDULER_ROLE, session=wire.session)
    check("name taken", caught.value, tmp_path)
    with pytest.raises(NameTaken):
        unschedule(account, "churn")
    assert schedules(account, "churn") == ()
    assert churn.schedule("rate(1 day)", SCHEDULER_ROLE, name="churn-daily", session=wire.session).changed == "created"


MISTAKES: dict[str, tuple[dict[str, Any], str]] = {
    "expression": ({"expression": "rate(1 week)"}, "'week' is none of minutes, hours, days"),
    "timezone": ({"timezone": "Berlin"}, "is no time zone"),
    "name": ({"name": "every day"}, "a schedule's name has 1 to 64"),
    "unknown parameter": ({"parameters": {"dept": 8}}, "depth"),
    "parameter of another type": ({"parameters": {"depth": "deep"}}, "depth"),
    "a file that is not there": ({"parameters": {"month": "march.csv"}}, "there is no file or folder 'march.csv'"),
}


@pytest.mark.usefixtures("churn")
@pytest.mark.parametrize(("change", "said"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_told_before_anything_is_changed(
    change: dict[str, Any], said: str, wire: Wire, account: Account
) -> None:
    given = {"expression": "rate(1 day)", "role": SCHEDULER_ROLE, **change}
    with pytest.raises(SettingError, match=said.replace("(", r"\(")):
        schedule(account, "churn", **given)
    assert not {"CreateSchedule", "PutObject"} & set(wire.calls)


def test_local_data_is_uploaded_for_it(churn: Any, wire: Wire, account: Account, rows: Path) -> None:
    made = schedule(
        account, "churn", "rate(1 day)", SCHEDULER_ROLE, parameters={"month": str(rows)}, say=lambda _line: None
    )
    assert made.parameters["month"].startswith("s3://")
    assert "PutObject" in wire.calls


def test_what_is_not_deployed_is_neither_scheduled_nor_watched(wire: Wire, account: Account) -> None:
    with pytest.raises(NoSuchPipeline, match="deploy it first"):
        Pipeline("churn").schedule("rate(1 day)", SCHEDULER_ROLE, session=wire.session)
    with pytest.raises(NoSuchPipeline, match="deploy it first"):
        Pipeline("churn").alarm(TOPIC, session=wire.session)
    with pytest.raises(SettingError, match="There is no schedule 'churn'"):
        unschedule(account, "churn")


def test_a_refusal_of_the_service_is_put_into_our_words(churn: Any, wire: Wire) -> None:
    refuse = answering(403, "AccessDeniedException", "User: x is not authorized to perform: scheduler:CreateSchedule")
    wire.disturb = lambda operation, _number, request: refuse(request) if operation == "CreateSchedule" else None
    with pytest.raises(Exception, match="scheduler:CreateSchedule") as caught:
        churn.schedule("rate(1 day)", SCHEDULER_ROLE, session=wire.session)
    assert type(caught.value).__name__ == "AccessDenied"


@pytest.fixture
def topic(account: Account) -> str:
    return str(account.client("sns").create_topic(Name="alarms")["TopicArn"])


def allow(account: Account, topic: str) -> None:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sns:Publish",
        "Resource": topic,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    account.client("sns").set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy)


def test_an_alarm_tells_the_topic_of_a_failed_gate_and_of_nothing_else(
    churn: Any, wire: Wire, account: Account, topic: str
) -> None:
    allow(account, topic)
    said: list[str] = []
    made = churn.alarm(topic, steps="quality_gate_failed", session=wire.session, say=said.append)
    assert said == []
    assert str(made) == "alarm churn-alarm: steps quality_gate_failed of churn Failed -> alarms"
    rule = account.client("events").describe_rule(Name="churn-alarm")
    pattern = json.loads(rule["EventPattern"])
    assert pattern == {
        "source": ["aws.sagemaker"],
        "detail-type": ["SageMaker Model Building Pipeline Execution Step Status Change"],
        "detail": {"pipelineArn": [CHURN], "currentStepStatus": ["Failed"], "stepName": ["quality_gate_failed"]},
    }
    (target,) = account.client("events").list_targets_by_rule(Rule="churn-alarm")["Targets"]
    assert target["Arn"] == topic
    assert "<step> <status>" in target["InputTransformer"]["InputTemplate"]


def test_an_alarm_of_a_pipeline_is_made_anew_and_deleted(churn: Any, wire: Wire, account: Account, topic: str) -> None:
    allow(account, topic)
    churn.alarm(topic, session=wire.session)
    churn.alarm(topic, on=("Failed", "Stopped"), session=wire.session)
    rule = account.client("events").describe_rule(Name="churn-alarm")
    assert json.loads(rule["EventPattern"])["detail"] == {
        "pipelineArn": [CHURN], "currentPipelineExecutionStatus": ["Failed", "Stopped"],
    }  # fmt: skip
    remove_alarm(account, "churn")
    assert account.client("events").list_rules()["Rules"] == []
    with pytest.raises(SettingError, match="There is no alarm 'churn-alarm'"):
        remove_alarm(account, "churn")


def test_a_topic_that_lets_nobody_publish_is_told(churn: Any, wire: Wire, topic: str) -> None:
    said: list[str] = []
    churn.alarm(topic, session=wire.session, say=said.append)
    assert "the topic's policy lets nobody but its owner publish" in said[0]
    assert '"Service": "events.amazonaws.com"' in said[0]
    said.clear()
    churn.alarm(TOPIC + "-gone", session=wire.session, say=said.append)
    assert said[0].startswith("warning: the topic could not be looked at")


@pytest.mark.usefixtures("churn")
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"topic": "alarms"}, "is no ARN of an SNS topic"),
        ({"on": "failed"}, "'failed' is no status. Did you mean 'Failed'?"),
        ({"on": ()}, "no status is given"),
        ({"steps": ["quality_gate_faild"]}, "Did you mean 'quality_gate_failed'?"),
        ({"name": "a b"}, "an alarm's name has 1 to 64"),
    ],
)
def test_a_faulty_alarm_is_told_before_anything_is_changed(
    change: dict[str, Any], said: str, wire: Wire, account: Account
) -> None:
    given = {"topic": TOPIC, **change}
    with pytest.raises(SettingError) as caught:
        alarm(account, "churn", given.pop("topic"), **given)
    assert said in str(caught.value)
    assert not {"PutRule", "PutTargets"} & set(wire.calls)


def test_a_rule_of_something_else_is_left_alone(churn: Any, wire: Wire, account: Account, topic: str) -> None:
    account.client("events").put_rule(Name="churn-alarm", EventPattern='{"source": ["aws.s3"]}')
    with pytest.raises(NameTaken, match="Rule 'churn-alarm' is about something else"):
        churn.alarm(topic, session=wire.session)
    with pytest.raises(NameTaken):
        remove_alarm(account, "churn")


@pytest.fixture
def command(churn: Any, wire: Wire, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", wire.session)
    return lambda *words: CliRunner().invoke(main, words)


def test_the_commands(command: Callable[..., Any], account: Account, topic: str) -> None:
    allow(account, topic)
    made = command("schedule", "churn", "rate(1 day)", "--role", SCHEDULER_ROLE, "-p", "depth=8")
    assert (made.exit_code, made.output) == (0, "schedule churn created: churn rate(1 day), depth=8\n")
    assert command("schedule", "churn").output == "schedule churn: churn rate(1 day), depth=8\n"
    again = command("schedule", "churn", "rate(1 day)", "--role", SCHEDULER_ROLE, "-p", "depth=8")
    assert again.output == "schedule churn: churn rate(1 day), depth=8 (unchanged)\n"
    assert command("schedule", "churn", "--delete").output == "deleted schedule churn\n"
    assert command("schedule", "churn").output == ""
    assert command("schedule", "churn", "rate(1 day)").exit_code == 2
    faulty = command("schedule", "churn", "rate(1 week)", "--role", SCHEDULER_ROLE)
    assert faulty.exit_code == 2
    assert "is no schedule" in faulty.output
    told = command("alarm", "churn", topic, "--step", "quality_gate_failed")
    assert told.output == "alarm churn-alarm: steps quality_gate_failed of churn Failed -> alarms\n"
    assert command("alarm", "churn", "--delete").output == "deleted alarm churn-alarm\n"
    assert command("alarm", "churn").exit_code == 2
