"""Whole runs: real processes, scripts of a few lines."""

from __future__ import annotations

import json
import os
import signal
import sys
import tarfile
import threading
from pathlib import Path

import attrs
import pytest

from fluentpipe.definition import Definition
from fluentpipe.errors import GateFailed, RunError, StepFailed
from fluentpipe.flowchart import edges_of
from fluentpipe.run import Run, run as run_definition
from fluentpipe.run.alive import Alive
from fluentpipe.run.schedule import needs

from .pipelines import EVALUATE, IMAGE, OUT, TRAIN, Sketch, at_least, canonical, join, json_get, model_of, output


def test_the_canonical_pipeline_trains_evaluates_and_registers(run, rows, tmp_path):
    result = run(canonical(), parameters={"data": str(rows)})
    assert result.status == "Succeeded"
    assert {name: step.status for name, step in result.steps.items()} == {
        "Split": "Succeeded",
        "Train": "Succeeded",
        "Evaluate": "Succeeded",
        "Gate": "Succeeded",
        "Register": "Succeeded",
        "TooLow": "NotExecuted",
    }
    assert result.metrics == {"auc": 0.3}
    (tmp_path / "later.json").write_text('{"metrics": {"auc": 0.1}}')
    assert attrs.evolve(result, property_files=(tmp_path / "later.json",)).metrics == {"auc": 0.3}  # steps go first
    assert result.steps["Gate"].reason == "metrics.auc: 0.3 is >= 0.25"
    (model,) = result.models
    assert (model.group, model.version, model.approval_status) == ("churn-models", 1, "PendingManualApproval")
    assert model.arn == "arn:aws:sagemaker:local:000000000000:model-package/churn-models/1"
    assert model.path == tmp_path / "home" / "registry" / "churn-models" / "1"
    with tarfile.open(model.path / "model.tar.gz") as tar:
        content = json.load(tar.extractfile("model.json"))
    assert content == {"sum": 3, "args": ["--eta", "0.2", "--max_depth", "8"]}
    package = json.loads((model.path / "package.json").read_text())
    assert package["Source"]["run"] == result.id
    assert sorted(package["Source"]["files"]) == ["metrics/ModelQuality.Statistics/evaluation.json", "model.tar.gz"]


def test_a_second_run_without_the_cache_registers_a_second_version_with_the_same_model_bytes(run, rows):
    first, second = (run(canonical(), parameters={"data": rows}, cache=False) for _ in range(2))
    assert [each.models[0].version for each in (first, second)] == [1, 2]
    models = [(each.models[0].path / "model.tar.gz").read_bytes() for each in (first, second)]
    assert models[0] == models[1]


def test_a_gate_that_fails_registers_nothing_and_shows_the_figure_and_its_limit(run, rows, tmp_path):
    with pytest.raises(GateFailed) as caught:
        run(canonical(0.9), parameters={"data": rows})
    assert str(caught.value).split("\n")[:2] == [
        "Step 'TooLow' ended the run: AUC below 0.9",
        "  metrics.auc: 0.3 is not >= 0.9",
    ]
    assert caught.value.step == "TooLow"
    assert caught.value.run.status == "Failed"
    assert caught.value.run.steps["Register"].status == "NotExecuted"
    assert caught.value.run.models == ()
    assert not (tmp_path / "home" / "registry").exists()


def test_without_check_a_failure_is_told_by_the_run_that_is_returned(run, rows):
    result = run(canonical(0.9), parameters={"data": rows}, check=False)
    assert result.status == "Failed"
    assert result.reason == "Step 'TooLow' ended the run: AUC below 0.9"
    assert "AUC below 0.9" in result.summary()


def test_a_run_is_read_back_from_its_folder(run, rows):
    result = run(canonical(), parameters={"data": rows})
    again = Run.load(result.path)
    assert again == result
    assert repr(again) == f"<run {result.id} of churn: Succeeded, 6 steps>"
    manifest = json.loads((result.path / "run.json").read_text())
    assert manifest["parameters"] == {"data": str(rows), "min_auc": 0.25}
    assert manifest["versions"]["python"] == sys.version.split()[0]
    events = [json.loads(line) for line in (result.path / "events.jsonl").read_text().splitlines()]
    assert events[0]["event"] == "run started"
    assert events[-1]["event"] == "run Succeeded"


