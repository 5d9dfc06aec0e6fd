"""What goes wrong, and what is said about it: before anything starts, and in the middle of a run."""

from __future__ import annotations

import gzip
import json
import re
import tarfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fluentpipe.errors import DefinitionError, RunError, SourceError, StepFailed

from .pipelines import OUT, TRAIN, Sketch, at_least, canonical, json_get, model_of, output, packed

Change = Callable[[Sketch], None]


def _arguments(sketch: Sketch, step: int) -> Any:
    return sketch.steps[step]["Arguments"]


def _set(step: int, *path: Any, to: Any) -> Change:
    def change(sketch: Sketch) -> None:
        place = sketch.steps[step]
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = to

    return change


def _also(step: dict[str, Any]) -> Change:
    return lambda sketch: sketch.steps.append(step)


EMR = {
    "Name": "Count",
    "Type": "EMR",
    "Arguments": {
        "ClusterId": "j-1ABCDEFGHIJKL",
        "StepConfig": {
            "HadoopJarStep": {"Jar": "command-runner.jar", "Args": ["spark-submit", "s3://my-bucket/count.py"]}
        },
    },
}
DATA = {"Get": "Parameters.data"}

# (what is changed in the canonical definition, given parameters, what the error must say)
BEFORE: dict[str, tuple[Change, dict[str, Any], str]] = {
    "an unknown parameter": (
        lambda s: None,
        {"dta": "x"},
        r"parameter 'dta' is unknown\. Did you mean 'data'\? There are: data, min_auc\.",
    ),
    "a parameter of the wrong type": (
        lambda s: None,
        {"min_auc": "high"},
        r"parameter 'min_auc' is 'high' \(str\), but its type is Float",
    ),
    "a text that is no text": (lambda s: None, {"data": 3}, r"parameter 'data' is 3 \(int\), but its type is String"),
    "a parameter without a value": (
        lambda s: (
            s.parameters.append({"Name": "n", "Type": "Integer"})
            or s.processing("P", "", arguments=({"Get": "Parameters.n"},))
        ),
        {},
        r"parameter 'n' has no default and was not given",
    ),
    "a local file that is not there": (
        lambda s: None,
        {"data": "no/such.csv"},
        r"step 'Split', input 'data' \(the value of parameter 'data'\): There is no file or folder 'no/such.csv'",
    ),
    "an S3 URI that nothing stands for": (
        lambda s: None,
        {},
        r"step 'Split', input 'data' .*: Nothing here stands for 's3://my-bucket/raw'(.|\n)*--map s3://my-bucket=\./folder",
    ),
    "a key that climbs": (
        lambda s: None,
        {"data": "s3://my-bucket/../../etc/passwd"},
        r"is no safe path below a folder",
    ),
    "a step type that does not run here": (
        _also(EMR),
        {},
        r"Count \(EMR\)",
    ),
    "a training without a script in an image that is not here": (
        lambda s: (
            _arguments(s, 1).update(HyperParameters={"k": "3"}),
            _arguments(s, 1)["AlgorithmSpecification"].update(
                TrainingImage="382416733822.dkr.ecr.us-east-1.amazonaws.com/kmeans:1"
            ),
        ),
        {},
        r"step 'Train': there is no script \(sagemaker_program\), and the program inside the image '.*/kmeans:1' is not here",
    ),
    "an algorithm without rounds": (
        lambda s: _arguments(s, 1).update(HyperParameters={"max_depth": "3"}),
        {},
        r"step 'Train': XGBoost without a script needs the hyperparameter num_round",
    ),
    "an algorithm with a channel that it does not take": (
        lambda s: (
            _arguments(s, 1).update(HyperParameters={"num_round": "3"}),
            _arguments(s, 1)["InputDataConfig"][0].update(ChannelName="training"),
        ),
        {},
        r"needs a channel 'train'. Did you mean 'training'\?\n.*takes the channels train and validation, not 'training'",
    ),
    "an algorithm with a channel of another type": (
        lambda s: (
            _arguments(s, 1).update(HyperParameters={"num_round": "3"}),
            _arguments(s, 1)["InputDataConfig"][0].update(ContentType="application/x-recordio-protobuf"),
        ),
        {},
        r"channel 'train' has ContentType 'application/x-recordio-protobuf'; here XGBoost reads text/csv, text/libsvm, .*say so in ContentType",
    ),
    "an algorithm that is to cross-validate by itself": (
        lambda s: _arguments(s, 1).update(HyperParameters={"num_round": "3", "_kfold": "5"}),
        {},
        r"step 'Train': the cross-validation of XGBoost's image .*_kfold.* does not run here: leave it out, or",
    ),
    "a channel of wrapped records": (
        lambda s: (
            _arguments(s, 1).update(HyperParameters={"num_round": "3"}),
            _arguments(s, 1)["InputDataConfig"][0].update(RecordWrapperType="RecordIO"),
        ),
        {},
        r"channel 'train' has RecordWrapperType 'RecordIO', which is not unwrapped here",
    ),
    "drivers that nothing runs": (
        lambda s: (
            _arguments(s, 1).update(HyperParameters={}),
            _arguments(s, 1)["InputDataConfig"][0].update(ChannelName="sm_drivers"),
        ),
        {},
        r"step 'Train': channel sm_drivers is there, but no ContainerEntrypoint that would run it",
    ),
    "a program that climbs": (
        lambda s: _arguments(s, 1)["HyperParameters"].update(sagemaker_program='"../x.py"'),
        {},
        r"step 'Train': sagemaker_program '\.\./x\.py' is no safe relative path",
    ),
    "a channel that pipes": (
        lambda s: _arguments(s, 1)["InputDataConfig"][0].update(InputMode="Pipe"),
        {},
        r"step 'Train': channel 'train' has input mode Pipe",
    ),
    "an image's own program": (
        lambda s: _arguments(s, 0)["AppSpecification"].pop("ContainerEntrypoint"),
        {},
        r"step 'Split': a Processing step without ContainerEntrypoint",
    ),
}


