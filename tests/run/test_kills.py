"""Fifty kills, in every phase of a run; each time the same command then comes to the same end."""

from __future__ import annotations

import hashlib
import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from .killing import PHASES

SEED, KILLS = 20_240_229, 50
LINES = [f"line {step} {who}" for step in ("Split", "Train", "Evaluate") for who in ("runner", "steward", "program")]
linux = pytest.mark.skipif(sys.platform != "linux", reason="processes are looked for in /proc")


class Place:
    """A home of its own, with the processes and files that belong to it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder, self.home, self.trace = folder, folder / "home", folder / "trace"
        self.rows = folder / "rows.csv"
        self.rows.write_text("1\n2\n3\n")

    def run(self, plan: str) -> int:
        """Run the chain as a program; its temporary folder marks every process that comes from it."""
        command = [sys.executable, "-m", "tests.run.killing", self.home, self.rows, plan, self.trace]
        root = Path(__file__).parents[2]
        done = subprocess.run(
            command, cwd=root, env={**os.environ, "TMPDIR": str(self.folder)}, timeout=120, check=False
        )
        return done.returncode

    def processes(self) -> list[str]:
        """What still runs."""
        mark = f"TMPDIR={self.folder}\0".encode()
        return [str(each) for each in Path("/proc").glob("[0-9]*") if mark in _content(each / "environ")]

    def leftovers(self) -> list[str]:
        """Everything unfinished below the home."""
        unfinished = [path for path in self.home.rglob("*") if path.name.startswith((".tmp-", ".new-"))]
        return sorted(str(path.relative_to(self.home)) for path in (*unfinished, *(self.home / "running").iterdir()))

    def outcome(self) -> Any:
        """The registry and the metrics, without times and ids of runs."""
        versions = {}
        for version in sorted((self.home / "registry").glob("*/*")):
            files = {path.relative_to(version).as_posix(): path for path in version.rglob("*") if path.is_file()}
            package = json.loads(files.pop("package.json").read_bytes())
            versions[version.name] = {
                "files": {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in sorted(files.items())},
                "identity": package["Source"]["identity"],
                "status": package["ModelApprovalStatus"],
            }
        last = max((self.home / "runs").iterdir())
        report = json.loads((last / "steps/Evaluate/out/report/evaluation.json").read_bytes())
        return versions, report, json.loads((last / "run.json").read_bytes())["status"]


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:  # it has ended, or is another user's
        return b""


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Place:
    place = Place(tmp_path_factory.mktemp("kills") / "undisturbed")
    assert place.run("none") == 0
    return place


def plans(phases: list[str]) -> list[str]:
    """Where to kill: in each phase at least once, the rest anywhere; while each program runs, each of the three."""
    choose = random.Random(SEED)
    by_phase = {name: [at for at, phase in enumerate(phases) if phase == name] for name in dict.fromkeys(phases)}
    chosen = {choose.choice(places) for places in by_phase.values()}
    while len(chosen) < KILLS - len(LINES):
        chosen.add(choose.randrange(len(phases)))
    return [f"event {at}" for at in sorted(chosen)] + LINES


@pytest.mark.slow
@pytest.mark.xdist_group("kills")
def test_the_undisturbed_run_goes_through_every_phase_known(undisturbed):
    assert set(undisturbed.trace.read_text().splitlines()) == {name for name, _ in PHASES}


@linux
@pytest.mark.slow
@pytest.mark.xdist_group("kills")
def test_after_any_kill_the_same_command_comes_to_the_same_end(undisturbed, tmp_path):
    expected, hit = undisturbed.outcome(), []
    chosen = plans(undisturbed.trace.read_text().splitlines())
    assert len(chosen) == KILLS
    for number, plan in enumerate(chosen):
        place = Place(tmp_path / str(number))
        code = place.run(plan)
        assert code in ((-9,) if plan.startswith("event") or plan.endswith("runner") else (1,)), (plan, code)
        deadline = time.monotonic() + 10
        while place.processes() and time.monotonic() < deadline:
            time.sleep(0.02)
        assert place.processes() == [], plan
        if plan.startswith("event"):
            hit.append(place.trace.read_text().splitlines()[-1])
        assert place.run("none") == 0, plan
        assert place.outcome() == expected, plan
        assert place.leftovers() == [], plan
        assert place.processes() == [], plan
    assert set(hit) == {name for name, _ in PHASES}
