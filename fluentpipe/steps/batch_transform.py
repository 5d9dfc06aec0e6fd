"""`batch_transform`: predictions for files, by SageMaker's batch transform."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from typing_extensions import override

from fluentpipe.caching import cached, caching
from fluentpipe.contract import DependencySpec, OutputSpec, StepContract
from fluentpipe.errors import SettingError
from fluentpipe.expression import Expression
from fluentpipe.jobs import RetriedStep
from fluentpipe.kinds import ModelName, Predictions, RawData, TestData
from fluentpipe.reference import LocalPath, PropertyReference
from fluentpipe.settings import setting
from fluentpipe.step import Inputs
from fluentpipe.steps.create_model import LARGEST_REQUEST_MB

if TYPE_CHECKING:
    from fluentpipe.target import Target

CSV, JSON, JSON_LINES, PARQUET = "text/csv", "application/json", "application/jsonlines", "application/x-parquet"
_BY_SUFFIX = {
    ".csv": CSV, ".json": JSON, ".jsonl": JSON_LINES, ".ndjson": JSON_LINES, ".parquet": PARQUET, ".pq": PARQUET,
}  # fmt: skip
# Where the rows lie in what load_data and preprocess write; their schema.json is no row.
_LAYOUT = {RawData.__name__: ("test", "data.parquet"), TestData.__name__: ("data.parquet",)}
_MOST_MB = 100  # MaxConcurrentTransforms times MaxPayloadInMB; CreateTransformJob
_FILTER = re.compile(r"\$[^\n]{0,62}")


def _filter(text: Any) -> Any:
    if not isinstance(text, str) or not _FILTER.fullmatch(text):
        raise ValueError(f"must be a JSONPath of at most 63 characters such as '$[1:]' or '$.features', not {text!r}")
    return text


class BatchTransform(RetriedStep):
    """Send files to a model and keep what it answers, one `<file>.out` for each.

    By default a file is one request, so that the header of a CSV file is understood; it may then have 20 MB. Large files go line by
    line with `split_type="Line"`: JSON lines, or CSV without a header in the column order of the training data. `join_source="Input"`
    then puts each answer beside its row, and `input_filter` and `output_filter` choose what is sent and kept. Parquet goes as it is,
    whole. For files of any size, with a header, and with identifiers kept, `score` is simpler.

    Of what `load_data` and `preprocess` write, the test rows are sent.

    Example:
        from fluentpipe import Pipeline

        pipe = Pipeline("churn").load_data("churn.csv", label="churn").preprocess().train_xgboost().create_model()
        run = pipe.batch_transform(rows="churn.csv").run()
        print(run.outputs.batch_transform.predictions.value())
    """

    contract = StepContract(
        step_type="BatchTransform",
        verb="batch_transform",
        dependencies=(
            DependencySpec(
                "model_name",
                ModelName,
                compatible_sources=("ModelCreation",),
                semantic_keywords=("model", "name"),
                aliases=("model",),
                description="The model that answers.",
            ),
            DependencySpec(
                "rows",
                (RawData, TestData),
                compatible_sources=("DataLoading",),
                semantic_keywords=("raw", "data", "rows"),
                aliases=("data",),
                job_types=("testing", "training", ""),
                description="A file, or a prefix of files of one content type.",
            ),
        ),
        outputs=(
            OutputSpec(
                "predictions", Predictions, "TransformOutput.S3OutputPath", "`<file>.out` for each file.",
                aliases=("transform_output",),
            ),
        ),
    )  # fmt: skip
    sagemaker_type = "Transform"

    # How records are made of files decides the rest of the request, so that the run cannot decide it.
    content_type: str | None = setting(
        None,
        reference=False,
        doc="Of the rows; by default told by the name of the file, or Parquet for rows of another step.",
    )
    accept: str | None = setting(
        None, reference=False, doc="Content type of the answers; by default that of the rows, and CSV for Parquet."
    )
    split_type: Literal["None", "Line", "RecordIO", "TFRecord"] = setting(
        "None", reference=False, doc="How a file becomes records: whole, or line by line."
    )
    assemble_with: Literal["None", "Line"] | None = setting(
        None, reference=False, doc="How answers are put together; by default line by line where the files are split so."
    )
    batch_strategy: Literal["MultiRecord", "SingleRecord"] | None = setting(
        None, reference=False, doc="Whether a request has as many records as fit, or one."
    )
    max_payload_mb: int | None = setting(
        None, ge=0, le=_MOST_MB, unit="MB",
        doc="Largest request; by default 20 for whole files, which is what the XGBoost image takes, else the service's 6.",
    )  # fmt: skip
    max_concurrent: int | None = setting(None, ge=0, doc="Requests at once to each instance.")
    input_filter: str | None = setting(
        None, reference=False, convert=_filter, doc="JSONPath of what is sent of a record, such as '$[1:]'."
    )
    output_filter: str | None = setting(
        None, reference=False, convert=_filter, doc="JSONPath of what is kept of an answer, or of record and answer."
    )
    join_source: Literal["None", "Input"] = setting(
        "None", reference=False, doc="Whether each answer is put beside its record."
    )
    environment: Mapping[str, str] | None = setting(
        None, shared=True, doc="Environment variables of the server; at most 16."
    )
    instance_type: str = setting("ml.m5.xlarge", shared=True, doc="Instance type of the job.")
    instance_count: int = setting(1, ge=1, doc="Number of instances; files are shared out among them.")
    volume_kms_key: str | None = setting(None, shared=True, doc="KMS key that encrypts the volume of each instance.")
    output_kms_key: str | None = setting(None, shared=True, doc="KMS key that encrypts what the job writes to S3.")
    tags: Mapping[str, str] | None = setting(None, shared=True, doc="Tags of the job; at most 50.")
    cache: bool | str | None = setting(
        None, shared=True, reference=False, convert=caching, aliases=("cache_expire_after",),
        doc="Whether the service takes the results of an equal earlier job; a duration such as 'P30D' for how old they may be.",
    )  # fmt: skip

    @override
    def validate(self) -> None:
        if faults := list(self._faults()):
            raise SettingError(
                f"{self.contract.verb} {self.name!r} cannot work.",
                *faults,
                verb=self.contract.verb,
                faults=tuple(faults),
            )

    def _faults(self) -> Iterator[str]:
        kind = self.content_type
        known = [value for value in (kind, self.split_type) if isinstance(value, str)]
        split = self.split_type
        if self.join_source == "Input" and split == "None" and kind != JSON:
            yield "join_source: answers are put beside records, so split_type='Line' has to say what a record is"
        if self.batch_strategy == "SingleRecord" and split == "None":
            yield "batch_strategy: without split_type a file is one request; there are no single records"
        if split == "Line" and self.assemble_with == "None" and self.join_source == "Input":
            yield "assemble_with: joined records are lines; leave it out, or say 'Line'"
        if PARQUET in known and split != "None":
            yield "split_type: Parquet has no lines; a file is sent whole"
        if kind is not None and kind not in (CSV, JSON, JSON_LINES) and isinstance(kind, str):
            for name in ("input_filter", "output_filter"):
                if self.given.get(name) is not None:
                    yield f"{name}: filters take CSV and JSON, not {kind}"
        sizes = self.max_payload_mb, self.max_concurrent
        if all(isinstance(each, int) for each in sizes) and (sizes[0] or 0) * (sizes[1] or 0) > _MOST_MB:
            yield f"max_payload_mb times max_concurrent is {(sizes[0] or 0) * (sizes[1] or 0)}; the service allows {_MOST_MB}"

    @override
    def arguments(self, inputs: Inputs, target: Target) -> dict[str, Any]:
        source, content_type = self._rows(inputs["rows"], target)
        whole = self.split_type == "None"
        payload = self.max_payload_mb
        return {
            "ModelName": inputs["model_name"],
            "MaxPayloadInMB": LARGEST_REQUEST_MB if payload is None and whole else payload,
            "MaxConcurrentTransforms": self.max_concurrent,
            "BatchStrategy": self.batch_strategy,
            "Environment": self.environment,
            "TransformInput": {
                "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": source}},
                "ContentType": content_type,
                "SplitType": self.split_type,
            },
            "TransformOutput": {
                "S3OutputPath": target.output(self.name),
                "Accept": self.accept or (CSV if content_type == PARQUET else content_type),
                "AssembleWith": self.assemble_with or ("None" if whole else "Line"),
                "KmsKeyId": self.output_kms_key,
            },
            "TransformResources": {
                "InstanceType": self.instance_type,
                "InstanceCount": self.instance_count,
                "VolumeKmsKeyId": self.volume_kms_key,
            },
            "DataProcessing": {
                "InputFilter": self.input_filter,
                "OutputFilter": self.output_filter,
                "JoinSource": None if self.join_source == "None" else self.join_source,
            },
            "Tags": [{"Key": key, "Value": value} for key, value in (self.tags or {}).items()],
        }

    def _rows(self, given: Any, target: Target) -> tuple[Any, Any]:
        """Where the rows are, and their content type.

        Raises:
            SettingError: It cannot be told, or it does not go with other settings.
        """
        if self.content_type is not None:
            return target.location(given), self.content_type
        source, found = target.location(given), content_type_of(given)
        if isinstance(given, PropertyReference) and given.kind is not None and given.kind.__name__ in _LAYOUT:
            source, found = given.join(*_LAYOUT[given.kind.__name__]), PARQUET
        if found is None:
            raise SettingError(
                f"{self.contract.verb} {self.name!r}: the content type of its rows cannot be told from {given!r}.",
                fix="content_type='text/csv'",
            )
        if found == PARQUET and (self.split_type != "None" or self.input_filter or self.output_filter):
            raise SettingError(
                f"{self.contract.verb} {self.name!r}: its rows are Parquet, which is sent whole, without filters.",
                fix="leave out split_type, input_filter and output_filter, or give rows as CSV or JSON lines",
            )
        return source, found

    @override
    def requests(self, inputs: Inputs, target: Target, then: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        return [cached(super().requests(inputs, target, then)[0], self.cache)]


def content_type_of(given: Any) -> str | None:
    """The content type that the name of a file tells; none where it tells nothing."""
    if isinstance(given, Expression):
        given = getattr(given, "default", None)  # of a parameter
    text = str(given.path if isinstance(given, LocalPath) else given).lower()
    return next((kind for suffix, kind in _BY_SUFFIX.items() if text.endswith(suffix)), None)
