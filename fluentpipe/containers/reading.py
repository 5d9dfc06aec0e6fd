"""Read tables: CSV and Parquet, one file or a whole folder, into one Arrow table of five column types.

The types are `integer` (int64), `number` (double), `boolean`, `string` and `timestamp` (microseconds, no zone, UTC
where there was one). Everything else is turned into one of them or left out with a warning.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING or __package__:
    from . import cores, csv_text
    from .job import JobError, quoted
else:  # beside its siblings, as the jobs run it
    import cores
    import csv_text
    from job import JobError, quoted

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

CSV_SUFFIXES = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".txt", ".txt.gz")
PARQUET_SUFFIXES = (".parquet", ".pq", ".parq")
_PANDAS_INDEX = re.compile(r"__index_level_\d+__")
# Otherwise Arrow holds a whole row group, a million rows as it writes them.
_SPARING: Mapping[str, Any] = {"pre_buffer": False, "buffer_size": 65_536}
BATCH_ROWS = 65_536  # of Parquet that are read at a time where not all rows are needed at once


@dataclass(frozen=True)
class Source:
    """Rows as they were read, and where they came from."""

    table: pa.Table
    files: tuple[str, ...]  # relative to the folder, in the order read
    sha256: str  # of the content
    warnings: tuple[str, ...]


def read_table(path: Path | str, file_format: str = "auto", text_columns: Collection[str] = ()) -> Source:
    """Read a file, or every data file under a folder, as one table.

    Args:
        path: A file or a folder; folders are read recursively in sorted order, without hidden files and markers.
        file_format: `csv`, `parquet`, or `auto` to tell by suffix and content.
        text_columns: Columns of a CSV file that stay text whatever they look like.

    Raises:
        JobError: No data, damaged files, ragged rows, columns that differ between files.
    """
    root = Path(path)
    files, warnings = data_files(root, file_format)
    kinds = {file: file_format if file_format != "auto" else format_of(file) for file in files}
    if len(set(kinds.values())) > 1:
        msg = f"{root} holds both CSV and Parquet files ({quoted(file.name for file in files)}); choose with --format"
        raise JobError(msg)
    names = tuple(file.relative_to(root).as_posix() if root.is_dir() else file.name for file in files)
    with cores.beside(lambda: content_hash(files, names)) as sha256:
        table = _stacked(files, kinds, set(text_columns), warnings)
        return Source(table, names, sha256(), tuple(warnings))


def _stacked(files: Sequence[Path], kinds: Mapping[Path, str], texts: set[str], warnings: list[str]) -> pa.Table:
    """The rows of all files."""
    tables = [_read_file(file, kinds[file], texts, warnings) for file in files]
    check_same_columns(files, tables)
    mixed = _clashing_columns(tables) - texts
    if mixed and "csv" in kinds.values():  # the text in the files, not a rendering of what one of them was taken for
        tables = [_read_file(file, kinds[file], texts | mixed, []) for file in files]
    table = stack(tables)
    if table.num_rows == 0:
        msg = f"no rows in {quoted(file.name for file in files)}: there is only a header"
        raise JobError(msg)
    return table


def batches(path: Path | str, numbers: Collection[str] = (), warnings: list[str] | None = None) -> Iterator[pa.Table]:
    """The rows of a file, or of every data file under a folder in sorted order, a part at a time.

    Values of CSV files are text; those of Parquet have one of the five types.

    Args:
        path: A file or a folder, as for `read_table`.
        numbers: Columns that hold numbers, for CSV files with decimal commas.
        warnings: Gets what the reader had to decide.

    Raises:
        JobError: No data, damaged files, ragged rows.
    """
    said = [] if warnings is None else warnings
    files, ignored = data_files(Path(path))
    said += ignored
    for file in files:
        if format_of(file) == "csv":
            yield from csv_text.batches(file, numbers, said)
        else:
            yield from _parquet_batches(file, said)


def _parquet_batches(file: Path, warnings: list[str]) -> Iterator[pa.Table]:
    import pyarrow as pa

    repeated: list[str] = []  # what is to be said is the same of every part
    try:
        with open_parquet(file) as reader:
            yield five_types(reader.schema_arrow.empty_table(), file.name, warnings)
            for batch in reader.iter_batches(batch_size=BATCH_ROWS):
                yield five_types(pa.Table.from_batches([batch]), file.name, repeated)
    except (pa.ArrowException, OSError) as fault:
        msg = f"{file.name} is damaged: {str(fault).splitlines()[0]}"
        raise JobError(msg) from None


def data_files(root: Path, file_format: str = "auto") -> tuple[list[Path], list[str]]:
    """The data files under a folder (or the one file), sorted, and a warning about those left out."""
    if not root.exists():
        msg = f"there is no file or folder {root}"
        raise JobError(msg)
    if root.is_file():
        return [root], []
    every = sorted((file for file in root.rglob("*") if file.is_file() and not _is_hidden(file, root)), key=str)
    wanted = {"csv": CSV_SUFFIXES, "parquet": PARQUET_SUFFIXES}.get(file_format, CSV_SUFFIXES + PARQUET_SUFFIXES)
    files = [file for file in every if file.name.lower().endswith(wanted) or "." not in file.name]
    ignored = [file.name for file in every if file not in set(files)]
    if not files:
        found = f"; there is only {quoted(ignored)}" if ignored else ""
        msg = f"no CSV or Parquet files in {root}{found}"
        raise JobError(msg)
    return files, [f"ignored {quoted(ignored)}: neither CSV nor Parquet by suffix"] if ignored else []


def peek_columns(path: Path | str) -> list[str]:
    """The column names of a file, or of the first file of a folder, without reading the rows."""
    return list(sample(path, rows=1))


def sample(path: Path | str, rows: int = 1000) -> dict[str, list[object]]:
    """The first rows of the first file, a list of values for each column; text where the file is CSV.

    Quick to call: a CSV file is read with the standard library alone.
    """
    file = data_files(Path(path))[0][0]
    if format_of(file) == "csv":
        return csv_text.sample(file, rows)
    reader = open_parquet(file)
    with reader:
        batch = next(reader.iter_batches(batch_size=rows), None)
        names = reader.schema_arrow.names
    return {name: batch.column(position).to_pylist() if batch else [] for position, name in enumerate(names)}


def content_hash(files: Sequence[Path], names: Sequence[str]) -> str:
    """SHA-256 of one file's bytes, or of the names and hashes of several (so that sha256sum can check it)."""
    hashes = [_file_hash(file) for file in files]
    if len(hashes) == 1:
        return hashes[0]
    listing = "".join(f"{digest}  {name}\n" for digest, name in zip(hashes, names, strict=True))
    return hashlib.sha256(listing.encode()).hexdigest()


