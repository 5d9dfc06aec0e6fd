"""Preprocessed data: rows as one matrix with its schema, as `preprocess` writes it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING or __package__:
    from . import reading
    from .job import JobError, quoted, read_json
    from .preprocessing import LABEL
    from .tasks import Target
else:  # beside its siblings, as the jobs run it
    import reading
    from job import JobError, quoted, read_json
    from preprocessing import LABEL
    from tasks import Target

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy.typing as npt


DATA = "data.parquet"


@dataclass(frozen=True)
class Matrix:
    """Rows to learn from or to judge by."""

    features: npt.NDArray[np.float32]  # shape (rows, features), NaN where missing; (rows, 0) of an outline
    labels: npt.NDArray[np.float64]  # class codes or values, shape (rows,)
    names: tuple[str, ...]
    types: tuple[str, ...]  # XGBoost's: "q" or "c"
    target: Target
    schema: Mapping[str, Any]


def read(folder: Path, places: npt.NDArray[np.int64] | None = None) -> Matrix:
    """Read a folder of preprocessed data.

    Args:
        folder: With data.parquet and schema.json.
        places: Of the rows to keep, rising; by default all. The file is then read in parts, so that the others take no memory.

    Raises:
        JobError: It is none, or its parts do not fit together.
    """
    schema, names = _schema(folder)
    file = folder / DATA
    if places is None:
        table = reading.read_parquet(file)
        rows, parts = table.num_rows, iter([table])
    else:
        rows, parts = len(places), reading.chosen_rows(file, places)
    features = np.empty((rows, len(names)), dtype=np.float32)
    labels = np.empty(rows, dtype=np.float64)
    start = 0
    for part in parts:
        _check_columns(part.column_names, names, file)
        for position, name in enumerate(names):
            features[start : start + part.num_rows, position] = part.column(name).to_numpy()
        labels[start : start + part.num_rows] = part.column(LABEL).to_numpy()
        start += part.num_rows
    return Matrix(features, labels, names, tuple(schema["feature_types"]), Target.from_dict(schema), schema)


def outline(folder: Path) -> Matrix:
    """The labels of all rows, and what the schema says, without the features.

    Raises:
        JobError: As `read`.
    """
    schema, names = _schema(folder)
    table = reading.read_parquet(folder / DATA, [LABEL])
    _check_columns([*table.column_names, *names], names, folder / DATA)
    labels = np.asarray(table.column(LABEL).to_numpy(), dtype=np.float64)
    nothing = np.empty((len(labels), 0), dtype=np.float32)
    return Matrix(nothing, labels, names, tuple(schema["feature_types"]), Target.from_dict(schema), schema)


def _schema(folder: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The schema of a folder, and the names of its features."""
    if not (folder / "schema.json").is_file() or not (folder / DATA).is_file():
        msg = f"{folder} holds no preprocessed data ({DATA} and schema.json); give it an output of preprocess"
        raise JobError(msg)
    schema = read_json(folder / "schema.json")
    return schema, tuple(schema.get("features", ()))


def _check_columns(found: Sequence[str], names: Sequence[str], file: Path) -> None:
    missing = [name for name in (*names, LABEL) if name not in found]
    if missing or not names:
        msg = f"{file} does not fit its schema.json: it lacks {quoted(missing) or 'features'}"
        raise JobError(msg)


def take(rows: Matrix, places: npt.NDArray[np.int64]) -> Matrix:
    """Some of the rows."""
    return replace(rows, features=rows.features[places], labels=rows.labels[places])


def stack(above: Matrix, below: Matrix) -> Matrix:
    """All rows of two matrices with the same columns."""
    check_same_features(below.names, above.names, "validation rows", "training rows")
    features = np.concatenate([above.features, below.features])
    return replace(above, features=features, labels=np.concatenate([above.labels, below.labels]))


def check_same_features(found: tuple[str, ...], needed: tuple[str, ...], whose: str, of_what: str) -> None:
    """Refuse rows whose features are not those of the model or of the other rows."""
    if found != needed:
        missing = [name for name in needed if name not in found]
        extra = [name for name in found if name not in needed]
        facts = [f"they lack {quoted(missing)}"] * bool(missing) + [f"they add {quoted(extra)}"] * bool(extra)
        msg = f"the {whose} do not have the features of the {of_what}: {' and '.join(facts) or 'their order differs'}"
        raise JobError(msg)
