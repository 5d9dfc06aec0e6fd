"""Serve a model: raw rows in, predictions out.

The four functions are those that SageMaker's XGBoost container calls. Rows come as CSV, with a header or in the column
order of the training data, as JSON, or as Parquet; the label may be among the columns and is not looked at. Parquet may also
hold the rows that `preprocess` wrote.
"""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

if TYPE_CHECKING or __package__:
    from . import model_folder
    from .csv_text import NA_WORDS
    from .job import JobError, quoted
    from .preprocessing import LABEL
    from .reading import five_types
else:  # beside its siblings, as the jobs run it
    import model_folder
    from csv_text import NA_WORDS
    from job import JobError, quoted
    from preprocessing import LABEL
    from reading import five_types

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

Rows: TypeAlias = "list[dict[str, Any]] | list[list[str]] | pa.Table"


def model_fn(model_dir: str) -> model_folder.Model:
    """Load the model.

    Raises:
        JobError: There is none, or it came without its preprocessing.
    """
    model = model_folder.load(Path(model_dir))
    if model.preprocessing is None:
        msg = (
            "the model carries no preprocessing, so it cannot serve raw rows; train with the output preprocessing_model"
        )
        raise JobError(msg)
    return model


def input_fn(body: str | bytes | bytearray, content_type: str) -> Rows:
    """Read a request: text/csv, application/x-parquet, application/jsonlines, or application/json.

    JSON holds records, one record, or {"instances": records}.

    Raises:
        JobError: Another type, or a body that is not of the type.
    """
    kind = content_type.split(";", maxsplit=1)[0].strip().lower()
    if kind == "application/x-parquet":
        return _parquet(body)
    text = body if isinstance(body, str) else bytes(body).decode("utf-8-sig")
    if kind == "text/csv":
        return [record for record in csv.reader(io.StringIO(text)) if record]
    try:
        if kind == "application/jsonlines":
            return _records([json.loads(line) for line in text.splitlines() if line.strip()])
        if kind == "application/json":
            return _records(json.loads(text))
    except ValueError as fault:
        msg = f"the request is not valid {kind}: {fault}"
        raise JobError(msg) from None
    msg = f"content type {content_type!r} is not served; send text/csv, application/json, application/jsonlines or application/x-parquet"
    raise JobError(msg)


def predict_fn(rows: Rows, model: model_folder.Model) -> list[dict[str, Any]]:
    """Predict: for each row the prediction and, of classes, its probabilities.

    Raises:
        JobError: Columns are missing; all of them are named.
    """
    if not (rows.num_rows if isinstance(rows, pa.Table) else rows):
        return []
    scores = model.scores(_features(rows, model))
    found = []
    for prediction, score in zip(model.predictions(scores), scores, strict=True):
        entry: dict[str, Any] = {"prediction": prediction}
        if model.target.task == "binary":
            entry["probability"] = float(score)
        elif model.target.task == "multiclass":
            shares = zip(model.target.classes, score, strict=True)
            entry["probabilities"] = {str(name): float(share) for name, share in shares}
        found.append(entry)
    return found


def output_fn(predictions: Sequence[dict[str, Any]], accept: str) -> str:
    """Write a response: application/json ({"predictions": …}), application/jsonlines, or text/csv without a header.

    Raises:
        JobError: Another type is wanted.
    """
    kind = accept.split(",", maxsplit=1)[0].split(";", maxsplit=1)[0].strip().lower()
    if kind in {"application/json", "*/*", ""}:
        return json.dumps({"predictions": list(predictions)}, ensure_ascii=False)
    if kind == "application/jsonlines":
        return "".join(json.dumps(entry, ensure_ascii=False) + "\n" for entry in predictions)
    if kind == "text/csv":
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        for entry in predictions:
            shares = [entry["probability"]] if "probability" in entry else entry.get("probabilities", {}).values()
            writer.writerow([entry["prediction"], *shares])
        return out.getvalue()
    msg = f"a response of type {accept!r} is not served; accept application/json, application/jsonlines or text/csv"
    raise JobError(msg)


def _parquet(body: str | bytes | bytearray) -> pa.Table:
    try:
        return five_types(
            pq.read_table(pa.BufferReader(body.encode() if isinstance(body, str) else bytes(body))), "the request", []
        )
    except pa.ArrowException as fault:
        msg = f"the request is not valid Parquet: {str(fault).splitlines()[0]}"
        raise JobError(msg) from None


def _features(rows: Rows, model: model_folder.Model) -> npt.NDArray[np.float32]:
    if isinstance(rows, pa.Table) and LABEL in rows.column_names:
        missing = [name for name in model.names if name not in rows.column_names]
        if missing:
            msg = f"the preprocessed rows lack features of the model: {quoted(missing)}"
            raise JobError(msg)
        return np.column_stack([np.asarray(rows.column(name).to_numpy(), dtype=np.float32) for name in model.names])
    assert model.preprocessing is not None  # model_fn refuses a model without it
    return model.preprocessing.transform(rows if isinstance(rows, pa.Table) else _table(rows, model))


def _records(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, dict):
        value = value["instances"] if isinstance(value.get("instances"), list) else [value]
    if not isinstance(value, list) or not all(isinstance(record, dict) for record in value):
        msg = 'the request holds no records; send objects such as {"tenure": 3, "contract": "Two year"}'
        raise JobError(msg)
    return value


def _table(rows: list[Any], model: model_folder.Model) -> pa.Table:
    """Rows as a table of texts; the preprocessing reads every value the same way, however it was typed."""
    names = _names(rows)
    first = rows[0]
    if isinstance(first, dict):
        records = [record for record in rows if isinstance(record, dict)]
    else:
        names, lines = _header(rows, model)
        records = [dict(zip(names, line, strict=True)) for line in lines]
    columns = {
        name: pa.chunked_array([pa.array([text(record.get(name)) for record in records], pa.string())])
        for name in names
    }
    return pa.table(columns)


def _names(rows: list[Any]) -> list[str]:
    return list(dict.fromkeys(name for record in rows if isinstance(record, dict) for name in record))


def _header(rows: list[Any], model: model_folder.Model) -> tuple[list[str], list[list[str]]]:
    """The column names of CSV rows: those of their first line, or those of the training data."""
    lines = [line for line in rows if isinstance(line, list)]
    known = model.preprocessing.input_columns if model.preprocessing else ()
    first = lines[0]
    if sum(field in known for field in first) * 2 > len(first):
        names, lines = first, lines[1:]
    else:
        names = list(known)
        if len(first) == len(known) - 1:
            names.remove(model.target.label)
    for number, line in enumerate(lines, 1):
        if len(line) != len(names):
            msg = (
                f"row {number} of the request has {len(line)} fields where {len(names)} are needed: {', '.join(names)}"
            )
            raise JobError(msg)
    return names, lines


def text(value: Any) -> str | None:
    """A value as text, None where it is missing: whole numbers without a fraction, truth values as `true` and `false`."""
    if value is None or (isinstance(value, str) and value in NA_WORDS):
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    return value if isinstance(value, str) else str(value)
