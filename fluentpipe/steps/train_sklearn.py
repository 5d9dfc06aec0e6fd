"""`train_sklearn`: any estimator of scikit-learn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from typing_extensions import override

from fluentpipe.contract import StepContract
from fluentpipe.errors import SettingError
from fluentpipe.jobs import TrainingStep
from fluentpipe.settings import setting
from fluentpipe.steps.load_data import CONTAINERS
from fluentpipe.steps.train_xgboost import XGBoostTraining

DEFAULT_SKLEARN = "1.4-2-py312"
"""The newest image of scikit-learn that is known to hold PyArrow, which the steps' scripts use."""


class SklearnTraining(TrainingStep):
    """Train any estimator of scikit-learn, named by its import path.

    By default it is gradient boosting by histograms, which takes missing values and categories as they are. For all other
    estimators numbers are imputed by the median and scaled, and categories become a column each. A classifier must give
    probabilities (`predict_proba`). It learns from the training rows; the validation rows judge it and give the decision threshold.

    `evaluate_performance`, `calibrate` and `register` take the model and run in scikit-learn's image, too. The model is a pickle,
    since scikit-learn has no other form for all of them; it is read by an unpickler that makes objects of scikit-learn, NumPy and
    SciPy alone, so estimators of other packages can be trained only if their fitted state holds none of their own.

    Example:
        from fluentpipe import Pipeline

        data = Pipeline("churn").load_data("churn.csv", label="churn").preprocess()
        trained = data.train_sklearn("sklearn.linear_model.LogisticRegression", parameters={"C": 0.3, "max_iter": 500})
        print(trained.evaluate_performance().run().metrics["auc"])
    """

    contract = StepContract(
        step_type="SklearnTraining",
        verb="train_sklearn",
        dependencies=tuple(spec for spec in XGBoostTraining.contract.dependencies if spec.name != "hyperparameters"),
        outputs=XGBoostTraining.contract.outputs,
    )
    framework = "sklearn"
    framework_version = DEFAULT_SKLEARN
    script = CONTAINERS / "train_sklearn.py"
    companions = ("inference.py",)  # goes into the model archive
    flags: ClassVar[Mapping[str, str]] = XGBoostTraining.flags

    estimator: str | None = setting(
        None, positional=True, reference=False,
        doc="Import path of the class, such as sklearn.linear_model.LogisticRegression; by default gradient boosting for the task.",
    )  # fmt: skip
    parameters: Mapping[str, Any] | None = setting(None, doc="Parameters of the estimator, by its own names.")
    validation_split: float = setting(
        0.15, gt=0, lt=1, doc="Share of the training rows that is held out where there are no validation rows."
    )
    seed: int = setting(0, ge=0, aliases=("random_state",), doc="Of everything random in the training.")

    @override
    def validate(self) -> None:
        super().validate()
        path = self.given.get("estimator")
        if path is not None and not ("." in path and all(part.isidentifier() for part in path.split("."))):
            raise SettingError(
                f"estimator {path!r} is no import path.", fix="train_sklearn('sklearn.linear_model.LogisticRegression')"
            )
