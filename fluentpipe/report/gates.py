"""What a pipeline requires and what it decided: read from the Condition steps of its definition, held against the report.

A requirement is what ends the run when it does not hold, so a Condition step with a Fail step in one of its branches; any
other one decides which steps are carried out, and neither of its answers is a fault.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from fluentpipe.comparing import ORDERED, holds
from fluentpipe.document import BRANCHES, JSON_GET, StepEntry, is_reference, references
from fluentpipe.report.evidence import Evidence, finite, items, mapping

_SIGNS = {"GreaterThan": ">", "GreaterThanOrEqualTo": "≥", "LessThan": "<", "LessThanOrEqualTo": "≤"}
_OPPOSITES = {
    "GreaterThan": "LessThanOrEqualTo", "GreaterThanOrEqualTo": "LessThan",
    "LessThan": "GreaterThanOrEqualTo", "LessThanOrEqualTo": "GreaterThan",
}  # fmt: skip
_OVER = ("Succeeded", "Failed")  # states of a Condition step that was asked
_BEGUN = (*_OVER, "Running", "Stopped")  # states of a step of the branch that was taken


@attrs.frozen
class Requirement:
    """Something that a condition requires: a figure of a report with its limit, or more than one figure can say."""

    gate: str  # the Condition step
    says: str  # "metrics.auc ≥ 0.8", "auc ≥ 0.8 or f1 ≥ 0.7"
    holds: bool | None  # None where that is not known, or nobody asked
    is_asked: bool = True  # whether the run came to it
    step: str = ""  # whose report it reads; empty where it is not one figure, or that cannot be told
    path: str = ""  # in the report: metrics.auc; empty where it is not one figure
    sign: str = ""
    limit: float | None = None
    value: float | None = None  # None where the report has no such number

    @property
    def metric(self) -> str:
        """The last part of the path."""
        return self.path.rpartition(".")[2]

    @property
    def strictness(self) -> tuple[int, float]:
        """Orders the requirements on one figure: missed ones first, then those that hold, by what there is to spare."""
        found = 3 if not self.is_asked else 2 if self.holds is None else int(self.holds)
        spare = 0.0 if self.value is None or self.limit is None else self.value - self.limit
        return found, -spare if self.sign in "<≤" else spare


@attrs.frozen
class Decision:
    """What a Condition step that is no requirement decided."""

    step: str
    says: str  # what it asks
    found: str  # what decided, with its figures
    took: str  # "took the If branch", "not reached"


def requirements(evidence: Evidence) -> tuple[Requirement, ...]:
    """Every condition on a report that ends the run when it does not hold, in the order of the definition."""
    ends = _ending(evidence)
    return tuple(
        _requirement(entry, condition, evidence)
        for entry in evidence.entries
        if entry.name in ends
        for condition in _required(entry, ends[entry.name])
        if any(each.kind == JSON_GET for each in references(condition))
    )


def decisions(evidence: Evidence) -> tuple[Decision, ...]:
    """What the other Condition steps decided, in the order of the definition."""
    ends = _ending(evidence)
    return tuple(
        Decision(entry.name, condition_words(entry), _reason(entry.name, evidence), _took(entry, evidence))
        for entry in evidence.entries
        if entry.type == "Condition" and entry.name not in ends
    )


def why(evidence: Evidence) -> tuple[str, ...]:
    """For each Fail step that ended the run, what its condition found: `quality_gate: metrics.auc: 0.8 is not >= 0.9`."""
    gates = [
        entry.scope[-1][0]
        for entry in evidence.entries
        if entry.type == "Fail" and entry.scope and evidence.step(entry.name).get("status") == "Failed"
    ]
    return tuple(f"{gate}: {found}" for gate in dict.fromkeys(gates) if (found := _reason(gate, evidence)))


def _ending(evidence: Evidence) -> dict[str, str]:
    """Condition step -> its branch that a Fail step ends; the second one where both do."""
    return {
        entry.scope[-1][0]: entry.scope[-1][1] for entry in evidence.entries if entry.type == "Fail" and entry.scope
    }


def _required(entry: StepEntry, ending: str) -> Iterator[Mapping[str, Any]]:
    """The conditions that have to hold so that the ending branch is not taken."""
    asked = [mapping(each) for each in items(entry.arguments.get("Conditions"))]
    if ending == "Else":
        yield from asked
    elif asked:
        opposites = [_opposite(each) for each in asked]
        yield opposites[0] if len(opposites) == 1 else {"Type": "Or", "Conditions": opposites}


def _opposite(condition: Mapping[str, Any]) -> Mapping[str, Any]:
    kind = condition.get("Type")
    if kind == "Not":
        return mapping(condition.get("Condition"))
    opposite = _OPPOSITES.get(str(kind))
    return {**condition, "Type": opposite} if opposite else {"Type": "Not", "Condition": condition}


def _took(entry: StepEntry, evidence: Evidence) -> str:
    """Which branch, by the steps that began; by the condition where none did."""
    if evidence.step(entry.name).get("status") not in _OVER:
        return "not reached"
    for branch in BRANCHES:
        inside = [each.name for each in evidence.entries if each.scope[-1:] == ((entry.name, branch),)]
        if any(evidence.step(name).get("status") in _BEGUN for name in inside):
            return f"took the {branch} branch"
    verdicts = [_holds(mapping(each), evidence) for each in items(entry.arguments.get("Conditions"))]
    if False in verdicts or None not in verdicts:
        return f"took the {'Else' if False in verdicts else 'If'} branch"
    return "not known"


def _reason(step: str, evidence: Evidence) -> str:
    return str(evidence.step(step).get("reason") or "")


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


def _requirement(entry: StepEntry, condition: Mapping[str, Any], evidence: Evidence) -> Requirement:
    is_asked, says = evidence.step(entry.name).get("status") in _OVER, _words(condition)
    met = _holds(condition, evidence) if is_asked else None
    sign = _SIGNS.get(str(condition.get("Type")))
    step, path = _place(condition.get("LeftValue"))
    limit = _value(condition.get("RightValue"), evidence)
    if sign is None or not path or not isinstance(limit, int | float):
        return Requirement(entry.name, says, met, is_asked)
    value = finite(_value(condition.get("LeftValue"), evidence))
    return Requirement(entry.name, says, met, is_asked, step, path, sign, float(limit), value)


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
