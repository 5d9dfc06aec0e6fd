"""Resolve: every input of a step tied to exactly one earlier output.

Kinds are the gate, scores rank what passes it, and an explicit input wins. There is this one resolver; the verbs of a
pipeline and whole lists of steps go through it alike.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs

from fluentpipe import match
from fluentpipe.conditional import ConditionStep
from fluentpipe.connection import check_connection, connection_faults, mismatch
from fluentpipe.contract import DependencySpec
from fluentpipe.errors import (
    AmbiguousInput,
    ConnectionMismatch,
    MixedLineage,
    OutOfScope,
    SettingError,
    UnwiredInput,
    did_you_mean,
)
from fluentpipe.expression import Condition, Expression
from fluentpipe.kinds import snake_case
from fluentpipe.offers import Lineage, Offer, Offers, Provided, Scope, within
from fluentpipe.order import in_order, references_in
from fluentpipe.proxy import StepOutputProxy, output_reference
from fluentpipe.reference import LocalPath, PropertyReference, data_source
from fluentpipe.step import Step
from fluentpipe.suggest import suggestion, supply

__all__ = ["Binding", "Candidate", "Node", "bind", "check_connection", "in_order", "resolve"]

AMBIGUITY = 0.05
"""Two outputs this close in confidence fit equally well."""
OPTIONAL_CONFIDENCE = 0.8
"""An optional input takes an output of an undeclared source only from this confidence on."""

_TEXTS = frozenset({"S3Uri", "String"})  # data types of inputs that only text can be


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


def _own_form(step: Step, output: str) -> Lineage:
    """That a step has made an output."""
    return {(step.contract.step_type, step.job_type or "", output): frozenset((step.name,))}


def offer_of(provided: Provided, scope: Scope | None) -> Offer:
    """What data from outside offers."""
    return Offer(provided.value, (snake_case(provided.kind.__name__),), provided.kind, "", "", "", scope, {})


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
    _check_depends_on(step, earlier, scope, where)
    wanted = step.contract.dependencies
    given = {spec.name: _given(step, spec, earlier, where) for spec in wanted if spec.name in step.inputs}
    origin = _union([_forms_given(binding, earlier) for binding in given.values()])
    bindings: list[Binding] = []
    lineages: list[tuple[Binding, Lineage]] = []
    for spec in wanted:
        if spec.name in given:
            binding = given[spec.name]
            lineage = _union([_lineage_of(reference, earlier) for reference in references_in(binding.source)])
        elif not step.looks_for(spec):
            continue
        else:
            found = _best(step, spec, offers, earlier, spec.name in required, where, origin, scope)
            if found is None:
                continue
            binding, lineage = found
        bindings.append(binding)
        lineages.append((binding, lineage))
    _check_lineage(step, lineages, where)
    replaced = _replaced(step, bindings, earlier)
    return Node(step, tuple(bindings), scope, _joined(step, [lineage for _, lineage in lineages], replaced))


def _lineage_of(reference: PropertyReference[Any], earlier: Mapping[str, Node]) -> Lineage:
    """What an output that was given descends from, itself included."""
    node = earlier[reference.step]
    return {**node.lineage, **_own_form(node.step, reference.name)} if reference.name else node.lineage


def _forms_given(binding: Binding, earlier: Mapping[str, Node]) -> Lineage:
    """The output that an input was given, if it is one, as the form of itself that is meant."""
    source = binding.source
    if isinstance(source, PropertyReference) and source.name:
        return _own_form(earlier[source.step].step, source.name)
    return {}


def _agreeing(
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
        fitting = _agreeing(fitting, spec, origin, earlier, scope) or (fitting if required else [])
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


def _check_depends_on(step: Step, earlier: Mapping[str, Node], scope: Scope | None, where: str) -> None:
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


def _no_such_step(doing: str, name: str, earlier: Mapping[str, Node], where: str) -> UnwiredInput:
    return UnwiredInput(
        f"{doing}, but there is no step {name!r} before it.{did_you_mean(name, earlier)}",
        where,
        f"steps before it: {', '.join(earlier) or 'none'}",
        step=name,
        input="",
        suggestions=(),
    )


def _check_scope(doing: str, node: Node, scope: Scope | None, earlier: Mapping[str, Node], where: str) -> None:
    if node.scope is not None and not within(scope, node.scope):
        headline = f"{doing}, which there is {_only_if(node.scope, earlier)}."
        raise OutOfScope(headline, where, fix=_inside(node.scope, earlier))


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


def _check_lineage(step: Step, lineages: Sequence[tuple[Binding, Lineage]], where: str) -> None:
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


def _replaced(step: Step, bindings: Sequence[Binding], earlier: Mapping[str, Node]) -> Lineage:
    """The outputs that this step replaces by a further form: what comes later descends from that form, and from no other."""
    inputs = {spec.replaces for spec in step.contract.outputs} - {""}
    forms = [_forms_given(each, earlier) for each in bindings if each.input in inputs]
    return {form: frozenset((step.name,)) for found in forms for form in found}


def _joined(step: Step, lineages: Sequence[Lineage], replaced: Lineage) -> Lineage:
    own = (step.contract.step_type, step.job_type or "")
    return {**_union(lineages), **replaced, own: frozenset((step.name,))}


def _union(lineages: Sequence[Lineage]) -> Lineage:
    joined: dict[tuple[str, ...], frozenset[str]] = {}
    for lineage in lineages:
        for family, names in lineage.items():
            seen = joined.get(family)
            joined[family] = names if seen is None or seen == names else seen | names
    return joined


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
