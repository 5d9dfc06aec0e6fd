"""How conditions compare the values of a run: numbers as numbers, also where they are written as text; JSON's equality."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

ORDERED: Mapping[str, Callable[[Any, Any], bool]] = {
    "GreaterThan": operator.gt,
    "GreaterThanOrEqualTo": operator.ge,
    "LessThan": operator.lt,
    "LessThanOrEqualTo": operator.le,
}
_WHOLE = re.compile(r"[+-]?\d{1,400}")
_TRUTHS = {"true": True, "false": False}


def holds(kind: str, left: Any, right: Any) -> bool:
    """Whether a comparison of the service holds.

    Args:
        kind: `Equals`, or one of `ORDERED`.
        left: A value of JSON.
        right: Another.

    Raises:
        TypeError: They have no order.
    """
    a, b = comparable(left, right)
    return bool(ORDERED[kind](a, b)) if kind in ORDERED else _equal(a, b)


def comparable(left: Any, right: Any) -> tuple[Any, Any]:
    """Both as numbers where both can be, else both as truth values, else as they are."""
    for read in (_number, _truth):
        a, b = read(left), read(right)
        if a is not None and b is not None:
            return a, b
    return left, right


def _equal(left: Any, right: Any) -> bool:
    """Unlike Python's, `true` is not 1."""
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
