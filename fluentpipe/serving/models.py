"""The model that is meant: by an archive, a folder, a run, or a version in the local registry."""

from __future__ import annotations

import json
import re
from collections.abc import Container, Iterator
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, Union

import attrs

from fluentpipe.containers.job import JobError
from fluentpipe.definition import Definition
from fluentpipe.document import steps_used
from fluentpipe.errors import FluentpipeError, SourceError, did_you_mean
from fluentpipe.run.history import LAST, find
from fluentpipe.run.result import RegisteredModel, Run

if TYPE_CHECKING:
    from fluentpipe.containers.model_folder import Model

ModelGiven: TypeAlias = Union[str, "PathLike[str]", Run, RegisteredModel]
"""An archive, a folder, a run or its id, a registered version or its group's name, with or without its number."""

ARCHIVE = "model.tar.gz"
_VERSION = re.compile(r"(?:arn:aws[a-z\-]*:sagemaker:[^/]*:model-package/)?([a-zA-Z0-9][a-zA-Z0-9\-]*)(?:[/:](\d+))?")


@attrs.frozen
class Found:
    """Where a model lies."""

    path: Path  # the archive, or a folder with the archive or the model itself
    label: str  # for messages


def open_model(given: ModelGiven, home: Path) -> Model:
    """Load the model that is meant.

    Args:
        given: See `ModelGiven`.
        home: Folder of runs and registry.

    Raises:
        SourceError: There is none, or several, or it is not one that this library trained.
    """
    from fluentpipe.containers.evaluate import open_model as load

    found = find_model(given, home)
    try:
        return load(found.path)
    except JobError as fault:
        raise SourceError(
            f"The model {found.label} cannot be used: {fault}.",
            fix="give a model that train_xgboost or another training step of this library made",
        ) from fault


def find_model(given: ModelGiven, home: Path) -> Found:
    """Where the model lies that is meant.

    Raises:
        SourceError: There is none, or several.
    """
    if isinstance(given, RegisteredModel):
        return Found(given.path, f"{given.group} version {given.version}")
    if isinstance(given, Run):
        return _of_run(given)
    path = Path(given).expanduser()
    if path.exists():
        return _of_run(Run.load(path)) if (path / "run.json").is_file() else Found(path, str(path))
    text = str(given)
    if found := _registered(text, home):
        return found
    try:
        run = find(home, text)
    except SourceError as fault:
        groups = _groups(home)
        raise SourceError(
            f"There is no model {text!r}: no such file or folder, no group in the registry, and no run.{did_you_mean(text, groups)}",
            f"groups in {home / 'registry'}: {', '.join(groups) or 'none'}",
            f"as a run: {str(fault).splitlines()[0]}" if text != LAST else f"there are no runs in {home}",
            fix="give a model.tar.gz, a folder, `group` or `group/version`, a run's id, or the folder of all of these: --home",
        ) from fault
    return _of_run(run)


def _registered(text: str, home: Path) -> Found | None:
    matched = _VERSION.fullmatch(text)
    if matched is None or not (home / "registry" / matched[1]).is_dir():
        return None
    group, number = matched[1], matched[2]
    folder = home / "registry" / group
    numbers = sorted(int(path.name) for path in folder.iterdir() if path.name.isdigit())
    wanted = int(number) if number else max(numbers, default=0)
    if wanted not in numbers:
        raise SourceError(
            f"The group {group!r} has no version {number or 'at all'}.",
            f"its versions: {', '.join(map(str, numbers)) or 'none'}",
            fix=f"give one of them, or {group!r} for the newest" if numbers else "register a model",
        )
    return Found(folder / str(wanted), f"{group} version {wanted}")


def _groups(home: Path) -> list[str]:
    folder = home / "registry"
    return sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []


def _of_run(run: Run) -> Found:
    """The one model that a run made, in its last form."""
    made = dict(_made(run))
    taken = _taken_further(run, made)
    last = {step: path for step, path in made.items() if step not in taken}
    if len(last) == 1:
        step, path = next(iter(last.items()))
        return Found(path, f"of step {step!r} of run {run.id}")
    if not last and len(run.models) == 1:
        return find_model(run.models[0], Path())
    if not last:
        raise SourceError(f"Run {run.id} made no model.", fix="give a run that trained one, or a model.tar.gz")
    raise SourceError(
        f"Run {run.id} made {len(last)} models.",
        *(f"{step}: {path}" for step, path in last.items()),
        fix="give the path of one, or run.models[…] of a registered one",
    )


def _made(run: Run) -> Iterator[tuple[str, Path]]:
    """Step -> its model, of each finished step that made one."""
    for step in run.steps.values():
        for name, path in step.outputs.items():
            file = path if path.name == ARCHIVE else path / ARCHIVE
            # A tuning lists each trial beside its best model.
            if not name.startswith("trial-") and file.is_file():
                yield step.name, file


def _taken_further(run: Run, makers: Container[str]) -> frozenset[str]:
    """The steps of whose model another one made its own, as a calibration does."""
    try:
        document = json.loads((run.path / "definition.json").read_bytes())
        entries = Definition(run.name, document, (), ()).steps()
        using = [(entry.name, set(steps_used(entry.arguments))) for entry in entries if entry.name in makers]
        return frozenset().union(*(used - {name} for name, used in using))
    except (OSError, ValueError, FluentpipeError):
        return frozenset()
