"""A program for `test_kills`: runs the canonical chain, and kills itself, or another process of the run, at a moment.

    python -m tests.run.killing HOME ROWS PLAN TRACE

PLAN is `none`, `event N` (the N-th change of a file below HOME, just before it is made), or `line STEP WHO`: when that
step has printed its line, WHO (runner, steward or program) is killed. TRACE gets the phase of each event, one a line;
of a run that kills itself, the phase it was in is the last.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import sys
import threading
from pathlib import Path
from typing import Any

import fluentpipe.run.starting as starting
from fluentpipe.errors import RunError
from fluentpipe.run import run

from .pipelines import EVALUATE, SPLIT, TRAIN, Sketch, canonical

# The first that fits, tried on the event and the path below the home; a rename is told by where it leads to.
PHASES = (
    ("setting the mark", r"\S+ running/\.new-"),
    ("showing the mark", r"os\.rename running/"),
    ("taking the mark away", r"os\.remove running/"),
    ("writing the manifest", r"open runs/[^/]+/\.tmp-run\.json"),
    ("replacing the manifest", r"os\.rename runs/[^/]+/run\.json"),
    ("making the run's folder", r"os\.mkdir runs/[^/]+(/steps)?$"),
    ("staging a step", r"os\.mkdir runs/[^/]+/steps/\.tmp-[^/]+$"),
    ("placing inputs", r"(os\.mkdir|open|shutil\.copyfile) runs/[^/]+/steps/\.tmp-[^/]+/ml/"),
    ("logging", r"open runs/[^/]+/steps/\.tmp-[^/]+/(log\.txt|job\.json)"),
    ("moving outputs", r"(os\.rename|os\.mkdir|open) runs/[^/]+/steps/\.tmp-[^/]+/out"),
    ("closing outputs", r"os\.chmod runs/"),
    ("clearing up after a step", r"(shutil\.rmtree|os\.rmdir|os\.remove) runs/[^/]+/steps/\.tmp-"),
    ("publishing a step", r"os\.rename runs/[^/]+/steps/[^./]+$"),
    ("filling an entry", r"\S+ cache/\.tmp-"),
    ("showing an entry", r"os\.rename cache/[0-9a-f]{64}$"),
    ("noting a step", r"\S+ cache/steps"),
    ("filling a version", r"\S+ registry/[^/]+/\.tmp-"),
    ("showing a version", r"os\.rename registry/[^/]+/\d+$"),
    ("writing the report", r"\S+ runs/[^/]+/(\.tmp-)?[^/]*report"),
)
_CHANGES = frozenset(
    ("open", "os.rename", "os.link", "os.mkdir", "os.remove", "os.rmdir", "os.chmod", "os.utime", "shutil.copyfile", "shutil.rmtree")
)  # fmt: skip
_PAUSE = "\nimport time; print('here', flush=True); time.sleep(0.15)\n"


def chain() -> Sketch:
    """The canonical chain; each program says when it has done its work, and lives a little longer."""
    sketch = canonical()
    for position, script in ((0, SPLIT), (2, EVALUATE)):
        place = sketch.steps[position]["Arguments"]["ProcessingInputs"][0]["S3Input"]
        place["S3Uri"] = sketch.asset({"main.py": script + _PAUSE})
    shown = Sketch()
    shown.training("T", TRAIN + _PAUSE, channels={})
    submit = shown.steps[0]["Arguments"]["HyperParameters"]["sagemaker_submit_directory"]
    sketch.steps[1]["Arguments"]["HyperParameters"]["sagemaker_submit_directory"] = submit
    sketch.assets += shown.assets
    return sketch


def phase_of(event: str, arguments: tuple[Any, ...], home: Path) -> str:
    """The phase that a change of a file belongs to; empty for what is none."""
    if event not in _CHANGES:
        return ""
    place = arguments[1] if event in ("os.rename", "os.link", "shutil.copyfile") else arguments[0]
    if event == "open" and not (isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)):
        return ""
    if not isinstance(place, str | Path) or not str(place).startswith(f"{home}/"):
        return ""
    text = f"{event} {os.path.relpath(place, home)}"
    return next((name for name, pattern in PHASES if re.match(pattern, text)), "")


def watch(home: Path, at: int, trace: Path) -> None:
    """Kill this process before its `at`-th change of a file (-1 for never); write down the phases."""
    lock, count = threading.Lock(), 0
    descriptor = os.open(trace, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o644)

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal count
        if not (phase := phase_of(event, arguments, home)):
            return
        with lock:
            os.write(descriptor, f"{phase}\n".encode())
            if count == at:
                os.kill(os.getpid(), signal.SIGKILL)
            count += 1

    sys.addaudithook(hook)


def kill_at_line(step: str, who: str) -> Any:
    """Takes the lines of the run, and kills when the step has printed its own."""

    def echo(line: str) -> None:
        if line == f"[{step}] here":
            steward = next(iter(starting._stewards.values()))._process.pid
            program = Path(f"/proc/{steward}/task/{steward}/children").read_text().split()[0]
            os.kill({"runner": os.getpid(), "steward": steward, "program": int(program)}[who], signal.SIGKILL)

    return echo


def main(home: str, rows: str, plan: str, trace: str) -> None:
    kind, *rest = plan.split()
    if kind != "line":
        watch(Path(home), int(rest[0]) if rest else -1, Path(trace))
    echo = kill_at_line(*rest) if kind == "line" else None
    with contextlib.suppress(RunError):
        run(chain().definition(), parameters={"data": rows}, home=home, echo=echo)
        sys.exit(0)
    sys.exit(1)


if __name__ == "__main__":
    main(*sys.argv[1:])