def _file_hash(file: Path) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _is_hidden(file: Path, root: Path) -> bool:
    """Dotfiles, and the markers that Spark and S3 tools leave (`_SUCCESS`, `_metadata`)."""
    return any(part.startswith((".", "_")) for part in file.relative_to(root).parts)


def format_of(file: Path) -> str:
    """`csv` or `parquet`, by suffix and content."""
    if file.name.lower().endswith(PARQUET_SUFFIXES):
        return "parquet"
    with file.open("rb") as stream:
        return "parquet" if stream.read(4) == b"PAR1" else "csv"


def _read_file(file: Path, kind: str, texts: Collection[str], warnings: list[str]) -> pa.Table:
    if kind == "csv":
        return five_types(csv_text.read(file, texts, warnings), file.name, warnings)
    import pyarrow as pa

    try:
        with open_parquet(file) as reader:
            return five_types(reader.read(), file.name, warnings)
    except (pa.ArrowException, OSError) as fault:
        msg = f"{file.name} is damaged: {str(fault).splitlines()[0]}"
        raise JobError(msg) from None


def open_parquet(file: Path, **options: Any) -> Any:
    """A reader of a Parquet file; raises JobError where it is none."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.ParquetFile(file, **options)
    except (pa.ArrowException, OSError) as fault:
        msg = f"{file.name} is not a readable Parquet file: {str(fault).splitlines()[0]}"
        raise JobError(msg) from None


def five_types(table: pa.Table, file: str, warnings: list[str]) -> pa.Table:
    """Every column as one of the five types; what cannot be is left out with a warning."""
    import pyarrow as pa

    repeated = sorted({name for name in table.column_names if table.column_names.count(name) > 1})
    if repeated:
        msg = f"{file} names {quoted(repeated)} more than once; every column needs a name of its own"
        raise JobError(msg)
    columns, names = [], []
    simple = cores.in_parallel(_simple, table.columns)
    for name, column, kept in zip(table.column_names, table.columns, simple, strict=True):
        if _PANDAS_INDEX.fullmatch(name):  # the numbers of rows, which would be learned from like any column
            warnings.append(
                f"column {name!r} of {file} was left out: it is the index of a DataFrame, which has no name"
            )
            continue
        if kept is None:
            warnings.append(f"column {name!r} of {file} was left out: {column.type} is not a single value")
        else:
            names.append(name)
            columns.append(kept)
    return pa.Table.from_arrays(columns, names=names) if columns else table.select([])


def _simple(column: pa.ChunkedArray) -> pa.ChunkedArray | None:
    """A column in one of the five types, or None where there is no sensible one."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind, types = column.type, pa.types
    if types.is_dictionary(kind):
        return _simple(column.cast(kind.value_type))
    if types.is_boolean(kind):
        return column
    if kind == pa.uint64():  # above the range of int64 only a double can hold it
        return column.cast(pa.float64(), safe=False)
    if types.is_integer(kind):
        return column.cast(pa.int64())
    if types.is_floating(kind) or types.is_decimal(kind) or types.is_null(kind):
        numbers = column.cast(pa.float64())
        return pc.if_else(pc.is_nan(numbers), pa.scalar(None, pa.float64()), numbers)
    if types.is_timestamp(kind) or types.is_date(kind):  # an instant with a zone becomes its UTC reading
        return column.cast(pa.timestamp("us", tz=getattr(kind, "tz", None)), safe=False).cast(pa.timestamp("us"))
    if types.is_duration(kind):
        return pc.divide(column.cast(pa.duration("us"), safe=False).cast(pa.int64()).cast(pa.float64()), 1e6)
    if types.is_time(kind) or _is_text(kind):
        return column.cast(pa.string())
    return None