@pytest.mark.parametrize(("change", "given", "message"), BEFORE.values(), ids=BEFORE)
def test_a_fault_known_before_the_start_is_told_and_nothing_is_started(change, given, message, run, tmp_path):
    sketch = canonical()
    change(sketch)
    with pytest.raises(RunError) as caught:
        run(sketch, parameters=given, check=False)
    assert re.search(message, str(caught.value)), str(caught.value)
    assert caught.value.run is None
    assert not (tmp_path / "home").exists()


def test_all_faults_before_the_start_are_told_at_once(run):
    sketch = canonical()
    _arguments(sketch, 1)["HyperParameters"] = {"max_depth": "3"}
    sketch.steps.append(EMR)
    with pytest.raises(RunError) as caught:
        run(sketch, parameters={"dta": 1, "min_auc": "x"})
    assert len(caught.value.faults) == 4
    assert "cannot run here: 4 faults" in str(caught.value)


def test_a_definition_with_errors_is_refused_as_such(run):
    sketch = canonical()
    sketch.steps[0]["Type"] = "Prcessing"
    with pytest.raises(DefinitionError):
        run(sketch)


def test_more_steps_than_an_account_may_have_run_here(run):
    sketch = Sketch()
    yes, _ = sketch.condition("C", at_least(1, 2))
    for index in range(60):
        sketch.fail(f"F{index}", "never", into=yes)
    assert run(sketch).status == "Succeeded"


def test_a_mapped_folder_that_is_not_there_is_told(run):
    with pytest.raises(SourceError, match=r"maps: there is no 'no/such' to stand for 's3://x'"):
        run(canonical(), maps={"s3://x": "no/such"})


def _one(script: str, **options: Any) -> Callable[[], Sketch]:
    def make() -> Sketch:
        sketch = Sketch()
        sketch.processing("A", script, **options)
        return sketch

    return make


