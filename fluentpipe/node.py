"""A step in a pipeline with all that was decided about it: what each of its inputs takes, and why."""

from __future__ import annotations

from typing import Any

import attrs

from fluentpipe.expression import Expression
from fluentpipe.offers import Lineage, Scope
from fluentpipe.reference import LocalPath
from fluentpipe.step import Step


@attrs.frozen
class Candidate:
    """One output that an input could take, with the numbers that rank it."""

    output: str
    tier: int  # 0: from a source that the contract names, or provided; 1: from any other
    type_score: float
    name_score: float
    keyword_score: float
    confidence: float
    role: int = 0  # place of its job type among those that the input wants; 0 is the most wanted


def _identity(source: Any) -> Any:
    """What stands for a source in comparisons, since `==` between references makes a condition."""
    return (type(source), source.key) if isinstance(source, Expression) else source


@attrs.frozen
class Binding:
    """One input of a step and what it takes.

    Args:
        step: Name of the step.
        input: Logical name of the input.
        source: A reference, or the place of data given from outside.
        automatic: Whether the resolver chose it; otherwise it was given.
        confidence: From 0 to 1; 1 for what was given.
        reason: In words.
        candidates: All outputs that passed the gate of kinds, best first.
    """

    step: str
    input: str
    source: Any = attrs.field(eq=_identity)
    automatic: bool
    confidence: float
    reason: str
    candidates: tuple[Candidate, ...] = ()

    @property
    def label(self) -> str:
        """What the input takes, in a word."""
        return said(self.source)


def said(source: Any) -> str:
    """A place of data in a word."""
    if isinstance(source, Expression):
        return source.label()
    return str(source.path) if isinstance(source, LocalPath) else str(source)


@attrs.frozen(eq=False)
class Node:
    """A step in a pipeline with all that was decided about it."""

    step: Step
    bindings: tuple[Binding, ...]
    scope: Scope | None
    lineage: Lineage


def same(one: Node, other: Node) -> bool:
    """Whether two nodes are one step: equal in all that was decided, under the very same conditions."""
    return one is other or (one.scope is other.scope and one.step == other.step and one.bindings == other.bindings)
