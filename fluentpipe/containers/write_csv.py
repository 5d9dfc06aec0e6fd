"""Write rows as CSV with a header, for programs that read nothing else.

Reads `--rows` (a file, a folder, or the splits of `load_data`) a part at a time, and writes `rows.csv` to `--output`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

if TYPE_CHECKING or __package__:
    from . import job, raw, reading, values
    from .splitting import SPLITS
else:  # beside its siblings, as the jobs run it
    import job
    import raw
    import reading
    import values
    from splitting import SPLITS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


def main(arguments: Sequence[str]) -> None:
    """Read, write."""
    parser = job.Arguments(__doc__)
    parser.add_argument("--rows", type=Path, default=job.processing_dir("input", "rows"))
    parser.add_argument("--output", type=Path, default=job.processing_dir("output", "rows"))
    parser.add_argument("--split", default="all", choices=(*SPLITS, "all"))
    parser.add_argument("--positive-class", default="", help="class that is written as 1, and every other as 0")
    parser.add_argument("--class-columns", type=job.name_list, default=[], help="JSON list of the columns of classes")
    options = parser.parse_args(arguments)
    part = options.rows / options.split
    is_split = (options.rows / raw.SCHEMA).is_file() and part.is_dir()
    warnings: list[str] = []
    tables = reading.batches(part if is_split else options.rows, warnings=warnings)
    if options.positive_class:
        tables = as_numbers(tables, options.class_columns, options.positive_class)
    print(f"rows: {write(tables, options.output / 'rows.csv')} rows as CSV")
    for warning in warnings:
        print(f"warning: {warning}")


def write(tables: Iterable[pa.Table], path: Path) -> int:
    """Write tables of one schema as one CSV file, and say how many rows they have.

    Raises:
        JobError: There are none, or their columns differ.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    writer, rows, columns = None, 0, None
    for table in tables:
        if columns is not None and table.schema != columns:
            msg = f"the columns of the files differ in name or type: {_said(columns)}; then {_said(table.schema)}"
            raise job.JobError(msg)
        columns = table.schema
        writer = writer or pyarrow.csv.CSVWriter(path, columns)
        writer.write_table(table)
        rows += table.num_rows
    if writer is None or not rows:
        msg = "there are no rows to write"
        raise job.JobError(msg)
    writer.close()
    return rows


def _said(schema: pa.Schema) -> str:
    return ", ".join(f"{field.name} ({field.type})" for field in schema)


def as_numbers(tables: Iterable[pa.Table], names: Sequence[str], positive: str) -> Iterator[pa.Table]:
    """The tables with 1 for the positive class in some columns, and 0 for every other value; what is missing stays so.

    Raises:
        JobError: A column is not there, or none of them holds the class.
    """
    seen = 0
    for table in tables:
        changed = table
        for name in names:
            if name not in table.column_names:
                msg = f"there is no column {name!r}.{job.did_you_mean(name, table.column_names)} Columns: {job.quoted(table.column_names)}."
                raise job.JobError(msg)
            found = pc.equal(values.texts(table.column(name)), positive)
            seen += pc.sum(found).as_py() or 0
            changed = changed.set_column(table.column_names.index(name), name, found.cast(pa.int8()))
        yield changed
    if not seen:
        msg = f"no row of {job.quoted(names)} is of the class {positive!r}"
        raise job.JobError(msg)


if __name__ == "__main__":
    job.run(main)
