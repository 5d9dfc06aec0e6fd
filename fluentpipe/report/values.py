"""Predicted numbers against the actual ones, drawn; for regression."""

from __future__ import annotations

from collections.abc import Iterator

from fluentpipe.report.chart import Chart, Figure, Point, figure, histogram, span
from fluentpipe.report.evidence import Evaluation, finites, mapping

_MOST_DOTS = 600


def regression_figures(evaluation: Evaluation) -> Iterator[Figure]:
    """Actual and predicted values, and the errors; nothing for other tasks."""
    pairs = mapping(evaluation.curves.get("actual_and_predicted"))
    points = list(zip(finites(pairs.get("actual")), finites(pairs.get("predicted")), strict=False))[:_MOST_DOTS]
    if points:
        yield _scatter(points)
        yield _errors_by_prediction(points)
    edges, counts = histogram(mapping(evaluation.curves.get("residuals")))
    if sum(counts):
        yield _errors(edges, counts)


def _scatter(points: list[Point]) -> Figure:
    both = span(value for point in points for value in point)
    chart = Chart(both, both)
    marks = [chart.frame("actual", "predicted"), chart.line([(both[0], both[0]), (both[1], both[1])], "reference")]
    marks += [chart.dot(x, y, f"actual {figure(x)}, predicted {figure(y)}", "row", 2.6) for x, y in points]
    note = "On the dashed line the prediction is exact."
    return Figure("Actual and predicted", note, chart.drawn(*marks, label="actual against predicted values"))


def _errors_by_prediction(points: list[Point]) -> Figure:
    errors = [(predicted, actual - predicted) for actual, predicted in points]
    farthest = max(abs(error) for _, error in errors)
    chart = Chart(span(predicted for predicted, _ in errors), span((-farthest, farthest)))
    marks = [
        chart.frame("predicted", "actual − predicted"),
        chart.line([(chart.x[0], 0), (chart.x[1], 0)], "reference"),
    ]
    marks += [chart.dot(x, y, f"predicted {figure(x)}, error {figure(y)}", "row", 2.6) for x, y in errors]
    note = "No slope and no funnel: the errors do not depend on the prediction."
    return Figure("Errors by prediction", note, chart.drawn(*marks, label="errors against predicted values"))


def _errors(edges: list[float], counts: list[float]) -> Figure:
    chart = Chart(span(edges), (0.0, max(counts) * 1.05))
    marks = [chart.frame("actual − predicted", "rows")]
    marks += [
        chart.bar(low, high, count, f"{figure(count)} rows from {figure(low)} to {figure(high)}", "bar series-0")
        for low, high, count in zip(edges, edges[1:], counts, strict=False)
    ]
    if edges[0] < 0 < edges[-1]:
        marks.append(chart.line([(0, 0), (0, max(counts) * 1.05)], "threshold"))
    return Figure("Errors", "Around zero and even on both sides is good.", chart.drawn(*marks, label="errors"))
