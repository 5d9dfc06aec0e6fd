"""What the checks by Clarify's container share: where the rows are, how the model is asked, and the file that says so."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from typing_extensions import override

from fluentpipe.contract import DependencySpec
from fluentpipe.errors import SettingError
from fluentpipe.images import clarify_uri
from fluentpipe.jobs import processing_input, processing_output
from fluentpipe.kinds import ModelName, RawData, TestData, TrainingData
from fluentpipe.reference import PropertyReference
from fluentpipe.settings import setting
from fluentpipe.step import Inputs
from fluentpipe.steps.batch_transform import CSV, PARQUET, content_type_of
from fluentpipe.steps.checks import CheckStep

if TYPE_CHECKING:
    from fluentpipe.target import Target

_PLACE = "/opt/ml/processing"
_CONFIG = "analysis_config.json"
# Where the rows lie in what load_data and preprocess write.
_LAYOUT = {RawData.__name__: ("{split}", "data.parquet")}
_PREPARED = ("data.parquet",)

ROWS = DependencySpec(
    "rows",
    (RawData, TestData),
    compatible_sources=("DataLoading",),
    semantic_keywords=("raw", "data", "rows"),
    aliases=("data",),
    job_types=("testing", "training", ""),
    description="Rows as the model takes them, with the label: CSV with a header, or Parquet.",
)
MODEL = DependencySpec(
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


def _said(value: Any) -> Any:
    """Mappings without what is None, at any depth."""
    if isinstance(value, Mapping):
        return {key: _said(each) for key, each in value.items() if each is not None}
    return [_said(each) for each in value] if isinstance(value, (list, tuple)) else value
