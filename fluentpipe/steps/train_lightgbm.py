"""`train_lightgbm`: gradient-boosted trees, grown leaf by leaf."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import override

from fluentpipe.contract import StepContract
from fluentpipe.settings import setting
from fluentpipe.steps.boosted_trees import BoostedTrees
from fluentpipe.steps.load_data import CONTAINERS
from fluentpipe.steps.train_sklearn import DEFAULT_SKLEARN
from fluentpipe.steps.train_xgboost import XGBoostTraining

if TYPE_CHECKING:
    from fluentpipe.target import Target


class LightgbmTraining(BoostedTrees):
    """Train gradient-boosted trees with LightGBM.

    Task, objective and metric follow the label, and training stops early on the validation rows. Categories are taken as they
    are. The defaults are small, slow steps, as for `train_xgboost`; up to 20,000 rows the trees are smaller still. Settings also
    go by the names of scikit-learn and XGBoost. The same data give the same model, whatever the number of threads.

    SageMaker has no image with LightGBM. The job takes that of scikit-learn and installs LightGBM 4.6.0 from a requirements.txt
    beside the script, as its endpoint does from the one in the model archive; `evaluate_performance`, `calibrate` and `score`,
    whose jobs install nothing by themselves, do so when they read the model. All of that needs a way to a package index: with
    `network_isolation`, or in a VPC without one, give `image_uri` of an image that has LightGBM to each of these steps. Here the
    installed LightGBM is used.

    The model is kept in LightGBM's own text form; reading it runs nothing.

    Example:
        from fluentpipe import Pipeline

        data = Pipeline("churn").load_data("churn.csv", label="churn").preprocess()
        trained = data.train_lightgbm(num_leaves=8, learning_rate=0.1)
        print(trained.evaluate_performance().run().metrics["auc"])
    """

    contract = StepContract(
        step_type="LightgbmTraining",
        verb="train_lightgbm",
        dependencies=tuple(spec for spec in XGBoostTraining.contract.dependencies if spec.name != "hyperparameters"),
        outputs=XGBoostTraining.contract.outputs,
    )
    framework = "sklearn"
    framework_version = DEFAULT_SKLEARN
    script = CONTAINERS / "train_lightgbm.py"
    companions = ("inference.py",)  # goes into the model archive
    flags: ClassVar[Mapping[str, str]] = XGBoostTraining.flags

    num_iterations: int | None = setting(
        None, ge=1, aliases=("n_estimators", "num_boost_round", "num_round", "num_trees"),
        doc="Rounds of boosting; by default up to 3000, ended by early stopping.",
    )  # fmt: skip
    early_stopping_rounds: int = setting(
        50, ge=0, aliases=("early_stopping_round",),
        doc="Stop after this many rounds without gain on the validation rows; 0 is off.",
    )  # fmt: skip
    learning_rate: float = setting(0.05, gt=0, aliases=("eta", "shrinkage_rate"), doc="Shrinkage of each step.")
    num_leaves: int | None = setting(
        None, ge=2, le=131_072, aliases=("max_leaves",),
        doc="Most leaves of a tree; by default 15, and 8 up to 20,000 rows.",
    )  # fmt: skip
    max_depth: int | None = setting(None, doc="Maximum depth of a tree; by default no limit but that of the leaves.")
    min_data_in_leaf: int | None = setting(
        None, ge=0, aliases=("min_child_samples", "min_samples_leaf"),
        doc="Least rows in a leaf; by default 20, and 40 up to 20,000 rows.",
    )  # fmt: skip
    min_sum_hessian_in_leaf: float | None = setting(
        None, ge=0, aliases=("min_child_weight",), doc="Least sum of hessians in a leaf."
    )
    bagging_fraction: float | None = setting(
        None, gt=0, le=1, aliases=("subsample",),
        doc="Share of the rows drawn for each tree; by default 0.8, and 0.6 up to 20,000 rows.",
    )  # fmt: skip
    bagging_freq: int = setting(
        1, ge=0, aliases=("subsample_freq",), doc="Rounds after which rows are drawn again; 0 takes all rows."
    )
    feature_fraction: float = setting(
        0.6, gt=0, le=1, aliases=("colsample_bytree",), doc="Share of the columns drawn for each tree."
    )
    feature_fraction_bynode: float | None = setting(
        None, gt=0, le=1, aliases=("colsample_bynode",), doc="Share of the columns drawn for each split."
    )
    lambda_l1: float | None = setting(None, ge=0, aliases=("reg_alpha",), doc="L1 penalty on the leaves.")
    lambda_l2: float | None = setting(None, ge=0, aliases=("reg_lambda", "lambda"), doc="L2 penalty on the leaves.")
    min_gain_to_split: float | None = setting(None, ge=0, aliases=("min_split_gain",), doc="Least gain for a split.")
    max_bin: int | None = setting(None, ge=2, doc="Bins per column.")
    max_cat_to_onehot: int | None = setting(
        None, ge=1, doc="Columns with at most so many categories are split one against the rest."
    )
    cat_smooth: float | None = setting(None, ge=0, doc="Smoothing of categories that have few rows.")
    cat_l2: float | None = setting(None, ge=0, doc="L2 penalty on splits by category.")
    scale_pos_weight: float | None = setting(
        None, gt=0,
        doc="Weight of the positive class. It ruins probabilities; the decision threshold is chosen instead.",
    )  # fmt: skip
    monotone_constraints: Mapping[str, int] | None = setting(
        None, doc="Column -> 1 (prediction never falls as it rises), -1 or 0; columns of numbers only."
    )
    objective: str = setting("auto", doc="Learning objective; by default that of the task.")
    metric: str = setting(
        "auto", aliases=("eval_metric",), doc="Metric of early stopping; by default log loss or RMSE."
    )
    validation_split: float = setting(
        0.15, gt=0, lt=1, doc="Share of the training rows that is held out where there are no validation rows."
    )
    seed: int = setting(0, ge=0, aliases=("random_state",), doc="Of everything random in the training.")
    num_threads: int | None = setting(
        None, ge=1, aliases=("n_jobs", "nthread"), doc="Threads; by default all cores of the instance."
    )
    parameters: Mapping[str, Any] | None = setting(None, doc="Any further LightGBM parameters, passed on as they are.")

    @override
    def program_files(self, target: Target) -> Mapping[str, Path]:
        # What the container installs before it starts the script.
        return {**super().program_files(target), "requirements.txt": CONTAINERS / "lightgbm_requirements.txt"}
