"""Parquet files as one table whose columns are read one at a time, for programs that look at each column by itself.

So a job holds as many columns as it has cores, and never all of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING or __package__:
    from . import reading
    from .job import JobError, quoted
else:  # beside its siblings, as the jobs run it
    import reading
    from job import JobError, quoted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pyarrow as pa


class NoRows(JobError):
    """The files have columns alone."""


class Rows(Protocol):
    """What a table has that is looked at column by column: an Arrow table, or `ParquetColumns`."""

    @property
    def column_names(self) -> list[str]:
        """The names, in order."""

    @property
    def num_rows(self) -> int:
        """How many rows each column has."""

    def column(self, name: Any) -> pa.ChunkedArray:
        """A column, in one of the five types of `reading`."""


@dataclass(frozen=True)
class ParquetColumns:
    """The rows of some Parquet files, one file below another."""

    files: tuple[Path, ...]
    metadata: tuple[Any, ...]  # of each file, read once
    column_names: list[str]

    @property
    def num_rows(self) -> int:
        """How many rows all files have."""
        return sum(each.num_rows for each in self.metadata)

    def column(self, name: str) -> pa.ChunkedArray:
        """Read a column, as `reading.read_table` would have it.

        Raises:
            JobError: A file is damaged.
        """
        parts = [self._part(file, known, name) for file, known in zip(self.files, self.metadata, strict=True)]
        return reading.stack(parts).column(name)

    @staticmethod
    def _part(file: Path, known: Any, name: str) -> pa.Table:
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            with pq.ParquetFile(file, metadata=known) as reader:
                table = reader.read([name]).select([name])  # reading takes `a.b` for a part of `a`, too
        except (pa.ArrowException, OSError) as fault:
            msg = f"{file.name} is damaged: {str(fault).splitlines()[0]}"
            raise JobError(msg) from None
        return reading.five_types(table, file.name, [])


def open_columns(files: Sequence[Path], warnings: list[str]) -> ParquetColumns:
    """Look at the columns of Parquet files.

    Args:
        files: At least one.
        warnings: Gets which columns were left out.

    Raises:
        NoRows: There are none.
        JobError: Damaged files, columns that differ between files.
    """
    metadata, empty = [], []
    for file in files:
        with reading.open_parquet(file) as reader:
            metadata.append(reader.metadata)
            empty.append(reading.five_types(reader.schema_arrow.empty_table(), file.name, warnings))
    reading.check_same_columns(files, empty)
    found = ParquetColumns(tuple(files), tuple(metadata), empty[0].column_names)
    if not found.num_rows:
        msg = f"no rows in {quoted(file.name for file in files)}: there is only a header"
        raise NoRows(msg)
    return found
