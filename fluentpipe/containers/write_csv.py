"""Write rows as CSV with a header, for programs that read nothing else.

Reads `--rows` (a file, a folder, or the splits of `load_data`) and writes `rows.csv` to `--output`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

if TYPE_CHECKING or __package__:
    from . import job, values
    from .baseline import PARTS, read_rows
else:  # beside its siblings, as the jobs run it
    import job
    import values
    from baseline import PARTS, read_rows

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str]) -> None:
    """Read, write."""
    parser = job.Arguments(__doc__)
    parser.add_argument("--rows", type=Path, default=job.processing_dir("input", "rows"))
    parser.add_argument("--output", type=Path, default=job.processing_dir("output", "rows"))
    parser.add_argument("--split", default="all", choices=PARTS)
    parser.add_argument("--positive-class", default="", help="class that is written as 1, and every other as 0")
    parser.add_argument("--class-columns", type=job.name_list, default=[], help="JSON list of the columns of classes")
    options = parser.parse_args(arguments)
    table, _label = read_rows(options.rows, options.split)
    if options.positive_class:
        table = as_numbers(table, options.class_columns, options.positive_class)
    options.output.mkdir(parents=True, exist_ok=True)
    pyarrow.csv.write_csv(table, options.output / "rows.csv")
    print(f"rows: {table.num_rows} rows, {table.num_columns} columns as CSV")


def as_numbers(table: pa.Table, names: Sequence[str], positive: str) -> pa.Table:
    """The table with 1 for the positive class in some columns, and 0 for every other value; what is missing stays so.

    Raises:
        JobError: A column is not there, or in none of them is the class.
    """
    seen = 0
    for name in names:
        if name not in table.column_names:
            msg = f"there is no column {name!r}.{job.did_you_mean(name, table.column_names)} Columns: {job.quoted(table.column_names)}."
            raise job.JobError(msg)
        found = pc.equal(values.texts(table.column(name)), positive)
        seen += pc.sum(found).as_py() or 0
        table = table.set_column(table.column_names.index(name), name, found.cast(pa.int8()))
    if not seen:
        msg = f"no row of {job.quoted(names)} is of the class {positive!r}"
        raise job.JobError(msg)
    return table


if __name__ == "__main__":
    job.run(main)
