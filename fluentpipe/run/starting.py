"""Starting the program of a step: by a steward where the platform can, else as a plain child process.

A steward (see `steward`) is a process of the runner that has the heavy imports done and forks a child per step. It is
started with the first step that needs it, or before (`get_ready`), and ends with this process. There are three, so that what
a script finds imported depends on that script alone: one for our own programs, in which XGBoost was imported as if there
were no scikit-learn, ready in a fraction of the time; one with all of it, for scripts that may use it; one for the others.
"""

from __future__ import annotations

import atexit
import contextlib
import itertools
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import attrs

from fluentpipe.errors import RunError
from fluentpipe.run.environment import inherited
from fluentpipe.run.memory import own_peak, peak_of_child

HAS_STEWARD = sys.platform == "linux"  # elsewhere libraries with threads do not survive a fork reliably

_STEWARD = Path(__file__).with_name("steward.py")
_LIGHT = ("numpy", "pyarrow.parquet", "pyarrow.csv", "pyarrow.compute")
_OWN = (*_LIGHT, "xgboost")
_FULL = ("pandas", "sklearn", *_OWN)
_NEEDS_SKLEARN = re.compile(rb"^import sklearn$", re.MULTILINE)  # of our own programs
# What lets a script of somebody else use XGBoost, pandas or scikit-learn, if only by what it unpickles. One that does so in
# spite of having none of these words imports them itself.
_MAY_NEED_ALL = re.compile(rb"\b(pandas|sklearn|xgboost|lightgbm|joblib|pickle|skops|to_pandas)\b")
# Variables that a program or a library reads when it starts, too late for a fork.
_READ_AT_START = re.compile("PYTHON|LD_|OMP_|GOMP_|KMP_|MKL_|OPENBLAS_|MALLOC_|ARROW_|NUMPY_|NPY_|XGBOOST_")
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
_TRIES = 3
_SCANNED = 200  # files beside a script and below


@attrs.frozen
class Command:
    """What to start."""

    argv: tuple[str, ...]
    cwd: Path
    env: Mapping[str, str]
    seconds: float | None = None  # the time it may take
    is_own: bool = False  # whether the program is one of ours


@attrs.frozen
class Usage:
    """How a process ended and what it took, as the system counts it."""

    code: int  # negative: the signal that ended it
    cpu_seconds: float
    reported: int  # ru_maxrss
    parent: float  # MiB; the peak of its parent when it was started

    def peak(self, sampled: float) -> float:
        """Peak memory in MiB, given the highest sample taken while it ran."""
        return peak_of_child(self.reported, sampled, self.parent)


class Started(Protocol):
    """A process that was started, the leader of its own group."""

    pid: int
    output: int  # descriptor of its stdout and stderr
    handle: int | None  # descriptor that becomes readable when it has ended, where there is such

    def collect(self, *, wait: bool) -> Usage | None:
        """What it used, once it has ended; asked again it says so again."""

    def close(self) -> None:
        """Free the descriptors."""


def start(command: Command, *, fork: bool) -> Started:
    """Start a program in a session of its own.

    Args:
        command: What to start. Its standard input is empty, so that a program that asks gets an end of file.
        fork: Whether a Python script may be run by a fork of a warm process.

    Raises:
        RunError: It cannot be started.
    """
    if any("\0" in word for word in (*command.argv, *command.env, *command.env.values())):
        raise cannot_start(command, "an argument or a variable holds a NUL character")
    if not HAS_STEWARD:
        return _Plain(command)
    forks = fork and _can_fork(command)
    modules = _modules(command) if forks else ()
    for _ in range(_TRIES):
        steward = _steward(modules, forks)
        try:
            return steward.start(command, fork=forks)
        except (OSError, EOFError):  # somebody killed it, perhaps a moment ago
            steward.kill()
    raise RunError(
        "The process that starts the steps dies again and again.",
        fix="see what ends it: the system may have run out of memory",
    )


def get_ready() -> None:
    """Let the usual imports begin before the first step needs them; they go on beside whatever comes now."""
    if HAS_STEWARD:
        with contextlib.suppress(OSError):  # told when a step is started
            _steward(_OWN, forks=True)


def cannot_start(command: Command, why: str) -> RunError:
    """The error for a program that is not there."""
    return RunError(
        f"The program {command.argv[0]!r} cannot be started: {why}.",
        f"command: {' '.join(command.argv)}"[:500],
        fix="install it, or correct the entry point",
    )


