"""Programs in namespaces of their own: hard-coded paths, and no network."""

from __future__ import annotations

import socket
import subprocess
import tarfile
from pathlib import Path

import pytest

from fluentpipe.errors import RunError, StepFailed
from fluentpipe.run.isolation import Isolation
from fluentpipe.run.starting import Command

from .namespaces import needs_namespaces
from .pipelines import Sketch

HARD_CODED = """
import os, pathlib, sys
assert sys.argv[1:] == ["--out", "/opt/ml/processing/output/made"], sys.argv
rows = pathlib.Path("/opt/ml/processing/input/data/rows.csv").read_text().split()
pathlib.Path("/opt/ml/processing/output/made/sum.txt").write_text(str(sum(map(int, rows))))
print("in", os.getcwd(), "for", os.environ["PLACE"], "beside", sorted(os.listdir("/opt")))
"""


def hard_coded(rows: Path) -> Sketch:
    sketch = Sketch(data=str(rows))
    sketch.processing(
        "P",
        HARD_CODED,
        inputs={"data": {"Get": "Parameters.data"}},
        outputs=("made",),
        arguments=("--out", "/opt/ml/processing/output/made"),
        environment={"PLACE": "/opt/ml/model"},
    )
    return sketch


@needs_namespaces
def test_a_script_with_hard_coded_paths_runs_with_its_folder_at_opt_ml(run, rows):
    there = Path("/opt/ml").exists()
    step = run(hard_coded(rows), isolation="paths").steps["P"]
    assert (step.outputs["made"] / "sum.txt").read_text() == "6"
    beside = sorted({*(file.name for file in Path("/opt").iterdir()), "ml"})
    assert f"in /opt/ml for /opt/ml/model beside {beside}" in step.log.read_text()
    assert Path("/opt/ml").exists() == there


def test_without_isolation_such_a_script_fails_and_nothing_is_written_outside(run, rows):
    with pytest.raises(StepFailed):
        run(hard_coded(rows))
    assert not Path("/opt/ml/processing/output/made").exists()


@needs_namespaces
def test_a_training_finds_model_and_channels_at_opt_ml(run, rows):
    sketch = Sketch(data=str(rows))
    script = """
import os, shutil
assert os.environ["SM_MODEL_DIR"] == "/opt/ml/model" and os.getcwd() == "/opt/ml/code", dict(os.environ)
shutil.copy("/opt/ml/input/data/train/rows.csv", "/opt/ml/model/rows.csv")
"""
    sketch.training("T", script, channels={"train": {"Get": "Parameters.data"}})
    with tarfile.open(run(sketch, isolation="paths").steps["T"].outputs["model"]) as tar:
        assert tar.getnames() == ["rows.csv"]


CALL = """
import socket, sys
with socket.create_server(("127.0.0.1", 0)) as own:  # itself it may always call
    pass
try:
    socket.create_connection(("127.0.0.1", int(sys.argv[1])), 5).close()
    print("connected")
except OSError as error:
    print("refused", error)
"""


@needs_namespaces
@pytest.mark.parametrize(("offline", "said"), [(False, "connected"), (True, "refused")])
def test_offline_a_program_reaches_nobody(offline, said, run):
    with socket.create_server(("127.0.0.1", 0)) as server:
        sketch = Sketch()
        sketch.processing("P", CALL, arguments=(str(server.getsockname()[1]),))
        assert said in run(sketch, offline=offline).steps["P"].log.read_text()


def test_without_namespaces_it_is_said_before_anything_starts(run, rows, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))  # where there is no unshare
    with pytest.raises(
        RunError, match=r"Programs cannot be isolated here \(the job's folder at /opt/ml and no network\)"
    ) as e:
        run(hard_coded(rows), isolation="paths", offline=True)
    assert "SM_* variables" in str(e.value)
    assert not (tmp_path / "home").exists()


def test_what_unshare_answers_is_told(monkeypatch, tmp_path):
    fake = tmp_path / "unshare"
    fake.write_text("#!/bin/sh\necho 'unshare: unshare failed: Operation not permitted' >&2\nexit 1\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(RunError, match=r"no network\): unshare: unshare failed: Operation not permitted"):
        Isolation.of(paths=False, network=False)


def test_without_isolation_a_command_is_left_as_it_is(tmp_path):
    command = Command(("python3", "x.py"), tmp_path, {})
    assert Isolation().wrapped(command, tmp_path) is command


@needs_namespaces
def test_a_folder_with_blanks_and_signs_is_no_shell_code(tmp_path):
    root = tmp_path / "a b'; touch hit; $(touch hit)"
    root.mkdir()
    command = Isolation(paths=True).wrapped(
        Command(("/bin/sh", "-c", "pwd > pwd"), root, {"PATH": "/usr/bin:/bin"}), root
    )
    subprocess.run(command.argv, cwd=command.cwd, env=dict(command.env), check=True)
    assert (root / "pwd").read_text() == "/opt/ml\n"
    assert not list(tmp_path.rglob("hit"))
