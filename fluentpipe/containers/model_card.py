"""The model card: what a reader must know of a model, in Markdown."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING or __package__:
    from . import metrics
else:  # beside its siblings, as the jobs run it
    import metrics

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MEANINGS = {
    "auc": "area under the ROC curve",
    "pr_auc": "average precision",
    "log_loss": "log loss, nats",
    "brier": "mean squared error of the probability",
    "rmse": "root mean squared error",
    "mae": "mean absolute error",
    "mse": "mean squared error",
    "r2": "share of the variance explained",
    "mape": "mean absolute error as a share of the actual value",
}


_MARKUP = re.compile(r"([\\`*_{}\[\]<>#|~&!])")


def text(name: object) -> str:
    """A name as Markdown shows it: no sign of it is markup, and it stays on its line."""
    return _MARKUP.sub(r"\\\1", " ".join(str(name).split()))


def code(name: object) -> str:
    """A name between more backticks than it has in a row; nothing else is markup there."""
    said = " ".join(str(name).split())
    ticks = "`" * (1 + max((len(run) for run in re.findall("`+", said)), default=0))
    space = " " if said[:1] == "`" or said[-1:] == "`" else ""
    return f"{ticks}{space}{said}{space}{ticks}"


def render(facts: Mapping[str, Any], importances: Sequence[Mapping[str, Any]]) -> str:
    """The card of a model.

    Args:
        facts: The contents of model.json.
        importances: Entries of importances.json, the most important first.
    """
    sections = [
        _what(facts),
        _figures(facts),
        _data(facts),
        _columns(importances),
        _parameters(facts),
        _warnings(facts),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _what(facts: Mapping[str, Any]) -> str:
    lines = [f"# Model of {code(facts['label'])}", "", f"Gradient-boosted trees (XGBoost), task: {facts['task']}."]
    if facts["task"] == "binary":
        lines.append(
            f"The score is the probability of {code(facts['positive_class'])}; from {metrics.shown(facts['threshold'])} on it is predicted "
            "(the threshold with the highest F1 on held-out rows)."
        )
    elif facts["task"] == "multiclass":
        lines.append("Classes: " + ", ".join(map(code, facts["classes"])) + ".")
    if facts["n_folds"]:
        lines.append(f"The mean of {facts['n_folds']} models, each stopped on rows that the others learned from.")
    return "\n".join(lines)


def _figures(facts: Mapping[str, Any]) -> str:
    rows = [
        f"| {text(name)} | {metrics.shown(value)} | {MEANINGS.get(name, '')} |"
        for name, value in facts["held_out_metrics"].items()
    ]
    note = (
        "Rows held out of learning, on which training stopped; a little too kind therefore. Test rows give the verdict."
    )
    return "\n".join(["## Figures", "", note, "", "| figure | value | meaning |", "|---|---|---|", *rows])


def _data(facts: Mapping[str, Any]) -> str:
    source = facts["data"]["source"]
    lines = [f"- {count} {name} rows" for name, count in facts["rows"].items() if count]
    if "files" in source:
        lines.append(f"- source: {', '.join(map(text, source['files']))}")
    if "sha256" in source:
        lines.append(f"- SHA-256 of the source: `{source['sha256']}`")
    lines += [f"- SHA-256 of the {name} rows: `{value}`" for name, value in facts["data"]["sha256"].items() if value]
    return "\n".join(["## Data", "", *lines])


def _columns(importances: Sequence[Mapping[str, Any]]) -> str:
    rows = [f"| {text(entry['feature'])} | {entry['share']:.1%} |" for entry in importances[:15]]
    return "\n".join(["## What it looks at", "", "| feature | share of the gain |", "|---|---|", *rows])


def _parameters(facts: Mapping[str, Any]) -> str:
    values = [f"- `{name}`: {text(value)}" for name, value in facts["parameters"].items()]
    versions = ", ".join(f"{name} {value}" for name, value in facts["versions"].items())
    return "\n".join(["## How it was made", "", *values, f"- versions: {versions}"])


def _warnings(facts: Mapping[str, Any]) -> str:
    return (
        "\n".join(["## Warnings", "", *(f"- {text(warning)}" for warning in facts["warnings"])])
        if facts["warnings"]
        else ""
    )
