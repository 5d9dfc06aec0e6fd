"""The part of JSONPath that batch transform's filters have, applied to one record.

`$`, `$.name`, `$['name','other']`, `$[0,3]`, `$[1:]`, `$[-2]`, one after another
(https://docs.aws.amazon.com/sagemaker/latest/dg/batch-transform-data-processing.html). A row of CSV is a list.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

_STEP = re.compile(
    r"\.(?P<name>[A-Za-z_][\w-]*)"
    r"|\[\s*(?P<quoted>'[^']*'(?:\s*,\s*'[^']*')*|\"[^\"]*\"(?:\s*,\s*\"[^\"]*\")*)\s*\]"
    r"|\[\s*(?P<start>-?\d+)?\s*:\s*(?P<end>-?\d+)?\s*\]"
    r"|\[\s*(?P<numbers>-?\d+(?:\s*,\s*-?\d+)*)\s*\]"
)
_QUOTED = re.compile(r"'([^']*)'|\"([^\"]*)\"")
Step = tuple[str, ...] | tuple[int, ...] | slice


class FilterError(ValueError):
    """A filter that cannot be read, or finds nothing."""


def parse(text: str) -> tuple[Step, ...]:
    """Take a filter apart: names, positions or a slice for each step of the path.

    Raises:
        FilterError: It is none.
    """
    if not text.startswith("$"):
        raise FilterError(f"the filter {text!r} must begin with '$'")
    found: list[Step] = []
    place = 1
    while place < len(text):
        match = _STEP.match(text, place)
        if match is None:
            raise FilterError(
                f"the filter {text!r} cannot be read at {text[place:]!r}; there are $.a, $['a','b'], $[0,3], $[1:]"
            )
        found.append(_step(match))
        place = match.end()
    return tuple(found)


def _step(match: re.Match[str]) -> Step:
    if match["name"] is not None:
        return (match["name"],)
    if match["quoted"] is not None:
        return tuple(one or two for one, two in _QUOTED.findall(match["quoted"]))
    if match["numbers"] is not None:
        return tuple(int(number) for number in match["numbers"].split(","))
    return slice(*(int(end) if end is not None else None for end in (match["start"], match["end"])))


def select(value: Any, path: tuple[Step, ...], text: str) -> Any:
    """What a filter leaves of a record: a value, or where it names several, an object or a list of them.

    Raises:
        FilterError: Something that it names is not there.
    """
    for step in path:
        value = _found(value, step, text)
    return value


def _found(value: Any, step: Step, text: str) -> Any:
    try:
        return _one(value, step)
    except (KeyError, IndexError, TypeError):
        raise FilterError(f"the filter {text!r} finds nothing in a record; there is: {_said(value)[:300]}") from None


def _said(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(value)
    return f"{len(value)} values" if isinstance(value, list) else "a single value"


def _one(value: Any, step: Step) -> Any:
    if isinstance(step, slice):
        return _list(value)[step]
    if len(step) == 1:
        return value[step[0]]
    if isinstance(step[0], str):
        return {name: value[name] for name in step}
    return list(_positions(_list(value), step))


def _positions(values: list[Any], step: tuple[Any, ...]) -> Iterator[Any]:
    return (values[position] for position in step)


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError
    return value
