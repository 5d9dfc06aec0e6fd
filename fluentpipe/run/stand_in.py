"""Stand-ins: functions given in place of steps that only the service can carry out, such as Lambda."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from fluentpipe.definition import StepEntry
from fluentpipe.errors import FluentpipeError, RunError, did_you_mean
from fluentpipe.run.placing import Placed
from fluentpipe.run.storage import Found, Storage

StandIn = Callable[[dict[str, Any]], Any]
"""Takes the inputs of a step: its `Arguments` with every reference replaced, and paths for the S3 URIs of what is here. Returns its
outputs by name, or nothing."""

_TYPES: Mapping[str, tuple[type, ...]] = {
    "String": (str,),
    "Integer": (int,),
    "Float": (float, int),
    "Boolean": (bool,),
}


_FOUND, _USED = "CalculatedBaseline", "BaselineUsedForDriftCheck"
_CHECKS: Mapping[str, tuple[str, ...]] = {
    "QualityCheck": (f"{_FOUND}Statistics", f"{_FOUND}Constraints"),
    "ClarifyCheck": (f"{_FOUND}Constraints",),
}


def stand_in_faults(
    entries: Mapping[str, StepEntry], stand_ins: Mapping[str, Any], runs_here: frozenset[str]
) -> Iterator[str]:
    """What is wrong with the stand-ins that were given, known before anything starts."""
    for name, function in stand_ins.items():
        if name not in entries:
            yield f"stand_ins: there is no step {name!r}.{did_you_mean(name, entries)}"
        elif entries[name].type in runs_here:
            yield f"stand_ins: step {name!r} runs here itself; leave it out"
        elif not callable(function):
            yield f"stand_ins: what stands in for {name!r} must be a function of its inputs, not {function!r}"


def answered(entry: StepEntry, inputs: dict[str, Any], function: StandIn) -> dict[str, Any]:
    """What the service would say of a step after a function has stood in for it.

    Raises:
        RunError: The function raised an error, or did not answer what the step declares.
    """
    try:
        answer = function(inputs)
    except Exception as error:
        raise RunError(
            f"What stands in for step {entry.name!r} raised {type(error).__name__}: {error}", step=entry.name
        ) from error
    answer = _as_check(entry, {} if answer is None else answer)
    declared = {each["OutputName"]: each["OutputType"] for each in entry.request.get("OutputParameters", ())}
    faults = list(_answer_faults(answer, declared, entry))
    if faults:
        raise RunError(
            f"What stands in for step {entry.name!r} did not answer what the step declares.",
            *faults,
            fix=f"return {{{', '.join(f'{name!r}: …' for name in declared)}}}" if declared else "",
            step=entry.name,
        )
    return {"OutputParameters": dict(answer)} if declared or entry.type in {"Lambda", "Callback"} else dict(answer)


def _as_check(entry: StepEntry, answer: Any) -> Any:
    """The answer of a check completed by what its step says: what it found is what later executions compare with."""
    if entry.type not in _CHECKS or not isinstance(answer, Mapping):
        return answer
    found = {name.replace(_FOUND, _USED): answer[name] for name in _CHECKS[entry.type] if name in answer}
    return {**found, **answer}


def with_paths(value: Any, storage: Storage, folder: Path) -> Any:
    """JSON data with every S3 URI for which there is a file or folder here as the path of that.

    Args:
        value: The data.
        storage: Knows what there is.
        folder: For a file that is there as bytes alone, as one that was made while the definition was.
    """
    if isinstance(value, Mapping):
        return {key: with_paths(each, storage, folder) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [with_paths(each, storage, folder) for each in value]
    if not isinstance(value, str) or not value.startswith("s3://"):
        return value
    try:
        found = storage.find(value)
    except FluentpipeError:  # a place that is only there on S3
        return value
    if found.is_object and found.path is None:
        Placed().place(found, folder)
        return str(folder / next(iter(found.files)))
    return _path_of(found) or value


def _path_of(found: Found) -> str:
    """The file that was found, or the folder in which all files have the names that they have below it; else nothing."""
    if found.is_object:
        return str(found.path or "")
    paths = {name: str(path) for name, path in found.files.items() if isinstance(path, Path)}
    folders = {path.removesuffix(name).rstrip("/\\") for name, path in paths.items() if path.endswith(name)}
    return folders.pop() if len(folders) == 1 and len(paths) == len(found.files) else ""


def _answer_faults(answer: Any, declared: Mapping[str, str], entry: StepEntry) -> Iterator[str]:
    if not isinstance(answer, Mapping):
        yield f"it returned {answer!r}, which is no mapping"
        return
    for name, kind in declared.items():
        value = answer.get(name)
        if name not in answer:
            yield f"{name} is missing"
        elif not isinstance(value, _TYPES[kind]) or (isinstance(value, bool) and kind != "Boolean"):
            yield f"{name} must be {kind}, not {value!r}"
    for name in answer:
        if name not in declared and entry.type in {"Lambda", "Callback"}:
            yield f"{name} is not declared.{did_you_mean(str(name), declared)}"
    if found := _CHECKS.get(entry.type):
        known = {*found, *(name.replace(_FOUND, _USED) for name in found)}
        yield from (f"a check has no {name!r}.{did_you_mean(str(name), known)}" for name in answer if name not in known)
        yield from (f"{name} must be the place of a file" for name in answer if not isinstance(answer[name], str))
