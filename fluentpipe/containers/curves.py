"""The curves of an evaluation as data: ROC, precision and recall, calibration, histograms; thinned for drawing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING or __package__:
    from .metrics import counts_by_threshold
else:  # beside its siblings, as the jobs run it
    from metrics import counts_by_threshold

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.floating[Any]]
    Flags = npt.NDArray[np.bool_]

POINTS = 500  # of a curve at most; its ends are kept
BINS = 10  # of the reliability table
HISTOGRAM_BINS = 20
MOST_CLASSES = 20  # with curves of their own


def roc(positive: Flags, scores: Floats) -> dict[str, list[float]] | None:
    """False and true positive rates from (0, 0) to (1, 1); None when there is one class only."""
    positives = int(positive.sum())
    if not positives or positives == len(positive):
        return None
    thresholds, true_positives, false_positives = counts_by_threshold(positive, scores)
    kept = _thinned(len(thresholds))
    return {
        "false_positive_rates": [0.0, *(false_positives[kept] / (len(positive) - positives)).tolist()],
        "true_positive_rates": [0.0, *(true_positives[kept] / positives).tolist()],
        "thresholds": thresholds[kept].astype(float).tolist(),  # one less: the first point has none
    }


def precision_recall(positive: Flags, scores: Floats) -> dict[str, list[float]] | None:
    """Precisions and recalls from the highest threshold to the lowest; None without positive rows."""
    positives = int(positive.sum())
    if not positives:
        return None
    thresholds, true_positives, false_positives = counts_by_threshold(positive, scores)
    kept = _thinned(len(thresholds))
    return {
        "precisions": (true_positives / (true_positives + false_positives))[kept].tolist(),
        "recalls": (true_positives / positives)[kept].tolist(),
        "thresholds": thresholds[kept].astype(float).tolist(),
    }


def calibration(positive: Flags, probability: Floats) -> list[dict[str, float]]:
    """The reliability table: in each tenth of the probabilities the rows, their mean probability, the share of positives."""
    places = np.clip((probability * BINS).astype(np.int64), 0, BINS - 1)
    table = []
    for place in range(BINS):
        mine = places == place
        entry: dict[str, float] = {"from": place / BINS, "to": (place + 1) / BINS, "rows": int(mine.sum())}
        if mine.any():
            entry["mean_probability"] = float(np.mean(probability[mine], dtype=np.float64))
            entry["positive_share"] = float(np.mean(positive[mine]))
        table.append(entry)
    return table


def histogram(values: Floats, low: float | None = None, high: float | None = None) -> dict[str, list[float]]:
    """Counts of values in equal bins, and the edges of the bins."""
    if not len(values):
        return {"edges": [], "counts": []}
    bounds = (float(values.min()) if low is None else low, float(values.max()) if high is None else high)
    counts, edges = np.histogram(values.astype(np.float64), HISTOGRAM_BINS, bounds)
    return {"edges": edges.tolist(), "counts": counts.tolist()}


def of_task(task: str, classes: list[str], actual: Floats, scores: Floats) -> dict[str, Any]:
    """All curves that make sense for a task; what is undefined is absent.

    Args:
        task: binary, multiclass or regression.
        classes: Their names.
        actual: Class codes or values, shape (rows,).
        scores: Probabilities, shape (rows,) or (rows, classes), or predicted values.
    """
    if task == "regression":
        return _of_regression(actual, scores)
    if task == "binary":
        positive = actual == 1
        return {
            **_both(positive, scores),
            "calibration": calibration(positive, scores),
            "histogram": {name: histogram(scores[actual == code], 0.0, 1.0) for code, name in enumerate(classes)},
        }
    predicted = scores.argmax(axis=1)
    by_class = {
        name: _both(actual == code, scores[:, code]) for code, name in enumerate(classes[:MOST_CLASSES])
    }  # each against the rest
    confidence = scores.max(axis=1)
    return {
        "by_class": by_class,
        "calibration": calibration(predicted == actual, confidence),  # of the predicted class
        "histogram": {"predicted class": histogram(confidence, 0.0, 1.0)},
    }


def _both(positive: Flags, scores: Floats) -> dict[str, Any]:
    found = {"roc": roc(positive, scores), "precision_recall": precision_recall(positive, scores)}
    return {name: curve for name, curve in found.items() if curve is not None}


def _of_regression(actual: Floats, predicted: Floats) -> dict[str, Any]:
    order = np.argsort(predicted, kind="stable")[_thinned(len(predicted))]
    return {
        "actual_and_predicted": {
            "actual": actual[order].astype(float).tolist(),
            "predicted": predicted[order].astype(float).tolist(),
        },
        "residuals": histogram(actual - predicted),
        "histogram": {"predicted": histogram(predicted)},
    }


def _thinned(points: int) -> npt.NDArray[np.int64]:
    """Places of at most `POINTS` - 1 points, evenly spread, the first and the last among them."""
    if points < POINTS:
        return np.arange(points)
    return np.unique(np.linspace(0, points - 1, POINTS - 1).round().astype(np.int64))
