"""`fluentpipe check` on scripts: every fault, each with its line, and nothing run."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from fluentpipe.demo import DATA

HEAD = "from fluentpipe import Pipeline\n"
LOADED = f'Pipeline("churn").load_data({str(DATA)!r}, label="churn")'


def check(tmp_path: Path, code: str, *words: str) -> tuple[int, list[str]]:
    (tmp_path / "train.py").write_text(HEAD + code)
    command = [sys.executable, "-m", "fluentpipe", "check", *(words or ("train.py",))]
    environment = {**os.environ, "NO_COLOR": "1"}
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=environment)
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout.splitlines()


def test_a_chain_s_faults_are_all_told_each_at_the_line_of_its_verb(tmp_path) -> None:
    code = f"""\
pipe = (
    {LOADED}
    .train_xgboost(max_dept=8, eta=3)
    .evaluate_performance()
    .require(min_auk=0.8)
    .register()
)
other = {LOADED}.preprocess(instance_type="ml.huge")
"""
    status, lines = check(tmp_path, code)
    assert status == 2
    starts = [
        "train.py:4: error: eta: must be <= 1, not 3.0",
        "train.py:4: error: max_dept: there is no such setting. Did you mean 'max_depth'?",
        "train.py:5: error: evaluate_performance needs TestData",
        "train.py:6: error: min_auk: there is no such setting. Did you mean 'min_auc'?",
        "train.py:7: error: group: must be given",
        "train.py:9: warning: 'ml.huge' is none of the known values of ProcessingInstanceType.",
        "train.py, 2 pipelines: 5 errors, 1 warning",
    ]
    if sys.version_info < (3, 11):  # which may know a verb of a chain by the chain's first line
        starts, lines = ([re.sub(r"^train.py:[3-7]:", "", line) for line in each] for each in (starts, lines))
    assert len(lines) == len(starts)
    assert all(any(line.startswith(start) for line in lines) for start in starts)


@pytest.mark.parametrize(
    ("code", "line"),
    [
        (f"pipe = {LOADED}\npipe.outputs.data_loadin", "train.py:3: error: this pipeline has no step 'data_loadin'. Did you mean"),
        ("pipe = Pipeline('a b')", "train.py:2: error: a pipeline cannot be named 'a b'."),
        ("x = 1\npipe = Pipe('a')", "train.py:3: error: NameError: name 'Pipe' is not defined"),
        ("pipe = (", "train.py:2: error: SyntaxError: '(' was never closed"),
        (f"pipe = {LOADED}.preproces()", "train.py:2: error: AttributeError: Pipeline has no verb 'preproces'."),
    ],
)  # fmt: skip
def test_what_ends_a_script_is_a_fault_with_a_line(tmp_path, code, line) -> None:
    status, lines = check(tmp_path, code)
    assert status == 2
    assert lines[0].startswith(line)
    assert len(lines) == 2


def test_a_fault_of_the_definition_is_told_at_the_line_of_its_step(tmp_path) -> None:
    status, lines = check(tmp_path, f"pipe = {LOADED}\npipe = pipe.preprocess(environment={{'x y': '1'}})\n")
    assert status == 2
    assert lines[0].startswith("train.py:3: error: ")


def test_nothing_is_run(tmp_path) -> None:
    code = f"pipe = {LOADED}.preprocess().train_xgboost()\nrun = pipe.run()\nprint('after')\n"
    status, lines = check(tmp_path, code)
    assert (status, lines) == (0, ["train.py, 1 pipeline: 0 errors, 0 warnings"])
    assert not (tmp_path / ".fluentpipe").exists()
