"""What came of a run here: the values of its outputs, read from its folder, and following one that somebody else carries out."""

from __future__ import annotations

import json
import os
import threading

import attrs
import pytest

from fluentpipe.errors import GateFailed, NoValue, RunError, SourceError, StepFailed, UnknownOutput
from fluentpipe.run import Run
from fluentpipe.run.following import _tell_new

from .pipelines import ROLE, XGBOOST, Sketch, at_least, json_get, model_of, output

TRAIN = "import os, pathlib\npathlib.Path(os.environ['SM_MODEL_DIR'], 'model').write_text('m')\nprint('trained')"
WRITE = (
    "import json, pathlib\n"
    "out = pathlib.Path(__import__('sys').argv[1]); out.mkdir(parents=True, exist_ok=True)\n"
    "(out / 'evaluation.json').write_text(json.dumps({'metrics': {'auc': 0.9}}))\n"
    "(out / 'part').mkdir(); (out / 'part' / 'b').write_text('b')"
)


def whole(limit=0.8) -> Sketch:
    sketch = Sketch("churn", depth=6)
    sketch.processing(
        "evaluate", WRITE, outputs=("report",), arguments=("/opt/ml/processing/output/report",), report="report"
    )
    sketch.training("train", TRAIN, channels={"train": output("evaluate", "report")})
    yes, no = sketch.condition("gate", at_least(json_get("evaluate", "metrics.auc"), limit))
    sketch.register("register", model_of("train"), into=yes)
    sketch.fail("stop", "too low", into=no)
    return sketch


@pytest.fixture
def done(run) -> Run:
    return run(whole())


def test_an_output_that_is_data_is_a_path_here(done):
    report = done.outputs.get("evaluate", "report")
    assert report.value() == str(done.steps["evaluate"].outputs["report"])
    model = done.outputs["train"]["model_artifacts"].value()
    assert model == str(done.steps["train"].outputs["model"])
    assert model.endswith("model.tar.gz")


def test_other_values_are_what_the_service_would_say(done):
    train = done.outputs["train"]
    assert train["training_job_name"].value() == f"pipelines-{done.id.rpartition('-')[2]}-train"
    assert isinstance(train.at("TrainingTimeInSeconds").value(), int)
    assert done.outputs.get("gate", "outcome").value() is True
    assert done.outputs.get("register", "model_package_arn").value() == done.models[0].arn
    assert done.value({"Std:Join": {"On": "-", "Values": ["d", {"Get": "Parameters.depth"}]}}) == "d-6"
    assert done.value({"Get": "Execution.PipelineExecutionId"}) == done.id.rpartition("-")[2]
    assert done.value(json_get("evaluate", "metrics.auc")) == 0.9


def test_a_model_has_the_name_that_it_was_given_here(run):
    sketch = Sketch("served")
    sketch.training("train", TRAIN, channels={"train": sketch.asset({"rows.csv": "1"})})
    container = {"Image": XGBOOST, "ModelDataUrl": model_of("train")}
    sketch.steps.append(
        {"Name": "model", "Type": "Model", "Arguments": {"PrimaryContainer": container, "ExecutionRoleArn": ROLE}}
    )
    made = run(sketch)
    assert made.outputs.get("model", "model_name").value() == f"pipelines-{made.id.rpartition('-')[2]}-model"
    assert made.outputs["model"].at("PrimaryContainer.Image").value() == XGBOOST


def test_a_run_read_from_its_folder_has_the_same_values(done):
    again = Run.load(done.path)
    assert again.outputs.get("train", "model_artifacts").value() == done.outputs.get("train", "model_artifacts").value()
    assert again.parameters == {"depth": 6}


def test_what_was_taken_from_the_cache_has_its_values_too(done, run):
    again = run(whole())
    assert again.steps["train"].cached == done.id
    assert again.outputs.get("train", "model_artifacts").download().read_bytes() == (
        done.outputs.get("train", "model_artifacts").download().read_bytes()
    )


def test_files_are_copied_to_a_folder_and_otherwise_stay(done, tmp_path):
    report, model = done.outputs.get("evaluate", "report"), done.outputs.get("train", "model_artifacts")
    assert report.download() == done.steps["evaluate"].outputs["report"]
    copied = report.download(tmp_path / "copy")
    assert sorted(path.relative_to(copied).as_posix() for path in copied.rglob("*")) == [
        "evaluation.json",
        "part",
        "part/b",
    ]
    assert model.download(tmp_path / "models").name == "model.tar.gz"
    (copied / "evaluation.json").write_text("{}")
    assert report.json("metrics.auc") == 0.9  # the copy is one


