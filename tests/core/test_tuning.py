"""`tune_xgboost`: its request, and what it says of searches that cannot work."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, strategies as st

from fluentpipe import Categorical, Continuous, Integer, Parameter, Pipeline
from fluentpipe.errors import SettingError
from fluentpipe.ranges import plain, range_of

from .test_materialize import HERE, masked, named


def prepared() -> Any:
    return Pipeline("churn").load_data("s3://my-bucket/churn.csv", label="churn").preprocess()


def request(pipe: Any, name: str = "xgboost_tuning") -> dict[str, Any]:
    return dict(named(pipe.materialize(**HERE).document)[name])


def test_the_definition_of_a_tuning(golden: Callable[[str, str], None]) -> None:
    pipe = prepared().tune_xgboost(
        {"max_depth": (3, 10), "eta": (0.01, 0.3, "log"), "grow_policy": ["depthwise", "lossguide"]},
        metric="auc",
        max_trials=30,
        subsample=0.9,
        patience=10,
    )
    definition = pipe.register("churn-models").materialize(**HERE)
    steps = [named(definition.document)[name] for name in ("xgboost_tuning", "model_registration")]
    golden("tuning.json", masked(definition, steps))


def test_settings_are_what_stays_the_same_and_ranges_what_is_searched() -> None:
    definition = request(prepared().tune_xgboost(max_depth=4, reg_lambda=Parameter("l2", 1.0)))["Arguments"]
    ranges = definition["HyperParameterTuningJobConfig"]["ParameterRanges"]
    assert [each["Name"] for each in ranges["ContinuousParameterRanges"]] == [
        "eta", "min_child_weight", "subsample", "colsample_bytree",
    ]  # fmt: skip
    static = definition["TrainingJobDefinition"]["StaticHyperParameters"]
    assert static["max_depth"] == "4"
    assert static["lambda"] == {"Std:Join": {"On": "", "Values": [{"Get": "Parameters.l2"}]}}
    assert not {"eta", "ranges", "metric", "strategy", "max_trials"} & static.keys()


def test_a_setting_is_searched_under_the_name_that_the_program_knows() -> None:
    definition = request(prepared().tune_xgboost({"reg_alpha": (0.1, 1.0), "learning_rate": (0.1, 0.2)}))["Arguments"]
    ranges = definition["HyperParameterTuningJobConfig"]["ParameterRanges"]["ContinuousParameterRanges"]
    assert [each["Name"] for each in ranges] == ["alpha", "eta"]
    assert not {"alpha", "eta"} & definition["TrainingJobDefinition"]["StaticHyperParameters"].keys()


def test_a_required_training_time_limits_the_search() -> None:
    pipe = prepared().tune_xgboost().evaluate_performance().require(min_auc=0.8, max_training_time="1h")
    definition = request(pipe)["Arguments"]
    assert definition["HyperParameterTuningJobConfig"]["ResourceLimits"]["MaxRuntimeInSeconds"] == 3600
    assert definition["TrainingJobDefinition"]["StoppingCondition"] == {"MaxRuntimeInSeconds": 3600}


MISTAKES: dict[str, tuple[dict[str, Any], str]] = {
    "a misspelt name": ({"ranges": {"max_dept": (3, 10)}}, "max_dept: there is no such setting. Did you mean 'max_depth'?"),
    "outside of its limits": ({"ranges": {"eta": (0.1, 3.0)}}, "eta: must be <= 1, not 3.0"),
    "no whole numbers": ({"ranges": {"max_depth": (0.5, 3)}}, "max_depth: takes whole numbers: Integer(0.5, 3)"),
    "in the wrong order": ({"ranges": {"max_depth": (9, 3)}}, "low must be less than high, not 9 and 3"),
    "logarithmic from 0": ({"ranges": {"gamma": (0.0, 3.0, "log")}}, "must begin above 0, not at 0.0"),
    "no range": ({"ranges": {"gamma": 3}}, "gamma: is no range: 3; write Integer(3, 10)"),
    "an unknown choice": ({"ranges": {"grow_policy": ["deepwise"]}}, "must be one of 'depthwise', 'lossguide'"),
    "a choice twice": ({"ranges": {"max_depth": [3, 3]}}, "holds a value twice"),
    "twice by two names": ({"ranges": {"eta": (0.1, 0.2), "learning_rate": (0.1, 0.2)}}, "learning_rate: is given twice"),
    "nothing": ({"ranges": {}}, "there is none to search"),
    "the seed": ({"ranges": {"seed": (1, 9)}}, "seed: is nothing to be tuned"),
    "a range and a value": ({"ranges": {"eta": (0.1, 0.2)}, "eta": 0.1}, "eta: has a range and a value"),
    "a grid of numbers": ({"ranges": {"eta": (0.1, 0.2)}, "strategy": "Grid"}, "Grid takes Categorical ranges alone; eta"),
    "an unknown metric": ({"metric": "acu"}, "there is no metric 'acu'. Did you mean 'auc'?"),
    "a metric of one's own without a direction": ({"metric": "m", "metric_regex": "m=(.*)"}, "direction: must be given"),
    "a regex without a group": (
        {"metric": "m", "metric_regex": "m=.*", "direction": "Minimize"}, "has no group in ( ) that is the number",
    ),
    "a regex that is none": (
        {"metric": "m", "metric_regex": "m=(", "direction": "Minimize"}, "is no regular expression",
    ),
    "early stopping of what is told at the end": ({"early_stopping": True}, "'loss' is told at their end"),
    "early stopping of folds": ({"early_stopping": True, "metric": "validation-logloss"}, "n_folds: early_stopping"),
    "a metric that is not computed": ({"metric": "validation-auc"}, "give eval_metric='auc'"),
    "hyperband's resources elsewhere": ({"min_resource": 2}, "are for strategy='Hyperband'"),
    "more at once than there are": ({"max_trials": 2, "max_parallel_trials": 3}, "3 cannot run at once"),
}  # fmt: skip


@pytest.mark.parametrize(("values", "said"), MISTAKES.values(), ids=MISTAKES)
def test_a_search_that_cannot_work_says_why(values: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingError) as caught:
        prepared().tune_xgboost(**values)
    assert said in str(caught.value)


GOOD = {
    "grid": {"ranges": {"max_depth": [2, 3]}, "strategy": "Grid"},
    "hyperband": {"strategy": "Hyperband", "metric": "validation-logloss", "n_folds": 0, "min_resource": 1, "max_resource": 9},
    "early stopping": {"early_stopping": True, "metric": "validation-auc", "eval_metric": "auc", "n_folds": 0},
    "own metric": {"metric": "gain", "metric_regex": r"gain=([0-9.]+)", "direction": "Maximize"},
    "one trial": {"max_trials": 1},
    "as many as the run says": {"max_trials": Parameter("trials", 5), "max_parallel_trials": Parameter("at_once", 2)},
    "all that a job can have": {
        "use_spot": True, "checkpoint_s3_uri": "s3://my-bucket/checkpoints", "tags": {"team": "growth"}, "volume_kms_key": "key",
        "output_kms_key": "key", "network_isolation": True, "encrypt_traffic": True, "environment": {"A": "b"}, "retry": 2,
        "vpc": {"subnets": ["subnet-1"], "security_groups": ["sg-1"]}, "cache": "P30D", "max_trial_runtime": 600,
    },
    "weeks": {"max_runtime": 15_768_000, "target_value": 0.3},
}  # fmt: skip


@pytest.mark.parametrize("values", GOOD.values(), ids=GOOD)
def test_the_service_s_model_takes_every_way_to_search(values: dict[str, Any]) -> None:
    definition = prepared().tune_xgboost(**values).materialize(**HERE)
    assert not [each for each in definition.diagnostics if each.severity == "error"]
    written = json.dumps(definition.document)
    assert all(word in written for word in ("growth", "subnet-1", "sg-1", "/checkpoints", '"A"') if "tags" in values)


numbers = st.floats(-1e6, 1e6)
some_ranges = st.one_of(
    st.builds(lambda low, span: Integer(low, low + span), st.integers(-99, 99), st.integers(1, 99)),
    st.builds(lambda low, span: Continuous(low, low + span, log=True), st.floats(0.001, 9), st.floats(0.1, 99)),
    st.builds(
        Categorical,
        st.lists(
            st.one_of(st.text(max_size=5), st.booleans()),
            min_size=1,
            max_size=9,
            unique_by=lambda choice: str(choice).lower(),
        ),
    ),
)


@given(some_ranges)
def test_a_range_is_the_same_after_it_was_plain_data(given: Any) -> None:
    assert range_of(json.loads(json.dumps(plain(given))), whole=False) == given


def test_a_step_is_the_same_after_its_ranges_were_written_and_read() -> None:
    step = prepared().tune_xgboost({"max_depth": Integer(3, 10), "eta": Continuous(0.1, 0.2)}).steps[-1]
    again = type(step)(step.name, ranges=json.loads(json.dumps(step.given["ranges"])))
    assert again == step


HYPERPARAMETERS: dict[str, tuple[dict[str, Any], str]] = {
    "a misspelt name": ({"max_dept": 3}, "there is no hyperparameter 'max_dept'. Did you mean 'max_depth'?"),
    "outside of its limits": ({"eta": 3}, "eta must be <= 1, not 3"),
    "of the wrong type": ({"max_depth": "deep"}, "max_depth must be int, not 'deep'"),
}


@pytest.mark.parametrize(("values", "said"), HYPERPARAMETERS.values(), ids=HYPERPARAMETERS)
def test_hyperparameters_that_the_training_would_not_take_are_refused(values: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingError) as caught:
        prepared().prepare_hyperparameters(values)
    assert said in str(caught.value)


def test_a_hyperparameter_may_be_decided_by_the_run() -> None:
    pipe = prepared().prepare_hyperparameters({"max_depth": Parameter("depth", 6)}).train_xgboost()
    words = request(pipe, "hyperparameter_preparation")["Arguments"]["AppSpecification"]["ContainerArguments"]
    assert {"Get": "Parameters.depth"} in words[words.index("--values") + 1]["Std:Join"]["Values"]
