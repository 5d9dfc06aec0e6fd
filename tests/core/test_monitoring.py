"""`baseline` and `check_drift`: their requests, and the gate of the check."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from fluentpipe import Parameter, Pipeline, Predictions, RawData
from fluentpipe.errors import DefinitionError, SettingError

from .test_materialize import HERE, masked, named


def loaded() -> Any:
    return Pipeline("churn").load_data("s3://my-bucket/churn.csv", label="churn")


def test_the_definition_of_a_monitoring(golden: Callable[[str, str], None]) -> None:
    pipe = loaded().baseline().check_drift(rows=Parameter("month", "s3://my-bucket/march"), fail_on_drift=True)
    definition = pipe.materialize(**HERE)
    steps = [named(definition.document)[name] for name in ("data_baseline", "drift_check", "drift_check_gate")]
    golden("monitoring.json", masked(definition, steps))


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


CHECKS = (
    *("data_quality_check_rows", "data_quality_check", "data_bias_check", "model_quality_check_rows"),
    *("model_quality_check", "model_bias_check", "explainability_check", "model_registration"),
)


def test_the_definition_of_the_service_s_checks(golden: Callable[[str, str], None]) -> None:
    pipe = loaded().check_quality(group="churn-models", skip_check=Parameter("first", default=True), cache=True)
    pipe = pipe.check_bias("gender", positive="No").preprocess().train_xgboost().evaluate_performance()
    pipe = pipe.check_model_quality("binary", positive_class="Yes", group="churn-models").create_model()
    pipe = pipe.check_model_bias({"gender": "Female"}, positive="No").check_explainability().register("churn-models")
    definition = pipe.materialize(**HERE)
    steps = [named(definition.document)[name] for name in CHECKS]
    configs = [
        json.loads(each.files["analysis_config.json"])
        for each in definition.assets
        if "analysis_config.json" in each.files
    ]
    golden("checks.json", masked(definition, {"steps": steps, "configurations": configs}))


@pytest.mark.parametrize(
    ("given", "skip", "renew"),
    [
        ({}, True, True),
        ({"group": "g"}, False, False),
        ({"group": "g", "skip_check": True, "register_new_baseline": True}, True, True),
        ({"baseline": "s3://my-bucket/before"}, False, False),
    ],
)
def test_a_check_with_nothing_to_compare_with_makes_the_first_baseline(
    given: dict[str, Any], skip: bool, renew: bool
) -> None:
    step = named(loaded().check_quality(**given).materialize(**HERE).document)["data_quality_check"]
    assert (step["SkipCheck"], step["RegisterNewBaseline"]) == (skip, renew)


def test_rows_that_model_monitor_reads_are_not_written_again() -> None:
    def steps(rows: Any) -> list[str]:
        empty: Any = Pipeline("a")
        return [each["Name"] for each in empty.check_quality(rows=rows).materialize(**HERE).document["Steps"]]

    alone = ["data_quality_check"]
    assert steps("s3://my-bucket/a.csv") == steps(Parameter("rows", "s3://my-bucket/a.jsonl")) == alone
    for place in (
        "s3://my-bucket/a.parquet",
        "s3://my-bucket/a.csv.gz",
        "s3://my-bucket/rows",
        Parameter("rows", type=str),
    ):
        assert steps(place) == ["data_quality_check_rows", *alone]


MISUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "nothing to compare with": (lambda: loaded().check_quality(skip_check=False), "has nothing to compare with"),
    "half of a baseline": (lambda: loaded().check_quality(baseline_statistics="s3://b-cket/s"), "has one of them"),
    "a measure that there is not": (
        lambda: loaded().check_bias("gender", positive="No", metrics=["DLP"]),
        "'DLP' is unknown. Did you mean 'LP'",
    ),
    "a group of nothing": (lambda: loaded().check_bias({}, positive="No"), "facet: must be a column"),
    "no outcome": (lambda: loaded().check_bias("gender"), "positive: must be given"),
    "rows that Clarify does not read": (
        lambda: Pipeline("a").provide(RawData, "s3://b-cket/a.jsonl").check_bias("gender", positive="No", label="y"),
        "rows are application/jsonlines",
    ),
    "a label that nothing says": (
        lambda: Pipeline("a").provide(RawData, "s3://b-cket/a.csv").check_bias("gender", positive="No"),
        "has to know the label",
    ),
    "rows that are numbers already": (
        lambda: (pipe := loaded().preprocess()).check_bias(
            "gender", positive="No", rows=pipe.outputs.tabular_preprocessing.train_data
        ),
        "takes rows as they came, but .* is TrainingData",
    ),
    "a threshold of three classes": (
        lambda: Pipeline("a").provide(Predictions, "s3://b-cket/p").check_model_quality("multiclass", threshold=0.5),
        "is for two classes: threshold",
    ),
    "a model that is out of reach": (
        lambda: loaded().check_explainability(model_name="churn", network_isolation=True),
        "cannot ask its model",
    ),
}


@pytest.mark.parametrize(("make", "said"), MISUSED.values(), ids=MISUSED)
def test_a_check_that_cannot_work_is_told(make: Callable[[], Any], said: str) -> None:
    with pytest.raises((SettingError, DefinitionError), match=said):
        make().materialize(**HERE)
