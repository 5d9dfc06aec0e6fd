"""The command line: the demo as a process of its own, the rest in this one."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from fluentpipe.cli import main
from fluentpipe.demo import CODE, DATA

SCRIPT = """\
from fluentpipe import Pipeline
pipe = Pipeline("churn").load_data({data!r}, label="churn").preprocess().train_xgboost(n_estimators=30)
pipe = pipe.evaluate_performance().require(min_auc={limit}, max_log_loss=0.9).register("churn-models")
"""


def fluentpipe(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "COLUMNS": "120", "NO_COLOR": "1"}
    environment.pop("FLUENTPIPE_HOME", None)
    command = [sys.executable, "-m", "fluentpipe", *words]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, env=environment)


def here(*words: str) -> Result:
    """The same without a new process, in the current folder."""
    return CliRunner().invoke(main, words, catch_exceptions=False, env={"COLUMNS": "120", "NO_COLOR": "1"})


@pytest.fixture(autouse=True)
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """The home of the demo, and what it said."""
    folder = tmp_path_factory.mktemp("demo")
    return folder / ".fluentpipe", fluentpipe("demo", cwd=folder)


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "train.py"
    path.write_text(SCRIPT.format(data=str(DATA), limit=0.7))
    return path


@pytest.mark.xdist_group("demo")  # one run for both
def test_the_demo_shows_its_code_trains_gates_and_registers(demo) -> None:
    home, done = demo
    assert done.returncode == 0, done.stderr
    for part in (
        "from fluentpipe import Pipeline",
        "quality_gate: holds",
        "registered  churn-models version 1",
        "auc ",
    ):
        assert part in done.stdout
    assert (home / "registry" / "churn-models" / "1" / "model.tar.gz").is_file()


@pytest.mark.xdist_group("demo")  # one run for both
def test_a_missed_gate_has_a_status_and_a_message_of_its_own_and_registers_nothing(demo) -> None:
    home, _ = demo
    strict = CODE.replace("min_auc=0.80", "min_auc=0.99, max_log_loss=0.9").replace("run = pipe.run()", "")
    Path("strict.py").write_text(strict)
    done = here("run", "strict.py", "-q", "--home", str(home))
    assert done.exit_code == 3
    first, *rest = done.stderr.splitlines()
    assert (
        first
        == "Step 'quality_gate_failed' ended the run: Quality gate quality_gate failed; required: auc >= 0.99 and log_loss <= 0.9"
    )
    assert rest[0].startswith("  metrics.auc: 0.8")
    assert rest[0].endswith(" is not >= 0.99")
    report = rest[-1].removeprefix("report: ")
    assert "is not &gt;= 0.99" in Path(report).read_text("utf-8")
    assert [path.name for path in (home / "registry" / "churn-models").iterdir()] == ["1"]  # the demo's


def test_a_bundle_runs_without_the_script_and_without_the_data_at_its_place(tmp_path, script, monkeypatch) -> None:
    assert here("compile", str(script), "-o", "bundle").exit_code == 0
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "bundle").rename(elsewhere / "bundle")
    script.unlink()
    monkeypatch.chdir(elsewhere)
    done = here("run", "bundle", "-q")
    assert done.exit_code == 0, done.stderr
    assert "churn-models version 1" in done.stdout


def test_compile_puts_role_bucket_and_region_into_the_definition(tmp_path, script) -> None:
    role = "arn:aws:iam::111122223333:role/SageMakerRole"
    words = ("--role", role, "--bucket", "my-bucket", "--region", "eu-west-1")
    done = here("compile", str(script), "-o", "bundle", *words)
    assert done.exit_code == 0, done.stderr
    text = (tmp_path / "bundle" / "definition.json").read_text()
    assert role in text
    assert "141502667606.dkr.ecr.eu-west-1" in text
    assert "placeholder" not in text


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param("", "empty", marks=pytest.mark.slow, id="empty"),
        pytest.param("tenure,churn\n", "no rows", marks=pytest.mark.slow, id="header only"),
        pytest.param("tenure,churn\n1,Yes\n2\n3,No,9\n", "line 3", id="ragged"),
        pytest.param("tenure,left\n1,Yes\n2,No\n", "there is no column 'churn'", marks=pytest.mark.slow, id="no label"),
    ],
)
def test_data_that_will_not_do_fails_the_first_step_with_the_reason(tmp_path, script, content, reason) -> None:
    (tmp_path / "bad.csv").write_text(content)
    done = here("run", str(script), "--data", "bad.csv", "-q")
    assert done.exit_code == 1
    assert "data_loading" in done.stderr
    assert reason in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("words", "status", "reason"),
    [
        (("run", "train.py", "-p", "dta=x.csv"), 2, "parameter 'dta' is unknown. Did you mean 'data'?"),
        (("run", "train.py", "--data", "nowhere.csv"), 2, "There is no file or folder 'nowhere.csv'"),
        (("run", "train.py", "--only", "nope"), 2, "has no step 'nope'"),
        (("run", "train.py", "--only", "data_loading", "--from", "data_loading"), 2, "give one of the two"),
        (("run", "train.py", "--only", "xgboost_training", "--home", "none"), 2, "fix: run the whole pipeline once"),
        (("run", "train.py", "--run", "last"), 2, "name the step, too"),
        (("run", "train.py", "--home", "broken.json"), 2, "fix: give another folder"),
        (("run", "depth.json", "-p", "depth=abc"), 2, "depth"),
        (("run", "train.py", "-p", "data"), 2, "write NAME=VALUE"),
        (("run", "nothing"), 2, "no file, folder or module 'nothing'"),
        (("run", "train.py:pip"), 2, "has no pipeline 'pip'; it has pipe"),
        (("run", "broken.json"), 2, "is no JSON"),
        (("explain", "broken.json"), 2, "is no JSON"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_faulty_words_are_answered_with_what_is_wrong(tmp_path, script, words, status, reason) -> None:
    (tmp_path / "broken.json").write_text("{")
    depth = {"Name": "depth", "Type": "Integer", "DefaultValue": 3}
    steps = [{"Name": "one", "Type": "Fail", "Arguments": {"ErrorMessage": "no"}}]
    (tmp_path / "depth.json").write_text(json.dumps({"Version": "2020-12-01", "Parameters": [depth], "Steps": steps}))
    done = here(*words)
    assert (done.exit_code, reason in done.stderr) == (status, True), done.stderr


def test_check_prints_every_fault_of_somebody_s_definition(tmp_path) -> None:
    steps = [
        {"Name": "one", "Type": "Fail", "Arguments": {"ErrorMessage": {"Get": "Steps.none.X"}}},
        {"Name": "one", "Type": "Fail", "Arguments": {}},
    ]
    (tmp_path / "hand.json").write_text(json.dumps({"Version": "2020-12-01", "Steps": steps}))
    done = here("check", "hand.json")
    assert done.exit_code == 2
    assert "'none'" in done.stdout
    assert "2 errors" in done.stdout or "3 errors" in done.stdout


def test_explain_says_why(script) -> None:
    done = here("explain", str(script))
    assert done.exit_code == 0
    assert "test_data <- tabular_preprocessing.test_data  1.00" in done.stdout
