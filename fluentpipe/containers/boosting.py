"""Train: one model that stops early on its validation rows, or the mean of several, each with another fold left out."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import xgboost

if TYPE_CHECKING or __package__:
    from . import cores, splitting
    from .hyperparameters import check_known, for_xgboost
    from .job import without_pandas
    from .matrices import Matrix, stack, take
else:  # beside its siblings, as the jobs run it
    import cores
    import splitting
    from hyperparameters import check_known, for_xgboost
    from job import without_pandas
    from matrices import Matrix, stack, take

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

PROGRESS_ROUNDS = 50
TRIAL_ROWS = 256


@dataclass(frozen=True)
class Trained:
    """A model, and how it came about."""

    booster: xgboost.Booster
    members: tuple[dict[str, Any], ...]  # per trained model: rounds, best round, best value of the metric
    held_out: npt.NDArray[np.float32]  # scores of rows that the model (or its member) did not learn from
    held_out_labels: npt.NDArray[np.float64]
    history: tuple[dict[str, list[float]], ...]  # per member: metric -> its value after every round


class Progress(xgboost.callback.TrainingCallback):
    """Prints `round 50 validation-logloss 0.4312` every 50 rounds; tuning jobs read their metric from such lines."""

    def __init__(self, prefix: str) -> None:
        super().__init__()
        self.prefix = prefix

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        """Print when it is time to; never stop the training."""
        del model
        if epoch % PROGRESS_ROUNDS == 0:
            found = " ".join(
                f"{data}-{metric} {float(log[-1]):.6g}"
                for data, logs in evals_log.items()
                for metric, log in logs.items()
            )
            _say(f"{self.prefix}round {epoch} {found}")
        return False


def _say(line: str) -> None:
    """Print a line in one piece, as folds are trained side by side."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def train(rows: Matrix, validation: Matrix | None, used: Mapping[str, Any], task: str) -> Trained:
    """Train with the given hyperparameters.

    Args:
        rows: Training rows.
        validation: Rows to stop on; a share of the training rows takes their place where there are none.
        used: From `hyperparameters.complete`.
        task: binary, multiclass or regression.
    """
    check_parameters(rows, used)
    if used["n_folds"]:
        return _averaged(stack(rows, validation) if validation else rows, used, task)
    if validation is None:
        parts = held_out_parts(rows.labels, used, task)
        rows, validation = take(rows, np.flatnonzero(parts == 0)), take(rows, np.flatnonzero(parts == 1))
    booster, member, history = one(rows, validation, used, "")
    return Trained(booster, (member,), booster.predict(dmatrix(validation)), validation.labels, (history,))


def check_parameters(rows: Matrix, used: Mapping[str, Any]) -> None:
    """Let XGBoost judge the parameters on the first rows."""
    check_known(for_xgboost(used), dmatrix(take(rows, np.arange(min(len(rows.labels), TRIAL_ROWS)))))


def held_out_parts(labels: npt.NDArray[np.float64], used: Mapping[str, Any], task: str) -> npt.NDArray[np.integer[Any]]:
    """Per row: 0 to learn from, 1 to stop on."""
    share = used["validation_split"]
    print(f"no validation rows: {share:.0%} of the training rows take their place")
    return splitting.split_randomly(len(labels), _strata(labels, task), share, 0.0, used["seed"])


def dmatrix(rows: Matrix, form: type[xgboost.DMatrix] = xgboost.DMatrix, **more: Any) -> xgboost.DMatrix:
    """Rows in a form that XGBoost takes."""
    with without_pandas():
        return form(
            rows.features,
            rows.labels,
            feature_names=list(rows.names),
            feature_types=list(rows.types),
            enable_categorical=True,
            **more,
        )


def _binned(rows: Matrix, used: Mapping[str, Any]) -> xgboost.DMatrix:
    """Rows in bins, which take a fourth of the memory, where XGBoost learns from bins made once."""
    if used.get("tree_method", "hist") not in ("hist", "auto") or used.get("booster") == "gblinear":
        return dmatrix(rows)
    return dmatrix(rows, xgboost.QuantileDMatrix, max_bin=used.get("max_bin", 256))


