"""The model card: names are text, whatever they look like."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from fluentpipe.containers import metrics, model_card
from fluentpipe.report.card import render

NAMES = st.text(st.sampled_from('ab |_*`<>&[]()#\\~!"-+1.\n$é'), min_size=1, max_size=12).filter(str.strip)


def card(name: str, value: float = 0.8) -> str:
    facts: dict[str, Any] = {
        "label": name, "task": "multiclass", "classes": [name, "plain"], "n_folds": 0, "held_out_metrics": {"rmse": value},
        "rows": {"train": 300}, "parameters": {"max_depth": name}, "versions": {"xgboost": "3"}, "warnings": [f"see {name}"],
        "data": {"source": {"files": [name]}, "sha256": {}},
    }  # fmt: skip
    return str(render(model_card.render(facts, [{"feature": name, "share": 0.5}])))


def words(markup: str) -> str:
    return " ".join(html.unescape(re.sub("<[^>]*>", "", markup)).split())


@settings(max_examples=30, deadline=None)
@given(NAMES)
def test_a_name_is_shown_as_it_is_and_makes_no_markup(name: str) -> None:
    shown, said = card(name), " ".join(name.split())
    assert re.findall("<[a-z0-9]+", shown) == re.findall("<[a-z0-9]+", card("plain"))
    (cell,) = re.findall(r"<td>([^\n]*)</td>\n<td>50.0%</td>", shown)
    assert words(cell) == said
    for place in (
        f"Model of {said}",
        f"Classes: {said}, plain.",
        f"source: {said}",
        f"max_depth: {said}",
        f"see {said}",
    ):
        assert place in words(shown)


@pytest.mark.parametrize(
    ("value", "said"),
    [(2.1345e-06, "2.13e-06"), (0.84501, "0.8450"), (0.0, "0.0000"), (-0.0002, "-0.0002"), (12.0, "12.0000")],
)
def test_small_figures_keep_their_digits(value: float, said: str) -> None:
    assert metrics.shown(value) == said
    assert f"<td>{said}</td>" in card("x", value)
