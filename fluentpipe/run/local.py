"""Runs a pipeline definition on this machine: no AWS account, no Docker, each step a process of its own."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from fluentpipe.definition import Definition
from fluentpipe.errors import RunError
from fluentpipe.report import write_report
from fluentpipe.run.alive import collect_leftovers
from fluentpipe.run.environment import Mask
from fluentpipe.run.events import Listener
from fluentpipe.run.execution import Execution
from fluentpipe.run.home import home_folder
from fluentpipe.run.isolation import Isolation
from fluentpipe.run.preflight import preflight
from fluentpipe.run.process import GRACE, Children
from fluentpipe.run.record import Record
from fluentpipe.run.requirements import Environments
from fluentpipe.run.result import Run, RunStatus
from fluentpipe.run.reuse import Reuse
from fluentpipe.run.s3 import S3
from fluentpipe.run.schedule import Schedule
from fluentpipe.run.selection import select
from fluentpipe.run.stand_in import StandIn
from fluentpipe.run.stopping import Stopping, stopping
from fluentpipe.run.storage import Maps, Storage
from fluentpipe.terminal import say

_ISOLATIONS = ("fork", "process", "paths")


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
    of_run: str | None = None,
    isolation: str = "fork",
    offline: bool = False,
    install_requirements: bool = False,
    stand_ins: Mapping[str, StandIn] | None = None,
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
        of_run: With `only`, the past run to take the other results from: its id, a part of it, or `last`.
        isolation: `fork` for Python scripts that start with the imports done where the platform can, `process` for
            a new interpreter each, `paths` to let programs find their files at /opt/ml itself (Linux with user namespaces).
        offline: Whether programs have no network (Linux with user namespaces), and nothing is read from S3.
        install_requirements: Whether a requirements.txt beside a training script is installed, as SageMaker does: by pip,
            into an environment of its own that is kept in the home. Otherwise it is said what is missing.
        stand_ins: Functions in place of steps that do not run here, such as Lambda, by the name of the step. Each takes the
            inputs of its step and returns the outputs, both by name.
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
        KeyboardInterrupt: Ctrl-C. The run is recorded as `Stopped`, its programs are ended; a second one kills them.
        SystemExit: SIGTERM or SIGHUP, where nobody else takes them; likewise.
    """
    if isolation not in _ISOLATIONS:
        raise RunError(f"isolation is {isolation!r}; it is one of {', '.join(_ISOLATIONS)}.", run=None)
    deadline = None if timeout is None else time.monotonic() + timeout
    folder = home_folder(home)
    remote = None if offline else S3(folder / "s3", echo or _silent)
    storage = Storage.of(definition, Maps.of(maps), remote)
    isolated = Isolation.of(paths=isolation == "paths", network=not offline)
    with stopping() as signals, contextlib.closing(storage):
        with signals.at_once():
            settled = preflight(definition, parameters or {}, storage, stand_ins)
            selection = select(definition, folder, from_step, only, of_run)
        record = Record(folder, definition, Mask.of([settled]).data(settled), listener)
        collect_leftovers(folder)
        reuse = Reuse.of(
            definition.name, folder, record.id, enabled=cache, anew=selection.anew, past=selection.past,
            installs=install_requirements,
        )  # fmt: skip
        environments = Environments(folder / "environments") if install_requirements else None
        children = Children(grace, fork=isolation == "fork", isolation=isolated, environments=environments)
        execution = Execution(
            definition, record, storage, reuse, children, echo or _silent, settled, dict(stand_ins or {})
        )
        cores = os.cpu_count() or 1
        schedule = Schedule(execution, cores, max(1, max_parallel or cores), deadline, selection.only)
        done, error = _carried_out(execution, schedule, signals)
    if error is not None and check:
        raise error
    return done


def _carried_out(execution: Execution, schedule: Schedule, signals: Stopping) -> tuple[Run, RunError | None]:
    """Run the steps, and close the run whatever happens; the error of a run that failed.

    Raises:
        KeyboardInterrupt, SystemExit: A signal came.
    """
    signals.hurry = execution.children.hurry
    execution.say(f"run {execution.record.id} of {execution.definition.name} in {execution.record.path}")
    try:
        with signals.at_once():
            schedule.run()
    except BaseException as error:
        if signals.number:
            _closed(execution, "Stopped", f"by {signal.Signals(signals.number).name}")
            signals.check()  # it came while something else let the run fail
            raise
        run = _closed(execution, "Failed", _headline(error))
        if not isinstance(error, RunError):
            raise
        error.run = run
        return run, error
    if execution.reuse.enabled:
        execution.reuse.cache.shrink()
    return _closed(execution, "Succeeded"), None


def _headline(error: BaseException) -> str:
    if isinstance(error, RunError):
        return str(error).split("\n", 1)[0]
    return f"{type(error).__name__}: {error}".removesuffix(": ")


def _closed(execution: Execution, status: RunStatus, reason: str = "") -> Run:
    """Write the end of the run, and its report."""
    run = execution.record.close(status, reason, execution.say)
    try:
        write_report(run.path)
    except Exception as error:  # noqa: BLE001 - a report that cannot be made must not fail what it reports
        execution.say(f"the report could not be written: {type(error).__name__}: {error}")
    execution.record.release()
    return run


def _silent(line: str) -> None:
    """Say nothing."""
