"""Read CSV text: delimiter, encoding, header, missing values, ragged rows.

Values are read and typed by Arrow, which looks at the whole of a column before it settles on a type; the standard
library's reader looks at the header, and finds the faulty lines when Arrow refuses a file.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import math
import re
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING or __package__:
    from .job import JobError, quoted
else:  # beside its siblings, as the jobs run it
    from job import JobError, quoted

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    import pyarrow as pa

# Words that stand for a missing value: those of pandas' read_csv, and the lone blank that spreadsheets leave.
NA_WORDS = (
    "", " ", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A",
    "NA", "NULL", "NaN", "None", "n/a", "nan", "null",
)  # fmt: skip
FIELD_LIMIT = 1 << 24  # characters in one field; the standard library's own limit is 131,072
BAD_ROWS_SHOWN = 5
_START = 1 << 16  # bytes that tell the encoding where only the first rows are asked for
BLOCK = 8 << 20  # bytes that are read at a time where not all rows are needed at once; no row may be longer
NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*")


def read(path: Path, text_columns: Collection[str], warnings: list[str]) -> pa.Table:
    """Read one CSV file with a header line, compressed with gzip or not.

    Args:
        path: The file.
        text_columns: Columns that stay text whatever they look like.
        warnings: Gets what the reader had to decide.

    Raises:
        JobError: An empty file, a header that is none, ragged rows, an open quote.
    """
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    encoding = encoding_of(path, warnings)
    header, delimiter = header_of(path, encoding)
    names = column_names(header, path.name, warnings)
    stated = {written: pa.string() for written, name in zip(header, names, strict=True) if name in text_columns}
    try:
        with _binary(path) as stream:
            table = arrow_csv.read_csv(
                stream,
                read_options=arrow_csv.ReadOptions(encoding=encoding),
                parse_options=arrow_csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
                convert_options=arrow_csv.ConvertOptions(
                    null_values=list(NA_WORDS), strings_can_be_null=True, column_types=stated
                ),
            )
    except pa.ArrowInvalid as fault:
        if _is_header_alone(path, encoding, delimiter):
            return pa.table({name: pa.array([], pa.string()) for name in names})
        raise JobError(_diagnosis(path, encoding, delimiter, str(fault))) from None
    table = table.rename_columns(names)
    return _decimal_commas(table, path.name, warnings) if delimiter == ";" else table


def batches(path: Path, numbers: Collection[str], warnings: list[str]) -> Iterator[pa.Table]:
    """Read one CSV file a few megabytes at a time, every value as the text that stands there.

    Args:
        path: The file, compressed with gzip or not.
        numbers: Columns in which, where the delimiter is a semicolon, `1,5` is read as 1.5.
        warnings: Gets what the reader had to decide.

    Raises:
        JobError: An empty file, a header that is none, ragged rows, an open quote.
    """
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    encoding = encoding_of(path, warnings)
    header, delimiter = header_of(path, encoding)
    names = column_names(header, path.name, warnings)
    if _is_header_alone(path, encoding, delimiter):
        yield pa.table({name: pa.array([], pa.string()) for name in names})
        return
    try:
        with (
            _binary(path) as stream,
            arrow_csv.open_csv(
                stream,
                read_options=arrow_csv.ReadOptions(encoding=encoding, block_size=BLOCK),
                parse_options=arrow_csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
                convert_options=arrow_csv.ConvertOptions(
                    null_values=[], strings_can_be_null=False, column_types=dict.fromkeys(header, pa.string())
                ),
            ) as reader,
        ):
            for batch in reader:
                table = pa.Table.from_batches([batch]).rename_columns(names)
                yield _with_points(table, numbers) if delimiter == ";" else table
    except pa.ArrowInvalid as fault:
        raise JobError(_diagnosis(path, encoding, delimiter, str(fault))) from None


def sample(path: Path, rows: int) -> dict[str, list[object]]:
    """The first rows, a list of texts for each column, None where a value is missing; only the start is read."""
    encoding = encoding_of(path, [], most=_START)
    header, delimiter = header_of(path, encoding)
    columns: list[list[object]] = [[] for _ in header]
    with _text(path, encoding) as stream:
        for _, record in zip(range(rows + 1), _records(stream, delimiter), strict=False):
            if len(record[1]) == len(header):
                for column, value in zip(columns, record[1], strict=True):
                    column.append(None if value in NA_WORDS else value)
    return {name: column[1:] for name, column in zip(column_names(header, path.name, []), columns, strict=True)}


def header_of(path: Path, encoding: str) -> tuple[list[str], str]:
    """The fields of the header line, and the delimiter: a comma, unless the header has none but another one.

    Raises:
        JobError: The file is empty, or its first line holds values instead of names.
    """
    with _text(path, encoding) as stream:
        first = next((line for line in stream if line.strip()), None)
    if first is None:
        msg = f"{path.name} is empty"
        raise JobError(msg)
    preferred = ("\t", ",", ";", "|") if ".tsv" in path.name.lower() else (",", ";", "\t", "|")
    delimiter = next((mark for mark in preferred if len(_fields(path, encoding, mark)) > 1), ",")
    fields = _fields(path, encoding, delimiter)
    if all(NUMBER.fullmatch(field) or field in NA_WORDS for field in fields):
        msg = f"{path.name} has no header: its first line is {quoted(fields, 6)}; the first line must name the columns"
        raise JobError(msg)
    return fields, delimiter


def column_names(header: list[str], file: str, warnings: list[str]) -> list[str]:
    """Names for the columns of a header; a column without one gets `unnamed_<position>`.

    Raises:
        JobError: A name occurs twice.
    """
    repeated = sorted({name for name in header if name and header.count(name) > 1})
    if repeated:
        msg = f"{file} names {quoted(repeated)} more than once; every column needs a name of its own"
        raise JobError(msg)
    names = [name or f"unnamed_{position}" for position, name in enumerate(header, 1)]
    nameless = [name for name, written in zip(names, header, strict=True) if not written]
    if nameless:
        warnings.append(f"{file} has columns without a name, called {quoted(nameless)} here")
    return names


def encoding_of(path: Path, warnings: list[str], most: float = math.inf) -> str:
    """UTF-8 when every byte of the file fits it, UTF-16 when it says so, else Windows-1252 with a warning.

    Args:
        path: The file, compressed with gzip or not.
        warnings: Gets that it is neither UTF-8 nor UTF-16.
        most: How many bytes are looked at.
    """
    decoder, before = codecs.getincrementaldecoder("utf-8")(), 0
    try:
        with _binary(path) as stream:
            start = block = stream.read(int(min(most, 1 << 20)))
            if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
                return "utf-16"
            while block:
                if not block.isascii() or decoder.getstate()[0]:  # nothing to decode in most files
                    decoder.decode(block)
                before += len(block)
                if before >= most:
                    return "utf8"
                block = stream.read(1 << 20)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError as fault:
        pending = len(fault.object) - len(block)  # bytes of a character that the block before left open
        line = _line_at(path, before - pending + fault.start)
        byte = f"byte 0x{fault.object[fault.start]:02x} in line {line}"
        warnings.append(f"{path.name} is not UTF-8 ({byte}); it was read as Windows-1252")
        return "cp1252"
    except (gzip.BadGzipFile, EOFError, OSError) as fault:
        msg = f"{path.name} cannot be read: {fault}"
        raise JobError(msg) from None
    return "utf8"


def _line_at(path: Path, offset: int) -> int:
    """The line, from 1, in which a byte of the file lies."""
    line = 1
    with _binary(path) as stream:
        while offset > 0 and (block := stream.read(min(offset, 1 << 20))):
            line += block.count(b"\n")
            offset -= len(block)
    return line


def _binary(path: Path) -> Any:
    """The bytes of a file, unpacked when they are gzip's, whatever the file is called."""
    with path.open("rb") as stream:
        packed = stream.read(2) == b"\x1f\x8b"
    return gzip.open(path) if packed else path.open("rb")


