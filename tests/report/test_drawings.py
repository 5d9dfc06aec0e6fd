"""Graphs and charts: their laws."""

from __future__ import annotations

import itertools
import math
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings, strategies as st
from markupsafe import Markup

from fluentpipe.report.bars import lane
from fluentpipe.report.chart import Chart, figure, span, ticks
from fluentpipe.report.evidence import Evaluation
from fluentpipe.report.graph import Edge, Mark, draw
from fluentpipe.report.quality import figures
from fluentpipe.report.svg import coordinates, element
from fluentpipe.report.words import duration

SVG = "{http://www.w3.org/2000/svg}"


def boxes(drawing: str) -> dict[str, tuple[float, float, float, float]]:
    """Left, top, width and height of each step, by its name."""
    found = {}
    for group in ElementTree.fromstring(drawing).iter(f"{SVG}g"):
        box = group.find(f"{SVG}rect")
        if box is not None:
            title = group.findtext(f"{SVG}title") or ""
            found[title] = tuple(float(box.get(each, "0")) for each in ("x", "y", "width", "height"))
    return found  # type: ignore[return-value] # four of them


@st.composite
def graphs(draw: st.DrawFn) -> tuple[int, list[tuple[int, int]]]:
    count = draw(st.integers(1, 12))
    pairs = st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)).filter(lambda pair: pair[0] < pair[1])
    return count, draw(st.lists(pairs, max_size=20, unique=True)) if count > 1 else []


@settings(deadline=None)
@given(graphs())
def test_steps_stand_right_of_what_they_need_and_never_on_one_another(graph) -> None:
    count, pairs = graph
    marks = [Mark(f"s{place}", "Processing") for place in range(count)]
    drawn = draw(marks, [Edge(f"s{source}", f"s{target}") for source, target in pairs])
    places = boxes(drawn)
    assert len(places) == count
    for source, target in pairs:
        assert places[f"s{source}"][0] + places[f"s{source}"][2] < places[f"s{target}"][0]
    for one, (x, y, _, height) in places.items():
        assert y >= 0
        for other, (x2, y2, _, _) in places.items():
            assert one == other or x != x2 or abs(y - y2) >= height


@given(st.text(st.characters(exclude_categories=["Cc", "Cs", "Cn", "Co"])))
def test_no_text_ends_an_attribute_not_even_markup(said: str) -> None:
    for value in (said, Markup(said), f'"><b x="{said}', Markup(f'"/><b x="{said}')):
        drawn = ElementTree.fromstring(element("a", title=value, points=coordinates([(1.0, 2.5)])))
        assert dict(drawn.attrib) == {"title": str(value), "points": "1,2.5"}
        assert len(drawn) == 0


@pytest.mark.parametrize("threshold", [0.0, 0.5])
def test_a_chosen_threshold_is_marked_also_where_it_is_zero(threshold: float) -> None:
    curve = {"false_positive_rates": [0, 0.2, 1], "true_positive_rates": [0, 0.8, 1], "thresholds": [0.5, 0.0]}
    counts = {"edges": [0, 0.5, 1], "counts": [1, 2]}
    curves = {"roc": curve, "histogram": {"no": counts, "yes": counts}}
    roc, predictions = figures(Evaluation("e", {"task": "binary", "threshold": threshold}, curves))
    assert 'class="chosen"' in roc.drawing
    assert "the line is the chosen threshold" in predictions.note


def test_the_drawing_holds_every_step() -> None:
    drawn = draw([Mark("a", "x"), Mark("b", "x"), Mark("c", "x")], [Edge("a", "b"), Edge("a", "c"), Edge("b", "c")])
    root = ElementTree.fromstring(drawn)
    _, _, width, height = map(float, (root.get("viewBox") or "").split())
    for x, y, wide, high in boxes(drawn).values():
        assert x + wide <= width
        assert y + high <= height


@pytest.mark.parametrize(("steps", "fits"), [(2, False), (6, True), (30, False)])
def test_a_drawing_is_neither_blown_up_nor_shrunk_until_it_cannot_be_read(steps: int, fits: bool) -> None:
    marks = [Mark(f"step {number}", "Processing") for number in range(steps)]
    drawn = draw(marks, [Edge(one.name, two.name) for one, two in itertools.pairwise(marks)])
    assert ('class="fluentpipe-graph fits ' in drawn) is fits


def test_a_cycle_and_unknown_steps_are_drawn_as_far_as_they_go() -> None:
    edges = [Edge("a", "b"), Edge("b", "a"), Edge("a", "nobody"), Edge("nobody", "a"), Edge("a", "a")]
    assert len(boxes(draw([Mark("a", "x"), Mark("b", "x")], edges))) == 2


def test_a_branch_is_told_apart_from_data() -> None:
    drawn = draw([Mark("gate", "Condition"), Mark("fail", "Fail")], [Edge("gate", "fail", "else")])
    assert 'class="edge control"' in drawn
    assert ">else</text>" in drawn


@given(st.floats(-1e9, 1e9), st.floats(1e-6, 1e9))
def test_ticks_lie_in_their_span_and_are_evenly_spaced(low: float, width: float) -> None:
    high = low + width
    if not high > low:
        return
    found = ticks(low, high)
    slack = width * 1e-6 + abs(low) * 1e-9
    assert 1 <= len(found) <= 21
    assert all(low - slack <= each <= high + slack for each in found)
    steps = [after - before for before, after in itertools.pairwise(found)]
    assert all(math.isclose(step, steps[0], rel_tol=1e-3, abs_tol=slack) for step in steps)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=5))
def test_everything_lands_inside_its_chart(values: list[float]) -> None:
    chart = Chart(span(values), span(values))
    for value in values:
        x, y = chart.at(value, value)
        assert 0 <= x <= chart.width
        assert 0 <= y <= chart.height


@pytest.mark.parametrize(
    ("value", "said"),
    [(0, "0"), (1409, "1,409"), (-2.0, "−2"), (0.25, "0.25"), (0.123456, "0.1235"), (12345.6, "12,346"), (1e9, "1e+09"), (2e-7, "2e−07")],
)  # fmt: skip
def test_figures_are_short(value: float, said: str) -> None:
    assert figure(value) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.421, "0.42 s"), (12.34, "12.3 s"), (250, "4 min 10 s"), (7500, "2 h 5 min"), (None, ""), ("x", ""), (True, "")],
)
def test_durations_are_for_people(seconds, said) -> None:
    assert duration(seconds) == said


def test_the_lane_of_a_step_is_its_part_of_the_run() -> None:
    times = [f"2026-01-01T00:00:{second:02d}.000Z" for second in (5, 10, 0, 20)]
    bar = ElementTree.fromstring(lane(*times, "Succeeded") or "").findall(f"{SVG}rect")[1]
    assert (float(bar.get("x", "")), float(bar.get("width", ""))) == (49.5, 50.0)
    assert lane(None, None, *times[2:], "Waiting") is None
    assert lane("nonsense", *times[1:], "Failed") is None
