"""`train_xgboost`: gradient-boosted trees."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Literal

from typing_extensions import override

from fluentpipe.contract import DependencySpec, OutputSpec, StepContract
from fluentpipe.errors import SettingError, did_you_mean
from fluentpipe.kinds import Hyperparameters, JobName, ModelArtifacts, PreprocessingModel, TrainingData, ValidationData
from fluentpipe.settings import setting
from fluentpipe.steps.boosted_trees import BoostedTrees
from fluentpipe.steps.load_data import CONTAINERS

# XGBoost's documentation, "Learning Task Parameters"; of survival and ranking, only what these objectives can be judged by.
METRICS = (
    "rmse", "rmsle", "mae", "mape", "mphe", "logloss", "error", "merror", "mlogloss", "auc", "aucpr", "pre", "ndcg", "map",
    "poisson-nloglik", "gamma-nloglik", "gamma-deviance", "tweedie-nloglik",
)  # fmt: skip
_AT = re.compile(r"(error|pre|ndcg|map|tweedie-nloglik)@\d+(\.\d+)?-?|(ndcg|map)-")


def _metric(value: Any) -> Any:
    if not isinstance(value, str) or value in ("auto", *METRICS) or _AT.fullmatch(value):
        return value
    raise ValueError(f"must be a metric of XGBoost, not {value!r}.{did_you_mean(value, METRICS)}")


class XGBoostTraining(BoostedTrees):
    """Train gradient-boosted trees with XGBoost.

    Task, objective and metric follow the label. The defaults are small, slow steps with early stopping on the validation rows;
    on public tables they tie a search of a minute. Up to 20,000 rows the trees are calmer still, and the mean of five models
    is taken. Every setting also goes by scikit-learn's name.

    `model.tar.gz` holds the trees, the preprocessing that was given, and the code that serves raw rows.

    With `instance_count=4` four instances learn one model together, that stops early on the validation rows: each holds every fourth
    row, and they add up what they see. Means of folds, `tree_method="exact"` or `"approx"` and linear models are not for
    several. It is for rows that one instance learns from too slowly or cannot hold; [performance](../performance.md) has figures. If an
    instance fails, dies or does not come within 15 minutes, all end and say which. `network_isolation` is fine: instances of one job
    reach each other nevertheless; in a VPC, the security group must let its members connect to each other, on all TCP ports. Here one
    machine learns from all rows.

    Example:
        from fluentpipe import Pipeline

        data = Pipeline("churn").load_data("churn.csv", label="churn").preprocess()
        run = data.train_xgboost(max_depth=4, learning_rate=0.1).run()
    """

    contract = StepContract(
        step_type="XGBoostTraining",
        verb="train_xgboost",
        dependencies=(
            DependencySpec(
                "training_data",
                TrainingData,
                compatible_sources=("TabularPreprocessing",),
                job_types=("training", ""),
                semantic_keywords=("data", "processed", "training"),
                description="Rows to learn from.",
            ),
            DependencySpec(
                "validation_data",
                ValidationData,
                required=False,
                compatible_sources=("TabularPreprocessing",),
                job_types=("validation", "training", ""),
                semantic_keywords=("validation", "data"),
                description="Rows for early stopping; otherwise 15 % of the training rows are.",
            ),
            DependencySpec(
                "preprocessing_model",
                PreprocessingModel,
                required=False,
                compatible_sources=("TabularPreprocessing",),
                job_types=("training", ""),
                semantic_keywords=("preprocessing", "model"),
                description="The transformation to pack with the model.",
            ),
            DependencySpec(
                "hyperparameters",
                Hyperparameters,
                required=False,
                compatible_sources=("HyperparameterPreparation",),
                semantic_keywords=("hyperparameters",),
                description="JSON files of parameters that replace the settings.",
            ),
        ),
        outputs=(
            OutputSpec(
                "model_artifacts", ModelArtifacts, "ModelArtifacts.S3ModelArtifacts", "model.tar.gz, S3 URI.",
                aliases=("model",),
            ),
            OutputSpec("training_job_name", JobName, "TrainingJobName", "Name of the training job."),
        ),
    )  # fmt: skip
    script = CONTAINERS / "train.py"
    one_instance = ""
    companions = ("inference.py",)  # goes into the model archive
    flags: ClassVar[Mapping[str, str]] = {
        "training_data": "train",
        "validation_data": "validation",
        "preprocessing_model": "preprocessing",
    }

    num_round: int | None = setting(
        None, ge=1, aliases=("n_estimators", "num_boost_round"),
        doc="Rounds of boosting; by default up to 3000, ended by early stopping.",
    )  # fmt: skip
    n_folds: int | None = setting(
        None, ge=0,
        doc="Models averaged, each stopped on another fold; by default 5 up to 20,000 rows on one instance where rounds are left to early stopping, else 0.",
    )  # fmt: skip
    early_stopping_rounds: int = setting(
        50, ge=0, doc="Stop after this many rounds without gain on the validation rows; 0 is off."
    )
    max_depth: int | None = setting(
        None, ge=0, doc="Maximum depth of a tree, 0 for no limit; by default 4, and 3 up to 20,000 rows."
    )
    eta: float = setting(0.05, ge=0, le=1, aliases=("learning_rate",), doc="Shrinkage of each step.")
    min_child_weight: float | None = setting(
        None, ge=0, doc="Least sum of hessians in a leaf; by default 2, and 5 up to 20,000 rows."
    )
    subsample: float | None = setting(
        None, gt=0, le=1, doc="Share of the rows drawn for each tree; by default 0.8, and 0.6 up to 20,000 rows."
    )
    colsample_bytree: float | None = setting(
        None, gt=0, le=1, doc="Share of the columns drawn for each tree; by default 0.6, and 0.4 up to 20,000 rows."
    )
    colsample_bylevel: float | None = setting(None, gt=0, le=1, doc="Share of the columns drawn for each level.")
    colsample_bynode: float | None = setting(None, gt=0, le=1, doc="Share of the columns drawn for each split.")
    gamma: float | None = setting(None, ge=0, aliases=("min_split_loss",), doc="Least gain for a split.")
    reg_lambda: float | None = setting(None, ge=0, aliases=("lambda",), emit="lambda", doc="L2 penalty on the leaves.")
    reg_alpha: float | None = setting(None, ge=0, aliases=("alpha",), emit="alpha", doc="L1 penalty on the leaves.")
    max_delta_step: float | None = setting(None, ge=0, doc="Most that a leaf may give; helps with very rare classes.")
    max_leaves: int | None = setting(None, ge=0, doc="Most leaves of a tree; 0 is no limit.")
    max_bin: int | None = setting(None, ge=2, doc="Bins per column.")
    max_cat_to_onehot: int = setting(64, ge=1, doc="Columns with fewer categories are split one against the rest.")
    max_cat_threshold: int | None = setting(None, ge=1, doc="Most categories considered for one split.")
    grow_policy: Literal["depthwise", "lossguide"] | None = setting(None, doc="Where trees grow next.")
    tree_method: Literal["hist", "approx", "exact", "auto"] = setting("hist", doc="How splits are found.")
    booster: Literal["gbtree", "dart", "gblinear"] | None = setting(None, doc="Kind of booster.")
    rate_drop: float | None = setting(None, ge=0, le=1, doc="Share of trees that dart drops.")
    skip_drop: float | None = setting(None, ge=0, le=1, doc="Chance that dart drops none.")
    num_parallel_tree: int | None = setting(None, ge=1, doc="Trees per round; above 1 a boosted forest.")
    sampling_method: Literal["uniform", "gradient_based"] | None = setting(None, doc="How rows are drawn.")
    scale_pos_weight: float | None = setting(
        None,
        gt=0,
        doc="Weight of the positive class. It ruins probabilities; the decision threshold is chosen instead.",
    )
    monotone_constraints: Mapping[str, int] | None = setting(
        None, doc="Column -> 1 (prediction never falls as it rises), -1 or 0."
    )
    interaction_constraints: Sequence[Sequence[str]] | None = setting(
        None, doc="Groups of columns that may meet in a tree."
    )
    objective: Literal[
        "auto", "binary:logistic", "multi:softprob", "reg:squarederror", "reg:squaredlogerror", "reg:absoluteerror",
        "reg:pseudohubererror", "reg:gamma", "reg:tweedie", "count:poisson",
    ] = setting("auto", doc="Learning objective; by default that of the task. Others yield no probability or value.")  # fmt: skip
    eval_metric: str = setting(
        "auto", convert=_metric, doc="Metric of early stopping, as XGBoost names it; by default log loss or RMSE."
    )
    base_score: float | None = setting(None, doc="Prediction before the first tree.")
    tweedie_variance_power: float | None = setting(None, gt=1, lt=2, doc="For reg:tweedie.")
    huber_slope: float | None = setting(None, gt=0, doc="For reg:pseudohubererror.")
    seed: int = setting(0, ge=0, aliases=("random_state",), doc="Of everything random in the training.")
    nthread: int | None = setting(None, ge=1, aliases=("n_jobs",), doc="Threads; by default all cores of the instance.")
    parameters: Mapping[str, Any] | None = setting(None, doc="Any further XGBoost parameters, passed on as they are.")

    @override
    def validate(self) -> None:
        super().validate()
        self._check_joint()

    def _check_joint(self) -> None:
        """Refuse what several instances cannot do together; the program says the same of what only the run decides."""
        if not self._is_joint:
            return
        from fluentpipe.containers.hyperparameters import JOINT

        faults = [
            f"{name}: {self.given[name]!r} is not possible with several instances; it is {' or '.join(map(repr, able))} there"
            for name, able in JOINT.items()
            if isinstance(self.given.get(name), (int, str)) and self.given[name] not in able
        ]
        if faults:
            raise SettingError(
                f"{self.contract.verb} {self.name!r} cannot share this work among {self.instance_count} instances.",
                *faults,
                fix="leave it out, or one instance of a larger instance_type",
            )

    @property
    def _is_joint(self) -> bool:
        count: Any = self.instance_count  # an expression where the run decides it
        return isinstance(count, int) and count > 1

    @override
    def program_settings(self) -> Iterator[tuple[str, Any]]:
        if self._is_joint and self.n_folds is None:
            yield "n_folds", 0  # said, so that the one machine of a run here trains the same kind of model
        yield from super().program_settings()
