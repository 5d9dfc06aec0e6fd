"""What is drawn has room: figures beside their axis, names that still differ, words that can be read on their ground."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import example, given, strategies as st

import fluentpipe.report
from fluentpipe.flowchart import Edge
from fluentpipe.report.bars import importances
from fluentpipe.report.chart import Chart, tick_figures, ticks
from fluentpipe.report.classes import by_class, confusion
from fluentpipe.report.evidence import Evaluation
from fluentpipe.report.graph import Mark, draw
from fluentpipe.report.svg import fitted, told_apart, width_of

SVG = "{http://www.w3.org/2000/svg}"
NAMES = st.text(st.characters(exclude_categories=["Cc", "Cs", "Cn", "Co", "Mn", "Me"]), max_size=60)
LIVELY = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e300, max_value=1e300)
PAGE = 1058  # pixels that a window of 1280 leaves to a drawing
LEGIBLE = 4.5  # contrast of text, WCAG 2.2, 1.4.3


def texts(drawing: str, class_: str) -> list[ElementTree.Element]:
    return [each for each in ElementTree.fromstring(drawing).iter(f"{SVG}text") if each.get("class") == class_]


def matrix(classes: int, right: int = 35, wrong: int = 1, name: str = "class_{:02}") -> Evaluation:
    """An evaluation whose confusion matrix has so many rows taken right, and so many for each other class."""
    names = [name.format(place) for place in range(classes)]
    table = {one: {other: right if one == other else wrong for other in names} for one in names}
    return Evaluation("evaluate", {"multiclass_classification_metrics": {"confusion_matrix": table}}, {})


@given(NAMES, st.floats(20, 300))
def test_a_name_is_shortened_from_its_middle_until_it_fits(name: str, room: float) -> None:
    short = fitted(name, room)
    if width_of(name) <= room:
        assert short == name
        return
    head, _, tail = short.partition("…")
    assert name.startswith(head)
    assert name.endswith(tail)
    assert width_of(short) <= room or len(head) == 1


@pytest.mark.parametrize(
    "names",
    [
        [f"feature_number_{place:02}_of_many" for place in range(30)],
        [f"{'a' * 40}{place:02}{'b' * 40}" for place in range(30)],  # differ in the middle alone
    ],
)
def test_names_that_differ_still_do_when_they_are_shortened(names: list[str]) -> None:
    short = told_apart(names, 84)
    assert len(set(short)) == len(names)
    assert max(map(width_of, short)) <= 84


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (0, 1, ["0", "0.2", "0.4", "0.6", "0.8", "1"]),
        (0, 8000, ["0", "2,000", "4,000", "6,000", "8,000"]),
        (0, 200_000, ["0", "50k", "100k", "150k", "200k"]),
        (-1.1e6, 2.1e6, ["−1M", "0", "1M", "2M"]),
        (19.6e6, 20.4e6, ["19.6M", "19.8M", "20M", "20.2M", "20.4M"]),
        (0, 5e9, ["0", "1G", "2G", "3G", "4G", "5G"]),
        (0, 1e-5, ["0", "2e-6", "4e-6", "6e-6", "8e-6", "10e-6"]),
        (9.1e-6, 10.9e-6, ["9.5e-6", "10e-6", "10.5e-6"]),
        (0, 4e20, ["0", "100e18", "200e18", "300e18", "400e18"]),
        (1_000_000, 1_000_010, ["1,000,000", "1,000,002", "1,000,004", "1,000,006", "1,000,008", "1,000,010"]),
    ],
)
def test_figures_of_an_axis_are_short_and_in_one_unit(low: float, high: float, said: list[str]) -> None:
    assert tick_figures(ticks(low, high)) == [each.replace("-", "−") for each in said]


@given(LIVELY, st.floats(1e-9, 1e9))
def test_figures_of_an_axis_differ_as_its_values_do(low: float, share: float) -> None:
    high = low + (abs(low) or 1.0) * share
    values = ticks(low, high)
    if len(set(values)) == len(values):
        assert len(set(tick_figures(values))) == len(values)


@given(LIVELY, st.floats(1e-6, 1e6), st.booleans())
@example(1e300, 1e-6, False)
@example(-1e300, 1e-6, False)
@example(1e14, 1e-6, False)
@example(1e-300, 1e-6, False)
def test_figures_stand_between_the_name_of_the_axis_and_the_plot(low: float, share: float, percent: bool) -> None:
    y = (0.0, 1.0) if percent else (low, low + (abs(low) or 1.0) * share)
    chart = Chart(y, y)
    figures = texts(chart.frame("actual", "predicted", percent=percent), "tick")
    beside = [each for each in figures if each.get("text-anchor") == "end"]
    below = [each for each in figures if each.get("text-anchor") == "middle"]
    for each in beside:
        assert float(each.get("x", "")) - width_of(each.text or "") >= 15  # where the turned name of the axis ends
    spans = [(float(each.get("x", "")), width_of(each.text or "") / 2) for each in below]
    assert all(middle + half <= chart.width for middle, half in spans)
    assert all(one + half < other - half2 for (one, half), (other, half2) in itertools.pairwise(spans[:-1]))


def test_shares_of_a_class_are_of_all_its_rows_also_where_not_all_classes_are_drawn() -> None:
    figure = confusion(matrix(14))
    assert figure is not None
    assert "35 rows of 'class_00' predicted 'class_00' (72.9%)" in figure.drawing.unescape()  # 35 of 35 + 13
    assert "the first 12 of 14 classes" in figure.note


@pytest.mark.parametrize("classes", [2, 3, 5, 12, 14])
@pytest.mark.parametrize(
    "name", ["{}", "class_{:02}", "a rather long name of class {}", "{:02} the number comes first here"]
)
def test_columns_and_rows_of_the_confusion_can_be_told_apart_and_have_room(classes: int, name: str) -> None:
    figure = confusion(matrix(classes, 12_345, 678, name))
    assert figure is not None
    drawn = min(classes, 12)
    said = [each.text for each in texts(figure.drawing, "tick")]
    assert len(said) == 2 * drawn
    assert len(set(said[:drawn])) == len(set(said[drawn:])) == drawn
    cells = list(ElementTree.fromstring(figure.drawing).iter(f"{SVG}rect"))
    counts = texts(figure.drawing, "count") + texts(figure.drawing, "count small")
    assert len(counts) == len(cells)
    wide = float(cells[0].get("width", ""))
    assert all(
        width_of(each.text or "", 11 if "small" in each.get("class", "") else 15, bold=True) <= wide for each in counts
    )
    assert float(cells[-1].get("x", "")) + wide <= 420
    level = [each for each in texts(figure.drawing, "tick")[:drawn] if not each.get("transform")]
    assert all(width_of(each.text or "") <= wide for each in level)


def test_long_names_of_features_keep_both_ends() -> None:
    names = [f"{'very_' * 12}long_{place:02}{'x' * 40 * (place % 2)}" for place in range(19)] + ["W" * 40]
    drawing = importances([{"feature": name, "share": 0.04} for name in names])
    assert drawing is not None
    labels = texts(drawing, "label")
    assert len({each.text for each in labels}) == len(labels)
    assert all(float(each.get("x", "")) - width_of(each.text or "", 12.5) >= 0 for each in labels)


CHAIN = [
    "data_loading", "tabular_preprocessing", "xgboost_tuning", "model_calibration", "model_evaluation", "quality_gate",
    "model_registration", "endpoint_deployment", "traffic_monitoring",
]  # fmt: skip
ASKED = "auc ≥ 0.8 and log_loss ≤ 0.45 and recall ≥ 0.3 and training_time ≤ 1 hour"


def chain(count: int) -> str:
    marks = [
        Mark(name, ASKED if name == "quality_gate" else "Processing", "Succeeded", "12.3 s") for name in CHAIN[:count]
    ]
    return draw(marks, [Edge(one, two) for one, two in itertools.pairwise(CHAIN[:count])])


@pytest.mark.parametrize("count", [5, 7, 8, 9])
def test_an_ordinary_chain_fits_a_page_and_its_words_can_be_read(count: int) -> None:
    root = ElementTree.fromstring(chain(count))
    across = float((root.get("viewBox") or "").split()[2])
    assert "fits" in (root.get("class") or "")
    assert 12.5 * min(1.0, PAGE / across) >= 9  # pixels of a name


def test_the_words_of_a_step_stay_in_its_box_and_a_long_condition_does_not_widen_the_others() -> None:
    root = ElementTree.fromstring(chain(8))
    widths = {}
    for step in root.iter(f"{SVG}g"):
        box = step.find(f"{SVG}rect")
        if box is None:
            continue
        left, top, width, height = (float(box.get(each, "")) for each in ("x", "y", "width", "height"))
        widths[(step.findtext(f"{SVG}title") or "").partition(":")[0]] = width
        for words in step.findall(f"{SVG}text"):
            size, bold = (12.5, True) if words.get("class") == "name" else (11.0, False)
            if words.get("class") != "sign":
                assert float(words.get("x", "")) + width_of(words.text or "", size, bold=bold) <= left + width
                assert top + 10 < float(words.get("y", "")) < top + height - 4
    assert widths["data_loading"] < widths["quality_gate"]


def test_the_word_of_a_branch_stands_between_two_boxes() -> None:
    drawing = draw([Mark("gate", "auc ≥ 0.8"), Mark("fail", "Fail")], [Edge("gate", "fail", "else")])
    box = next(ElementTree.fromstring(drawing).iter(f"{SVG}rect"))
    (word,) = texts(drawing, "branch")
    right = float(box.get("x", "")) + float(box.get("width", ""))
    assert float(word.get("x", "")) - width_of(word.text or "", 10.5) > right


def test_a_name_stands_in_two_lines_before_it_is_cut() -> None:
    names = [each.text for each in texts(chain(7), "name")]
    assert names[1:3] == ["tabular_", "preprocessing"]


# Colours: the style sheets say them, so that a change of either is judged.


def sheet(name: str) -> str:
    return (Path(fluentpipe.report.__file__).parent / name).read_text("utf-8")


def palette(scheme: str) -> dict[str, tuple[float, ...]]:
    light, dark = re.findall(r":root \{(.*?)\}", sheet("report.css"), re.DOTALL)
    found = dict(re.findall(r"--([\w-]+): (#\w{6})", light + (dark if scheme == "dark" else "")))
    return {name: tuple(int(code[place : place + 2], 16) / 255 for place in (1, 3, 5)) for name, code in found.items()}


def over(colour: tuple[float, ...], opacity: float, ground: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(opacity * one + (1 - opacity) * other for one, other in zip(colour, ground, strict=True))


def contrast(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    """Of two colours in sRGB, as WCAG 2.2 defines it."""
    linear = [
        [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in each] for each in (one, other)
    ]
    low, high = sorted(0.2126 * red + 0.7152 * green + 0.0722 * blue for red, green, blue in linear)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("right", [0, 20, 50, 56, 86, 100])
def test_words_on_cells_can_be_read_whatever_their_shade(scheme: str, right: int) -> None:
    figure = confusion(matrix(2, right, 100 - right))
    assert figure is not None
    colours = palette(scheme)
    rules = dict(re.findall(r"\.chart \.cell\.(right|wrong) \{ fill: var\(--(\w+)\); \}", sheet("report.css")))
    assert not re.search(r"\.(count|share)[^{}]*\{[^}]*fill", sheet("report.css"))  # so they are of the ink of a chart
    shades = set()
    for cell in ElementTree.fromstring(figure.drawing).iter(f"{SVG}rect"):
        kind = (cell.get("class") or "").split()[1]
        ground = over(colours[rules[kind]], float(cell.get("fill-opacity", "")), colours["surface"])
        shades.add(ground)
        assert contrast(colours["ink"], ground) >= LEGIBLE
    assert len(shades) > 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_of_the_page_can_be_read_on_every_ground(scheme: str) -> None:
    colours = palette(scheme)
    pairs = [
        (word, ground)
        for word in ("ink", "muted")
        for ground in colours
        if ground.endswith("soft") or ground in ("page", "surface")
    ]
    pairs += [(word, ground) for word in ("good", "bad", "warn") for ground in ("page", "surface", f"{word}-soft")]
    found = {pair: contrast(colours[pair[0]], colours[pair[1]]) for pair in pairs}
    assert {pair: value for pair, value in found.items() if value < LEGIBLE} == {}


def test_signs_of_states_can_be_read() -> None:
    for code in re.findall(r"\.dot \{ fill: #(\w{6})", sheet("graph.css")):
        colour = tuple(int(code[place : place + 2], 16) / 255 for place in (0, 2, 4))
        assert contrast((1.0, 1.0, 1.0), colour) >= LEGIBLE, code


def test_precision_and_recall_have_names_that_differ() -> None:
    figure = by_class(matrix(5, name="a rather long name of class {}"))
    assert figure is not None
    names = [each.text for each in texts(figure.drawing, "tick") if each.get("text-anchor") == "end"]
    assert len(set(names)) == 5
