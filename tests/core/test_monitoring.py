"""`baseline` and `check_drift`: their requests, and the gate of the check."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from fluentpipe import Parameter, Pipeline
from fluentpipe.errors import SettingError

from .test_materialize import HERE, named


def loaded() -> Any:
    return Pipeline("churn").load_data("s3://my-bucket/churn.csv", label="churn")


def test_the_definition_of_a_monitoring(golden: Callable[[str, str], None]) -> None:
    pipe = loaded().baseline().check_drift(rows=Parameter("month", "s3://my-bucket/march"), fail_on_drift=True)
    definition = pipe.materialize(**HERE)
    steps = [named(definition.document)[name] for name in ("data_baseline", "drift_check", "drift_check_gate")]
    text = json.dumps(steps, indent=2) + "\n"
    for number, asset in enumerate((each for each in definition.assets if each.sha256 in text), start=1):
        text = text.replace(asset.sha256, f"<sha256 of asset {number}>")
    golden("monitoring.json", text)


def test_what_follows_a_failing_check_lies_under_its_gate() -> None:
    steps = loaded().baseline().check_drift(fail_on_drift=True).preprocess().materialize().document["Steps"]
    assert [step["Name"] for step in steps] == ["data_loading", "data_baseline", "drift_check", "drift_check_gate"]
    assert [step["Name"] for step in steps[-1]["Arguments"]["IfSteps"]] == ["tabular_preprocessing"]
    assert [step["Name"] for step in steps[-1]["Arguments"]["ElseSteps"]] == ["drift_check_failed"]


def test_a_check_that_only_reports_holds_up_nothing_and_conditions_read_it() -> None:
    pipe = loaded().baseline().check_drift().preprocess()
    assert "drift_check_gate" not in named(pipe.materialize().document)
    figure = pipe.outputs.drift_check.drift_report.json("metrics.max_psi")
    steps = named(pipe.require(figure <= 0.2).train_xgboost().materialize().document)
    (condition,) = steps["quality_gate"]["Arguments"]["Conditions"]
    assert condition["LeftValue"]["Std:JsonGet"]["Path"] == "metrics.max_psi"


@pytest.mark.parametrize(
    "given", [{"alpha": 0}, {"alpha": 1}, {"min_psi": -0.1}, {"split": "tset"}, {"fail_on_drif": True}]
)
def test_a_setting_that_makes_no_sense_is_named(given: dict[str, Any]) -> None:
    with pytest.raises(SettingError, match=f"{next(iter(given))}: "):
        loaded().baseline().check_drift(**given)
