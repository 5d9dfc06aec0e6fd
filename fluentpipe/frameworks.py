"""Frameworks: a model runs in the image of the framework that trained it, wherever it is taken."""

from __future__ import annotations

from collections.abc import Mapping

from fluentpipe.kinds import DependencyType
from fluentpipe.plan import Plan
from fluentpipe.reference import PropertyReference


def frameworks(plan: Plan) -> Mapping[str, tuple[str, str]]:
    """Step -> framework and version of the model that it makes, or of the one that it takes from an earlier step."""
    found: dict[str, tuple[str, str]] = {}
    for node in plan.nodes:
        step = node.step
        own = getattr(step, "framework", "")
        if own and any(spec.kind.family is DependencyType.MODEL_ARTIFACTS for spec in step.contract.outputs):
            found[step.name] = (own, getattr(step, "framework_version", ""))
            continue
        models = [
            binding.source.step
            for binding in node.bindings
            if isinstance(binding.source, PropertyReference) and binding.source.step in found
            if binding.source.kind is not None and binding.source.kind.family is DependencyType.MODEL_ARTIFACTS
        ]
        if models:
            found[step.name] = found[models[0]]
    return found
