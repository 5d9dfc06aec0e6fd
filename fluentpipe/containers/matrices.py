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
    from collections.abc import Mapping
    from pathlib import Path

    import numpy.typing as npt


@dataclass(frozen=True)
class Matrix:
    """Rows to learn from or to judge by."""

    features: npt.NDArray[np.float32]  # shape (rows, features), NaN where missing
    labels: npt.NDArray[np.float64]  # class codes or values, shape (rows,)
    names: tuple[str, ...]
    types: tuple[str, ...]  # XGBoost's: "q" or "c"
    target: Target
    schema: Mapping[str, Any]


def read(folder: Path) -> Matrix:
    """Read a folder of preprocessed data.

    Raises:
        JobError: It is none, or its parts do not fit together.
    """
    file = folder / "data.parquet"
    if not (folder / "schema.json").is_file() or not file.is_file():
        msg = f"{folder} holds no preprocessed data (data.parquet and schema.json); give it an output of preprocess"
        raise JobError(msg)
    schema = read_json(folder / "schema.json")
    table = reading.read_parquet(file)
    names = tuple(schema.get("features", ()))
    missing = [name for name in (*names, LABEL) if name not in table.column_names]
    if missing or not names:
        msg = f"{file} does not fit its schema.json: it lacks {quoted(missing) or 'features'}"
        raise JobError(msg)
    features = np.empty((table.num_rows, len(names)), dtype=np.float32)
    for position, name in enumerate(names):
        features[:, position] = table.column(name).to_numpy()
    labels = np.asarray(table.column(LABEL).to_numpy(), dtype=np.float64)
    return Matrix(features, labels, names, tuple(schema["feature_types"]), Target.from_dict(schema), schema)


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
