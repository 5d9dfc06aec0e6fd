"""The metrics in the layout of SageMaker's model quality statistics.

Names and nesting are those of "Model quality metrics" in the Amazon SageMaker developer guide; the model registry and
Model Monitor read them. As there, standard deviations come from five random samples of 80 % of the rows and are the text
"NaN" below 200 rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING or __package__:
    from . import cores, curves, metrics
else:  # beside its siblings, as the jobs run it
    import cores
    import curves
    import metrics

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy.typing as npt

    Floats = npt.NDArray[np.floating[Any]]
    Codes = npt.NDArray[np.integer[Any]]
    Figures = Mapping[str, float | None]

SAMPLES, SAMPLE_SHARE, FEWEST_ROWS = 5, 0.8, 200
BETAS = {"f0_5": 0.5, "f1": 1.0, "f2": 2.0}


def of_task(
    task: str, classes: list[str], actual: Floats, scores: Floats, threshold: float | None
) -> dict[str, dict[str, Any]]:
    """The one section that belongs to a task; what is undefined is absent."""
    if task == "regression":
        return {"regression_metrics": _with_spread(lambda rows: _regression(actual[rows], scores[rows]), len(actual))}
    codes = actual.astype(np.int64)
    predicted = scores.argmax(axis=1) if task == "multiclass" else (scores >= (threshold or 0.0)).astype(np.int64)
    table = metrics.confusion(codes, predicted, len(classes))
    shown = {
        "confusion_matrix": {
            name: {other: int(table[row, column]) for column, other in enumerate(classes)}
            for row, name in enumerate(classes)
        }
    }  # actual class, then predicted class
    if task == "multiclass":
        figures = _with_spread(lambda rows: _multiclass(codes[rows], predicted[rows], len(classes)), len(codes))
        return {"multiclass_classification_metrics": {**shown, **figures}}
    figures = _with_spread(lambda rows: _binary(codes[rows], scores[rows], predicted[rows]), len(codes))
    return {"binary_classification_metrics": {**shown, **figures, **_curves(codes == 1, scores)}}


def _with_spread(figures_of: Callable[[Any], Figures], rows: int) -> dict[str, Any]:
    """Every defined figure with its standard deviation."""
    samples: list[Figures] = []
    if rows >= FEWEST_ROWS:
        random = np.random.RandomState(0)
        chosen = [random.permutation(rows)[: int(rows * SAMPLE_SHARE)] for _ in range(SAMPLES)]
        samples = cores.in_parallel(figures_of, chosen)
    found = {}
    for name, value in figures_of(slice(None)).items():
        if value is not None:
            spread = [sample[name] for sample in samples]
            known = [figure for figure in spread if figure is not None]
            deviation = float(np.std(known)) if known and len(known) == len(spread) else "NaN"
            found[name] = {"value": value, "standard_deviation": deviation}
    return found


def _regression(actual: Floats, predicted: Floats) -> Figures:
    found = metrics.regression(actual, predicted)
    return {name: found.get(name) for name in ("mae", "mse", "rmse", "r2")}


def _binary(actual: Codes, scores: Floats, predicted: Codes) -> Figures:
    """`best_constant_classifier` is the one that calls every row positive, as in the service's own figures."""
    (true_negatives, false_positives), (false_negatives, true_positives) = metrics.confusion(actual, predicted, 2)
    positives, negatives = true_positives + false_negatives, true_negatives + false_positives
    precision = metrics.ratio(true_positives, true_positives + false_positives)
    recall = metrics.ratio(true_positives, positives)
    share = metrics.ratio(positives, positives + negatives)
    always = 1.0 if positives else None
    return {
        "recall": recall,
        "precision": precision,
        "accuracy": float(np.mean(predicted == actual)),
        "recall_best_constant_classifier": always,
        "precision_best_constant_classifier": share,
        "accuracy_best_constant_classifier": share,
        "true_positive_rate": recall,
        "true_negative_rate": metrics.ratio(true_negatives, negatives),
        "false_positive_rate": metrics.ratio(false_positives, negatives),
        "false_negative_rate": metrics.ratio(false_negatives, positives),
        "auc": metrics.auc(actual == 1, scores),
        "au_prc": metrics.average_precision(actual == 1, scores),
        **{name: metrics.f_score(precision, recall, beta) for name, beta in BETAS.items()},
        **{f"{name}_best_constant_classifier": metrics.f_score(share, always, beta) for name, beta in BETAS.items()},
    }


def _multiclass(actual: Codes, predicted: Codes, classes: int) -> Figures:
    """Means over classes weighted by their rows; the best constant classifier says the most frequent class."""
    constant = np.full_like(predicted, np.bincount(actual, minlength=classes).argmax())
    found: dict[str, float | None] = {}
    for suffix, answers in (("", predicted), ("_best_constant_classifier", constant)):
        table = metrics.confusion(actual, answers, classes)
        weights = table.sum(axis=1) / table.sum()
        found[f"accuracy{suffix}"] = float(np.mean(answers == actual))
        for place, name in enumerate(("weighted_precision", "weighted_recall")):
            each = [metrics.class_scores(table, code)[place] for code in range(classes)]
            found[name + suffix] = float(np.dot(weights, each))
        for name, beta in BETAS.items():
            each = [metrics.class_scores(table, code, beta)[2] for code in range(classes)]
            found[f"weighted_{name}{suffix}"] = float(np.dot(weights, each))
    return found


def _curves(positive: npt.NDArray[np.bool_], scores: Floats) -> dict[str, Any]:
    found = {}
    roc, precision_recall = curves.roc(positive, scores), curves.precision_recall(positive, scores)
    if roc:
        kept = {name: roc[name] for name in ("false_positive_rates", "true_positive_rates")}
        found["receiver_operating_characteristic_curve"] = kept
    if precision_recall:
        found["precision_recall_curve"] = {name: precision_recall[name] for name in ("precisions", "recalls")}
    return found
