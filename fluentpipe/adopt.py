"""Pipeline variables of the SageMaker SDK as references of ours, wherever one is given instead of a value.

Nothing of the SDK is imported: its variables, of either version, are known by their attribute `expr`, which holds the form that
they have in a definition.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, cast

from typing_extensions import Self, override

from fluentpipe import shapes
from fluentpipe.document import GET, JOIN, JSON_GET, is_reference
from fluentpipe.errors import UnknownOutput
from fluentpipe.expression import Deferred, Expression
from fluentpipe.reference import EXECUTION_VARIABLES, ExecutionVariable, Join, JsonGet, Parameter, PropertyReference

_PLAIN = (str, int, float, type(None), Expression)
_PLACE = re.compile(r"Steps\.([A-Za-z0-9\-_]+)\.(.+)", re.DOTALL)
_FILE = re.compile(r"Steps\.([A-Za-z0-9\-_]+)\.PropertyFiles\.(.+)", re.DOTALL)
_TYPES = {"String": str, "Integer": int, "Float": float, "Boolean": bool}


class Verbatim(Deferred[Any]):
    """A value of the run in the service's own form, where there is no class of ours for it."""

    __slots__ = ("inner", "request")

    request: dict[str, Any]
    inner: tuple[Expression, ...]

    def __new__(cls, request: Mapping[str, Any]) -> Self:
        """One for each form; `request` is a `Get`, `Std:Join` or `Std:JsonGet`."""
        text = json.dumps(request, sort_keys=True)
        inner = tuple(_expressions(next(iter(request.values()))))
        return cls._interned((text,), request=json.loads(text), inner=inner)

    @override
    def __reduce__(self) -> tuple[Any, ...]:
        return Verbatim, (self.request,)

    @override
    def label(self) -> str:
        (inside,) = self.request.values()
        return inside if isinstance(inside, str) else str(self.key[0])

    @override
    def parts(self) -> tuple[Expression, ...]:
        return self.inner

    @override
    def to_request(self) -> dict[str, Any]:
        return self.request


def adopted(value: Any) -> Any:
    """The value with a reference of ours in the place of every pipeline variable of the SDK, also inside lists and mappings."""
    if isinstance(value, _PLAIN):
        return value
    if type(value) in {list, tuple}:
        return type(value)(map(adopted, value))
    if type(value) is dict:
        return {key: adopted(each) for key, each in value.items()}
    form: Any = getattr(value, "expr", None)
    return _reference(form, value) if is_reference(form) else value


def reference(form: Mapping[str, Any]) -> Expression:
    """A reference of a definition as one of ours."""
    return _reference(form, None)


def _reference(form: Mapping[str, Any], variable: Any) -> Expression:
    """What stands in a definition, with the object of the SDK that it is of, which knows more."""
    ((function, inside),) = form.items()
    if function == GET and isinstance(inside, str):
        return _get(inside, variable)
    if function == JOIN:
        values = getattr(variable, "values", None) or inside["Values"]
        return Join(inside["On"], [_part(each) for each in values])
    if function == JSON_GET and (found := _FILE.fullmatch(inside.get("PropertyFile", {}).get(GET, ""))):
        # The output that the file is of is not known here; the name of the file is all that a JsonGet needs.
        return JsonGet(PropertyReference(found[1], f"PropertyFiles.{found[2]}", found[2], None), inside["Path"])
    return Verbatim(form)


def _part(value: Any) -> Any:
    return reference(value) if is_reference(value) else adopted(value)


def _get(text: str, variable: Any) -> Expression:
    scope, _, name = text.partition(".")
    if scope == "Parameters" and hasattr(variable, "parameter_type"):
        return _parameter(variable)
    if scope == "Execution" and name in EXECUTION_VARIABLES:
        return ExecutionVariable(name)
    if found := _PLACE.fullmatch(text):
        return _property(found[1], found[2], getattr(variable, "_step", None))
    return Verbatim({GET: text})


def _parameter(variable: Any) -> Parameter[Any]:
    kind = _TYPES[variable.parameter_type.value]
    default = variable.default_value
    if kind is float and default is not None:
        default = float(default)
    return Parameter(
        variable.name, default, type=cast("Any", kind), choices=getattr(variable, "enum_values", None) or ()
    )


def _property(step: str, path: str, owner: Any) -> PropertyReference[Any]:
    """With the type of the value, where the SDK's object knows the step."""
    kind = getattr(getattr(owner, "step_type", None), "value", "")
    try:
        leaf = shapes.walk(kind, path)
    except UnknownOutput:
        return PropertyReference(step, path, value_type="any")
    return PropertyReference(step, leaf.path, value_type=leaf.type)


def _expressions(inside: Any) -> list[Expression]:
    if is_reference(inside):
        return [reference(inside)]
    if isinstance(inside, Mapping):
        return [each for value in inside.values() for each in _expressions(value)]
    if isinstance(inside, list):
        return [each for value in inside for each in _expressions(value)]
    return []
