"""Conditions of Condition steps: whether they hold, and in words with the very values that decided."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

import attrs

from fluentpipe.errors import RunError
from fluentpipe.run.values import Values, as_text

_ORDERED: dict[str, tuple[Callable[[Any, Any], bool], str]] = {
    "GreaterThan": (operator.gt, ">"),
    "GreaterThanOrEqualTo": (operator.ge, ">="),
    "LessThan": (operator.lt, "<"),
    "LessThanOrEqualTo": (operator.le, "<="),
}
_WHOLE = re.compile(r"[+-]?\d{1,400}")
_TRUTHS = {"true": True, "false": False}


@attrs.frozen
class Verdict:
    """Whether a condition holds, and a line that says why: `metrics.auc: 0.8123 is not >= 0.9`."""

    holds: bool
    line: str


def judge(condition: Mapping[str, Any], values: Values) -> Verdict:
    """Evaluate one condition. Numbers compare as numbers, also where they are written as text.

    Raises:
        RunError: Its type is unknown, a reference in it has no value, or its sides cannot be ordered.
    """
    kind = condition.get("Type")
    if kind == "Not":
        inner = judge(condition["Condition"], values)
        return Verdict(not inner.holds, f"not ({inner.line})")
    if kind == "Or":
        inners = [judge(each, values) for each in condition["Conditions"]]
        return Verdict(any(inner.holds for inner in inners), " or ".join(f"({inner.line})" for inner in inners))
    if kind == "In":
        return _membership(condition, values)
    if kind == "Equals" or kind in _ORDERED:
        return _comparison(str(kind), condition, values)
    raise RunError(f"The condition type {kind!r} is unknown.")


def _comparison(kind: str, condition: Mapping[str, Any], values: Values) -> Verdict:
    written = condition["LeftValue"], condition["RightValue"]
    left, right = (values.resolve(side) for side in written)
    a, b = _comparable(left, right)
    compare, sign = _ORDERED.get(kind, (_equal, "=="))
    try:
        holds = bool(compare(a, b))
    except TypeError:
        raise RunError(
            f"{_named(written[0])}{as_text(left)} and {as_text(right)} cannot be compared with {sign}."
        ) from None
    label = _named(written[0]) or _named(written[1])
    shown, limit = _shown(left), _shown(right)
    if shown == limit and a != b:  # told apart by digits that were left out
        shown, limit = as_text(left), as_text(right)
    return Verdict(holds, f"{label}{shown} {'is' if holds else 'is not'} {sign} {limit}")


def _membership(condition: Mapping[str, Any], values: Values) -> Verdict:
    asked = values.resolve(condition["QueryValue"])
    allowed = [values.resolve(item) for item in condition["Values"]]
    holds = any(_equal(*_comparable(asked, item)) for item in allowed)
    listed = ", ".join(as_text(item) for item in allowed)
    return Verdict(
        holds, f"{_named(condition['QueryValue'])}{as_text(asked)} {'is' if holds else 'is not'} in [{listed}]"
    )


def _comparable(left: Any, right: Any) -> tuple[Any, Any]:
    for read in (_number, _truth):
        a, b = read(left), read(right)
        if a is not None and b is not None:
            return a, b
    return left, right


def _equal(left: Any, right: Any) -> bool:
    """Equality of JSON: unlike Python's, `true` is not 1."""
    return isinstance(left, bool) == isinstance(right, bool) and bool(left == right)


def _number(value: Any) -> float | int | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, int | float):
        return value
    try:
        return int(value) if _WHOLE.fullmatch(value) else float(value)  # large whole numbers stay exact
    except ValueError:
        return None


def _truth(value: Any) -> bool | None:
    return value if isinstance(value, bool) else _TRUTHS.get(value.lower()) if isinstance(value, str) else None


def _shown(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else as_text(value)


def _named(side: Any) -> str:
    """`metrics.auc: ` for a reference, nothing for a plain value."""
    if isinstance(side, Mapping) and len(side) == 1:
        ((kind, inside),) = side.items()
        if kind == "Std:JsonGet" and isinstance(inside, Mapping):
            return f"{as_text(inside.get('Path', '')).removeprefix('$').removeprefix('.')}: "
        if kind == "Get":
            return f"{inside}: "
    return ""
