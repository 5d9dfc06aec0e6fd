"""`raw_step`: any step of the service, as the definition has it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from fluentpipe import shapes
from fluentpipe.check_steps import check_steps
from fluentpipe.contract import DependencySpec, OutputSpec, StepContract
from fluentpipe.diagnostic import Findings
from fluentpipe.document import StepEntry
from fluentpipe.errors import SettingError, UnknownOutput, did_you_mean
from fluentpipe.expression import Condition, Expression
from fluentpipe.reference import PropertyReference
from fluentpipe.settings import setting
from fluentpipe.step import Inputs
from fluentpipe.steps.by_call import DeclaredByCall

if TYPE_CHECKING:
    from fluentpipe.target import Target

_HERE = "Input"
"""`{"Input": "model_artifacts"}` in a request is where the place of that input is put."""
_STEPS = re.compile(r"Steps\.([A-Za-z0-9\-_]+)\.(.+)", re.DOTALL)
_OWN_VERBS = {"Condition": ".when(…).then(…)", "Fail": ".fail('why')"}


def step_facts(request: Any, name: str | None, depends_on: Any) -> dict[str, Any]:
    """What the step is made of: its own Name and DependsOn, which the request may have, and the rest of the request."""
    try:
        rest = _parsed(request)
    except ValueError as fault:
        raise SettingError(
            f"raw_step: request: {fault}.", fix="raw_step({'Type': 'Lambda', …}, name='notify')"
        ) from fault
    named, after = rest.pop("Name", None), rest.pop("DependsOn", ())
    own = depends_on if isinstance(depends_on, (list, tuple)) else () if depends_on is None else (depends_on,)
    return {"request": rest, "name": name or named, "depends_on": [*after, *own] or None}


def _parsed(value: Any) -> Any:
    """The request as data, with the service's references to steps as our own, so that they are checked like those."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError as error:
            raise ValueError(f"is no JSON: {error}") from error
    if not isinstance(value, Mapping):
        raise ValueError(f"must be a step as a mapping or as JSON text, not {value!r}")
    return _with_references(value)


def _with_references(value: Any) -> Any:
    if isinstance(value, Mapping):
        found = _STEPS.fullmatch(value["Get"]) if len(value) == 1 and isinstance(value.get("Get"), str) else None
        if found:
            return PropertyReference(found[1], found[2], value_type="any")
        return {key: _with_references(each) for key, each in value.items()}
    return [_with_references(each) for each in value] if isinstance(value, (list, tuple)) else value


class RawStep(DeclaredByCall):
    """Any step that the service offers, as its definition has it; checked like every other.

    References in it may be ours or the service's. It runs here where its type does; for another a function stands in, which gets
    the step's `Arguments` and returns its properties. More in [control.md](../control.md).

    Example:
        from pathlib import Path
        from fluentpipe import CustomProperty, DependencySpec, OutputSpec, Pipeline, RawData

        request = {
            "Type": "Lambda",
            "FunctionArn": "arn:aws:lambda:us-east-1:111122223333:function:count",
            "Arguments": {"rows": {"Input": "rows"}, "unit": "rows"},
            "OutputParameters": [{"OutputName": "found", "OutputType": "Integer"}],
        }
        pipe = Pipeline("churn").provide(RawData, "churn.csv").raw_step(
            request,
            takes=[DependencySpec("rows", RawData)],
            outputs=[OutputSpec("found", CustomProperty, "OutputParameters['found']")],
            name="count",
        )

        def count(inputs):
            return {"found": len(Path(inputs["rows"]).read_text().splitlines()) - 1}

        run = pipe.run(stand_ins={"count": count})
        print(run.outputs.get("count", "found").value())
    """

    contract = StepContract(step_type="RawStep", verb="raw_step", own_method=True)
    sagemaker_type = "Raw"  # of each step its own

    request: Mapping[str, Any] = setting(
        positional=True, reference=False, convert=_parsed, doc="The step: Type, Arguments and whatever else it has."
    )
    outputs: Sequence[OutputSpec] = setting((), reference=False, doc="What later steps may take of it.")
    takes: Sequence[DependencySpec] = setting(
        (), reference=False, doc='What it takes; its place is put where the request has {"Input": "its name"}.'
    )

    @override
    def validate(self) -> None:
        super().validate()
        object.__setattr__(self, "sagemaker_type", self.request["Type"])

    @override
    def _dependencies(self) -> Sequence[DependencySpec]:
        return self.takes

    @override
    def _made(self) -> tuple[OutputSpec, ...]:
        return tuple(self.outputs)

    @override
    def _faults(self) -> Iterator[str]:
        kind = self.request.get("Type")
        if kind in _OWN_VERBS:
            yield f"request: a {kind} step is written as {_OWN_VERBS[kind]}"
            return
        findings = Findings()
        entry = StepEntry("", str(kind or ""), known_now({**self.request, "Name": self.name}), (), "request")
        check_steps([entry], findings)
        yield from (f"{each.path}: {each.message}" for each in findings.sorted() if each.severity == "error")
        for member in sorted({"Name", "DependsOn"} & set(self.request)):
            yield f"request.{member}: it is given beside the request, as {'name' if member == 'Name' else 'depends_on'}="
        yield from self._input_faults()
        yield from self._output_faults(str(kind))

    def _output_faults(self, kind: str) -> Iterator[str]:
        if self.outputs and kind not in shapes.step_types():
            yield f"outputs: what steps of type {kind} yield is not known, so nothing can be taken of them"
            return
        for spec in self.outputs:
            try:
                shapes.walk(kind, spec.path)
            except UnknownOutput as fault:  # noqa: PERF203  a few outputs
                yield f"output {spec.name!r}: {str(fault).splitlines()[0]}"

    def _input_faults(self) -> Iterator[str]:
        declared = [spec.name for spec in self.takes]
        used = list(_places(self.request))
        for name in dict.fromkeys(used):
            if name not in declared:
                yield f"request: the input {name!r} is not declared.{did_you_mean(name, declared)} takes=(DependencySpec({name!r}, …),)"
        for name in declared:
            if name not in used:
                yield f'takes: the request has no {{"{_HERE}": "{name}"}}, where the place of {name!r} would be put'

    @override
    def arguments(self, inputs: Inputs, target: Target) -> dict[str, Any]:
        places = {name: target.location(value) for name, value in inputs.items()}
        found: dict[str, Any] = _placed(self.request.get("Arguments", {}), places)
        return found

    @override
    def requests(self, inputs: Inputs, target: Target, then: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        places = {name: target.location(value) for name, value in inputs.items()}
        return [{**_placed(self.request, places), "Name": self.name}]


def _places(value: Any) -> Iterator[str]:
    """The names of the inputs that a request has a place for."""
    if isinstance(value, Mapping):
        if len(value) == 1 and isinstance(value.get(_HERE), str):
            yield value[_HERE]
        else:
            for each in value.values():
                yield from _places(each)
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from _places(each)


def _placed(value: Any, places: Mapping[str, Any]) -> Any:
    if isinstance(value, Mapping):
        if len(value) == 1 and isinstance(value.get(_HERE), str):
            return places.get(value[_HERE])
        return {key: _placed(each, places) for key, each in value.items()}
    return [_placed(each, places) for each in value] if isinstance(value, (list, tuple)) else value


def known_now(value: Any) -> Any:
    """A request as plain JSON data, as far as it is known when the step is written."""
    if isinstance(value, (Expression, Condition)):
        return value.to_request()
    if isinstance(value, Mapping):
        return {key: known_now(each) for key, each in value.items()}
    return [known_now(each) for each in value] if isinstance(value, (list, tuple)) else value
