"""The preprocessing that is learned from training rows: typed columns into one matrix of float32.

Numbers and truth values pass through, texts become categories, instants become parts of dates. Whatever is missing or
unknown is NaN, which XGBoost treats as its own case. The whole is one JSON document, so that the same transformation
serves where the model is used.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING or __package__:
    from . import values
    from .job import JobError, did_you_mean, quoted
    from .tasks import Target
else:  # beside its siblings, as the jobs run it
    import values
    from job import JobError, did_you_mean, quoted
    from tasks import Target

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

FORMAT = 1
RARE = "(rare)"
LABEL = "__label__"  # the name of the label in preprocessed data
PARTS = ("year", "month", "day", "weekday", "hour", "epoch_days")  # weekday 0 is Monday; epoch_days since 1970-01-01
NUMBER, CATEGORY, INSTANT = "number", "category", "timestamp"


@dataclass(frozen=True)
class Column:
    """How one column of the raw data becomes features."""

    name: str
    kind: str  # number, category or timestamp
    levels: tuple[str, ...] = ()  # of a category, in the order of their codes
    pools_rare: bool = False  # rare and unseen levels share the code after the last level
    parts: tuple[str, ...] = ()  # of a timestamp


@dataclass(frozen=True)
class Feature:
    """One column of the matrix."""

    name: str  # without the characters that XGBoost refuses, unique
    type: str  # XGBoost's feature type: "q" for a quantity, "c" for a category
    column: str  # the raw column it comes from


@dataclass(frozen=True)
class Preprocessing:
    """A learned transformation of raw rows; `learning.fit` makes one."""

    columns: tuple[Column, ...]
    dropped: tuple[tuple[str, str], ...]  # name and reason of every column that is not used
    input_columns: tuple[str, ...]  # every column of the raw data in order, the label among them
    target: Target

    @property
    def features(self) -> tuple[Feature, ...]:
        """The columns of the matrix, in order."""
        found: list[Feature] = []
        taken = {LABEL}
        for column in self.columns:
            for suffix in [f".{part}" for part in column.parts] or [""]:
                name = _safe_name(column.name + suffix, taken)
                taken.add(name)
                found.append(Feature(name, "c" if column.kind == CATEGORY else "q", column.name))
        return tuple(found)

    def transform(self, table: pa.Table) -> npt.NDArray[np.float32]:
        """The matrix of some raw rows, shape (rows, features), NaN where a value is missing or unknown.

        Each row depends on its own values alone. Other columns, the label too, are passed over.

        Raises:
            JobError: Columns are missing; all of them are named.
        """
        self.check_columns(table.column_names)
        features = self.features
        matrix = np.empty((table.num_rows, len(features)), dtype=np.float32, order="F")  # it is filled by columns
        position = 0
        with np.errstate(over="ignore"):
            for column in self.columns:
                for numbers in _numbers_of(column, table.column(column.name)):
                    matrix[:, position] = numbers
                    position += 1
        matrix[np.isinf(matrix)] = np.nan  # beyond the range of float32
        return matrix

    def check_columns(self, names: Sequence[str]) -> None:
        """Refuse rows that lack a column which is used."""
        missing = [column.name for column in self.columns if column.name not in names]
        if missing:
            hint = did_you_mean(missing[0], [name for name in names if name not in self.input_columns])
            msg = f"the rows lack {len(missing)} of the columns that the model needs: {quoted(missing)}.{hint}"
            raise JobError(msg)

    def to_json(self) -> str:
        """This as a JSON document."""
        members = {
            "version": FORMAT,
            **self.target.as_dict(),
            "input_columns": list(self.input_columns),
            "columns": [asdict(column) for column in self.columns],
            "dropped": [{"name": name, "reason": reason} for name, reason in self.dropped],
            "features": [asdict(feature) for feature in self.features],
        }
        return json.dumps(members, indent=2, ensure_ascii=False, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Preprocessing:
        """The inverse of `to_json`.

        Raises:
            JobError: The document is damaged or of a later version.
        """
        try:
            members = json.loads(text)
            if members["version"] != FORMAT:
                msg = f"the preprocessing has format {members['version']}; this program reads format {FORMAT}"
                raise JobError(msg)
            return cls(
                tuple(_column(entry) for entry in members["columns"]),
                tuple((entry["name"], entry["reason"]) for entry in members["dropped"]),
                tuple(members["input_columns"]),
                Target.from_dict(members),
            )
        except (ValueError, KeyError, TypeError) as fault:
            msg = f"the preprocessing is damaged: {fault!r}"
            raise JobError(msg) from None


def _column(entry: dict[str, Any]) -> Column:
    lists = {"levels": tuple(entry["levels"]), "parts": tuple(entry["parts"])}
    return Column(entry["name"], entry["kind"], lists["levels"], bool(entry["pools_rare"]), lists["parts"])


def _safe_name(name: str, taken: set[str]) -> str:
    """A name that XGBoost takes: it refuses `[`, `]` and `<`, and repeated names."""
    safe = unique = name.translate(str.maketrans("[]<", "()_"))
    count = 2
    while unique in taken:
        unique = f"{safe}_{count}"
        count += 1
    return unique


def _numbers_of(column: Column, found: pa.ChunkedArray) -> list[npt.NDArray[Any]]:
    if column.kind == CATEGORY:
        return [_codes(column, values.texts(found))]
    if column.kind == INSTANT:
        parts = date_parts(values.instants(found))
        return [parts[part] for part in column.parts]
    # Whole numbers above 2**24 lose their last digits in float32. Trees only compare, so that merges neighbours at most;
    # identifiers, where it would matter, are no features.
    return [values.numbers(found)]


def _codes(column: Column, texts: pa.ChunkedArray) -> npt.NDArray[np.float64]:
    codes = pc.index_in(texts, value_set=pa.array(column.levels, pa.string()))
    if column.pools_rare:
        codes = pc.if_else(pc.and_(codes.is_null(), texts.is_valid()), pa.scalar(len(column.levels), pa.int32()), codes)
    return np.asarray(codes.cast(pa.float64()).to_numpy(), dtype=np.float64)


def date_parts(instants: npt.NDArray[np.datetime64]) -> dict[str, npt.NDArray[np.float64]]:
    """The parts of dates as numbers, NaN where there is no date."""
    days = instants.astype("datetime64[D]")
    months = instants.astype("datetime64[M]")
    epoch = days.astype(np.int64)
    parts = {
        "year": instants.astype("datetime64[Y]").astype(np.int64) + 1970,
        "month": months.astype(np.int64) % 12 + 1,
        "day": (days - months).astype(np.int64) + 1,
        "weekday": (epoch + 3) % 7,  # 1970-01-01 was a Thursday
        "hour": (instants - days).astype("timedelta64[h]").astype(np.int64),
        "epoch_days": epoch,
    }
    missing = np.isnat(instants)
    return {name: np.where(missing, np.nan, number.astype(np.float64)) for name, number in parts.items()}
