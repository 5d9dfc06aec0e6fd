"""Figures of merit, from their definitions, in numpy.

Ties are handled as sets: rows with the same score are taken together. What is undefined (the area under a curve when
there is one class only, the precision when nothing was predicted positive) is None, never a made-up number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    Floats = npt.NDArray[np.floating[Any]]
    Codes = npt.NDArray[np.integer[Any]]
    Flags = npt.NDArray[np.bool_]

SMALLEST_PROBABILITY = 1e-15  # keeps the logarithm finite; what scikit-learn used for doubles, too


def shown(value: float) -> str:
    """A figure in words: four decimals, or the digits that count where those would hide it."""
    return f"{value:.4f}" if not value or abs(value) >= 0.001 else f"{value:.3g}"


def auc(positive: Flags, scores: Floats) -> float | None:
    """Area under the ROC curve: the chance that a positive row scores above a negative one, ties counting half."""
    positives = int(positive.sum())
    negatives = len(positive) - positives
    if not positives or not negatives:
        return None
    _, places, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    mean_ranks = (2 * ends - counts + 1) / 2
    rank_sum = float(mean_ranks[places.reshape(-1)][positive].sum())
    return (rank_sum - positives * (positives + 1) / 2) / (positives * negatives)


def counts_by_threshold(positive: Flags, scores: Floats) -> tuple[Floats, Floats, Floats]:
    """Thresholds from high to low, and the true and false positives when rows at or above each are called positive."""
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    last = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)  # of each set of ties
    true_positives = np.cumsum(positive[order])[last].astype(np.float64)
    return ranked[last], true_positives, last + 1.0 - true_positives


def average_precision(positive: Flags, scores: Floats) -> float | None:
    """Area under the precision-recall curve: precision at each threshold, weighted by the recall it adds."""
    positives = int(positive.sum())
    if not positives:
        return None
    _, true_positives, false_positives = counts_by_threshold(positive, scores)
    added = np.diff(true_positives, prepend=0.0) / positives
    return float(np.sum(added * true_positives / (true_positives + false_positives)))


def best_threshold(positive: Flags, scores: Floats) -> float:
    """The threshold with the highest F1, halfway to the next lower score; 0.5 where there are no positive rows."""
    positives = int(positive.sum())
    if not positives:
        return 0.5
    thresholds, true_positives, false_positives = counts_by_threshold(positive, scores)
    f1 = 2 * true_positives / (true_positives + false_positives + positives)
    best = int(np.argmax(f1))
    below = thresholds[best + 1] if best + 1 < len(thresholds) else thresholds[best]
    return float((float(thresholds[best]) + float(below)) / 2)


def confusion(actual: Codes, predicted: Codes, classes: int) -> npt.NDArray[np.int64]:
    """Rows counted by actual class (first axis) and predicted class (second)."""
    flat = np.bincount(actual.astype(np.int64) * classes + predicted, minlength=classes * classes)
    return flat.reshape(classes, classes).astype(np.int64)


def ratio(part: float, whole: float) -> float | None:
    """A quotient, None where it is not defined."""
    return float(part / whole) if whole else None


def f_score(precision: float | None, recall: float | None, beta: float = 1.0) -> float | None:
    """Weighted harmonic mean; `beta` times as much weight on recall as on precision. None without positive rows."""
    if recall is None:
        return None
    if not precision or not recall:
        return 0.0
    return (1 + beta**2) * precision * recall / (beta**2 * precision + recall)


def log_loss(actual: Codes, probabilities: Floats) -> float:
    """Mean negative log likelihood in nats.

    Args:
        actual: Class of each row, shape (rows,).
        probabilities: Of each class, shape (rows, classes).
    """
    of_actual = probabilities[np.arange(len(actual)), actual].astype(np.float64)
    return float(-np.mean(np.log(np.clip(of_actual, SMALLEST_PROBABILITY, 1.0))))


def binary(actual: Codes, probability: Floats, threshold: float) -> dict[str, float]:
    """The figures of two classes; `probability` is that of class 1.

    `pr_auc` is the average precision, `log_loss` is in nats, `brier` the mean squared error of the probability.
    """
    positive = actual == 1
    predicted = (probability >= threshold).astype(np.int64)
    table = confusion(actual, predicted, 2)
    precision = ratio(table[1, 1], table[:, 1].sum())
    recall = ratio(table[1, 1], table[1].sum())
    both = np.column_stack([1.0 - probability.astype(np.float64), probability])
    return _defined(
        {
            "auc": auc(positive, probability),
            "pr_auc": average_precision(positive, probability),
            "accuracy": float(np.mean(predicted == actual)),
            "f1": f_score(precision, recall),
            "precision": precision,
            "recall": recall,
            "log_loss": log_loss(actual, both),
            "brier": float(np.mean((probability.astype(np.float64) - positive) ** 2)),
        }
    )


def multiclass(actual: Codes, probabilities: Floats) -> dict[str, float]:
    """The figures of several classes; F1, precision, recall and AUC (one against the rest) are means over classes.

    Classes that neither occur nor are predicted are left out of the means; a precision of a class never predicted and a
    recall of one that does not occur count as 0.
    """
    classes = probabilities.shape[1]
    predicted = probabilities.argmax(axis=1)
    table = confusion(actual, predicted, classes)
    scores = [class_scores(table, code) for code in range(classes) if table[code].sum() or table[:, code].sum()]
    areas = [auc(actual == code, probabilities[:, code]) for code in range(classes)]
    defined = [area for area in areas if area is not None]
    return _defined(
        {
            "auc": float(np.mean(defined)) if defined else None,
            "accuracy": float(np.mean(predicted == actual)),
            "f1": float(np.mean([f1 for _, _, f1 in scores])),
            "precision": float(np.mean([precision for precision, _, _ in scores])),
            "recall": float(np.mean([recall for _, recall, _ in scores])),
            "log_loss": log_loss(actual, probabilities),
        }
    )


def class_scores(table: npt.NDArray[np.int64], code: int, beta: float = 1.0) -> tuple[float, float, float]:
    """Precision, recall and F-score of one class of a confusion matrix, 0 where undefined."""
    precision = ratio(table[code, code], table[:, code].sum())
    recall = ratio(table[code, code], table[code].sum())
    return precision or 0.0, recall or 0.0, f_score(precision, recall, beta) or 0.0


def regression(actual: Floats, predicted: Floats) -> dict[str, float]:
    """The figures of estimated numbers; `mape` (a share, not percent) only where no actual value is 0."""
    error = actual.astype(np.float64) - predicted
    spread = float(np.sum((actual - np.mean(actual)) ** 2))
    squared = float(np.mean(error**2))
    return _defined(
        {
            "rmse": squared**0.5,
            "mae": float(np.mean(np.abs(error))),
            "mse": squared,
            "r2": 1 - float(np.sum(error**2)) / spread if spread else None,
            "mape": float(np.mean(np.abs(error / actual))) if np.all(actual != 0) else None,
        }
    )


def of_task(task: str, actual: Floats, scores: Floats, threshold: float | None) -> dict[str, float]:
    """The figures that belong to a task.

    Args:
        task: `binary`, `multiclass` or `regression`.
        actual: Class codes or values, shape (rows,).
        scores: Probabilities, shape (rows,) or (rows, classes), or predicted values.
        threshold: At or above it a row is called positive; binary only.
    """
    if task == "regression":
        return regression(actual, scores)
    codes = actual.astype(np.int64)
    return multiclass(codes, scores) if task == "multiclass" else binary(codes, scores, threshold or 0.0)


def _defined(figures: Mapping[str, float | None]) -> dict[str, float]:
    return {name: value for name, value in figures.items() if value is not None and np.isfinite(value)}
