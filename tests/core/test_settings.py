"""Settings: types, limits, other names, references, and all faults at once."""

from __future__ import annotations

import datetime
import enum
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pytest
import xgboost
from hypothesis import given, strategies as st

from fluentpipe import Parameter, Pipeline, setting
from fluentpipe.containers.hyperparameters import ALLOWED_OBJECTIVES
from fluentpipe.errors import SettingError
from fluentpipe.settings import Setting, seconds
from fluentpipe.steps import XGBoostTraining


def bound(annotation: Any, default: Any = None, **facts: Any) -> Setting:
    made: Setting = setting(default, **facts)
    made.bind(annotation, str(annotation))
    return made


class Colour(str, enum.Enum):
    RED = "red"


ACCEPTED = [
    (int, 3, 3),
    (int, np.int64(3), 3),
    (int, enum.IntEnum("Number", {"A": 3}).A, 3),  # type: ignore[attr-defined]  # an enum made by a call
    (float, 3, 3.0),
    (float, np.float64(0.5), 0.5),
    (float, np.float32(0.5), 0.5),
    (str, np.str_("a"), "a"),
    (str, Colour.RED, "red"),
    (bool, np.bool_(True), True),
    (int | None, None, None),
    (float | None, 2, 2.0),
    (str | int, "a", "a"),
    (str | int, 5, 5),
    (Literal["a", "b"], "a", "a"),
    (Literal["a", 1] | None, None, None),
    (Sequence[str], ["a", "b"], ("a", "b")),
    (Sequence[str], np.array(["a", "b"]), ("a", "b")),
    (Sequence[int], {3, 1}, (1, 3)),
    (list[float], (1, 2), (1.0, 2.0)),
    (Sequence[Sequence[str]], [["a"], ["b", "c"]], (("a",), ("b", "c"))),
    (Mapping[str, int], {"a": np.int64(1)}, {"a": 1}),
    (Mapping[str, Any], {"a": np.array([1, 2]), "b": None, "c": {"d": True}}, {"a": (1, 2), "b": None, "c": {"d": True}}),
    (Any, 5, 5),
]  # fmt: skip


@pytest.mark.parametrize(("annotation", "value", "kept"), ACCEPTED, ids=repr)
def test_values_are_kept_as_plain_ones_of_their_type(annotation: Any, value: Any, kept: Any) -> None:
    found = bound(annotation).validated(value)
    assert found == kept
    assert type(found) is type(kept)


REFUSED = [
    (int, "3", "must be int, not '3' (str)"),
    (int, 3.0, "must be int, not 3.0 (float)"),
    (int, True, "must be int, not True (bool)"),
    (int, None, "must be int, not None (NoneType)"),
    (float, "x", "must be float, not 'x' (str)"),
    (float, True, "must be float, not True (bool)"),
    (float, float("nan"), "must be a finite number, not nan"),
    (float, float("inf"), "must be a finite number, not inf"),
    (bool, 1, "must be bool, not 1 (int)"),
    (str, 5, "must be str, not 5 (int)"),
    (int | None, "x", "must be int, not 'x' (str)"),
    (str | int, 0.5, "must be str or int, not 0.5 (float)"),
    (Literal["a", "b"], "c", "must be one of 'a', 'b', not 'c'"),
    (Literal["a", "b"], ["a"], "must be one of 'a', 'b', not ['a']"),
    (Literal["a", "b"], np.array(["a", "b"]), "must be one of 'a', 'b', not array"),
    (Sequence[str], "abc", "must be a list, not 'abc' (str)"),
    (Sequence[str], [1], "must be str, not 1 (int)"),
    (Mapping[str, int], ["a"], "must be a mapping with names as keys, not ['a'] (list)"),
    (Mapping[str, int], {1: 1}, "must be a mapping with names as keys"),
    (Mapping[str, Any], {"a": {1}}, "must hold text, numbers, truth values, lists and mappings, not {1} (set)"),
    (Mapping[str, Any], {"a": [float("nan")]}, "must be a finite number, not nan"),
]


