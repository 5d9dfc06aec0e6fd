"""Which steps of a run are carried out: all, from one on anew, or one alone on a past run's inputs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import attrs

from fluentpipe.definition import Definition, StepEntry
from fluentpipe.errors import RunError, did_you_mean
from fluentpipe.run.cache import Result
from fluentpipe.run.execution import JOBS
from fluentpipe.run.history import find


@attrs.frozen
class Selection:
    """What a run does with each step."""

    anew: frozenset[str] = frozenset()  # carried out whatever is kept
    only: frozenset[str] | None = None  # these alone, whatever the conditions; None for all
    past: Mapping[str, Result] = attrs.field(factory=dict)  # results of a past run


def select(
    definition: Definition, home: Path, from_step: str | None, only: str | None, of_run: str | None = None
) -> Selection:
    """The selection that a user asked for.

    Args:
        definition: To be run.
        home: Of the past runs.
        from_step: This step and all that depend on it are carried out anew.
        only: This step alone is carried out, on the results that a past run has of the others.
        of_run: Which past run: its id, a part of it, or `last`; None for the newest that has what the step needs.

    Raises:
        SourceError: There is no such run.
        RunError: There is no such step, both are given, or no run has what the step needs.
    """
    entries = {entry.name: entry for entry in definition.steps()}
    if from_step is not None and only is not None:
        raise RunError("A run starts from a step, or is of one step only.", fix="give one of the two", run=None)
    if of_run is not None and only is None:
        raise RunError("A past run is named for one step only.", fix="name the step, too: only=… (--only)", run=None)
    for name in filter(None, (from_step, only)):
        if name not in entries:
            raise RunError(
                f"Pipeline {definition.name!r} has no step {name!r}.{did_you_mean(name, entries)}",
                f"there are: {', '.join(entries)}",
                run=None,
            )
    if from_step is not None:
        return Selection(anew=downstream(from_step, entries))
    if only is None:
        return Selection()
    if entries[only].type in ("Condition", "Fail"):
        raise RunError(f"Step {only!r} is a {entries[only].type}: alone it has nothing to do.", run=None)
    needed = upstream(only, entries)
    past = _past_results(definition.name, home, of_run, [name for name in needed if entries[name].type in JOBS])
    return Selection(frozenset((only,)), frozenset((only, *needed)), past)


def upstream(name: str, entries: Mapping[str, StepEntry]) -> list[str]:
    """The steps whose results a step needs, directly or not, in the order of the definition."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        new = set(entries[waiting.pop()].steps_used()) & entries.keys() - found
        found |= new
        waiting += new
    return [each for each in entries if each in found - {name}]


def downstream(name: str, entries: Mapping[str, StepEntry]) -> frozenset[str]:
    """A step, and those that need its results, directly or not."""
    return frozenset(each for each in entries if each == name or name in upstream(each, entries))


def _past_results(pipeline: str, home: Path, of_run: str | None, needed: Iterable[str]) -> dict[str, Result]:
    """The results of the run that is named, or of the newest that has them all."""
    steps = list(needed)
    if not steps:
        return {}
    folders = sorted((home / "runs").glob("*"), reverse=True) if of_run is None else [find(home, of_run).path]
    for folder in folders:
        found = _results(folder, pipeline, steps)
        if found is not None:
            return found
    which = f"No run in {home} has" if of_run is None else f"Run {folders[0].name} has no"
    raise RunError(
        f"{which} results of {', '.join(steps)} for pipeline {pipeline!r}.",
        fix="run the whole pipeline once" if of_run is None else "name another run; `fluentpipe runs` lists them",
        run=None,
    )


def _results(folder: Path, pipeline: str, steps: Iterable[str]) -> dict[str, Result] | None:
    try:
        manifest = json.loads((folder / "run.json").read_bytes())
        return {step: _result(folder, manifest, step) for step in steps} if manifest["name"] == pipeline else None
    except (OSError, ValueError, KeyError):
        return None


def _result(folder: Path, manifest: Mapping[str, Any], step: str) -> Result:
    """The result of a step.

    Raises:
        KeyError: The run has none.
    """
    facts = manifest["steps"][step]
    if facts["status"] != "Succeeded":
        raise KeyError(step)
    if facts["cached"] and manifest["ended"] is None:  # its links are on the disk for certain when the run has ended
        raise KeyError(step)
    outputs = {name: path.removeprefix(f"steps/{step}/") for name, path in facts["outputs"].items()}
    return Result(folder / "steps" / step, manifest["id"], outputs, facts)
