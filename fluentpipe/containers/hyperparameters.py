"""Hyperparameters: from the command line and files, under XGBoost's and scikit-learn's names, with strong defaults."""

from __future__ import annotations

import json
import re
import warnings
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING or __package__:
    from .job import JobError, did_you_mean, quoted, read_json
else:  # beside its siblings, as the jobs run it
    from job import JobError, did_you_mean, quoted, read_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

# Names that mean the same; on the right the one that is used here.
ALIASES = {
    "n_estimators": "num_round",
    "num_boost_round": "num_round",
    "num_rounds": "num_round",
    "learning_rate": "eta",
    "random_state": "seed",
    "n_jobs": "nthread",
    "reg_alpha": "alpha",
    "reg_lambda": "lambda",
    "min_split_loss": "gamma",
}
# What steers this script; everything else goes to XGBoost.
OWN = {"num_round": 3000, "early_stopping_rounds": 50, "n_folds": None, "validation_split": 0.15}
# Ties a minute of automatic search on public tables; trees are many, small and different from each other.
STRONG = {
    "eta": 0.05,
    "max_depth": 4,
    "subsample": 0.8,
    "colsample_bytree": 0.6,
    "min_child_weight": 2,
    "max_cat_to_onehot": 64,
    "tree_method": "hist",
    "seed": 0,
}
# Few rows want calmer trees, and the mean of several models, which costs little there.
SMALL_ROWS = 20_000
SMALL = {"max_depth": 3, "subsample": 0.6, "colsample_bytree": 0.4, "min_child_weight": 5}
SMALL_FOLDS = 5
OBJECTIVES = {"binary": "binary:logistic", "multiclass": "multi:softprob", "regression": "reg:squarederror"}
METRICS = {"binary": "logloss", "multiclass": "mlogloss", "regression": "rmse"}
# Objectives whose predictions mean what the rest of the pipeline takes them for.
ALLOWED_OBJECTIVES = {
    "binary": ("binary:logistic",),
    "multiclass": ("multi:softprob",),
    "regression": (
        "reg:squarederror", "reg:squaredlogerror", "reg:absoluteerror", "reg:pseudohubererror", "reg:gamma",
        "reg:tweedie", "count:poisson",
    ),
}  # fmt: skip
# What XGBoost can do with rows that lie on several instances; folds would each be a training of their own.
JOINT = {"n_folds": (0,), "tree_method": ("hist", "auto"), "booster": ("gbtree", "dart")}
KNOWN = (
    "alpha", "base_score", "booster", "colsample_bylevel", "colsample_bynode", "colsample_bytree", "early_stopping_rounds",
    "eta", "eval_metric", "gamma", "grow_policy", "huber_slope", "interaction_constraints", "lambda", "max_bin",
    "max_cat_threshold", "max_cat_to_onehot", "max_delta_step", "max_depth", "max_leaves", "min_child_weight",
    "monotone_constraints", "n_folds", "normalize_type", "nthread", "num_parallel_tree", "num_round", "objective",
    "one_drop", "rate_drop", "sample_type", "sampling_method", "scale_pos_weight", "seed", "skip_drop", "subsample",
    "tree_method", "tweedie_variance_power", "validation_split", "verbosity",
)  # fmt: skip


def from_command_line(words: Sequence[str], aliases: Mapping[str, str] = ALIASES) -> dict[str, Any]:
    """`--name value` and `--name=value` pairs; names with hyphens or underscores.

    Args:
        words: Of the command line.
        aliases: Name -> the name that is used for it.

    Raises:
        JobError: A name without a value, or a value without a name.
    """
    found: dict[str, Any] = {}
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if not word.startswith("--"):
            msg = f"{word!r} on the command line is no --name; hyperparameters are pairs such as --max_depth 4"
            raise JobError(msg)
        name, has_value, value = word[2:].partition("=")
        if not has_value:
            if not rest:
                msg = f"the hyperparameter {name!r} has no value"
                raise JobError(msg)
            value = rest.pop(0)
        found[name.replace("-", "_")] = parsed(value)
    return canonical(found, aliases)


def from_folder(folder: Path) -> dict[str, Any]:
    """The members of every JSON file in a folder, later files over earlier ones."""
    found: dict[str, Any] = {}
    for file in sorted(folder.glob("*.json")) if folder.is_dir() else []:
        found.update(canonical({name: parsed(value) for name, value in read_json(file).items()}))
    return found


def parsed(value: Any) -> Any:
    """The value that a text stands for: SageMaker hands every hyperparameter over as text."""
    if not isinstance(value, str):
        return value
    if value.lower() in {"true", "false"}:
        return value.lower() == "true"
    try:
        found = json.loads(value)
    except ValueError:
        return value
    return value if found is None or isinstance(found, dict) else found


