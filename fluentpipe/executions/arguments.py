"""What an execution is started with, checked against the definition before the service is asked for anything."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from fluentpipe.definition import Definition
from fluentpipe.document import walk_steps
from fluentpipe.errors import SettingError, did_you_mean
from fluentpipe.run.parameters import settle
from fluentpipe.run.selection import downstream, upstream
from fluentpipe.run.values import as_text
from fluentpipe.shapes import MAX_PARAMETER_VALUE

MAX_SELECTED = 50  # steps; SelectedStepList, API reference of SelectiveExecutionConfig

Upload = Callable[[Path], str]
"""Uploads a file or a folder under its content hash and gives its S3 URI."""


def pipeline_parameters(definition: Definition, given: Mapping[str, object], upload: Upload) -> list[dict[str, str]]:
    """`PipelineParameters` of StartPipelineExecution: those that were given, as text, in the order of the definition.

    Args:
        definition: That declares them.
        given: Name -> value. Where the default is an S3 URI, a local file or folder will do.
        upload: Takes such a file or folder once all is known to be right.

    Raises:
        SettingError: Lists every fault: unknown, of another type, none of the choices, too long, missing, not there.
    """
    values, faults = settle(definition.parameters, given)
    local = {name: Path(str(values[name])).expanduser() for name in given if _is_local(definition, name, values)}
    faults += [f"parameter {name!r}: there is no file or folder {str(path)!r}." for name, path in local.items() if not path.exists()]  # fmt: skip
    texts = {name: as_text(values[name]) for name in definition.parameters if name in given and name in values}
    faults += [
        f"parameter {name!r} has {len(text)} characters; the service takes at most {MAX_PARAMETER_VALUE}."
        for name, text in texts.items()
        if len(text) > MAX_PARAMETER_VALUE
    ]
    if faults:
        count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
        raise SettingError(f"Pipeline {definition.name!r} cannot be started: {count}.", *faults, faults=tuple(faults))
    for name, path in local.items():
        texts[name] = upload(path)
    return [{"Name": name, "Value": text} for name, text in texts.items()]


def _is_local(definition: Definition, name: str, values: Mapping[str, Any]) -> bool:
    """Whether a local path is given where the definition has a place of data."""
    value, declared = values.get(name), definition.parameters.get(name, {})
    if not isinstance(value, str | os.PathLike) or declared.get("Type", "String") != "String" or "://" in str(value):
        return False
    default = declared.get("DefaultValue")
    return isinstance(default, str) and default.startswith("s3://") if default else name in data_parameters(definition)


def data_parameters(definition: Definition) -> list[str]:
    """The parameters that are the place of an input of a job: its S3 URI and nothing else."""
    found: dict[str, None] = {}
    for entry in walk_steps(definition.document):
        for reference in entry.references():
            if reference.path.endswith(".S3Uri") and reference.text.startswith("Parameters."):
                found.setdefault(reference.text.partition(".")[2])
    return list(found)


def data_parameter(definition: Definition) -> str:
    """The parameter that `data=` sets.

    Raises:
        SettingError: There is none, or several.
    """
    names = data_parameters(definition)
    if len(names) != 1:
        listed = ", ".join(f"{name!r}: …" for name in names)
        raise SettingError(
            f"data= needs exactly one parameter that is the place of an input; pipeline {definition.name!r} has {len(names)}.",
            fix=f"parameters={{{listed}}}" if names else "",
        )
    return names[0]


def selected_steps(definition: Definition, only: str | Sequence[str] | None, from_step: str | None) -> tuple[str, ...]:
    """The steps of a selective execution, in the order of the definition; none to carry out all.

    Args:
        definition: That has the steps.
        only: These steps alone.
        from_step: This one, and all that depend on it.

    Raises:
        SettingError: Lists every fault: unknown steps, both given, too many, steps left out between two that are selected.
    """
    if only is None and from_step is None:
        return ()
    entries = {entry.name: entry for entry in definition.steps()}
    names = [only] if isinstance(only, str) else list(only or ())
    faults = [
        f"there is no step {name!r}.{did_you_mean(name, entries)} There are: {', '.join(entries)}."
        for name in filter(None, [*names, from_step])
        if name not in entries
    ]
    if from_step is not None and only is not None:
        faults.append("only= and from_step= exclude each other.")
    if not faults:
        chosen = downstream(from_step, entries) if from_step is not None else frozenset(names)
        between = [
            name for name in entries
            if name not in chosen and chosen & {*upstream(name, entries)} and any(name in upstream(each, entries) for each in chosen)
        ]  # fmt: skip
        faults += [f"step {name!r} lies between steps that are selected: select it, too." for name in between]
        if len(chosen) > MAX_SELECTED:
            faults.append(f"{len(chosen)} steps are selected; the service takes at most {MAX_SELECTED}.")
    if faults:
        raise SettingError(
            f"These steps of {definition.name!r} cannot be carried out alone.", *faults, faults=tuple(faults)
        )
    return tuple(name for name in entries if name in chosen)


def needs_others(definition: Definition, selected: Sequence[str]) -> bool:
    """Whether the selected steps take something of steps that are not."""
    entries = {entry.name: entry for entry in definition.steps()}
    return any({*upstream(name, entries)} - {*selected} for name in selected)
