"""Conditions of Condition steps: whether they hold, and in words with the very values that decided."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from fluentpipe.comparing import ORDERED, holds
from fluentpipe.errors import RunError
from fluentpipe.run.values import Values, as_text

_SIGNS = {"GreaterThan": ">", "GreaterThanOrEqualTo": ">=", "LessThan": "<", "LessThanOrEqualTo": "<="}


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
    if kind == "Equals" or kind in ORDERED:
        return _comparison(str(kind), condition, values)
    raise RunError(f"The condition type {kind!r} is unknown.")


def _comparison(kind: str, condition: Mapping[str, Any], values: Values) -> Verdict:
    written = condition["LeftValue"], condition["RightValue"]
    left, right = (values.resolve(side) for side in written)
    sign = _SIGNS.get(kind, "==")
    try:
        verdict = holds(kind, left, right)
    except TypeError:
        raise RunError(
            f"{_named(written[0])}{as_text(left)} and {as_text(right)} cannot be compared with {sign}."
        ) from None
    label = _named(written[0]) or _named(written[1])
    shown, limit = _shown(left), _shown(right)
    if shown == limit and not holds("Equals", left, right):  # told apart by digits that were left out
        shown, limit = as_text(left), as_text(right)
    return Verdict(verdict, f"{label}{shown} {'is' if verdict else 'is not'} {sign} {limit}")


def _membership(condition: Mapping[str, Any], values: Values) -> Verdict:
    asked = values.resolve(condition["QueryValue"])
    allowed = [values.resolve(item) for item in condition["Values"]]
    found = any(holds("Equals", asked, item) for item in allowed)
    listed = ", ".join(as_text(item) for item in allowed)
    return Verdict(
        found, f"{_named(condition['QueryValue'])}{as_text(asked)} {'is' if found else 'is not'} in [{listed}]"
    )


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
