"""Condition steps: their branches, and the conditions inside one another that they judge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fluentpipe.diagnostic import Findings, described
from fluentpipe.document import BRANCHES, MAX_NESTING, StepEntry, is_reference, write_key
from fluentpipe.errors import did_you_mean

COMPARISONS = frozenset(("Equals", "NotEquals", "GreaterThan", "GreaterThanOrEqualTo", "LessThan", "LessThanOrEqualTo"))
CONDITIONS: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(COMPARISONS, frozenset(("LeftValue", "RightValue"))),
    "In": frozenset(("QueryValue", "Values")),
    "Not": frozenset(("Condition",)),  # the service refuses the older SDKs' "Expression"
    "Or": frozenset(("Conditions",)),
}


def check_are_steps(steps: Sequence[object], path: str, findings: Findings, step: str = "") -> None:
    """Check that a list of steps holds nothing else: what is no object is walked past, and would never run.

    Args:
        steps: Of the definition or of a branch.
        path: Of the list.
        findings: Take the faults.
        step: Name of the Condition step whose branch it is.
    """
    for index, each in enumerate(steps):
        if not isinstance(each, Mapping):
            message = f"A step is an object, not {described(each)}."
            findings.error("wrong-type", f"{path}[{index}]", message, "write the step, or remove it", step)


def check_condition_step(entry: StepEntry, findings: Findings) -> None:
    """Check the Arguments of a Condition step; the steps of its branches are checked as entries of their own."""
    arguments, path = entry.arguments, f"{entry.path}.Arguments"
    known = {"Conditions", *BRANCHES.values()}
    for member in arguments:
        if member not in known:
            message = f"The Arguments of a Condition step have no member {member!r}.{did_you_mean(str(member), known)}"
            findings.error("unknown-member", path + write_key(member), message, "", entry.name)
    for member in BRANCHES.values():
        steps = arguments.get(member, [])
        if not isinstance(steps, list | tuple):
            findings.error("wrong-type", f"{path}.{member}", "It must be a list of steps.", "", entry.name)
            continue
        check_are_steps(steps, f"{path}.{member}", findings, entry.name)
        if steps and len(entry.scope) >= MAX_NESTING:
            message = f"Conditions lie deeper in one another than {MAX_NESTING} levels; what is inside is not checked."
            findings.error(
                "nested-too-deep", f"{path}.{member}", message, "join the conditions in one step", entry.name
            )
    if not any(arguments.get(member) for member in BRANCHES.values()):
        findings.warning("no-branches", path, "Neither branch has a step.", "", entry.name)
    _check_conditions(arguments.get("Conditions"), f"{path}.Conditions", entry.name, findings)


def _check_conditions(conditions: object, path: str, step: str, findings: Findings) -> None:
    """Check a list of conditions and all that lie in them, without recursion."""
    pending: list[tuple[object, str, int]] = []
    _push_conditions(conditions, path, 0, step, findings, pending)
    while pending:
        condition, place, depth = pending.pop()
        kind = condition.get("Type") if isinstance(condition, Mapping) else None
        if not isinstance(condition, Mapping) or not isinstance(kind, str) or kind not in CONDITIONS:
            near = did_you_mean(kind, CONDITIONS) if isinstance(kind, str) else ""
            message = f"{described(kind)} is no type of a condition.{near}"
            findings.error("condition", f"{place}.Type", message, f"one of {', '.join(sorted(CONDITIONS))}", step)
            continue
        needed = CONDITIONS[kind]
        for member in sorted(needed - set(condition)):
            findings.error("condition", place, f"A condition {kind!r} needs {member!r}.", "", step)
        for member in sorted(str(each) for each in set(condition) - needed - {"Type"}):
            message = f"A condition {kind!r} has no member {member!r}.{did_you_mean(member, needed)}"
            findings.error(
                "condition", place + write_key(member), message, f"members: {', '.join(sorted(needed))}", step
            )
        if depth >= MAX_NESTING:
            message = f"Conditions lie deeper in one another than {MAX_NESTING} levels."
            findings.error("nested-too-deep", place, message, "", step)
        elif kind == "Not" and "Condition" in condition:
            pending.append((condition["Condition"], f"{place}.Condition", depth + 1))
        elif kind == "Or" and "Conditions" in condition:
            _push_conditions(condition["Conditions"], f"{place}.Conditions", depth + 1, step, findings, pending)
        else:
            _check_operands(condition, kind, place, step, findings)


def _push_conditions(
    conditions: object, path: str, depth: int, step: str, findings: Findings, pending: list[tuple[object, str, int]]
) -> None:
    if isinstance(conditions, list | tuple) and conditions:
        pending.extend((each, f"{path}[{index}]", depth) for index, each in enumerate(conditions))
    else:
        findings.error("condition", path, "It must be a list of at least one condition.", "", step)


def _check_operands(condition: Mapping[str, Any], kind: str, path: str, step: str, findings: Findings) -> None:
    for member in ("LeftValue", "RightValue", "QueryValue"):
        if member in condition:
            _check_operand(condition[member], f"{path}.{member}", step, findings)
    if kind == "In" and "Values" in condition:
        values = condition["Values"]
        if not isinstance(values, list | tuple) or not values:
            findings.error("condition", f"{path}.Values", "It must be a list of at least one value.", "", step)
            return
        for index, value in enumerate(values):
            _check_operand(value, f"{path}.Values[{index}]", step, findings)
    sides = [condition.get("LeftValue"), condition.get("RightValue")]
    if kind in COMPARISONS and not any(is_reference(side) for side in sides) and None not in sides:
        message = "Both sides are constants, so the outcome never changes."
        findings.warning("constant-condition", path, message, "", step)


def _check_operand(value: object, path: str, step: str, findings: Findings) -> None:
    if not (is_reference(value) or isinstance(value, str | int | float | bool)):
        message = f"Conditions compare texts, numbers, booleans and references, not {described(value)}."
        findings.error("condition", path, message, "", step)
