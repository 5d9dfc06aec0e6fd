"""Plans: everything decided about a pipeline, in an order in which it can run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs

from fluentpipe.errors import SettingError
from fluentpipe.expression import Condition, Expression
from fluentpipe.node import Binding, Node
from fluentpipe.offers import Scope, within
from fluentpipe.order import references_in
from fluentpipe.reference import Parameter
from fluentpipe.step import Step


@attrs.frozen(eq=False)
class Plan:
    """An ordered, frozen graph of steps.

    Args:
        name: Of the pipeline.
        nodes: Each after the steps whose outputs it takes.
        time_limits: Name of a training step -> the seconds that a requirement leaves it.
    """

    name: str
    nodes: tuple[Node, ...]
    time_limits: Mapping[str, int]

    @property
    def bindings(self) -> tuple[Binding, ...]:
        """Every input that is wired, in step then dependency order."""
        return tuple(binding for node in self.nodes for binding in node.bindings)

    def children(self) -> Mapping[Scope | None, tuple[Node, ...]]:
        """The nodes of each scope, in order; those under no condition are under None."""
        found: dict[Scope | None, list[Node]] = {None: []}
        for node in self.nodes:
            found.setdefault(node.scope, []).append(node)
        return {scope: tuple(nodes) for scope, nodes in found.items()}


def plan(name: str, nodes: Sequence[Node]) -> Plan:
    """Order the nodes of a pipeline and apply its requirements to the steps they concern.

    Args:
        name: Of the pipeline.
        nodes: Resolved, each after those it depends on, as a pipeline keeps them.
    """
    return Plan(name, tuple(nodes), _time_limits(nodes))


def _time_limits(nodes: Sequence[Node]) -> dict[str, int]:
    """`max_training_time` of every gate, for the trainings that led to what it reads; where none did, for all before it."""
    by_name = {node.step.name: node for node in nodes}
    limits: dict[str, int] = {}
    for position, node in enumerate(nodes):
        limit = node.step.given.get("max_training_time")
        if limit is None or node.step.sagemaker_type != "Condition":
            continue
        led_to_it = _trainings(ancestors(node, by_name), by_name)
        for training in led_to_it or _trainings(_before(node, nodes[:position]), by_name):
            _refuse_deferred(training, node.step)
            limits[training.name] = min(limit, limits.get(training.name, limit))
    return limits


def _trainings(names: Sequence[str], by_name: Mapping[str, Node]) -> list[Step]:
    steps = [by_name[name].step for name in names]
    return [step for step in steps if step.sagemaker_type in {"Training", "Tuning"}]


def _before(node: Node, earlier: Sequence[Node]) -> list[str]:
    """Names of the earlier steps that are carried out whenever this one is: not those of another branch."""
    return [each.step.name for each in earlier if within(node.scope, each.scope)]


def _refuse_deferred(training: Step, gate: Step) -> None:
    own = getattr(training, "max_runtime", None)
    if isinstance(own, Expression):
        raise SettingError(
            f"max_training_time of {gate.name!r} cannot limit {training.name!r}, whose max_runtime is {own!r}.",
            fix="give that step a max_runtime in seconds, or leave out one of the two",
        )


def ancestors(node: Node, by_name: Mapping[str, Node]) -> list[str]:
    """Names of all steps that a node descends from, nearest first."""
    found: dict[str, None] = {}
    waiting = [node]
    while waiting:
        for name in parents(waiting.pop()):
            if name not in found and name in by_name:
                found[name] = None
                waiting.append(by_name[name])
    return list(found)


def parents(node: Node) -> list[str]:
    """Names of the steps that a node waits for: whose outputs it uses, in inputs or settings, or that it comes after."""
    sources = [binding.source for binding in node.bindings]
    used = (ref.step for ref in references_in((sources, node.step.given)))
    return list(dict.fromkeys((*used, *node.step.after)))


def parameters_in(value: Any) -> Iterator[Parameter[Any]]:
    """Every pipeline parameter anywhere in a value of settings, inputs or a request."""
    if isinstance(value, Parameter):
        yield value
    elif isinstance(value, Expression):
        for part in value.parts():
            yield from parameters_in(part)
    elif isinstance(value, Condition):
        for each in value.expressions():
            yield from parameters_in(each)
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from parameters_in(each)
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from parameters_in(each)


def limited(step: Step, limits: Mapping[str, int]) -> Step:
    """The step with the time limit that a requirement sets, unless its own is shorter."""
    limit = limits.get(step.name)
    own = getattr(step, "max_runtime", None)
    if limit is None or not isinstance(own, int) or own <= limit:
        return step
    return step.limited(limit)
