"""`calibrate`: probabilities that come true as often as they say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from fluentpipe.contract import DependencySpec, OutputSpec, StepContract
from fluentpipe.jobs import ProcessingStep
from fluentpipe.kinds import CalibrationReport, ModelArtifacts, ValidationData
from fluentpipe.settings import setting
from fluentpipe.steps.load_data import CONTAINERS
from fluentpipe.steps.model_sources import TRAINED

_OUTPUT = "ProcessingOutputConfig.Outputs['{}'].S3Output.S3Uri"


class ModelCalibration(ProcessingStep):
    """Calibrate the probabilities of a model on rows that it did not learn from, never on test rows.

    The calibrated model takes the place of the one it was made from: what comes later evaluates and registers it. The decision
    threshold is chosen anew. By default the method is the one with the least log loss in five folds, "none" among them, so that a
    model that needs nothing is left as it is; isotonic is a candidate from 1000 rows on. Where the model is a mean of folds, which has
    learned from the validation rows too, it is judged by what each member said of its left-out fold.

    `calibration.json` has the expected calibration error, Brier score and log loss before and after, the latter of rows that
    the curve was not learned from.

    Example:
        from fluentpipe import Pipeline

        data = Pipeline("churn").load_data("churn.csv", label="churn").preprocess()
        run = data.train_xgboost().calibrate().evaluate_performance().run()
        print(run.outputs.model_calibration.calibration_report.json("after"), run.metrics["brier"])
    """

    contract = StepContract(
        step_type="ModelCalibration",
        verb="calibrate",
        dependencies=(
            DependencySpec(
                "model_artifacts",
                ModelArtifacts,
                compatible_sources=TRAINED,
                semantic_keywords=("model", "artifacts"),
                job_types=("training", ""),
                description="The model; its task is a choice among classes.",
            ),
            DependencySpec(
                "calibration_data",
                ValidationData,
                compatible_sources=("TabularPreprocessing",),
                semantic_keywords=("validation", "calibration", "data"),
                aliases=("validation_data",),
                job_types=("calibration", "validation", "training", ""),
                description="Preprocessed rows with labels, to learn the curve from.",
            ),
        ),
        outputs=(
            OutputSpec(
                "calibrated_model",
                ModelArtifacts,
                f"{{{_OUTPUT.format('calibrated_model')}}}/model.tar.gz",
                "model.tar.gz with the calibration in it.",
                aliases=("model_artifacts", "model"),
                replaces="model_artifacts",
            ),
            OutputSpec(
                "calibration_report",
                CalibrationReport,
                _OUTPUT.format("calibration_report"),
                "calibration.json: reliability before and after.",
                property_file="calibration.json",
            ),
        ),
    )
    framework = ""  # that of the model
    script = CONTAINERS / "calibrate.py"
    flags: ClassVar[Mapping[str, str]] = {
        "model_artifacts": "model",
        "calibration_data": "rows",
        "calibrated_model": "output",
        "calibration_report": "report",
    }

    method: Literal["auto", "isotonic", "platt", "beta"] = setting(
        "auto", doc="The curve; by default the best of five folds, or none."
    )
    seed: int = setting(0, ge=0, doc="Of the folds.")
