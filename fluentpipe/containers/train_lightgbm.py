"""Train gradient-boosted trees with LightGBM on preprocessed data.

Every hyperparameter is an argument `--name value`, as SageMaker's script mode passes them. The model folder holds what
`train.py` writes, with `lightgbm-model.txt` in the place of XGBoost's trees, so that evaluation, calibration and serving
take it alike.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING or __package__:
    from . import hyperparameters, job, lightgbm_model, matrices, model_folder, trained_model
else:  # beside its siblings, as the jobs run it
    import hyperparameters
    import job
    import lightgbm_model
    import matrices
    import model_folder
    import trained_model

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PROGRESS_ROUNDS = 50
TRIAL_ROWS = 256
# Other names of LightGBM, scikit-learn and XGBoost; on the right the one that is used here.
ALIASES = {
    "n_estimators": "num_iterations", "num_boost_round": "num_iterations", "num_round": "num_iterations",
    "num_rounds": "num_iterations", "num_trees": "num_iterations", "n_iter": "num_iterations",
    "eta": "learning_rate", "shrinkage_rate": "learning_rate",
    "max_leaves": "num_leaves", "max_leaf": "num_leaves", "max_leaf_nodes": "num_leaves",
    "min_child_samples": "min_data_in_leaf", "min_samples_leaf": "min_data_in_leaf",
    "min_child_weight": "min_sum_hessian_in_leaf", "min_sum_hessian": "min_sum_hessian_in_leaf",
    "subsample": "bagging_fraction", "bagging": "bagging_fraction", "subsample_freq": "bagging_freq",
    "colsample_bytree": "feature_fraction", "sub_feature": "feature_fraction",
    "colsample_bynode": "feature_fraction_bynode",
    "reg_alpha": "lambda_l1", "reg_lambda": "lambda_l2", "lambda": "lambda_l2",
    "min_split_gain": "min_gain_to_split", "random_state": "seed", "random_seed": "seed",
    "n_jobs": "num_threads", "nthread": "num_threads", "eval_metric": "metric",
    "early_stopping_round": "early_stopping_rounds", "boosting_type": "boosting", "application": "objective",
}  # fmt: skip
# What steers this script; everything else goes to LightGBM.
OWN = {"num_iterations": 3000, "early_stopping_rounds": 50, "validation_split": 0.15}
# As for XGBoost: many small trees that differ from each other.
STRONG = {
    "learning_rate": 0.05,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "feature_fraction": 0.6,
    "num_leaves": 15,
    "min_data_in_leaf": 20,
    "seed": 0,
}
SMALL_ROWS = 20_000  # few rows want calmer trees
SMALL = {"num_leaves": 8, "bagging_fraction": 0.6, "min_data_in_leaf": 40}
OBJECTIVES = {"binary": "binary", "multiclass": "multiclass", "regression": "regression"}
METRICS = {"binary": "binary_logloss", "multiclass": "multi_logloss", "regression": "rmse"}
# Objectives whose predictions mean what the rest of the pipeline takes them for.
ALLOWED_OBJECTIVES = {
    "binary": ("binary",),
    "multiclass": ("multiclass",),
    "regression": ("regression", "regression_l1", "huber", "fair", "poisson", "quantile", "mape", "gamma", "tweedie"),
}
# The same inputs give the same bytes, whatever the number of threads.
FIXED = {"deterministic": True, "force_row_wise": True, "verbosity": -1}
# Said of the machine, not of the model.
NOT_RECORDED = ("num_threads", *FIXED)
KNOWN = (
    *OWN, *STRONG, "objective", "metric", "max_depth", "min_sum_hessian_in_leaf", "feature_fraction_bynode", "lambda_l1",
    "lambda_l2", "min_gain_to_split", "max_bin", "max_cat_to_onehot", "max_cat_threshold", "cat_smooth", "cat_l2",
    "extra_trees", "path_smooth", "linear_tree", "max_delta_step", "scale_pos_weight", "num_threads", "monotone_constraints",
    "boosting", "data_sample_strategy", "drop_rate", "skip_drop", "top_rate", "other_rate", "min_data_in_bin",
    "monotone_constraints_method", "interaction_constraints", "alpha", "fair_c", "tweedie_variance_power", "boost_from_average",
)  # fmt: skip


def main(arguments: Sequence[str]) -> None:
    """Read, train, write."""
    parser = job.Arguments(__doc__)
    for name in ("train", "validation", "preprocessing"):
        parser.add_argument(f"--{name}", type=Path, default=job.channel(name))
    standard = os.environ.get("SM_MODEL_DIR", job.base_dir() / "model")
    parser.add_argument("--model-dir", "--model_dir", type=Path, default=standard)
    parser.add_argument("--monotone_constraints", default="{}")
    options, others = parser.parse_known_args(arguments)
    given = hyperparameters.from_command_line(others, ALIASES)
    share, seed = given.get("validation_split", OWN["validation_split"]), given.get("seed", STRONG["seed"])

    rows, held_out = trained_model.parts(options.train, options.validation, share, seed)
    trained_model.check_preprocessing(options.preprocessing, rows)
    task = rows.target.task
    used = complete(given, task, len(rows.target.classes), len(rows.labels) + len(held_out.labels))
    # By the environment, as the images' toolkit would write a mapping on the command line as a=1,b=2.
    directions = _directions(os.environ.get("SM_HP_MONOTONE_CONSTRAINTS", options.monotone_constraints), rows)
    used.update({"monotone_constraints": directions} if any(directions) else {})
    print(f"training rows: {len(rows.labels)}, features: {len(rows.names)}, task: {task}, label: {rows.target.label!r}")
    print("hyperparameters: " + " ".join(f"{name}={used[name]}" for name in sorted(used)), flush=True)
    booster, member = train(rows, held_out, used)
    scores = lightgbm_model.scores(booster, held_out.features, task, len(rows.target.classes))

    facts = trained_model.facts("lightgbm", rows, held_out, scores, ("lightgbm",))
    facts["parameters"] = {name: used[name] for name in sorted(used) if name not in NOT_RECORDED}
    facts |= {"rounds": member["best_round"] + 1, "best_iteration": [member["best_round"]], "members": [member]}
    trained_model.write(
        options.model_dir, facts, options.preprocessing, held_out.labels, scores, ("lightgbm_model.py",)
    )
    write(options.model_dir, booster, facts)
    trained_model.tell(task, facts["held_out_metrics"])


def complete(given: Mapping[str, Any], task: str, classes: int, rows: int) -> dict[str, Any]:
    """The parameters that are used: those given over the defaults for the task and the number of rows.

    Raises:
        JobError: An objective that does not fit the task, or a number out of its limits.
    """
    used: dict[str, Any] = {**STRONG, **(SMALL if rows <= SMALL_ROWS else {}), **OWN, **given, **FIXED}
    for name, usual in (("objective", OBJECTIVES[task]), ("metric", METRICS[task])):
        used[name] = usual if used.get(name, "auto") == "auto" else used[name]
    if task == "multiclass":
        used["num_class"] = classes
    if used["objective"] not in ALLOWED_OBJECTIVES[task]:
        allowed = job.quoted(ALLOWED_OBJECTIVES[task])
        msg = f"the objective {used['objective']!r} does not fit the task {task!r}; it takes {allowed}"
        raise job.JobError(msg)
    for name, least in (("num_iterations", 1), ("early_stopping_rounds", 0)):
        value = used[name]
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            msg = f"{name} is {value!r}; it is a whole number of at least {least}"
            raise job.JobError(msg)
    if used.get("boosting") == "dart" and used["early_stopping_rounds"]:
        msg = "dart changes trees that it has already, so it cannot stop early; give early_stopping_rounds 0 and num_iterations"
        raise job.JobError(msg)
    return used


def train(rows: matrices.Matrix, held_out: matrices.Matrix, used: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
    """One booster, cut at its best round when it stops early, and how it came about."""
    lightgbm = lightgbm_model.package()
    parameters = {name: value for name, value in used.items() if name not in OWN}
    _check_known(parameters, rows)
    learned = _dataset(rows)
    patience = used["early_stopping_rounds"]
    log: dict[str, dict[str, list[float]]] = {}
    callbacks = [lightgbm.record_evaluation(log), _progress]
    if patience:
        callbacks.append(lightgbm.early_stopping(patience, first_metric_only=True, verbose=False))
    booster = lightgbm.train(
        parameters, learned, used["num_iterations"], [_dataset(held_out, learned)], ["validation"], callbacks=callbacks
    )
    metric, values = next(iter(log["validation"].items()))
    rounds = len(values)
    best = (booster.best_iteration or rounds) - 1
    print(f"best round {best} validation-{metric} {values[best]:.6g}, of {rounds} rounds")
    # As it is kept: without the rounds after the best, and without what was said to LightGBM for this machine.
    text = booster.model_to_string(num_iteration=best + 1)
    kept = re.sub(r"\nparameters:\n.*?\nend of parameters\n", "\n", text, flags=re.DOTALL)
    # Its last digits depend on the threads.
    member = {"best_round": best, "rounds": rounds, "metric": metric, "value": round(float(values[best]), 9)}
    return lightgbm.Booster(model_str=kept), member


def _dataset(rows: matrices.Matrix, reference: Any = None, verbosity: int = -1) -> Any:
    categories = [place for place, kind in enumerate(rows.types) if kind == "c"]
    dataset = lightgbm_model.package().Dataset
    fixed = {**FIXED, "verbosity": verbosity}
    return dataset(rows.features, rows.labels, reference=reference, categorical_feature=categories, params=fixed)


def _progress(state: Any) -> None:
    """Print `round 50 validation-binary_logloss 0.4312` every 50 rounds; tuning jobs read their metric from such lines."""
    if state.iteration % PROGRESS_ROUNDS == 0:
        found = " ".join(f"{data}-{metric} {value:.6g}" for data, metric, value, *_ in state.evaluation_result_list)
        print(f"round {state.iteration} {found}", flush=True)


class _Said:
    """What LightGBM says: of parameters that it does not know it only says so, and goes on."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def info(self, message: str) -> None:
        """Keep; what comes from LightGBM's own code comes here, warnings too."""
        self.lines.append(message)

    warning = info


