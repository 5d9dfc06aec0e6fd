"""Score rows with a model.

Reads the model (`model.tar.gz` or unpacked) and rows (raw ones as CSV or Parquet, or preprocessed) and writes a prediction
for each row, in their order, with the columns that tell which row it is. Rows are read a part at a time, however many there are.
"""

from __future__ import annotations

from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import csv as arrow_csv

if TYPE_CHECKING or __package__:
    from . import evaluate, job, reading, scoring
else:  # beside its siblings, as the jobs run it
    import evaluate
    import job
    import reading
    import scoring

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

FORMATS = ("parquet", "csv")


def main(arguments: Sequence[str]) -> None:
    """Read, predict, write, a part at a time."""
    parser = job.Arguments(__doc__)
    parser.add_argument("--model", type=Path, default=job.processing_dir("input", "model_artifacts"))
    parser.add_argument("--rows", type=Path, default=job.processing_dir("input", "rows"))
    parser.add_argument("--predictions", type=Path, default=job.processing_dir("output", "predictions"))
    parser.add_argument(
        "--id-columns", type=job.name_list, help="JSON list of the columns that go with the predictions"
    )
    parser.add_argument("--output-format", default="parquet", choices=FORMATS)
    options = parser.parse_args(arguments)
    model = evaluate.open_model(options.model)
    warnings: list[str] = []
    # Of data that load_data has split, the rows that nothing has learned from.
    nested = options.rows / "test"
    rows = nested if (nested / "data.parquet").is_file() else options.rows
    parts = reading.batches(rows, scoring.numeric_columns(model), warnings)
    file = options.predictions / f"predictions.{options.output_format}"
    file.parent.mkdir(parents=True, exist_ok=True)
    count = write(scoring.scored_batches(model, parts, options.id_columns), file, options.output_format)
    for warning in warnings:
        print(f"warning: {warning}")
    print(f"rows: {count}")


def write(tables: Iterable[pa.Table], sink: Path | IO[bytes], file_format: str) -> int:
    """Write tables of one schema below one another.

    Args:
        tables: At least one, which may have no rows.
        sink: A file, or what takes bytes.
        file_format: One of `FORMATS`.

    Returns:
        The number of rows.
    """
    writer: Any = None
    count = 0
    try:
        for table in tables:
            writer = _writer(sink, table.schema, file_format) if writer is None else writer
            writer.write_table(table)
            count += table.num_rows
    finally:
        if writer is not None:
            writer.close()
    return count


def _writer(sink: Path | IO[bytes], schema: pa.Schema, file_format: str) -> Any:
    if file_format == "parquet":
        return pq.ParquetWriter(sink, schema, use_dictionary=False, version="2.4", compression="snappy")
    return arrow_csv.CSVWriter(sink, schema)


if __name__ == "__main__":
    job.run(main)
