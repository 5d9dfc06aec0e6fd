"""Suggestions: the verbs that would supply what a pipeline lacks, found by searching the contracts."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from fluentpipe.kinds import Kind, kind_fits
from fluentpipe.step import Step, class_of_verb, step_classes

_LONGEST = 5
"""Verbs in the longest chain looked for."""
_MOST = 3
"""Chains suggested at most."""

Kinds = tuple[type[Kind], ...]


def _has(have: Collection[type[Kind]], wanted: Kinds) -> bool:
    return any(kind_fits(want, each) for want in wanted for each in have)


def _needs(cls: type[Step]) -> list[Kinds]:
    return [spec.kind for spec in cls.contract.dependencies if spec.required]


def supply(wanted: Sequence[Kinds], have: Collection[type[Kind]], asking: type[Step]) -> tuple[tuple[str, ...], ...]:
    """The shortest chains of verbs after which a pipeline that has some kinds has the wanted ones too.

    Args:
        wanted: For each input that lacks data, the kinds that will do.
        have: The kinds that the pipeline has.
        asking: The class that needs them; not part of any chain.

    Returns:
        At most three chains of equal length, in the order of declaration; none if nothing helps.
    """
    useful = _useful(wanted, asking)
    states: dict[frozenset[type[Kind]], list[tuple[type[Step], ...]]] = {frozenset(have): [()]}
    for _ in range(_LONGEST):
        grown: dict[frozenset[type[Kind]], list[tuple[type[Step], ...]]] = {}
        for kinds, chains in states.items():
            for cls in useful:
                made = frozenset(spec.kind for spec in cls.contract.outputs)
                if made - kinds and all(_has(kinds, need) for need in _needs(cls)):
                    grown.setdefault(kinds | made, []).extend((*chain, cls) for chain in chains[:_MOST])
        done = [
            chain for kinds, chains in grown.items() if all(_has(kinds, want) for want in wanted) for chain in chains
        ]
        if done:
            return tuple(tuple(cls.contract.verb for cls in chain) for chain in done[:_MOST])
        states = grown
    return ()


def _useful(wanted: Sequence[Kinds], asking: type[Step]) -> list[type[Step]]:
    """The classes that could stand in a chain: they make something wanted, or something that such a class needs."""
    candidates = [cls for cls in step_classes() if not cls.contract.own_method]  # those say at the call what they take
    goals = list(wanted)
    found: dict[type[Step], None] = {}
    for goal in goals:
        for cls in candidates:
            makes = [spec.kind for spec in cls.contract.outputs if spec.kind in goal or not spec.kind.general]
            if cls is not asking and cls not in found and _has(makes, goal):
                found[cls] = None
                goals.extend(_needs(cls))
    return list(found)


def suggestion(chains: Sequence[Sequence[str]], after: str, before: str) -> str:
    """The chains as a question: ` Did you mean .preprocess() between load_data and train_xgboost?`.

    Args:
        chains: As `supply` finds them.
        after: The last verb so far; empty if there is none.
        before: The verb that lacks something.
    """

    def written(verb: str) -> str:
        takes = any(each.required for each in class_of_verb(verb).settings.values())
        return f".{verb}({'…' if takes else ''})"

    if not chains:
        return ""
    texts = ["`" + "".join(written(verb) for verb in chain) + "`" for chain in chains]
    place = f"between `{after}` and `{before}`" if after else f"before `{before}`"
    return f" Did you mean {' or '.join(texts)} {place}?"
