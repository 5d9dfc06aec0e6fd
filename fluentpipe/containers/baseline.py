"""What rows look like now, for later comparison: `statistics.json` and `constraints.json` in Model Monitor's layout.

Reads `--rows` (a file, a folder, or the splits of `load_data`) and writes both files to `--output`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING or __package__:
    from . import data_statistics, job, raw, reading
    from .splitting import SPLITS
else:  # beside its siblings, as the jobs run it
    import data_statistics
    import job
    import raw
    import reading
    from splitting import SPLITS

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
    table, label = read_rows(options.rows, options.split)
    found = data_statistics.statistics(table, label)
    asked = data_statistics.constraints(found, options.comparison_threshold)
    job.write_json(options.output / data_statistics.STATISTICS, found)
    job.write_json(options.output / data_statistics.CONSTRAINTS, asked)
    identifiers = [feature["name"] for feature in found["features"] if feature.get("is_identifier")]
    if identifiers:
        print(f"identifiers, which are never compared: {job.quoted(identifiers)}")
    print(f"baseline: {table.num_rows} rows, {table.num_columns} columns")


def read_rows(folder: Path, split: str, text_columns: Collection[str] = ()) -> tuple[pa.Table, str]:
    """Rows and the label, which is known where `load_data` wrote them.

    Args:
        folder: A file, a folder of files, or what `load_data` wrote.
        split: Of what `load_data` wrote, the part; all rows of anything else.
        text_columns: Columns of a CSV file that stay text whatever they look like.

    Raises:
        JobError: There are no rows.
    """
    if not (folder / raw.SCHEMA).is_file():
        source = reading.read_table(folder, text_columns=text_columns)
        for warning in source.warnings:
            print(f"warning: {warning}")
        return source.table, ""
    data = raw.read(folder)
    table = pa.concat_tables(list(data.tables.values())) if split == "all" else data.tables[split]
    if not table.num_rows:
        msg = f"there are no {split} rows in the data; take another part of it with --split"
        raise job.JobError(msg)
    return table, data.target.label


if __name__ == "__main__":
    job.run(main)
