"""One child process: started, read line by line, limited in time, ended with all its children, measured."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs

from fluentpipe.errors import RunError
from fluentpipe.run.memory import own_peak, peak_of_child, peak_so_far

GRACE = 10.0  # seconds between SIGTERM and SIGKILL; the service gives a training job 120
_TAIL = 200  # lines kept for the error
_LINE = 1 << 16  # bytes after which a line without an end is cut
_SAMPLE = 0.2  # seconds between two looks at a child's memory


@attrs.frozen
class Command:
    """What to start."""

    argv: tuple[str, ...]
    cwd: Path
    env: Mapping[str, str]
    seconds: float | None = None  # the time it may take


@attrs.frozen
class Exit:
    """How a process ended and what it took, its children included."""

    code: int  # negative: the signal that ended it
    seconds: float
    cpu_seconds: float
    peak_memory_mb: float  # MiB; of the largest process
    timed_out: bool
    tail: tuple[str, ...]  # the last lines of its output


class Children:
    """The running child processes of one run; ended together."""

    def __init__(self, grace: float = GRACE) -> None:
        self._grace = grace
        self._lock = threading.Lock()
        self._running: set[_Child] = set()
        self._closed = False

    def run(self, command: Command, on_line: Callable[[str], None]) -> Exit:
        """Start a command and wait for its end.

        Args:
            command: What to start, in a process group of its own.
            on_line: Takes each line of its output, stdout and stderr merged, without the line end.

        Raises:
            RunError: The program cannot be started, or `end` was called before.
        """
        with self._lock:
            if self._closed:
                raise RunError("The run is being ended; nothing starts any more.")
            child = _Child(command, self._grace)
            self._running.add(child)
        try:
            return child.follow(on_line)
        finally:
            child.close()
            with self._lock:
                self._running.discard(child)

    @property
    def ended(self) -> bool:
        """Whether `end` was called."""
        return self._closed

    def end(self) -> None:
        """End everything that runs and let nothing start any more; returns at once."""
        with self._lock:
            self._closed = True
            for child in self._running:
                child.end()


class _Child:
    """A process, the leader of its own group. One thread follows it; others may call `end`."""

    def __init__(self, command: Command, grace: float) -> None:
        self._grace = grace
        self._lock = threading.Lock()
        self._kill_at: float | None = None
        self._usage: Any = None  # set when the process is collected
        self._started = time.monotonic()
        self._deadline = None if command.seconds is None else self._started + command.seconds
        self._own_peak = own_peak()
        try:
            # No shell; standard input is empty, so that a program that asks gets an end of file and not a hang.
            self._process = subprocess.Popen(  # noqa: S603 - running the steps of a definition is the purpose
                command.argv,
                cwd=command.cwd,
                env=dict(command.env),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            raise RunError(
                f"The program {command.argv[0]!r} cannot be started: {error.strerror or error}.",
                f"command: {' '.join(command.argv)}"[:500],
                fix="install it, or correct the entry point",
            ) from error
        self._exit_handle = _exit_handle(self._process.pid)

    def follow(self, on_line: Callable[[str], None]) -> Exit:
        """Read its output until it ends; enforce the time limit; end what it left behind."""
        tail: deque[str] = deque(maxlen=_TAIL)
        timed_out, peak, next_look = False, 0.0, 0.0
        for line in self._lines():
            if line is not None:
                tail.append(line)
                on_line(line)
                continue
            now = time.monotonic()
            if now >= next_look:
                peak, next_look = max(peak, peak_so_far(self._process.pid)), now + self._pace()
            if not timed_out and self._deadline is not None and now >= self._deadline:
                timed_out = True
                self.end()
            if self._kill_at is not None and now >= self._kill_at:
                self._signal(signal.SIGKILL)
        self._reap()
        seconds = time.monotonic() - self._started
        cpu = self._usage.ru_utime + self._usage.ru_stime
        return Exit(
            self._process.returncode,
            seconds,
            cpu,
            peak_of_child(self._usage, peak, self._own_peak),
            timed_out,
            tuple(tail),
        )

    def end(self) -> None:
        """Ask the whole group to end; `follow` kills it when the grace is over."""
        if self._kill_at is None:
            self._kill_at = time.monotonic() + self._grace
        self._signal(signal.SIGTERM)

    def close(self) -> None:
        """Free what the process held; kills it if it still runs."""
        self._reap()
        assert self._process.stdout is not None
        self._process.stdout.close()
        if self._exit_handle is not None:
            os.close(self._exit_handle)
            self._exit_handle = None

    def _lines(self) -> Iterator[str | None]:
        """Each line of output, and None now and then, until the process has ended and its output is read."""
        assert self._process.stdout is not None
        output = self._process.stdout.fileno()
        os.set_blocking(output, False)
        rest, open_ = b"", True
        with selectors.DefaultSelector() as selector:
            selector.register(output, selectors.EVENT_READ)
            if self._exit_handle is not None:
                selector.register(self._exit_handle, selectors.EVENT_READ)
            ended = False
            while not ended:
                yield None
                ready = {key.fd for key, _ in selector.select(self._patience())}
                # Asked before reading: what was written before the end is read after it is known.
                if ended := self._has_ended(ready):
                    self._signal(signal.SIGKILL)  # what it left behind; it would hold the output open
                while open_ and (output in ready or ended):
                    chunk = _read(output)
                    if chunk is None:
                        break
                    if not chunk:
                        open_ = False
                        selector.unregister(output)
                        break
                    *lines, rest = (rest + chunk).split(b"\n")
                    yield from map(_text, lines)
                    if len(rest) > _LINE:
                        yield _text(rest)
                        rest = b""
        if rest:
            yield _text(rest)

    def _pace(self) -> float:
        """Seconds between two looks: a fifth of the time so far, so that short lives are seen as well."""
        return min(_SAMPLE, max(0.005, 0.2 * (time.monotonic() - self._started)))

    def _patience(self) -> float:
        """Seconds until something must be looked at again."""
        if self._exit_handle is None:
            return 0.02
        times = [each - time.monotonic() for each in (self._deadline, self._kill_at) if each is not None]
        return max(0.0, min([self._pace(), *(left for left in times if left > 0)]))

    def _has_ended(self, ready: set[int]) -> bool:
        return self._exit_handle in ready if self._exit_handle is not None else self._collect(os.WNOHANG)

    def _reap(self) -> None:
        """Kill what is left of the group, then collect the process and what it used."""
        self._signal(signal.SIGKILL)
        self._collect(0)

    def _collect(self, options: int) -> bool:
        with self._lock:
            if self._usage is None:
                pid, status, usage = os.wait4(self._process.pid, options)
                if pid:
                    self._usage, self._process.returncode = usage, os.waitstatus_to_exitcode(status)
            return self._usage is not None

    def _signal(self, number: signal.Signals) -> None:
        with self._lock:
            if self._usage is None:  # afterwards the id may be another's
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(self._process.pid, number)


def _exit_handle(pid: int) -> int | None:
    """A descriptor that becomes readable when the process ends, where the system has such."""
    if not hasattr(os, "pidfd_open"):
        return None
    try:
        return os.pidfd_open(pid)
    except OSError:
        return None


def _read(descriptor: int) -> bytes | None:
    """What can be read now; None if nothing, empty at the end."""
    try:
        return os.read(descriptor, 1 << 16)
    except BlockingIOError:
        return None


def _text(line: bytes) -> str:
    """A line without its end; of a line that overwrites itself (a progress bar), the last state."""
    return line.decode("utf-8", "replace").rstrip("\r").rpartition("\r")[2]
