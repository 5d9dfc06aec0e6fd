"""The trials of a search for hyperparameters: a table of them, the best first."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from fluentpipe.report.chart import figure
from fluentpipe.report.evidence import Facts, finite, items, mapping
from fluentpipe.report.words import duration, measure, plain

MOST_TRIALS = 100  # rows of the table
MOST_COLUMNS = 12  # hyperparameters, a column each


def search(step: str, facts: Facts) -> dict[str, Any]:
    """The table of one search.

    Args:
        step: That searched.
        facts: Its trials.json: metric, direction, number of the best, and the trials.
    """
    trials = [mapping(each) for each in items(facts.get("trials"))]
    ranked = sorted(trials, key=_rank(str(facts.get("direction"))))
    tuned = list(dict.fromkeys(str(name) for trial in trials for name in mapping(trial.get("hyperparameters"))))
    ended = sum(trial.get("status") == "Completed" for trial in trials)
    return {
        "step": step,
        "metric": plain(facts.get("metric")),
        "better": {"Minimize": "less is better", "Maximize": "more is better"}.get(str(facts.get("direction")), ""),
        "count": figure(len(trials)),
        "others": len(trials) - ended,
        "time": duration(sum(finite(trial.get("seconds")) or 0.0 for trial in trials)),
        "tuned": tuned[:MOST_COLUMNS],
        "hidden": tuned[MOST_COLUMNS:],
        "trials": [_row(each, tuned[:MOST_COLUMNS], facts.get("best")) for each in ranked[:MOST_TRIALS]],
        "more": max(0, len(trials) - MOST_TRIALS),
    }


def _rank(direction: str) -> Any:
    """Order of trials: those that came to their end by value, then the stopped ones by theirs, then those without one."""
    sign = -1.0 if direction == "Maximize" else 1.0

    def key(trial: Mapping[str, Any]) -> tuple[bool, bool, float, float]:
        value = finite(trial.get("value"))
        number = finite(trial.get("number"))
        return (
            value is None,
            trial.get("status") != "Completed",
            0.0 if value is None else sign * value,
            math.inf if number is None else number,
        )

    return key


def _row(trial: Facts, tuned: Sequence[str], best: object) -> dict[str, Any]:
    value, chosen = finite(trial.get("value")), mapping(trial.get("hyperparameters"))
    return {
        "number": plain(trial.get("number")),
        "best": trial.get("number") == best and best is not None,
        "status": str(trial.get("status", "")),  # Completed, Stopped, Failed
        "reason": plain(trial.get("reason")),
        "value": "–" if value is None else measure(value, 5),
        "time": "kept" if trial.get("cached") else duration(trial.get("seconds")),
        "chosen": [_short(chosen.get(name)) for name in tuned],
    }


def _short(value: object) -> str:
    """A hyperparameter, which a request has as text: numbers with few digits."""
    text = plain(value)
    try:
        number = float(text)
    except ValueError:
        return text
    return text if len(text) <= 6 or not math.isfinite(number) else figure(number)