def _train(script: str = TRAIN, **options: Any) -> Callable[[], Sketch]:
    def make() -> Sketch:
        sketch = Sketch()
        data = sketch.asset({"rows.csv": "1\n2\n"})
        sketch.training("A", script, channels={"train": data}, **options)
        return sketch

    return make


def _reader(path: str, *, written: str = '{"metrics": {"auc": 0.3}}') -> Callable[[], Sketch]:
    def make() -> Sketch:
        sketch = Sketch()
        script = f"import pathlib, sys; pathlib.Path(sys.argv[1], 'evaluation.json').write_text({written!r})"
        sketch.processing("E", script, outputs=("report",), report="report", arguments=(f"{OUT}/report",))
        sketch.condition("A", at_least(json_get("E", path), 0.5))
        return sketch

    return make


def _no_report() -> Sketch:
    sketch = Sketch()
    sketch.processing("E", "pass", outputs=("report",), report="report")
    sketch.condition("A", at_least(json_get("E", "x"), 0.5))
    return sketch


def _empty_input() -> Sketch:
    sketch = Sketch()
    sketch.processing("Before", "pass", outputs=("data",))
    sketch.processing("A", "pass", inputs={"data": output("Before", "data")})
    return sketch


def _bomb() -> bytes:
    """A header that promises 30 GiB; what follows need not be there."""
    member = tarfile.TarInfo("train.py")
    member.size = 30 << 30
    return gzip.compress(member.tobuf())


SAY = "import os, pathlib, sys\npathlib.Path(os.environ['SAGEMAKER_BASE_DIR'], 'output/{}').write_text('label is missing')\nsys.exit(1)"

