"""`require`: a gate; what comes after it happens only if the model is good enough."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from fluentpipe.conditional import ConditionStep
from fluentpipe.contract import DependencySpec, StepContract
from fluentpipe.errors import SettingError
from fluentpipe.expression import Condition, Expression, Join
from fluentpipe.kinds import EvaluationReport
from fluentpipe.reference import JsonGet, PropertyReference
from fluentpipe.settings import seconds, setting
from fluentpipe.step import Inputs

if TYPE_CHECKING:
    from fluentpipe.target import Target

_FIGURES = (
    "min_auc", "min_pr_auc", "min_accuracy", "min_precision", "min_recall", "min_f1", "min_r2",
    "max_log_loss", "max_brier", "max_rmse", "max_mse", "max_mae", "max_mape",
)  # fmt: skip


class QualityGate(ConditionStep):
    """Stop the pipeline unless the evaluated model reaches every figure; each one is a condition of its own.

    Figures are read from the `metrics` block of the evaluation report. `max_training_time` is no figure: it becomes the
    time limit of the trainings that led to the report.

    Example:
        from fluentpipe import Pipeline

        data = Pipeline("churn").load_data("churn.csv", label="churn").preprocess()
        checked = data.train_xgboost().evaluate_performance().require(min_auc=0.8, max_training_time="1 hour")
        run = checked.run()
    """

    contract = StepContract(
        step_type="QualityGate",
        verb="require",
        dependencies=(
            DependencySpec(
                "evaluation_report",
                EvaluationReport,
                required=False,
                required_by=_FIGURES,
                only_with=(*_FIGURES, "max_training_time"),
                compatible_sources=("ModelEvaluation",),
                semantic_keywords=("evaluation", "report", "metrics"),
                description="The report that the figures are read from.",
            ),
        ),
    )

    condition: Condition | None = setting(
        None, positional=True, reference=False,
        doc="Any further condition, such as pipe.outputs.checks.report.json('rows') >= 1000; combine several with & | ~.",
    )  # fmt: skip
    min_auc: float | None = setting(None, ge=0, le=1, doc="Lowest area under the ROC curve.")
    min_pr_auc: float | None = setting(None, ge=0, le=1, doc="Lowest area under the precision-recall curve.")
    min_accuracy: float | None = setting(None, ge=0, le=1, doc="Lowest share of rows predicted right.")
    min_precision: float | None = setting(None, ge=0, le=1, doc="Lowest precision at the decision threshold.")
    min_recall: float | None = setting(None, ge=0, le=1, doc="Lowest recall at the decision threshold.")
    min_f1: float | None = setting(None, ge=0, le=1, doc="Lowest F1 at the decision threshold.")
    min_r2: float | None = setting(None, le=1, doc="Lowest coefficient of determination.")
    max_log_loss: float | None = setting(None, ge=0, doc="Highest log loss.")
    max_brier: float | None = setting(None, ge=0, le=1, doc="Highest Brier score.")
    max_rmse: float | None = setting(None, ge=0, doc="Highest root mean squared error, in units of the label.")
    max_mse: float | None = setting(None, ge=0, doc="Highest mean squared error.")
    max_mae: float | None = setting(None, ge=0, doc="Highest mean absolute error, in units of the label.")
    max_mape: float | None = setting(None, ge=0, doc="Highest mean absolute percentage error.")
    max_training_time: str | int | None = setting(
        None, convert=seconds, reference=False,
        doc="Longest time that training may take, such as '4 hours'; becomes its stopping condition.",
    )  # fmt: skip

    @override
    def validate(self) -> None:
        wanted = [name for name, each in self.settings.items() if not each.job]
        if not any(self.given.get(name) is not None for name in wanted):
            raise SettingError(
                "require() requires nothing.", fix=".require(min_auc=0.8), or any of " + ", ".join(wanted)
            )

        report = self.inputs.get("evaluation_report")
        if self.figures() and report is not None and not isinstance(report, PropertyReference):
            raise self._not_a_report(report)

    def figures(self) -> dict[str, Any]:
        """The figures asked for, with their limits: `{"min_auc": 0.8}`."""
        return {name: self.given[name] for name in _FIGURES if self.given.get(name) is not None}

    @property
    @override
    def opens_scope(self) -> bool:
        return bool(self.figures()) or self.condition is not None

    def conditions(self, report: Any) -> list[Condition]:
        """One condition for each figure, and the further ones."""
        return [*self._figure_conditions(report), *(self.condition.conditions() if self.condition is not None else ())]

    def _figure_conditions(self, report: Any) -> list[Condition]:
        if not self.figures():
            return []
        if not isinstance(report, PropertyReference):
            raise self._not_a_report(report)
        found = []
        for name, limit in self.figures().items():
            value: JsonGet = report.json(f"metrics.{name[4:]}")
            found.append(value >= limit if name.startswith("min_") else value <= limit)
        return found

    def _not_a_report(self, given: Any) -> SettingError:
        return SettingError(
            f"require() reads its figures from the report of a step, not from {given!r}.",
            fix="evaluation_report=pipe.outputs.model_evaluation.evaluation_report",
        )

    def failure_message(self) -> Expression | str:
        """What the Fail step says: every figure with its limit, and the further conditions."""
        parts: list[list[Any]] = []
        for name, limit in self.figures().items():
            sign = ">=" if name.startswith("min_") else "<="
            parts.append([f"{name[4:]} {sign}", limit if isinstance(limit, Expression) else f"{limit:g}"])
        if self.condition is not None:
            parts += [[each.label()] for each in self.condition.conditions()]
        words: list[Any] = [f"Quality gate {self.name} failed; required:"]
        for part in parts:
            words += [*part, "and"]
        words.pop()
        return Join(" ", words) if any(isinstance(word, Expression) for word in words) else " ".join(words)

    @override
    def requests(
        self,
        inputs: Inputs,
        target: Target,
        then: Sequence[dict[str, Any]],
        otherwise: Sequence[dict[str, Any]] = (),
    ) -> list[dict[str, Any]]:
        if not self.opens_scope:
            return []
        fail = {"Name": f"{self.name}_failed", "Type": "Fail", "Arguments": {"ErrorMessage": self.failure_message()}}
        conditions = self.conditions(inputs.get("evaluation_report"))
        arguments = {"Conditions": conditions, "IfSteps": list(then), "ElseSteps": [fail]}
        return [{"Name": self.name, "Type": self.sagemaker_type, "Arguments": arguments}]
