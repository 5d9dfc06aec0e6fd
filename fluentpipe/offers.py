"""Offers: the outputs that a step may take, and the conditions that they lie under."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import attrs

from fluentpipe.contract import DependencySpec
from fluentpipe.kinds import Kind, kind_fits
from fluentpipe.reference import PropertyReference

Lineage = Mapping[tuple[str, ...], frozenset[str]]
"""(step type, job type) -> names of the nearest steps of it that something descends from; and with the name of an output as well:
(step type, job type, output) -> names of the steps that made the forms of that output which it descends from."""


@attrs.frozen(eq=False)
class Scope:
    """The conditions that a step lies under; each is a gate inside its parent's."""

    gate: str  # name of the step that has the condition
    parent: Scope | None
    depth: int
    branch: str = "If"  # or "Else": where the condition does not hold

    @staticmethod
    def below(gate: str, parent: Scope | None, branch: str = "If") -> Scope:
        """The scope of the steps that a gate lets through, or of those that it has instead."""
        return Scope(gate, parent, 1 + (parent.depth if parent else 0), branch)

    def says(self) -> str:
        """When a step in this scope is carried out: `only if quality_gate passes`."""
        return f"only if {self.gate} {'passes' if self.branch == 'If' else 'does not pass'}"


def within(inner: Scope | None, outer: Scope | None) -> bool:
    """Whether everything in `inner` also lies in `outer`."""
    depth = outer.depth if outer else 0
    while inner is not None and inner.depth > depth:
        inner = inner.parent
    return inner is outer


@attrs.frozen(eq=False)
class Provided:
    """Data of a kind that comes from outside the pipeline.

    Raises:
        ValueError: It is a reference to an output of another kind.
    """

    kind: type[Kind]
    value: Any  # an S3 URI, a LocalPath or an expression

    def __attrs_post_init__(self) -> None:
        given = self.value.kind if isinstance(self.value, PropertyReference) else None
        if given is not None and not kind_fits(self.kind, given):
            raise ValueError(f"{self.value!r} is {given.__name__}, not {self.kind.__name__}")


@attrs.frozen(eq=False)
class Offer:
    """An output that later steps may take."""

    value: Any  # a PropertyReference, or what was provided
    names: tuple[str, ...]
    kind: type[Kind]
    step: str
    step_type: str
    job_type: str
    scope: Scope | None
    lineage: Lineage
    replaces: Any = None  # what it was made from and is a further form of
    declared: str = ""  # type of the step as its class has it, where the call makes a type of its own

    @property
    def label(self) -> str:
        """`preprocess.train_data`, or `provided training_data`."""
        return f"{self.step}.{self.names[0]}" if self.step else f"provided {self.names[0]}"

    @property
    def slot(self) -> tuple[str, str, str]:
        """What a later output must share to shadow this one."""
        return (self.step_type, self.job_type, self.names[0])


class Offers:
    """The outputs that steps so far offer, by kind; frozen, `extended` makes a new one."""

    __slots__ = ("_by_kind",)

    def __init__(self, by_kind: Mapping[type[Kind], Mapping[Any, tuple[Offer, ...]]] | None = None) -> None:
        self._by_kind = by_kind or {}

    @property
    def kinds(self) -> tuple[type[Kind], ...]:
        """The kinds on offer."""
        return tuple(self._by_kind)

    def fitting(self, spec: DependencySpec) -> Iterator[Offer]:
        """The offers of a kind that the input takes."""
        for kind, slots in self._by_kind.items():
            if spec.fit(kind):
                yield from itertools.chain.from_iterable(slots.values())

    def extended(self, new: Iterable[Offer]) -> Offers:
        """With these offers too; each shadows earlier ones of its slot, and the one of which it is a further form."""
        by_kind = dict(self._by_kind)
        for offer in new:
            if offer.replaces is not None:
                by_kind[offer.kind] = _without(by_kind.get(offer.kind, {}), offer.replaces)
            by_kind[offer.kind] = {**by_kind.get(offer.kind, {}), offer.slot: (offer,)}
        return Offers(by_kind)

    def merged(self, other: Offers, scope: Scope | None) -> Offers:
        """What either side offers to a step in `scope`; neither side shadows the other."""
        by_kind: dict[type[Kind], dict[Any, tuple[Offer, ...]]] = {}
        for kind, slots in itertools.chain(self._by_kind.items(), other._by_kind.items()):
            into = by_kind.setdefault(kind, {})
            for slot, offers in slots.items():
                seen = into.get(slot, ())
                new = [each for each in offers if within(scope, each.scope) and all(each is not one for one in seen)]
                if seen or new:
                    into[slot] = (*seen, *new)
        return Offers({kind: slots for kind, slots in by_kind.items() if slots})


def _without(slots: Mapping[Any, tuple[Offer, ...]], value: Any) -> Mapping[Any, tuple[Offer, ...]]:
    """The slots without the offer of a value, which is interned and so is itself."""
    kept = {slot: tuple(each for each in offers if each.value is not value) for slot, offers in slots.items()}
    return {slot: offers for slot, offers in kept.items() if offers}
