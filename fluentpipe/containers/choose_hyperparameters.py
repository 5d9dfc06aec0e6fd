"""Decide hyperparameters of XGBoost during the run: by the training rows, by a tuned model, and by what the user says.

Writes `hyperparameters.json`, which the training takes over its own settings, and `reasons.md`. What the user says goes over a
tuned model, which goes over the rows.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING or __package__:
    from . import archive, hyperparameters, job, matrices, model_folder
else:  # beside its siblings, as the jobs run it
    import archive
    import hyperparameters
    import job
    import matrices
    import model_folder

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

MANY_ROWS = 1_000_000
MANY_FEATURES = 500
MANY_CLASSES = 10
RARE = 0.05  # share of the rarest class
# Of a tuned model: what its data decided, or only that search.
NOT_TAKEN = ("objective", "eval_metric", "num_class", "base_score", "seed")


@dataclass(frozen=True)
class Choice:
    """Hyperparameters, and why they are what they are."""

    values: Mapping[str, Any]
    reason: str


def main(arguments: Sequence[str]) -> None:
    """Read what there is, decide, write."""
    parser = job.Arguments(__doc__)
    parser.add_argument("--rows", type=Path)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--values", type=_object, default={})
    parser.add_argument("--output", type=Path, default=job.processing_dir("output", "hyperparameters"))
    options = parser.parse_args(arguments)
    choices: list[Choice] = []
    if options.rows:
        choices += by_rows(matrices.read(options.rows))
    if options.model:
        choices.append(Choice(_tuned(options.model), "found by tuning"))
    if options.values:
        choices.append(Choice(hyperparameters.canonical(options.values), "as given"))
    chosen = {name: value for choice in choices for name, value in choice.values.items()}
    job.write_json(options.output / "hyperparameters.json", dict(sorted(chosen.items())))
    lines = [
        f"- {' '.join(f'`{name}={value}`' for name, value in choice.values.items())}: {choice.reason}"
        for choice in choices
        if choice.values
    ]
    text = "\n".join(["# Hyperparameters", "", *(lines or ["Nothing speaks against the defaults."])]) + "\n"
    (options.output / "reasons.md").write_text(text, encoding="utf-8")
    for choice in choices:
        print(" ".join(f"{name}={value}" for name, value in choice.values.items()) + f" ({choice.reason})")


def by_rows(rows: matrices.Matrix) -> Iterator[Choice]:
    """What the rows speak for, over the training's own defaults, which go by their number up to 20,000."""
    target, count, features = rows.target, len(rows.labels), len(rows.names)
    if count > MANY_ROWS:
        yield Choice(
            {"eta": 0.1, "subsample": 0.5}, f"{count:,} rows: half of them and larger steps say as much sooner"
        )
    if features > MANY_FEATURES:
        yield Choice({"colsample_bytree": 0.3}, f"{features} features: each tree sees fewer, so that trees differ")
    if target.task == "multiclass" and len(target.classes) > MANY_CLASSES:
        yield Choice({"eta": 0.1, "n_folds": 0}, f"{len(target.classes)} classes: every round grows a tree for each")
    if target.task != "regression":
        codes = rows.labels.astype(np.int64)
        share = float(np.bincount(codes, minlength=len(target.classes)).min()) / max(count, 1)
        if share < RARE:
            yield Choice(
                {"max_delta_step": 1, "min_child_weight": 1},
                f"the rarest class is {share:.2%} of the rows: small leaves for it, in steps that cannot run away",
            )


def _tuned(model: Path) -> dict[str, Any]:
    """The hyperparameters that a model was trained with."""
    archives = [model] if model.is_file() else sorted(model.glob("*.tar.gz"))
    if (model / model_folder.MODEL).is_file():
        facts = job.read_json(model / model_folder.MODEL)
    elif len(archives) == 1:
        with tempfile.TemporaryDirectory() as unpacked:
            archive.unpack(archives[0], Path(unpacked))
            facts = job.read_json(Path(unpacked) / model_folder.MODEL)
    else:
        msg = f"there is no model in {model}: neither {model_folder.MODEL} nor one model.tar.gz"
        raise job.JobError(msg)
    return {name: value for name, value in facts.get("parameters", {}).items() if name not in NOT_TAKEN}


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        msg = f"--values {text!r} is no JSON object"
        raise job.JobError(msg)
    return found


if __name__ == "__main__":
    job.run(main)
