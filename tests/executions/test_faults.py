"""The network fails at each call in turn: an error that says what to do, or a retry that heals it; a repeat ends as if nothing was."""

from __future__ import annotations

import pytest

from fluentpipe.errors import FluentpipeError, Unreachable
from fluentpipe.executions import find, start

from .service import Frame

SECRETS = ("nobody", "nothing")  # the credentials


def started(account):
    return start(account, "churn", parameters={"depth": 8}, only="xgboost_training", token="t" * 32).arn


def stopped(account):
    return find(account, "churn/last").stop().status


def retried(account):
    return find(account, "churn/last").retry().arn


def valued(account):
    outputs = find(account, "churn").outputs
    return outputs.xgboost_training.model_artifacts.value(), outputs.get("quality_gate", "outcome").value()


def described(account):
    execution = find(account, "churn")
    return dict(execution.parameters), execution.value({"Get": "Parameters.depth"}), [*execution.steps]


def logged(account):
    return find(account, "churn").logs("xgboost_training")


FINISHED = [Frame("Failed", {"xgboost_training": "Succeeded", "quality_gate": "Succeeded"})]
GOES_ON = [Frame("Executing", {"data_loading": "Executing"})]
OPERATIONS = [
    (started, FINISHED), (stopped, GOES_ON), (retried, FINISHED), (valued, FINISHED), (described, FINISHED), (logged, FINISHED),
]  # fmt: skip
each_operation = pytest.mark.parametrize(
    ("operation", "frames"), OPERATIONS, ids=[each.__name__ for each, _ in OPERATIONS]
)


def prepared(service, account, frames):
    """An execution that is there, and the log of its training."""
    service.frames = frames
    start(account, "churn")
    for running in service.executions:
        running.at = 0
    service.logs = {"/aws/sagemaker/TrainingJobs": {"pipelines-exec00000000-xgboost-training/algo-1-1": list("abcdef")}}
    service.calls.clear()


def undisturbed(service, account, operation, frames):
    prepared(service, account, frames)
    found = operation(account)
    count = len(service.calls)
    state = [(each.request, [frame.status for frame in each.frames]) for each in service.executions]
    service.executions.clear()
    return found, count, state


def is_done_already(service, operation):
    """Whether a retry arrived although its answer did not."""
    return operation is retried and service.executions[-1].frames[-1].status == "Succeeded"


@each_operation
@pytest.mark.slow
@pytest.mark.parametrize("how", ["breaks", "lost"])
def test_a_break_at_each_call_in_turn_is_told_and_a_repeat_ends_as_if_nothing_was(
    service, account, operation, frames, how
):
    wanted, count, state = undisturbed(service, account, operation, frames)
    assert count >= 2
    for number in range(count):
        prepared(service, account, frames)
        setattr(service, how, {number})
        with pytest.raises(Unreachable) as caught:
            operation(account)
        assert caught.value.fix
        assert not any(secret in str(caught.value) for secret in SECRETS)
        setattr(service, how, set())
        if is_done_already(service, operation):
            with pytest.raises(FluentpipeError, match="cannot be retried: it is"):
                operation(account)
        else:
            assert operation(account) in (wanted, "Stopped")  # what was being stopped may be by now
        now = [(each.request, [frame.status for frame in each.frames]) for each in service.executions]
        assert [statuses for _, statuses in now] == [statuses for _, statuses in state]
        service.executions.clear()


def test_watching_outlives_a_break_at_each_of_its_calls(service, account):
    frames = [Frame("Executing", {"data_loading": "Executing"}), Frame("Succeeded", {"data_loading": "Succeeded"})]
    service.frames = frames
    start(account, "churn").wait(0)
    count = len(service.calls)
    for number in range(count):
        service.calls.clear()
        execution = start(account, "churn")
        first = len(service.calls)
        service.lost = {first + number}
        assert execution.wait(0).steps["data_loading"].state == "Succeeded"


@pytest.mark.slow
@each_operation
def test_a_retry_heals_a_break_at_each_call_in_turn(service, server, operation, frames, monkeypatch):
    import boto3

    from fluentpipe.aws import Account

    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "3")
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda seconds: None)  # the back-off
    account = Account(session=boto3.Session())
    try:
        wanted, count, _ = undisturbed(service, account, operation, frames)
        for number in range(count):
            prepared(service, account, frames)
            service.lost = {number}
            assert operation(account) == wanted
            service.lost = set()
            assert len(service.executions) == (2 if operation is started else 1)
            service.executions.clear()
    finally:
        account.close()
