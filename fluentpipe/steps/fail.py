"""`fail`: end the execution, with a message."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from typing_extensions import override

from fluentpipe.contract import StepContract
from fluentpipe.settings import setting
from fluentpipe.step import Inputs, Step

if TYPE_CHECKING:
    from fluentpipe.target import Target


class Failure(Step):
    """End the execution as failed, with a message; mostly in a branch of `when`.

    Steps that run at the same time are stopped. Outside of a branch it fails as soon as what its message refers to and the
    steps of `depends_on` are there.

    Example:
        from fluentpipe import Pipeline

        pipe = Pipeline("churn").load_data("churn.csv", label="churn").preprocess().train_xgboost().evaluate_performance()
        auc = pipe.outputs.model_evaluation.evaluation_report.json("metrics.auc")
        pipe = pipe.when(auc >= 0.8).then(lambda p: p.register("churn")).otherwise(lambda p: p.fail(f"auc {auc} is too low"))
    """

    contract = StepContract(step_type="Failure", verb="fail")
    sagemaker_type = "Fail"

    message: str = setting(positional=True, doc='Why; references may stand in it: f"too few rows: {rows}".')

    @override
    def arguments(self, inputs: Inputs, target: Target) -> dict[str, Any]:
        return {"ErrorMessage": self.message}
