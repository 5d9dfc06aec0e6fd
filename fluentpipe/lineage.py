"""What outputs descend from: so that a step takes a model, its report and its rows from one branch, and not from two.

The lineage of a thing is the steps of each type, and the forms of each output, that it was made from.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fluentpipe.contract import DependencySpec
from fluentpipe.errors import MixedLineage
from fluentpipe.kinds import snake_case
from fluentpipe.node import Binding, Node, said
from fluentpipe.offers import Lineage, Offer, Provided, Scope, within
from fluentpipe.proxy import output_reference
from fluentpipe.reference import PropertyReference
from fluentpipe.step import Step


def offers_of(node: Node) -> Iterator[Offer]:
    """What a step offers to later ones."""
    step = node.step
    for spec in step.contract.outputs:
        reference = output_reference(step.name, spec, step.sagemaker_type)
        yield Offer(
            reference,
            spec.names,
            spec.kind,
            step.name,
            step.contract.step_type,
            step.job_type or "",
            node.scope,
            {**node.lineage, **_own_form(step, spec.name)},
            next((each.source for each in node.bindings if spec.replaces and each.input == spec.replaces), None),
            type(step).contract.step_type,
        )


def offer_of(provided: Provided, scope: Scope | None) -> Offer:
    """What data from outside offers."""
    return Offer(provided.value, (snake_case(provided.kind.__name__),), provided.kind, "", "", "", scope, {})


def _own_form(step: Step, output: str) -> Lineage:
    """That a step has made an output."""
    return {(step.contract.step_type, step.job_type or "", output): frozenset((step.name,))}


def lineage_of(reference: PropertyReference[Any], earlier: Mapping[str, Node]) -> Lineage:
    """What an output that was given descends from, itself included."""
    node = earlier[reference.step]
    return {**node.lineage, **_own_form(node.step, reference.name)} if reference.name else node.lineage


def forms_given(binding: Binding, earlier: Mapping[str, Node]) -> Lineage:
    """The output that an input was given, if it is one, as the form of itself that is meant."""
    source = binding.source
    if isinstance(source, PropertyReference) and source.name:
        return _own_form(earlier[source.step].step, source.name)
    return {}


def agreeing(
    fitting: list[Offer], spec: DependencySpec, origin: Lineage, earlier: Mapping[str, Node], scope: Scope | None
) -> list[Offer]:
    """The offers that do not descend from another form of what was given, such as the report of another model.

    Where there are such, those of the given one count too, although later ones shadow them.
    """
    agreeing = [offer for offer in fitting if not _disagreement(offer.lineage, origin)]
    if len(agreeing) == len(fitting):
        return fitting
    shadowed = (offer for node in earlier.values() if within(scope, node.scope) for offer in offers_of(node))
    of_it = [each for each in shadowed if spec.fit(each.kind) and _descends(each, origin)]
    return [*agreeing, *(each for each in of_it if all(each.value is not one.value for one in agreeing))]


def _descends(offer: Offer, origin: Lineage) -> bool:
    return any(offer.lineage.get(form) == made for form, made in origin.items()) and not _disagreement(
        offer.lineage, origin
    )


def _disagreement(one: Lineage, other: Lineage) -> list[tuple[str, ...]]:
    """What two things descend from in different forms, or by different steps; the coarsest first."""
    if one is other:
        return []
    return sorted((key for key in one.keys() & other.keys() if one[key] != other[key]), key=lambda key: (len(key), key))


def check_lineage(step: Step, lineages: Sequence[tuple[Binding, Lineage]], where: str) -> None:
    """Refuse inputs chosen by the resolver that descend from different steps of one type, or forms of one output.

    Raises:
        MixedLineage: Two do.
    """
    automatic = [(binding, lineage) for binding, lineage in lineages if binding.automatic and lineage]
    for (one, left), (other, right) in itertools.combinations(automatic, 2):
        for key in _disagreement(left, right)[:1]:
            what = f"{key[0]} steps" if len(key) == 2 else f"forms of {key[2]!r} of {key[0]}"
            mine, theirs = (", ".join(sorted(side[key])) for side in (left, right))
            raise MixedLineage(
                f"inputs {one.input!r} and {other.input!r} of step {step.name!r} descend from different {what}.",
                where,
                f"{one.input}: {one.label}, from {mine}",
                f"{other.input}: {other.label}, from {theirs}",
                fix=f".{step.contract.verb}({_written(one)}, {_written(other)}) if it is meant so; "
                "otherwise take both from one branch",
                step=step.name,
            )


def _written(binding: Binding) -> str:
    source = binding.source
    if isinstance(source, PropertyReference):
        return f"{binding.input}=pipe.outputs.{source.step}.{source.name}"
    return f"{binding.input}={said(source)!r}"


def lineage_after(
    step: Step, bindings: Sequence[Binding], inputs: Sequence[Lineage], earlier: Mapping[str, Node]
) -> Lineage:
    """What the outputs of a step descend from: what its inputs do, and the step itself.

    An output that the step replaces by a further form is left behind: what comes later descends from that form, and from no other.
    """
    names = {spec.replaces for spec in step.contract.outputs} - {""}
    forms = [forms_given(each, earlier) for each in bindings if each.input in names]
    replaced = {form: frozenset((step.name,)) for found in forms for form in found}
    own = (step.contract.step_type, step.job_type or "")
    return {**union(inputs), **replaced, own: frozenset((step.name,))}


def union(lineages: Sequence[Lineage]) -> Lineage:
    """What several things together descend from."""
    joined: dict[tuple[str, ...], frozenset[str]] = {}
    for lineage in lineages:
        for family, names in lineage.items():
            seen = joined.get(family)
            joined[family] = names if seen is None or seen == names else seen | names
    return joined