@pytest.mark.parametrize(("annotation", "value", "message"), REFUSED, ids=repr)
def test_values_of_another_type_are_refused(annotation: Any, value: Any, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        bound(annotation).validated(value)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("limits", "good", "bad", "message"),
    [
        ({"ge": 0}, 0, -1, "must be >= 0, not -1"),
        ({"gt": 0, "unit": "GiB"}, 1, 0, "must be > 0 GiB, not 0"),
        ({"le": 5}, 5, 6, "must be <= 5, not 6"),
        ({"lt": 5}, 4, 5, "must be < 5, not 5"),
        ({"choices": (1, 2)}, 2, 3, "must be one of 1, 2, not 3"),
    ],
)
def test_limits_hold_for_values_and_for_the_items_of_lists(limits: Any, good: int, bad: int, message: str) -> None:
    for annotation, wrap in ((int, lambda x: x), (Sequence[int], lambda x: [x])):
        assert bound(annotation, **limits).validated(wrap(good)) is not None
        with pytest.raises(ValueError) as caught:
            bound(annotation, **limits).validated(wrap(bad))
        assert str(caught.value) == message


REFERENCES = [
    (int, Parameter("p", 1), True),
    (int, Parameter("p", 0.5), False),
    (float, Parameter("p", 1), True),
    (float, Parameter("p", 0.5), True),
    (str, Parameter("p", "x"), True),
    (str, Parameter("p", 1), False),
    (bool, Parameter("p", True), True),
    (int | None, Parameter("p", 1), True),
    (Literal["a", "b"], Parameter("p", "a"), True),
    (Literal["a", "b"], Parameter("p", 1), False),
    (Any, Parameter("p", 1), True),
    (Sequence[str], Parameter("p", "x"), False),
    (Mapping[str, str], Parameter("p", "x"), False),
]


@pytest.mark.parametrize(("annotation", "reference", "fits"), REFERENCES, ids=repr)
def test_references_are_taken_by_type(annotation: Any, reference: Any, fits: bool) -> None:
    if fits:
        assert bound(annotation).validated(reference) is reference
    else:
        with pytest.raises(ValueError, match=r"takes .*, but <reference parameters.p> is"):
            bound(annotation).validated(reference)


def test_a_reference_is_refused_where_the_value_must_be_known() -> None:
    with pytest.raises(ValueError, match="must be known while the pipeline is written"):
        bound(int, reference=False).validated(Parameter("p", 1))


def test_references_in_text_and_in_collections_are_found() -> None:
    parameter = Parameter("p", "x")
    assert bound(str).validated(f"{parameter}") is parameter
    assert bound(Sequence[str]).validated([f"{parameter}", "a"])[0] is parameter
    assert bound(Mapping[str, str]).validated({"a": f"{parameter}"})["a"] is parameter


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("4 hours", 14400),
        ("4h", 14400),
        ("1h 30m", 5400),
        ("1 hour, 30 minutes", 5400),
        ("1 hour and 30 min", 5400),
        ("1.5 hours", 5400),
        ("2 days", 172800),
        ("1 week", 604800),
        ("90 s", 90),
        ("90 SECONDS", 90),
        (90, 90),
        (90.2, 91),
        (datetime.timedelta(minutes=3), 180),
    ],
)
def test_durations_as_people_write_them(text: Any, expected: int) -> None:
    assert seconds(text) == expected


@pytest.mark.parametrize(
    "text", ["", "4", "four hours", "4 fortnights", "hours", "4 hours!", True, None, [1], "1h x 2m"]
)
def test_what_is_no_duration_is_refused(text: Any) -> None:
    with pytest.raises(ValueError, match="must be a duration such as '4 hours'"):
        seconds(text)


@pytest.mark.parametrize("text", [0, -5, "0 hours", float("inf"), float("nan"), datetime.timedelta(0)])
def test_a_duration_is_at_least_a_second(text: Any) -> None:
    with pytest.raises(ValueError, match="at least one second"):
        seconds(text)


@given(st.integers(1, 10**6), st.sampled_from(["s", "seconds", "min", "minutes", "h", "hours", "d", "days"]))
def test_durations_scale_with_their_unit(number: int, unit: str) -> None:
    assert seconds(f"{number} {unit}") == number * seconds(f"1 {unit}")
    assert seconds(seconds(f"{number}{unit}")) == seconds(f"{number} {unit}")


