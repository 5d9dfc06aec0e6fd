"""`check_explainability`: how much each feature counts for a model's predictions, by Clarify."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from typing_extensions import override

from fluentpipe.contract import StepContract
from fluentpipe.kinds import Explainability
from fluentpipe.settings import setting
from fluentpipe.steps.checks import constraints
from fluentpipe.steps.clarify import MODEL, ROWS, ModelStep


class ExplainabilityCheck(ModelStep):
    """Check on SageMaker how much each feature counts for a model's predictions, by SHAP values.

    A ClarifyCheck step, done by the container of Clarify, which asks the model of `create_model` about made-up rows between those of
    the data and a baseline that it finds by clustering. Of data that `load_data` has split, the test rows are explained. The
    ranking of the features is compared with that of the newest approved version of `group`. `register` takes what it found.

    It does not run here; a function may stand in.

    Example:
        from fluentpipe import Pipeline

        pipe = Pipeline("churn").load_data("churn.csv", label="churn").preprocess().train_xgboost().create_model()
        definition = pipe.check_explainability(num_samples=200, group="churn-models").materialize()
    """

    contract = StepContract(
        step_type="ExplainabilityCheck",
        verb="check_explainability",
        dependencies=(MODEL, ROWS),
        outputs=constraints(Explainability, "How much each feature counts: a JSON file."),
    )
    check_type = "MODEL_EXPLAINABILITY"

    score: int | None = setting(
        1, ge=0, job=True, reference=False,
        doc="Column of the model's answer that is explained; 1 is the probability of models that are trained here, 0 the number of a regression.",
    )  # fmt: skip
    num_samples: int | None = setting(
        None,
        ge=1,
        job=True,
        reference=False,
        doc="Made-up rows for each row; by default told by the number of features.",
    )
    num_clusters: int | None = setting(
        None, ge=1, job=True, reference=False, doc="Rows of the baseline that clustering finds; Clarify has a default."
    )
    agg_method: Literal["mean_abs", "median", "mean_sq"] = setting(
        "mean_abs", job=True, reference=False, doc="How the values of all rows become one for each feature."
    )
    use_logit: bool = setting(False, job=True, reference=False, doc="Whether probabilities are explained as log-odds.")
    save_local_values: bool = setting(
        False, job=True, reference=False, doc="Whether the values of each row are kept, too."
    )
    seed: int | None = setting(0, ge=0, job=True, reference=False, doc="Of the made-up rows.")

    @override
    def analysis(self) -> Mapping[str, Any]:
        shap = {
            "use_logit": self.use_logit,
            "save_local_shap_values": self.save_local_values,
            "num_samples": self.num_samples,
            "agg_method": self.agg_method,
            "seed": self.seed,
            "num_clusters": self.num_clusters,
        }
        return {"methods": {"shap": shap}, "predictor": {**self.predictor(), "label": self.score}}
