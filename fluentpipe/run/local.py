"""Runs a pipeline definition on this machine: no AWS account, no Docker, each step a process of its own."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from fluentpipe.definition import Definition
from fluentpipe.errors import RunError
from fluentpipe.run.environment import Mask
from fluentpipe.run.execution import Execution
from fluentpipe.run.preflight import preflight
from fluentpipe.run.process import GRACE, Children
from fluentpipe.run.record import Record
from fluentpipe.run.result import Run
from fluentpipe.run.schedule import Schedule
from fluentpipe.run.storage import Maps, Storage

HOME_VARIABLE = "FLUENTPIPE_HOME"
_DEFAULT_HOME = ".fluentpipe"


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
    max_parallel: int | None = None,
    timeout: float | None = None,
    grace: float = GRACE,
    echo: Callable[[str], None] | None = say,
) -> Run:
    """Run a definition here.

    Args:
        definition: Of anybody's making; see `fluentpipe.definition.Definition.load`.
        parameters: Values instead of the defaults. Where an S3 URI is wanted, a local file or folder will do.
        home: Folder of runs and of the model registry; otherwise $FLUENTPIPE_HOME, or ./.fluentpipe.
        maps: Local folders that stand for S3 prefixes: `{"s3://my-bucket/raw": "./data"}`.
        check: Whether a failure raises. Without it, the run that is returned says what happened; faults that
            are known before anything starts raise always.
        max_parallel: How many steps may run at once; otherwise as many as there are cores.
        timeout: Seconds that the whole run may take.
        grace: Seconds between asking a program to end and killing it.
        echo: Takes each line of progress and of the steps' output; None for silence.

    Returns:
        The run: status, steps, metrics, registered models.

    Raises:
        DefinitionError: The definition has errors.
        SourceError: A folder of `maps` is not there.
        RunError: It cannot run here (nothing was started), or a step could not be carried out.
        StepFailed: The program of a step failed. Like every RunError after the start, it carries the `run`.
        GateFailed: A Fail step was reached.
    """
    deadline = None if timeout is None else time.monotonic() + timeout
    storage = Storage.of(definition, Maps.of(maps))
    settled = preflight(definition, parameters or {}, storage)
    folder = Path(home or os.environ.get(HOME_VARIABLE) or _DEFAULT_HOME).expanduser().resolve()
    record = Record(folder, definition, Mask.of([settled]).data(settled))
    execution = Execution(definition, record, storage, Children(grace), echo or _silent, settled)
    execution.say(f"run {record.id} of {definition.name} in {record.path}")
    cores = os.cpu_count() or 1
    try:
        Schedule(execution, cores, max(1, max_parallel or cores), deadline).run()
    except RunError as error:
        error.run = record.close("Failed", str(error).split("\n", 1)[0])
        if check:
            raise
        return error.run  # type: ignore[no-any-return] # set one line above; errors know no Run
    except BaseException as error:
        record.close(
            "Stopped" if isinstance(error, KeyboardInterrupt) else "Failed", f"{type(error).__name__}: {error}"
        )
        raise
    return record.close("Succeeded")


def _silent(line: str) -> None:
    """Say nothing."""
