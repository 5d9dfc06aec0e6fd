"""Which step of one definition is which of the other: by name, and where a name is gone, by what the step does."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping

import attrs

from fluentpipe.difference.facts import SCOPE, Place, step_facts
from fluentpipe.difference.value import Property, Reader, Value, Variable, inside
from fluentpipe.document import StepEntry

SELF = "\0self"  # how a step calls itself while it has two names
MIN_LIKENESS = 0.5  # share of equal facts above which steps of equal wiring are one step renamed
MAX_PAIRS = 20_000  # beyond it only steps that are equal in every fact are found

Entries = Mapping[str, StepEntry]


def pairs(old: Entries, new: Entries, contents: Mapping[str, str]) -> dict[str, str]:
    """Old name -> new name of every step that both have.

    A renamed step has the type and every fact of the old one, or its type, its wiring and at least half of its facts.
    """
    found = {name: name for name in old if name in new and old[name].type == new[name].type}
    while more := _renamed(old, new, found, contents):
        found |= more
    return found


def _renamed(old: Entries, new: Entries, found: Mapping[str, str], contents: Mapping[str, str]) -> dict[str, str]:
    """One more round: who reads a renamed step is known again only when that one was found."""
    taken = set(found.values())
    gone = _known(old, [name for name in old if name not in found and name not in new], found, contents)
    come = _known(new, [name for name in new if name not in taken and name not in old], {}, contents)
    candidates: list[tuple[float, float, list[str], str, str]] = []
    exact = len(gone) * len(come) > MAX_PAIRS
    for one, theirs in gone.items():
        for other, ours in come.items():
            if theirs.type != ours.type or (exact and theirs.facts != ours.facts):
                continue
            likeness = theirs.likeness(ours)
            if likeness == 1 or (likeness >= MIN_LIKENESS and theirs.wiring and theirs.wiring == ours.wiring):
                names = sorted((one, other))
                spelling = difflib.SequenceMatcher(None, names[0], names[1]).ratio()
                candidates.append((-likeness, -spelling, names, one, other))
    chosen: dict[str, str] = {}
    for *_, one, other in sorted(candidates):
        if one not in chosen and other not in chosen.values():
            chosen[one] = other
    return chosen


@attrs.frozen
class _Known:
    """What a step says, but where it stands."""

    type: str
    facts: Mapping[Place, Value]
    wiring: Mapping[Place, Value]

    def likeness(self, other: _Known) -> float:
        """Share of the facts that both have."""
        every = self.facts.keys() | other.facts.keys()
        return sum(self.facts.get(place) == other.facts.get(place) for place in every) / len(every) if every else 0.0


def _known(
    entries: Entries, names: Iterable[str], found: Mapping[str, str], contents: Mapping[str, str]
) -> dict[str, _Known]:
    known = {}
    for name in names:
        facts = step_facts(entries[name], Reader(entries, contents, {**found, name: SELF}))
        facts.pop(SCOPE, None)
        known[name] = _Known(entries[name].type, facts, {at: value for at, value in facts.items() if _wires(value)})
    return known


def _wires(value: Value) -> bool:
    return any(
        isinstance(each, Property) or (isinstance(each, Variable) and each.root == "Parameters")
        for each in inside(value)
    )
