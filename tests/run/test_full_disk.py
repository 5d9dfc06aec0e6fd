"""A disk that is full at whatever moment: an error that says so, nothing half-published, and the same again works."""

from __future__ import annotations

import errno
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fluentpipe.errors import RunError
from fluentpipe.run import record

from .namespaces import needs_namespaces
from .pipelines import canonical

ROOT = Path(__file__).parents[2]
ADVICE = "fix: make room, with `fluentpipe clean` for instance, or give another folder: --home"


def outcomes(tmp_path: Path, *plans: str) -> list[dict[str, Any]]:
    """What happened on disks of so many pages, or full when a step starts."""
    (tmp_path / "home").mkdir()
    (tmp_path / "rows.csv").write_text("1\n2\n3\n")
    program = [sys.executable, "-m", "tests.run.filling", tmp_path / "home", tmp_path / "rows.csv", *plans]
    done = subprocess.run(
        ["unshare", "-Urm", *program], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True, timeout=300
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def check(told: dict[str, Any]) -> None:
    """Whatever was the first to have no space."""
    assert told["unfinished"] == told["left"] == [], told
    assert told["again"] == ["Succeeded", ""], told
    for name, files in told["published"].items():
        assert files == told["whole"][name], told  # nothing half: as it is after a run with room
    if told["status"] != "Succeeded":
        assert "no space" in told["said"], told
        assert ADVICE in told["said"], told
    assert told["recorded"] == ([told["status"]] if told["status"] else []), told


@pytest.mark.parametrize("part", ["make_folder", "write_atomically"])
def test_without_space_for_its_folder_a_run_does_not_begin_and_leaves_nothing(part, run, rows, monkeypatch, tmp_path):
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(record, part, full)
    with pytest.raises(RunError) as caught:
        run(canonical(), parameters={"data": rows})
    home = tmp_path / "home"
    assert str(caught.value).startswith(f"There is no space for the folder of the run, {home}/runs/")
    assert ADVICE in str(caught.value)
    assert getattr(caught.value, "run", None) is None
    assert [*home.glob("runs/*"), *home.glob("running/*")] == []


@needs_namespaces
@pytest.mark.slow
def test_wherever_the_disk_gets_full_nothing_is_half_published_and_the_same_again_works(tmp_path):
    found = outcomes(tmp_path, *map(str, range(1, 60)))
    for told in found:
        check(told)
    assert (found[2]["status"], found[2]["recorded"]) == (None, [])  # it did not begin
    assert {told["said"].partition(":")[0].partition(" for ")[0] for told in found} == {
        "There is no space", "Step 'Split'", "Step 'Train'", "Step 'Evaluate'", "",
    }  # fmt: skip


@needs_namespaces
@pytest.mark.slow
def test_a_disk_that_gets_full_when_a_step_starts_is_told_with_the_step(tmp_path):
    steps = ("Split", "Train", "Evaluate", "Register")
    for told in outcomes(tmp_path, *steps):
        check(told)
        assert told["said"].startswith(f"Step {told['plan']!r}: there is no space left"), told