def test_a_run_whose_process_is_gone_is_told_from_one_that_runs(run, rows):
    result = run(canonical(), parameters={"data": rows})
    manifest = json.loads((result.path / "run.json").read_text())
    (result.path / "run.json").write_text(json.dumps({**manifest, "status": "Running", "pid": os.getpid()}))
    assert Run.load(result.path).status == "Died"  # though a process with its id lives: this one
    alive = Alive(result.path.parents[1], result.id)
    assert Run.load(result.path).status == "Running"
    alive.close()
    assert Run.load(result.path).status == "Died"


def test_a_run_that_ends_while_it_is_read_has_not_died(run, rows, monkeypatch):
    result = run(canonical(), parameters={"data": rows})
    manifest = (result.path / "run.json").read_text()
    (result.path / "run.json").write_text(json.dumps({**json.loads(manifest), "status": "Running"}))
    ends = lambda folder: not (folder / "run.json").write_text(manifest)
    monkeypatch.setattr("fluentpipe.run.result.is_living", ends)
    assert Run.load(result.path).status == "Succeeded"


def test_measures_are_kept_for_each_step_that_is_a_process(run):
    sketch = Sketch()
    sketch.processing("Work", "x = bytearray(150 << 20)\nsum(range(2_000_000))\nimport time; time.sleep(0.1)")
    step = run(sketch).steps["Work"]
    assert step.exit_code == 0
    assert step.cpu_seconds > 0
    assert 150 < step.peak_memory_mb < 1000
    assert step.seconds >= 0.1


def test_outputs_lie_below_the_step_and_nothing_temporary_is_left(run, rows):
    result = run(canonical(), parameters={"data": rows})
    assert result.steps["Split"].outputs["train"].joinpath("rows.csv").read_text() == "1\n2"
    assert sorted(result.steps["Train"].outputs) == ["model", "output"]
    assert not [path for path in result.path.rglob("*") if path.name.startswith(".tmp-") or path.name == "ml"]


def test_a_prefix_of_two_outputs_is_both_of_them_together(run):
    write = "import os, pathlib\nfor n in ('train', 'test'): pathlib.Path(os.environ['SAGEMAKER_BASE_DIR'], 'processing/output', n, n + '.txt').write_text(n)"
    sketch = Sketch()
    sketch.processing("A", write, outputs=("train", "test"))
    read = "import os, pathlib\nroot = pathlib.Path(os.environ['SAGEMAKER_BASE_DIR'], 'processing/input/all')\nprint(sorted(p.relative_to(root).as_posix() for p in root.rglob('*.txt')))"
    both = join("s3://my-bucket", {"Get": "Execution.PipelineExecutionId"}, "A")
    sketch.processing("B", read, inputs={"all": both}, depends=("A",))
    assert run(sketch).steps["B"].log.read_text() == "['test/test.txt', 'train/train.txt']\n"


@pytest.mark.parametrize("as_uri", [str, lambda path: path.as_uri(), lambda path: "s3://data/in/rows.csv"])
def test_an_input_may_be_a_local_path_a_file_uri_or_lie_in_a_mapped_bucket(run, rows, as_uri):
    result = run(canonical(), parameters={"data": as_uri(rows)}, maps={"s3://data/in": rows.parent})
    assert result.status == "Succeeded"


def test_a_local_path_may_stand_in_the_definition_itself(run, rows):
    sketch = canonical()
    sketch.steps[0]["Arguments"]["ProcessingInputs"][1]["S3Input"]["S3Uri"] = str(rows)
    assert run(sketch).status == "Succeeded"


def test_a_bundle_runs_where_it_is_unpacked(rows, tmp_path):
    bundle = canonical().definition().write(tmp_path / "bundle")
    result = run_definition(Definition.load(bundle), parameters={"data": rows}, home=tmp_path / "home", echo=None)
    assert result.status == "Succeeded"


