"""Whether a step can reach another one: that it comes before, and under no condition that this one is not under."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fluentpipe.conditional import ConditionStep
from fluentpipe.errors import OutOfScope, SettingError, UnwiredInput, did_you_mean
from fluentpipe.expression import Condition
from fluentpipe.node import Node
from fluentpipe.offers import Scope, within
from fluentpipe.order import references_in
from fluentpipe.step import Step


def check_references(value: Any, who: str, earlier: Mapping[str, Node], scope: Scope | None, where: str = "") -> None:
    """Check that every reference anywhere in a value leads to an earlier step, in scope.

    Raises:
        UnwiredInput: There is no such step so far.
        OutOfScope: It lies under a condition that `scope` does not.
    """
    for reference in references_in(value):
        node = earlier.get(reference.step)
        if node is None:
            raise _no_such_step(f"{who} uses {reference!r}", reference.step, earlier, where)
        _check_scope(f"{who} uses {reference!r}", node, scope, earlier, where)


def check_depends_on(step: Step, earlier: Mapping[str, Node], scope: Scope | None, where: str) -> None:
    """Check that every step named in `depends_on` is an earlier one, in scope, that the service can wait for."""
    for name in step.after:
        node = earlier.get(name)
        if node is None:
            raise _no_such_step(f"step {step.name!r} depends on {name!r}", name, earlier, where)
        if node.step.sagemaker_type in {"Condition", "Fail"}:
            raise SettingError(
                f"step {step.name!r} cannot depend on {name!r}, which is a {node.step.contract.step_type}.",
                where,
                "the service lets steps wait for jobs alone",
                fix="name the step that it reads, or add this step inside its branch",
            )
        _check_scope(f"step {step.name!r} depends on {name!r}", node, scope, earlier, where)


def _check_scope(doing: str, node: Node, scope: Scope | None, earlier: Mapping[str, Node], where: str) -> None:
    if node.scope is not None and not within(scope, node.scope):
        headline = f"{doing}, which there is {_only_if(node.scope, earlier)}."
        raise OutOfScope(headline, where, fix=_inside(node.scope, earlier))


def _no_such_step(doing: str, name: str, earlier: Mapping[str, Node], where: str) -> UnwiredInput:
    return UnwiredInput(
        f"{doing}, but there is no step {name!r} before it.{did_you_mean(name, earlier)}",
        where,
        f"steps before it: {', '.join(earlier) or 'none'}",
        step=name,
        input="",
        suggestions=(),
    )


def _only_if(scope: Scope, earlier: Mapping[str, Node]) -> str:
    """The condition of a scope in words, with the text of the condition where it is one that was written."""
    if _is_branching(scope, earlier):
        outcome = f"only if {scope.gate!r} {'holds' if scope.branch == 'If' else 'does not hold'}"
    else:
        outcome = f"only if {scope.gate!r} lets it through"
    condition = getattr(earlier[scope.gate].step, "condition", None)
    return outcome + (f" ({condition.label()})" if isinstance(condition, Condition) else "")


def _inside(scope: Scope, earlier: Mapping[str, Node]) -> str:
    if _is_branching(scope, earlier):
        return f"use it inside .{'then' if scope.branch == 'If' else 'otherwise'}(lambda p: p.…)"
    return "add it under the same condition, after .require(…)"


def _is_branching(scope: Scope, earlier: Mapping[str, Node]) -> bool:
    """Whether the scope is a branch of `when`, and not what a gate lets through."""
    gate = earlier[scope.gate].step
    return isinstance(gate, ConditionStep) and gate.has_branches
