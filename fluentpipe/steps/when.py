"""`when`: a condition with two branches of steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from fluentpipe.conditional import ConditionStep
from fluentpipe.contract import StepContract
from fluentpipe.expression import Condition
from fluentpipe.settings import setting
from fluentpipe.step import Inputs

if TYPE_CHECKING:
    from fluentpipe.target import Target


class Branch(ConditionStep):
    """Carry out some steps where a condition holds, and others where it does not.

    `.then(…)` follows and may be followed by `.otherwise(…)`; each takes a function of the pipeline that adds the steps of its
    branch. A branch sees what the pipeline has so far; afterwards the pipeline goes on as it was before, since only one branch
    will have been carried out. Branches may branch again. More in [control.md](../control.md).

    Example:
        from fluentpipe import Pipeline

        data = Pipeline("churn").load_data("churn.csv", label="churn").preprocess()
        pipe = data.train_xgboost(n_estimators=20).evaluate_performance()
        report = pipe.outputs.model_evaluation.evaluation_report
        good = (report.json("metrics.auc") >= 0.8) & ~report.json("task").is_in(["regression"])
        branched = pipe.when(good).then(lambda p: p.register("champions")).otherwise(
            lambda p: p.train_xgboost(name="deeper", max_depth=8).evaluate_performance(name="again")
        )
        run = branched.run()
        print(run.steps["branch"].reason)
    """

    contract = StepContract(step_type="Branch", verb="when", own_method=True)
    has_branches = True

    condition: Condition = setting(
        positional=True, reference=False,
        doc="Such as report.json('metrics.auc') >= 0.8; combine several with & | ~ and .is_in([…]).",
    )  # fmt: skip

    @override
    def label(self) -> str:
        return self.condition.label()

    @override
    def requests(
        self,
        inputs: Inputs,
        target: Target,
        then: Sequence[dict[str, Any]],
        otherwise: Sequence[dict[str, Any]] = (),
    ) -> list[dict[str, Any]]:
        arguments = {
            "Conditions": list(self.condition.conditions()),
            "IfSteps": list(then),
            "ElseSteps": list(otherwise),
        }
        return [{"Name": self.name, "Type": self.sagemaker_type, "Arguments": arguments}]
