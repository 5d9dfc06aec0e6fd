"""Reports of real runs in a real browser: they show, in light and dark, and ask nobody for anything."""

from __future__ import annotations

import base64
import csv
import json
import os
import random
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fluentpipe import Pipeline
from fluentpipe.demo import demo_pipeline
from fluentpipe.errors import GateFailed
from fluentpipe.report import write_report

from .browser import Browser, colours
from .folders import Folder, evaluation, gate, packed, schema

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]
BACKGROUND = {"light": bytes.fromhex("f6f6f3"), "dark": bytes.fromhex("121317")}
SURFACE = {"light": bytes.fromhex("ffffff"), "dark": bytes.fromhex("1a1c21")}
TITLES = {
    "binary": {"ROC", "Precision and recall", "Confusion", "Calibration", "Predictions", "By threshold"},
    "multiclass": {"ROC", "Precision and recall", "Confusion", "Calibration", "Predictions", "By class"},
    "regression": {"Predictions", "Actual and predicted", "Errors by prediction", "Errors"},
    "failed gate": {"ROC", "Confusion", "What was required"},
}


def table(path: Path, columns: list[str], rows: list[list[object]]) -> str:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([columns, *rows])
    return str(path)


@pytest.fixture(scope="session")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The report of a run of each task, and of one whose gate failed."""
    home, drawn = tmp_path_factory.mktemp("home"), random.Random(7)
    flowers = [
        [drawn.gauss(len(kind), 0.6), drawn.gauss(0, 1), "same", kind]
        for kind in drawn.choices(["iris", "rose", "tulip", "orchid"], k=1500)
    ]
    numbers = [
        [x, z, 3 * x - 2 * z + drawn.gauss(0, 0.5)]
        for x, z in ((drawn.gauss(0, 1), drawn.gauss(0, 1)) for _ in range(1500))
    ]
    species = Pipeline("flowers").load_data(
        table(home / "flowers.csv", ["petal", "noise", "site", "species"], flowers), label="species"
    )
    values = Pipeline("numbers").load_data(table(home / "numbers.csv", ["x", "z", "y"], numbers), label="y")
    found = {
        "binary": demo_pipeline().run(home=home, echo=None),
        "multiclass": species.preprocess().train_xgboost().evaluate_performance().run(home=home, echo=None),
        "regression": values.preprocess()
        .tune_xgboost(max_trials=2, num_round=60, eta=0.2)
        .evaluate_performance()
        .require(min_r2=0.9)
        .register("numbers")
        .run(home=home, echo=None),
    }
    with pytest.raises(GateFailed) as caught:
        demo_pipeline().require(name="strict", max_log_loss=0.01).run(home=home, echo=None)
    found["failed gate"] = caught.value.run
    return {name: run.report for name, run in found.items()}


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    one = Browser(tmp_path_factory.mktemp("profile"))
    yield one
    one.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("kind", list(TITLES))
def test_a_report_shows_itself_whole_and_asks_nobody(browser: Browser, reports, tmp_path, kind, scheme) -> None:
    page = reports[kind]
    browser.requests.clear()
    browser.complaints.clear()
    browser.open(page, scheme)
    titles = browser.ask("[...document.querySelectorAll('h3')].map(each => each.textContent).join('|')")
    assert TITLES[kind] <= set(titles.split("|"))
    assert browser.ask("document.querySelectorAll('.trials tbody tr').length") == (2 if kind == "regression" else 0)
    kept = Path(os.environ.get("FLUENTPIPE_PICTURES", tmp_path)) / f"{kind.replace(' ', '-')}-{scheme}.png"
    kept.write_bytes(browser.picture())
    found = colours(browser.picture(scale=0.25))
    assert {BACKGROUND[scheme], SURFACE[scheme]} <= {colour for colour, _ in found[:4]}
    assert len(found) > 100
    assert browser.requests == [page.as_uri()]
    assert browser.complaints == []


@pytest.mark.parametrize("width", [1240, 760, 390])
def test_no_width_makes_the_page_itself_scroll_sideways(browser: Browser, reports, width) -> None:
    browser.open(reports["binary"], "light", width)
    assert browser.ask("document.documentElement.scrollWidth") <= width


def test_no_text_of_a_drawing_leaves_it(browser: Browser, reports) -> None:
    for page in reports.values():
        browser.open(page, "light")
        outside = browser.ask(
            """[...document.querySelectorAll('svg text')].filter(each => {
                const mine = each.getBoundingClientRect(), whole = each.ownerSVGElement.getBoundingClientRect();
                return mine.width && (mine.left < whole.left - 1 || mine.right > whole.right + 1
                    || mine.top < whole.top - 1 || mine.bottom > whole.bottom + 1);
            }).map(each => each.textContent).join('|')"""
        )
        assert outside == ""


CHAIN = ("load", "preprocess", "train", "calibrate", "explain_the_predictions", "compare_with_the_last_one", "evaluate")


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a regression with great figures, long names, and a failure of one unbroken word."""
    path = tmp_path_factory.mktemp("crowded")
    word, long = (
        "long" * 80,
        "a_column_whose_name_goes_on_and_on_without_any_break_for_more_than_a_hundred_characters" * 2,
    )
    folder = Folder(path, reason=f"Step 'train' failed: {word}", status="Failed")
    for before, name in zip((None, *CHAIN), CHAIN, strict=False):
        kind = "Training" if name == "train" else "Processing"
        folder.step(name, kind, (before,) if before else (), reason=word if name == "calibrate" else "")
    folder.output("load", "raw_data", {"schema.json": schema(long)})
    place = path / "steps" / "train" / "out"
    place.mkdir(parents=True)
    features = [{"feature": f"{long}_{number}", "share": 0.05, "splits": 9} for number in range(20)]
    (place / "model.tar.gz").write_bytes(
        packed({"importances.json": json.dumps({"version": 1, "importances": features}).encode()})
    )
    curve = {"version": 1, "validation": [{"rmse": [4e6, 3e6, 2.5e6, 2.4e6]}]}
    (place / "output.tar.gz").write_bytes(packed({"history.json": json.dumps(curve).encode()}))
    folder.steps["train"]["outputs"]["model"] = "steps/train/out/model.tar.gz"
    report, drawn = evaluation("regression")
    report["metrics"] |= {"mse": 9.97e7, "rmse": 987_307.0, "mae": -123_456_789.0}
    drawn["actual_and_predicted"] = {
        side: [value * 1e6 for value in values] for side, values in drawn["actual_and_predicted"].items()
    }
    folder.output("evaluate", "report", {"evaluation.json": report, "curves.json": drawn})
    folder.gate("gate", [gate("metrics.rmse", 2_500_000, "LessThanOrEqualTo")])
    return write_report(folder.write())