def test_what_is_gone_from_the_folder_is_told(done):
    model = done.outputs.get("train", "model_artifacts")
    model.download().unlink()
    with pytest.raises(SourceError, match="is gone"):
        model.download()


@pytest.mark.parametrize(("step", "state"), [("register", "NotExecuted"), ("stop", "Failed")])
def test_a_step_without_values_says_so(run, step, state):
    stopped = run(whole(limit=0.95), check=False)
    with pytest.raises(NoValue) as caught:
        stopped.value({"Get": f"Steps.{step}.ModelPackageArn"})
    assert (caught.value.step, caught.value.state) == (step, state)
    assert stopped.steps[step].state == state


def test_the_failure_of_a_step_is_its_reason_and_others_have_none(run):
    stopped = run(whole(limit=0.95), check=False)
    assert "too low" in stopped.steps["stop"].failure
    assert stopped.steps["evaluate"].failure == ""


def test_logs_are_lines(done):
    assert done.logs("train", 1) == ["trained"]
    assert done.logs("gate") == done.logs("train", 0) == []
    with pytest.raises(UnknownOutput, match="Did you mean 'train'"):
        done.logs("trian")


# ---- following -------------------------------------------------------------------------------------------------------------


def test_a_run_that_is_over_is_told_from_its_beginning(done):
    lines: list[str] = []
    assert done.watch(echo=lines.append).status == "Succeeded"
    assert {line.split(" ")[0] for line in lines if ": Succeeded" in line} == {
        "evaluate:",
        "train:",
        "gate:",
        "register:",
    }
    assert lines[0] == "evaluate: Running"
    assert lines[-1].startswith("Succeeded in ")


def test_a_run_that_another_carries_out_is_followed_to_its_end(run, tmp_path):
    """The step waits until the watcher has told that it runs."""
    go = tmp_path / "go"
    sketch = Sketch("slow")
    sketch.processing("first", f"import pathlib, time\nwhile not pathlib.Path({str(go)!r}).exists(): time.sleep(0.01)")
    known = threading.Event()
    found: list[str] = []

    def listen(event):
        if event["event"] == "run started":
            found.append(event["folder"])
            known.set()

    thread = threading.Thread(target=run, args=(sketch,), kwargs={"listener": listen})
    thread.start()
    assert known.wait(30)
    lines: list[str] = []

    def echo(line: str) -> None:
        lines.append(line)
        if line == "first: Running":
            go.touch()

    assert Run.load(found[0]).watch(0.01, echo=echo).status == "Succeeded"
    thread.join()
    assert lines[-1].startswith("Succeeded in ")


@pytest.mark.parametrize(
    ("sketch", "error", "step"),
    [(whole(limit=0.95), GateFailed, "stop"), (None, StepFailed, "first")],
    ids=["gate", "step"],
)
def test_a_run_that_failed_raises_what_it_raised_where_it_ran(run, sketch, error, step):
    if sketch is None:
        sketch = Sketch("broken")
        sketch.processing("first", "print('before'); raise SystemExit('it is all wrong')")
    failed = run(sketch, check=False)
    with pytest.raises(error) as caught:
        failed.wait()
    assert (caught.value.step, caught.value.run.id) == (step, failed.id)
    assert failed.wait(check=False).status == "Failed"
    if error is StepFailed:
        assert "| before" in str(caught.value)


def test_a_run_whose_process_died_is_told_to_have(done):
    manifest = json.loads((done.path / "run.json").read_text())
    manifest |= {"status": "Running", "pid": os.getpid()}  # of a process that lives, and is another
    (done.path / "run.json").write_text(json.dumps(manifest))
    with pytest.raises(RunError, match="died"):
        Run.load(done.path).wait()


def test_lines_that_are_no_events_are_passed_over(done):
    with (done.path / "events.jsonl").open("a") as file:
        file.write('{"half": ')
    assert done.wait().status == "Succeeded"


def test_the_end_of_a_run_is_told_when_its_figures_are_there(tmp_path):
    """The event stands in the file a moment before the manifest says so."""
    (tmp_path / "events.jsonl").write_text('{"event": "run started"}\n{"event": "run Succeeded"}\n{"event": "half')
    running = Run("r", tmp_path, "p", "Running", None, {}, (), "", ())
    told: list[dict[str, object]] = []
    position = _tell_new(told.append, running, 0)
    assert [each["event"] for each in told] == ["run started"]
    assert _tell_new(told.append, attrs.evolve(running, status="Succeeded", seconds=2.5), position) == position + 27
    assert told[1:] == [{"event": "run Succeeded", "seconds": 2.5}]
