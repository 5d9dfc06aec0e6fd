"""What the page says of a requirement is what the run decided."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import given, strategies as st

from fluentpipe.document import walk_steps
from fluentpipe.errors import RunError
from fluentpipe.report.evidence import Evaluation, Evidence
from fluentpipe.report.gates import requirements
from fluentpipe.run.conditions import judge
from fluentpipe.run.values import Values

from .folders import gate

WORDS = st.sampled_from(["true", "True", "1", "1.0", "0", "-2", "1e3", "much", ""])
VALUES = st.booleans() | st.integers(-3, 3) | st.floats(-3, 3) | WORDS
KINDS = st.sampled_from(["Equals", "GreaterThan", "GreaterThanOrEqualTo", "LessThan", "LessThanOrEqualTo"])


def _none(*asked: object) -> Path:
    raise AssertionError(f"no file is needed for {asked}")


def decided(condition: dict[str, Any]) -> bool | None:
    """By the run; None where it would end with an error."""
    try:
        return judge(condition, Values({}, {}, _none, _none)).holds
    except RunError:
        return None


def said(condition: dict[str, Any], left: Any) -> bool | None:
    """By the page."""
    branches = {"Conditions": [condition], "ElseSteps": [{"Name": "ends", "Type": "Fail"}]}
    document = {"Steps": [{"Name": "gate", "Type": "Condition", "Arguments": branches}]}
    manifest = {"steps": {"gate": {"status": "Succeeded"}}}
    evaluations = (Evaluation("evaluate", {"left": left}, {}),)
    (found,) = requirements(Evidence(Path(), manifest, tuple(walk_steps(document)), document, evaluations, (), ()))
    return found.holds


@given(KINDS, VALUES, VALUES)
def test_the_page_judges_a_comparison_as_the_run_does(kind: str, left: Any, right: Any) -> None:
    condition = gate("left", right, kind)
    assert said(condition, left) == decided({**condition, "LeftValue": left})


@given(VALUES, st.lists(VALUES, max_size=3))
def test_the_page_judges_a_membership_as_the_run_does(left: Any, values: list[Any]) -> None:
    condition = {"Type": "In", "QueryValue": gate("left", 0)["LeftValue"], "Values": values}
    assert said(condition, left) == decided({**condition, "QueryValue": left})