def _check_known(parameters: Mapping[str, Any], rows: matrices.Matrix) -> None:
    """Let LightGBM judge the parameters on a few rows, before time is spent on all of them."""
    lightgbm = lightgbm_model.package()
    few = matrices.take(rows, np.arange(min(len(rows.labels), TRIAL_ROWS)))
    said = _Said()
    lightgbm.register_logger(said)
    try:
        lightgbm.train({**parameters, "verbosity": 1}, _dataset(few, verbosity=1), 1)
    except (lightgbm.basic.LightGBMError, ValueError, TypeError) as fault:
        msg = f"LightGBM refuses the hyperparameters: {str(fault).splitlines()[0]}"
        raise job.JobError(msg) from None
    finally:
        lightgbm.register_logger(_Said())
    names = list(dict.fromkeys(re.findall(r"Unknown parameter: (\S+)", "\n".join(said.lines))))
    if names:
        hint = job.did_you_mean(names[0], KNOWN)
        msg = f"unknown hyperparameters: {job.quoted(names)}.{hint} LightGBM would ignore them silently."
        raise job.JobError(msg)


def _directions(text: str, rows: matrices.Matrix) -> list[int]:
    """For each feature 1 (the prediction never falls as it rises), -1, or 0."""
    try:
        given = {str(name): int(value) for name, value in json.loads(text).items()}
    except (ValueError, AttributeError, TypeError):
        msg = f'monotone_constraints is {text!r}; it is a JSON object such as {{"tenure": -1}}'
        raise job.JobError(msg) from None
    columns = list(rows.schema.get("feature_columns", rows.names))
    missing = [name for name in given if name not in columns and name not in rows.names]
    if missing:
        hint = job.did_you_mean(missing[0], columns)
        msg = f"monotone_constraints names columns that are no features: {job.quoted(missing)}.{hint}"
        raise job.JobError(msg)
    return [given.get(name, given.get(column, 0)) for name, column in zip(rows.names, columns, strict=True)]


def write(folder: Path, booster: Any, facts: Mapping[str, Any]) -> None:
    """Write the trees, what each feature gave, and what an endpoint installs."""
    text = booster.model_to_string()
    lightgbm_model.check(text)
    (folder / model_folder.LIGHTGBM).write_text(text, encoding="utf-8")
    (folder / "code" / "requirements.txt").write_text(f"lightgbm=={facts['versions']['lightgbm']}\n", encoding="utf-8")
    job.write_json(folder / "importances.json", {"version": 1, "importances": _importances(booster, facts)})


def _importances(booster: Any, facts: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Features by the loss that their splits took away; `share` of the total, `gain` of the mean split, as for XGBoost."""
    total, splits = booster.feature_importance("gain"), booster.feature_importance("split")
    whole = float(total.sum()) or 1.0
    found = [
        {
            "feature": name,
            "column": column,
            "gain": float(gain) / max(int(count), 1),
            "share": float(gain) / whole,
            "splits": int(count),
        }
        for name, column, gain, count in zip(facts["features"], facts["feature_columns"], total, splits, strict=True)
    ]
    return sorted(found, key=lambda entry: (-entry["share"], entry["feature"]))


if __name__ == "__main__":
    job.run(main, reason_file="failure")
