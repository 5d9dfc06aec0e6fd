"""Settings: the configuration fields of a step class, each declared once with its type, limits, unit and meaning."""

from __future__ import annotations

import datetime
import math
import re
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Literal, get_args, get_origin

import attrs

from fluentpipe.errors import did_you_mean
from fluentpipe.expression import Expression, lift

REQUIRED: Final = object()
"""The default of a setting that must be given."""

Convert = Callable[[Any], Any]
_SCALAR_NAMES: Mapping[Any, tuple[str, ...]] = {
    int: ("int",), float: ("float", "int"), str: ("str", "timestamp"), bool: ("bool",),
    Any: ("int", "float", "str", "timestamp", "bool"),
}  # fmt: skip


@attrs.define(eq=False, repr=False)
class Setting:
    """One setting of a step class; made by `setting`. On a step it reads as its value."""

    default: Any
    doc: str
    unit: str
    bounds: Mapping[str, float | None]
    choices: tuple[Any, ...]
    aliases: tuple[str, ...]
    emit: str
    convert: Convert | None
    positional: bool
    reference: bool
    job: bool
    shared: bool = False
    name: str = attrs.field(default="", init=False)
    annotation: str = attrs.field(default="", init=False)
    type: Any = attrs.field(default=None, init=False)
    check: Convert = attrs.field(default=lambda value: value, init=False)
    scalars: frozenset[str] = attrs.field(default=frozenset(), init=False)

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, step: Any, owner: type | None = None) -> Any:
        return self if step is None else step.given.get(self.name, self.default)

    @property
    def required(self) -> bool:
        """Whether it must be given."""
        return self.default is REQUIRED

    def bind(self, annotation: Any, text: str) -> None:
        """Learn the type from the class's annotation; called once, when the class is declared."""
        self.annotation = text
        self.type = annotation
        self.check = _checker(annotation)
        self.scalars = frozenset(_scalars(annotation))
        self.choices = self.choices or _literal(annotation)

    def validated(self, value: Any) -> Any:
        """The value as it will be kept.

        Raises:
            ValueError: Says what is allowed.
        """
        if isinstance(value, str):
            value = lift(value)
        if isinstance(value, Expression):
            return self._validated_expression(value)
        if self.convert is not None and (value is not None or self.required):
            value = self.convert(value)
        value = self.check(value)
        for item in value if isinstance(value, tuple) else (value,):
            self._check_limits(item)
        return value

    def _validated_expression(self, value: Expression) -> Expression:
        if not self.reference:
            raise ValueError("must be known while the pipeline is written; a reference has its value only in the run")
        if value.value_type not in {"any", *self.scalars}:
            wanted = " or ".join(sorted(self.scalars)) or "a value known now"
            raise ValueError(f"takes {wanted}, but {value!r} is {value.value_type}")
        return value

    def _check_limits(self, value: Any) -> None:
        if value is None or isinstance(value, Expression):
            return
        if self.choices and value not in self.choices:
            raise ValueError(_not_among(self.choices, value))
        if isinstance(value, (int, float)):
            for sign, holds in _BOUNDS.items():
                bound = self.bounds.get(sign)
                if bound is not None and not holds(value, bound):
                    raise ValueError(f"must be {sign} {bound}{f' {self.unit}' if self.unit else ''}, not {value!r}")

    def __repr__(self) -> str:
        default = "required" if self.required else repr(self.default)
        return f"<setting {self.name}: {self.annotation} = {default}>"


_BOUNDS: Mapping[str, Callable[[Any, Any], bool]] = {
    ">=": lambda value, bound: value >= bound,
    ">": lambda value, bound: value > bound,
    "<=": lambda value, bound: value <= bound,
    "<": lambda value, bound: value < bound,
}


