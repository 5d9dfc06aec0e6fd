"""Two definitions side by side: facts that differ become changes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import attrs

from fluentpipe.assets import Asset
from fluentpipe.definition import Definition
from fluentpipe.difference.change import Action, Change, Difference, Kind
from fluentpipe.difference.code import contents_of, lines_changed
from fluentpipe.difference.facts import (
    CONDITIONS_AT,
    PROGRAM_ARGUMENTS,
    SCOPE,
    Named,
    Place,
    document_facts,
    entries_by_name,
    step_facts,
)
from fluentpipe.difference.notation import both, place_text, text_of
from fluentpipe.difference.pairing import pairs
from fluentpipe.difference.value import (
    Comparison,
    Content,
    Ordered,
    Property,
    Reader,
    Text,
    Unordered,
    Value,
    inside,
)
from fluentpipe.document import StepEntry
from fluentpipe.errors import DefinitionError

# Members below which all is one thing: it comes and goes as a whole.
WHOLES = frozenset(("CacheConfig", "RetryPolicies", "VpcConfig", "Containers", "ModelMetrics"))
_IMAGES = frozenset(("ImageUri", "TrainingImage", "Image"))
_KINDS: Mapping[str, Kind] = {"CacheConfig": "cache", "RetryPolicies": "retry"}


def difference(old: Definition, new: Definition) -> Difference:
    """What changes in meaning from one definition to another.

    Left out is what means nothing: the order of members and of named entries, members that hold a default of the
    service, how a text is cut into joins, and places of code and data that are named by their content.

    Args:
        old: Any definition; it may have faults.
        new: Another.

    Returns:
        Every difference; falsy if there is none.

    Raises:
        DefinitionError: One is nested too deeply to be read.
    """
    try:
        changes = tuple(_Comparing.of(old, new).changes())
    except RecursionError:
        raise DefinitionError("A definition is nested too deeply to be compared.", diagnostics=()) from None
    return Difference(old.name, new.name, changes)


@attrs.frozen
class _Side:
    """One definition, and how it is read."""

    entries: Mapping[str, StepEntry]
    assets: Mapping[str, Asset]  # by hash
    reader: Reader


@attrs.frozen
class _Read:
    """A value in the words of its own side, and in those of the other."""

    own: Value
    translated: Value


@attrs.frozen
class _Comparing:
    old: _Side
    new: _Side
    definitions: tuple[Definition, Definition]
    pairs: Mapping[str, str]  # old name -> new name

    @classmethod
    def of(cls, old: Definition, new: Definition) -> _Comparing:
        contents = contents_of((*old.assets, *new.assets))
        entries = [entries_by_name(each.document) for each in (old, new)]
        sides = [
            _Side(found, {asset.sha256: asset for asset in each.assets}, Reader(found, contents))
            for found, each in zip(entries, (old, new), strict=True)
        ]
        return cls(sides[0], sides[1], (old, new), pairs(entries[0], entries[1], contents))

    def changes(self) -> Iterator[Change]:
        """In the order of the new definition, what is gone at the end of the steps."""
        yield from self._around_the_steps()
        sources = {new: old for old, new in self.pairs.items()}
        for name, entry in self.new.entries.items():
            if name in sources:
                yield from self._step(sources[name], name)
            elif name in self.old.entries:
                types = self.old.entries[name].type, entry.type
                yield Change("step", "changed", name, *types, name, name)
            else:
                yield Change("step", "added", name, None, _sketch(entry, self.new.reader), "", name)
        for name, entry in self.old.entries.items():
            if name not in self.pairs and name not in self.new.entries:
                yield Change("step", "removed", name, _sketch(entry, self.old.reader), None, name, "")

    def _around_the_steps(self) -> Iterator[Change]:
        documents = [each.document for each in self.definitions]
        facts = [document_facts(each, side.reader) for each, side in zip(documents, (self.old, self.new), strict=True)]
        renaming = attrs.evolve(self.old.reader, names=self._names())
        translated = document_facts(documents[0], renaming)
        old = {place: _Read(value, translated.get(place, value)) for place, value in facts[0].items()}
        yield from self._facts(old, facts[1], "", "")

    def _step(self, old: str, new: str) -> Iterator[Change]:
        if old != new:
            yield Change("step", "renamed", new, old, new, old, new)
        entry = self.old.entries[old]
        own = step_facts(entry, self.old.reader)
        translated = own
        names = self._names()
        if names:
            translated = step_facts(entry, attrs.evolve(self.old.reader, names=names))
        facts = {place: _Read(value, translated.get(place, value)) for place, value in own.items()}
        yield from self._facts(facts, step_facts(self.new.entries[new], self.new.reader), old, new)

    def _names(self) -> dict[str, str]:
        return {old: new for old, new in self.pairs.items() if old != new}

    def _facts(
        self, old: Mapping[Place, _Read], new: Mapping[Place, Value], old_step: str, new_step: str
    ) -> Iterator[Change]:
        told: set[Place] = set()
        for place in dict.fromkeys((*new, *old)):
            ours, theirs = new.get(place), old.get(place)
            if theirs is not None and ours in (theirs.own, theirs.translated):
                continue
            if theirs is None or ours is None:
                whole = _whole(place, old if theirs is None else new)
                if whole in told:
                    continue
                told.add(whole)
                source: Mapping[Place, Value] = new if theirs is None else {at: each.own for at, each in old.items()}
                yield self._entry(whole, source, place, old_step, new_step, come=theirs is None)
            else:
                yield from self._changed(place, theirs, ours, old_step, new_step)

    def _entry(
        self, whole: Place, facts: Mapping[Place, Value], first: Place, old_step: str, new_step: str, *, come: bool
    ) -> Change:
        """Something that one side alone has: a fact, or all facts below a place as one."""
        below = {place: value for place, value in facts.items() if place[: len(whole)] == whole}
        main = next((place for place in below if place[-1] in ("S3Uri", "DefaultValue", "Value")), first)
        values = [below[main]] if len(below) == 1 or main != first or isinstance(whole[-1], Named) else below.values()
        text = ", ".join(text_of(each) for each in values)
        kind, label = _kind(whole, next(iter(below.values())) if len(below) == 1 else below[main])
        action: Action = "added" if come else "removed"
        if kind == "branch":
            action = "changed"
        return Change(kind, action, label, None if come else text, text if come else None, old_step, new_step)

    def _changed(self, place: Place, old: _Read, new: Value, old_step: str, new_step: str) -> Iterator[Change]:
        steps = old_step, new_step
        if place == CONDITIONS_AT and isinstance(old.own, Unordered) and isinstance(new, Unordered):
            yield from _conditions(old, new, *steps)
            return
        if place == PROGRAM_ARGUMENTS and isinstance(old.own, Ordered) and isinstance(new, Ordered):
            flags = _flags(old.own.items), _flags(new.items)
            if isinstance(old.translated, Ordered) and flags[0] is not None and flags[1] is not None:
                translated = _flags(old.translated.items) or {}
                pairs_of = {flag: _Read(value, translated.get(flag, value)) for flag, value in flags[0].items()}
                yield from _arguments(pairs_of, flags[1], *steps)
                return
        kind, label = _kind(place, old.own, new)
        detail = self._detail(old.own, new) if kind == "code" else ()
        yield Change(kind, "changed", label, *both(old.own, new), *steps, detail)

    def _detail(self, old: Value, new: Value) -> tuple[str, ...]:
        """How the code changed, where both are at hand."""
        hashes = [[each.shown for each in inside(value) if isinstance(each, Content)] for value in (old, new)]
        if len(hashes[0]) != 1 or len(hashes[1]) != 1:
            return ()
        return lines_changed(self.old.assets.get(hashes[0][0]), self.new.assets.get(hashes[1][0]))


def _whole(place: Place, other: Mapping[Place, object]) -> Place:
    """The largest thing around a place that the other side has nothing of: a named entry, a member of `WHOLES`."""
    for end in range(1, len(place)):
        prefix = place[:end]
        if (isinstance(prefix[-1], Named) or prefix[-1] in WHOLES) and not any(at[:end] == prefix for at in other):
            return prefix
    return place


def _kind(place: Place, *values: Value) -> tuple[Kind, str]:
    """What a fact is about, and how the place is called."""
    label = place_text(place)
    if place == SCOPE:
        return "branch", "branch"
    if place == CONDITIONS_AT:
        return "condition", ""
    if place[0] in _KINDS:
        return _KINDS[str(place[0])], "" if len(place) == 1 else label
    if place[0] == "Parameters":
        return "parameter", label.removeprefix("parameter ").removesuffix(" DefaultValue")
    if place[:2] == ("Arguments", "Tags"):
        return "tag", label.removeprefix("tag ").removesuffix(" Value")
    if place[0] not in ("Arguments", "PropertyFiles", "DependsOn", "DisplayName", "Description", "OutputParameters"):
        return ("pipeline", label)
    if place[-1] in _IMAGES:
        return "image", label
    inner = [each for value in values for each in inside(value)]
    if place == ("DependsOn",) or any(isinstance(each, Property) for each in inner):
        return "wiring", label
    return ("code" if any(isinstance(each, Content) for each in inner) else "setting"), label


def _conditions(old: _Read, new: Unordered, old_step: str, new_step: str) -> Iterator[Change]:
    """Conditions that came, went, or have another side or sign."""
    assert isinstance(old.own, Unordered)
    assert isinstance(old.translated, Unordered)
    gone = sorted(old.translated.items - new.items, key=text_of)  # one that stands under new names of its steps is not
    come = sorted(new.items - old.own.items - old.translated.items, key=text_of)
    for same in (_same_sign, _same_left):
        for theirs in list(gone):
            match = next((ours for ours in come if same(theirs, ours)), None)
            if match is not None:
                gone.remove(theirs)
                come.remove(match)
                yield Change("condition", "changed", "", *both(theirs, match), old_step, new_step)
    yield from (Change("condition", "removed", "", text_of(each), None, old_step, new_step) for each in gone)
    yield from (Change("condition", "added", "", None, text_of(each), old_step, new_step) for each in come)


def _same_sign(one: Value, other: Value) -> bool:
    return _same_left(one, other) and getattr(one, "type", "") == getattr(other, "type", "")


def _same_left(one: Value, other: Value) -> bool:
    if not isinstance(one, Comparison) or not isinstance(other, Comparison):
        return False
    return one.operands[:1] == other.operands[:1] and one.operands[0][0] == "LeftValue"


def _flags(items: tuple[Value, ...]) -> dict[str, Value] | None:
    """The arguments of a program as flag -> what follows it; None if that says less than the list."""
    found: dict[str, tuple[Value, ...]] = {}
    flag = ""
    for item in items:
        word = item.pieces[0] if isinstance(item, Text) and len(item.pieces) == 1 else None
        if isinstance(word, str) and word.startswith("--") and len(word) > 2 and "=" not in word:
            if word in found:
                return None
            flag = word
            found[flag] = ()
        elif not flag:
            return None
        else:
            found[flag] += (item,)
    return {name: values[0] if len(values) == 1 else Ordered(values) for name, values in found.items()}


def _arguments(old: Mapping[str, _Read], new: Mapping[str, Value], old_step: str, new_step: str) -> Iterator[Change]:
    found = False
    for flag in dict.fromkeys((*new, *old)):
        theirs, ours = old.get(flag), new.get(flag)
        if theirs is not None and ours in (theirs.own, theirs.translated):
            continue
        found = True
        action: Action = "added" if theirs is None else "removed" if ours is None else "changed"
        before = None if theirs is None else theirs.own
        values = [each for each in (before, ours) if each is not None]
        texts = both(before, ours)
        yield Change(_kind(PROGRAM_ARGUMENTS, *values)[0], action, flag, *texts, old_step, new_step)
    common = [[flag for flag in side if flag in other] for side, other in ((old, new), (new, old))]
    if common[0] != common[1] or not found:
        texts = " ".join(common[0]), " ".join(common[1])
        yield Change("setting", "changed", "order of the arguments", *texts, old_step, new_step)


def _sketch(entry: StepEntry, reader: Reader) -> str:
    """A step that came or went, in a few words."""
    facts = step_facts(entry, reader)
    found = [each for value in facts.values() for each in inside(value) if isinstance(each, Property)]
    sources = [text_of(each) for each in found if not each.path.startswith("PropertyFiles.")]
    words = [entry.type or "no type", f"takes {', '.join(dict.fromkeys(sources))}" if sources else ""]
    where = f"in {text_of(facts[SCOPE])}" if SCOPE in facts else ""
    return ", ".join(word for word in (*words, where) if word)