TOO_WIDE = """[...document.querySelectorAll('.tile, .tile p')].filter(each => each.scrollWidth > each.clientWidth + 1)
    .map(each => each.textContent).join('|')"""
ON_ONE_ANOTHER = """[...document.querySelectorAll('svg')].map(drawing => {
    const texts = [...drawing.querySelectorAll('text')].map(each => [each.textContent.trim(), each.getBoundingClientRect()])
        .filter(([said, box]) => said && box.width);
    return texts.flatMap(([said, one], place) => texts.slice(place + 1).filter(([, other]) =>
        Math.min(one.right, other.right) - Math.max(one.left, other.left) > 2 &&
        Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top) > 4).map(([other]) => said + ' on ' + other));
}).flat().join('|')"""
SMALLEST = """Math.min(...[...document.querySelectorAll('svg text:not(.sign)')].filter(each => each.getBoundingClientRect().width)
    .map(each => parseFloat(getComputedStyle(each).fontSize) * each.getScreenCTM().d || 99))"""
BROKEN_WORDS = """[...document.querySelectorAll('td')].filter(each => /^\\w{1,12}$/.test(each.textContent.trim())).filter(each => {
    const words = document.createRange(); words.selectNodeContents(each);
    return new Set([...words.getClientRects()].map(box => Math.round(box.bottom / 4))).size > 1;
}).map(each => each.textContent).join('|')"""


