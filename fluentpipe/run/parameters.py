"""The parameters of a pipeline: declared in the definition, given by the caller, checked before anything starts."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from typing import Any

from fluentpipe.errors import did_you_mean

_TRUTHS = {"true": True, "false": False}


def settle(declared: Mapping[str, Mapping[str, Any]], given: Mapping[str, object]) -> tuple[dict[str, Any], list[str]]:
    """The value of every parameter, and every fault.

    Args:
        declared: Name -> declaration (Type, DefaultValue, EnumValues).
        given: What the caller wants instead of the defaults; text is read as the type declared.

    Returns:
        Values by name, and one line per fault.
    """
    faults = [
        f"parameter {name!r} is unknown.{did_you_mean(name, declared)} There are: {', '.join(declared) or 'none'}."
        for name in given
        if name not in declared
    ]
    values: dict[str, Any] = {}
    for name, declaration in declared.items():
        if name not in given and "DefaultValue" not in declaration:
            faults.append(f"parameter {name!r} has no default and was not given.")
            continue
        kind = declaration.get("Type", "String")
        value, fault = _read(given.get(name, declaration.get("DefaultValue")), kind)
        allowed = declaration.get("EnumValues")
        if not fault and allowed and value not in allowed:
            fault = f"is {value!r}, which is none of {', '.join(map(repr, allowed))}."
        if fault:
            faults.append(f"parameter {name!r} {fault}")
        values[name] = value
    return values, faults


def _read(value: object, kind: str) -> tuple[Any, str]:
    """The value as its type and no fault, or what is wrong."""
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    read = _READERS.get(kind)
    found = read(value) if read else value
    if found is None:
        return value, f"is {value!r} ({type(value).__name__}), but its type is {kind}."
    return found, ""


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _integer(value: object) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, float) and value.is_integer():
        return int(value)
    try:
        return int(value) if isinstance(value, int | str) else None
    except ValueError:
        return None


def _float(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _boolean(value: object) -> bool | None:
    return value if isinstance(value, bool) else _TRUTHS.get(value.lower()) if isinstance(value, str) else None


_READERS: Mapping[str, Callable[[object], Any]] = {
    "String": _text,
    "Integer": _integer,
    "Float": _float,
    "Boolean": _boolean,
}
