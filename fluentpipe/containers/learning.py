"""Learn a preprocessing from training rows: which columns are used, and how."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING or __package__:
    from . import columns, cores, values
    from .job import JobError
    from .preprocessing import CATEGORY, INSTANT, NUMBER, PARTS, Column, Preprocessing, date_parts
else:  # beside its siblings, as the jobs run it
    import columns
    import cores
    import values
    from job import JobError
    from preprocessing import CATEGORY, INSTANT, NUMBER, PARTS, Column, Preprocessing, date_parts

if TYPE_CHECKING:
    from collections.abc import Collection

    from .tasks import Target

NUMERIC_SHARE = 0.99  # of the texts of a column that are numbers, for it to be a column of numbers with some rubbish
FREE_TEXT_SHARE = 0.5  # different texts per row, above which a column of texts says nothing general
FREE_TEXT_LEVELS = 50


@dataclass(frozen=True)
class Choices:
    """What the user may decide about the columns."""

    min_frequency: float = 5  # rows, or below 1 a share of them; rarer levels are pooled (scikit-learn's name)
    max_categories: int = 255  # levels kept of a category, the most frequent ones
    drop_columns: Collection[str] = ()
    keep_columns: Collection[str] = ()  # used even if they look like identifiers or are constant
    drop_id_columns: bool = True


def fit(table: pa.Table, target: Target, choices: Choices = Choices()) -> Preprocessing:
    """Learn the preprocessing from training rows, and from nothing else.

    Raises:
        JobError: No column is left to learn from.
    """
    used: list[Column] = []
    dropped: list[tuple[str, str]] = []
    names = [name for name in table.column_names if name != target.label]
    learned = cores.in_parallel(lambda name: _learn(name, table.column(name), choices), names)
    for name, found in zip(names, learned, strict=True):
        if isinstance(found, Column):
            used.append(found)
        else:
            dropped.append((name, found))
    if not used:
        reasons = "; ".join(f"{name!r}: {reason}" for name, reason in dropped[:10])
        msg = f"no column is left to learn from ({reasons or 'there is only the label'}); see --keep-columns"
        raise JobError(msg)
    return Preprocessing(tuple(used), tuple(dropped), tuple(table.column_names), target)


def _learn(name: str, column: pa.ChunkedArray, choices: Choices) -> Column | str:
    """How a column is used, or why it is not."""
    if name in choices.drop_columns:
        return "asked to be dropped"
    if pa.types.is_string(column.type):
        column = values.without_na_words(column)
    if pa.types.is_floating(column.type) and columns.varies(column):
        return Column(name, NUMBER)  # no matter how many values it has
    look = columns.profile(name, column)
    kept = name in choices.keep_columns
    if look.is_constant and not kept:
        return "no values" if not look.distinct else "the same value in every training row"
    if look.id_reason and choices.drop_id_columns and not kept:
        return f"looks like an identifier: {look.id_reason}"
    if look.type == "timestamp":
        return Column(name, INSTANT, parts=_varying_parts(column) or ("epoch_days",))
    if look.type != "string" or _is_numeric(column, look, choices):
        return Column(name, NUMBER)
    present = look.rows - look.missing
    if look.distinct > max(FREE_TEXT_LEVELS, FREE_TEXT_SHARE * present) and not kept:
        return f"free text: {look.distinct} different texts in {present} rows"
    return _category(name, column, choices)


def _is_numeric(column: pa.ChunkedArray, look: columns.Profile, choices: Choices) -> bool:
    """Whether texts are numbers with some rubbish; few different digits stay categories, such as codes and grades."""
    return look.distinct > choices.max_categories and values.looks_numeric(column) >= NUMERIC_SHARE


def _category(name: str, column: pa.ChunkedArray, choices: Choices) -> Column:
    counts = {entry["values"]: entry["counts"] for entry in pc.value_counts(column.drop_null()).to_pylist()}
    rows = sum(counts.values())
    least = choices.min_frequency * rows if choices.min_frequency < 1 else choices.min_frequency
    frequent = sorted((level for level in counts if counts[level] >= least), key=lambda level: (-counts[level], level))
    levels = sorted(frequent[: choices.max_categories])
    return Column(name, CATEGORY, tuple(levels), pools_rare=len(levels) < len(counts))


def _varying_parts(column: pa.ChunkedArray) -> tuple[str, ...]:
    parts = date_parts(values.instants(column))
    return tuple(part for part in PARTS if len(np.unique(parts[part][~np.isnan(parts[part])])) > 1)