@pytest.mark.parametrize("width", [1280, 900, 700, 420])
def test_everything_has_its_room_at_every_width(browser: Browser, reports, crowded, width) -> None:
    for page in (crowded, *reports.values()):
        browser.open(page, "light", width)
        browser.ask("document.querySelectorAll('details').forEach(each => each.open = true)")
        assert browser.ask("document.documentElement.scrollWidth") <= width
        assert browser.ask(TOO_WIDE) == ""
        assert browser.ask(ON_ONE_ANOTHER) == ""
        assert browser.ask(BROKEN_WORDS) == ""
        assert browser.ask(SMALLEST) >= 8.5
        narrowest = "Math.min(...[...document.querySelectorAll('.steps td:first-child')].map(each => each.clientWidth))"
        assert browser.ask(narrowest) >= 140


def test_the_graph_of_an_ordinary_chain_needs_no_scrolling(browser: Browser, reports, crowded) -> None:
    for page in (crowded, *reports.values()):
        browser.open(page, "light", 1280)
        assert (
            browser.ask(
                "(each => each.scrollWidth - each.clientWidth)(document.querySelector('.fluentpipe-graph').parentElement)"
            )
            <= 1
        )


def test_a_report_is_printed_whole_on_a_few_pages(browser: Browser, reports, crowded) -> None:
    paper = {"paperWidth": 8.27, "paperHeight": 11.69}  # A4, inches
    for name, page in {"crowded": crowded, **reports}.items():
        browser.open(page, "light", 703)  # A4 without its margins, at 96 pixels an inch
        browser.send("Emulation.setEmulatedMedia", media="print")
        columns = browser.ask(
            "new Set([...document.querySelectorAll('.charts figure')].map(each => each.getBoundingClientRect().left)).size"
        )
        cut = browser.ask(
            """[...document.querySelectorAll('svg, table, pre')].filter(each => each.getBoundingClientRect().right > innerWidth + 1)
            .map(each => each.outerHTML.slice(0, 80)).join('|')"""
        )
        hidden = browser.ask(
            "[...document.querySelectorAll('#data details td, .card p')].filter(each => !each.checkVisibility()).length"
        )
        browser.send("Emulation.setEmulatedMedia", media="")
        assert (name, columns, cut, hidden) == (name, 2, "", 0)
        printed = base64.b64decode(browser.send("Page.printToPDF", **paper)["data"])
        kept = Path(os.environ["FLUENTPIPE_PICTURES"]) if "FLUENTPIPE_PICTURES" in os.environ else None
        if kept:
            (kept / f"{name.replace(' ', '-')}.pdf").write_bytes(printed)
        assert 2 <= len(re.findall(rb"/Type\s*/Page\b", printed)) <= 8


def test_a_sealed_frame_in_a_notebook_shows_the_report(browser: Browser, reports, tmp_path) -> None:
    from fluentpipe.run.result import Run

    shown = Run.load(reports["binary"].parent).show(600)._repr_html_()
    (tmp_path / "notebook.html").write_text(f"<!doctype html><meta charset=utf-8><body>{shown}</body>")
    browser.requests.clear()
    browser.complaints.clear()
    browser.open(tmp_path / "notebook.html", "light")
    deadline = time.monotonic() + 10  # a frame is drawn after its page
    while len(colours(browser.picture(scale=0.5))) <= 50:
        assert time.monotonic() < deadline
    assert browser.complaints == []
    assert [url for url in browser.requests if not url.startswith(("file:", "about:"))] == []
