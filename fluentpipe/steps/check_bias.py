"""`check_bias` and `check_model_bias`: how much outcomes of groups differ, by Clarify."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from typing_extensions import override

from fluentpipe.contract import DependencySpec, StepContract
from fluentpipe.errors import SettingError, did_you_mean
from fluentpipe.kinds import DataBias, ModelBias, RawData, TrainingData
from fluentpipe.settings import setting
from fluentpipe.steps.checks import constraints
from fluentpipe.steps.clarify import MODEL, ROWS, ClarifyStep, ModelStep


def _values(value: Any) -> tuple[Any, ...] | None:
    """One value or several, of a column."""
    several = value if isinstance(value, (list, tuple, set, frozenset)) else (value,)
    if not several or not all(isinstance(each, (str, int, float)) for each in several):
        raise ValueError(f"must be values of a column, or one number that they exceed, not {value!r}")
    return tuple(several)


def _facets(value: Any) -> dict[str, tuple[Any, ...] | None]:
    """Columns, each with the values of the group that is looked at: `gender`, `["gender"]`, `{"gender": "Female"}`."""
    if not isinstance(value, Mapping):
        value = dict.fromkeys([value] if isinstance(value, str) else value)
    if not value or not all(isinstance(name, str) and name for name in value):
        raise ValueError(f"must be a column, several, or a mapping of columns to values of the group, not {value!r}")
    return {name: None if each is None else _values(each) for name, each in value.items()}


class BiasStep(ClarifyStep):
    """A check of bias: how much outcomes of groups differ."""

    facet: str | Sequence[str] | Mapping[str, Any] = setting(
        positional=True, job=True, reference=False, convert=_facets,
        doc="Column that tells the groups, or several; {'gender': 'Female', 'age': 40} for one group, or those above a number.",
    )  # fmt: skip
    positive: str | float | Sequence[Any] = setting(
        job=True, reference=False, convert=_values,
        doc="Values of the label that are the better outcome, or a number that they exceed.",
    )  # fmt: skip
    group_variable: str | None = setting(
        None, job=True, reference=False, doc="Column of strata, within which groups are compared as well (CDDL, CDDPL)."
    )
    metrics: Sequence[str] | None = setting(
        None,
        job=True,
        reference=False,
        doc="Measures of bias by Clarify's abbreviations, such as 'DPL'; by default all.",
    )

    known_metrics: ClassVar[tuple[str, ...]] = ()
    """Clarify's measures: its developer guide, "Pre-training Bias Metrics" and "Post-training Data and Model Bias Metrics"."""
    method: ClassVar[str] = ""

    @override
    def validate(self) -> None:
        super().validate()
        unknown = [name for name in self.metrics or () if name not in self.known_metrics]
        if unknown:
            raise SettingError(
                f"{self.contract.verb} {self.name!r} was given measures that it does not have.",
                *(f"metrics: {name!r} is unknown.{did_you_mean(name, self.known_metrics)}" for name in unknown),
                fix=f"there are {', '.join(self.known_metrics)}",
            )

    @override
    def analysis(self) -> Mapping[str, Any]:
        facets: Any = self.facet
        return {
            "label_values_or_threshold": self.positive,
            "facet": [{"name_or_index": name, "value_or_threshold": values} for name, values in facets.items()],
            "group_variable": self.group_variable,
            "methods": {self.method: {"methods": "all" if self.metrics is None else self.metrics}},
        }


class DataBiasCheck(BiasStep):
    """Check on SageMaker whether data favours a group: how labels differ between groups, before anything has learned.

    A ClarifyCheck step, done by the container of Clarify, which reads the Parquet that `load_data` writes: of that the training rows.
    Its figures are compared with those of the newest approved version of `group`. `register` takes what it found.

    It does not run here; a function may stand in.

    Example:
        from fluentpipe import Pipeline

        pipe = Pipeline("churn").load_data("churn.csv", label="churn").check_bias({"female": 1}, positive="No")
        found = {"CalculatedBaselineConstraints": "analysis.json"}
        pipe.run(stand_ins={"data_bias_check": lambda inputs: found})
    """

    contract = StepContract(
        step_type="DataBiasCheck",
        verb="check_bias",
        dependencies=(
            DependencySpec(
                "rows",
                (RawData, TrainingData),
                compatible_sources=("DataLoading",),
                semantic_keywords=("raw", "data", "rows"),
                aliases=("data",),
                job_types=("training", ""),
                description="Rows with the label: CSV with a header, or Parquet.",
            ),
        ),
        outputs=constraints(DataBias, "The measures of bias: a JSON file."),
    )
    check_type = "DATA_BIAS"
    method = "pre_training_bias"
    known_metrics = ("CI", "DPL", "KL", "JS", "LP", "TVD", "KS", "CDDL")


class ModelBiasCheck(BiasStep, ModelStep):
    """Check on SageMaker whether a model favours a group: how its predictions, and its errors, differ between groups.

    A ClarifyCheck step, done by the container of Clarify, which asks the model of `create_model` for a prediction of each row. Of
    data that `load_data` has split, the test rows are asked about. Models that the trainings here make answer with the prediction
    first, as `prediction=0` says. `register` takes what it found.

    It does not run here; a function may stand in.

    Example:
        from fluentpipe import Pipeline

        pipe = Pipeline("churn").load_data("churn.csv", label="churn").preprocess().train_xgboost().create_model()
        definition = pipe.check_model_bias({"female": 1}, positive="No", group="churn-models").materialize()
    """

    contract = StepContract(
        step_type="ModelBiasCheck",
        verb="check_model_bias",
        dependencies=(MODEL, ROWS),
        outputs=constraints(ModelBias, "The measures of bias: a JSON file."),
    )
    check_type = "MODEL_BIAS"
    method = "post_training_bias"
    known_metrics = (
        "DPPL", "DI", "DCA", "DCR", "SD", "RD", "DAR", "DRR", "AD", "TE", "CDDPL", "FT", "GE",
    )  # fmt: skip

    prediction: int | None = setting(
        0, ge=0, job=True, reference=False, doc="Column of the model's answer that is the predicted label."
    )
    probability: int | None = setting(
        None, ge=0, job=True, reference=False, doc="Column of the model's answer that is a probability."
    )
    threshold: float | None = setting(
        None,
        ge=0,
        le=1,
        job=True,
        reference=False,
        doc="Probability from which a row counts as positive; by default 0.5.",
    )
    label_headers: Sequence[str] | None = setting(
        None,
        job=True,
        reference=False,
        doc="Classes in the order of their probabilities, where the answer has several.",
    )

    @override
    def analysis(self) -> Mapping[str, Any]:
        answer = {"label": self.prediction, "probability": self.probability, "label_headers": self.label_headers}
        return {
            **super().analysis(),
            "predictor": {**self.predictor(), **answer},
            "probability_threshold": self.threshold,
        }
