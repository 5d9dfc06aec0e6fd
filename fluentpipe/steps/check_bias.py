"""`check_bias`, `check_model_bias` and `check_explainability`: the service's ClarifyCheck steps, done by Clarify's container."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from typing_extensions import override

from fluentpipe.contract import DependencySpec, StepContract
from fluentpipe.errors import SettingError, did_you_mean
from fluentpipe.images import clarify_uri
from fluentpipe.jobs import processing_input, processing_output
from fluentpipe.kinds import DataBias, Explainability, ModelBias, ModelName, RawData, TestData, TrainingData
from fluentpipe.reference import PropertyReference
from fluentpipe.settings import setting
from fluentpipe.step import Inputs
from fluentpipe.steps.batch_transform import CSV, PARQUET, content_type_of
from fluentpipe.steps.checks import CheckStep, constraints

if TYPE_CHECKING:
    from fluentpipe.target import Target

_PLACE = "/opt/ml/processing"
_CONFIG = "analysis_config.json"
# Where the rows lie in what load_data and preprocess write.
_LAYOUT = {RawData.__name__: ("{split}", "data.parquet")}
_PREPARED = ("data.parquet",)

_ROWS = DependencySpec(
    "rows",
    (RawData, TestData),
    compatible_sources=("DataLoading",),
    semantic_keywords=("raw", "data", "rows"),
    aliases=("data",),
    job_types=("testing", "training", ""),
    description="Rows as the model takes them, with the label: CSV with a header, or Parquet.",
)
_MODEL = DependencySpec(
    "model_name",
    ModelName,
    compatible_sources=("ModelCreation",),
    semantic_keywords=("model", "name"),
    aliases=("model",),
    description="The model that answers.",
)


class ClarifyStep(CheckStep):
    """A check by Clarify, which reads CSV and Parquet: what it looks at is in a file, `analysis_config.json`."""

    sagemaker_type = "ClarifyCheck"

    framework_version: Literal["1.0"] = setting(
        "1.0", job=True, reference=False, doc="Version of Clarify's image; there is one."
    )
    label: str | None = setting(
        None, job=True, reference=False, doc="Column of the label; by default the one that load_data was given."
    )
    split: Literal["train", "validation", "test"] = setting(
        "train", job=True, reference=False, doc="Of data that load_data has split, the part."
    )
    dataset_type: Literal["text/csv", "application/x-parquet"] | None = setting(
        None, job=True, reference=False,
        doc="Of the rows; by default told by the name of the file, or Parquet for rows of another step.",
    )  # fmt: skip
    headers: Sequence[str] | None = setting(
        None, job=True, reference=False, doc="Names of the columns of CSV files that have no header."
    )

    def analysis(self) -> Mapping[str, Any]:
        """What Clarify is told beside where the rows are: members of the configuration."""
        raise NotImplementedError

    def _label(self, rows: Any, target: Target) -> str:
        """The label, which the rows that preprocess writes have no more: there it is a number, and so are all others.

        Raises:
            SettingError: It is not known.
        """
        if self.label is not None:
            return self.label
        if isinstance(rows, PropertyReference) and rows.kind in (TrainingData, TestData):
            raise SettingError(
                f"{self.contract.verb} {self.name!r} takes rows as they came, but {rows!r} is {rows.kind.__name__}.",
                "what preprocess writes has numbers in the place of groups and labels",
                fix="rows=pipe.outputs.data_loading.raw_data, or label='…' for what a step of your own writes",
                step=self.name,
            )
        label = target.labels.get(self.name)
        if label is None:
            raise SettingError(
                f"{self.contract.verb} {self.name!r} has to know the label, and nothing before it says which column it is.",
                fix="label='churn', here or in load_data",
                step=self.name,
            )
        return label

    def _rows(self, given: Any, target: Target) -> tuple[Any, str]:
        """Where the rows are, and their type.

        Raises:
            SettingError: The type cannot be told, or Clarify does not read it.
        """
        if self.dataset_type is not None:
            return target.location(given), self.dataset_type
        if isinstance(given, PropertyReference) and given.kind is not None:
            parts = _LAYOUT.get(given.kind.__name__, _PREPARED)
            return given.join(*(part.format(split=self.split) for part in parts)), PARQUET
        found = content_type_of(given)
        if found in (CSV, PARQUET):
            return target.location(given), str(found)
        raise SettingError(
            f"{self.contract.verb} {self.name!r}: its rows are {found or 'of a type that cannot be told'}: {given!r}.",
            "it takes CSV, and Parquet",
            fix="dataset_type='text/csv', or the name of a file that ends in .csv or .parquet",
            step=self.name,
        )

    @override
    def arguments(self, inputs: Inputs, target: Target) -> dict[str, Any]:
        rows, kind = self._rows(inputs["rows"], target)
        config = {
            "dataset_type": kind,
            "headers": self.headers,
            "label": self._label(inputs["rows"], target),
            **self.analysis(),
        }
        config["methods"] = {**config["methods"], "report": {"name": "report", "title": "Analysis Report"}}
        said = json.dumps(_said(config), indent=1, ensure_ascii=False).encode()
        folder = target.code({_CONFIG: said})
        return self.processing_job(
            target.role,
            {"ImageUri": clarify_uri(target.region) if self.image_uri is None else self.image_uri},
            [
                processing_input("analysis_config", f"{folder}/{_CONFIG}", f"{_PLACE}/input/config"),
                processing_input("dataset", rows, f"{_PLACE}/input/data"),
            ],
            [processing_output("analysis_result", target.output(self.name, "output"), f"{_PLACE}/output")],
            self.environment,
        )

    @override
    def requests(self, inputs: Inputs, target: Target, then: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{**each, "ModelName": inputs.get("model_name")} for each in super().requests(inputs, target, then)]


def _said(value: Any) -> Any:
    """Mappings without what is None, at any depth."""
    if isinstance(value, Mapping):
        return {key: _said(each) for key, each in value.items() if each is not None}
    return [_said(each) for each in value] if isinstance(value, (list, tuple)) else value


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


class ModelStep(ClarifyStep):
    """A check that asks a model, for which Clarify makes an endpoint, and removes it at the end.

    Rows are sent as CSV without a header and without the label, and answers are taken as CSV.
    """

    endpoint_instance_type: str = setting(
        "ml.m5.xlarge", job=True, reference=False, doc="Instance type of the endpoint that Clarify makes of the model."
    )
    endpoint_instance_count: int = setting(
        1, ge=1, job=True, reference=False, doc="Number of instances of the endpoint."
    )
    split: Literal["train", "validation", "test"] = "test"

    @override
    def validate(self) -> None:
        super().validate()
        if self.network_isolation is True:
            raise SettingError(
                f"{self.contract.verb} {self.name!r} cannot ask its model with network_isolation.",
                fix="leave network_isolation out; vpc=Vpc(…) keeps the job in a network of your own",
            )

    def predictor(self) -> Mapping[str, Any]:
        """How the model is asked."""
        return {
            "instance_type": self.endpoint_instance_type,
            "initial_instance_count": self.endpoint_instance_count,
            "content_type": CSV,
            "accept_type": CSV,
        }


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
        dependencies=(_MODEL, _ROWS),
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


class ExplainabilityCheck(ModelStep):
    """Check on SageMaker how much each feature counts for a model's predictions, by SHAP values.

    A ClarifyCheck step, done by the container of Clarify, which asks the model of `create_model` about made-up rows between those of
    the data and a baseline that it finds by clustering. Of data that `load_data` has split, the test rows are explained. The
    ranking of the features is compared with that of the newest approved version of `group`. `register` takes what it found.

    It does not run here; a function may stand in.

    Example:
        from fluentpipe import Pipeline

        pipe = Pipeline("churn").load_data("churn.csv", label="churn").preprocess().train_xgboost().create_model()
        definition = pipe.check_explainability(num_samples=200, group="churn-models").materialize()
    """

    contract = StepContract(
        step_type="ExplainabilityCheck",
        verb="check_explainability",
        dependencies=(_MODEL, _ROWS),
        outputs=constraints(Explainability, "How much each feature counts: a JSON file."),
    )
    check_type = "MODEL_EXPLAINABILITY"

    score: int | None = setting(
        1, ge=0, job=True, reference=False,
        doc="Column of the model's answer that is explained; 1 is the probability of models that are trained here, 0 the number of a regression.",
    )  # fmt: skip
    num_samples: int | None = setting(
        None,
        ge=1,
        job=True,
        reference=False,
        doc="Made-up rows for each row; by default told by the number of features.",
    )
    num_clusters: int | None = setting(
        None, ge=1, job=True, reference=False, doc="Rows of the baseline that clustering finds; Clarify has a default."
    )
    agg_method: Literal["mean_abs", "median", "mean_sq"] = setting(
        "mean_abs", job=True, reference=False, doc="How the values of all rows become one for each feature."
    )
    use_logit: bool = setting(False, job=True, reference=False, doc="Whether probabilities are explained as log-odds.")
    save_local_values: bool = setting(
        False, job=True, reference=False, doc="Whether the values of each row are kept, too."
    )
    seed: int | None = setting(0, ge=0, job=True, reference=False, doc="Of the made-up rows.")

    @override
    def analysis(self) -> Mapping[str, Any]:
        shap = {
            "use_logit": self.use_logit,
            "save_local_shap_values": self.save_local_values,
            "num_samples": self.num_samples,
            "agg_method": self.agg_method,
            "seed": self.seed,
            "num_clusters": self.num_clusters,
        }
        return {"methods": {"shap": shap}, "predictor": {**self.predictor(), "label": self.score}}
