"""The folder of a run: manifest, events, one folder per step. Whatever is in it is whole or under a `.tmp-` name."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import platform
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path
from typing import Any, TextIO

import attrs

from fluentpipe import __version__
from fluentpipe.definition import Definition
from fluentpipe.run.alive import Alive, remove
from fluentpipe.run.durable import appear, make_folder, settle, sync_folder, write_atomically
from fluentpipe.run.events import Event, Listener
from fluentpipe.run.failure import cannot_begin
from fluentpipe.run.result import Run, RunStatus, StepStatus

_PACKAGES = ("xgboost-cpu", "xgboost", "numpy", "pyarrow", "pandas", "scikit-learn", "pyspark")
_RESERVE = ".tmp-reserve"  # so that a run that fills the disk can still say so
_RESERVED = 1 << 16  # bytes


class Record:
    """Writes the folder of one run. Safe to use from threads."""

    def __init__(
        self, home: Path, definition: Definition, parameters: Mapping[str, Any], listener: Listener | None = None
    ) -> None:
        self._lock = threading.Lock()
        self._listener, self._telling = listener, threading.RLock()
        self._clock = time.monotonic()
        self._disk = ThreadPoolExecutor(1, thread_name_prefix="disk")
        self._settling: list[Future[None]] = []
        self._is_behind = False
        self.started = now()
        stamp = self.started.replace("-", "").replace(":", "").replace(".", "")[:18].replace("T", "-")
        # As long as the service's execution ids, lower-case letters and digits.
        self.execution_id = secrets.token_hex(6)
        self.id = f"{stamp}-{self.execution_id}"
        self.home = home
        self.path = home / "runs" / self.id
        self._manifest: dict[str, Any] = {
            "format": 1,
            "id": self.id,
            "name": definition.name,
            "status": "Running",
            "pid": os.getpid(),
            "started": self.started,
            "ended": None,
            "seconds": None,
            "parameters": dict(parameters),
            "reason": "",
            "steps": {
                entry.name: {"type": entry.type, "status": "Waiting", **_NOTHING_YET} for entry in definition.steps()
            },
            "models": [],
            "property_files": [],
            "versions": dict(versions()),
        }
        self._alive, self._events = self._begun(definition)
        types = {name: step["type"] for name, step in self._manifest["steps"].items()}
        self.event("run started", run=self.id, pipeline=definition.name, folder=str(self.path), steps=types)

    def _begun(self, definition: Definition) -> tuple[Alive, TextIO]:
        """Make the folder with its first files; where that fails, nothing of it stays."""
        alive = None
        try:
            alive = Alive(self.home, self.id)
            make_folder(self.path / "steps")
            ignore = self.home / ".gitignore"  # data and models are not for a repository
            if not ignore.exists():
                write_atomically(ignore, "*\n")
            write_atomically(self.path / "definition.json", json.dumps(definition.document))
            write_atomically(self.path / "run.json", json.dumps(self._manifest))
            (self.path / _RESERVE).write_bytes(bytes(_RESERVED))
            return alive, (self.path / "events.jsonl").open("a", encoding="utf-8")
        except BaseException as error:
            shutil.rmtree(self.path, ignore_errors=True)
            if alive is not None:
                alive.close()
            if isinstance(error, OSError):
                raise cannot_begin(self.path, error) from error
            raise

    def stage(self, step: str) -> Path:
        """A new folder in which a step works."""
        folder = self.path / "steps" / f".tmp-{step}-{secrets.token_hex(4)}"
        folder.mkdir()
        return folder

    def publish(self, stage: Path, step: str, *, linked: bool = False) -> Path:
        """Let a step's folder appear under its name, all at once, and on the disk not before what it holds.

        Args:
            stage: The folder.
            step: The name.
            linked: Whether its outputs are links to those of a kept result, which are on the disk already: then the
                folder follows until the run ends. What it would lose is in the cache.
        """
        final = self.path / "steps" / step
        if linked:
            stage.rename(final)
            with self._lock:  # beside the other steps: the disk is waited for, not the processor
                self._settling.append(self._disk.submit(settle, final, linked=True))
            return final
        settle(stage)
        return appear(stage, final)

    def event(self, what: str, step: str = "", **facts: Any) -> None:
        """Add a line to events.jsonl, and tell the listener."""
        line = {"time": now(), "event": what, **({"step": step} if step else {}), **facts}
        with self._lock:
            if not self._events.closed:
                with contextlib.suppress(OSError):  # a full disk fails the step that needs it, and is told there
                    self._events.write(json.dumps(line) + "\n")
                    self._events.flush()
        self._tell(line)

    def output(self, step: str, line: str) -> None:
        """Tell the listener what a program wrote; its place on disk is the log of the step."""
        if self._listener is not None:
            self._tell({"time": now(), "event": "output", "step": step, "line": line})

    def memory(self, step: str, peak_memory_mb: float) -> None:
        """Tell the listener the peak memory of a program so far."""
        if self._listener is not None:
            self._tell({"time": now(), "event": "memory", "step": step, "peak_memory_mb": round(peak_memory_mb, 1)})

    def _tell(self, event: Event) -> None:
        """One event at a time. A listener that fails is not asked again: whoever watches cannot end a run."""
        with self._telling:
            listener = self._listener
            if listener is None:
                return
            try:
                listener(event)
            except Exception as error:  # noqa: BLE001 - the listener is not ours, and the run goes on
                self._listener = None
                self.event("listener failed", reason=f"{type(error).__name__}: {error}")

    def step(self, name: str, status: StepStatus, *, on_disk: bool = True, **facts: Any) -> None:
        """Note the state of a step.

        Args:
            name: Of the step.
            status: Its state from now on.
            on_disk: Whether the manifest is written at once; otherwise with the next that is, or by `catch_up`.
            **facts: Members of its part of the manifest.
        """
        with self._lock:
            self._manifest["steps"][name].update(status=status, **facts)
            self._is_behind = True
        self.event(f"step {status}", name, **{fact: facts[fact] for fact in _TOLD if facts.get(fact) not in (None, "")})
        if on_disk:
            self._write(durable=False)

    def catch_up(self) -> None:
        """Write the states that the manifest on the disk does not have yet, for whoever looks at a run that takes its time."""
        if self._is_behind:
            self._write(durable=False)

    def note(self, name: str, **facts: Any) -> None:
        """Note facts of a step whose state stays as it is."""
        with self._lock:
            self._manifest["steps"][name].update(facts)

    def model(self, **facts: Any) -> None:
        """Note a registered version."""
        with self._lock:
            self._manifest["models"].append(facts)
        self.event("model registered", **facts)

    def property_file(self, path: Path) -> None:
        """Note a file that the definition reads values from."""
        with self._lock:
            self._manifest["property_files"].append(path.relative_to(self.path).as_posix())

    def outputs_of(self, step: str) -> dict[str, Path]:
        """The outputs of a finished step."""
        with self._lock:
            return {name: self.path / path for name, path in self._manifest["steps"][step]["outputs"].items()}

    def close(self, status: RunStatus, reason: str, say: Callable[[str], None]) -> Run:
        """Write the last state of the manifest, durably, and remove what was left half-done.

        Args:
            status: Of the run.
            reason: Its error's first line.
            say: Takes what could not be written, where there is still no space.
        """
        for left in (*self.path.glob("steps/.tmp-*"), self.path / _RESERVE):  # first: it may make the room for the rest
            remove(left)
        self.event(f"run {status}")
        with self._lock:
            seconds = round(time.monotonic() - self._clock, 3)
            self._manifest.update(status=status, ended=now(), seconds=seconds, reason=reason)
            with contextlib.suppress(OSError):
                self._events.close()
        try:
            self._settle_linked()
        except OSError as error:
            say(f"a loss of power may take what this run took from earlier ones out of its folder: {error}")
        try:
            self._write(durable=True)
        except OSError as error:  # what is returned says more than what is on disk
            say(f"the end of the run could not be written: {error}")
            return attrs.evolve(Run.load(self.path), status=status, seconds=seconds, reason=reason)
        return Run.load(self.path)

    def _settle_linked(self) -> None:
        with self._disk:
            for settled in self._settling:
                settled.result()
        if self._settling:
            sync_folder(self.path / "steps")

    def release(self) -> None:
        """Take away the mark of a run that is alive: nothing of it is unfinished any more."""
        self._alive.close()

    def _write(self, *, durable: bool) -> None:
        with self._lock:
            self._is_behind = False
            try:
                write_atomically(self.path / "run.json", json.dumps(self._manifest), durable=durable)
            except OSError:
                if durable:
                    raise


_TOLD = ("reason", "seconds", "cpu_seconds", "peak_memory_mb", "exit_code")  # of a step, in events
_NOTHING_YET: Mapping[str, Any] = {
    "started": None, "ended": None, "seconds": None, "cpu_seconds": None, "peak_memory_mb": None, "exit_code": None,
    "job": None, "log": None, "outputs": {}, "reason": "", "cached": "",
}  # fmt: skip


def now() -> str:
    """The time in ISO 8601, UTC, to the millisecond."""
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@functools.cache
def versions() -> dict[str, str]:
    """Python, fluentpipe and the packages that decide what a model looks like."""
    found = {"fluentpipe": __version__, "python": platform.python_version(), "platform": platform.platform()}
    for package in _PACKAGES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[package] = metadata.version(package)
    return found