def test_what_depends_on_a_gate_that_fails_is_not_started(run, rows):
    sketch = canonical(0.9)
    sketch.processing("After", "print('never')", depends=("Gate",))
    result = run(sketch, parameters={"data": rows}, check=False)
    assert result.steps["After"].status == "NotExecuted"
    assert result.steps["After"].log is None


def test_a_folder_is_placed_with_its_content(run, tmp_path):
    (tmp_path / "in" / "deep").mkdir(parents=True)
    (tmp_path / "in" / "deep" / "rows.csv").write_text("4")
    sketch = Sketch(data="s3://my-bucket/none")
    script = "import sys, pathlib; print(pathlib.Path(sys.argv[1], 'deep/rows.csv').read_text())"
    sketch.processing(
        "A", script, inputs={"data": {"Get": "Parameters.data"}}, arguments=("/opt/ml/processing/input/data",)
    )
    assert run(sketch, parameters={"data": tmp_path / "in"}).steps["A"].log.read_text() == "4\n"


def test_a_step_that_writes_to_its_small_input_does_not_change_yours(run, rows):
    sketch = Sketch(data=str(rows))
    script = "import sys, pathlib; pathlib.Path(sys.argv[1]).write_text('gone')"
    sketch.processing(
        "A", script, inputs={"data": {"Get": "Parameters.data"}}, arguments=("/opt/ml/processing/input/data/rows.csv",)
    )
    run(sketch)
    assert rows.read_text() == "1\n2\n3\n"


@pytest.mark.parametrize(
    "spoils", ["open(sys.argv[1], 'ab').write(b'x')", "os.rename(sys.argv[1], '/'.join((sys.argv[2], 'x')))"]
)
def test_a_step_may_do_with_its_large_input_what_it_likes(spoils, run, tmp_path):
    large = tmp_path / "large.bin"
    large.write_bytes(bytes(9 << 20))
    before = large.stat()
    sketch = Sketch(data=str(large))
    words = ("/opt/ml/processing/input/data/large.bin", f"{OUT}/made")
    sketch.processing(
        "A",
        f"import os, sys; {spoils}",
        inputs={"data": {"Get": "Parameters.data"}},
        outputs=("made",),
        arguments=words,
    )
    run(sketch)
    assert large.read_bytes() == bytes(9 << 20)
    assert (large.stat().st_mode, large.stat().st_nlink, large.stat().st_ctime_ns) == (
        before.st_mode,
        1,
        before.st_ctime_ns,
    )


def test_paths_of_the_container_are_moved_in_arguments_and_environment(run):
    sketch = Sketch(n=3)
    script = "import json, os, pathlib, sys; pathlib.Path(sys.argv[1]).write_text(json.dumps([sys.argv[2:], os.environ['WHERE']]))"
    words = (f"{OUT}/told/x.json", "--out=/opt/ml/processing/output", "/opt/mlx", "a/opt/ml/b", {"Get": "Parameters.n"})
    sketch.processing("A", script, outputs=("told",), arguments=words, environment={"WHERE": "/opt/ml/model"})
    result = run(sketch)
    arguments, where = json.loads((result.steps["A"].outputs["told"] / "x.json").read_text())
    root = where.removesuffix("/model")
    assert root.startswith(str(result.path))
    assert arguments == [f"--out={root}/processing/output", "/opt/mlx", "a/opt/ml/b", "3"]


def test_a_log_shows_paths_as_in_the_container(run):
    sketch = Sketch()
    sketch.processing(
        "A", "import os; print(__file__, os.getcwd()); raise SystemExit(os.environ['SAGEMAKER_BASE_DIR'] + '/x')"
    )
    with pytest.raises(StepFailed, match=r"exit code 1: /opt/ml/x\n") as caught:
        run(sketch)
    log = Path(caught.value.log).read_text()
    assert log == "/opt/ml/processing/input/code/main.py /opt/ml\n/opt/ml/x\n"


def test_a_shell_entry_point_runs_as_it_is(run):
    sketch = Sketch()
    sketch.processing(
        "A", "echo from the shell: $1", entry=["/bin/sh", "/opt/ml/processing/input/code/main.py"], arguments=("yes",)
    )
    assert run(sketch).steps["A"].log.read_text() == "from the shell: yes\n"


