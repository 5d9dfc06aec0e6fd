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
    """Carry out some steps where a condition holds, and others where it does not."""

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
