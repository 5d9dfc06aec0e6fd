"""Load a table from CSV or Parquet, find label and task, and split the rows.

Reads `--input` (a file or a folder) and writes `train/`, `validation/`, `test/` and `schema.json` to `--output`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING or __package__:
    from . import job, raw
else:  # beside its siblings, as the jobs run it
    import job
    import raw

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str]) -> None:
    """Load and split."""
    parser = job.Arguments(__doc__)
    parser.add_argument("--input", type=Path, default=job.processing_dir("input", "data"))
    parser.add_argument("--output", type=Path, default=job.processing_dir("output", "raw_data"))
    raw.add_arguments(parser)
    options = parser.parse_args(arguments)
    raw.write(raw.split_source(options.input, options), options.output)


if __name__ == "__main__":
    job.run(main)