def setting(
    default: Any = REQUIRED,
    *,
    doc: str = "",
    unit: str = "",
    ge: float | None = None,
    gt: float | None = None,
    le: float | None = None,
    lt: float | None = None,
    choices: Sequence[Any] = (),
    aliases: Sequence[str] = (),
    emit: str = "",
    convert: Convert | None = None,
    positional: bool = False,
    reference: bool = True,
    job: bool = False,
    shared: bool = False,
) -> Any:
    """Declare one setting of a step class.

    As in `max_depth: int = setting(6, ge=0, doc="Maximum depth of a tree.")`.

    Args:
        default: The value when none is given; `None` for one that is then absent. Leave it out for a required setting.
        doc: One line that says what it does, with the source of any fact.
        unit: Of a number, such as `GiB` or `seconds`.
        ge: Lowest value allowed; likewise `gt`, `le` and `lt`.
        gt: Value that it must exceed.
        le: Highest value allowed.
        lt: Value that it must stay under.
        choices: The only values allowed.
        aliases: Other names under which it may be given, such as scikit-learn's.
        emit: The name that the job's program knows it by, where that differs.
        convert: Turns what people write into what is kept, before the type is checked; raises ValueError.
        positional: Whether the verb takes it as its first argument, without the name.
        reference: Whether the value may be decided by the run: a `Parameter` or a reference to an output.
        job: Whether it configures the job (instances, time) and not the program inside.
        shared: Whether `Pipeline.defaults` takes it, for all steps that have it.
    """
    bounds = {">=": ge, ">": gt, "<=": le, "<": lt}
    return Setting(
        default, doc=doc, unit=unit, bounds=bounds, choices=tuple(choices), aliases=tuple(aliases), emit=emit,
        convert=convert, positional=positional, reference=reference, job=job or shared, shared=shared,
    )  # fmt: skip


def _literal(annotation: Any) -> tuple[Any, ...]:
    return next((get_args(part) for part in _union(annotation) if get_origin(part) is Literal), ())


def _union(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation) if get_origin(annotation) in (typing.Union, types.UnionType) else (annotation,)


def _scalars(annotation: Any) -> typing.Iterator[str]:
    for part in _union(annotation):
        kinds = {type(value) for value in get_args(part)} if get_origin(part) is Literal else {part}
        for kind in kinds:
            yield from _SCALAR_NAMES.get(kind, ())


def _checker(annotation: Any) -> Convert:
    """A function that returns the value in its kept form, or raises ValueError, for a type annotation."""
    parts = _union(annotation)
    if len(parts) > 1:
        said = [_said(part) for part in parts if part is not type(None)]
        return _any_of([_checker(part) for part in parts], " or ".join(said) if len(said) > 1 else "")
    origin, args = get_origin(annotation), get_args(annotation)
    if annotation in (type(None), None):
        return _none
    if annotation is Any:
        return lambda value: value
    if origin is Literal:
        return _one_of(args)
    if annotation in (int, float, str, bool):
        return _scalar(annotation)
    if origin in (list, tuple) or (isinstance(origin, type) and issubclass(origin, Sequence)):
        return _sequence(_item(args[0] if args else Any))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return _mapping(_item(args[1]))
    if origin is None and isinstance(annotation, type):  # in Python 3.10 set[int] is a type, too
        return _instance(annotation)
    raise TypeError(f"a setting cannot have the type {annotation!r}")


def _item(annotation: Any) -> Convert:
    return _json_data if annotation is Any else _checker(annotation)


