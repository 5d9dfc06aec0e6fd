"""`check_quality` and `check_model_quality`: the service's QualityCheck steps, done by Model Monitor's container."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from typing_extensions import override

from fluentpipe.contract import DependencySpec, OutputSpec, StepContract
from fluentpipe.errors import SettingError
from fluentpipe.expression import as_text
from fluentpipe.images import DEFAULT_XGBOOST, monitor_uri
from fluentpipe.jobs import processing_input, processing_output
from fluentpipe.kinds import Baseline, CheckFile, DataQuality, ModelQuality, Predictions, RawData, TrainingData
from fluentpipe.reference import PropertyReference
from fluentpipe.settings import setting
from fluentpipe.step import Inputs
from fluentpipe.steps.batch_transform import CSV, JSON, JSON_LINES, content_type_of
from fluentpipe.steps.checks import CheckStep, constraints
from fluentpipe.steps.load_data import CONTAINERS

if TYPE_CHECKING:
    from fluentpipe.target import Target

# What Model Monitor reads of what a name tells; the members are those of the SDK's DatasetFormat.
_FORMATS: Mapping[str, Mapping[str, Any]] = {
    CSV: {"csv": {"header": True}},
    JSON: {"json": {"lines": False}},
    JSON_LINES: {"json": {"lines": True}},
}
_PLACE = "/opt/ml/processing"
_DATASET = "baseline_dataset_input"

_STATISTICS = (
    OutputSpec("statistics", CheckFile, "CalculatedBaselineStatistics", "The figures: a JSON file."),
    OutputSpec(
        "used_statistics",
        CheckFile,
        "BaselineUsedForDriftCheckStatistics",
        "The figures that later executions compare with.",
    ),
)


class QualityStep(CheckStep):
    """A check by Model Monitor, which reads CSV with a header, and JSON, but no Parquet.

    Rows that it cannot read are written as CSV by a job of their own before it, `<name>_rows`.
    """

    sagemaker_type = "QualityCheck"

    baseline_statistics: str | None = setting(
        None, job=True, doc="S3 URI of the statistics to compare with; goes with baseline_constraints."
    )
    framework_version: str = setting(
        DEFAULT_XGBOOST, job=True, reference=False,
        doc="Version of SageMaker's XGBoost image, in which rows are written as CSV where they have to be.",
    )  # fmt: skip

    @override
    def validate(self) -> None:
        super().validate()
        if (self.baseline_statistics is None) != (self.baseline_constraints is None):
            raise SettingError(
                f"{self.contract.verb} {self.name!r} compares with statistics and constraints, and has one of them.",
                fix="baseline_statistics='s3://…/statistics.json', baseline_constraints='s3://…/constraints.json'",
            )

    @override
    def supplied(self, inputs: Inputs, target: Target) -> Mapping[str, Any]:
        return {"SuppliedBaselineStatistics": self.baseline_statistics, **super().supplied(inputs, target)}

    def rows(self, inputs: Inputs) -> Any:
        """Where the rows are that it looks at: its first input."""
        return inputs[self.contract.dependencies[0].name]

    def conversion(self) -> Iterator[Any]:
        """What the program is told that writes the rows as CSV."""
        yield from ()

    def analysis(self) -> Mapping[str, Any]:
        """What the container is told beside where the rows are, in its environment."""
        return {}

    @override
    def arguments(self, inputs: Inputs, target: Target) -> dict[str, Any]:
        rows = self.rows(inputs)
        told = _FORMATS.get(content_type_of(rows) or "")
        written = PropertyReference(self._writing, "ProcessingOutputConfig.Outputs['rows'].S3Output.S3Uri")
        environment = {
            **(self.environment or {}),
            "output_path": f"{_PLACE}/output",
            "publish_cloudwatch_metrics": "Disabled",  # which only schedules of monitoring may have
            "dataset_format": json.dumps(told or _FORMATS[CSV]),
            "dataset_source": f"{_PLACE}/input/{_DATASET}",
            **self.analysis(),
        }
        return self.processing_job(
            target.role,
            {"ImageUri": monitor_uri(target.region) if self.image_uri is None else self.image_uri},
            [processing_input(_DATASET, target.location(rows) if told else written)],
            [processing_output("quality_check_output", target.output(self.name, "output"), f"{_PLACE}/output")],
            environment,
        )

    @property
    def _writing(self) -> str:
        """The name of the step that writes the rows as CSV."""
        return f"{self.name}_rows"

    @override
    def requests(self, inputs: Inputs, target: Target, then: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        check = super().requests(inputs, target, then)
        rows = self.rows(inputs)
        if content_type_of(rows) in _FORMATS:
            return check
        cached = {key: value for key, value in check[0].items() if key == "CacheConfig"}
        return [{**self._write_rows(rows, target), **cached}, *check]

    def _write_rows(self, rows: Any, target: Target) -> dict[str, Any]:
        """The step that writes rows as CSV."""
        script = CONTAINERS / "write_csv.py"
        code, place, written = (f"{_PLACE}/{each}" for each in ("input/code", "input/rows", "output/rows"))
        application = {
            "ImageUri": target.image("xgboost", self.framework_version),
            "ContainerEntrypoint": ["python3", f"{code}/{script.name}"],
            "ContainerArguments": ["--rows", place, "--output", written, *self.conversion()],
        }
        inputs = [
            processing_input("rows", target.location(rows)),
            processing_input("code", target.code(target.program(script)), code),
        ]
        output = processing_output("rows", target.output(self._writing, "output", "rows"))
        arguments = self.processing_job(target.role, application, inputs, [output], self.environment)
        return {"Name": self._writing, "Type": "Processing", "Arguments": arguments}


class DataQualityCheck(QualityStep):
    """Check the quality of data on SageMaker: statistics of each column, and constraints that later data has to keep.

    A QualityCheck step, done by the container of Model Monitor: completeness, types, ranges and distributions, compared with those of
    a baseline. `baseline` before it is compared with; else what `group` has. Of data that `load_data` has split, the training rows
    are checked. It reads CSV and JSON; other rows are written as CSV by a job before it. `register` takes what it found.

    Here `baseline` and `check_drift` do the like; this step takes a function in its place.

    Example:
        from fluentpipe import Pipeline

        pipe = Pipeline("churn").load_data("churn.csv", label="churn").check_quality()
        found = {"CalculatedBaselineStatistics": "statistics.json", "CalculatedBaselineConstraints": "constraints.json"}
        pipe.run(stand_ins={"data_quality_check": lambda inputs: found})
    """

    contract = StepContract(
        step_type="DataQualityCheck",
        verb="check_quality",
        dependencies=(
            DependencySpec(
                "rows",
                (RawData, TrainingData),
                compatible_sources=("DataLoading",),
                semantic_keywords=("raw", "data", "rows"),
                aliases=("data",),
                job_types=("training", ""),
                description="Rows to check: CSV with a header, JSON, or Parquet.",
            ),
            DependencySpec(
                "baseline",
                Baseline,
                required=False,
                compatible_sources=("DataBaseline",),
                semantic_keywords=("baseline", "statistics"),
                description="What to compare with: statistics.json and constraints.json.",
            ),
        ),
        outputs=(*constraints(DataQuality, "The constraints that the rows suggest: a JSON file."), *_STATISTICS),
    )
    check_type = "DATA_QUALITY"

    split: Literal["train", "validation", "test", "all"] = setting(
        "train", doc="Of data that load_data has split, the part."
    )

    @override
    def supplied(self, inputs: Inputs, target: Target) -> Mapping[str, Any]:
        if "baseline" not in inputs or self.baseline_constraints is not None:
            return super().supplied(inputs, target)
        files = {"SuppliedBaselineStatistics": "statistics.json", "SuppliedBaselineConstraints": "constraints.json"}
        return {member: target.below(inputs["baseline"], file) for member, file in files.items()}

    @override
    def conversion(self) -> Iterator[Any]:
        yield from ("--split", as_text(self.split))


_PROBLEMS = {"binary": "BinaryClassification", "multiclass": "MulticlassClassification", "regression": "Regression"}


class ModelQualityCheck(QualityStep):
    """Check the quality of a model's predictions on SageMaker: its metrics, and constraints that later models have to keep.

    A QualityCheck step, done by the container of Model Monitor, on the predictions of `evaluate_performance`, which have the label
    beside them. They are Parquet, so a job before it writes them as CSV. Model Monitor's examples have classes of 0 and 1;
    `positive_class` writes them so. `register` takes what it found.

    Here `evaluate_performance` and `require` do the like; this step takes a function in its place.

    Example:
        from fluentpipe import Pipeline

        pipe = Pipeline("churn").load_data("churn.csv", label="churn").preprocess().train_xgboost().evaluate_performance()
        pipe = pipe.check_model_quality("binary", positive_class="Yes", group="churn-models")
        definition = pipe.materialize()
    """

    contract = StepContract(
        step_type="ModelQualityCheck",
        verb="check_model_quality",
        dependencies=(
            DependencySpec(
                "predictions",
                Predictions,
                compatible_sources=("ModelEvaluation",),
                semantic_keywords=("predictions",),
                aliases=("rows",),
                description="Predictions beside what turned out to be true.",
            ),
        ),
        outputs=(*constraints(ModelQuality, "The constraints that the metrics suggest: a JSON file."), *_STATISTICS),
    )
    check_type = "MODEL_QUALITY"

    task: Literal["binary", "multiclass", "regression"] = setting(
        positional=True, reference=False, job=True, doc="What the model learned to do."
    )
    prediction_column: str = setting("prediction", job=True, doc="Column of what the model predicts.")
    probability_column: str | None = setting(
        None, job=True, doc="Column of the probability of the positive class; by default 'probability' for two classes."
    )
    label_column: str = setting("label", job=True, doc="Column of what turned out to be true.")
    threshold: float | None = setting(
        None,
        ge=0,
        le=1,
        job=True,
        doc="Probability from which a row counts as positive; by default the prediction tells.",
    )
    positive_class: str | None = setting(
        None, job=True, doc="Class that is written as 1, and the other as 0, where a job writes the predictions as CSV."
    )

    @override
    def validate(self) -> None:
        super().validate()
        words = ("probability_column", "threshold", "positive_class")
        if self.task != "binary" and (given := [word for word in words if self.given.get(word) is not None]):
            raise SettingError(
                f"{self.contract.verb} {self.name!r} was given what is for two classes: {', '.join(given)}.",
                fix="leave it out, or task='binary'",
            )

    @override
    def analysis(self) -> Mapping[str, Any]:
        probability = self.probability_column
        if probability is None and self.task == "binary":
            probability = "probability"
        return {
            "analysis_type": self.check_type,
            "problem_type": _PROBLEMS[self.task],
            "inference_attribute": self.prediction_column,
            "probability_attribute": probability,
            "ground_truth_attribute": self.label_column,
            "probability_threshold_attribute": None if self.threshold is None else as_text(self.threshold),
        }

    @override
    def conversion(self) -> Iterator[Any]:
        if self.positive_class is not None:
            yield from ("--positive-class", as_text(self.positive_class))
            yield from ("--class-columns", as_text([self.label_column, self.prediction_column]))
