"""Train any estimator of scikit-learn on preprocessed data.

The estimator is named by its import path. The model folder holds what `train.py` writes for trees, with `estimator.pickle` in
their place, so that evaluation, calibration and serving take it alike.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

if TYPE_CHECKING or __package__:
    from . import estimators, job, matrices, metrics, model_folder, reading, splitting
else:  # beside its siblings, as the jobs run it
    import estimators
    import job
    import matrices
    import metrics
    import model_folder
    import reading
    import splitting

if TYPE_CHECKING:
    from collections.abc import Sequence

# What inference needs beside itself; it travels with the model.
SERVING_CODE = (
    "inference.py", "job.py", "reading.py", "csv_text.py", "values.py", "tasks.py", "preprocessing.py", "model_folder.py",
    "calibration.py", "estimators.py",
)  # fmt: skip


def main(arguments: Sequence[str]) -> None:
    """Read, train, write."""
    parser = job.Arguments(__doc__)
    for name in ("train", "validation", "preprocessing"):
        parser.add_argument(f"--{name}", type=Path, default=job.channel(name))
    standard = os.environ.get("SM_MODEL_DIR", job.base_dir() / "model")
    parser.add_argument("--model-dir", "--model_dir", type=Path, default=standard)
    parser.add_argument("--estimator", default="")
    # By the environment, as the images' toolkit would write a mapping on the command line as a=1,b=2.
    said = _object(os.environ.get("SM_HP_PARAMETERS", "{}"))
    parser.add_argument("--estimator-parameters", dest="parameters", type=_object, default=said)
    parser.add_argument("--validation_split", type=float, default=0.15)
    parser.add_argument("--seed", type=int, default=0)
    options, _ = parser.parse_known_args(arguments)

    rows, held_out = _parts(options.train, options.validation, options.validation_split, options.seed)
    target = rows.target
    estimator = estimators.build(options.estimator, target.task, options.parameters, rows.types, options.seed)
    named = options.estimator or estimators.DEFAULTS[target.task]
    print(f"training rows: {len(rows.labels)}, features: {len(rows.names)}, task: {target.task}, estimator: {named}")
    labels = rows.labels if target.task == "regression" else rows.labels.astype(np.int64)
    estimator.fit(rows.features, labels)
    scores = estimators.scores(estimator, held_out.features, target.task, len(target.classes))
    threshold = metrics.best_threshold(held_out.labels == 1, scores) if target.task == "binary" else None
    figures = metrics.of_task(target.task, held_out.labels, scores, threshold)
    facts = _facts(rows, held_out, named, options.parameters)
    facts |= {"held_out_metrics": figures} | ({} if threshold is None else {"threshold": threshold})
    _write(options.model_dir, estimator, facts, options.preprocessing)
    columns = scores[:, None] if scores.ndim == 1 else scores
    table = {f"score_{place}": column.astype(np.float32) for place, column in enumerate(columns.T)}
    reading.write_parquet(pa.table({"label": held_out.labels, **table}), options.model_dir / model_folder.HELD_OUT)
    loss = figures.get("rmse" if target.task == "regression" else "log_loss")
    told = {**({} if loss is None else {"loss": loss}), **figures}
    print("held-out rows: " + " ".join(f"{name}={value:.6g}" for name, value in told.items()), flush=True)


def _parts(train: Path, validation: Path, share: float, seed: int) -> tuple[matrices.Matrix, matrices.Matrix]:
    """Rows to learn from, and rows held out: the validation rows, or a share of the training rows."""
    rows = matrices.read(train)
    if validation.is_dir() and any(validation.iterdir()):
        found = matrices.read(validation)
        matrices.check_same_features(found.names, rows.names, "validation rows", "training rows")
        if len(found.labels):
            return rows, found
    strata = None if rows.target.task == "regression" else rows.labels.astype(np.int64)
    parts = splitting.split_randomly(len(rows.labels), strata, share, 0.0, seed)
    print(f"no validation rows: {share:.0%} of the training rows are held out")
    return matrices.take(rows, np.flatnonzero(parts == 0)), matrices.take(rows, np.flatnonzero(parts == 1))


def _facts(rows: matrices.Matrix, held_out: matrices.Matrix, named: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """The contents of model.json, without what is measured."""
    hashes = {"train": rows.schema.get("sha256"), "validation": held_out.schema.get("sha256")}
    return {
        "version": 1,
        "engine": "sklearn",
        **rows.target.as_dict(),
        "features": list(rows.names),
        "feature_types": list(rows.types),
        "feature_columns": list(rows.schema.get("feature_columns", rows.names)),
        "parameters": {"estimator": named, **dict(sorted(parameters.items()))},
        "n_folds": 0,
        "rows": {"train": len(rows.labels), "validation": len(held_out.labels)},
        "data": {"sha256": hashes, "source": rows.schema.get("source", {})},
        "warnings": list(rows.schema.get("warnings", [])),
        "versions": {
            "python": platform.python_version(),
            **{name: metadata.version(name) for name in ("scikit-learn", "numpy", "pyarrow")},
        },
    }


def _write(folder: Path, estimator: Any, facts: dict[str, Any], preprocessing: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    estimators.save(estimator, folder / model_folder.ESTIMATOR)
    job.write_json(folder / model_folder.MODEL, facts)
    learned = preprocessing / model_folder.PREPROCESSING
    if learned.is_file():
        shutil.copyfile(learned, folder / model_folder.PREPROCESSING)
    (folder / "code").mkdir(exist_ok=True)
    for name in SERVING_CODE:
        shutil.copyfile(Path(__file__).with_name(name), folder / "code" / name)


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        msg = f"the parameters of the estimator are no JSON object: {text!r}"
        raise job.JobError(msg)
    return found


if __name__ == "__main__":
    job.run(main, reason_file="failure")