class _Plain:
    """A child of this very process."""

    def __init__(self, command: Command) -> None:
        self._usage: Usage | None = None
        self._parent = own_peak()
        try:
            self._process = subprocess.Popen(  # noqa: S603 - running the steps of a definition is the purpose
                command.argv, cwd=command.cwd, env=dict(command.env), stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            raise cannot_start(command, error.strerror or str(error)) from error
        assert self._process.stdout is not None
        self.pid, self.output = self._process.pid, self._process.stdout.fileno()
        self.handle: int | None = None

    def collect(self, *, wait: bool) -> Usage | None:
        if self._usage is None:
            pid, status, usage = os.wait4(self.pid, 0 if wait else os.WNOHANG)
            if pid:
                self._process.returncode = code = os.waitstatus_to_exitcode(status)
                cpu = usage.ru_utime + usage.ru_stime
                self._usage = Usage(code, cpu, usage.ru_maxrss, self._parent)
        return self._usage

    def close(self) -> None:
        assert self._process.stdout is not None
        self._process.stdout.close()


class _Stewarded:
    """A child of a steward."""

    def __init__(self, answers: socket.socket, output: int, pid: int, parent: float) -> None:
        self._answers, self._parent = answers, parent
        self.pid, self.output = pid, output
        self.handle: int | None = answers.fileno()
        self._usage: Usage | None = None

    def collect(self, *, wait: bool) -> Usage | None:
        if self._usage is None and (wait or _readable(self._answers)):
            facts: dict[str, Any] = {}
            try:
                self._answers.sendall(b"?")
                while "status" not in facts:
                    facts |= json.loads(_line(self._answers))
            except (OSError, EOFError):  # the steward was killed, and the kernel kills its children
                facts = {"status": -signal.SIGKILL, "cpu": 0.0, "maxrss": 0}
            self._usage = Usage(facts["status"], facts["cpu"], facts["maxrss"], self._parent)
        return self._usage

    def close(self) -> None:
        self._answers.close()
        os.close(self.output)


class _Steward:
    """This side of a steward process."""

    def __init__(self, modules: tuple[str, ...]) -> None:
        self.env = {**inherited(1), "OPENBLAS_NUM_THREADS": "1"}
        self._lock = threading.Lock()
        self._was_asked = False
        self._control, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, str(_STEWARD), str(theirs.fileno()), *modules], env=self.env, cwd="/",
                pass_fds=(theirs.fileno(),), start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip

    @property
    def lives(self) -> bool:
        return self._process.poll() is None

    def start(self, command: Command, *, fork: bool) -> _Stewarded:
        forks = fork and not any(
            _READ_AT_START.match(name) and not _is_taken_over(name, value) and self.env.get(name) != value
            for name, value in command.env.items()
        )
        request = {"argv": command.argv, "cwd": str(command.cwd), "env": dict(command.env), "fork": forks}
        content = json.dumps(request).encode()
        answers, theirs = socket.socketpair()
        output, written = os.pipe()
        try:
            with theirs, self._lock:
                self._was_asked = True
                socket.send_fds(self._control, [b"!"], [written, theirs.fileno()])
            answers.sendall(len(content).to_bytes(4, "big") + content)
            reply = json.loads(_line(answers))
        except (OSError, EOFError):
            answers.close()
            os.close(output)
            raise
        finally:
            os.close(written)
        if "error" in reply:
            answers.close()
            os.close(output)
            raise cannot_start(command, reply["error"])
        return _Stewarded(answers, output, reply["pid"], reply["peak"])

    def close(self) -> None:
        """End it, and with it whatever it started."""
        if not self._was_asked:  # nobody waits for imports that nobody needed
            self._process.kill()
        self._control.close()
        self._process.wait()

    def kill(self) -> None:
        """End it when it does not answer any more."""
        self._process.kill()
        self._process.wait()

    def forget(self) -> None:
        """In a fork of this process: the steward is not ours."""
        self._control.close()
        self._process.returncode = 0


_stewards: dict[tuple[str, ...], _Steward] = {}
_lock = threading.Lock()


def _steward(modules: tuple[str, ...], forks: bool) -> _Steward:
    """The steward with these modules; where nothing is to be forked, any that lives."""
    with _lock:
        if not forks and (living := next((each for each in _stewards.values() if each.lives), None)):
            return living
        found = _stewards.get(modules)
        if found is None or not found.lives:
            if found is not None:
                found.close()
            found = _stewards[modules] = _Steward(modules)
        return found


def end_stewards() -> None:
    """End the processes that start the steps; the next step starts a new one."""
    with _lock:
        while _stewards:
            _stewards.popitem()[1].close()


def _forget() -> None:
    global _lock  # noqa: PLW0603 - a thread of the parent may have held it during the fork
    _lock = threading.Lock()
    while _stewards:
        _stewards.popitem()[1].forget()


atexit.register(end_stewards)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


def _is_taken_over(name: str, value: str) -> bool:
    """Whether a fork sees to a variable that is read at the start, nevertheless."""
    return name == "PYTHONPATH" or (name in _THREADS and value.isdecimal())


def _can_fork(command: Command) -> bool:
    """Whether it is this Python with a script or a module, without options."""
    argv = command.argv
    if argv[0] != sys.executable or len(argv) < 2:
        return False
    return argv[1].endswith(".py") or (argv[1] == "-m" and len(argv) > 2)


def _modules(command: Command) -> tuple[str, ...]:
    """What the steward of a script has imported."""
    folder = command.cwd if command.argv[1] == "-m" else Path(command.argv[1]).parent
    needs = _NEEDS_SKLEARN if command.is_own else _MAY_NEED_ALL
    scripts = filter(
        Path.is_file, itertools.islice(folder.rglob("*.py"), _SCANNED)
    )  # a link of an editor leads nowhere
    if any(needs.search(script.read_bytes()) for script in scripts):
        return _FULL
    return _OWN if command.is_own else _LIGHT


def _readable(source: socket.socket) -> bool:
    import select

    return bool(select.select([source], [], [], 0)[0])


def _line(source: socket.socket) -> bytes:
    """One line; answers are short and never come two at once before they are asked for."""
    line = b""
    while not line.endswith(b"\n"):
        got = source.recv(1)
        if not got:
            raise EOFError
        line += got
    return line
