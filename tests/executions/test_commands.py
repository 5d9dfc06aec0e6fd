"""The commands about executions: what they print, and their exit status."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from fluentpipe.cli import main

from .conftest import churn
from .service import Frame, all_succeeded

GROUP, JOB = "/aws/sagemaker/TrainingJobs", "pipelines-exec00000000-xgboost-training"


def call(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, words, env={"COLUMNS": "160"})
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.output


@pytest.fixture(autouse=True)
def quick(service):
    """One look, and all is over."""
    service.frames = [Frame("Succeeded", dict(all_succeeded(churn())))]
    service.logs = {GROUP: {f"{JOB}/algo-1-1": [f"line {number}" for number in range(6)]}}


def test_a_pipeline_is_started_by_name_and_followed():
    status, said = call("start", "churn", "-p", "depth=8", "--watch", "--plain", "--poll", "0")
    assert status == 0
    assert said.startswith("started churn/exec00000000\narn:aws:sagemaker:")
    assert said.endswith("Succeeded in 90.0 s\n")


def test_a_pipeline_is_started_by_the_script_that_makes_it(tmp_path, service):
    (tmp_path / "train.py").write_text(
        "from fluentpipe import Pipeline\npipe = Pipeline('churn').load_data('s3://my-bucket/x.csv', label='y')\n"
    )
    status, said = call("start", f"{tmp_path / 'train.py'}:pipe", "--data", "s3://my-bucket/y.csv")
    assert (status, "follow it: fluentpipe watch churn/exec00000000" in said) == (0, True)
    assert service.calls[-1][1]["PipelineParameters"] == [{"Name": "data", "Value": "s3://my-bucket/y.csv"}]


def test_faults_have_the_exit_status_of_a_faulty_command(service):
    status, said = call("start", "churn", "-p", "dept=8")
    assert (status, "Did you mean 'depth'?" in said) == (2, True)
    assert call("status", "chrun")[0] == 2
    assert call("watch", "churn/nothing")[0] == 2


@pytest.mark.parametrize(
    ("steps", "status"), [({"xgboost_training": "Failed"}, 1), ({"quality_gate_failed": "Failed"}, 3)]
)
def test_a_failed_step_and_a_gate_have_exit_statuses_of_their_own(service, steps, status):
    service.frames = [Frame("Failed", steps)]
    assert call("start", "churn", "--watch", "--plain", "--poll", "0")[0] == status


def test_the_status_is_a_table_of_the_steps(golden):
    call("start", "churn")
    status, said = call("status", "churn")
    assert status == 0
    golden("status.txt", "\n".join(line.rstrip() for line in said.splitlines()) + "\n")


def test_executions_are_listed():
    call("start", "churn")
    call("start", "churn")
    status, said = call("executions", "churn", "-n", "1")
    assert (status, "exec00000001" in said, "exec00000000" in said) == (0, True, False)
    assert "2026-11-02 10:00:00" in said


def test_stop_and_retry_say_what_became_of_it(service):
    service.frames = [Frame("Executing", {"data_loading": "Executing"})]
    call("start", "churn")
    assert call("stop", "churn") == (0, "churn/exec00000000: Stopping\n")
    assert call("watch", "churn", "--plain", "--poll", "0")[0] == 1
    status, said = call("retry", "churn/last", "--watch", "--plain", "--poll", "0")
    assert (status, said.splitlines()[0], said.splitlines()[-1]) == (
        0, "going on with churn/exec00000000", "Succeeded in 90.0 s",
    )  # fmt: skip


@pytest.mark.parametrize("options", [("-n", "2"), ("--last", "2")])
def test_the_last_lines_of_a_log_are_printed(options):
    call("start", "churn")
    assert call("logs", "churn/last", "xgboost_training", *options) == (0, "line 4\nline 5\n")


def test_without_a_step_each_line_has_its_step_and_with_two_instances_its_instance(service):
    call("start", "churn")
    service.logs[GROUP][f"{JOB}/algo-2-1"] = ["other"]
    status, said = call("logs", "churn/last")
    assert (status, said.splitlines()[0], said.splitlines()[-1]) == (
        0, "[xgboost_training] [algo-1] line 0", "[xgboost_training] [algo-2] other",
    )  # fmt: skip


def test_a_log_is_followed_to_the_end_of_its_step(service):
    service.frames = [Frame("Executing", {"xgboost_training": "Executing"})] * 2 + service.frames
    call("start", "churn")
    whole = service.logs[GROUP][f"{JOB}/algo-1-1"]
    service.logs[GROUP][f"{JOB}/algo-1-1"] = whole[:2]

    def grow(operation: str) -> None:
        if operation == "GetLogEvents":
            service.logs[GROUP][f"{JOB}/algo-1-1"] = whole

    service.after = grow
    assert call("logs", "churn/last", "xgboost_training", "-f", "--poll", "0") == (
        0,
        "".join(f"{line}\n" for line in whole),
    )


def test_a_step_that_there_is_not_is_told():
    call("start", "churn")
    status, said = call("logs", "churn/last", "xgboost")
    assert (status, "has no step 'xgboost'" in said) == (2, True)


def test_every_command_has_its_help():
    for name in ("start", "status", "watch", "stop", "retry", "executions", "logs"):
        status, said = call(name, "--help")
        assert (status, "--region" in said) == (0, True)
