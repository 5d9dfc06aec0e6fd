"""How good a model is, drawn: the curves of `curves.json` and the confusion matrix, for each kind of task."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

from markupsafe import Markup

from fluentpipe.report.chart import Chart, Figure, Point, figure, histogram, span
from fluentpipe.report.classes import by_class, confusion
from fluentpipe.report.evidence import Evaluation, Facts, finite, finites, items, mapping
from fluentpipe.report.values import regression_figures
from fluentpipe.report.words import measure

_UNIT = (0.0, 1.0)
_MOST_CURVES = 8  # classes in one chart; as many as the style sheet has colours


@lru_cache(maxsize=16)
def figures(evaluation: Evaluation) -> tuple[Figure, ...]:
    """Everything that can be drawn of an evaluation, the most asked for first."""
    drawn = [
        _roc(evaluation), _precision_recall(evaluation), confusion(evaluation), _calibration(evaluation),
        *_distributions(evaluation), _by_threshold(evaluation), by_class(evaluation),
        *regression_figures(evaluation),
    ]  # fmt: skip
    return tuple(each for each in drawn if each is not None)


def _curves(evaluation: Evaluation, name: str, x: str, y: str) -> list[tuple[str, list[Point], Facts]]:
    """(class or nothing, points, curve) of the one curve, or of each class against the rest."""
    of_classes = mapping(evaluation.curves.get("by_class"))
    named = [("", evaluation.curves), *((str(each), mapping(curves)) for each, curves in of_classes.items())]
    found = []
    for label, curves in named:
        curve = mapping(curves.get(name))
        points = list(zip(finites(curve.get(x)), finites(curve.get(y)), strict=False))
        if len(points) > 1:
            found.append((label, points, curve))
    return found[:_MOST_CURVES]


def _of_all(evaluation: Evaluation, curves: Sequence[object]) -> str:
    """Says so where some of the classes have no curve: `the first 8 of 14 classes`."""
    classes = len(items(evaluation.report.get("classes")))
    several = "by_class" in evaluation.curves
    return f"the first {len(curves)} of {classes} classes" if several and len(curves) < classes else ""


def left_out(evaluation: Evaluation, drawn: Sequence[Figure]) -> str:
    """What is not drawn as there are too many classes for it; empty where everything is."""
    classes = len(items(evaluation.report.get("classes")))
    if classes < 3 or evaluation.report.get("task") != "multiclass" or any(each.title == "By class" for each in drawn):
        return ""
    return (
        f"Precision and recall by class are not drawn for {classes} classes; the counts of all are in evaluation.json."
    )


def _roc(evaluation: Evaluation) -> Figure | None:
    curves = _curves(evaluation, "roc", "false_positive_rates", "true_positive_rates")
    if not curves:
        return None
    chart = Chart(_UNIT, _UNIT)
    marks = [chart.frame("false positive rate", "true positive rate"), chart.line([(0, 0), (1, 1)], "reference")]
    if len(curves) == 1:
        marks.append(chart.area([*curves[0][1], (1, 0)], "under"))
    marks += _lines(chart, curves) + _operating_point(chart, evaluation, curves[0], offset=1)
    area = finite(mapping(evaluation.report.get("metrics")).get("auc"))
    said = "" if area is None else f"Area under the curve {measure(area)}"
    note = f"{said}{', the mean of each class against the rest' if len(curves) > 1 and said else ''}"
    note = "; ".join(filter(None, (note, _of_all(evaluation, curves))))
    return Figure("ROC", note, chart.drawn(*marks, label="ROC curve"), _legend(curves))


def _precision_recall(evaluation: Evaluation) -> Figure | None:
    curves = _curves(evaluation, "precision_recall", "recalls", "precisions")
    if not curves:
        return None
    chart = Chart(_UNIT, _UNIT)
    marks = [chart.frame("recall", "precision"), *_lines(chart, curves)]
    marks += _operating_point(chart, evaluation, curves[0], offset=0)
    metrics = mapping(evaluation.report.get("metrics"))
    average, said = finite(metrics.get("pr_auc")), ""
    if average is not None:
        said = f"Average precision {measure(average)}"
    said = "; ".join(filter(None, (said, _of_all(evaluation, curves))))
    return Figure("Precision and recall", said, chart.drawn(*marks, label="precision-recall curve"), _legend(curves))


def _lines(chart: Chart, curves: Sequence[tuple[str, list[Point], Facts]]) -> list[Markup]:
    return [chart.line(points, f"curve series-{place}") for place, (_, points, _) in enumerate(curves)]


def _legend(curves: Sequence[tuple[str, list[Point], Facts]]) -> tuple[tuple[str, str], ...]:
    return tuple((f"series-{place}", label) for place, (label, _, _) in enumerate(curves) if label)


def _operating_point(
    chart: Chart, evaluation: Evaluation, curve: tuple[str, list[Point], Facts], offset: int
) -> list[Markup]:
    """The point of the chosen threshold: the last one at or above it."""
    threshold = finite(evaluation.report.get("threshold"))
    label, points, facts = curve
    if label or threshold is None:
        return []
    above = [place for place, each in enumerate(finites(facts.get("thresholds"))) if each >= threshold]
    if not above or above[-1] + offset >= len(points):
        return []
    x, y = points[above[-1] + offset]
    return [chart.dot(x, y, f"threshold {measure(threshold)}: ({x:.3f}, {y:.3f})", "chosen", 5.5)]


def _calibration(evaluation: Evaluation) -> Figure | None:
    bins = [mapping(each) for each in items(evaluation.curves.get("calibration"))]
    found = [
        (mean, share, rows)
        for each in bins
        if (mean := finite(each.get("mean_probability"))) is not None
        and (share := finite(each.get("positive_share"))) is not None
        and (rows := finite(each.get("rows"))) is not None
    ]
    if not found:
        return None
    several = "by_class" in evaluation.curves
    chart, most = Chart(_UNIT, _UNIT), max(rows for _, _, rows in found) or 1.0
    observed = "share that was right" if several else "share of positive rows"
    marks = [chart.frame("predicted probability", observed), chart.line([(0, 0), (1, 1)], "reference")]
    marks.append(chart.line([(mean, share) for mean, share, _ in found], "curve series-0"))
    marks += [
        chart.dot(mean, share, f"{figure(rows)} rows: predicted {mean:.3f}, observed {share:.3f}", "bin",
                  2.5 + 5.0 * max(0.0, rows / most) ** 0.5)
        for mean, share, rows in found
    ]  # fmt: skip
    note = "On the dashed line probabilities mean what they say. A dot's area is its number of rows."
    return Figure("Calibration", note, chart.drawn(*marks, label="calibration"))


def _distributions(evaluation: Evaluation) -> Iterator[Figure]:
    named = [(str(name), mapping(each)) for name, each in mapping(evaluation.curves.get("histogram")).items()]
    drawn = [(name, *histogram(each)) for name, each in named[:_MOST_CURVES]]
    drawn = [(name, edges, counts) for name, edges, counts in drawn if counts and sum(counts) > 0]
    if not drawn:
        return
    is_value = evaluation.report.get("task") == "regression"
    highest = max(count / sum(counts) for _, _, counts in drawn for count in counts)
    chart = Chart(span(edge for _, edges, _ in drawn for edge in edges), (0.0, highest * 1.05))
    x_name = "predicted value" if is_value else "predicted probability"
    marks = [chart.frame(x_name, "share of rows", percent=True)]
    for place, (name, edges, counts) in enumerate(drawn):
        for low, high, count in zip(edges, edges[1:], counts, strict=False):
            said = f"{name}: {figure(count)} rows from {figure(low)} to {figure(high)}"
            marks.append(chart.bar(low, high, count / sum(counts), said, f"bar series-{place}"))
    threshold = finite(evaluation.report.get("threshold"))
    if threshold is not None:
        marks.append(chart.line([(threshold, 0), (threshold, highest * 1.05)], "threshold"))
    several = len(drawn) > 1
    note = (
        "How far apart the classes are; the line is the chosen threshold." if several and threshold is not None else ""
    )
    legend = tuple((f"series-{place}", name) for place, (name, _, _) in enumerate(drawn) if several)
    yield Figure("Predictions", note, chart.drawn(*marks, label="distribution of the predictions"), legend)


def _by_threshold(evaluation: Evaluation) -> Figure | None:
    """Precision, recall and F1, were the threshold another one."""
    curve = mapping(evaluation.curves.get("precision_recall"))
    columns = [finites(curve.get(name)) for name in ("thresholds", "precisions", "recalls")]
    rows = sorted(zip(*columns, strict=False))
    if len(rows) < 2:
        return None
    chart = Chart(_UNIT, _UNIT)
    f1 = [(at, 2 * precision * recall / ((precision + recall) or 1.0)) for at, precision, recall in rows]
    lines = [[(at, precision) for at, precision, _ in rows], [(at, recall) for at, _, recall in rows], f1]
    marks = [chart.frame("threshold", "")]
    marks += [chart.line(points, f"curve series-{place}") for place, points in enumerate(lines)]
    threshold = finite(evaluation.report.get("threshold"))
    if threshold is not None:
        marks.append(chart.line([(threshold, 0), (threshold, 1)], "threshold"))
    legend = tuple((f"series-{place}", name) for place, name in enumerate(("precision", "recall", "F1")))
    note = "What another threshold would give; the line is the chosen one."
    return Figure("By threshold", note, chart.drawn(*marks, label="precision, recall and F1 by threshold"), legend)