def test_no_credentials_reach_a_step_and_secrets_are_masked_in_everything_kept(run, monkeypatch, tmp_path):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wJalr")
    monkeypatch.setenv("GITHUB_TOKEN", "ghp_x")
    sketch = Sketch(api_token="parameter-secret")
    sketch.processing(
        "A",
        "import os; print(sorted(n for n in os.environ if 'AWS_SEC' in n or 'GITHUB' in n), os.environ['DB_PASSWORD'], os.environ['T'])",
        environment={"DB_PASSWORD": "hunter2-hunter2", "T": {"Get": "Parameters.api_token"}},
    )
    lines: list[str] = []
    result = run(sketch, echo=lines.append, parameters={"api_token": "given-secret"})
    assert result.steps["A"].log.read_text() == "[] *** ***\n"
    assert "[A] [] *** ***" in lines
    kept = [path for path in result.path.rglob("*") if path.is_file()]
    assert not [path for path in kept if b"hunter2" in path.read_bytes() and path.name != "definition.json"]
    assert not [path for path in kept if b"given-secret" in path.read_bytes()]


def test_independent_steps_run_side_by_side(run, tmp_path):
    sketch = Sketch()
    meet = "import pathlib, sys, time\nme, other = map(pathlib.Path, sys.argv[1:])\nme.touch()\nend = time.time() + 20\nwhile not other.exists():\n    assert time.time() < end, 'alone'\n    time.sleep(0.01)\n"
    a, b = str(tmp_path / "a"), str(tmp_path / "b")
    sketch.processing("A", meet, arguments=(a, b))
    sketch.processing("B", meet, arguments=(b, a))
    assert run(sketch, max_parallel=2).status == "Succeeded"


def test_one_at_a_time_is_kept_to(run, tmp_path):
    sketch = Sketch()
    alone = "import os, sys, time\nos.mkdir(sys.argv[1])\ntime.sleep(0.05)\nos.rmdir(sys.argv[1])"
    for name in "ABC":
        sketch.processing(name, alone, arguments=(str(tmp_path / "lock"),))
    assert run(sketch, max_parallel=1).status == "Succeeded"


def test_a_failing_step_ends_the_running_ones_and_the_rest_is_not_executed(run, tmp_path):
    sketch = Sketch()
    started = tmp_path / "started"
    sketch.processing(
        "Long",
        "import pathlib, sys, time\npathlib.Path(sys.argv[1]).touch()\ntime.sleep(60)",
        arguments=(str(started),),
    )
    wait = "import pathlib, sys, time\nwhile not pathlib.Path(sys.argv[1]).exists(): time.sleep(0.01)\nsys.exit(3)"
    sketch.processing("Bad", wait, arguments=(str(started),))
    sketch.processing("After", "print('never')", depends=("Long",))
    with pytest.raises(StepFailed, match="Step 'Bad' failed with exit code 3") as caught:
        run(sketch, max_parallel=2)
    states = {name: step.status for name, step in caught.value.run.steps.items()}
    assert states == {"Long": "Stopped", "Bad": "Failed", "After": "NotExecuted"}


