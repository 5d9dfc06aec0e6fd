"""The algorithm that SageMaker's XGBoost image runs where a training job brings no script.

    SAGEMAKER_BASE_DIR=folder python xgboost_algorithm.py

Reads input/config and the channels `train` and `validation` below the folder (/opt/ml), and writes
model/xgboost-model. A mistake of the user goes to output/failure and ends with status 1. What the image can and this
program cannot is refused by name, never left out in silence.
"""

from __future__ import annotations

import difflib
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import xgboost

if TYPE_CHECKING or __package__:
    from .channel_tables import UserError, read_channel
else:  # run as a script
    from channel_tables import UserError, read_channel

MODEL_FILE = "xgboost-model"
_OWN = frozenset(("num_round", "early_stopping_rounds", "csv_weights", "eval_metric"))
# XGBoost's parameters as the image knows them (docs: "XGBoost hyperparameters" of the SageMaker developer guide).
_PASSED_ON = frozenset((
    "alpha", "aft_loss_distribution", "aft_loss_distribution_scale", "base_score", "booster", "colsample_bylevel",
    "colsample_bynode", "colsample_bytree", "deterministic_histogram", "eta", "feature_selector", "gamma",
    "grow_policy", "huber_slope", "interaction_constraints", "lambda", "lambda_bias", "learning_rate", "max_bin",
    "max_cat_threshold", "max_cat_to_onehot", "max_delta_step", "max_depth", "max_leaves", "min_child_weight",
    "min_split_loss", "monotone_constraints", "normalize_type", "nthread", "num_class", "num_parallel_tree",
    "objective", "one_drop", "process_type", "quantile_alpha", "rate_drop", "refresh_leaf", "reg_alpha",
    "reg_lambda", "sample_type", "sampling_method", "scale_pos_weight", "seed", "sketch_eps", "skip_drop",
    "subsample", "top_k", "tree_method", "tweedie_variance_power", "updater", "verbosity",
))  # fmt: skip
_NO_EFFECT = frozenset(
    ("save_model_on_termination", "_tuning_objective_metric", "use_dask_gpu_training", "predictor", "silent", "dsplit",
     "single_precision_histogram", "prob_buffer_row")
)  # fmt: skip
_NOT_HERE = {"_kfold": "cross-validation inside the algorithm", "_num_cv_round": "repeated cross-validation"}


def main() -> None:
    """Train, or write why not."""
    root = Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml"))
    try:
        train(root)
    except (UserError, xgboost.core.XGBoostError) as error:
        message = f"AlgorithmError: {str(error).strip()}"
        (root / "output").mkdir(parents=True, exist_ok=True)
        (root / "output" / "failure").write_text(message, encoding="utf-8")
        print(message, file=sys.stderr)
        sys.exit(1)


def train(root: Path) -> None:
    """Learn from the channels below a folder that stands for /opt/ml; write the model.

    Raises:
        UserError: A hyperparameter or a channel is not what the algorithm takes.
    """
    rounds, patience, parameters = settings(_read(root, "hyperparameters"))
    weights = str(parameters.pop("csv_weights", "0")) == "1"
    channels = _read(root, "inputdataconfig")
    if "train" not in channels:
        raise UserError(f"channel 'train' is required; there are: {', '.join(sorted(channels)) or 'none'}")
    parts = {
        name: read_channel(root / "input" / "data" / name, channels[name].get("ContentType", ""), weights=weights)
        for name in ("train", "validation")
        if name in channels
    }
    callbacks = []
    if patience is not None:
        watched = "validation" if "validation" in parts else "train"
        callbacks.append(xgboost.callback.EarlyStopping(rounds=patience, data_name=watched, save_best=True))
    for name, part in parts.items():
        print(f"{name}: {part.num_row()} rows, {part.num_col()} columns", flush=True)
    evaluated = [(part, name) for name, part in parts.items()]
    booster = xgboost.train(parameters, parts["train"], rounds, evals=evaluated, callbacks=callbacks)
    target = root / "model" / MODEL_FILE
    target.parent.mkdir(parents=True, exist_ok=True)
    booster.save_model(target)


def settings(given: Mapping[str, str]) -> tuple[int, int | None, dict[str, Any]]:
    """Rounds, rounds without improvement after which it stops, and XGBoost's own parameters.

    Raises:
        UserError: `num_round` is missing, a name is unknown, or a number is none.
    """
    values = {key: _decoded(text) for key, text in given.items() if not key.startswith("sagemaker_")}
    known = _OWN | _PASSED_ON | _NO_EFFECT | _NOT_HERE.keys()
    for key in sorted(values):
        if key in _NOT_HERE:
            raise UserError(f"hyperparameter {key!r}: {_NOT_HERE[key]} does not run here")
        if key not in known:
            close = difflib.get_close_matches(key, known, 1)
            raise UserError(f"unknown hyperparameter {key!r}" + (f"; did you mean {close[0]!r}?" if close else ""))
    if "num_round" not in values:
        raise UserError("hyperparameter 'num_round' is required")
    rounds = _count(values, "num_round")
    patience = _count(values, "early_stopping_rounds") if "early_stopping_rounds" in values else None
    parameters = {key: value for key, value in values.items() if key in _PASSED_ON or key == "csv_weights"}
    if "eval_metric" in values:
        names = values["eval_metric"]
        parameters["eval_metric"] = [each.strip() for each in names.split(",")] if isinstance(names, str) else names
    # A tuning job says `validation:auc`; the image then computes that metric, too. The last one decides about stopping.
    if metric := str(values.get("_tuning_objective_metric", "")).partition(":")[2]:
        parameters["eval_metric"] = list(dict.fromkeys([*parameters.get("eval_metric", ()), metric]))
    return rounds, patience, parameters


def _count(values: Mapping[str, Any], key: str) -> int:
    value = values[key]
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise UserError(f"hyperparameter {key!r} must be a whole number of at least 1, not {value!r}")
    return value


def _decoded(text: str) -> Any:
    """A value quoted as JSON by the SDK, else the text; lists of constraints stay texts, as XGBoost reads those itself."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return text if isinstance(value, list) and value and isinstance(value[0], (int, float, list)) else value


def _read(root: Path, name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((root / "input" / "config" / f"{name}.json").read_text(encoding="utf-8"))
    return content


if __name__ == "__main__":
    main()