# (definition whose step A goes wrong, error, what it must say)
DURING: dict[str, tuple[Callable[[], Sketch], type[RunError], str]] = {
    "an exception": (
        _one("raise KeyError('label')"),
        StepFailed,
        r"Step 'A' failed with exit code 1: KeyError: 'label'\n(.|\n)*\| Traceback",
    ),
    "an exit code": (
        _one("print('no rows'); raise SystemExit(7)"),
        StepFailed,
        r"^Step 'A' failed with exit code 7: no rows",
    ),
    "silence": (_one("raise SystemExit(7)"), StepFailed, r"^Step 'A' failed with exit code 7; it wrote no message"),
    "a signal": (_one("import os; os.kill(os.getpid(), 11)"), StepFailed, r"^Step 'A' was ended by signal SIGSEGV"),
    "a kill": (_one("import os; os.kill(os.getpid(), 9)"), StepFailed, r"signal SIGKILL(.|\n)*out of memory"),
    "a processing message": (
        _one(SAY.format("message")),
        StepFailed,
        r"^Step 'A' failed with exit code 1: label is missing\n",
    ),
    "a training message": (
        _train(SAY.format("failure")),
        StepFailed,
        r"^Step 'A' failed with exit code 1: label is missing\n",
    ),
    "a time-out": (
        _train("import time; time.sleep(60)", seconds=1),
        StepFailed,
        r"^Step 'A' took longer than its limit of 1 s(.|\n)*MaxRuntimeInSeconds",
    ),
    "a missing package": (
        _one("import xgbost"),
        StepFailed,
        r"fix: install what the script imports: pip install xgbost",
    ),
    "an output that was removed": (
        _one(
            f"import os, pathlib; os.rmdir(os.environ['SAGEMAKER_BASE_DIR'] + '{OUT}/data'.removeprefix('/opt/ml'))",
            outputs=("data",),
        ),
        RunError,
        r"^Step 'A': Output 'data' is missing: there is no folder /opt/ml/processing/output/data",
    ),
    "a model folder that was removed": (
        _train("import os; os.rmdir(os.environ['SAGEMAKER_BASE_DIR'] + '/model')"),
        RunError,
        r"^Step 'A': There is no folder /opt/ml/model any more",
    ),
    "a link that leads out": (
        _one(
            f"import os; os.symlink('/etc/hostname', os.environ['SAGEMAKER_BASE_DIR'] + '{OUT}/data/x'.removeprefix('/opt/ml'))",
            outputs=("data",),
        ),
        RunError,
        r"^Step 'A': The output holds a link that leads out",
    ),
    "an empty input": (
        _empty_input,
        RunError,
        r"^Step 'A': Input 'data' is empty: there is no file at 's3://my-bucket/\w+/Before/data'",
    ),
    "a misspelt script": (
        _one("pass", entry=["python3", "/opt/ml/processing/input/code/mian.py"]),
        RunError,
        r"^Step 'A': The script 'mian\.py' is not there\. Did you mean 'main\.py'\?",
    ),
    "a program that is not installed": (
        _one("pass", entry=["no-such-program"]),
        RunError,
        r"^Step 'A': The program 'no-such-program' cannot be started",
    ),
    "a bomb of code": (
        _train(code=_bomb()),
        RunError,
        r"^Step 'A': The archive 'sourcedir.tar.gz' is refused: it unpacks to more than",
    ),
    "an archive that climbs": (
        _train(code=packed({"../../evil.py": "x"})),
        RunError,
        r"^Step 'A': The archive 'sourcedir.tar.gz' is refused: its member '\.\./\.\./evil\.py' is no safe path",
    ),
    "no archive at all": (
        _train(code=b"not a tar"),
        RunError,
        r"^Step 'A': The archive 'sourcedir.tar.gz' is refused: it cannot be read",
    ),
    "an archive without the script": (
        _train(code=packed({"tain.py": "x"})),
        RunError,
        r"^Step 'A': The script 'train.py' is not there\. Did you mean 'tain.py'",
    ),
    "a figure that is not in the report": (
        _reader("metrics.acu"),
        RunError,
        r"^Step 'A': The file evaluation\.json of step 'E', property file 'report' \(.*\) has no 'metrics\.acu'\.\n  at metrics there is: auc\. Did you mean 'auc'\?",
    ),
    "a report that is no JSON": (
        _reader("x", written="{"),
        RunError,
        r"^Step 'A': The file .*evaluation\.json is no JSON",
    ),
    "a report that was not written": (
        _no_report,
        RunError,
        r"^Step 'A': The JSON file 'evaluation\.json' is not there",
    ),
    "a figure that cannot be ordered": (
        _reader("metrics"),
        RunError,
        r'^Step \'A\': metrics: \{"auc":0\.3\} and 0\.5 cannot be compared with >=',
    ),
}


@pytest.mark.parametrize(("make", "error", "message"), DURING.values(), ids=DURING)
def test_a_fault_of_a_step_names_it_keeps_its_log_and_says_what_to_do(make, error, message, run):
    with pytest.raises(error) as caught:
        run(make())
    assert re.search(message, str(caught.value)), str(caught.value)
    assert caught.value.step == "A"
    failed = caught.value.run.steps["A"]
    assert failed.status == "Failed"
    assert failed.reason == str(caught.value).split("\n")[0]
    assert failed.outputs == {}
    steps = caught.value.run.path / "steps"
    assert [path.name for path in steps.rglob("*") if path.name.startswith(".tmp-") or path.name in ("ml", "out")] in (
        [],
        ["out"],
    )
    assert failed.log is None or failed.log.is_file()


def test_the_error_of_a_program_has_its_exit_its_log_and_its_last_lines(run):
    sketch = Sketch()
    sketch.processing("A", "for i in range(40): print('line', i)\nraise SystemExit('wrong label')")
    with pytest.raises(StepFailed) as caught:
        run(sketch)
    log = Path(caught.value.log)
    assert caught.value.exit_code == caught.value.run.steps["A"].exit_code == 1
    assert log == caught.value.run.steps["A"].log
    assert len(log.read_text().splitlines()) == 41
    shown = [line for line in str(caught.value).splitlines() if "| " in line]
    assert shown == [f"    | line {i}" for i in range(31, 40)] + ["    | wrong label"]