class TestVerbs:
    pipe: Any = Pipeline("a").load_data("s3://bucket/x", label="y").preprocess()

    def test_all_faults_are_in_one_error_with_the_nearest_name(self) -> None:
        with pytest.raises(SettingError) as caught:
            self.pipe.train_xgboost(max_detph=3, eta="x", n_estimators=0, subsample=0)
        assert caught.value.faults == (  # type: ignore[attr-defined]  # facts are attributes
            "max_detph: there is no such setting. Did you mean 'max_depth'?",
            "eta: must be float, not 'x' (str)",
            "n_estimators: must be >= 1, not 0",
            "subsample: must be > 0, not 0.0",
        )

    def test_other_names_set_the_same_setting(self) -> None:
        step = self.pipe.train_xgboost(n_estimators=7, learning_rate=0.2, random_state=3).steps[-1]
        assert (step.num_round, step.eta, step.seed) == (7, 0.2, 3)
        assert step == self.pipe.train_xgboost(num_boost_round=7, eta=0.2, seed=3).steps[-1]

    def test_two_names_of_one_setting_are_not_both_given(self) -> None:
        with pytest.raises(SettingError, match="num_round: n_estimators is the same setting, and is given too"):
            self.pipe.train_xgboost(n_estimators=7, num_round=8)

    def test_a_required_setting_is_asked_for(self) -> None:
        with pytest.raises(SettingError, match="source: must be given"):
            Pipeline("a").load_data()
        with pytest.raises(SettingError, match="group: must be given"):
            self.pipe.train_xgboost().register()

    def test_unset_settings_read_as_their_default_and_are_not_given(self) -> None:
        step = self.pipe.train_xgboost(max_depth=3).steps[-1]
        assert dict(step.given) == {"max_depth": 3}
        assert step.eta == 0.05
        assert step.gamma is None

    def test_further_parameters_cannot_be_settings_of_their_own(self) -> None:
        with pytest.raises(SettingError, match=r"lambda.*reg_lambda"):
            self.pipe.train_xgboost(parameters={"lambda": 2})
        with pytest.raises(SettingError, match="max_depth"):
            self.pipe.train_xgboost(max_depth=3, parameters={"max_depth": 5})

    def test_a_parameter_may_be_the_source_of_the_data(self) -> None:
        parameter = Parameter("rows", "s3://bucket/rows.csv")
        pipe = Pipeline("a").load_data(parameter, label="y")
        assert [*pipe.parameters] == ["rows"]
        assert pipe.parameters["rows"] is parameter
        with pytest.raises(SettingError, match="a source that is int"):
            Pipeline("a").load_data(Parameter("rows", 5), label="y")

    def test_a_source_that_is_malformed_behind_a_parameter_is_refused_at_the_call(self) -> None:
        with pytest.raises(SettingError, match="no usable S3 URI"):
            Pipeline("a").load_data(Parameter("rows", "s3://bucket//x"), label="y")


def test_the_objectives_that_are_taken_are_those_that_the_program_takes() -> None:
    allowed = {each for objectives in ALLOWED_OBJECTIVES.values() for each in objectives}
    assert {*XGBoostTraining.settings["objective"].choices} == {"auto", *allowed}


@pytest.mark.parametrize("metric", ["auto", "auc", "error@0.7", "ndcg@5-", "map-", "tweedie-nloglik@1.5"])
def test_a_metric_has_the_name_that_xgboost_knows(metric: str) -> None:
    assert XGBoostTraining(eval_metric=metric).given["eval_metric"] == metric
    if metric != "auto":
        rows = xgboost.DMatrix(np.array([[0.0], [1.0]]), label=[1, 0] if "@1.5" not in metric else [1, 2])
        parameters = {"eval_metric": metric, "objective": "binary:logistic" if "@1.5" not in metric else "reg:tweedie"}
        xgboost.train(parameters, rows, 1, evals=[(rows, "rows")], verbose_eval=False)  # raises for an unknown one
