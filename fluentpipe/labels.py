"""Labels: the column to predict of the rows that a step descends from, as far as the pipeline says it."""

from __future__ import annotations

from collections.abc import Mapping

from fluentpipe.plan import Plan
from fluentpipe.reference import PropertyReference


def labels(plan: Plan) -> Mapping[str, str]:
    """Step -> the label that it was given, or that the steps it takes something of have in common."""
    found: dict[str, str] = {}
    for node in plan.nodes:
        own = node.step.given.get("label")
        taken = {binding.source.step for binding in node.bindings if isinstance(binding.source, PropertyReference)}
        known = {own} if isinstance(own, str) else {found[step] for step in taken if step in found}
        if len(known) == 1:
            found[node.step.name] = known.pop()
    return found
