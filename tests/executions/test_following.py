"""Following an execution: lines, a live table, how it ends, and what becomes of it when somebody stops looking."""

from __future__ import annotations

import io
import os
import pty
import re
import subprocess
import sys
import threading

import pytest
from rich.console import Console

from fluentpipe.errors import AwsError, GateFailed, RunError, StepFailed, Unreachable
from fluentpipe.executions import following
from fluentpipe.live import Board

from .conftest import churn
from .service import Frame, Refused, all_succeeded

JOB = "pipelines-exec00000000-xgboost-training"
GROUP = "/aws/sagemaker/TrainingJobs"
TRAINED = {"data_loading": "Succeeded", "tabular_preprocessing": "Succeeded", "xgboost_training": "Failed"}


def followed(execution, **options):
    lines: list[str] = []
    execution.watch(0.001, echo=lines.append, **options)
    return lines


def failing(service, reason="AlgorithmError: ExecuteUserScriptError: exit code 1", lines=30):
    service.frames = [
        Frame("Executing", {"data_loading": "Executing"}),
        Frame("Failed", TRAINED, "One or multiple steps failed.", {"xgboost_training": reason}),
    ]
    service.logs = {GROUP: {f"{JOB}/algo-1-170": [f"line {number}" for number in range(lines)]}}


def test_each_change_is_a_line(begin, golden):
    golden("followed.txt", "\n".join(followed(begin())) + "\n")


def test_what_did_not_change_is_not_told_again(begin, service):
    service.frames = [Frame("Executing", {"data_loading": "Executing"})] * 5 + [service.frames[-1]]
    assert followed(begin()).count("data_loading: Running") == 1


def test_an_execution_that_is_over_is_told_at_once(begin, service):
    service.frames = service.frames[-1:]
    execution = begin()
    first = followed(execution)
    assert first[-1] == "Succeeded in 90.0 s"
    asked = len(service.calls)
    assert followed(execution) == first
    assert len(service.calls) == asked  # nothing of it can change, so nothing is asked again


def test_a_look_is_of_one_moment(begin, service):
    """The status is asked for once in a look: were it asked for again after the steps, the end would come without them."""
    service.frames = [Frame("Executing", {}), service.frames[-1]]
    lines = followed(begin())
    assert "model_registration: Succeeded in 63.0 s" in lines
    assert lines[-1] == "Succeeded in 90.0 s"


# ---- how it ends -----------------------------------------------------------------------------------------------------------


def test_a_step_that_failed_is_told_with_its_reason_its_last_lines_and_what_to_do(begin, service, golden):
    failing(service)
    execution = begin()
    with pytest.raises(StepFailed) as caught:
        followed(execution)
    golden("step_failed.txt", str(caught.value))
    assert (caught.value.step, caught.value.run) == ("xgboost_training", execution)
    assert caught.value.log.splitlines() == [f"line {number}" for number in range(10, 30)]


@pytest.mark.parametrize(
    ("name", "prepare"),
    [
        ("no_log_group", lambda service: service.logs.clear()),
        ("empty_log", lambda service: service.logs[GROUP].clear()),
        (
            "log_denied",
            lambda service: service.refuse.update(
                DescribeLogStreams=Refused(
                    "AccessDeniedException", "User: arn:aws:iam::111122223333:user/a is not authorized to perform: logs:DescribeLogStreams"
                )
            ),
        ),
    ],
    ids=["no log group", "empty log", "log denied"],
)  # fmt: skip
def test_a_log_that_cannot_be_had_does_not_hide_why_the_step_failed(begin, service, golden, name, prepare):
    failing(service)
    prepare(service)
    with pytest.raises(StepFailed) as caught:
        followed(begin())
    golden(f"step_failed_{name}.txt", str(caught.value))


@pytest.mark.parametrize(
    ("reason", "fix"),
    [
        ("ResourceLimitExceeded: the account-level service limit is 0", "ask for a higher quota"),
        ("CapacityError: Unable to provision requested ML compute capacity", "try again later"),
        ("ClientError: Data download failed: NoSuchKey", "see whether the input is there"),
        ("AccessDenied: s3:GetObject", "give the execution role that permission"),
        ("something else", "mend what the reason names"),
    ],
)
def test_what_to_do_depends_on_the_reason(begin, service, reason, fix):
    failing(service, reason)
    with pytest.raises(StepFailed) as caught:
        followed(begin())
    assert caught.value.fix.startswith(fix)


def test_a_fail_step_that_was_reached_is_a_gate_that_failed_as_here(begin, service, golden):
    steps = {**all_succeeded(churn()), "quality_gate_failed": "Failed"}
    del steps["model_registration"]
    more = {"quality_gate": {"Metadata": {"Condition": {"Outcome": "False"}}}}
    service.frames = [Frame("Failed", steps, "Step failure: quality_gate_failed", more=more)]
    execution = begin()
    with pytest.raises(GateFailed) as caught:
        followed(execution)
    golden("gate_failed.txt", str(caught.value))
    assert execution.steps["quality_gate"].reason == "does not hold"
    assert execution.steps["model_registration"].state == "NotExecuted"


