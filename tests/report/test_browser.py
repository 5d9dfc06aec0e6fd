"""Reports of real runs in a real browser: they show, in light and dark, and ask nobody for anything."""

from __future__ import annotations

import csv
import os
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fluentpipe import Pipeline
from fluentpipe.demo import demo_pipeline
from fluentpipe.errors import GateFailed

from .browser import Browser, colours

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
