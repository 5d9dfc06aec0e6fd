"""What a column looks like, and what is suspicious about a table: identifiers, constants, leaks, repeated rows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING or __package__:
    from . import cores, metrics, values
    from .job import quoted
    from .splitting import SPLITS, TRAIN
else:  # beside its siblings, as the jobs run it
    import cores
    import metrics
    import values
    from job import quoted
    from splitting import SPLITS, TRAIN

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

TYPE_NAMES = {
    pa.int64(): "integer",
    pa.float64(): "number",
    pa.bool_(): "boolean",
    pa.string(): "string",
    pa.timestamp("us"): "timestamp",
}
ID_NAME = re.compile(
    r"(^|[_\W])(id|ids|uid|uuid|guid|key|index|idx|rowid|unnamed|no|nr|num|number)([_\W]\d+)?$", re.IGNORECASE
)
FEWEST_ROWS_FOR_ID = 20  # below, all values differ too easily
LEAK_AUC = 0.99
LEAK_CORRELATION = 0.999
LEAK_SHARE = 0.99  # of the way from chance to a column by which the classes lie apart
LEAK_LEVELS = 50  # texts with more levels predict their own rows
LEAK_ROWS = 100_000  # enough to see a leak


@dataclass(frozen=True)
class Profile:
    """What is known of one column before anything is learned."""

    name: str
    type: str  # integer, number, boolean, string or timestamp
    rows: int
    missing: int
    distinct: int  # different values, missing ones not counted
    is_monotone: bool  # integers that rise, or fall, from each row to the next

    @property
    def is_constant(self) -> bool:
        """Whether the column says nothing: one value everywhere, or none at all."""
        return self.distinct == 0 or (self.distinct == 1 and not self.missing)

    @property
    def id_reason(self) -> str:
        """Why the column looks like an identifier; empty when it does not."""
        present = self.rows - self.missing
        if self.distinct < present or present < FEWEST_ROWS_FOR_ID or self.type not in {"integer", "string"}:
            return ""
        if self.type == "string":
            return "every text in it is different"
        name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", self.name)
        if ID_NAME.search(name):
            return "it is named like an identifier and every value is different"
        return "its numbers only rise or only fall from row to row" if self.is_monotone else ""

    def as_dict(self) -> dict[str, object]:
        """The entry in schema.json."""
        return {"name": self.name, "type": self.type, "missing": self.missing, "distinct": self.distinct}


def profile(name: str, column: pa.ChunkedArray) -> Profile:
    """Look at one column."""
    kind = TYPE_NAMES[column.type]
    distinct = _count_distinct(column)
    is_monotone = kind == "integer" and distinct == len(column) and _is_monotone(column)
    return Profile(name, kind, len(column), column.null_count, distinct, is_monotone)


def _count_distinct(column: pa.ChunkedArray) -> int:
    """The number of different values, missing ones left out; NaN is one value."""
    if not pa.types.is_floating(column.type):
        return int(pc.count_distinct(column, mode="only_valid").as_py())
    ordered = np.sort(column.drop_null().to_numpy())  # a quarter of the time of hashing
    present = int(np.searchsorted(ordered, np.nan)) if len(ordered) and np.isnan(ordered[-1]) else len(ordered)
    changes = int(np.count_nonzero(ordered[1:present] != ordered[: max(present - 1, 0)]))
    return (changes + 1 if present else 0) + (present < len(ordered))


def varies(column: pa.ChunkedArray) -> bool:
    """Whether a column of numbers has a lowest and a highest value that differ; quicker than counting all."""
    ends = pc.min_max(column).as_py()
    return bool(ends["min"] != ends["max"])


def profiles(table: pa.Table) -> list[Profile]:
    """Look at every column, in order; on all cores, as sorting and counting leave the interpreter free."""
    return cores.in_parallel(lambda name: profile(name, table.column(name)), table.column_names)


def suspicions(features: pa.Table, looks: Sequence[Profile], labels: npt.NDArray[np.float64], task: str) -> list[str]:
    """What a careful person would ask about before learning from these columns."""
    found = []
    constant = [look.name for look in looks if look.is_constant]
    if constant:
        found.append(f"constant columns, of no use: {quoted(constant)}")
    found += [f"column {look.name!r} looks like an identifier: {look.id_reason}" for look in looks if look.id_reason]
    telling = [look for look in looks if not look.id_reason and not look.is_constant]
    leaks = cores.in_parallel(lambda look: _leak(features.column(look.name), look, labels, task), telling)
    for look, leak in zip(telling, leaks, strict=True):
        if leak:
            found.append(f"column {look.name!r} may give the label away: {leak}; is it known when predicting?")
    return found


def repeated_across_splits(table: pa.Table, parts: npt.NDArray[np.int8]) -> list[str]:
    """How many validation and test rows are also training rows, value for value."""
    keys = _row_keys(table)
    learned = np.sort(keys[parts == TRAIN])
    found = []
    for part, name in enumerate(SPLITS):
        count = 0 if part == TRAIN else _count_in(np.sort(keys[parts == part]), learned)
        if count:
            found.append(f"{count} {name} {'row is' if count == 1 else 'rows are'} equal to a training row")
    return found


def _count_in(keys: npt.NDArray[np.uint64], known: npt.NDArray[np.uint64]) -> int:
    """How many of the keys are known; both ascending, a tenth of the time of `np.isin`."""
    if not len(known):
        return 0
    places = np.minimum(np.searchsorted(known, keys), len(known) - 1)
    return int(np.count_nonzero(known[places] == keys))


def _is_monotone(column: pa.ChunkedArray) -> bool:
    steps = np.diff(column.to_numpy())
    return bool(len(steps) and (np.all(steps > 0) or np.all(steps < 0)))


def _row_keys(table: pa.Table) -> npt.NDArray[np.uint64]:
    """A 64-bit key for each row; equal rows have equal keys, others practically never."""
    keys = np.zeros(table.num_rows, dtype=np.uint64)
    for column in table.columns:
        keys = _mixed(keys ^ _mixed(_codes(column)))
    return keys


def _codes(column: pa.ChunkedArray) -> npt.NDArray[np.uint64]:
    """A number for each value; equal values have equal numbers, missing ones are values of their own."""
    if pa.types.is_floating(column.type) and not column.null_count:
        numbers = column.to_numpy().astype(np.float64) + 0.0  # which makes a zero of a negative zero
        numbers[np.isnan(numbers)] = np.nan
        return np.asarray(numbers.view(np.uint64))
    encoded = column.combine_chunks().dictionary_encode()
    encoded = encoded.combine_chunks() if isinstance(encoded, pa.ChunkedArray) else encoded
    codes = encoded.indices.fill_null(len(encoded.dictionary)).to_numpy(zero_copy_only=False)
    return np.asarray(codes.astype(np.uint64))


def _mixed(keys: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """The finishing function of the SplitMix64 generator: every bit depends on every other."""
    keys = keys + np.uint64(0x9E3779B97F4A7C15)
    keys = (keys ^ (keys >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    keys = (keys ^ (keys >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(keys ^ (keys >> np.uint64(31)))


def _leak(column: pa.ChunkedArray, look: Profile, labels: npt.NDArray[np.float64], task: str) -> str:
    """How well this column alone tells the label, when that is too well to be true."""
    step = max(len(column) // LEAK_ROWS, 1)
    targets = labels[::step]
    if step > 1:
        column = column.take(pa.array(np.arange(0, len(column), step)))
    if look.type == "string":
        if look.distinct > LEAK_LEVELS:
            return ""
        codes = _level_codes(column)
        scores = codes.astype(np.float64) if task == "multiclass" else _level_means(codes, targets)
    elif look.type == "timestamp":
        scores = values.numbers(column.cast(pa.int64()))
    else:
        scores = values.numbers(column)
    if task == "regression":
        return _correlation(scores, targets)
    if task == "multiclass":
        return _neighbours(scores, targets)
    missing = np.isnan(scores)
    rankings = [scores]
    if missing.any():  # as the lowest, as the highest, and whether it is missing at all
        rankings = [np.where(missing, -np.inf, scores), np.where(missing, np.inf, scores), missing.astype(float)]
    best = max(_either_way(targets, ranking) for ranking in rankings)
    return f"alone it reaches an AUC of {best:.3f}" if best > LEAK_AUC else ""


def _either_way(targets: npt.NDArray[np.float64], scores: npt.NDArray[np.float64]) -> float:
    area = metrics.auc(targets == 1, scores)
    return 0.0 if area is None else max(area, 1 - area)


def _level_codes(column: pa.ChunkedArray) -> npt.NDArray[np.int64]:
    """A number for each level, the next one for missing values."""
    levels = pc.unique(column.drop_null())
    return np.asarray(pc.index_in(column, value_set=levels).fill_null(len(levels)).to_numpy(), dtype=np.int64)


def _level_means(codes: npt.NDArray[np.int64], targets: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    means = np.bincount(codes, weights=targets) / np.maximum(np.bincount(codes), 1)
    return np.asarray(means[codes])


def _neighbours(scores: npt.NDArray[np.float64], classes: npt.NDArray[np.float64]) -> str:
    """Whether rows that are next to each other by this column are nearly always of one class."""
    if len(classes) < 3:
        return ""
    chance = np.random.default_rng(0).random(len(classes))  # equal values in no order, least of all that of the file
    ordered = classes[np.lexsort((chance, scores))]  # missing values last
    same = float(np.mean(ordered[1:] == ordered[:-1]))
    _, counts = np.unique(classes, return_counts=True)
    expected = float(np.sum((counts / len(classes)) ** 2))  # of a column that has nothing to do with the classes
    told = (same - expected) / max(1 - expected, 1e-9)
    return f"{same:.1%} of the rows, ordered by it, are of the class of the next row" if told > LEAK_SHARE else ""


def _correlation(scores: npt.NDArray[np.float64], targets: npt.NDArray[np.float64]) -> str:
    present = ~np.isnan(scores)
    if present.sum() < 3 or np.ptp(scores[present]) == 0 or np.ptp(targets[present]) == 0:
        return ""
    correlation = float(np.corrcoef(scores[present], targets[present])[0, 1])
    return f"its correlation with the label is {correlation:.4f}" if abs(correlation) > LEAK_CORRELATION else ""
