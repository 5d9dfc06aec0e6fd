"""Calibrate a trained model on rows that it did not learn from.

Reads the model (`model.tar.gz` or unpacked) and preprocessed rows, and writes `model.tar.gz` with the calibration in it
and `calibration.json` with how reliable the probabilities are before and after.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING or __package__:
    from . import archive, calibration, curves, job, matrices, metrics, model_folder, reading, splitting
else:  # beside its siblings, as the jobs run it
    import archive
    import calibration
    import curves
    import job
    import matrices
    import metrics
    import model_folder
    import reading
    import splitting

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

FOLDS = 5
FEWEST_FOR_ISOTONIC = 1000  # rows; below, its steps follow chance (Niculescu-Mizil and Caruana 2005)
FEWEST_OF_A_CLASS = 2 * FOLDS


def main(arguments: Sequence[str]) -> None:
    """Read, learn the curve, write."""
    parser = job.Arguments(__doc__)
    parser.add_argument("--model", type=Path, default=job.processing_dir("input", "model_artifacts"))
    parser.add_argument("--rows", type=Path, default=job.processing_dir("input", "calibration_data"))
    parser.add_argument("--output", type=Path, default=job.processing_dir("output", "calibrated_model"))
    parser.add_argument("--report", type=Path, default=job.processing_dir("output", "calibration_report"))
    parser.add_argument("--method", choices=("auto", *calibration.METHODS), default="auto")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as unpacked:
        folder = _unpacked(options.model, Path(unpacked))
        (folder / model_folder.CALIBRATION).unlink(missing_ok=True)  # of a model that was calibrated before
        model = model_folder.load(folder)
        scores, actual, where = _judged(folder, model, options.rows)
        _check(model, actual)
        places = splitting.folds(len(actual), actual.astype(np.int64), FOLDS, options.seed)
        losses = _losses(options.method, scores, actual, places)
        method = min(losses, key=lambda name: (losses[name], list(losses).index(name)))
        found = calibration.fit(method, scores, actual)
        if model.target.task == "binary":
            found = calibration.Calibration(found.curves, metrics.best_threshold(actual == 1, found.apply(scores)))
        job.write_json(folder / model_folder.CALIBRATION, found.as_dict())
        archive.pack(folder, options.output / "model.tar.gz")
    after = _crossed(method, scores, actual, places)
    report = _report(method, where, losses, actual, (scores, after))
    job.write_json(options.report / "calibration.json", report)
    print(f"calibrated on {len(actual)} {where}; method: {method}")
    for name in ("before", "after"):
        print(f"{name}: " + ", ".join(f"{figure} {metrics.shown(value)}" for figure, value in report[name].items()))


def _unpacked(model: Path, folder: Path) -> Path:
    """The model's folder, in a place that may be written to."""
    archives = [model] if model.is_file() else sorted(model.glob("*.tar.gz"))
    if not archives and (model / model_folder.MODEL).is_file():
        archive.copy(model, folder)
    elif len(archives) == 1:
        archive.unpack(archives[0], folder)
    else:
        msg = f"there is no model in {model}: neither {model_folder.MODEL} nor one model.tar.gz"
        raise job.JobError(msg)
    return folder


def _judged(folder: Path, model: model_folder.Model, rows: Path) -> tuple[Floats, Floats, str]:
    """Scores and labels of rows that the model did not learn from, and what these rows are.

    Rows that the model learned from are as sure as it is of them: a mean of folds has learned from the validation rows. What
    each of its members said of the fold that it had not seen lies with the model.

    Raises:
        JobError: There are none.
    """
    facts = job.read_json(folder / model_folder.MODEL)
    data = matrices.read(rows)
    matrices.check_same_features(data.names, model.names, "calibration rows", "model")
    known = facts.get("data", {}).get("sha256", {})
    mine = data.schema.get("sha256")
    learned = [name for name, value in known.items() if value is not None and value == mine]
    if not learned or (learned == ["validation"] and not facts.get("n_folds")):
        return (
            np.asarray(model.scores(data.features), np.float64),
            data.labels,
            "rows that the model did not learn from",
        )
    if not (folder / model_folder.HELD_OUT).is_file():
        msg = f"the model learned from these {learned[0]} rows, and carries no scores of rows held out; train it anew"
        raise job.JobError(msg)
    table = reading.read_parquet(folder / model_folder.HELD_OUT)
    labels = np.asarray(table.column("label").to_numpy(), dtype=np.float64)
    columns = [np.asarray(table.column(name).to_numpy(), np.float64) for name in table.column_names if name != "label"]
    held_out = columns[0] if len(columns) == 1 else np.column_stack(columns)
    return held_out, labels, "rows, each judged by the part of the model that did not learn from it"


