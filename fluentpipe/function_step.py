"""The step class that is made of a function, and the files that its job gets."""

from __future__ import annotations

import inspect
import json
import re
import types
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from typing_extensions import override

from fluentpipe.contract import StepContract
from fluentpipe.errors import ContractError
from fluentpipe.expression import as_text
from fluentpipe.function_shape import Shape, shape_of
from fluentpipe.jobs import ProcessingStep
from fluentpipe.standalone import STEP, modules_beside, refuse_closures, standalone
from fluentpipe.step import Inputs
from fluentpipe.steps.load_data import CONTAINERS

if TYPE_CHECKING:
    from fluentpipe.target import Target

_F = TypeVar("_F", bound=Callable[..., Any])
_DRIVER = CONTAINERS / "call_function.py"


def step_of(function: _F, job: Mapping[str, Any]) -> _F:
    """The function, after its step class was declared."""
    refuse_closures(function)
    shape = shape_of(function)
    name = function.__name__
    contract = StepContract(_type_name(name), name, tuple(shape.inputs), tuple(shape.specs))
    unknown = sorted(set(job) - set(ProcessingStep.settings))
    if unknown:
        raise ContractError(f"@step of {name} was given what no job has: {', '.join(unknown)}.")
    body = {
        "__module__": function.__module__, "__qualname__": function.__qualname__, "__doc__": _first_part(function),
        "__annotations__": shape.types, "contract": contract, "function": staticmethod(function), "shape": shape,
        **shape.settings, **job,
    }  # fmt: skip
    setattr(function, STEP, types.new_class(contract.step_type, (FunctionStep,), {}, lambda space: space.update(body)))
    return function


class FunctionStep(ProcessingStep):
    """A step that calls a function in a processing job; `@step` makes its subclasses."""

    function: ClassVar[Callable[..., Any]]
    shape: ClassVar[Any]
    script = _DRIVER

    @override
    def command(self, inputs: Inputs) -> list[Any]:
        words: list[Any] = []
        for name in inputs:
            words += [f"--input-{name}", f"/opt/ml/processing/input/{name}"]
        for spec in self.contract.outputs:
            words += [f"--output-{spec.name}", f"/opt/ml/processing/output/{spec.name}"]
        for name, value in self.program_settings():
            words += [f"--{name}", as_text(value)]
        return words

    @override
    def code(self, target: Target) -> str:
        name = self.contract.verb
        text = standalone(type(self).function)
        files: dict[str, Path | bytes] = {**modules_beside(text, type(self).function), _DRIVER.name: _DRIVER}
        files[f"step_{name}.py"] = text.encode()
        files["call.json"] = json.dumps(self._call(), indent=1).encode()
        return target.code(dict(sorted(files.items())))

    def _call(self) -> dict[str, Any]:
        """What `call_function.py` has to know."""
        shape: Shape = self.shape
        return {
            "module": f"step_{self.contract.verb}",
            "function": self.contract.verb,
            "inputs": [spec.name for spec in shape.inputs],
            "settings": {name: _written_as(self.settings[name].scalars) for name in shape.settings},
            "returns": shape.returns,
            "outputs": [{"name": each.name, "is_value": each.kind is None} for each in shape.outputs],
        }

    @override
    def __reduce__(self) -> tuple[Any, ...]:
        return _again, (type(self).function, self.name, dict(self.given), dict(self.inputs))


def _again(function: Any, name: str, given: dict[str, Any], inputs: dict[str, Any]) -> Any:
    return getattr(function, STEP)(name, **given, **inputs)


def _written_as(scalars: frozenset[str]) -> str:
    return "text" if scalars and scalars <= {"str", "timestamp"} else "json"


def _type_name(name: str) -> str:
    """`clean_rows` as `CleanRows`, so that the name of a step is that of the function again."""
    return "".join(f"_{part}" if part[:1].isdigit() else part[:1].upper() + part[1:] for part in name.split("_"))


def _first_part(function: Callable[..., Any]) -> str:
    """The docstring up to its sections, which the signature says anew."""
    text = inspect.getdoc(function) or f"Call {function.__name__}."
    return re.split(r"\n\s*\n(?=(?:Args|Returns|Raises|Example):)", text)[0]
