"""`preprocess`: typed columns, learned on the training rows only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

from fluentpipe.contract import DependencySpec, OutputSpec, StepContract
from fluentpipe.jobs import ProcessingStep
from fluentpipe.kinds import PreprocessingModel, RawData, TestData, TrainingData, ValidationData
from fluentpipe.settings import setting
from fluentpipe.steps.load_data import CONTAINERS

_PATH = "ProcessingOutputConfig.Outputs['{}'].S3Output.S3Uri"


class TabularPreprocessing(ProcessingStep):
    """Turn raw columns into numbers and categories that a learner of trees takes.

    What it learns (the categories, which are rare, which columns say nothing) it learns from the training rows only, and
    keeps as JSON, so that the same transformation serves at inference. Data that is not split yet is split first.

    Example:
        from fluentpipe import Pipeline

        pipe = Pipeline("churn").load_data("churn.csv", label="churn").preprocess(min_frequency=20)
        pipe.run()
    """

    contract = StepContract(
        step_type="TabularPreprocessing",
        verb="preprocess",
        default_verb="preprocess_with_defaults",
        dependencies=(
            DependencySpec(
                "raw_data",
                RawData,
                compatible_sources=("DataLoading",),
                semantic_keywords=("raw", "data"),
                description="Rows as they came, split or not.",
            ),
            DependencySpec(
                "fitted_preprocessing",
                PreprocessingModel,
                required=False,
                compatible_sources=("TabularPreprocessing",),
                job_types=("training", ""),
                only_for=("validation", "testing", "calibration"),
                semantic_keywords=("preprocessing", "model"),
                description="A transformation to apply, instead of learning one: with a job type, that of the training.",
            ),
        ),
        outputs=(
            OutputSpec("train_data", TrainingData, _PATH.format("train_data"), "Rows to learn from.", aliases=("training_data", "processed_data")),
            OutputSpec("validation_data", ValidationData, _PATH.format("validation_data"), "Rows for early stopping."),
            OutputSpec("test_data", TestData, _PATH.format("test_data"), "Rows that nothing has learned from."),
            OutputSpec(
                "preprocessing_model", PreprocessingModel, _PATH.format("preprocessing_model"),
                "The learned transformation: preprocessing.json.",
            ),
        ),
    )  # fmt: skip
    script = CONTAINERS / "preprocess.py"
    flags: ClassVar[Mapping[str, str]] = {
        "raw_data": "input",
        "train_data": "train_output",
        "validation_data": "validation_output",
        "test_data": "test_output",
        "preprocessing_model": "model_output",
    }

    min_frequency: int | float = setting(
        5,
        gt=0,
        doc="Categories rarer than this (a count, or below 1 a share of the training rows) are pooled into one.",
    )
    max_categories: int = setting(255, ge=2, doc="Categories kept per column; the rest are pooled into one.")
    drop_columns: Sequence[str] | None = setting(None, doc="Columns to leave out.")
    keep_columns: Sequence[str] | None = setting(
        None, doc="Columns never dropped, though they look constant or like an id."
    )
    drop_id_columns: bool = setting(True, doc="Whether to leave out columns that only number or name the rows.")
    label: str | None = setting(None, doc="Name of the column to predict, where the data is not split yet.")
    task: Literal["auto", "binary", "multiclass", "regression"] = setting(
        "auto", doc="What to learn, where the data is not split yet."
    )
    validation_split: float = setting(0.15, ge=0, lt=1, doc="Share for validation, where the data is not split yet.")
    test_split: float = setting(0.2, ge=0, lt=1, doc="Share for the test, where the data is not split yet.")
    seed: int = setting(0, ge=0, doc="Of the random split, where the data is not split yet.")
    time_column: str | None = setting(None, doc="Split by time, where the data is not split yet.")
