"""Values and places in the words of a reader: `preprocessing.train_data`, not `{"Get": "Steps.preprocessing.Processing…"}`."""

from __future__ import annotations

import json
import re

from fluentpipe.difference.facts import Named, Place
from fluentpipe.difference.value import (
    Comparison,
    Content,
    FileValue,
    Ordered,
    Property,
    Scalar,
    Text,
    Unordered,
    Value,
    Variable,
)

_OUTPUT = re.compile(r"ProcessingOutputConfig\.Outputs\['([^']+)'\]\.S3Output\.S3Uri")
_SHORT = {"ModelArtifacts.S3ModelArtifacts": "model_artifacts"}
_OPERATORS = {
    "Equals": "==",
    "NotEquals": "!=",
    "GreaterThan": ">",
    "GreaterThanOrEqualTo": ">=",
    "LessThan": "<",
    "LessThanOrEqualTo": "<=",
}
_HASH = 8  # digits of a content hash that are shown


def text_of(value: Value, *, exact: bool = False) -> str:
    """A value as one reads it; `exact` leaves nothing out, for two that would read the same."""
    if isinstance(value, Text):
        if len(value.pieces) == 1 and not isinstance(value.pieces[0], str):
            inner = text_of(value.pieces[0], exact=exact)
            return f"text {inner}" if exact else inner
        whole = "".join(each if isinstance(each, str) else _put_in(each, exact) for each in value.pieces)
        return json.dumps(whole, ensure_ascii=False) if exact or not whole or whole != whole.strip() else whole
    if isinstance(value, Ordered):
        return " ".join(text_of(each, exact=exact) for each in value.items)
    if isinstance(value, Unordered):
        joiner = " and " if any(isinstance(each, Comparison) for each in value.items) else ", "
        return joiner.join(sorted(text_of(each, exact=exact) for each in value.items))
    if isinstance(value, Comparison):
        return _comparison(value, exact)
    return value.json if isinstance(value, Scalar) else _reference(value, exact)


def both(old: Value | None, new: Value | None) -> tuple[str | None, str | None]:
    """Two values that differ, so that one sees it."""
    texts = tuple(None if each is None else text_of(each) for each in (old, new))
    if texts[0] == texts[1]:
        texts = tuple(None if each is None else text_of(each, exact=True) for each in (old, new))
    return texts[0], texts[1]


def place_text(place: Place) -> str:
    """A place below a step, such as `input train S3DataType`."""
    parts = [each for each in place if each != "Arguments"]
    words: list[str] = []
    for index, each in enumerate(parts):
        if isinstance(each, Named):
            words.append(each.name)
        elif isinstance(each, int):
            words[-1:] = [f"{words[-1]}[{each}]"] if words else [f"[{each}]"]
        elif each in _ENTRY and isinstance(parts[index + 1] if index + 1 < len(parts) else None, Named):
            words.append(_ENTRY[each])
        elif each not in _CLEAR:
            words.append(each)
    return " ".join(words) or "everything"


_ENTRY = {
    "ProcessingInputs": "input",
    "Outputs": "output",
    "InputDataConfig": "input",
    "PropertyFiles": "property file",
    "Tags": "tag",
    "Parameters": "parameter",
    "MetricDefinitions": "metric",
    "OutputParameters": "output",
}
# Members that say nothing that the rest of a place does not say.
_CLEAR = frozenset((
    "AlgorithmSpecification", "AppSpecification", "CacheConfig", "ClusterConfig", "DataSource", "HyperParameters",
    "OutputDataConfig", "ProcessingOutputConfig", "ProcessingResources", "ResourceConfig", "S3DataSource", "S3Input",
    "S3Output", "S3Uri", "StoppingCondition",
))  # fmt: skip


def _comparison(value: Comparison, exact: bool) -> str:
    operands = dict(value.operands)
    if value.type in _OPERATORS:
        left, right = (text_of(operands[side], exact=exact) for side in ("LeftValue", "RightValue"))
        return f"{left} {_OPERATORS[value.type]} {right}"
    if value.type == "In":
        return f"{text_of(operands['QueryValue'], exact=exact)} in ({text_of(operands['Values'], exact=exact)})"
    if value.type == "Not":
        return f"not ({text_of(operands['Condition'], exact=exact)})"
    inner = operands["Conditions"]
    each = inner.items if isinstance(inner, Unordered) else frozenset((inner,))
    return "(" + " or ".join(sorted(text_of(one, exact=exact) for one in each)) + ")"


def _put_in(value: Value, exact: bool) -> str:
    """A reference inside a text."""
    if isinstance(value, Content):
        return _reference(value, exact)
    if isinstance(value, Variable):
        return f"${{{value.root}.{value.name}}}" if exact or value.root == "Parameters" else f"${{{value.name}}}"
    return f"${{{text_of(value, exact=exact)}}}"


def _reference(value: Property | Variable | FileValue | Content, exact: bool) -> str:
    if isinstance(value, Property):
        return f"{value.step}.{value.path}" if exact else f"{value.step}.{_short(value.path)}"
    if isinstance(value, Variable):
        return f"{value.root} {value.name}" if exact else f"{value.root.removesuffix('s').lower()} {value.name}"
    if isinstance(value, Content):
        return value.uri if exact else f"{value.uri.rpartition('/')[0]}/{value.shown[:_HASH]}…"
    path = text_of(value.path, exact=exact)
    if isinstance(value.file, Property):
        name = value.file.path.removeprefix("PropertyFiles.")
        return f"{value.file.step}.{value.file.path if exact else name} {path}"
    return f"{text_of(value.file, exact=exact)} {path}"


def _short(path: str) -> str:
    match = _OUTPUT.fullmatch(path)
    return match[1] if match else _SHORT.get(path, path)
