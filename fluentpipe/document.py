"""Reading any pipeline definition: its steps, in every branch, and the references inside a value.

A definition is JSON data (version 2020-12-01): `Parameters`, and `Steps` that nest through the `IfSteps` and
`ElseSteps` of Condition steps. Nothing here trusts it: whatever has the wrong type is passed over, and it
is the part of `fluentpipe.check` to say so. All walks are iterative.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, TypeGuard

import attrs

GET, JOIN, JSON_GET = "Get", "Std:Join", "Std:JsonGet"
FUNCTIONS = frozenset((GET, JOIN, JSON_GET))  # a reference is an object with exactly one of these as its key
BRANCHES = {"If": "IfSteps", "Else": "ElseSteps"}  # branch of a Condition step -> its member of Arguments
# Condition steps inside one another; deeper ones are not walked, and check reports them. The service names no limit
# and is known to run 31, so this stands above the quota of 50 steps.
MAX_NESTING = 64

Trail = tuple[Any, ...]  # () or (trail of the parent, key or index): a path that is written out only when needed

_LEAVES = (str, int, float, type(None))
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_\-]*")


class Reference(NamedTuple):
    """One place in a definition that stands for a value of the run."""

    path: str  # JSONPath of the reference itself
    kind: str  # "Get", "Std:Join" or "Std:JsonGet"
    text: str  # what a Get gets, the Path of a Std:JsonGet, the On of a Std:Join; "" where it is no text
    value: Any  # what stands under the kind


@attrs.frozen
class StepEntry:
    """One step of a definition, with where it stands."""

    name: str  # "" where the definition has none
    type: str  # "Processing", "Training", …; "" where the definition has none
    request: Mapping[str, Any]  # the step itself: Name, Type, Arguments, DependsOn, …
    scope: tuple[tuple[str, str], ...]  # (name of the Condition step, "If" or "Else"), outermost first
    path: str  # JSONPath: "$.Steps[2].Arguments.IfSteps[0]"
    _references: list[tuple[Reference, ...]] = attrs.field(factory=list, init=False, eq=False, repr=False)

    @property
    def arguments(self) -> Mapping[str, Any]:
        """The step's Arguments; empty where they are missing or no object."""
        found = self.request.get("Arguments")
        return found if isinstance(found, Mapping) else {}

    def own(self) -> Mapping[str, Any]:
        """The request without the steps of its branches, which are entries of their own."""
        if self.type != "Condition":
            return self.request
        arguments = {key: value for key, value in self.arguments.items() if key not in BRANCHES.values()}
        return {**self.request, "Arguments": arguments}

    def references(self) -> Iterator[Reference]:
        """Every reference in the step, without those in the steps of its branches; looked for once."""
        if not self._references:
            self._references.append(tuple(references(self.own(), self.path)))
        return iter(self._references[0])

    def steps_used(self) -> Iterator[str]:
        """The name of every step that this one refers to, as often as it does."""
        return _steps_in(self.references())


def is_reference(value: object) -> bool:
    """Whether a JSON value is a Get, Std:Join or Std:JsonGet; its inside may still be wrong."""
    return _is_object(value) and len(value) == 1 and next(iter(value)) in FUNCTIONS


def _is_object(value: object) -> TypeGuard[Mapping[Any, Any]]:
    return type(value) is dict or isinstance(value, Mapping)  # a check of the abstract class is slow


def walk_steps(document: object) -> Iterator[StepEntry]:
    """Every step in the order of the JSON, a Condition step before the steps of its branches."""
    pending: list[tuple[object, tuple[tuple[str, str], ...], str]] = []
    steps = document.get("Steps") if isinstance(document, Mapping) else None
    _push(pending, steps, (), "$.Steps")
    while pending:
        request, scope, path = pending.pop()
        if not isinstance(request, Mapping):
            continue
        name, kind = request.get("Name"), request.get("Type")
        entry = StepEntry(
            name if isinstance(name, str) else "", kind if isinstance(kind, str) else "", request, scope, path
        )
        yield entry
        if entry.type == "Condition" and len(scope) < MAX_NESTING:
            for branch, member in reversed(BRANCHES.items()):
                inner = (*scope, (entry.name, branch))
                _push(pending, entry.arguments.get(member), inner, f"{path}.Arguments.{member}")


def references(value: object, path: str = "$") -> Iterator[Reference]:
    """Every reference inside a JSON value, in the order of the JSON, an outer one before those inside it."""
    pending: list[tuple[object, Trail]] = [(value, ())]
    while pending:
        found, trail = pending.pop()
        if isinstance(found, _LEAVES):
            continue
        if _is_object(found):
            if len(found) == 1 and is_reference(found):
                ((kind, inside),) = found.items()
                yield Reference(path + write_trail(trail), kind, _text(kind, inside), inside)
            inner = [(each, (trail, key)) for key, each in found.items() if not isinstance(each, _LEAVES)]
            pending.extend(reversed(inner))
        elif isinstance(found, list | tuple):
            inner = [(each, (trail, index)) for index, each in enumerate(found) if not isinstance(each, _LEAVES)]
            pending.extend(reversed(inner))


def steps_used(value: object) -> Iterator[str]:
    """The name of every step that a JSON value refers to, as often as it does."""
    return _steps_in(references(value))


def _steps_in(found: Iterable[Reference]) -> Iterator[str]:
    return (each.text.split(".", 2)[1] for each in found if each.kind == GET and each.text.startswith("Steps."))


def at(value: Any, keys: Iterable[str | int]) -> Any:
    """What stands in a JSON value at a path of members and indices; None where there is nothing."""
    try:
        for key in keys:
            value = value[key]
    except (KeyError, IndexError, TypeError):
        return None
    return value


def strings(value: object) -> Iterator[tuple[Trail, str]]:
    """Every text inside a JSON value, with its trail; keys of objects count as texts at their own place."""
    pending: list[tuple[object, Trail]] = [(value, ())]
    while pending:
        found, trail = pending.pop()
        if isinstance(found, str):
            yield trail, found
        elif _is_object(found):
            for key in reversed(tuple(found)):
                pending.append((found[key], (trail, key)))
                pending.append((key, (trail, key)))
        elif isinstance(found, list | tuple):
            pending.extend((found[index], (trail, index)) for index in range(len(found) - 1, -1, -1))


def write_trail(trail: Trail) -> str:
    """A trail as the tail of a JSONPath: `.Values[0]['odd key']`."""
    parts: list[str] = []
    while trail:
        trail, key = trail
        parts.append(write_key(key))
    return "".join(reversed(parts))


@lru_cache(maxsize=4096, typed=True)
def write_key(key: object) -> str:
    """One key or index as a part of a JSONPath."""
    if isinstance(key, int):
        return f"[{key}]"
    return f".{key}" if _PLAIN_KEY.fullmatch(str(key)) else f"[{str(key)!r}]"


def _push(
    pending: list[tuple[object, tuple[tuple[str, str], ...], str]],
    steps: object,
    scope: tuple[tuple[str, str], ...],
    path: str,
) -> None:
    if isinstance(steps, Sequence) and not isinstance(steps, str):
        pending.extend((steps[index], scope, f"{path}[{index}]") for index in range(len(steps) - 1, -1, -1))


def _text(kind: str, inside: object) -> str:
    if kind != GET:
        member = "On" if kind == JOIN else "Path"
        inside = inside.get(member) if isinstance(inside, Mapping) else None
    return inside if isinstance(inside, str) else ""
