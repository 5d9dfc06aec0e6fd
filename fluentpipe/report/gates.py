"""The figures that a pipeline requires: read from the Condition steps of its definition, held against the report."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import attrs

from fluentpipe.report.evidence import Evidence, finite, items, mapping

_COMPARISONS: Mapping[str, tuple[str, Callable[[float, float], bool]]] = {
    "GreaterThan": (">", operator.gt),
    "GreaterThanOrEqualTo": ("≥", operator.ge),
    "LessThan": ("<", operator.lt),
    "LessThanOrEqualTo": ("≤", operator.le),
}


@attrs.frozen
class Requirement:
    """A figure of a report and the limit that a condition sets for it."""

    gate: str  # the Condition step
    step: str  # whose report it reads; empty where that cannot be told
    path: str  # in the report: metrics.auc
    sign: str
    limit: float
    value: float | None  # None where the report has no such number
    holds: bool

    @property
    def metric(self) -> str:
        """The last part of the path."""
        return self.path.rpartition(".")[2]


def requirements(evidence: Evidence) -> tuple[Requirement, ...]:
    """Every comparison of a figure in a report with a number, in the order of the definition."""
    return tuple(
        found
        for entry in evidence.entries
        if entry.type == "Condition"
        for condition in _flat(entry.arguments.get("Conditions"))
        if (found := _requirement(entry.name, condition, evidence)) is not None
    )


def _flat(conditions: object) -> Iterator[Mapping[str, Any]]:
    """The conditions that must all hold; those under Or and Not are not requirements of one figure."""
    yield from (mapping(each) for each in items(conditions))


def _requirement(gate: str, condition: Mapping[str, Any], evidence: Evidence) -> Requirement | None:
    comparison = _COMPARISONS.get(str(condition.get("Type")))
    asked = mapping(mapping(condition.get("LeftValue")).get("Std:JsonGet"))
    limit = _limit(condition.get("RightValue"), evidence)
    if comparison is None or not isinstance(asked.get("Path"), str) or limit is None:
        return None
    path = str(asked["Path"]).removeprefix("$").removeprefix(".")
    file = mapping(asked.get("PropertyFile")).get("Get")
    parts = file.split(".") if isinstance(file, str) else []
    step = parts[1] if len(parts) > 1 else ""
    value = _figure(evidence, step, path)
    sign, compare = comparison
    return Requirement(gate, step, path, sign, limit, value, value is not None and compare(value, limit))


def _limit(written: object, evidence: Evidence) -> float | None:
    name = mapping(written).get("Get")
    if isinstance(name, str) and name.startswith("Parameters."):
        written = mapping(evidence.manifest.get("parameters")).get(name.partition(".")[2])
    return finite(written)


def _figure(evidence: Evidence, step: str, path: str) -> float | None:
    for evaluation in evidence.evaluations:
        if evaluation.step == step:
            found: object = evaluation.report
            for key in path.split("."):
                found = mapping(found).get(key)
            return finite(found)
    return None