def _text(path: Path, encoding: str) -> TextIO:
    name = "utf-8-sig" if encoding == "utf8" else encoding
    return io.TextIOWrapper(_binary(path), encoding=name, errors="replace", newline="")


def _records(stream: TextIO, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Each record with the line it begins on; empty lines are none, as for Arrow."""
    csv.field_size_limit(FIELD_LIMIT)
    reader, begin = csv.reader(stream, delimiter=delimiter), 1
    for record in reader:
        if record:
            yield begin, record
        begin = reader.line_num + 1


def _fields(path: Path, encoding: str, delimiter: str) -> list[str]:
    with _text(path, encoding) as stream:
        try:
            return next(_records(stream, delimiter))[1]
        except csv.Error as fault:
            msg = f"the header of {path.name} cannot be read: {fault}"
            raise JobError(msg) from None


def _is_header_alone(path: Path, encoding: str, delimiter: str) -> bool:
    with _text(path, encoding) as stream:
        return len([record for _, record in zip(range(2), _records(stream, delimiter), strict=False)]) == 1


def _diagnosis(path: Path, encoding: str, delimiter: str, complaint: str) -> str:
    """Why Arrow refused a file: all ragged rows are counted, the first few are told."""
    bad: list[tuple[int, int]] = []
    count = expected = 0
    with _text(path, encoding) as stream:
        try:
            for line, record in _records(stream, delimiter):
                expected = expected or len(record)
                if len(record) != expected:
                    count += 1
                    bad += [(line, len(record))] * (count <= BAD_ROWS_SHOWN)
        except csv.Error as fault:
            return f"{path.name} is not valid CSV: {fault}"
    if not count:
        return f"{path.name} is not valid CSV: {complaint}"
    places = "; ".join(f"line {line} has {found}" for line, found in bad)
    more = f"; and {count - len(bad)} more" if count > len(bad) else ""
    rows = "1 row does" if count == 1 else f"{count} rows do"
    return (
        f"{path.name}: {rows} not have the {expected} fields of the header: {places}{more}. "
        "Quote values that hold the delimiter, or mend these lines."
    )


def _decimal_commas(table: pa.Table, file: str, warnings: list[str]) -> pa.Table:
    """Numbers written `1,5`, as spreadsheets do in countries whose delimiter is the semicolon."""
    import pyarrow as pa
    import pyarrow.compute as pc

    for position, name in enumerate(table.column_names):
        column = table.column(name)
        if not pa.types.is_string(column.type):
            continue
        fits = pc.all(pc.match_substring_regex(column, r"^[+-]?\d+(,\d+)?$")).as_py()
        if fits:
            numbers = pc.replace_substring(column, ",", ".").cast(pa.float64())
            table = table.set_column(position, name, numbers)
            warnings.append(f"column {name!r} of {file} was read with a decimal comma")
    return table


def _with_points(table: pa.Table, numbers: Collection[str]) -> pa.Table:
    """The same with decimal points, value by value; other texts stay as they are."""
    import pyarrow.compute as pc

    for position, name in enumerate(table.column_names):
        if name in numbers:
            column = pc.replace_substring_regex(table.column(name), r"^\s*([+-]?\d+),(\d+)\s*$", r"\1.\2")
            table = table.set_column(position, name, column)
    return table