def _is_text(kind: pa.DataType) -> bool:
    return str(kind) in {"string", "large_string", "string_view"}  # an Arrow of 14 has no test for views


def check_same_columns(files: Sequence[Path], tables: Sequence[pa.Table]) -> None:
    """Refuse files whose columns are not those of the first."""
    first = tables[0].column_names
    for file, table in zip(files[1:], tables[1:], strict=True):
        missing = [name for name in first if name not in table.column_names]
        extra = [name for name in table.column_names if name not in first]
        if missing or extra:
            facts = [f"lacks {quoted(missing)}"] * bool(missing) + [f"adds {quoted(extra)}"] * bool(extra)
            msg = f"the files do not have the same columns: compared with {files[0].name}, {file.name} {' and '.join(facts)}"
            raise JobError(msg)


def _all_missing(column: pa.ChunkedArray) -> bool:
    return bool(column.null_count == len(column))


def _clashing_columns(tables: Sequence[pa.Table]) -> set[str]:
    """Columns that one file takes for text and another for something else."""
    clashing = set()
    for name in tables[0].column_names:
        kinds = {str(table.column(name).type) for table in tables if not _all_missing(table.column(name))}
        if len(kinds) > 1 and kinds != {"int64", "double"}:
            clashing.add(name)
    return clashing


def stack(tables: Sequence[pa.Table]) -> pa.Table:
    """One table below another, in the column order of the first, each column in the narrowest type that holds all."""
    import pyarrow as pa

    columns = []
    for name in tables[0].column_names:
        parts = [table.column(name) for table in tables]
        kinds = {part.type for part in parts if not _all_missing(part)} or {parts[0].type}
        numeric = kinds == {pa.int64(), pa.float64()}
        kind = kinds.pop() if len(kinds) == 1 else pa.float64() if numeric else pa.string()
        chunks = [chunk for part in parts for chunk in _as_type(part, kind).chunks]
        columns.append(pa.chunked_array(chunks, type=kind))
    return pa.Table.from_arrays(columns, names=tables[0].column_names)


def _as_type(part: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    import pyarrow as pa

    if _all_missing(part):  # nothing to convert, and not every pair of types has a cast
        return pa.chunked_array([pa.nulls(len(part), kind)])
    return part.cast(kind)


def write_parquet(table: pa.Table, path: Path) -> None:
    """Write Parquet that every Arrow from 14 on reads, without metadata, the same bytes for the same rows."""
    import pyarrow.parquet as pq

    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table.replace_schema_metadata(None), path, use_dictionary=False, version="2.4", compression="snappy")


def read_parquet(path: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """Read one Parquet file as it is; those of the columns that it has, where not all are needed.

    Raises:
        JobError: It is damaged, or none at all.
    """
    import pyarrow as pa

    try:
        with open_parquet(path) as reader:
            return reader.read(None if columns is None else list(columns))
    except (pa.ArrowException, OSError) as fault:
        msg = f"{path} is damaged: {str(fault).splitlines()[0]}"
        raise JobError(msg) from None


def chosen_rows(path: Path, places: npt.NDArray[np.int64]) -> Iterator[pa.Table]:
    """Some rows of a Parquet file, a part at a time.

    Args:
        path: The file.
        places: Of the rows, rising.

    Raises:
        JobError: The file is damaged, or has fewer rows.
    """
    import numpy as np
    import pyarrow as pa

    start = 0
    try:
        with open_parquet(path, **_SPARING) as reader:
            for batch in reader.iter_batches(batch_size=BATCH_ROWS):
                first, last = np.searchsorted(places, (start, start + batch.num_rows))
                yield pa.Table.from_batches([batch]).take(pa.array(places[first:last] - start))
                start += batch.num_rows
    except (pa.ArrowException, OSError) as fault:
        msg = f"{path} is damaged: {str(fault).splitlines()[0]}"
        raise JobError(msg) from None
    if len(places) and places[-1] >= start:
        msg = f"{path} has {start} rows, but a row {places[-1]} is asked for"
        raise JobError(msg)
