"""Ranges: the values among which a tuning looks for the best ones."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, TypeAlias, Union

import attrs

__all__ = ["Categorical", "Continuous", "Integer", "Range", "RangeGiven", "range_of"]

MAX_CHOICES = 30  # of a categorical range; botocore: ParameterValues


def _whole(_range: Any, attribute: attrs.Attribute[int], value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"{attribute.name} of an Integer range must be a whole number, not {value!r}")


def _finite(_range: Any, attribute: attrs.Attribute[float], value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError(f"{attribute.name} of a Continuous range must be a finite number, not {value!r}")


def _check_order(one: Integer | Continuous) -> None:
    if one.low >= one.high:
        raise ValueError(f"low must be less than high, not {one.low!r} and {one.high!r}")
    if one.log and one.low <= 0:
        raise ValueError(f"a logarithmic range must begin above 0, not at {one.low!r}")


@attrs.frozen
class Integer:
    """Whole numbers from `low` to `high`, both included.

    Args:
        low: Smallest value.
        high: Largest value.
        log: Whether a step from 1 to 10 is as long as one from 10 to 100.

    Raises:
        ValueError: Not whole numbers, not in order, or logarithmic and not above 0.
    """

    low: int = attrs.field(validator=_whole)
    high: int = attrs.field(validator=_whole)
    log: bool = attrs.field(default=False, kw_only=True)
    member: ClassVar[str] = "IntegerParameterRanges"

    def __attrs_post_init__(self) -> None:
        _check_order(self)

    def values(self) -> tuple[int, int]:
        """The ends."""
        return (self.low, self.high)

    def to_request(self, name: str) -> dict[str, Any]:
        """As CreateHyperParameterTuningJob takes it."""
        return _between(name, self)


@attrs.frozen
class Continuous:
    """Numbers from `low` to `high`.

    Args:
        low: Smallest value.
        high: Largest value.
        log: Whether a step from 0.01 to 0.1 is as long as one from 0.1 to 1.

    Raises:
        ValueError: Not finite, not in order, or logarithmic and not above 0.
    """

    low: float = attrs.field(validator=_finite)
    high: float = attrs.field(validator=_finite)
    log: bool = attrs.field(default=False, kw_only=True)
    member: ClassVar[str] = "ContinuousParameterRanges"

    def __attrs_post_init__(self) -> None:
        _check_order(self)

    def values(self) -> tuple[float, float]:
        """The ends."""
        return (self.low, self.high)

    def to_request(self, name: str) -> dict[str, Any]:
        """As CreateHyperParameterTuningJob takes it."""
        return _between(name, self)


def _choices(values: Sequence[Any]) -> tuple[Any, ...]:
    if isinstance(values, (str, bytes)) or not isinstance(values, Sequence):
        raise ValueError(f"a Categorical range takes a list of values, not {values!r}")
    return tuple(values)


@attrs.frozen
class Categorical:
    """One of a few values, with no order among them.

    Args:
        choices: Texts, numbers or truth values; 1 to 30, all different.

    Raises:
        ValueError: None, too many, two of the same, or of another type.
    """

    choices: tuple[str | float | bool, ...] = attrs.field(converter=_choices)
    member: ClassVar[str] = "CategoricalParameterRanges"

    def __attrs_post_init__(self) -> None:
        if not 1 <= len(self.choices) <= MAX_CHOICES:
            raise ValueError(f"a Categorical range has 1 to {MAX_CHOICES} values, not {len(self.choices)}")
        for choice in self.choices:
            if not isinstance(choice, (str, int, float)):
                raise ValueError(f"a Categorical range holds text, numbers and truth values, not {choice!r}")
        if len({_text(choice) for choice in self.choices}) < len(self.choices):
            raise ValueError(f"a Categorical range holds a value twice: {list(self.choices)!r}")

    def values(self) -> tuple[Any, ...]:
        """The choices."""
        return self.choices

    def to_request(self, name: str) -> dict[str, Any]:
        """As CreateHyperParameterTuningJob takes it."""
        return {"Name": name, "Values": [_text(choice) for choice in self.choices]}


Range: TypeAlias = Union[Integer, Continuous, Categorical]
RangeGiven: TypeAlias = Union[Integer, Continuous, Categorical, Sequence[Any], Mapping[str, Any]]
"""What people write: a range, `(3, 10)`, `(0.01, 0.3, "log")`, `["hist", "approx"]`, or `plain` data."""


def range_of(given: Any, *, whole: bool) -> Range:
    """The range that something stands for.

    Args:
        given: A range; a tuple of two ends, and perhaps "log"; a list of choices; or the data that `plain` gives.
        whole: Whether two whole ends without a type mean whole numbers, as they do for a setting that is an int.

    Raises:
        ValueError: It stands for none.
    """
    if isinstance(given, (Integer, Continuous, Categorical)):
        return given
    if isinstance(given, Mapping):
        return _from_plain(given)
    if isinstance(given, list):
        return Categorical(given)
    if not isinstance(given, tuple) or len(given) not in (2, 3) or given[2:] not in ((), ("log",)):
        raise ValueError(
            f"is no range: {given!r}; write Integer(3, 10), Continuous(0.01, 0.3, log=True), Categorical([…])"
        )
    low, high, *log = given
    kind = Integer if whole and isinstance(low, int) and isinstance(high, int) else Continuous
    return kind(low, high, log=bool(log))


def plain(given: Range) -> dict[str, Any]:
    """A range as plain data, such as `{"integer": [3, 10]}` or `{"continuous": [0.01, 0.3], "log": True}`."""
    if isinstance(given, Categorical):
        return {"categorical": list(given.choices)}
    scale = {"log": True} if given.log else {}
    return {type(given).__name__.lower(): [given.low, given.high], **scale}


def _from_plain(given: Mapping[str, Any]) -> Range:
    kinds: Mapping[str, Any] = {"integer": Integer, "continuous": Continuous, "categorical": Categorical}
    (name, *others) = [key for key in given if key != "log"] or [""]
    values = given.get(name)
    if others or name not in kinds or not isinstance(values, (list, tuple)):
        raise ValueError(f"is no range: {dict(given)!r}; write {{'integer': [3, 10]}} or {{'continuous': [0.01, 0.3]}}")
    if name == "categorical":
        return Categorical(values)
    if len(values) != 2:
        raise ValueError(f"a range has two ends, not {list(values)!r}")
    found: Range = kinds[name](*values, log=bool(given.get("log", False)))
    return found


def _between(name: str, one: Integer | Continuous) -> dict[str, Any]:
    scaling: Literal["Linear", "Logarithmic"] = "Logarithmic" if one.log else "Linear"
    return {"Name": name, "MinValue": _text(one.low), "MaxValue": _text(one.high), "ScalingType": scaling}


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
