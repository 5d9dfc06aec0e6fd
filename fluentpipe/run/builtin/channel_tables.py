"""The rows of a channel as the XGBoost image's own algorithm reads them: CSV, libsvm, Parquet.

CSV has no header and the label first; libsvm is `label index:value …`; of Parquet the first column is the label
(https://docs.aws.amazon.com/sagemaker/latest/dg/xgboost.html).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import xgboost

DEFAULT_TYPE = "text/libsvm"
_DELIMITERS = ",;\t|"


class UserError(Exception):
    """What the user has to correct; its text becomes the job's failure message."""


def read_channel(folder: Path, content_type: str, *, weights: bool = False) -> xgboost.DMatrix:
    """The rows of every file of a channel.

    Args:
        folder: The channel's; what is hidden, or begins with `_`, is no data.
        content_type: As the channel says it, such as `text/csv; label_size=1`; empty for libsvm.
        weights: Whether the second column of CSV is the weight of the row.

    Raises:
        UserError: The type is unknown, there are no files, or a file is not of the type.
    """
    kind = content_type.partition(";")[0].strip().lower() or DEFAULT_TYPE
    if kind not in _READERS:
        raise UserError(f"ContentType {content_type!r} is not read here; these are: {', '.join(sorted(_READERS))}")
    files = [file for file in sorted(folder.rglob("*")) if file.is_file() and not _is_hidden(file, folder)]
    if not files:
        raise UserError(f"channel {folder.name!r} has no data files")
    if weights and kind not in _CSV:
        raise UserError("csv_weights needs ContentType text/csv")
    if kind in _LIBSVM:
        return _libsvm(files)
    columns = [_READERS[kind](file) for file in files]
    if len({table.shape[1] for table in columns}) > 1:
        widths = ", ".join(f"{file.name} {table.shape[1]}" for file, table in zip(files, columns, strict=True))
        raise UserError(f"the files of channel {folder.name!r} have different numbers of columns: {widths}")
    return _matrix(np.concatenate(columns), folder.name, weights=weights)


def _is_hidden(file: Path, folder: Path) -> bool:
    return any(part[0] in "._" for part in file.relative_to(folder).parts)


def _matrix(table: Any, channel: str, *, weights: bool) -> xgboost.DMatrix:
    first = 2 if weights else 1
    if table.shape[1] <= first:
        raise UserError(f"channel {channel!r} has {table.shape[1]} columns; the label and at least one more are needed")
    if np.isnan(table[:, 0]).any():
        raise UserError(f"channel {channel!r} has rows without a label; the label is the first column")
    weight = table[:, 1] if weights else None
    return xgboost.DMatrix(table[:, first:], label=table[:, 0], weight=weight)


def _csv(file: Path) -> Any:
    """A table of float32 from CSV; an empty field is a missing value."""
    import pyarrow as pa
    import pyarrow.csv as pc

    with file.open(encoding="utf-8", errors="replace") as lines:
        first = lines.readline()
    if not first.strip():
        raise UserError(f"{file.name} is empty")
    delimiter = max(_DELIMITERS, key=first.count)
    _refuse_other_than_numbers(file, first.rstrip("\r\n").split(delimiter))
    names = [str(position) for position in range(first.count(delimiter) + 1)]
    try:
        table = pc.read_csv(
            file,
            read_options=pc.ReadOptions(column_names=names),
            parse_options=pc.ParseOptions(delimiter=delimiter),
            convert_options=pc.ConvertOptions(
                column_types=dict.fromkeys(names, pa.float32()), null_values=["", "NaN", "nan", "NA", "N/A"]
            ),
        )
    except pa.ArrowInvalid as error:
        raise UserError(f"{file.name} is no CSV of numbers: {error}") from error
    return _as_numbers(table)


def _refuse_other_than_numbers(file: Path, fields: list[str]) -> None:
    """The first line tells the two frequent mistakes apart: a header, and libsvm."""
    if len(fields) == 1 and ":" in fields[0]:
        raise UserError(f"{file.name} looks like libsvm, but its channel says text/csv")
    for field in fields:
        if not _is_number(field):
            raise UserError(
                f"{file.name} is no CSV of numbers: its first line has {field!r}. The algorithm takes CSV without a "
                "header, the label first; write it so, or train with a script"
            )


def _is_number(field: str) -> bool:
    try:
        float(field.strip().strip('"') or "nan")
    except ValueError:
        return field.strip() in ("NA", "N/A")
    return True


def _parquet(file: Path) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return _as_numbers(pq.read_table(file))
    except pa.ArrowInvalid as error:
        raise UserError(f"{file.name} is no Parquet file of numbers: {error}") from error


def _as_numbers(table: Any) -> Any:
    columns = (_float32(name, table.column(name)) for name in table.column_names)
    return np.column_stack(list(columns)).astype(np.float32, copy=False)


def _float32(name: str, column: Any) -> Any:
    import pyarrow as pa

    try:
        return column.cast(pa.float32()).to_numpy()
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise UserError(f"column {name!r} holds no numbers: {error}") from error


def _libsvm(files: list[Path]) -> xgboost.DMatrix:
    from scipy.sparse import csr_matrix  # type: ignore[import-untyped] # SciPy carries no types

    labels: list[float] = []
    columns: list[int] = []
    values: list[float] = []
    ends = [0]
    for file, number, line in _lines(files):
        label, *pairs = line.split("#", 1)[0].split()
        try:
            labels.append(float(label))
            for pair in pairs:
                column, value = pair.split(":")
                columns.append(int(column))
                values.append(float(value))
        except ValueError:
            hint = "; for CSV the channel must say ContentType text/csv" if "," in line else ""
            raise UserError(
                f"{file.name}, line {number} is no libsvm (label index:value ...): {line[:80]!r}{hint}"
            ) from None
        ends.append(len(columns))
    if not labels:
        raise UserError(f"there are no rows in {', '.join(file.name for file in files)}")
    data = np.asarray(values, np.float32), np.asarray(columns, np.int32), np.asarray(ends, np.int64)
    return xgboost.DMatrix(csr_matrix(data), label=labels)


def _lines(files: list[Path]) -> Iterator[tuple[Path, int, str]]:
    for file in files:
        with file.open(encoding="utf-8", errors="replace") as lines:
            for number, line in enumerate(lines, 1):
                if line.split("#", 1)[0].strip():
                    yield file, number, line.strip()


_CSV = frozenset(("text/csv", "csv"))
_LIBSVM = frozenset(("text/libsvm", "libsvm", "text/x-libsvm"))
_READERS: dict[str, Any] = {
    **dict.fromkeys(_CSV, _csv),
    **dict.fromkeys(_LIBSVM, _libsvm),
    "application/x-parquet": _parquet,
    "parquet": _parquet,
}
