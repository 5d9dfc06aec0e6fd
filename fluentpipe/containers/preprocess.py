"""Learn the preprocessing from the training rows and apply it to all splits.

Reads raw data from `--input`, split by `load_data` or not split yet, and writes each split as a matrix of float32 with
its `schema.json`, and the preprocessing itself as `preprocessing.json`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

if TYPE_CHECKING or __package__:
    from . import cores, job, learning, raw, reading
    from .preprocessing import LABEL, Preprocessing
    from .splitting import SPLITS
else:  # beside its siblings, as the jobs run it
    import cores
    import job
    import learning
    import raw
    import reading
    from preprocessing import LABEL, Preprocessing
    from splitting import SPLITS

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence


def main(arguments: Sequence[str]) -> None:
    """Split if need be, learn, transform, write."""
    options = _parser().parse_args(arguments)
    is_split = (options.input / raw.SCHEMA).is_file()
    data = raw.read(options.input) if is_split else raw.split_source(options.input, options)
    training = data.tables["train"]
    raw.require_columns([*options.drop_columns] if is_split else [], training.column_names, "drop-columns")
    raw.require_columns(options.keep_columns, training.column_names, "keep-columns")
    fitted = options.fitted_preprocessing
    preprocessing = learning.fit(training, data.target, _choices(options)) if fitted is None else _read(fitted)
    _say(preprocessing)
    for said in cores.in_parallel(
        lambda split: _write_split(getattr(options, f"{split}_output"), split, data, preprocessing), SPLITS
    ):
        print(said)
    options.model_output.mkdir(parents=True, exist_ok=True)
    (options.model_output / "preprocessing.json").write_text(preprocessing.to_json(), encoding="utf-8")


def _parser() -> job.Arguments:
    parser = job.Arguments(__doc__)
    output = job.processing_dir("output")
    parser.add_argument("--input", type=Path, default=job.processing_dir("input", "raw_data"))
    for split in SPLITS:
        parser.add_argument(f"--{split}-output", type=Path, default=output / f"{split}_data")
    parser.add_argument("--fitted-preprocessing", type=Path, help="folder of one to apply, instead of learning one")
    parser.add_argument("--model-output", type=Path, default=output / "preprocessing_model")
    standard = learning.Choices()
    parser.add_argument("--min-frequency", type=float, default=standard.min_frequency, help="rows, or a share below 1")
    parser.add_argument("--max-categories", type=int, default=standard.max_categories)
    parser.add_argument(
        "--keep-columns", type=job.name_list, default=[], help="JSON list of columns to use in any case"
    )
    parser.add_argument("--drop-id-columns", type=job.flag, default=standard.drop_id_columns)
    raw.add_arguments(parser)
    return parser


def _choices(options: argparse.Namespace) -> learning.Choices:
    if options.min_frequency < 0 or options.max_categories < 1:
        msg = "--min-frequency is at least 0 and --max-categories at least 1"
        raise job.JobError(msg)
    return learning.Choices(
        options.min_frequency,
        options.max_categories,
        options.drop_columns,
        options.keep_columns,
        options.drop_id_columns,
    )


def _read(folder: Path) -> Preprocessing:
    return Preprocessing.from_json((folder / "preprocessing.json").read_text(encoding="utf-8"))


def _say(preprocessing: Preprocessing) -> None:
    kinds = [column.kind for column in preprocessing.columns]
    counted = ", ".join(f"{kinds.count(kind)} {kind}" for kind in sorted(set(kinds)))
    print(f"columns used: {len(kinds)} ({counted}), which make {len(preprocessing.features)} features")
    for name, reason in preprocessing.dropped:
        print(f"column {name!r} is not used: {reason}")


def _write_split(folder: Path, split: str, data: raw.RawData, preprocessing: Preprocessing) -> str:
    """Write what a split becomes; returns what is to be told of it."""
    table = data.tables[split]
    target = preprocessing.target
    labels = target.numbers(table.column(target.label))
    unknown, left_out = np.isnan(labels), ""
    warnings = list(data.schema.get("warnings", []))
    if unknown.any():
        left_out = f"{int(unknown.sum())} {split} rows without a known label were left out"
        warnings.append(left_out)
        table, labels = table.filter(pa.array(~unknown)), labels[~unknown]
    matrix = preprocessing.transform(table)
    features = preprocessing.features
    label_type = pa.float64() if target.task == "regression" else pa.int32()
    arrays = [pa.array(matrix[:, position]) for position in range(len(features))]
    arrays.append(pa.array(labels).cast(label_type))
    file = folder / "data.parquet"
    reading.write_parquet(pa.Table.from_arrays(arrays, names=[*(feature.name for feature in features), LABEL]), file)
    schema: dict[str, Any] = {
        "version": 1,
        "part": split,
        "split": data.schema.get("split", {}),
        **target.as_dict(),
        "features": [feature.name for feature in features],
        "feature_types": [feature.type for feature in features],
        "feature_columns": [feature.column for feature in features],
        "rows": len(labels),
        "sha256": reading.content_hash([file], [file.name]),
        "source": data.schema.get("source", {}),
        "warnings": warnings,
    }
    job.write_json(folder / "schema.json", schema)
    return (f"warning: {left_out}\n" if left_out else "") + f"{split}: {len(labels)} rows"


if __name__ == "__main__":
    job.run(main)
