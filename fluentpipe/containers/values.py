"""Columns of any of the five types as texts, numbers or instants, value by value.

The same value gives the same result whether it was typed by Parquet, typed by a CSV reader or is still text, and
whatever stands in the other rows; what cannot be converted is missing. So a model sees one thing in all places.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING or __package__:
    from .csv_text import NA_WORDS
else:  # beside its siblings, as the jobs run it
    from csv_text import NA_WORDS

if TYPE_CHECKING:
    import numpy.typing as npt

# What Arrow's own conversion of text to double takes, without the words for infinities.
NUMBER_PATTERN = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
INSTANT = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[ T](\d\d)(:\d\d)?(:\d\d)?(?:\.(\d{1,6})\d*)?)?\s*(Z|[+-]\d\d:?\d\d)?", re.ASCII
)


def without_na_words(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    """A text column in which the words for missing values are missing values."""
    words = pc.is_in(texts, value_set=pa.array(NA_WORDS, pa.string()))
    # Not `if_else` with a missing scalar: Arrow 14 reads beside the values of a slice.
    return pc.if_else(words, pa.nulls(len(texts), pa.string()), texts)


def texts(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column as text: whole numbers without a fraction, truth values as `true` and `false`."""
    if pa.types.is_floating(column.type):
        whole = pc.and_(pc.equal(pc.round(column), column), pc.less(pc.abs(column), 2.0**53))
        as_integer = pc.if_else(whole, column, 0.0).cast(pa.int64()).cast(pa.string())
        return pc.if_else(whole, as_integer, column.cast(pa.string()))
    if pa.types.is_string(column.type):
        return without_na_words(column)
    return column.cast(pa.string())


def numbers(column: pa.ChunkedArray) -> npt.NDArray[np.float64]:
    """A column as float64, NaN where a value is missing, infinite or no number; truth values are 1 and 0."""
    kind = column.type
    if pa.types.is_string(kind):
        column = _parsed_numbers(column)
    elif pa.types.is_timestamp(kind):
        return np.full(len(column), np.nan)
    elif pa.types.is_boolean(kind):
        column = column.cast(pa.int8())
    found = np.array(column.cast(pa.float64(), safe=False).to_numpy(), dtype=np.float64)
    found[np.isinf(found)] = np.nan  # XGBoost refuses infinities
    return found


def looks_numeric(column: pa.ChunkedArray) -> float:
    """The share of the present values of a text column that are numbers; 0 when none is present."""
    present = without_na_words(column).drop_null()
    if not len(present):
        return 0.0
    fits = pc.match_substring_regex(pc.utf8_trim_whitespace(present), NUMBER_PATTERN)
    return float(pc.sum(fits).as_py() / len(present))


def instants(column: pa.ChunkedArray) -> npt.NDArray[np.datetime64]:
    """A column as microseconds since 1970 (UTC where a zone is given), NaT where a value is missing or no instant."""
    if pa.types.is_timestamp(column.type):
        return np.asarray(column.to_numpy(), dtype="datetime64[us]")
    if not pa.types.is_string(column.type):
        return np.full(len(column), np.datetime64("NaT"), dtype="datetime64[us]")
    encoded = column.combine_chunks().dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    parsed = [_instant(text) for text in encoded.dictionary.to_pylist()]
    known = np.array([*parsed, None], dtype="datetime64[us]")
    positions: npt.NDArray[np.int64] = encoded.indices.fill_null(len(parsed)).to_numpy(zero_copy_only=False)
    return np.asarray(known[positions])


def plain(value: Any) -> Any:
    """A value that JSON can hold: instants become text."""
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)


def _parsed_numbers(column: pa.ChunkedArray) -> pa.ChunkedArray:
    trimmed = pc.utf8_trim_whitespace(column)
    lowered = pc.utf8_lower(trimmed)
    for word, digit in (("true", "1"), ("false", "0")):
        trimmed = pc.if_else(pc.equal(lowered, word), digit, trimmed)
    fits = pc.match_substring_regex(trimmed, NUMBER_PATTERN)
    digits = pc.if_else(fits, trimmed, pa.scalar(None, pa.string()))
    return pc.replace_substring_regex(digits, r"^\+", "").cast(pa.float64())


def _instant(text: str | None) -> dt.datetime | None:
    """ISO 8601, or None; written out because Python 3.10 reads only part of it."""
    match = INSTANT.fullmatch(text.strip()) if text else None
    if not match:
        return None
    day, hour, minute, second, fraction, zone = match.groups()
    offset = "+00:00" if zone in (None, "Z") else zone if ":" in zone else f"{zone[:3]}:{zone[3:]}"
    clock = f"{hour or '00'}{minute or ':00'}{second or ':00'}.{(fraction or '0').ljust(6, '0')}"
    try:
        found = dt.datetime.fromisoformat(f"{day}T{clock}{offset}")
        return found.astimezone(dt.timezone.utc).replace(tzinfo=None)
    except (ValueError, OverflowError):
        return None