@pytest.fixture
def interruptible():
    """Ctrl-C raises, also where the tests were started in the background and ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_ctrl_c_ends_the_children_and_the_run_says_stopped(run, tmp_path, interruptible):
    sketch = Sketch()
    child = tmp_path / "child"
    sketch.processing(
        "Long",
        "import os, pathlib, sys, time\npathlib.Path(sys.argv[1]).write_text(str(os.getpid()))\nprint('up')\ntime.sleep(60)",
        arguments=(str(child),),
    )

    def interrupt(line: str) -> None:
        if line == "[Long] up":
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        run(sketch, echo=interrupt)
    (folder,) = (tmp_path / "home" / "runs").iterdir()
    stopped = Run.load(folder)
    assert stopped.status == "Stopped"
    assert stopped.steps["Long"].status == "Stopped"
    with pytest.raises(ProcessLookupError):
        os.kill(int(child.read_text()), 0)


def test_the_whole_run_can_be_limited_in_time(run):
    sketch = Sketch()
    sketch.processing("Long", "import time; time.sleep(60)")
    with pytest.raises(RunError, match="took longer than its limit") as caught:
        run(sketch, timeout=0.3)
    assert caught.value.run.steps["Long"].status == "Stopped"


def test_values_of_an_earlier_job_reach_a_later_one(run, rows):
    sketch = canonical()
    print_all = "import sys; print(*sys.argv[1:], sep='\\n')"
    wanted = {
        "Steps.Train.TrainingJobName": lambda text: text.startswith("pipelines-") and text.endswith("-Train"),
        "Steps.Train.TrainingJobStatus": "Completed".__eq__,
        "Steps.Train.HyperParameters['max_depth']": "8".__eq__,
        "Steps.Train.StoppingCondition.MaxRuntimeInSeconds": "3600".__eq__,
        "Steps.Train.InputDataConfig[0].ChannelName": "train".__eq__,
        "Steps.Split.ProcessingOutputConfig.Outputs[1].OutputName": "test".__eq__,
        "Steps.Split.ProcessingResources.ClusterConfig.InstanceType": "ml.m5.large".__eq__,
        "Steps.Split.ProcessingEndTime": lambda text: text.endswith("Z"),
        "Execution.PipelineName": "churn".__eq__,
        "Execution.PipelineExecutionArn": lambda text: ":pipeline/churn/execution/" in text,
    }
    sketch.processing("Print", print_all, arguments=tuple({"Get": text} for text in wanted))
    printed = run(sketch, parameters={"data": rows}).steps["Print"].log.read_text().splitlines()
    assert [text for (text, fits), line in zip(wanted.items(), printed, strict=True) if not fits(line)] == []


def test_the_arn_of_a_registered_version_is_a_value_of_later_steps(run, rows):
    sketch = canonical()
    yes = sketch.steps[3]["Arguments"]["IfSteps"]
    sketch.processing(
        "Print", "import sys; print(sys.argv[1])", arguments=({"Get": "Steps.Register.ModelPackageArn"},), into=yes
    )
    printed = run(sketch, parameters={"data": rows}).steps["Print"].log.read_text()
    assert printed == "arn:aws:sagemaker:local:000000000000:model-package/churn-models/1\n"


def test_a_model_step_is_recorded_and_its_name_known(run, rows):
    sketch = canonical()
    model = {
        "ExecutionRoleArn": "arn:aws:iam::111122223333:role/R",
        "PrimaryContainer": {"Image": IMAGE, "ModelDataUrl": model_of("Train")},
    }
    sketch.steps.append({"Name": "Create", "Type": "Model", "Arguments": model})
    sketch.processing("Print", "import sys; print(sys.argv[1])", arguments=({"Get": "Steps.Create.ModelName"},))
    assert run(sketch, parameters={"data": rows}).steps["Print"].log.read_text().startswith("pipelines-")


def test_branches_inside_branches_run_or_do_not(run, rows):
    sketch = canonical()
    auc = json_get("Evaluate", "metrics.auc")
    inner = {
        "Name": "Inner",
        "Type": "Condition",
        "Arguments": {"Conditions": [at_least(auc, 0.5)], "IfSteps": [], "ElseSteps": []},
    }
    sketch.steps[3]["Arguments"]["IfSteps"].append(inner)
    sketch.processing("Good", "print('good')", into=inner["Arguments"]["IfSteps"])
    sketch.processing("Fair", "print('fair')", into=inner["Arguments"]["ElseSteps"])
    result = run(sketch, parameters={"data": rows})
    assert (result.steps["Good"].status, result.steps["Fair"].status) == ("NotExecuted", "Succeeded")


def test_the_script_of_an_xgboost_image_runs_as_a_module_and_of_others_as_a_file(run, rows):
    names = {}
    for image in ("sagemaker-xgboost:3.0-5", "sagemaker-scikit-learn:1.4-2-py312"):
        sketch = Sketch(data=str(rows))
        full = f"683313688378.dkr.ecr.us-east-1.amazonaws.com/{image}"
        sketch.training("T", "print(__spec__ is not None)", channels={"train": {"Get": "Parameters.data"}}, image=full)
        names[image.partition(":")[0]] = run(sketch).steps["T"].log.read_text()
    assert names == {"sagemaker-xgboost": "True\n", "sagemaker-scikit-learn": "False\n"}


def test_a_training_step_that_leaves_no_model_succeeds_and_its_reader_says_what_is_missing(run, rows):
    sketch = Sketch(data=str(rows))
    sketch.training("T", "pass", channels={"train": {"Get": "Parameters.data"}})
    sketch.processing("E", EVALUATE, inputs={"model": model_of("T")})
    with pytest.raises(RunError, match=r"Step 'E': .*model\.tar\.gz") as caught:
        run(sketch)
    assert caught.value.run.steps["T"].outputs == {}
    assert caught.value.run.steps["T"].status == "Succeeded"


def test_an_uncompressed_model_is_kept_as_a_folder(run, rows):
    sketch = Sketch(data=str(rows))
    step = sketch.training("T", TRAIN, channels={"train": {"Get": "Parameters.data"}})
    step["Arguments"]["OutputDataConfig"]["CompressionType"] = "NONE"
    script = "import os, pathlib; print(os.listdir(pathlib.Path(os.environ['SAGEMAKER_BASE_DIR'], 'processing/input/model')))"
    sketch.processing("E", script, inputs={"model": model_of("T")})
    assert run(sketch).steps["E"].log.read_text() == "['model.json']\n"


def test_an_output_inside_another_is_in_both(run):
    sketch = Sketch()
    script = "import os, pathlib\nout = pathlib.Path(os.environ['SAGEMAKER_BASE_DIR'], 'processing/output')\n(out / 'a/b/x').write_text('1')"
    step = sketch.processing("A", script, outputs=("a", "b"))
    step["Arguments"]["ProcessingOutputConfig"]["Outputs"][1]["S3Output"]["LocalPath"] = f"{OUT}/a/b"
    outputs = run(sketch).steps["A"].outputs
    assert (outputs["a"] / "b" / "x").read_text() == (outputs["b"] / "x").read_text() == "1"


def test_the_home_comes_from_the_environment_or_lies_beside(run, tmp_path, monkeypatch):
    sketch = Sketch()
    sketch.processing("A", "pass")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FLUENTPIPE_HOME", str(tmp_path / "elsewhere"))
    assert run(sketch, home=None).path.parent == tmp_path / "elsewhere" / "runs"
    monkeypatch.delenv("FLUENTPIPE_HOME")
    assert run(sketch, home=None).path.parent == tmp_path / ".fluentpipe" / "runs"


def test_two_runs_at_once_in_one_home_do_not_disturb_each_other(run, rows):
    results: list[Run] = []

    def start() -> None:
        results.append(run(canonical(), parameters={"data": rows}, cache=False))

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(each.models[0].version for each in results) == [1, 2, 3, 4]
    assert len({each.id for each in results}) == 4


def test_a_report_is_read_by_its_s3_uri_as_well(run, rows):
    sketch = canonical()
    by_uri = {
        "Std:JsonGet": {"S3Uri": join(output("Evaluate", "report"), "evaluation.json"), "Path": "$.groups[0]['name']"}
    }
    sketch.processing("Print", "import sys; print(sys.argv[1])", arguments=(by_uri,))
    assert run(sketch, parameters={"data": rows}).steps["Print"].log.read_text() == "a b\n"


def test_a_path_into_a_file_names_no_step_whatever_it_begins_with():
    sketch = Sketch()
    sketch.processing("Evaluate", EVALUATE, outputs=("report",), report="report")
    sketch.condition("Gate", at_least(json_get("Evaluate", "Steps.auc"), 1))
    entries = list(sketch.definition().steps())
    assert [needs(entry) for entry in entries] == [set(), {"Evaluate"}]
    assert [(edge.source, edge.target) for edge in edges_of(entries)] == [("Evaluate", "Gate")]