def _check(model: model_folder.Model, actual: Floats) -> None:
    if model.target.task == "regression":
        msg = f"the model estimates {model.target.label!r}, a number; there is no probability to calibrate"
        raise job.JobError(msg)
    counts = np.bincount(actual.astype(np.int64), minlength=len(model.target.classes))
    few = [str(name) for name, count in zip(model.target.classes, counts, strict=True) if count < FEWEST_OF_A_CLASS]
    if few:
        msg = (
            f"there are fewer than {FEWEST_OF_A_CLASS} rows of class {job.quoted(few, 5)} to calibrate on; "
            "give more validation rows, such as load_data(validation_split=0.2)"
        )
        raise job.JobError(msg)


def _losses(method: str, scores: Floats, actual: Floats, places: npt.NDArray[np.int64]) -> dict[str, float]:
    """Method -> log loss of rows that it was not learned from; of the candidates where the choice is left open."""
    if method != "auto":
        candidates: tuple[str, ...] = (method,)
    elif len(actual) < FEWEST_FOR_ISOTONIC:
        candidates = ("none", "platt", "beta")
    else:
        candidates = ("none", "platt", "beta", "isotonic")
    return {name: _log_loss(actual, _crossed(name, scores, actual, places)) for name in candidates}


def _crossed(method: str, scores: Floats, actual: Floats, places: npt.NDArray[np.int64]) -> Floats:
    """Calibrated scores of each fold, by a curve that was learned on the others."""
    found = np.empty_like(scores)
    for fold in range(FOLDS):
        inside = places == fold
        found[inside] = calibration.fit(method, scores[~inside], actual[~inside]).apply(scores[inside])
    return found


def _log_loss(actual: Floats, scores: Floats) -> float:
    both = np.column_stack([1.0 - scores, scores]) if scores.ndim == 1 else scores
    return metrics.log_loss(actual.astype(np.int64), both)


def _report(
    method: str, where: str, losses: dict[str, float], actual: Floats, pair: tuple[Floats, Floats]
) -> dict[str, Any]:
    """The contents of calibration.json; what comes after is of rows that the curve was not learned from."""
    tables = {}
    for name, scores in zip(("before", "after"), pair, strict=True):
        tables[name] = curves.calibration(*_said(actual, scores))
    return {
        "version": 1,
        "method": method,
        "rows": len(actual),
        "judged": where,
        **{name: _figures(actual, scores) for name, scores in zip(("before", "after"), pair, strict=True)},
        "log_loss_by_method": losses,
        "reliability": tables,
    }


def _said(actual: Floats, scores: Floats) -> tuple[npt.NDArray[np.bool_], Floats]:
    """Whether it came true, and the probability that was said; of several classes those of the predicted one."""
    if scores.ndim == 1:
        return actual == 1, scores
    return scores.argmax(axis=1) == actual, scores.max(axis=1)


def _figures(actual: Floats, scores: Floats) -> dict[str, float]:
    """Expected calibration error over ten equal bins, Brier score (summed over several classes), log loss in nats."""
    happened, probability = _said(actual, scores)
    table = curves.calibration(happened, probability)
    gaps = [each["rows"] * abs(each["mean_probability"] - each["positive_share"]) for each in table if each["rows"]]
    if scores.ndim == 1:
        brier = float(np.mean((scores - happened) ** 2))
    else:
        brier = float(np.mean(np.sum((scores - np.eye(scores.shape[1])[actual.astype(np.int64)]) ** 2, axis=1)))
    return {"ece": float(sum(gaps)) / len(actual), "brier": brier, "log_loss": _log_loss(actual, scores)}


if __name__ == "__main__":
    job.run(main)
