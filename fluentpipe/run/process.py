"""One child process: started, read line by line, limited in time, ended with all its children, measured."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator

import attrs

from fluentpipe.errors import RunError
from fluentpipe.run.isolation import Isolation
from fluentpipe.run.memory import peak_so_far
from fluentpipe.run.requirements import Environments
from fluentpipe.run.starting import Command, Usage, start

__all__ = ["GRACE", "Children", "Command", "Exit"]

GRACE = 10.0  # seconds between SIGTERM and SIGKILL; the service gives a training job 120
_TAIL = 200  # lines kept for the error
_LINE = 1 << 16  # bytes after which a line without an end is cut
_SAMPLE = 0.2  # seconds between two looks at a child's memory


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

    def __init__(
        self,
        grace: float = GRACE,
        *,
        fork: bool = True,
        isolation: Isolation | None = None,
        environments: Environments | None = None,
    ) -> None:
        """Fork: whether Python scripts may be forks of a process that has the imports done."""
        self._grace, self._fork = grace, fork
        # Both for commands of jobs, before they are run.
        self.isolation, self.environments = isolation or Isolation(), environments
        self._lock = threading.Lock()
        self._running: set[_Child] = set()
        self._closed = threading.Event()
        self._hurried = False

    def run(
        self, command: Command, on_line: Callable[[str], None], on_memory: Callable[[float], None] | None = None
    ) -> Exit:
        """Start a command and wait for its end.

        Args:
            command: What to start, in a process group of its own.
            on_line: Takes each line of its output, stdout and stderr merged, without the line end.
            on_memory: Takes its peak memory, MiB, when that has risen by a tenth.

        Raises:
            RunError: The program cannot be started, or `end` was called before.
        """
        with self._lock:
            if self._closed.is_set():
                raise RunError("The run is being ended; nothing starts any more.")
            child = _Child(command, lambda: 0.0 if self._hurried else self._grace, fork=self._fork)
            self._running.add(child)
        try:
            return child.follow(on_line, on_memory)
        finally:
            child.close()
            with self._lock:
                self._running.discard(child)

    @property
    def ended(self) -> bool:
        """Whether `end` was called."""
        return self._closed.is_set()

    def wait_ended(self, seconds: float) -> bool:
        """Wait so long, or until `end` is called; says whether it was."""
        return self._closed.wait(seconds)

    def hurry(self) -> None:
        """From now on leave no time between asking a program to end and killing it. For signal handlers: no lock."""
        self._hurried = True

    def end(self) -> None:
        """End everything that runs and let nothing start any more; returns at once."""
        with self._lock:
            self._closed.set()
            for child in self._running:
                child.end()


class _Child:
    """A process, the leader of its own group. One thread follows it; others may call `end`."""

    def __init__(self, command: Command, grace: Callable[[], float], *, fork: bool) -> None:
        self._grace = grace
        self._lock = threading.Lock()
        self._asked: float | None = None  # time.monotonic() when it was asked to end
        self._usage: Usage | None = None  # set when the process is collected
        self._process = start(command, fork=fork)
        self._started = time.monotonic()
        self._deadline = None if command.seconds is None else self._started + command.seconds
        self._own_handle = _exit_handle(self._process.pid) if self._process.handle is None else None
        self._exit_handle = self._process.handle if self._own_handle is None else self._own_handle

    def follow(self, on_line: Callable[[str], None], on_memory: Callable[[float], None] | None = None) -> Exit:
        """Read its output until it ends; enforce the time limit; end what it left behind."""
        tail: deque[str] = deque(maxlen=_TAIL)
        timed_out, peak, next_look, told = False, 0.0, 0.0, 0.0
        for line in self._lines():
            if line is not None:
                tail.append(line)
                on_line(line)
                continue
            now = time.monotonic()
            if now >= next_look:
                peak, next_look = max(peak, peak_so_far(self._process.pid)), now + self._pace()
                if on_memory is not None and peak > 1.1 * told:
                    told = peak
                    on_memory(peak)
            if not timed_out and self._deadline is not None and now >= self._deadline:
                timed_out = True
                self.end()
            if self._asked is not None and now >= self._asked + self._grace():
                self._signal(signal.SIGKILL)
        self._reap()
        seconds = time.monotonic() - self._started
        assert self._usage is not None
        used = self._usage
        return Exit(used.code, seconds, used.cpu_seconds, used.peak(peak), timed_out, tuple(tail))

    def end(self) -> None:
        """Ask the whole group to end; `follow` kills it when the grace is over."""
        if self._asked is None:
            self._asked = time.monotonic()
        self._signal(signal.SIGTERM)

    def close(self) -> None:
        """Free what the process held; kills it if it still runs."""
        self._reap()
        self._process.close()
        if self._own_handle is not None:
            os.close(self._own_handle)
            self._own_handle = None

    def _lines(self) -> Iterator[str | None]:
        """Each line of output, and None now and then, until the process has ended and its output is read."""
        output = self._process.output
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
        kill_at = None if self._asked is None else self._asked + self._grace()
        times = [each - time.monotonic() for each in (self._deadline, kill_at) if each is not None]
        return max(0.0, min([self._pace(), *(left for left in times if left > 0)]))

    def _has_ended(self, ready: set[int]) -> bool:
        return self._exit_handle in ready if self._exit_handle is not None else self._collect(wait=False)

    def _reap(self) -> None:
        """Kill what is left of the group, then collect the process and what it used."""
        self._signal(signal.SIGKILL)
        self._collect(wait=True)

    def _collect(self, *, wait: bool) -> bool:
        with self._lock:
            if self._usage is None:
                self._usage = self._process.collect(wait=wait)
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
