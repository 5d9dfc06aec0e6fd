"""Runs a pipeline definition on this machine: no AWS account, no Docker, each step a process of its own."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from fluentpipe.definition import Definition
from fluentpipe.errors import RunError
from fluentpipe.report import write_report
from fluentpipe.run.alive import collect_leftovers
from fluentpipe.run.environment import Mask
from fluentpipe.run.events import Listener
from fluentpipe.run.execution import Execution
from fluentpipe.run.isolation import Isolation
from fluentpipe.run.preflight import preflight
from fluentpipe.run.process import GRACE, Children
from fluentpipe.run.record import Record
from fluentpipe.run.result import Run, RunStatus
from fluentpipe.run.reuse import Reuse
from fluentpipe.run.s3 import S3
from fluentpipe.run.schedule import Schedule
from fluentpipe.run.selection import select
from fluentpipe.run.storage import Maps, Storage

HOME_VARIABLE = "FLUENTPIPE_HOME"
_DEFAULT_HOME = ".fluentpipe"
_ISOLATIONS = ("fork", "process", "paths")


def home_folder(home: str | Path | None) -> Path:
    """The folder of runs, registry and cache: the one given, $FLUENTPIPE_HOME, or ./.fluentpipe."""
    return Path(home or os.environ.get(HOME_VARIABLE) or _DEFAULT_HOME).expanduser().resolve()


def say(line: str) -> None:
    """Print a line at once."""
    print(line, flush=True)


def run(
    definition: Definition,
    *,
    parameters: Mapping[str, object] | None = None,
    home: str | Path | None = None,
    maps: Mapping[str, str | Path] | None = None,
    check: bool = True,
    cache: bool = True,
    from_step: str | None = None,
    only: str | None = None,
    isolation: str = "fork",
    offline: bool = False,
    max_parallel: int | None = None,
    timeout: float | None = None,
    grace: float = GRACE,
    echo: Callable[[str], None] | None = say,
    listener: Listener | None = None,
) -> Run:
    """Run a definition here.

    Args:
        definition: Of anybody's making; see `fluentpipe.definition.Definition.load`.
        parameters: Values instead of the defaults. Where an S3 URI is wanted, a local file or folder will do.
        home: Folder of runs and of the model registry; otherwise $FLUENTPIPE_HOME, or ./.fluentpipe.
        maps: Local folders that stand for S3 prefixes: `{"s3://my-bucket/raw": "./data"}`.
        check: Whether a failure raises. Without it, the run that is returned says what happened; faults that
            are known before anything starts raise always.
        cache: Whether a job whose result is kept already is not carried out again, and results are kept.
        from_step: Name of a step that is carried out anew, and with it all that depend on it.
        only: Name of a step that is carried out alone, on the results of the newest run that has what it needs.
        isolation: `fork` for Python scripts that start with the imports done where the platform can, `process` for
            a new interpreter each, `paths` to let programs find their files at /opt/ml itself (Linux with user namespaces).
        offline: Whether programs have no network (Linux with user namespaces), and nothing is read from S3.
        max_parallel: How many steps may run at once; otherwise as many as there are cores.
        timeout: Seconds that the whole run may take.
        grace: Seconds between asking a program to end and killing it.
        echo: Takes each line of progress and of the steps' output; None for silence.
        listener: Takes each event of the run while it happens; see `fluentpipe.run.events`.

    Returns:
        The run: status, steps, metrics, registered models.

    Raises:
        DefinitionError: The definition has errors.
        SourceError: A folder of `maps` is not there.
        RunError: It cannot run here, or programs cannot be isolated here (nothing was started), or a step could not be carried out.
        StepFailed: The program of a step failed. Like every RunError after the start, it carries the `run`.
        GateFailed: A Fail step was reached.
    """
    deadline = None if timeout is None else time.monotonic() + timeout
    folder = home_folder(home)
    remote = None if offline else S3(folder / "s3", echo or _silent)
    storage = Storage.of(definition, Maps.of(maps), remote)
    isolated = Isolation.of(paths=isolation == "paths", network=not offline)
    try:
        settled = preflight(definition, parameters or {}, storage)
    finally:
        storage.close()
    if isolation not in _ISOLATIONS:
        raise RunError(f"isolation is {isolation!r}; it is one of {', '.join(_ISOLATIONS)}.", run=None)
    selection = select(definition, folder, from_step, only)
    record = Record(folder, definition, Mask.of([settled]).data(settled), listener)
    collect_leftovers(folder)
    reuse = Reuse.of(definition.name, folder, record.id, enabled=cache, anew=selection.anew, past=selection.past)
    children = Children(grace, fork=isolation == "fork", isolation=isolated)
    execution = Execution(definition, record, storage, reuse, children, echo or _silent, settled)
    execution.say(f"run {record.id} of {definition.name} in {record.path}")
    cores = os.cpu_count() or 1
    try:
        with _terminable():
            Schedule(execution, cores, max(1, max_parallel or cores), deadline, selection.only).run()
    except RunError as error:
        error.run = _closed(execution, "Failed", str(error).split("\n", 1)[0])
        if check:
            raise
        return error.run  # type: ignore[no-any-return] # set one line above; errors know no Run
    except BaseException as error:
        status: RunStatus = "Stopped" if isinstance(error, KeyboardInterrupt | SystemExit) else "Failed"
        _closed(execution, status, f"{type(error).__name__}: {error}".removesuffix(": "))
        raise
    if cache:
        reuse.cache.shrink()
    return _closed(execution, "Succeeded")


@contextlib.contextmanager
def _terminable() -> Iterator[None]:
    """Let SIGTERM end the run as Ctrl-C does, where nobody else takes it."""
    ours = threading.current_thread() is threading.main_thread()
    if not ours or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return

    def end(number: int, _frame: object) -> None:
        raise SystemExit(128 + number)

    signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _closed(execution: Execution, status: RunStatus, reason: str = "") -> Run:
    """Write the end of the run, and its report."""
    execution.storage.close()
    run = execution.record.close(status, reason)
    try:
        write_report(run.path)
    except Exception as error:  # noqa: BLE001 - a report that cannot be made must not fail what it reports
        execution.say(f"the report could not be written: {type(error).__name__}: {error}")
    execution.record.release()
    return run


def _silent(line: str) -> None:
    """Say nothing."""
