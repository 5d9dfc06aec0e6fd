"""`load_data`: read tables, tell label and task, split the rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from typing_extensions import override

from fluentpipe.contract import OutputSpec, StepContract
from fluentpipe.errors import SettingError, SourceError
from fluentpipe.expression import Expression
from fluentpipe.jobs import ProcessingStep, processing_input
from fluentpipe.kinds import RawData
from fluentpipe.reference import LocalPath, Parameter, data_source
from fluentpipe.settings import setting
from fluentpipe.step import Inputs

if TYPE_CHECKING:
    from fluentpipe.containers.labels import Ask, Choice
    from fluentpipe.target import Target

CONTAINERS = Path(__file__).parent.parent / "containers"


class DataLoading(ProcessingStep):
    """Load a table of rows and split it into training, validation and test rows.

    CSV (also gzipped) and Parquet, one file or all files under a prefix. The test rows are set aside before anything is
    learned from the data.

    Example:
        from fluentpipe import Pipeline

        pipe = Pipeline("churn").load_data("churn.csv", label="churn", validation_split=0.2)
        pipe.run()
    """

    contract = StepContract(
        step_type="DataLoading",
        verb="load_data",
        outputs=(
            OutputSpec(
                "raw_data",
                RawData,
                "ProcessingOutputConfig.Outputs['raw_data'].S3Output.S3Uri",
                "Rows as they came, as Parquet in train/, validation/ and test/, with schema.json.",
                aliases=("data", "dataset"),
            ),
        ),
    )
    script = CONTAINERS / "load_data.py"
    flags: ClassVar[Mapping[str, str]] = {"raw_data": "output"}

    source: Any = setting(
        positional=True, convert=data_source, job=True,
        doc="Where the rows are: an S3 URI or a local path, of one file or of a folder; or a Parameter.",
    )  # fmt: skip
    label: str | None = setting(None, doc="Name of the column to predict. Without it, told from the data or asked for.")
    task: Literal["auto", "binary", "multiclass", "regression"] = setting(
        "auto", doc="What to learn; by default told from the label."
    )
    validation_split: float = setting(
        0.15, ge=0, lt=1, doc="Share of the rows left after the test rows that validation takes."
    )
    test_split: float = setting(0.2, ge=0, lt=1, doc="Share of all rows that are set aside for the test.")
    seed: int = setting(0, ge=0, doc="Of the random split.")
    time_column: str | None = setting(None, doc="Split by time: the latest rows of this column are the test rows.")
    format: Literal["auto", "csv", "parquet"] = setting(
        "auto", doc="Format of the files; by default told from their names."
    )
    drop_columns: Sequence[str] | None = setting(None, doc="Columns to leave out.")

    @override
    @classmethod
    def at_call(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Look into a local source at once: a label that is not there, or that has to be guessed, is told now."""
        from fluentpipe.containers import labels, reading
        from fluentpipe.containers.job import JobError

        try:
            source = data_source(values.get("source"))
        except ValueError:
            return values  # said with all other faults, when the settings are checked
        if not isinstance(source, LocalPath):
            return values
        first = _first_table(source.path)
        label = values.get("label")
        if isinstance(label, Expression):
            return values
        try:
            if label is not None:
                labels.check_label(str(label), reading.peek_columns(first))
                return values
            choice = _label_of(first)
        except JobError as fault:
            raise SourceError(f"{fault}", f"in {str(source.path)!r}", path=source.path) from fault
        if isinstance(choice, labels.Ask):
            raise SourceError(
                choice.question, f"in {str(source.path)!r}", path=source.path, candidates=choice.candidates
            )
        print(f"load_data: label {choice.label!r}, {choice.reason}; label=… chooses another.")
        return {**values, "label": choice.label}

    @override
    def validate(self) -> None:
        super().validate()
        if isinstance(self.source, Expression) and self.source.value_type not in {"str", "any"}:
            raise SettingError(
                f"load_data was given a source that is {self.source.value_type}: {self.source!r}.",
                fix='a place of data: Parameter("data", "s3://bucket/rows.csv")',
            )
        try:
            _ = self.parameter
        except ValueError as fault:
            raise SettingError(f"load_data was given what it does not take.\n  source: {fault}") from fault

    @property
    def parameter(self) -> Parameter[str] | None:
        """The pipeline parameter that the source is, so that one definition serves many data sets."""
        if isinstance(self.source, Parameter):
            place: Parameter[str] = data_source(self.source)
            return place
        if isinstance(self.source, Expression):
            return None
        name = "data" if self.name == self.contract.key else f"{self.name}_data"
        return Parameter(name, self.source, type=str)

    @override
    def processing_inputs(self, inputs: Inputs, target: Target) -> list[dict[str, Any]]:
        return [processing_input("data", self.source if self.parameter is None else self.parameter)]

    @override
    def command(self, inputs: Inputs) -> list[Any]:
        return ["--input", "/opt/ml/processing/input/data", *super().command(inputs)]


def _label_of(file: Path) -> Choice | Ask:
    """The label that the first rows of a table tell; of a file that did not change since it was looked at, what they told then."""
    from fluentpipe.stamps import is_settled, stamp_of

    stamp = stamp_of(file)
    return (_label_in if is_settled(stamp) else _label_in.__wrapped__)(file.absolute(), stamp)


@lru_cache(maxsize=32)
def _label_in(file: Path, _stamp: tuple[int, ...]) -> Choice | Ask:
    from fluentpipe.containers import labels, reading

    sample = reading.sample(file, labels.SAMPLE_ROWS)
    return labels.choose_label(list(sample), sample)


def _first_table(path: Path) -> Path:
    """The file that the job reads first, also where links lead to it, which are plain files and folders there."""
    from fluentpipe.containers.reading import CSV_SUFFIXES, PARQUET_SUFFIXES
    from fluentpipe.files import local_files

    files = local_files(path)
    tables = [name for name in files if name.lower().endswith((*CSV_SUFFIXES, *PARQUET_SUFFIXES))]
    plain = [name for name in files if "." not in name.rpartition("/")[2]]
    return files[min(tables + plain)] if tables or plain else path
