"""The parts of the page as plain data for the template: what is shown, in which words."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from markupsafe import Markup

from fluentpipe import terminal
from fluentpipe.flowchart import Edge, edges_of
from fluentpipe.report import bars, graph, quality
from fluentpipe.report.chart import Figure, figure
from fluentpipe.report.evidence import Evaluation, Evidence, Facts, Model, finite, items, mapping
from fluentpipe.report.gates import Requirement, condition_words, why
from fluentpipe.report.learning import learning_curve, of_history, of_log
from fluentpipe.report.words import duration, measure, moment, plain

_LOG_LINES = 40
_FAILED_LOG_LINES = 80
_MOST_COLUMNS = 300
MEANINGS = {
    "auc": "area under the ROC curve",
    "pr_auc": "average precision",
    "accuracy": "share predicted right",
    "f1": "harmonic mean of precision and recall",
    "precision": "share of the predicted that are positive",
    "recall": "share of the positive that were found",
    "log_loss": "log loss, nats; less is better",
    "brier": "squared error of the probability; less is better",
    "rmse": "root mean squared error; less is better",
    "mae": "mean absolute error; less is better",
    "mse": "mean squared error; less is better",
    "r2": "share of the variance explained",
    "mape": "mean absolute error, share of the value; less is better",
}
_OF_CLASSES = {  # where they say something else of several classes
    "auc": "area under the ROC curve, mean of each class against the rest",
    "f1": "F1, mean over the classes",
    "precision": "share of those predicted as a class that are of it, mean over the classes",
    "recall": "share of a class that was found, mean over the classes",
}


def heading(evidence: Evidence) -> dict[str, Any]:
    """Name, state and times of the run, and what it registered."""
    manifest = evidence.manifest
    states = [str(evidence.step(entry.name).get("status", "")) for entry in evidence.entries]
    return {
        "name": str(manifest.get("name", "pipeline")),
        "id": str(manifest.get("id", "")),
        "status": str(manifest.get("status", "")),
        "reason": terminal.plain(str(manifest.get("reason") or "")),
        "why": why(evidence),
        "time": duration(manifest.get("seconds")),
        "started": moment(manifest.get("started")),
        "done": _done(states),
        "models": [
            f"{mapping(each).get('group')} version {mapping(each).get('version')} ({mapping(each).get('approval_status')})"
            for each in items(manifest.get("models"))
        ],
    }


def _done(states: Sequence[str]) -> str:
    """`6 steps done, 1 not executed`."""
    others = {"NotExecuted": "not executed", "Failed": "failed", "Stopped": "stopped", "Waiting": "waiting"}
    counts = [f"{states.count(state)} {said}" for state, said in others.items() if state in states]
    done = states.count("Succeeded")
    return ", ".join([f"{done} step{'' if done == 1 else 's'} done", *counts])


def tiles(evaluation: Evaluation, required: Sequence[Requirement]) -> list[dict[str, Any]]:
    """A tile for each figure; those that the pipeline requires come first, with the strictest of their limits."""
    here = [each for each in required if each.step == evaluation.step and each.path.startswith("metrics.")]
    mine = {each.metric: each for each in sorted(here, key=lambda each: each.strictness, reverse=True)}
    meanings = MEANINGS | (_OF_CLASSES if evaluation.report.get("task") == "multiclass" else {})
    values = [(str(name), finite(value)) for name, value in mapping(evaluation.report.get("metrics")).items()]
    found = []
    for name, value in sorted(values, key=lambda each: each[0] not in mine):
        if value is not None:
            limit = mine.get(name)
            found.append(
                {
                    "name": name,
                    "value": measure(value),
                    "meaning": meanings.get(name, ""),
                    "limit": f"needs {limit.sign} {figure(limit.limit)}" if limit and limit.limit is not None else "",
                    "holds": limit.holds if limit else None,
                    "is_asked": limit.is_asked if limit else True,
                }
            )
    return found


def drawing(evidence: Evidence) -> Markup | None:
    """The graph of the run; None where there are more steps than anybody could read."""
    if not 0 < len(evidence.entries) <= graph.MOST_STEPS:
        return None
    marks = []
    for entry in evidence.entries:
        step = evidence.step(entry.name)
        state = str(step.get("status", ""))
        note = "kept" if step.get("cached") else duration(step.get("seconds"))
        what = condition_words(entry) if entry.type == "Condition" else ""
        marks.append(
            graph.Mark(entry.name, what or entry.type, state, note, terminal.plain(str(step.get("reason") or what)))
        )
    return _drawn(tuple(marks), tuple(edges_of(evidence.entries)))


@lru_cache(maxsize=16)  # runs whose results are all kept look the same
def _drawn(marks: tuple[graph.Mark, ...], edges: tuple[Edge, ...]) -> Markup:
    return graph.draw(marks, edges)


def steps(evidence: Evidence) -> list[dict[str, Any]]:
    """A row for each step, with when it ran and the end of its log."""
    begin, finish = evidence.manifest.get("started"), evidence.manifest.get("ended")
    rows = []
    for entry in evidence.entries:
        step = evidence.step(entry.name)
        state, memory = str(step.get("status", "")), finite(step.get("peak_memory_mb"))
        lines = evidence.log_tail(entry.name, _FAILED_LOG_LINES if state == "Failed" else _LOG_LINES)
        rows.append(
            {
                "name": entry.name,
                "type": entry.type,
                "state": state,
                "time": duration(step.get("seconds")),
                "cpu": duration(step.get("cpu_seconds")),
                "memory": f"{memory:,.0f} MiB" if memory is not None else "",
                "reason": terminal.plain(str(step.get("reason") or "")),
                "lane": bars.lane(step.get("started"), step.get("ended"), begin, finish, state),
                "log": "\n".join(lines),
            }
        )
    return rows


def data(step: str, schema: Facts) -> dict[str, Any]:
    """The profile of the data that a step loaded."""
    counts = [(str(name), finite(count) or 0.0) for name, count in mapping(schema.get("rows")).items()]
    whole = sum(count for _, count in counts)
    columns = [mapping(each) for each in items(schema.get("columns"))]
    return {
        "step": step,
        "splits": bars.splits([each for each in counts if each[1] > 0]),
        "parts": [(name, figure(count)) for name, count in counts if count > 0],
        "rows": figure(whole),
        "label": plain(schema.get("label")),
        "task": plain(schema.get("task")),
        "classes": [plain(each) for each in items(schema.get("classes"))][:50],
        "split": plain(mapping(schema.get("split")).get("how")),
        "warnings": [plain(each) for each in items(schema.get("warnings"))],
        "columns": [_column(each, whole, schema.get("label")) for each in columns[:_MOST_COLUMNS]],
        "more": max(0, len(columns) - _MOST_COLUMNS),
    }


def _column(column: Facts, rows: float, label: object) -> dict[str, str]:
    missing, distinct = finite(column.get("missing")), finite(column.get("distinct"))
    share = f" ({missing / rows:.1%})" if missing and rows else ""
    return {
        "name": plain(column.get("name")),
        "type": plain(column.get("type")),
        "missing": "" if missing is None else f"{figure(missing)}{share}",
        "distinct": "" if distinct is None else figure(distinct),
        "role": "label" if column.get("name") == label else "",
    }


def warnings(evidence: Evidence) -> list[str]:
    """What the steps warned of, each once, in the order of the steps."""
    found = [mapping(schema).get("warnings") for _, schema in evidence.schemas]
    found += [evaluation.report.get("warnings") for evaluation in evidence.evaluations]
    found += [model.facts.get("warnings") for model in evidence.models]
    return list(dict.fromkeys(plain(each) for one in found for each in items(one)))


def model(found: Model, evidence: Evidence) -> dict[str, Any]:
    """A model: how it learned, what it looks at, and its card."""
    from fluentpipe.report.card import render

    return {
        "learning": _of_history(found)
        if found.history
        else learning_curve(found.step, *of_log(evidence.log(found.step))),
        "step": found.step,
        "importances": _importances(found),
        "features": len(found.importances),
        "shown": bars.MOST_FEATURES,
        "card": render(found.card) if found.card else None,
    }


@lru_cache(maxsize=16)  # a model that was kept is drawn once
def _of_history(found: Model) -> Figure | None:
    return learning_curve(found.step, *of_history(found.history))


@lru_cache(maxsize=16)
def _importances(found: Model) -> Markup | None:
    return bars.importances(found.importances)


def evaluations(evidence: Evidence, required: Sequence[Requirement]) -> list[dict[str, Any]]:
    """The figures and drawings of each evaluation."""
    return [
        {
            "step": each.step,
            "rows": figure(finite(each.report.get("rows")) or 0.0),
            "label": plain(each.report.get("label")),
            "task": plain(each.report.get("task")),
            "tiles": tiles(each, required),
            "figures": (drawn := quality.figures(each)),
            "left_out": quality.left_out(each, drawn),
        }
        for each in evidence.evaluations
    ]
