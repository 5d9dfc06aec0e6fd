"""Objectives of a tuning: the figure to be made best, and how it is read from what a training writes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

import attrs

from fluentpipe.errors import did_you_mean

Direction = Literal["Minimize", "Maximize"]

_NUMBER = r"([-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?)"
# What the training's script says of the rows that it did not learn from, in one line at its end.
HELD_OUT: Mapping[str, Direction] = {
    "loss": "Minimize", "auc": "Maximize", "pr_auc": "Maximize", "accuracy": "Maximize", "f1": "Maximize",
    "precision": "Maximize", "recall": "Maximize", "log_loss": "Minimize", "brier": "Minimize", "rmse": "Minimize",
    "mae": "Minimize", "mse": "Minimize", "r2": "Maximize", "mape": "Minimize",
}  # fmt: skip
_VALIDATION = "validation-"  # of XGBoost's own metrics, told every 50 rounds
_XGBOOST_MAXIMIZES = ("auc", "aucpr", "map", "ndcg", "pre")
MAX_REGEX = 500  # characters; botocore: MetricRegex


@attrs.frozen
class Objective:
    """What a tuning makes best.

    Args:
        name: Of the metric.
        direction: Whether less or more is better.
        regex: Finds the metric in a line; its first group is the number, and the last one told counts.
        during: Whether it is told while a training goes on, so that hopeless trainings can be stopped.
    """

    name: str
    direction: Direction
    regex: str
    during: bool


def objective_of(metric: str, direction: Direction | None, regex: str | None) -> Objective:
    """The objective that settings ask for.

    Raises:
        ValueError: The metric is unknown, and no regex or direction says what it is.
    """
    if regex is not None:
        if direction is None:
            raise ValueError(
                f"direction: must be given for a metric of your own: is less of {metric!r} better, or more?"
            )
        _check_regex(regex)
        return Objective(metric, direction, regex, True)
    if metric in HELD_OUT:
        return Objective(metric, direction or HELD_OUT[metric], f"held-out rows:.* {metric}={_NUMBER}", False)
    if metric.startswith(_VALIDATION):
        name = metric.removeprefix(_VALIDATION)
        usual: Direction = "Maximize" if name.partition("@")[0].rstrip("-") in _XGBOOST_MAXIMIZES else "Minimize"
        return Objective(metric, direction or usual, f"{re.escape(metric)} {_NUMBER}".replace(r"\-", "-"), True)
    raise ValueError(
        f"metric: there is no metric {metric!r}.{did_you_mean(metric, HELD_OUT)} There are {', '.join(HELD_OUT)}, "
        "'validation-' before a metric of XGBoost, and any other with metric_regex"
    )


def _check_regex(regex: str) -> None:
    if len(regex) > MAX_REGEX:
        raise ValueError(f"metric_regex: has {len(regex)} characters; at most {MAX_REGEX} are allowed")
    try:
        groups = re.compile(regex).groups
    except re.error as fault:
        raise ValueError(f"metric_regex: {regex!r} is no regular expression: {fault}") from fault
    if groups < 1:
        raise ValueError(f"metric_regex: {regex!r} has no group in ( ) that is the number")
