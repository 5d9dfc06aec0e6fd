"""`predict`: what a model says of raw rows, here, with the numbers that its evaluation saw."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from os import PathLike
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from fluentpipe.containers.job import JobError
from fluentpipe.errors import MissingExtra, SourceError
from fluentpipe.run.home import home_folder
from fluentpipe.serving.models import ModelGiven, open_model

if TYPE_CHECKING:
    import pyarrow as pa

_FORMATS = {".csv": "csv", ".parquet": "parquet", ".pq": "parquet"}


def predict(
    model: ModelGiven, rows: Any, *, id_columns: Sequence[str] | None = None, home: str | PathLike[str] | None = None
) -> Any:
    """Predict for raw rows: the columns that tell which row it is, the prediction, and its probability.

    Args:
        model: `model.tar.gz`, a model's folder, a run or its id, a registered version (`run.models[0]`), or the name of a
            group in the local registry, with a version or for the newest (`churn-models/3`, `churn-models`).
        rows: A CSV or Parquet file or a folder of them, a pandas.DataFrame, a pyarrow.Table, a mapping of columns, or records.
        id_columns: Columns that go with the predictions; by default all that the model neither uses nor predicts.
        home: Folder of runs and registry; otherwise $FLUENTPIPE_HOME, or ./.fluentpipe.

    Returns:
        Rows in their order with `prediction` (a class, or a value) and `probability` (of the positive class) or, for several
        classes, `probability_<class>`: a DataFrame with its index for a DataFrame, a list of dicts for records, else a
        pyarrow.Table.

    Raises:
        SourceError: There is no such model, the rows cannot be read, or lack columns, all of which are named.
        MissingExtra: What it takes to predict is not installed.
    """
    _require_extra()
    import pyarrow as pa

    from fluentpipe.serving.rows import is_frame

    found = pa.concat_tables(_parts(model, rows, id_columns, home, []))
    if is_frame(rows):
        return found.to_pandas().set_axis(rows.index)
    return found.to_pylist() if isinstance(rows, list) else found


def predict_file(
    model: ModelGiven,
    rows: str | PathLike[str],
    out: str | PathLike[str] | IO[bytes],
    *,
    id_columns: Sequence[str] | None = None,
    home: str | PathLike[str] | None = None,
) -> tuple[int, list[str]]:
    """Predict for the rows of a file, however many, and write the predictions to a file; it appears when it is complete.

    Args:
        model: As for `predict`.
        rows: A CSV or Parquet file, or a folder of them.
        out: A name that ends in .csv or .parquet, or a binary stream that gets CSV.
        id_columns: As for `predict`.
        home: As for `predict`.

    Returns:
        The number of rows, and warnings of the reader.

    Raises:
        SourceError: As for `predict`; or the name says no format.
        MissingExtra: What it takes to predict is not installed.
    """
    _require_extra()
    from fluentpipe.containers import score

    warnings: list[str] = []
    parts = _parts(model, rows, id_columns, home, warnings)
    if not isinstance(out, str | PathLike):
        return score.write(parts, out, "csv"), warnings
    path = Path(out).expanduser()
    file_format = _FORMATS.get(path.suffix.lower())
    if file_format is None:
        raise SourceError(
            f"{str(out)!r} says no format for the predictions.", fix="end the name in .csv or in .parquet"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    stage = path.with_name(f".tmp-{secrets.token_hex(4)}-{path.name}")
    try:
        count = score.write(parts, stage, file_format)
        stage.replace(path)
    finally:
        stage.unlink(missing_ok=True)
    return count, warnings


def _parts(
    given: ModelGiven,
    rows: Any,
    id_columns: Sequence[str] | None,
    home: str | PathLike[str] | None,
    warnings: list[str],
) -> Iterator[pa.Table]:
    """The predictions, a part at a time.

    Raises:
        SourceError: As for `predict`.
    """
    from fluentpipe.containers import scoring
    from fluentpipe.serving.rows import parts_of

    model = open_model(given, home_folder(Path(home) if home is not None else None))
    try:
        yield from scoring.scored_batches(model, parts_of(rows, scoring.numeric_columns(model), warnings), id_columns)
    except JobError as fault:
        raise SourceError(f"The rows cannot be predicted: {fault}") from fault


def _require_extra() -> None:
    if missing := [name for name in ("numpy", "pyarrow", "xgboost") if find_spec(name) is None]:
        raise MissingExtra(f"To predict takes {', '.join(missing)}.", fix="pip install 'fluentpipe[local]'")