def test_an_execution_that_was_stopped_says_how_to_go_on(begin, service, golden):
    execution = begin()
    execution.stop()
    assert execution.status == "Stopping"
    with pytest.raises(RunError) as caught:
        followed(execution)
    golden("stopped.txt", str(caught.value))


def test_without_check_the_status_says_how_it_ended(begin, service):
    failing(service)
    assert begin().watch(0.001, echo=None, check=False).status == "Failed"


# ---- stop and retry --------------------------------------------------------------------------------------------------------


def test_stopping_twice_or_after_the_end_asks_the_service_once(begin, service):
    execution = begin()
    execution.stop()
    execution.stop()
    followed(execution, check=False)
    execution.stop()
    assert service.names().count("StopPipelineExecution") == 1


def test_a_failed_execution_goes_on_when_it_is_retried(begin, service):
    failing(service)
    execution = begin().wait(0.001, check=False)
    assert execution.status == "Failed"
    execution.retry(max_parallel_steps=2)
    assert service.calls[-1][1]["ParallelismConfiguration"] == {"MaxParallelExecutionSteps": 2}
    assert execution.wait(0.001).steps["xgboost_training"].state == "Succeeded"


@pytest.mark.parametrize(("looks", "status"), [(0, "Running"), (5, "Succeeded")])
def test_what_runs_or_has_succeeded_is_not_retried(begin, service, golden, looks, status):
    execution = begin()
    for _ in range(looks):
        execution.look()
    with pytest.raises(RunError) as caught:
        execution.retry()
    golden(f"retry_{status}.txt", str(caught.value))
    assert "RetryPipelineExecution" not in service.names()


# ---- looking away ----------------------------------------------------------------------------------------------------------


def test_ctrl_c_leaves_the_execution_running_and_says_so(begin, service, golden):
    def interrupt(operation: str) -> None:
        if operation == "ListPipelineExecutionSteps":
            raise_in_main.set()

    raise_in_main = threading.Event()
    service.frames = [Frame("Executing", {"data_loading": "Executing"})]
    service.after = interrupt
    lines: list[str] = []

    def echo(line: str) -> None:
        lines.append(line)
        if raise_in_main.is_set():
            raise_in_main.clear()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        begin().watch(0.001, echo=echo)
    golden("interrupted.txt", lines[-1])
    assert "StopPipelineExecution" not in service.names()


def test_a_network_that_is_gone_for_a_while_does_not_end_the_watching(begin, service):
    execution = begin()
    first = len(service.calls)
    service.breaks = {first, first + 3, first + 4}
    lines = followed(execution)
    assert sum("looking again" in line for line in lines) == 3
    assert lines[-1] == "Succeeded in 90.0 s"


def test_a_network_that_stays_away_ends_the_watching_and_says_that_the_execution_goes_on(
    begin, service, golden, monkeypatch
):
    monkeypatch.setattr(following, "PATIENCE", 2)
    execution = begin()
    service.breaks = set(range(len(service.calls), 100))
    with pytest.raises(Unreachable) as caught:
        followed(execution)
    golden("lost_sight.txt", str(caught.value).replace(service.url, "<url>"))


def test_what_the_service_refuses_ends_the_watching(begin, service):
    service.refuse["ListPipelineExecutionSteps"] = Refused("AccessDeniedException", "not allowed")
    with pytest.raises(AwsError, match="access denied"):
        followed(begin())


# ---- the table -------------------------------------------------------------------------------------------------------------


def test_the_table_has_the_steps_their_states_and_the_times_of_the_service(begin, service, golden):
    failing(service)
    board = Board(lambda: 0.0)
    follower = following.Follower(begin(), following.Teller(following_watch(board)))
    while not follower.look():
        pass
    console = Console(record=True, file=io.StringIO(), width=100, force_terminal=True, color_system=None)
    console.print(board.table())
    golden("table.txt", "\n".join(line.rstrip() for line in console.export_text().splitlines()) + "\n")


def following_watch(board):
    from fluentpipe.live import Watch

    return Watch(None, board)


def test_a_terminal_gets_a_live_table_and_in_the_end_the_failure(begin, service):
    failing(service)
    execution = begin()
    seen, status = in_terminal("watch", execution.short, "--poll", "0.2")
    assert "\x1b[?25l" in seen  # the cursor is hidden while the table is drawn
    assert "xgboost_training" in seen
    assert "ExecuteUserScriptError" in seen
    assert "| line 29" in seen
    assert status == 1


def in_terminal(*words: str) -> tuple[str, int]:
    """What a person sees who gives the command in a terminal, and its exit status."""
    ours, theirs = pty.openpty()
    env = {name: value for name, value in os.environ.items() if name not in {"CI", "NO_COLOR"}}
    env |= {"TERM": "xterm-256color", "COLUMNS": "120", "LINES": "40"}
    process = subprocess.Popen([sys.executable, "-m", "fluentpipe", *words], env=env, stdout=theirs, stderr=theirs)
    os.close(theirs)
    seen = b""
    while True:
        try:
            chunk = os.read(ours, 1 << 16)
        except OSError:
            break  # the other end is closed
        if not chunk:
            break
        seen += chunk
    os.close(ours)
    return re.sub(r"\x1b\[\d+(;\d+)*m", "", seen.decode()), process.wait()