@pytest.mark.parametrize("group", ["../x", "a/b", "", ".", "-x", "x" * 64, "a\\b"])
def test_a_group_name_that_is_none_is_refused_before_anything_starts(group, run, rows, tmp_path):
    sketch = canonical(group=group)
    with pytest.raises((RunError, DefinitionError)):
        run(sketch, parameters={"data": rows})
    assert not (tmp_path / "home").exists()


def test_a_group_name_known_only_during_the_run_cannot_climb_either(run, tmp_path):
    sketch = Sketch()
    model = sketch.asset({"model.tar.gz": packed({"m": "1"})})
    script = (
        "import pathlib, sys; pathlib.Path(sys.argv[1], 'evaluation.json').write_text('{\"group\": \"../../../up\"}')"
    )
    sketch.processing("E", script, outputs=("report",), report="report", arguments=(f"{OUT}/report",))
    sketch.register("R", f"{model}/model.tar.gz", group=json_get("E", "group"))
    with pytest.raises(RunError, match=r"Step 'R': '\.\./\.\./\.\./up' is no name of a model package group"):
        run(sketch)
    assert not (tmp_path / "home" / "registry").exists()


def test_a_failed_registration_leaves_no_version(run, rows, tmp_path):
    sketch = Sketch(data=str(rows))
    sketch.training("T", "pass", channels={"train": DATA})
    sketch.register("R", model_of("T"))
    with pytest.raises(RunError, match="Step 'R'"):
        run(sketch)
    assert list((tmp_path / "home" / "registry").rglob("*")) == [tmp_path / "home" / "registry" / "churn-models"]


@pytest.mark.parametrize(("target", "fits"), [("/etc/hostname", False), ("gone", False), ("model.json", True)])
def test_a_model_that_is_not_packed_holds_no_links_either(target, fits, run, rows):
    sketch = Sketch(data=str(rows))
    script = f"import os\nos.chdir(os.environ['SM_MODEL_DIR']); open('model.json', 'w').write('1'); os.symlink({target!r}, 'x')"
    sketch.training("T", script, channels={"train": DATA})
    _arguments(sketch, 0)["OutputDataConfig"]["CompressionType"] = "NONE"
    if not fits:
        with pytest.raises(
            RunError, match=r"Step 'T': The output holds a link that leads out of the job or nowhere: model/x"
        ):
            run(sketch)
        return
    made = run(sketch).steps["T"].outputs["model"]
    assert ((made / "x").is_symlink(), (made / "x").read_text()) == (False, "1")


def test_a_failed_step_says_nothing_secret(run):
    sketch = Sketch()
    sketch.processing(
        "A",
        "import os; raise SystemExit('cannot log in with ' + os.environ['PASSWORD'])",
        environment={"PASSWORD": "hunter2-hunter2"},
    )
    with pytest.raises(StepFailed) as caught:
        run(sketch)
    assert "cannot log in with ***" in str(caught.value)
    assert "hunter2" not in str(caught.value) + json.dumps(caught.value.run.steps["A"].reason)


def test_what_a_step_left_running_is_ended_with_it(run, tmp_path):
    sketch = Sketch()
    script = "import pathlib, subprocess, sys\nchild = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\npathlib.Path(sys.argv[1]).write_text(str(child.pid))"
    sketch.processing("A", script, arguments=(str(tmp_path / "pid"),))
    assert run(sketch).status == "Succeeded"
    status = Path("/proc", (tmp_path / "pid").read_text(), "status")
    deadline = time.monotonic() + 10  # it was killed; a busy machine may take a moment to see to it
    while alive(status) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not alive(status)


def alive(status: Path) -> bool:
    try:
        return "State:\tZ" not in status.read_text()
    except OSError:
        return False
