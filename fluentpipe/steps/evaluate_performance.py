"""`evaluate_performance`: the metrics of a model on rows that it has not seen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from fluentpipe.contract import DependencySpec, OutputSpec, StepContract
from fluentpipe.jobs import ProcessingStep
from fluentpipe.kinds import EvaluationReport, ModelArtifacts, Predictions, TestData
from fluentpipe.steps.load_data import CONTAINERS
from fluentpipe.steps.model_sources import READABLE


class ModelEvaluation(ProcessingStep):
    """Score a model on the test rows and report the metrics of its task.

    `evaluation.json` has the layout of SageMaker's model quality, and beside it the block `metrics` of plain numbers that
    gates read, the same for every task; `curves.json` has the curves as data.

    Example:
        from fluentpipe import Pipeline

        data = Pipeline("churn").load_data("churn.csv", label="churn").preprocess()
        run = data.train_xgboost().evaluate_performance().run()
        print(run.metrics["auc"])
    """

    contract = StepContract(
        step_type="ModelEvaluation",
        verb="evaluate_performance",
        dependencies=(
            DependencySpec(
                "model_artifacts",
                ModelArtifacts,
                compatible_sources=READABLE,
                semantic_keywords=("model", "artifacts"),
                description="The model.",
            ),
            DependencySpec(
                "test_data",
                TestData,
                compatible_sources=("TabularPreprocessing",),
                job_types=("testing", "training", ""),
                semantic_keywords=("test", "data"),
                description="Rows that the model has not learned from.",
            ),
        ),
        outputs=(
            OutputSpec(
                "evaluation_report",
                EvaluationReport,
                "ProcessingOutputConfig.Outputs['evaluation_report'].S3Output.S3Uri",
                "evaluation.json and curves.json.",
                property_file="evaluation.json",
                aliases=("metrics", "report"),
            ),
            OutputSpec(
                "predictions",
                Predictions,
                "ProcessingOutputConfig.Outputs['predictions'].S3Output.S3Uri",
                "The scored rows as Parquet.",
            ),
        ),
    )
    framework = ""  # that of the model
    script = CONTAINERS / "evaluate.py"
    flags: ClassVar[Mapping[str, str]] = {
        "model_artifacts": "model",
        "test_data": "test",
        "evaluation_report": "output",
    }
