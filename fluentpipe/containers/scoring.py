"""Predictions for rows of any number, in their order: what the model says of each, beside the columns that tell which row it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

if TYPE_CHECKING or __package__:
    from .job import JobError, did_you_mean, quoted
    from .preprocessing import LABEL, NUMBER
else:  # beside its siblings, as the jobs run it
    from job import JobError, did_you_mean, quoted
    from preprocessing import LABEL, NUMBER

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import numpy.typing as npt

    from .model_folder import Model


def numeric_columns(model: Model) -> tuple[str, ...]:
    """The raw columns that the model reads as numbers."""
    known = model.preprocessing.columns if model.preprocessing else ()
    return tuple(column.name for column in known if column.kind == NUMBER)


def kept_columns(model: Model, names: Sequence[str], asked: Sequence[str] | None) -> tuple[str, ...]:
    """The columns that go with the predictions.

    Args:
        model: The model that predicts.
        names: Every column of the rows.
        asked: Those that are wanted; None for all that the model neither uses nor predicts. Preprocessed rows have none.

    Raises:
        JobError: One that is wanted is not there, or has the name of a prediction.
    """
    if asked is None:
        used = {column.name for column in model.preprocessing.columns} if model.preprocessing else set()
        found = () if LABEL in names else tuple(name for name in names if name not in {*used, model.target.label})
    else:
        found = tuple(asked)
    missing = [name for name in found if name not in names]
    if missing:
        msg = f"the rows have no column {quoted(missing)} to be kept.{did_you_mean(missing[0], names)}"
        raise JobError(msg)
    clash = sorted({*found} & {*_said_columns(model)})
    if clash:
        msg = f"the rows have columns named as the predictions: {quoted(clash)}; rename them, or say which columns to keep"
        raise JobError(msg)
    return found


def scored(model: Model, rows: pa.Table, kept: Sequence[str]) -> pa.Table:
    """The kept columns, the prediction, and the probability: of the positive class, or of each of several.

    Raises:
        JobError: Columns are missing; all of them are named.
    """
    scores = model.scores(features(model, rows))
    found = {name: rows.column(name) for name in kept}
    found["prediction"] = pa.chunked_array([pa.array(model.predictions(scores), _prediction_type(model))])
    if model.target.task == "binary":
        found["probability"] = _column(scores)
    elif model.target.task == "multiclass":
        shares = (_column(scores[:, code]) for code in range(len(model.target.classes)))
        found.update(zip(_said_columns(model)[1:], shares, strict=True))
    return pa.table(found)


def scored_batches(model: Model, batches: Iterable[pa.Table], asked: Sequence[str] | None) -> Iterator[pa.Table]:
    """`scored`, part by part; all parts have the columns and types of the first."""
    kept: tuple[str, ...] | None = None
    schema: pa.Schema | None = None
    for rows in batches:
        kept = kept_columns(model, rows.column_names, asked) if kept is None else kept
        lacking = [name for name in kept if name not in rows.column_names]
        if lacking:
            msg = f"the files do not have the same columns: one lacks {quoted(lacking)}"
            raise JobError(msg)
        table = scored(model, rows, kept)
        schema = table.schema if schema is None else schema
        yield _as_schema(table, schema)


def features(model: Model, rows: pa.Table) -> npt.NDArray[np.float32]:
    """The matrix of raw rows, or of rows that `preprocess` wrote.

    Raises:
        JobError: Columns are missing, or the model cannot preprocess raw rows.
    """
    if LABEL in rows.column_names:
        missing = [name for name in model.names if name not in rows.column_names]
        if missing:
            msg = f"the preprocessed rows lack features of the model: {quoted(missing)}"
            raise JobError(msg)
        if not model.names or not rows.num_rows:
            return np.empty((rows.num_rows, len(model.names)), dtype=np.float32)
        columns = [np.asarray(rows.column(name).to_numpy(), dtype=np.float32) for name in model.names]
        return np.column_stack(columns)
    if model.preprocessing is None:
        msg = "the rows are raw, and the model carries no preprocessing; train with the output preprocessing_model"
        raise JobError(msg)
    return model.preprocessing.transform(rows)


def _said_columns(model: Model) -> tuple[str, ...]:
    shares = {
        "binary": ["probability"],
        "multiclass": [f"probability_{name}" for name in model.target.classes],
        "regression": [],
    }
    return ("prediction", *shares[model.target.task])


def _prediction_type(model: Model) -> Any:
    return pa.float64() if model.target.task == "regression" else pa.array(list(model.target.classes)).type


def _column(scores: npt.NDArray[np.float32]) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(scores.astype(np.float64))])


def _as_schema(table: pa.Table, schema: pa.Schema) -> pa.Table:
    try:
        return table if table.schema.equals(schema) else table.cast(schema)
    except (pa.ArrowException, ValueError) as fault:
        msg = f"the files do not have the same columns: {str(fault).splitlines()[0]}"
        raise JobError(msg) from None
