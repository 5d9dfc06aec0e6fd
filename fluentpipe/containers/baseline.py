"""What rows look like now, for later comparison: `statistics.json` and `constraints.json` in Model Monitor's layout.

Reads `--rows` (a file, a folder, or the splits of `load_data`) and writes both files to `--output`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING or __package__:
    from . import data_statistics, job, parquet_columns, raw, reading
    from .splitting import SPLITS
    from .tasks import Target
else:  # beside its siblings, as the jobs run it
    import data_statistics
    import job
    import parquet_columns
    import raw
    import reading
    from splitting import SPLITS
    from tasks import Target

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

PARTS = (*SPLITS, "all")


def main(arguments: Sequence[str]) -> None:
    """Read, count, write."""
    parser = job.Arguments(__doc__)
    parser.add_argument("--rows", type=Path, default=job.processing_dir("input", "rows"))
    parser.add_argument("--output", type=Path, default=job.processing_dir("output", "baseline"))
    parser.add_argument("--split", default="train", choices=PARTS)
    parser.add_argument("--comparison-threshold", type=float, default=0.1)
    options = parser.parse_args(arguments)
    table, label = open_rows(options.rows, options.split)
    found = data_statistics.statistics(table, label)
    asked = data_statistics.constraints(found, options.comparison_threshold)
    job.write_json(options.output / data_statistics.STATISTICS, found)
    job.write_json(options.output / data_statistics.CONSTRAINTS, asked)
    identifiers = [feature["name"] for feature in found["features"] if feature.get("is_identifier")]
    if identifiers:
        print(f"identifiers, which are never compared: {job.quoted(identifiers)}")
    print(f"baseline: {table.num_rows} rows, {len(table.column_names)} columns")


def open_rows(folder: Path, split: str, text_columns: Collection[str] = ()) -> tuple[parquet_columns.Rows, str]:
    """Rows and the label, which is known where `load_data` wrote them.

    Of Parquet no column is read before it is looked at; of CSV, where a column ends only with the file, all are.

    Args:
        folder: A file, a folder of files, or what `load_data` wrote.
        split: Of what `load_data` wrote, the part; all rows of anything else.
        text_columns: Columns of a CSV file that stay text whatever they look like.

    Raises:
        JobError: There are no rows.
    """
    if not (folder / raw.SCHEMA).is_file():
        return _other_rows(folder, text_columns), ""
    parts = raw.files(folder)
    label = Target.from_dict(job.read_json(folder / raw.SCHEMA)).label
    try:
        return parquet_columns.open_columns([*parts.values()] if split == "all" else [parts[split]], []), label
    except parquet_columns.NoRows:
        msg = f"there are no {split} rows in the data; take another part of it with --split"
        raise job.JobError(msg) from None


def read_rows(folder: Path, split: str, text_columns: Collection[str] = ()) -> tuple[pa.Table, str]:
    """The same with all columns read."""
    rows, label = open_rows(folder, split, text_columns)
    return rows if isinstance(rows, pa.Table) else pa.table(
        {name: rows.column(name) for name in rows.column_names}
    ), label


def _other_rows(path: Path, text_columns: Collection[str]) -> parquet_columns.Rows:
    files, warnings = reading.data_files(path)
    if all(reading.format_of(file) == "parquet" for file in files):
        found: parquet_columns.Rows = parquet_columns.open_columns(files, warnings)
    else:
        source = reading.read_table(path, text_columns=text_columns)
        found, warnings = source.table, [*source.warnings]
    for warning in warnings:
        print(f"warning: {warning}")
    return found


if __name__ == "__main__":
    job.run(main)
