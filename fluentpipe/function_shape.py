"""What the signature of a function says of the step that is made of it: inputs, settings, outputs."""

from __future__ import annotations

import dataclasses
import inspect
import re
import sys
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import attrs

from fluentpipe.contract import DependencySpec, OutputSpec
from fluentpipe.errors import ContractError
from fluentpipe.jobs import ProcessingStep
from fluentpipe.kinds import Figures, Kind, snake_case
from fluentpipe.settings import REQUIRED, setting
from fluentpipe.steps.process import PLACE

_SCALARS = (bool, int, float, str)
VALUES = "values"
"""The output that has the plain values that a function returns, for conditions: `values.json`."""


@attrs.frozen
class Output:
    """One result of a function: files of a kind, or a plain value."""

    name: str
    kind: type[Kind] | None


@attrs.frozen
class Shape:
    """What the signature of a function says."""

    inputs: tuple[DependencySpec, ...]
    settings: Mapping[str, Any]
    types: Mapping[str, Any]
    returns: str  # none, one, tuple or fields
    outputs: tuple[Output, ...]

    @property
    def specs(self) -> Iterator[OutputSpec]:
        """The outputs of the contract: one for each kind, and one for all plain values."""
        for each in self.outputs:
            if each.kind is not None:
                yield OutputSpec(each.name, each.kind, PLACE.format(each.name), "", replaces=self._replaced(each))
        if any(each.kind is None for each in self.outputs):
            values = ", ".join(each.name for each in self.outputs if each.kind is None)
            text = f"{VALUES}.json with {values}."
            yield OutputSpec(VALUES, Figures, PLACE.format(VALUES), text, property_file=f"{VALUES}.json")

    def _replaced(self, output: Output) -> str:
        """The input that an output is a further form of: the only one of its kind, as the output is."""
        same = [spec.name for spec in self.inputs if spec.kind == (output.kind,)]
        alone = len(same) == 1 and sum(each.kind is output.kind for each in self.outputs) == 1
        return same[0] if alone and not (output.kind is None or output.kind.general) else ""


def shape_of(function: Callable[..., Any]) -> Shape:
    """Read a signature.

    Raises:
        ContractError: It is not that of a step; lists every fault.
    """
    faults: list[str] = []
    inputs: list[DependencySpec] = []
    settings: dict[str, Any] = {}
    annotations: dict[str, Any] = {}
    docs = dict(re.findall(r"^\s+(\w+)(?: \([^)]*\))?: (.+)$", inspect.getdoc(function) or "", re.MULTILINE))
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind not in {parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY}:
            faults.append(f"{name}: a step is given its parameters by name, so it has no *, ** or / parameters")
            continue
        default = REQUIRED if parameter.default is parameter.empty else parameter.default
        annotation = _evaluated(parameter.annotation, function, faults)
        kind, optional = _kind(annotation)
        if kind is not None:
            needed = default is REQUIRED and not optional
            inputs.append(DependencySpec(name, kind, required=needed, description=docs.get(name, "")))
        elif name in ProcessingStep.settings:
            faults.append(f"{name}: it is a setting of every job; name the parameter otherwise")
        elif annotation is parameter.empty and default in {REQUIRED, None}:
            faults.append(f"{name}: what it is is not said; annotate it with a kind (RawData) or a type (float)")
        else:
            annotations[name] = type(default) if annotation is parameter.empty else annotation
            settings[name] = setting(default, doc=docs.get(name, ""))
    returns, outputs = _returned(function, faults)
    if faults:
        raise ContractError(f"{function.__name__} cannot be a step.", *faults, faults=tuple(faults))
    return Shape(tuple(inputs), settings, annotations, returns, outputs)


def _evaluated(annotation: Any, function: Callable[..., Any], faults: list[str]) -> Any:
    if not isinstance(annotation, str):
        return annotation
    try:
        return eval(annotation, function.__globals__)  # noqa: S307  the function's own annotation, as typing.get_type_hints does
    except (NameError, AttributeError, SyntaxError, TypeError) as error:
        faults.append(
            f"the annotation {annotation!r} cannot be read: {error}; import what it names, and not only for checkers"
        )
        return int


def _kind(annotation: Any) -> tuple[type[Kind] | None, bool]:
    """The kind that an annotation says, alone or in Annotated, and whether it may be None."""
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if isinstance(annotation, type) and issubclass(annotation, Kind):
        return annotation, False
    if origin is typing.Annotated:
        kinds = [each for each in args[1:] if isinstance(each, type) and issubclass(each, Kind)]
        return (kinds[0] if kinds else None), type(None) in typing.get_args(args[0])
    if origin in {typing.Union, types.UnionType} and type(None) in args:
        kinds = [kind for each in args if (kind := _kind(each)[0])]
        return (kinds[0] if len(kinds) == len(args) - 1 == 1 else None), True
    return None, False


def _returned(function: Callable[..., Any], faults: list[str]) -> tuple[str, tuple[Output, ...]]:
    annotation = _evaluated(inspect.signature(function).return_annotation, function, faults)
    if annotation is None or annotation is type(None):
        return "none", ()
    if annotation is inspect.Signature.empty:
        faults.append("what it returns is not said: annotate it with kinds (-> TrainingData), or with -> None")
        return "none", ()
    kind, _ = _kind(annotation)
    if kind is not None:
        return "one", (Output(snake_case(kind.__name__), kind),)
    if annotation in _SCALARS:
        return "one", (Output("value", None),)
    if typing.get_origin(annotation) is tuple:
        return "tuple", tuple(_of_tuple(typing.get_args(annotation), faults))
    if isinstance(annotation, type) and (hasattr(annotation, "_fields") or dataclasses.is_dataclass(annotation)):
        return "fields", tuple(_of_fields(annotation, faults))
    faults.append(
        f"it returns {annotation!r}, which is none of: a kind, a number or text, a tuple of kinds, a NamedTuple, a dataclass"
    )
    return "none", ()


def _of_tuple(parts: tuple[Any, ...], faults: list[str]) -> Iterator[Output]:
    kinds = [_kind(each)[0] for each in parts]
    if None in kinds or len(set(kinds)) < len(kinds):
        faults.append(
            "a tuple that is returned holds different kinds; for anything else return a NamedTuple, whose fields have names"
        )
        return
    yield from (Output(snake_case(kind.__name__), kind) for kind in kinds if kind is not None)


def _of_fields(cls: type, faults: list[str]) -> Iterator[Output]:
    scope = vars(sys.modules[cls.__module__])
    for name, written in inspect.get_annotations(cls).items():
        annotation = eval(written, dict(scope)) if isinstance(written, str) else written  # noqa: S307  the class's own annotation
        annotation = getattr(annotation, "__forward_arg__", annotation)  # as a NamedTuple keeps what it cannot read yet
        annotation = eval(annotation, dict(scope)) if isinstance(annotation, str) else annotation  # noqa: S307  ditto
        kind, _ = _kind(annotation)
        if kind is None and annotation not in _SCALARS:
            faults.append(f"{name} of what it returns is {annotation!r}, which is neither a kind nor a number or text")
        yield Output(name, kind)
