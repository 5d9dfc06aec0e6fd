"""References: the outputs of steps, the parameters of pipelines, and what else a step may be given instead of a value."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, Generic, TypeAlias, Union, cast

import attrs
from typing_extensions import Self, TypeVar, override

from fluentpipe import shapes
from fluentpipe.errors import ReferenceMisuse, SettingError, did_you_mean
from fluentpipe.expression import Condition, Deferred, Expression, Join, lift
from fluentpipe.kinds import Kind
from fluentpipe.s3uri import check_s3_uri

K = TypeVar("K", covariant=True, default=Any)  # noqa: PLC0105  K as in the docs: a kind
T = TypeVar("T", bound="str | float | bool", default=Any)

__all__ = [
    "Condition", "Deferred", "ExecutionVariable", "Given", "Join", "JsonGet", "LocalPath", "Parameter",
    "PropertyReference", "data_source",
]  # fmt: skip

EXECUTION_VARIABLES = (
    "PipelineName",
    "PipelineArn",
    "PipelineExecutionId",
    "PipelineExecutionArn",
    "StartDateTime",
    "CurrentDateTime",
)
_PARAMETER_TYPES = {str: "String", int: "Integer", float: "Float", bool: "Boolean"}
_PARAMETER_NAME = re.compile(r"[A-Za-z0-9\-_]{1,64}")  # botocore: PipelineParameterName


@attrs.frozen
class LocalPath:
    """Data on this machine: read where it is by a run here, uploaded under its content hash on deploy."""

    path: Path


class PropertyReference(Deferred[K], Generic[K]):
    """A property of the job that a step runs, such as the S3 URI of what it wrote.

    Args:
        step: Name of the step.
        path: Property path from the step on, such as `ModelArtifacts.S3ModelArtifacts`; or several, see `shapes.pieces`.
        name: Logical name of the output; empty for a property that no output declares.
        kind: What the data is, if an output declares it.
        value_type: `str`, `int`, `float`, `bool` or `timestamp`: what the property holds.
        json_file: Name of the JSON file among the output's files that `json` reads, if there is one.
    """

    __slots__ = ("json_file", "kind", "name", "path", "step", "value_type")

    step: str
    path: str
    name: str
    kind: type[Kind] | None
    json_file: str

    def __new__(  # noqa: D102  the class says it
        cls,
        step: str,
        path: str,
        name: str = "",
        kind: type[K] | None = None,
        value_type: str = "str",
        json_file: str = "",
    ) -> Self:
        key = (step, path, name, kind, value_type, json_file)
        return cls._interned(
            key, step=step, path=path, name=name, kind=kind, value_type=value_type, json_file=json_file
        )

    @override
    def __reduce__(self) -> tuple[Any, ...]:
        return PropertyReference, self.key

    @override
    def label(self) -> str:
        return f"{self.step}.{self.name or self.path}"

    @override
    def to_request(self) -> dict[str, Any]:
        return shapes.property_request(self.step, self.path)

    def json(self, path: str) -> JsonGet:
        """A value inside the JSON file of this output, such as `report.json("metrics.auc")`.

        Raises:
            ReferenceMisuse: The output declares no JSON file.
        """
        if not self.json_file:
            raise ReferenceMisuse(
                f"{self!r} declares no JSON file, so there is nothing to read {path!r} from.",
                fix='declare it in the contract: OutputSpec(…, property_file="report.json")',
            )
        return JsonGet(self, path)

    def join(self, *parts: str) -> Join:
        """The S3 URI `parts` below this one, with a single `/` between them."""
        return Join("/", (self, *(part.strip("/") for part in parts)))


class Parameter(Deferred[T], Generic[T]):
    """A value given when the pipeline is started, or its default.

    Usable wherever the API allows a reference, for instance `train_xgboost(max_depth=Parameter("depth", 6))`.

    Args:
        name: At most 64 letters, digits, `-` and `_`.
        default: The value when none is given; its type is the parameter's. At most 1024 characters.
        type: `str`, `int`, `float` or `bool`, where there is no default.
        choices: The only values allowed, at most 16.
    """

    __slots__ = ("choices", "default", "name", "value_type")

    name: str
    default: T | LocalPath | None
    choices: tuple[T, ...]

    def __new__(  # noqa: D102  the class says it
        cls,
        name: str,
        default: T | Path | LocalPath | None = None,
        *,
        type: type[T] | None = None,  # noqa: A002  the word of the field, as in argparse and click
        choices: Sequence[T] = (),
    ) -> Self:
        if isinstance(default, Path):
            default = LocalPath(default)
        if type is float and default.__class__ is int:
            default = cast("Any", float(cast("int", default)))
        kind = type or (str if isinstance(default, LocalPath) else default.__class__)
        faults = list(_parameter_faults(name, default, kind, tuple(choices)))
        if faults:
            raise SettingError(f"parameter {name!r} cannot be declared.", *faults, fix='Parameter("threshold", 0.8)')
        key = (name, default, kind, tuple(choices), default.__class__)
        return cls._interned(
            key, name=name, default=default, choices=tuple(choices), value_type=cast("Any", kind).__name__
        )

    @override
    def __reduce__(self) -> tuple[Any, ...]:
        name, default, kind, choices, _ = self.key
        return _parameter, (name, default, kind, choices)

    @override
    def label(self) -> str:
        return f"parameters.{self.name}"

    @override
    def to_request(self) -> dict[str, Any]:
        return {"Get": f"Parameters.{self.name}"}

    @property
    def service_type(self) -> str:
        """`String`, `Integer`, `Float` or `Boolean`."""
        return next(text for kind, text in _PARAMETER_TYPES.items() if kind.__name__ == self.value_type)


def _parameter(name: str, default: Any, kind: Any, choices: tuple[Any, ...]) -> Parameter[Any]:
    return Parameter(name, default, type=kind, choices=choices)


def _parameter_faults(name: object, default: object, kind: object, choices: tuple[Any, ...]) -> Iterator[str]:
    if not isinstance(name, str) or not _PARAMETER_NAME.fullmatch(name):
        yield "the name has 1 to 64 letters, digits, '-' and '_'"
    if kind not in _PARAMETER_TYPES:
        yield "the type is str, int, float or bool: give a default of that type, or type="
        return
    if default is not None and not isinstance(default, LocalPath) and default.__class__ is not kind:
        yield f"the default {default!r} is no {cast('Any', kind).__name__}"
    if isinstance(default, Expression) or (isinstance(default, str) and isinstance(lift(default), Expression)):
        yield "the default is a plain value, not a reference"
    if isinstance(default, str) and len(default) > 1024:
        yield f"the default has {len(default)} characters; at most 1024 are allowed"
    if isinstance(default, float) and not math.isfinite(default):
        yield f"the default {default!r} is no finite number"
    for choice in choices:
        if choice.__class__ is not kind:
            yield f"the choice {choice!r} is no {cast('Any', kind).__name__}"
    if len(choices) > 16:
        yield f"there are {len(choices)} choices; at most 16 are allowed"
    if choices and default is not None and default not in choices:
        yield f"the default {default!r} is none of the choices {list(choices)!r}"


def data_source(value: Any, data_type: str = "S3Uri") -> Any:
    """What people write for an input, in the form that is kept: an expression, a checked S3 URI or a `LocalPath`.

    Of the data type `String`, such as the name of a model, it is an expression or the text itself, which is no place.

    Raises:
        ValueError: It is none of these.
    """
    if isinstance(value, str):
        value = lift(value)
    if isinstance(value, Parameter) and isinstance(value.default, str):
        default = data_source(value.default, data_type)
        return value if default == value.default else Parameter(value.name, default, type=str, choices=value.choices)
    if isinstance(value, Expression) or (data_type == "String" and isinstance(value, str) and value):
        return value
    if data_type == "String":
        raise ValueError(f"must be a text or a reference, not {_shortly(value)}")
    if isinstance(value, LocalPath):
        return value
    if isinstance(value, str) and value.startswith("s3://"):
        return check_s3_uri(value)
    if isinstance(value, PathLike):
        value = os.fspath(value)
    if isinstance(value, str) and value and "://" not in value:
        return LocalPath(Path(value).expanduser())
    raise ValueError(f"must be an s3:// URI, a local file or folder, or a reference, not {_shortly(value)}")


def _shortly(value: object) -> str:
    """The first line of what a value prints as: a pipeline prints all of its steps."""
    first, *rest = repr(value).split("\n")
    return first + " …" * bool(rest)


class ExecutionVariable(Deferred[str]):
    """Something about the run itself, such as `PipelineExecutionId`."""

    __slots__ = ("name",)

    value_type = "str"
    name: str

    def __new__(cls, name: str) -> Self:  # noqa: D102  the class says it
        if name not in EXECUTION_VARIABLES:
            raise SettingError(
                f"there is no execution variable {name!r}.{did_you_mean(name, EXECUTION_VARIABLES)}",
                f"there are {', '.join(EXECUTION_VARIABLES)}",
            )
        return cls._interned((name,), name=name)

    @override
    def __reduce__(self) -> tuple[Any, ...]:
        return ExecutionVariable, self.key

    @override
    def label(self) -> str:
        return f"execution.{self.name}"

    @override
    def to_request(self) -> dict[str, Any]:
        return {"Get": f"Execution.{self.name}"}


class JsonGet(Deferred[Any]):
    """A value inside a JSON file that a processing step writes: the service's `Std:JsonGet`."""

    __slots__ = ("path", "source")

    source: PropertyReference[Any]
    path: str

    def __new__(cls, source: PropertyReference[Any], path: str) -> Self:  # noqa: D102  the class says it
        return cls._interned((source, path), source=source, path=path)

    @override
    def __reduce__(self) -> tuple[Any, ...]:
        return JsonGet, self.key

    @override
    def label(self) -> str:
        return f"{self.source.label()}.json({self.path!r})"

    @override
    def parts(self) -> tuple[Expression, ...]:
        return (self.source,)

    @override
    def to_request(self) -> dict[str, Any]:
        file = f"Steps.{self.source.step}.PropertyFiles.{self.source.name}"
        return {"Std:JsonGet": {"PropertyFile": {"Get": file}, "Path": self.path}}


Given: TypeAlias = Union[Deferred[Union[str, K]], str, PathLike[str]]
"""What may be given for an input of a kind: a reference to such an output, or a place of data by URI or local path."""
