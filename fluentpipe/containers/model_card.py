"""The model card: what a reader must know of a model, in Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
    lines = [f"# Model of `{facts['label']}`", "", f"Gradient-boosted trees (XGBoost), task: {facts['task']}."]
    if facts["task"] == "binary":
        lines.append(
            f"The score is the probability of `{facts['positive_class']}`; from {facts['threshold']:.4f} on it is predicted "
            "(the threshold with the highest F1 on held-out rows)."
        )
    elif facts["task"] == "multiclass":
        lines.append("Classes: " + ", ".join(f"`{name}`" for name in facts["classes"]) + ".")
    if facts["n_folds"]:
        lines.append(f"The mean of {facts['n_folds']} models, each stopped on rows that the others learned from.")
    return "\n".join(lines)


def _figures(facts: Mapping[str, Any]) -> str:
    rows = [f"| {name} | {value:.4f} | {MEANINGS.get(name, '')} |" for name, value in facts["held_out_metrics"].items()]
    note = (
        "Rows held out of learning, on which training stopped; a little too kind therefore. Test rows give the verdict."
    )
    return "\n".join(["## Figures", "", note, "", "| figure | value | meaning |", "|---|---|---|", *rows])


def _data(facts: Mapping[str, Any]) -> str:
    source = facts["data"]["source"]
    lines = [f"- {count} {name} rows" for name, count in facts["rows"].items() if count]
    lines += [f"- source: {', '.join(source['files'])}"] * ("files" in source)
    lines += [f"- SHA-256 of the source: `{source['sha256']}`"] * ("sha256" in source)
    lines += [f"- SHA-256 of the {name} rows: `{value}`" for name, value in facts["data"]["sha256"].items() if value]
    return "\n".join(["## Data", "", *lines])


def _columns(importances: Sequence[Mapping[str, Any]]) -> str:
    rows = [f"| {entry['feature']} | {entry['share']:.1%} |" for entry in importances[:15]]
    return "\n".join(["## What it looks at", "", "| feature | share of the gain |", "|---|---|", *rows])


def _parameters(facts: Mapping[str, Any]) -> str:
    values = [f"- `{name}`: {value}" for name, value in facts["parameters"].items()]
    versions = ", ".join(f"{name} {value}" for name, value in facts["versions"].items())
    return "\n".join(["## How it was made", "", *values, f"- versions: {versions}"])


def _warnings(facts: Mapping[str, Any]) -> str:
    return (
        "\n".join(["## Warnings", "", *(f"- {warning}" for warning in facts["warnings"])]) if facts["warnings"] else ""
    )