def _json_data(value: Any) -> Any:
    """What JSON has a form for, at any depth; NumPy's numbers and arrays as plain ones."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, Mapping):
        return _mapping(_json_data)(value)
    if isinstance(value, (list, tuple)):
        return _sequence(_json_data)(value)
    if value is None:
        return value
    if isinstance(value, (bool, int, float, str)):
        return _scalar(next(kind for kind in (bool, int, float, str) if isinstance(value, kind)))(value)
    raise ValueError(
        f"must hold text, numbers, truth values, lists and mappings, not {value!r} ({type(value).__name__})"
    )


def _said(annotation: Any) -> str:
    return annotation.__name__ if isinstance(annotation, type) else str(annotation).replace("typing.", "")


def _none(value: Any) -> None:
    if value is not None:
        raise ValueError(f"must be None, not {value!r}")


def _one_of(options: tuple[Any, ...]) -> Convert:
    def check(value: Any) -> Any:
        if not isinstance(value, (str, int, float)) or value not in options:
            raise ValueError(_not_among(options, value))
        return value

    return check


def _not_among(options: Sequence[Any], value: Any) -> str:
    near = did_you_mean(str(value), [each for each in options if isinstance(each, str)])
    return f"must be one of {', '.join(map(repr, options))}, not {value!r}{'.' if near else ''}{near}"


def _scalar(kind: type) -> Convert:
    def check(value: Any) -> Any:
        if not isinstance(value, (int, float, str, bool)) and hasattr(value, "item") and not hasattr(value, "__len__"):
            value = value.item()  # a number of NumPy or pandas
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise ValueError(f"must be {kind.__name__}, not {value!r} ({type(value).__name__})")
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"must be a finite number, not {value!r}")
        return value if type(value) is kind else _PLAIN[kind](value)

    return check


# A subclass (of NumPy, or an enum) as the plain value: it prints, compares and travels as what it is.
_PLAIN: Mapping[type, Convert] = {int: int.__int__, float: float.__float__, str: str.__str__}


def _instance(kind: type) -> Convert:
    def check(value: Any) -> Any:
        if not isinstance(value, kind):
            raise ValueError(f"must be {kind.__name__}, not {value!r} ({type(value).__name__})")
        return value

    return check


def _any_of(checks: Sequence[Convert], said: str) -> Convert:
    def check(value: Any) -> Any:
        first = ""
        for each in checks:
            try:
                return each(value)
            except ValueError as fault:  # noqa: PERF203  two or three alternatives
                first = first or str(fault)
        raise ValueError(f"must be {said}, not {value!r} ({type(value).__name__})" if said else first)

    return check


def _sequence(item: Convert) -> Convert:
    def check(value: Any) -> tuple[Any, ...]:
        if hasattr(value, "tolist"):
            value = value.tolist()  # an array or an index
        if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, (Sequence, set, frozenset)):
            raise ValueError(f"must be a list, not {value!r} ({type(value).__name__})")
        return tuple(_lifted(item, one) for one in (sorted(value) if isinstance(value, (set, frozenset)) else value))

    return check


def _mapping(item: Convert) -> Convert:
    def check(value: Any) -> dict[str, Any]:
        if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
            raise ValueError(f"must be a mapping with names as keys, not {value!r} ({type(value).__name__})")
        return {key: _lifted(item, one) for key, one in value.items()}

    return check


def _lifted(check: Convert, value: Any) -> Any:
    if isinstance(value, str):
        value = lift(value)
    return value if isinstance(value, Expression) else check(value)


_SECONDS = {
    "s": 1, "sec": 1, "second": 1, "m": 60, "min": 60, "minute": 60, "h": 3600, "hr": 3600, "hour": 3600,
    "d": 86400, "day": 86400, "w": 604800, "week": 604800,
}  # fmt: skip
_DURATION_PART = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([a-z]+)\s*(?:,|and)?", re.IGNORECASE)


def seconds(value: Any) -> int:
    """A duration as whole seconds: `"4 hours"`, `"1h 30m"`, `90` (seconds) or a `timedelta`.

    Raises:
        ValueError: It is no duration, or not above zero.
    """
    total = _seconds(value)
    if total < 1 or not math.isfinite(total):
        raise ValueError(f"must be at least one second, not {value!r}")
    return math.ceil(total)


def _seconds(value: Any) -> float:
    if isinstance(value, datetime.timedelta):
        return value.total_seconds()
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    parts = _DURATION_PART.findall(value) if isinstance(value, str) else []
    units = [unit.lower() if unit.lower() in _SECONDS else unit.lower().removesuffix("s") for _, unit in parts]
    if not parts or _DURATION_PART.sub("", value).strip() or not all(unit in _SECONDS for unit in units):
        raise ValueError(f"must be a duration such as '4 hours', '1h 30m' or 5400 (seconds), not {value!r}")
    return float(sum(float(number) * _SECONDS[unit] for (number, _), unit in zip(parts, units, strict=True)))
