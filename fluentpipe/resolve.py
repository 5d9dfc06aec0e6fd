"""Resolve: every input of a step tied to exactly one earlier output.

Kinds are the gate, scores rank what passes it, and an explicit input wins. There is this one resolver; the verbs of a
pipeline and whole lists of steps go through it alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fluentpipe import match
from fluentpipe.connection import check_connection, connection_faults, mismatch
from fluentpipe.contract import DependencySpec
from fluentpipe.errors import AmbiguousInput, ConnectionMismatch, UnwiredInput
from fluentpipe.expression import Expression
from fluentpipe.kinds import snake_case
from fluentpipe.lineage import agreeing, check_lineage, forms_given, lineage_after, lineage_of, offers_of, union
from fluentpipe.node import Binding, Candidate, Node, said
from fluentpipe.offers import Lineage, Offer, Offers, Scope
from fluentpipe.order import in_order, references_in
from fluentpipe.proxy import StepOutputProxy, output_reference
from fluentpipe.reach import check_depends_on, check_references
from fluentpipe.reference import PropertyReference, data_source
from fluentpipe.step import Step
from fluentpipe.suggest import suggestion, supply

__all__ = ["Binding", "Candidate", "Node", "bind", "check_connection", "in_order", "resolve"]

AMBIGUITY = 0.05
"""Two outputs this close in confidence fit equally well."""
OPTIONAL_CONFIDENCE = 0.8
"""An optional input takes an output of an undeclared source only from this confidence on."""

_TEXTS = frozenset({"S3Uri", "String"})  # data types of inputs that only text can be


def bind(step: Step, offers: Offers, earlier: Mapping[str, Node], scope: Scope | None, pipeline: str = "") -> Node:
    """Tie every input of a step to exactly one output.

    Args:
        step: The step.
        offers: The outputs in scope.
        earlier: The steps so far by name.
        scope: The conditions that the step lies under.
        pipeline: Its name, for messages.

    Raises:
        UnwiredInput: A required input has no candidate.
        AmbiguousInput: Two candidates fit within 0.05, or the best was made into another of its kind since.
        MixedLineage: Two inputs chosen here descend from different steps of one type.
        OutOfScope: A given reference leads into a branch that the step is not in.
        ConnectionMismatch: A given reference does not fit the input.
    """
    where = f"in pipeline {pipeline!r}, step {len(earlier) + 1} ({step.name!r})" if pipeline else ""
    required = {spec.name for spec in step.required()}
    check_references((step.given, step.inputs), f"step {step.name!r}", earlier, scope, where)
    check_depends_on(step, earlier, scope, where)
    wanted = step.contract.dependencies
    given = {spec.name: _given(step, spec, earlier, where) for spec in wanted if spec.name in step.inputs}
    origin = union([forms_given(binding, earlier) for binding in given.values()])
    bindings: list[Binding] = []
    lineages: list[tuple[Binding, Lineage]] = []
    for spec in wanted:
        if spec.name in given:
            binding = given[spec.name]
            lineage = union([lineage_of(reference, earlier) for reference in references_in(binding.source)])
        elif not step.looks_for(spec):
            continue
        else:
            found = _best(step, spec, offers, earlier, spec.name in required, where, origin, scope)
            if found is None:
                continue
            binding, lineage = found
        bindings.append(binding)
        lineages.append((binding, lineage))
    check_lineage(step, lineages, where)
    lineage = lineage_after(step, bindings, [each for _, each in lineages], earlier)
    return Node(step, tuple(bindings), scope, lineage)


def _best(
    step: Step,
    spec: DependencySpec,
    offers: Offers,
    earlier: Mapping[str, Node],
    required: bool,
    where: str,
    origin: Lineage,
    scope: Scope | None,
) -> tuple[Binding, Lineage] | None:
    roles = _roles(step, spec)
    fitting = list(offers.fitting(spec))
    if origin:
        fitting = agreeing(fitting, spec, origin, earlier, scope) or (fitting if required else [])
    ranked = sorted(
        ((_candidate(spec, offer, roles), offer) for offer in fitting if _in_role(offer, roles)),
        key=lambda pair: (pair[0].tier, pair[0].role, -pair[0].confidence, pair[0].output),
    )
    candidates = tuple(candidate for candidate, _ in ranked)
    if not required:
        ranked = [pair for pair in ranked if pair[0].tier == 0 or pair[0].confidence >= OPTIONAL_CONFIDENCE]
    if not ranked:
        if required:
            raise _unwired(step, spec, offers, earlier, where)
        return None
    (first, offer), *rest = ranked
    rivals = [
        pair
        for pair in rest
        if (pair[0].tier, pair[0].role) == (first.tier, first.role)
        and first.confidence - pair[0].confidence <= AMBIGUITY
    ]
    made_from_it = [pair for pair in rest if pair[0].tier > first.tier and _is_made_from(pair[1], offer)]
    if rivals or made_from_it:
        raise _ambiguous(step, spec, [(first, offer), *rivals], made_from_it, where)
    source = "provided" if not offer.step else "declared source" if first.tier == 0 else "best fit"
    reason = (
        f"{source} {offer.step_type or offer.kind.__name__}: type {first.type_score:g}, "
        f"name {first.name_score:g}, keywords {first.keyword_score:g}"
        f"{f', job type {offer.job_type}' if offer.job_type else ''}"
    )
    return Binding(step.name, spec.name, offer.value, True, first.confidence, reason, candidates), offer.lineage


def _roles(step: Step, spec: DependencySpec) -> tuple[str, ...]:
    """The job types of steps whose outputs an input takes, the most wanted first; empty for any."""
    if step.job_type:
        return tuple(dict.fromkeys((step.job_type, *(spec.job_types or ("",)))))
    return spec.job_types


def _in_role(offer: Offer, roles: Sequence[str]) -> bool:
    return not roles or offer.job_type in roles


def _is_made_from(later: Offer, earlier: Offer) -> bool:
    """Whether an offer is a further form of an earlier one: of the same kind, and made by a step that descends from it."""
    family = (earlier.step_type, earlier.job_type)
    return later.kind is earlier.kind and later.step != earlier.step and earlier.step in later.lineage.get(family, ())


def _candidate(spec: DependencySpec, offer: Offer, roles: Sequence[str]) -> Candidate:
    kind = spec.fit(offer.kind)
    name = match.best_similarity(spec.names, offer.names)
    keywords = match.keyword_share(spec.semantic_keywords, (*offer.names, snake_case(offer.kind.__name__)))
    tier = 0 if not offer.step or offer.declared in spec.compatible_sources else 1
    role = roles.index(offer.job_type) if roles else int(bool(offer.job_type))
    return Candidate(offer.label, tier, kind, name, keywords, match.confidence(kind, name, keywords), role)


def _given(step: Step, spec: DependencySpec, earlier: Mapping[str, Node], where: str) -> Binding:
    given = step.inputs[spec.name]
    try:
        source = data_source(given, spec.data_type)
    except ValueError as fault:
        names = given.list_outputs() if isinstance(given, StepOutputProxy) else ()
        fix = f"one of its outputs: {', '.join(names)}" if names else ""
        raise ConnectionMismatch(f"input {spec.name!r} of step {step.name!r} {fault}.", where, fix=fix) from fault
    if isinstance(source, PropertyReference) and source.name:
        _check_reference(step, spec, source, earlier, where)
    elif isinstance(source, Expression) and spec.data_type in _TEXTS and source.value_type not in {"str", "any"}:
        raise ConnectionMismatch(
            f"input {spec.name!r} of step {step.name!r} takes {spec.data_type}, but {source!r} is {source.value_type}.",
            where,
        )
    return Binding(step.name, spec.name, source, False, 1.0, "given")


def _check_reference(
    step: Step, spec: DependencySpec, source: PropertyReference[Any], earlier: Mapping[str, Node], where: str
) -> None:
    producer = earlier[source.step].step
    declared = producer.contract.output(source.name)
    if declared is None or output_reference(producer.name, declared, producer.sagemaker_type) is not source:
        raise ConnectionMismatch(
            f"{source!r} is not an output of the step {producer.name!r} of this pipeline, "
            f"which is a {producer.contract.step_type}.",
            where,
            fix=f"take it from this pipeline's outputs: {', '.join(each.name for each in producer.contract.outputs) or 'none'}",
        )
    faults = list(connection_faults(producer.contract, declared, step.contract, spec))
    if faults:
        raise mismatch(producer.contract, declared.name, step.contract, spec.name, faults, where)


def _unwired(step: Step, spec: DependencySpec, offers: Offers, earlier: Mapping[str, Node], where: str) -> UnwiredInput:
    if other := [offer for offer in offers.fitting(spec) if not _in_role(offer, _roles(step, spec))]:
        return _other_role(step, spec, other, where)
    missing = [each for each in step.required() if each.name not in step.inputs and not any(offers.fitting(each))]
    chains = supply([each.kind for each in missing], offers.kinds, type(step))
    verb = step.contract.verb
    last = [node.step.contract.verb for node in earlier.values()][-1:]
    return UnwiredInput(
        f"{verb} needs {spec.says()} for its input {spec.name!r}; this pipeline has "
        f"{', '.join(sorted(kind.__name__ for kind in offers.kinds)) or 'no data yet'}."
        f"{suggestion(chains, ''.join(last), verb)}",
        where,
        fix=f".provide({spec.kind[0].__name__}, 's3://…') for data from outside" if not chains else "",
        step=step.name,
        input=spec.name,
        suggestions=chains,
    )


def _other_role(step: Step, spec: DependencySpec, offers: Sequence[Offer], where: str) -> UnwiredInput:
    wanted = " or ".join(repr(role) if role else "none" for role in _roles(step, spec))
    found = ", ".join(f"{offer.label} ({offer.job_type or 'none'})" for offer in offers)
    return UnwiredInput(
        f"input {spec.name!r} of step {step.name!r} takes {spec.says()} of job type {wanted}; there is {found}.",
        where,
        fix=f".{step.contract.verb}({spec.name}=pipe.outputs.{offers[0].label}) if it is meant so",
        step=step.name,
        input=spec.name,
        suggestions=(),
    )


def _ambiguous(
    step: Step,
    spec: DependencySpec,
    equal: Sequence[tuple[Candidate, Offer]],
    made_from_it: Sequence[tuple[Candidate, Offer]],
    where: str,
) -> AmbiguousInput:
    every = [*equal, *made_from_it]
    choice = every[-1][1] if made_from_it else every[0][1]
    line = f"pipe.outputs.{choice.step}.{choice.names[0]}" if choice.step else repr(said(choice.value))
    if made_from_it:
        how = f"could take {equal[0][0].output}, or {made_from_it[-1][0].output}, which was made from it later"
    else:
        how = f"fits {len(equal)} outputs equally well"
    return AmbiguousInput(
        f"input {spec.name!r} of step {step.name!r} {how}.",
        where,
        f"candidates: {', '.join(f'{each.output} ({each.confidence:.2f})' for each, _ in every)}",
        fix=f".{step.contract.verb}({spec.name}={line})",
        step=step.name,
        input=spec.name,
        candidates=tuple((each.output, each.confidence) for each, _ in every),
    )


def resolve(steps: Sequence[Step]) -> tuple[Binding, ...]:
    """Tie every open input to exactly one earlier output.

    An explicit reference wins; otherwise the best earlier output of a fitting kind. Two that fit equally well are an error,
    never a guess.

    Args:
        steps: In the order written; names unique. A step given the output of a later one comes after it.

    Returns:
        One binding per wired input, in step then dependency order.

    Raises:
        ResolveError: As `bind` and `in_order`.
    """
    nodes: dict[str, Node] = {}
    offers, scope = Offers(), None
    for step in in_order(steps):
        node = nodes[step.name] = bind(step, offers, nodes, scope)
        offers = offers.extended(offers_of(node))
        scope = Scope.below(step.name, scope) if step.opens_scope else scope
    return tuple(binding for node in nodes.values() for binding in node.bindings)
