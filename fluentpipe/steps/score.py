"""`score`: a prediction for each row, in a processing job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

from fluentpipe.contract import DependencySpec, OutputSpec, StepContract
from fluentpipe.jobs import ProcessingStep
from fluentpipe.kinds import ModelArtifacts, Predictions, RawData, TestData
from fluentpipe.settings import setting
from fluentpipe.steps.load_data import CONTAINERS
from fluentpipe.steps.model_sources import READABLE


class ModelScoring(ProcessingStep):
    """Score rows with a model: raw rows in, predictions out, calibrated where the model is, in the order of the rows.

    `predictions.parquet` (or `.csv`) has the columns that tell which row it is, the `prediction`, and the `probability` of the
    positive class or, for several classes, `probability_<class>`. Rows are read a part at a time, so that files of any size fit into
    the memory of a small instance. Of data that `load_data` has split, the test rows are scored; new rows are given
    explicitly.

    Example:
        from fluentpipe import Pipeline

        pipe = Pipeline("churn").load_data("churn.csv", label="churn").preprocess().train_xgboost()
        run = pipe.score(rows="churn.csv", output_format="csv").run()
        print(run.outputs.model_scoring.predictions.value())
    """

    contract = StepContract(
        step_type="ModelScoring",
        verb="score",
        dependencies=(
            DependencySpec(
                "model_artifacts",
                ModelArtifacts,
                compatible_sources=READABLE,
                semantic_keywords=("model", "artifacts"),
                description="The model, with its preprocessing in it.",
            ),
            DependencySpec(
                "rows",
                (RawData, TestData),
                compatible_sources=("DataLoading",),
                semantic_keywords=("raw", "data", "rows"),
                aliases=("data",),
                job_types=("testing", "training", ""),
                description="CSV or Parquet, raw, with a header; or rows that preprocess wrote.",
            ),
        ),
        outputs=(
            OutputSpec(
                "predictions",
                Predictions,
                "ProcessingOutputConfig.Outputs['predictions'].S3Output.S3Uri",
                "predictions.parquet or predictions.csv.",
            ),
        ),
    )
    framework = ""  # that of the model
    script = CONTAINERS / "score.py"
    flags: ClassVar[Mapping[str, str]] = {"model_artifacts": "model"}

    id_columns: Sequence[str] | None = setting(
        None, doc="Columns that go with the predictions; by default all that the model neither uses nor predicts."
    )
    output_format: Literal["parquet", "csv"] = setting("parquet", doc="Format of the predictions.")
