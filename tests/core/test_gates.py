"""What a gate may require beyond its figures, and what it says when it is missed."""

import pytest

from fluentpipe import Parameter, Pipeline
from fluentpipe.errors import SettingError


def evaluated():
    chain = Pipeline("churn").load_data("s3://bucket/churn.csv", label="churn").preprocess()
    pipe = chain.train_xgboost(**{"lambda": 2}, alpha=0.5).evaluate_performance()
    return pipe, pipe.outputs.model_evaluation.evaluation_report


def gate(pipe):
    (found,) = [entry.request for entry in pipe.materialize().steps() if entry.type == "Condition"]
    return found["Arguments"]


def test_conditions_stand_beside_figures_and_their_parameters_are_declared() -> None:
    pipe, report = evaluated()
    pipe = pipe.require(
        (report.json("metrics.f1") >= Parameter("least", 0.5)) & (report.json("rows") > 100), min_auc=0.8
    )
    assert [each["Type"] for each in gate(pipe)["Conditions"]] == ["GreaterThanOrEqualTo"] * 2 + ["GreaterThan"]
    assert "least" in pipe.parameters
    assert gate(pipe)["ElseSteps"][0]["Arguments"]["ErrorMessage"] == (
        "Quality gate quality_gate failed; required: auc >= 0.8 and "
        "model_evaluation.evaluation_report.json('metrics.f1') >= parameters.least and "
        "model_evaluation.evaluation_report.json('rows') > 100"
    )


def test_what_follows_a_condition_alone_lies_under_it() -> None:
    pipe, report = evaluated()
    pipe = pipe.require(~(report.json("rows") < 10) | report.json("task").is_in(["binary"])).register("churn")
    assert [step["Name"] for step in gate(pipe)["IfSteps"]] == ["model_registration"]


def test_a_plain_truth_is_no_condition() -> None:
    pipe, _ = evaluated()
    with pytest.raises(SettingError, match="condition: must be Condition, not True"):
        pipe.require(True)


def test_xgboost_s_own_names_of_the_penalties_are_taken() -> None:
    pipe, _ = evaluated()
    training = next(step for step in pipe.steps if step.name == "xgboost_training")
    assert (training.reg_lambda, training.reg_alpha) == (2.0, 0.5)
