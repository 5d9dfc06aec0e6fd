"""Rows that somebody gives: files, a table, a data frame, records; as parts of tables that the model reads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from fluentpipe.containers import inference, reading
from fluentpipe.errors import SourceError


def parts_of(rows: Any, numbers: Iterable[str], warnings: list[str]) -> Iterator[Any]:
    """The rows, a part at a time.

    Args:
        rows: A CSV or Parquet file or a folder of them; a pyarrow.Table; a pandas.DataFrame; records, that is a list of
            mappings; or one mapping of columns.
        numbers: Columns that the model reads as numbers.
        warnings: Gets what a reader had to decide.

    Raises:
        SourceError: It is none of these, or nothing is there.
        JobError: A file cannot be read.
    """
    if isinstance(rows, str | PathLike):
        yield from reading.batches(_local(rows), tuple(numbers), warnings)
        return
    yield reading.five_types(_table(rows), "the rows", warnings)


def _local(rows: str | PathLike[str]) -> Path:
    text = str(rows)
    if "://" in text:
        raise SourceError(
            f"Rows are read from this machine, not from {text!r}.",
            fix="download the file first, or score it in a pipeline: .provide(RawData, uri).score()",
        )
    path = Path(text).expanduser()
    if not path.exists():
        raise SourceError(f"There is no file or folder {text!r} with rows.", fix="correct the path")
    return path


def _table(rows: Any) -> Any:
    import pyarrow as pa

    if isinstance(rows, pa.Table):
        return rows
    if is_frame(rows):
        return _of_frame(rows)
    if isinstance(rows, Mapping):
        return _of_columns(rows)
    records = list(rows) if isinstance(rows, Iterable) else []
    if not isinstance(rows, Iterable) or not all(isinstance(each, Mapping) for each in records):
        raise SourceError(
            f"Rows cannot be a {type(rows).__name__}.",
            fix="give a CSV or Parquet file, a pandas.DataFrame, a pyarrow.Table, or a list of records",
        )
    names = dict.fromkeys(str(name) for record in records for name in record)
    return pa.table({name: _column(record.get(name) for record in records) for name in names})


def is_frame(rows: Any) -> bool:
    """Whether it is a pandas.DataFrame; pandas is not imported to find that out."""
    return type(rows).__module__.split(".")[0] == "pandas" and hasattr(rows, "columns")


def _of_frame(frame: Any) -> Any:
    import pyarrow as pa

    names = [str(name) for name in frame.columns]
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise SourceError(
            f"The rows have several columns {', '.join(map(repr, repeated))}.", fix="give each its own name"
        )
    return pa.table({str(name): _array(frame[name], frame[name].tolist) for name in frame.columns})


def _of_columns(columns: Mapping[Any, Any]) -> Any:
    import pyarrow as pa

    single = [name for name, values in columns.items() if isinstance(values, str) or not isinstance(values, Iterable)]
    if single:
        raise SourceError(
            f"A mapping is taken for columns, but {', '.join(map(repr, single[:5]))} hold a single value each.",
            fix="give a row as a list of one record: [row]",
        )
    try:
        return pa.table({str(name): _column(values) for name, values in columns.items()})
    except pa.ArrowInvalid as fault:
        raise SourceError(f"The columns are no table: {fault}.", fix="give columns of one length") from fault


def _column(values: Iterable[Any]) -> Any:
    each = list(values)
    return _array(each, lambda: each)


def _array(values: Any, listed: Callable[[], list[Any]]) -> Any:
    """A column; values of several types as text, which the model reads the same way."""
    import pyarrow as pa

    try:
        return pa.array(values, from_pandas=True)
    except (pa.ArrowException, TypeError):
        return pa.array([inference.text(each) for each in listed()], pa.string())
