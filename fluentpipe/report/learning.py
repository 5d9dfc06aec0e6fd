"""How a model learned: the loss on held-out rows after each round, from the training's history or from its log."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from fluentpipe.report.chart import Chart, Figure, Point, figure, span
from fluentpipe.report.evidence import Facts, finites

_MOST_POINTS = 120  # of a line; between them its curve is straight to the eye
_MOST_LINES = 8
_WIDTH, _HEIGHT = 640.0, 250.0  # pixels, wide enough for its rounds and small enough for its words
_NUMBER = r"[-+]?\d{1,20}(?:\.\d{1,20})?(?:e[-+]?\d{1,3})?"
_ROUND = re.compile(rf"^(?:\[[\d:]{{1,20}}\] ?)?\[\d{{1,9}}\]((?:\s+[\w@-]+:{_NUMBER})+)\s*$")  # as XGBoost prints
_VALUE = re.compile(rf"([\w@-]+):({_NUMBER})")

Lines = Mapping[str, Sequence[float]]  # name -> the value after each round


def of_history(members: Sequence[Facts]) -> tuple[str, dict[str, list[float]]]:
    """The metric that training stops by, the last one as XGBoost has it, and its values in each member of a model."""
    named = [name for member in members for name in member]
    if not named:
        return "", {}
    metric = list(members[0])[-1] if members[0] else named[-1]
    several = len(members) > 1
    lines = {
        f"fold {place}" if several else "held-out rows": values
        for place, member in enumerate(members, 1)
        if (values := finites(member.get(metric)))
    }
    return metric, lines


def of_log(lines: Sequence[str]) -> tuple[str, dict[str, list[float]]]:
    """The same from the lines that XGBoost prints: `[12]  train-rmse:0.31  validation-rmse:0.35`."""
    found: dict[str, list[float]] = {}
    for matched in filter(None, map(_ROUND.match, lines)):
        for name, value in _VALUE.findall(matched.group(1)):
            found.setdefault(name, []).append(float(value))
    if len({len(values) for values in found.values()}) != 1:  # nothing, or lines of several trainings
        return "", {}
    metric = list(found)[-1].partition("-")[2]
    return metric, {name.partition("-")[0]: values for name, values in found.items() if name.endswith(f"-{metric}")}


def learning_curve(step: str, metric: str, lines: Lines) -> Figure | None:
    """The lines with their best rounds; None where nothing was learned in rounds."""
    drawn = [(name, list(values)) for name, values in list(lines.items())[:_MOST_LINES] if len(values) > 1]
    if not drawn:
        return None
    best_of = max if _rises(metric) else min
    last = float(max(len(values) for _, values in drawn) - 1)
    chart = Chart((0.0, last), _without_the_start([values for _, values in drawn]), _WIDTH, _HEIGHT)
    marks = [chart.frame("round", metric)]
    for place, (name, values) in enumerate(drawn):
        best = best_of(range(len(values)), key=values.__getitem__)
        marks.append(chart.line(_thinned(values, best, chart.y), f"curve series-{place}"))
        said = f"{name}: best in round {best}, {metric} {figure(values[best])}"
        marks.append(chart.dot(best, values[best], said, f"best series-{place}", 4.0))
    note = "On the rows held out, after each round; a dot is the best one. The first, steep rounds are left out."
    legend = tuple((f"series-{place}", name) for place, (name, _) in enumerate(drawn) if len(drawn) > 1)
    return Figure(
        f"How {step} learned", note, chart.drawn(*marks, label=f"{metric} by round", class_="chart curves"), legend
    )


def _without_the_start(lines: Sequence[Sequence[float]]) -> tuple[float, float]:
    """The span of all but the first tenth of each line, which would flatten the rest."""
    low, high = span(each for values in lines for each in values[len(values) // 10 :])
    room = 0.06 * (high - low)
    return low - room, high + room


def _rises(metric: str) -> bool:
    return metric.removeprefix("validation-").partition("@")[0] in ("auc", "aucpr", "map", "ndcg", "pre")


def _thinned(values: Sequence[float], best: int, inside: tuple[float, float]) -> list[Point]:
    """Points enough for a line, from the first one inside the chart."""
    first = next((place for place, value in enumerate(values) if inside[0] <= value <= inside[1]), best)
    every = -(-len(values) // _MOST_POINTS)
    kept = sorted({*range(first, len(values), every), max(first, best), len(values) - 1})
    return [(float(place), values[place]) for place in kept]
