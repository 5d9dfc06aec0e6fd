"""Values of a definition in one form: two are equal here if they mean the same to the service.

`{"Std:Join": {"On": "/", "Values": ["s3://b", "x"]}}` is the text `s3://b/x`, `Outputs[0]` is `Outputs['train']` where the
step declares so, and a URI that ends in a content hash is that content, wherever it lies.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

import attrs

from fluentpipe.check_references import NAMED_LISTS
from fluentpipe.check_steps import declared_names
from fluentpipe.document import GET, JOIN, StepEntry, at, is_reference

# As in `fluentpipe.bundle`: at most as long as a URI may be.
_CONTENT_URI = re.compile(r"s3://[^\s'\"]{0,960}/([0-9a-f]{64})(?=[/'\"]|$)")
_KEY = re.compile(r"\[(\d+)\]|\[\"([^\"']*)\"\]|\['([^']*)'\]")


@attrs.frozen
class Scalar:
    """A number, true, false; or, where nothing is known of its meaning, any JSON with its keys sorted."""

    json: str


@attrs.frozen
class Property:
    """A property of a step."""

    step: str
    path: str  # "ModelArtifacts.S3ModelArtifacts"; keys in single quotes


@attrs.frozen
class Variable:
    """A parameter or an execution variable."""

    root: str  # "Parameters" or "Execution"
    name: str


@attrs.frozen
class FileValue:
    """One value in a JSON file that a step writes."""

    file: Value  # the property file, or the S3 URI
    path: Value


@attrs.frozen
class Content:
    """A folder that is named for what is in it."""

    sha256: str  # of the content; archives in it count as what they hold, where they are at hand
    shown: str  # the hash in the URI
    uri: str

    def __eq__(self, other: object) -> bool:
        return self.sha256 == other.sha256 if isinstance(other, Content) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.sha256)


@attrs.frozen
class Text:
    """Text, with what is put into it while the pipeline runs."""

    pieces: tuple[Value | str, ...]  # no two texts side by side


@attrs.frozen
class Ordered:
    """A list whose order matters."""

    items: tuple[Value, ...]


@attrs.frozen
class Unordered:
    """A list whose order means nothing, nor does something that stands there twice."""

    items: frozenset[Value]


@attrs.frozen
class Comparison:
    """A condition, with those that are inside it."""

    type: str  # "GreaterThanOrEqualTo", "Or", …
    operands: tuple[tuple[str, Value], ...]  # (member, value), sorted


Value: TypeAlias = (
    "Scalar | Property | Variable | FileValue | Content | Text | Ordered | Unordered | Comparison"  # recursive
)


@attrs.frozen
class Reader:
    """Reads the values of one definition."""

    entries: Mapping[str, StepEntry]  # by name
    contents: Mapping[str, str] = attrs.field(factory=dict)  # hash in a URI -> hash of what is there
    names: Mapping[str, str] = attrs.field(factory=dict)  # steps that the other side calls otherwise -> how

    def value(self, value: Any) -> Value:
        """The value of a leaf: a scalar, a text, a reference; anything else as the JSON that it is."""
        if isinstance(value, str):
            return self._text([value])
        if not is_reference(value):
            return Scalar(json.dumps(value, sort_keys=True))
        ((kind, inside),) = value.items()
        if kind == GET and isinstance(inside, str):
            return self._reference(inside)
        if kind == JOIN and isinstance(inside, Mapping) and set(inside) <= {"On", "Values"}:
            joined = self._joined(inside)
            return Scalar(json.dumps(value, sort_keys=True)) if joined is None else self._text(joined)
        if isinstance(inside, Mapping) and set(inside) in ({"PropertyFile", "Path"}, {"S3Uri", "Path"}):
            file = inside.get("PropertyFile", inside.get("S3Uri"))
            return FileValue(self.value(file), self.value(inside["Path"]))
        return Scalar(json.dumps(value, sort_keys=True))

    def number(self, value: Any) -> Value:
        """The operand of a comparison, where 1 and 1.0 are the same."""
        whole = isinstance(value, float) and value.is_integer() and abs(value) < 2**53
        return self.value(int(value) if whole else value)

    def step(self, name: str) -> str:
        """How the other side calls a step."""
        return self.names.get(name, name)

    def _reference(self, text: str) -> Value:
        root, _, rest = text.partition(".")
        name, dot, path = rest.partition(".")
        if root == "Steps" and dot:
            return Property(self.step(name), self._path(name, path.removeprefix("properties.")))
        return Variable(root, rest)

    def _path(self, step: str, path: str) -> str:
        """The path with its keys written in one way, and numbers of named entries as their names."""

        def key(match: re.Match[str]) -> str:
            index, double, single = match.groups()
            if index is None:
                return f"['{double if double is not None else single}']"
            name = self._entry_name(step, path[: match.start()], int(index))
            return f"[{int(index)}]" if name is None else f"['{name}']"

        return _KEY.sub(key, path)

    def _entry_name(self, step: str, path: str, index: int) -> str | None:
        entry = self.entries.get(step)
        if entry is None or path not in NAMED_LISTS:
            return None
        found = at(entry.request if path == "OutputParameters" else entry.arguments, path.split("."))
        names = declared_names(found, NAMED_LISTS[path]) or []
        return names[index] if index < len(names) == len(set(names)) else None

    def _joined(self, join: Mapping[str, Any]) -> list[Any] | None:
        """The pieces of a Std:Join with what stands between them; None if it is malformed."""
        on, values = join.get("On", ""), join.get("Values")
        if not isinstance(on, str) or not isinstance(values, list | tuple) or not values:
            return None
        between: list[Any] = []
        for index, each in enumerate(values):
            if index and on:
                between.append(on)
            between.append(each)
        return between

    def _text(self, parts: list[Any]) -> Text:
        """Pieces as one text: joins in joins unfolded, neighbours joined, contents named."""
        pieces: list[Value | str] = []
        for part in parts:
            plain = str(part) if isinstance(part, int) and not isinstance(part, bool) else part
            value = plain if isinstance(plain, str) else self.value(plain)
            for each in value.pieces if isinstance(value, Text) else (value,):
                if isinstance(each, str) and pieces and isinstance(pieces[-1], str):
                    pieces[-1] += each
                else:
                    pieces.append(each)
        if self.names and pieces and isinstance(pieces[0], str) and pieces[0].startswith("s3://"):
            pieces = [self._renamed(each) if isinstance(each, str) else each for each in pieces]
        return Text(tuple(found for each in pieces for found in self._contents(each) if found != ""))

    def _renamed(self, text: str) -> str:
        """A part of an S3 URI in which a step's name is a segment, as the other side calls the step."""
        return "/".join(self.step(segment) for segment in text.split("/"))

    def _contents(self, piece: Value | str) -> Iterator[Value | str]:
        if not isinstance(piece, str):
            yield piece
            return
        end = 0
        for match in _CONTENT_URI.finditer(piece):
            yield piece[end : match.start()]
            yield Content(self.contents.get(match[1], match[1]), match[1], match[0])
            end = match.end()
        yield piece[end:]


def inside(value: Value | str) -> Iterator[Value]:
    """A value and all that is in it."""
    if isinstance(value, str):
        return
    yield value
    inner: tuple[Value | str, ...] = ()
    if isinstance(value, Text):
        inner = value.pieces
    elif isinstance(value, Ordered | Unordered):
        inner = tuple(value.items)
    elif isinstance(value, FileValue):
        inner = (value.file, value.path)
    elif isinstance(value, Comparison):
        inner = tuple(each for _, each in value.operands)
    for each in inner:
        yield from inside(each)
