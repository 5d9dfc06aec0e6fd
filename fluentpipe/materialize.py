"""Materialize: a plan as a SageMaker pipeline definition, without network, clock or credentials."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from fluentpipe import shapes
from fluentpipe.check import check
from fluentpipe.conditional import ConditionStep
from fluentpipe.definition import Definition
from fluentpipe.errors import DefinitionError
from fluentpipe.expression import Condition, Expression, lift
from fluentpipe.frameworks import frameworks
from fluentpipe.labels import labels
from fluentpipe.node import Node
from fluentpipe.plan import Plan, limited
from fluentpipe.reference import LocalPath, Parameter
from fluentpipe.target import Target

VERSION = "2020-12-01"

_Requests: TypeAlias = "list[dict[str, Any]]"


def materialize(
    plan: Plan,
    target: Target,
    *,
    max_steps: int | None = shapes.MAX_STEPS,
    max_parameters: int | None = shapes.MAX_PARAMETERS,
    max_characters: int | None = shapes.MAX_DEFINITION,
) -> Definition:
    """Emit the definition of a plan, with what has to be uploaded for it, and check all of it.

    The same plan and target give the same bytes, on every machine.

    Args:
        plan: What to emit.
        target: Role, bucket and region.
        max_steps: Quota of steps; None lifts it.
        max_parameters: Quota of parameters; None lifts it.
        max_characters: Of the definition, at most; None lifts it.

    Raises:
        DefinitionError: Lists every fault.
    """
    target.frameworks, target.labels = frameworks(plan), labels(plan)
    emitter = _Emitter(target)
    steps = emitter.steps(plan)
    document = {
        "Version": VERSION,
        "Metadata": {},
        "Parameters": [emitter.parameter(each) for each in emitter.parameters.values()],
        "PipelineExperimentConfig": {
            "ExperimentName": {"Get": "Execution.PipelineName"},
            "TrialName": {"Get": "Execution.PipelineExecutionId"},
        },
        "Steps": steps,
    }
    found = check(document, max_steps=max_steps, max_parameters=max_parameters, max_characters=max_characters)
    return Definition(plan.name, document, tuple(target.assets.values()), found).raise_on_errors()


class _Emitter:
    """Turns nodes into plain data and gathers the parameters on the way."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.parameters: dict[str, Parameter[Any]] = {}
        self._plain_already: dict[
            int, dict[str, Any]
        ] = {}  # requests by id: those under a gate come by again inside it

    def steps(self, plan: Plan) -> list[dict[str, Any]]:
        """All steps; those under a condition inside it. Inner scopes are emitted before the gates that hold them."""
        children = plan.children()
        under: dict[tuple[str, str], _Requests] = {}  # (gate, branch) -> the requests of the steps under it
        for scope in sorted(children, key=lambda scope: scope.depth if scope else 0, reverse=True):
            requests: _Requests = []
            for node in children[scope]:
                then, otherwise = (under.pop((node.step.name, branch), []) for branch in ("If", "Else"))
                requests += self._requests(node, plan.time_limits, then, otherwise)
            under[(scope.gate, scope.branch) if scope else ("", "")] = requests
        return under["", ""]

    def _requests(self, node: Node, time_limits: Mapping[str, int], then: _Requests, otherwise: _Requests) -> _Requests:
        inputs = {binding.input: binding.source for binding in node.bindings}
        step = limited(node.step, time_limits)
        if isinstance(step, ConditionStep):
            requests = step.requests(inputs, self.target, then, otherwise)
        else:
            requests = step.requests(inputs, self.target, then)
        if step.after and requests:
            requests = [{**requests[0], "DependsOn": list(step.after)}, *requests[1:]]
        plain: _Requests = [self._plain(request) for request in requests]
        self._plain_already.update((id(request), request) for request in plain)
        return plain

    def _plain(self, value: Any) -> Any:
        """Plain JSON data: expressions in the service's form, absent settings and empty containers left out."""
        if isinstance(value, str):
            value = lift(value)
        if isinstance(value, Expression):
            self._gather(value)
            return value.to_request()
        if isinstance(value, Condition):
            for each in value.expressions():
                self._gather(each)
            return value.to_request()
        if id(value) in self._plain_already:
            return value
        if isinstance(value, Mapping):
            found = {key: self._plain(each) for key, each in value.items()}
            return {key: each for key, each in found.items() if each is not None and each not in ({}, [])}
        if isinstance(value, (list, tuple)):
            return [self._plain(each) for each in value]
        return value

    def _gather(self, value: Expression) -> None:
        if isinstance(value, Parameter):
            known = self.parameters.setdefault(value.name, value)
            if known is not value:
                raise DefinitionError(
                    f"parameter {value.name!r} is declared twice, differently.",
                    f"once with default {known.default!r}, once with {value.default!r}",
                    fix="declare it once and use that object, or give it another name",
                    diagnostics=(),
                )
        for part in value.parts():
            self._gather(part)

    def parameter(self, parameter: Parameter[Any]) -> dict[str, Any]:
        """The declaration of a parameter; a local path as default becomes the URI that it will be uploaded to."""
        declared: dict[str, Any] = {"Name": parameter.name, "Type": parameter.service_type}
        if parameter.default is not None:
            is_place = isinstance(parameter.default, LocalPath)
            declared["DefaultValue"] = self.target.location(parameter.default) if is_place else parameter.default
        if parameter.choices:
            declared["EnumValues"] = list(parameter.choices)
        return declared
