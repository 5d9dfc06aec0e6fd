"""What a training of one model does around the fit: the rows held out, the figures on them, and the model folder."""

from __future__ import annotations

import platform
import shutil
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

if TYPE_CHECKING or __package__:
    from . import job, matrices, metrics, model_folder, reading, splitting
    from .preprocessing import Preprocessing
else:  # beside its siblings, as the jobs run it
    import job
    import matrices
    import metrics
    import model_folder
    import reading
    import splitting
    from preprocessing import Preprocessing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

# What inference needs beside itself; it travels with the model, and so does the module of its engine.
SERVING_CODE = (
    "inference.py", "job.py", "reading.py", "cores.py", "csv_text.py", "values.py", "tasks.py", "preprocessing.py", "model_folder.py",
    "calibration.py",
)  # fmt: skip


def parts(train: Path, validation: Path, share: float, seed: int) -> tuple[matrices.Matrix, matrices.Matrix]:
    """Rows to learn from, and rows held out: the validation rows, or a share of the training rows."""
    rows = matrices.read(train)
    if validation.is_dir() and any(validation.iterdir()):
        found = matrices.read(validation)
        matrices.check_same_features(found.names, rows.names, "validation rows", "training rows")
        if len(found.labels):
            return rows, found
    strata = None if rows.target.task == "regression" else rows.labels.astype(np.int64)
    places = splitting.split_randomly(len(rows.labels), strata, share, 0.0, seed)
    print(f"no validation rows: {share:.0%} of the training rows are held out")
    return matrices.take(rows, np.flatnonzero(places == 0)), matrices.take(rows, np.flatnonzero(places == 1))


def check_preprocessing(folder: Path, rows: matrices.Matrix) -> None:
    """Refuse a preprocessing that did not make the rows, before anything is learned: the model would serve nonsense.

    Args:
        folder: Of the preprocessing; there need be none.
        rows: Learned from.

    Raises:
        JobError: It makes other rows.
    """
    file = folder / model_folder.PREPROCESSING
    if file.is_file():
        found = Preprocessing.from_json(file.read_text(encoding="utf-8"))
        names = tuple(feature.name for feature in found.features)
        matrices.check_same_features(names, rows.names, "rows that the preprocessing makes", "training rows")


def facts(
    engine: str, rows: matrices.Matrix, held_out: matrices.Matrix, scores: npt.NDArray[Any], packages: Sequence[str]
) -> dict[str, Any]:
    """The contents of model.json, without the parameters.

    Args:
        engine: What reads the model again: `sklearn` or `lightgbm`.
        rows: Learned from.
        held_out: Not learned from; they give the figures and the decision threshold.
        scores: What the model says of the rows held out.
        packages: Whose versions are kept.
    """
    target = rows.target
    threshold = metrics.best_threshold(held_out.labels == 1, scores) if target.task == "binary" else None
    hashes = {"train": rows.schema.get("sha256"), "validation": held_out.schema.get("sha256")}
    return {
        "version": 1,
        "engine": engine,
        **target.as_dict(),
        "features": list(rows.names),
        "feature_types": list(rows.types),
        "feature_columns": list(rows.schema.get("feature_columns", rows.names)),
        "n_folds": 0,
        "rows": {"train": len(rows.labels), "validation": len(held_out.labels)},
        "held_out_metrics": metrics.of_task(target.task, held_out.labels, scores, threshold),
        **({} if threshold is None else {"threshold": threshold}),
        "data": {"sha256": hashes, "source": rows.schema.get("source", {})},
        "warnings": list(rows.schema.get("warnings", [])),
        "versions": {
            "python": platform.python_version(),
            **{name: metadata.version(name) for name in (*packages, "numpy", "pyarrow")},
        },
    }


def write(
    folder: Path, described: Mapping[str, Any], preprocessing: Path, labels: npt.NDArray[Any], scores: npt.NDArray[Any],
    code: Sequence[str] = (),
) -> None:  # fmt: skip
    """Write all of the model folder but the model itself; the same inputs give the same bytes.

    Args:
        folder: Of the model.
        described: The contents of model.json.
        preprocessing: The folder of the preprocessing that made the rows; there need be none.
        labels: Of the rows held out.
        scores: What the model says of them, by which a calibration can learn although all rows were learned from.
        code: Modules that serving needs of the engine.
    """
    folder.mkdir(parents=True, exist_ok=True)
    job.write_json(folder / model_folder.MODEL, dict(described))
    learned = preprocessing / model_folder.PREPROCESSING
    if learned.is_file():
        shutil.copyfile(learned, folder / model_folder.PREPROCESSING)
    (folder / "code").mkdir(exist_ok=True)
    for name in (*SERVING_CODE, *code):
        shutil.copyfile(Path(__file__).with_name(name), folder / "code" / name)
    columns = scores[:, None] if scores.ndim == 1 else scores
    table = {f"score_{place}": column.astype(np.float32) for place, column in enumerate(columns.T)}
    reading.write_parquet(pa.table({"label": labels, **table}), folder / model_folder.HELD_OUT)


def tell(task: str, figures: Mapping[str, float]) -> None:
    """Print the figures; tuning jobs read theirs from this line. `loss` is the one that every task has."""
    loss = figures.get("rmse" if task == "regression" else "log_loss")
    told = {**({} if loss is None else {"loss": loss}), **figures}
    print("held-out rows: " + " ".join(f"{name}={value:.6g}" for name, value in told.items()), flush=True)
