"""Signals to a run: it ends in order, says so, leaves nothing behind, and the same command goes on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fluentpipe.run.stopping import stopping

from .test_kills import Place, linux

pytestmark = linux
ROOT = Path(__file__).parents[2]
NUMBERS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]

# One step that waits, the second time not: python … HOME GRACE SCRIPT
PROGRAM = """
import sys
from pathlib import Path
from fluentpipe.run import run
from tests.run.pipelines import OUT, Sketch
home, grace, script = sys.argv[1:]
sketch = Sketch()
sketch.processing("First", "print('first')", outputs=("data",))
sketch.processing("Waits", script, outputs=("data",), arguments=(home + "/../go",), depends=("First",))
sketch.processing("Last", "", depends=("Waits",))
run(sketch.definition(), home=home, grace=float(grace))
"""
WAITS = """
import os, sys, time
print("waits", os.getpid(), flush=True)
while not os.path.exists(sys.argv[1]):
    time.sleep(0.02)
"""
DEAF = "import pathlib, signal, sys\nsignal.signal(15, lambda *_: pathlib.Path(sys.argv[1] + '-not').touch())\n" + WAITS


def wait_for(happens: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not happens():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _heed() -> None:
    """A shell's background jobs ignore SIGINT, and those of nohup SIGHUP; so would what they start."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


class Stopped(Place):
    """A run in a process of its own, stopped when its second step waits."""

    def start(self, script: str = WAITS, grace: float = 20) -> tuple[subprocess.Popen[str], int]:
        """The process, and the id of the program that waits."""
        self.started: list[subprocess.Popen[str]] = []
        command = [sys.executable, "-c", PROGRAM, str(self.home), str(grace), script]
        env = {**os.environ, "TMPDIR": str(self.folder)}
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            preexec_fn=_heed,
        )
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("[Waits] waits "):
                self.started.append(process)
                return process, int(line.split()[-1])
        raise AssertionError(process.communicate())

    def end(self, process: subprocess.Popen[str]) -> int:
        """Its exit status, once it is over and none of its processes is left."""
        process.communicate(timeout=60)
        wait_for(lambda: not self.processes())
        assert self.leftovers() == []
        return process.returncode

    def manifest(self) -> dict:
        return json.loads((max((self.home / "runs").iterdir()) / "run.json").read_bytes())


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Stopped]:
    made = Stopped(tmp_path / "place")
    yield made
    for process in made.started:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(
    "number",
    [signal.SIGTERM, *(pytest.param(each, marks=pytest.mark.slow) for each in (signal.SIGINT, signal.SIGHUP))],
    ids=lambda number: number.name,
)
def test_a_signal_stops_the_run_in_order_and_the_same_command_goes_on(number, place):
    process, _ = place.start()
    process.send_signal(number)
    assert place.end(process) == (-2 if number == signal.SIGINT else 128 + number)
    stopped = place.manifest()
    assert (stopped["status"], stopped["reason"]) == ("Stopped", f"by {number.name}")
    assert {name: step["status"] for name, step in stopped["steps"].items()} == {
        "First": "Succeeded", "Waits": "Stopped", "Last": "NotExecuted",
    }  # fmt: skip
    assert (max((place.home / "runs").iterdir()) / "report.html").is_file()
    (place.folder / "go").touch()
    process, _ = place.start()
    assert place.end(process) == 0
    assert place.manifest()["steps"]["First"]["cached"] == stopped["id"]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_a_second_signal_kills_what_does_not_end(number, place):
    process, _ = place.start(DEAF, grace=600)
    process.send_signal(number)
    wait_for((place.folder / "go-not").exists)  # the first one came as far as the program, which is asked to end
    process.send_signal(number)
    assert place.end(process) == (-2 if number == signal.SIGINT else 128 + number)
    assert place.manifest()["status"] == "Stopped"


@pytest.mark.slow
def test_a_signal_to_all_processes_at_once_is_the_runs(place):
    process, _ = place.start()
    for folder in sorted(place.processes(), key=lambda name: int(Path(name).name)):  # as a service manager does
        os.kill(int(Path(folder).name), signal.SIGTERM)
    assert place.end(process) == 143
    assert place.manifest()["status"] == "Stopped"


@pytest.mark.slow
def test_a_signal_to_the_steward_ends_nothing(place):
    process, program = place.start()
    steward = int(Path(f"/proc/{program}/stat").read_text().rpartition(")")[2].split()[1])
    assert steward != process.pid
    for number in NUMBERS:
        os.kill(steward, number)
    (place.folder / "go").touch()
    assert place.end(process) == 0


@pytest.mark.slow
def test_a_signal_to_the_program_alone_fails_its_step(place):
    process, program = place.start()
    os.kill(program, signal.SIGTERM)
    assert place.end(process) == 1
    assert "was ended by signal SIGTERM" in place.manifest()["steps"]["Waits"]["reason"]


# ---- the handlers ------------------------------------------------------------------------------------------------


@pytest.fixture
def handlers():
    before = {number: signal.getsignal(number) for number in NUMBERS}
    for number in NUMBERS:
        signal.signal(number, signal.SIG_DFL)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_the_handlers_before_are_there_again_whatever_happens(handlers):
    with pytest.raises(ZeroDivisionError), stopping():
        assert all(signal.getsignal(number) is not signal.SIG_DFL for number in NUMBERS)
        raise ZeroDivisionError
    assert all(signal.getsignal(number) is signal.SIG_DFL for number in NUMBERS)


@pytest.mark.parametrize("theirs", [signal.SIG_IGN, lambda *_: None], ids=["ignored", "taken"])
def test_a_signal_that_is_ignored_or_taken_by_somebody_else_is_left_to_them(theirs, handlers):
    signal.signal(signal.SIGHUP, theirs)
    with stopping() as taken:
        assert signal.getsignal(signal.SIGHUP) is theirs
        os.kill(os.getpid(), signal.SIGHUP)
        assert taken.number == 0


def test_outside_the_main_thread_no_handler_is_set(handlers):
    seen = []

    def run() -> None:
        with stopping():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert seen == [signal.SIG_DFL]


def test_a_signal_between_two_parts_waits_for_the_next_or_the_end(handlers):
    order = []
    with pytest.raises(SystemExit) as caught, stopping() as taken:
        os.kill(os.getpid(), signal.SIGTERM)
        order.append("goes on")
        with taken.at_once():
            order.append("never here")
    assert (caught.value.code, order) == (143, ["goes on"])
    with pytest.raises(SystemExit) as caught, stopping() as taken:
        with taken.at_once():
            order.append("undisturbed")
        os.kill(os.getpid(), signal.SIGTERM)
        order.append("closed")
    assert (caught.value.code, order[1:]) == (143, ["undisturbed", "closed"])


def test_further_signals_hurry_and_raise_nothing(handlers):
    hurried = []
    with pytest.raises(SystemExit), stopping() as taken:
        taken.hurry = lambda: hurried.append(1)
        with taken.at_once():
            try:
                os.kill(os.getpid(), signal.SIGTERM)
            finally:
                os.kill(os.getpid(), signal.SIGTERM)
                os.kill(os.getpid(), signal.SIGINT)
    assert hurried == [1, 1]
