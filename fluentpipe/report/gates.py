"""What a pipeline requires: read from the Condition steps of its definition, held against the report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from fluentpipe.comparing import ORDERED, holds
from fluentpipe.document import JSON_GET, StepEntry, is_reference, references
from fluentpipe.report.evidence import Evidence, finite, items, mapping

_SIGNS = {"GreaterThan": ">", "GreaterThanOrEqualTo": "≥", "LessThan": "<", "LessThanOrEqualTo": "≤"}


@attrs.frozen
class Requirement:
    """Something that a condition requires: a figure of a report with its limit, or more than one figure can say."""

    gate: str  # the Condition step
    says: str  # "metrics.auc ≥ 0.8", "auc ≥ 0.8 or f1 ≥ 0.7"
    holds: bool | None  # None where that is not known
    step: str = ""  # whose report it reads; empty where it is not one figure, or that cannot be told
    path: str = ""  # in the report: metrics.auc; empty where it is not one figure
    sign: str = ""
    limit: float | None = None
    value: float | None = None  # None where the report has no such number

    @property
    def metric(self) -> str:
        """The last part of the path."""
        return self.path.rpartition(".")[2]


def requirements(evidence: Evidence) -> tuple[Requirement, ...]:
    """Every condition of the Condition steps that reads a report, in the order of the definition."""
    return tuple(
        _requirement(entry.name, mapping(condition), evidence)
        for entry in evidence.entries
        if entry.type == "Condition"
        for condition in items(entry.arguments.get("Conditions"))
        if any(each.kind == JSON_GET for each in references(condition))
    )


def condition_words(entry: StepEntry) -> str:
    """What a Condition step asks, in words: `auc ≥ 0.8 and not (f1 < 0.5)`."""
    return " and ".join(_words(mapping(each)) for each in items(entry.arguments.get("Conditions")))


def _words(condition: Mapping[str, Any]) -> str:
    kind = condition.get("Type")
    if kind == "Not":
        return f"not ({_words(mapping(condition.get('Condition')))})"
    if kind == "Or":
        return " or ".join(_words(mapping(each)) for each in items(condition.get("Conditions")))
    if kind == "In":
        listed = ", ".join(_named(each) for each in items(condition.get("Values")))
        return f"{_named(condition.get('QueryValue'))} in [{listed}]"
    sign = "=" if kind == "Equals" else _SIGNS.get(str(kind), str(kind))
    return f"{_named(condition.get('LeftValue'))} {sign} {_named(condition.get('RightValue'))}"


def _named(side: object) -> str:
    """A side of a comparison: the last part of a reference, a value as it is."""
    held = mapping(side)
    path = mapping(held.get(JSON_GET)).get("Path")
    text = path if isinstance(path, str) else held.get("Get")
    if isinstance(text, str):
        return text.rpartition(".")[2]
    return f"{side:g}" if isinstance(side, float) else str(side)[:60]


def _requirement(gate: str, condition: Mapping[str, Any], evidence: Evidence) -> Requirement:
    met, says = _holds(condition, evidence), _words(condition)
    sign = _SIGNS.get(str(condition.get("Type")))
    step, path = _place(condition.get("LeftValue"))
    limit = _value(condition.get("RightValue"), evidence)
    if sign is None or not path or not isinstance(limit, int | float):
        return Requirement(gate, says, met)
    value = finite(_value(condition.get("LeftValue"), evidence))
    return Requirement(gate, says, met, step, path, sign, float(limit), value)


def _holds(condition: Mapping[str, Any], evidence: Evidence) -> bool | None:
    """Whether it holds; None where a value is not known, or cannot be compared."""
    kind = condition.get("Type")
    if kind == "Not":
        inner = _holds(mapping(condition.get("Condition")), evidence)
        return None if inner is None else not inner
    if kind == "Or":
        found = [_holds(mapping(each), evidence) for each in items(condition.get("Conditions"))]
        return True if True in found else None if None in found else False
    if kind == "In":
        asked, *values = (
            _value(each, evidence) for each in (condition.get("QueryValue"), *items(condition.get("Values")))
        )
        return None if asked is None else any(holds("Equals", asked, each) for each in values)
    left, right = (_value(condition.get(side), evidence) for side in ("LeftValue", "RightValue"))
    if left is None or right is None:
        return None
    try:
        return holds(str(kind), left, right) if kind == "Equals" or kind in ORDERED else None
    except TypeError:
        return None


def _value(side: object, evidence: Evidence) -> Any:
    """The value of a side: of a parameter, of a figure in a report, or itself; None where it is not known."""
    if not is_reference(side):
        return side if isinstance(side, str | int | float) else None
    name = mapping(side).get("Get")
    if isinstance(name, str) and name.startswith("Parameters."):
        return mapping(evidence.manifest.get("parameters")).get(name.partition(".")[2])
    step, path = _place(side)
    for evaluation in evidence.evaluations:
        if path and evaluation.step == step:
            found: object = evaluation.report
            for key in path.split("."):
                found = mapping(found).get(key)
            return found if isinstance(found, str | int | float) else None
    return None


def _place(side: object) -> tuple[str, str]:
    """The step and the path that a Std:JsonGet reads."""
    asked = mapping(mapping(side).get(JSON_GET))
    path, file = asked.get("Path"), mapping(asked.get("PropertyFile")).get("Get")
    if not isinstance(path, str):
        return "", ""
    parts = file.split(".") if isinstance(file, str) else []
    return parts[1] if len(parts) > 1 else "", path.removeprefix("$").removeprefix(".")
