"""What each verb is wired to without explicit inputs, in its natural chain, and what it must not be wired to."""

from __future__ import annotations

from typing import Any

import pytest

from fluentpipe import (
    Hyperparameters,
    Pipeline,
    TrainingData,
    ValidationData,
)
from fluentpipe.errors import AmbiguousInput, UnwiredInput


def prepared() -> Any:
    return Pipeline("churn").load_data("s3://my-bucket/churn.csv", label="churn").preprocess()


def wired(pipe: Any, step: str) -> dict[str, str]:
    return {each.input: each.label for each in pipe.explain() if each.step == step}


PREPARED = {
    "training_data": "tabular_preprocessing.train_data",
    "validation_data": "tabular_preprocessing.validation_data",
    "preprocessing_model": "tabular_preprocessing.preprocessing_model",
}

# Chain -> the step that is looked at, and every input that it has.
WIRED: dict[str, tuple[Any, str, dict[str, str]]] = {
    "tune": (lambda: prepared().tune_xgboost(), "xgboost_tuning", PREPARED),
    "tune, on rows alone": (
        lambda: Pipeline("a").provide(TrainingData, "s3://bucket/t").tune_xgboost(),
        "xgboost_tuning",
        {"training_data": "s3://bucket/t"},
    ),
    "tune never takes hyperparameters, which would go over its ranges": (
        lambda: Pipeline("a").provide(TrainingData, "s3://bucket/t").provide(Hyperparameters, "s3://bucket/h").tune_xgboost(),
        "xgboost_tuning",
        {"training_data": "s3://bucket/t"},
    ),
    "evaluate what was tuned": (
        lambda: prepared().tune_xgboost().evaluate_performance(),
        "model_evaluation",
        {"model_artifacts": "xgboost_tuning.model_artifacts", "test_data": "tabular_preprocessing.test_data"},
    ),
    "register what was tuned": (
        lambda: prepared().tune_xgboost().evaluate_performance().register("g"),
        "model_registration",
        {
            "model_artifacts": "xgboost_tuning.model_artifacts",
            "evaluation_report": "model_evaluation.evaluation_report",
        },
    ),
}  # fmt: skip

# Chain -> what must not be wired in silence.
REFUSED: dict[str, tuple[Any, type[Exception], str]] = {
    "tune on raw data": (
        lambda: Pipeline("churn").load_data("s3://b-cket/x", label="y").tune_xgboost(),
        UnwiredInput,
        r"tune_xgboost needs TrainingData .*Did you mean `.preprocess\(\)`",
    ),
    "tune on validation rows": (
        lambda: Pipeline("a").provide(ValidationData, "s3://bucket/v").tune_xgboost(),
        UnwiredInput,
        "needs TrainingData",
    ),
    "evaluate one of two models": (
        lambda: prepared().train_xgboost().tune_xgboost().evaluate_performance(),
        AmbiguousInput,
        "'model_artifacts' of step 'model_evaluation' fits 2 outputs equally well",
    ),
}


@pytest.mark.parametrize(("chain", "step", "expected"), WIRED.values(), ids=WIRED)
def test_a_step_takes_what_it_should_and_nothing_else(chain: Any, step: str, expected: dict[str, str]) -> None:
    pipe = chain()
    assert wired(pipe, step) == expected
    pipe.materialize()


@pytest.mark.parametrize(("chain", "error", "said"), REFUSED.values(), ids=REFUSED)
def test_what_does_not_fit_is_refused(chain: Any, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        chain()