def one(
    rows: Matrix, validation: Matrix, used: Mapping[str, Any], prefix: str, *, quiet: bool = False
) -> tuple[xgboost.Booster, dict[str, Any], dict[str, list[float]]]:
    """One model, cut at its best round when it stops early."""
    patience = used["early_stopping_rounds"]
    log: dict[str, dict[str, list[float]]] = {}
    learned = _binned(rows, used)
    booster = xgboost.train(
        for_xgboost(used),
        learned,
        used["num_round"],
        evals=[(dmatrix(validation), "validation")],
        evals_result=log,
        early_stopping_rounds=patience or None,
        verbose_eval=False,
        callbacks=[] if quiet else [Progress(prefix)],
    )
    metric = used["eval_metric"][-1]  # XGBoost stops on the last one
    rounds = booster.num_boosted_rounds()
    best = booster.best_iteration if patience else rounds - 1
    values = next(values for name, values in log["validation"].items() if name.split("@")[0] == metric.split("@")[0])
    if patience:
        booster = booster[: best + 1]
    booster.set_attr(best_iteration=None, best_score=None)
    value = float(values[best])
    if not quiet:
        _say(f"{prefix}best round {best} validation-{metric} {value:.6g}, of {rounds} rounds")
    return booster, {"best_round": best, "rounds": rounds, "metric": metric, "value": value}, log["validation"]


def _averaged(rows: Matrix, used: Mapping[str, Any], task: str) -> Trained:
    """One model per fold, each stopped on the fold that it does not see; the mean of their margins is the model."""
    folds = used["n_folds"]
    places = splitting.folds(len(rows.labels), _strata(rows.labels, task), folds, used["seed"])
    print(f"averaging {folds} models, each stopped on another {1 / folds:.0%} of the {len(rows.labels)} rows")
    at_once = min(cores.count(), folds)
    fixed = {  # the base score is the same in all, so that their sum has one
        "base_score": _base_score(rows, used),
        "nthread": max((used.get("nthread") or cores.count()) // at_once, 1),
        **{name: value for name, value in used.items() if name != "nthread"},
    }

    def learned(fold: int) -> Trained:
        kept, left_out = take(rows, np.flatnonzero(places != fold)), take(rows, np.flatnonzero(places == fold))
        booster, member, history = one(kept, left_out, fixed, f"fold {fold + 1} ")
        return Trained(booster, (member,), booster.predict(dmatrix(left_out)), left_out.labels, (history,))

    parts = cores.in_parallel(learned, range(folds))  # small trees leave most of the cores idle
    members = tuple(part.members[0] for part in parts)
    mean = float(np.mean([member["value"] for member in members]))
    print(f"mean of the folds: validation-{members[0]['metric']} {mean:.6g}")
    return Trained(
        merged([part.booster for part in parts]),
        members,
        np.concatenate([part.held_out for part in parts]),
        np.concatenate([part.held_out_labels for part in parts]),
        tuple(part.history[0] for part in parts),
    )


def _strata(labels: npt.NDArray[np.float64], task: str) -> npt.NDArray[np.int64] | None:
    return None if task == "regression" else labels.astype(np.int64)


def _base_score(rows: Matrix, used: Mapping[str, Any]) -> float:
    """The constant that trees start from: the mean label, which for several classes XGBoost has no use for."""
    return 0.5 if "num_class" in used else float(np.mean(rows.labels))


def merged(boosters: list[xgboost.Booster]) -> xgboost.Booster:
    """One booster whose margin is the mean of the margins of several that start from the same base score.

    Its trees are all of theirs, with every leaf divided by their number.
    """
    documents = [json.loads(bytes(booster.save_raw("json"))) for booster in boosters]
    whole = documents[0]
    model = whole["learner"]["gradient_booster"]["model"]
    trees: list[dict[str, Any]] = []
    groups: list[int] = []
    starts = [0]
    for document in documents:
        part = document["learner"]["gradient_booster"]["model"]
        for tree in part["trees"]:
            _scale(tree, 1 / len(documents))
            trees.append({**tree, "id": len(trees)})
        groups += part["tree_info"]
        starts += [starts[-1] + start for start in part["iteration_indptr"][1:]]
    model.update(trees=trees, tree_info=groups, iteration_indptr=starts)
    model["gbtree_model_param"]["num_trees"] = str(len(trees))
    booster = xgboost.Booster()
    booster.load_model(bytearray(json.dumps(whole, ensure_ascii=False).encode()))  # it keeps `\u00f6` as it stands
    return booster


def _scale(tree: dict[str, Any], factor: float) -> None:
    """Multiply the leaves; XGBoost's JSON keeps a leaf's value in the place of its split condition."""
    for node, child in enumerate(tree["left_children"]):
        if child == -1:
            tree["split_conditions"][node] *= factor
        tree["base_weights"][node] *= factor
