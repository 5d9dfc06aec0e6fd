"""Train gradient-boosted trees with XGBoost on preprocessed data.

Every hyperparameter is an argument `--name value`, as SageMaker's script mode passes them; JSON files in the channel
`hyperparameters` go over them. The model folder holds all that serving needs: booster, preprocessing, code. Where a job has
several instances, this program runs on each; they learn one model together.
"""

from __future__ import annotations

import os
import platform
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xgboost

if TYPE_CHECKING or __package__:
    from . import (
        boosting,
        cluster,
        hyperparameters,
        job,
        joint_training,
        matrices,
        metrics,
        model_card,
        model_folder,
        trained_model,
    )
else:  # beside its siblings, as the jobs run it
    import boosting
    import cluster
    import hyperparameters
    import job
    import joint_training
    import matrices
    import metrics
    import model_card
    import model_folder
    import trained_model

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

# Said of the machine, not of the model: they must not change its bytes.
NOT_RECORDED = ("nthread", "verbosity", "n_folds")


def main(arguments: Sequence[str]) -> None:
    """Read, train, write."""
    parser = job.Arguments(__doc__)
    for name in ("train", "validation", "preprocessing", "hyperparameters"):
        parser.add_argument(f"--{name}", type=Path, default=job.channel(name))
    for name, place in (("model-dir", "model"), ("output-data-dir", "output/data")):
        standard = os.environ.get(f"SM_{name.upper().replace('-', '_')}", job.base_dir() / place)
        parser.add_argument(f"--{name}", f"--{name.replace('-', '_')}", type=Path, default=standard)
    options, others = parser.parse_known_args(arguments)
    given = {**hyperparameters.from_command_line(others), **hyperparameters.from_folder(options.hyperparameters)}

    with cluster.of_job() as instances:
        _train(options, given, instances)


def _train(options: argparse.Namespace, given: Mapping[str, Any], instances: cluster.Cluster) -> None:
    """Train on this instance, or with all of them; the first writes."""
    is_alone = instances.size == 1
    rows = matrices.read(options.train) if is_alone else matrices.outline(options.train)
    trained_model.check_preprocessing(options.preprocessing, rows)
    validation = _validation(options.validation, rows)
    target = rows.target
    count = len(rows.labels) + (len(validation.labels) if validation else 0)
    if len(rows.labels) < 2:
        msg = f"there are {len(rows.labels)} training rows; at least two are needed"
        raise job.JobError(msg)
    in_time = rows.schema.get("split", {}).get("how") == "time"
    classes = len(target.classes)
    used = hyperparameters.complete(given, target.task, classes, count, in_time=in_time, instances=instances.size)
    print(
        f"training rows: {len(rows.labels)}, features: {len(rows.names)}, task: {target.task}, label: {target.label!r}"
    )
    print("hyperparameters: " + " ".join(f"{name}={used[name]}" for name in sorted(used)), flush=True)

    if is_alone:
        trained = boosting.train(rows, validation, used, target.task)
    else:
        learned = joint_training.train(options.train, rows, validation, used, target.task, instances)
        if learned is None:
            return  # SageMaker packs what all instances write into one archive: one writes
        trained = learned
    facts = _facts(trained, rows, validation, used)
    if not is_alone:
        facts["instances"] = instances.size
    _write(options.model_dir, trained, facts, options.preprocessing)
    history = [dict(member) for member in trained.history]
    job.write_json(options.output_data_dir / "history.json", {"version": 1, "validation": history})
    trained_model.tell(target.task, facts["held_out_metrics"])


def _validation(folder: Path, rows: matrices.Matrix) -> matrices.Matrix | None:
    """Validation rows of the channel; None without the channel or where it is empty."""
    if not folder.is_dir() or not any(folder.iterdir()):
        return None
    found = matrices.read(folder)
    matrices.check_same_features(found.names, rows.names, "validation rows", "training rows")
    return found if len(found.labels) else None


def _facts(
    trained: boosting.Trained, rows: matrices.Matrix, validation: matrices.Matrix | None, used: Mapping[str, Any]
) -> dict[str, Any]:
    """The contents of model.json."""
    target = rows.target
    scores, labels = trained.held_out, trained.held_out_labels
    threshold = metrics.best_threshold(labels == 1, scores) if target.task == "binary" else None
    hashes = {"train": rows.schema.get("sha256"), "validation": validation.schema.get("sha256") if validation else None}
    return {
        "version": 1,
        **target.as_dict(),
        "features": list(rows.names),
        "feature_types": list(rows.types),
        "feature_columns": list(rows.schema.get("feature_columns", rows.names)),
        **({} if threshold is None else {"threshold": threshold}),
        "parameters": {name: used[name] for name in sorted(used) if name not in NOT_RECORDED},
        "n_folds": used["n_folds"],
        "rounds": trained.booster.num_boosted_rounds(),
        "best_iteration": [member["best_round"] for member in trained.members],
        "members": list(trained.members),
        "rows": {"train": len(rows.labels), "validation": len(validation.labels) if validation else 0},
        "held_out_metrics": metrics.of_task(target.task, labels, scores, threshold),
        "data": {"sha256": hashes, "source": rows.schema.get("source", {})},
        "warnings": list(rows.schema.get("warnings", [])),
        "versions": {
            "python": platform.python_version(),
            "xgboost": xgboost.__version__,
            "numpy": np.__version__,
            "pyarrow": metadata.version("pyarrow"),
        },
    }


def _importances(booster: xgboost.Booster, facts: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Features by the loss that their splits took away; `share` of the total, `gain` and `splits` as XGBoost has them."""
    total: dict[str, Any] = dict(booster.get_score(importance_type="total_gain"))
    mean: dict[str, Any] = dict(booster.get_score(importance_type="gain"))
    splits: dict[str, Any] = dict(booster.get_score(importance_type="weight"))
    whole = float(sum(total.values())) or 1.0
    found = [
        {
            "feature": name,
            "column": column,
            "gain": float(mean.get(name, 0.0)),
            "share": float(total.get(name, 0.0)) / whole,
            "splits": int(splits.get(name, 0)),
        }
        for name, column in zip(facts["features"], facts["feature_columns"], strict=True)
    ]
    return sorted(found, key=lambda entry: (-entry["share"], entry["feature"]))


def _write(folder: Path, trained: boosting.Trained, facts: Mapping[str, Any], preprocessing: Path) -> None:
    """Write the model folder; the same inputs give the same bytes."""
    trained_model.write(folder, facts, preprocessing, trained.held_out_labels, trained.held_out)
    (folder / model_folder.BOOSTER).write_bytes(bytes(trained.booster.save_raw("ubj")))
    importances = _importances(trained.booster, facts)
    job.write_json(folder / "importances.json", {"version": 1, "importances": importances})
    (folder / "model_card.md").write_text(model_card.render(facts, importances), encoding="utf-8")


if __name__ == "__main__":
    job.run(main, reason_file="failure")