def canonical(given: Mapping[str, Any], aliases: Mapping[str, str] = ALIASES) -> dict[str, Any]:
    """Parameters under their one name; what the service adds for itself is left out.

    Raises:
        JobError: The same parameter is given under two names with two values.
    """
    found: dict[str, Any] = {}
    for name, value in given.items():
        if name.startswith(("sagemaker_", "_")):  # such as sagemaker_program, _tuning_objective_metric
            continue
        key = aliases.get(name, name)
        if key in found and found[key] != value:
            msg = f"{name!r} and {key!r} are the same parameter, given as {value!r} and {found[key]!r}"
            raise JobError(msg)
        found[key] = value
    return found


def complete(
    given: Mapping[str, Any], task: str, classes: int, rows: int, *, in_time: bool, instances: int = 1
) -> dict[str, Any]:
    """The parameters that are used: those given over the defaults for the task and the number of rows.

    Folds are averaged only where nothing speaks against it: few rows, rounds left to early stopping, no order in time, one instance.

    Raises:
        JobError: An objective that does not fit the task, a number out of its limits, or what instances cannot share.
    """
    small = rows <= SMALL_ROWS
    used: dict[str, Any] = {**STRONG, **(SMALL if small else {}), **OWN, **given}
    if used["n_folds"] is None:
        averages = small and instances == 1 and not in_time and "num_round" not in given and "booster" not in given
        used["n_folds"] = SMALL_FOLDS if averages and used["early_stopping_rounds"] else 0
    used.setdefault("objective", OBJECTIVES[task])
    metrics = used.get("eval_metric", METRICS[task])
    used["eval_metric"] = metrics if isinstance(metrics, list) else str(metrics).split(",")
    if task == "multiclass":
        used["num_class"] = classes
    for name in ("objective", "eval_metric"):
        if used[name] in ("auto", ["auto"]):
            used[name] = OBJECTIVES[task] if name == "objective" else [METRICS[task]]
    _check(used, task)
    if instances > 1:
        _check_joint(used)
    return used


def for_xgboost(used: Mapping[str, Any]) -> dict[str, Any]:
    """The part that XGBoost is given."""
    return {name: value for name, value in used.items() if name not in OWN}


def check_known(parameters: Mapping[str, Any], matrix: Any) -> None:
    """Let XGBoost judge the parameters on a few rows, before time is spent on all of them.

    XGBoost takes no notice of parameters that it does not know, beyond a warning; here that is an error.

    Args:
        parameters: For XGBoost.
        matrix: A small DMatrix of the same form as the training rows.

    Raises:
        JobError: A parameter is unknown, or its value is refused.
    """
    import xgboost

    trial = {**parameters, "verbosity": 1, "validate_parameters": True}
    with warnings.catch_warnings(record=True) as complaints:
        warnings.simplefilter("always")
        try:
            xgboost.train(trial, matrix, 1, evals=[(matrix, "trial")], verbose_eval=False)
        except (xgboost.core.XGBoostError, ValueError, TypeError) as fault:
            lines = str(fault).splitlines()
            msg = f"XGBoost refuses the hyperparameters: {re.sub(r'^[[].*?[]] [^ ]+: ', '', lines[0])}"
            raise JobError(msg) from None
    for complaint in complaints:
        unused = re.search(r"Parameters: \{(.*?)\} are not used", str(complaint.message), re.DOTALL)
        if unused:
            names = re.findall(r'"(.*?)"', unused.group(1))
            hint = did_you_mean(names[0], KNOWN) if names else ""
            msg = f"unknown hyperparameters: {quoted(names)}.{hint} XGBoost would ignore them silently."
            raise JobError(msg)


def _check(used: Mapping[str, Any], task: str) -> None:
    if used["objective"] not in ALLOWED_OBJECTIVES[task]:
        allowed = quoted(ALLOWED_OBJECTIVES[task])
        msg = f"the objective {used['objective']!r} does not fit the task {task!r}; it takes {allowed}"
        raise JobError(msg)
    for name, least in (("num_round", 1), ("early_stopping_rounds", 0), ("n_folds", 0)):
        value = used[name]
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            msg = f"{name} is {value!r}; it is a whole number of at least {least}"
            raise JobError(msg)
    if used["n_folds"] == 1:
        msg = "n_folds is 1; give 0 for a single model, or at least 2"
        raise JobError(msg)


def _check_joint(used: Mapping[str, Any]) -> None:
    """Refuse what several instances cannot do together."""
    odd = [f"{name} is {used[name]!r}" for name, allowed in JOINT.items() if used.get(name, allowed[0]) not in allowed]
    if odd:
        able = "; ".join(f"{name} {' or '.join(map(str, allowed))}" for name, allowed in JOINT.items())
        msg = f"several instances learn one model together with {able}; here {', '.join(odd)}: leave it out, or take one instance"
        raise JobError(msg)
