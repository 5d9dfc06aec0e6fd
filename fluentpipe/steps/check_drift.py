"""`check_drift`: whether new rows still look like those of a baseline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from typing_extensions import override

from fluentpipe.contract import DependencySpec, OutputSpec, StepContract
from fluentpipe.expression import Join
from fluentpipe.jobs import ProcessingStep
from fluentpipe.kinds import Baseline, DriftReport, RawData, TestData
from fluentpipe.proxy import StepOutputProxy
from fluentpipe.reference import JsonGet
from fluentpipe.settings import setting
from fluentpipe.step import Inputs
from fluentpipe.steps.load_data import CONTAINERS

if TYPE_CHECKING:
    from fluentpipe.target import Target


class DriftCheck(ProcessingStep):
    """Compare rows with a baseline, column by column, and report which ones drifted.

    Numbers are compared by the Kolmogorov-Smirnov test, categories by the chi-square test, both with the population stability index
    (PSI); shares of missing values and categories that the baseline has not seen are tested, too. The p-values of a table are
    corrected together (Holm): a table without drift is called drifted with a chance of at most `alpha`. A difference counts only if it
    is large, too, since among a million rows the smallest is certain. A missing column, and a column of numbers that has become text, are
    drift without a test. Of data that `load_data` has split, the test rows are compared; new rows are given explicitly.

    `drift.json` has a statistic, p-value and PSI for each column, and the block `metrics` that conditions read;
    `constraint_violations.json` has Model Monitor's layout. With `fail_on_drift` what comes later happens only if nothing drifted.

    Example:
        from fluentpipe import Pipeline

        pipe = Pipeline("churn").load_data("churn.csv", label="churn").baseline()
        run = pipe.check_drift(rows="churn.csv", fail_on_drift=True).run()
        print(run.outputs.drift_check.drift_report.json("metrics.drifted_columns"))
    """

    contract = StepContract(
        step_type="DriftCheck",
        verb="check_drift",
        dependencies=(
            DependencySpec(
                "rows",
                (RawData, TestData),
                compatible_sources=("DataLoading",),
                semantic_keywords=("raw", "data", "rows"),
                aliases=("data",),
                job_types=("testing", "training", ""),
                description="Rows to judge: CSV or Parquet, with the columns that the baseline has.",
            ),
            DependencySpec(
                "baseline",
                Baseline,
                compatible_sources=("DataBaseline",),
                semantic_keywords=("baseline", "statistics"),
                description="What to compare with; one that Model Monitor made will do.",
            ),
        ),
        outputs=(
            OutputSpec(
                "drift_report",
                DriftReport,
                "ProcessingOutputConfig.Outputs['drift_report'].S3Output.S3Uri",
                "drift.json and constraint_violations.json.",
                property_file="drift.json",
                aliases=("report",),
            ),
        ),
    )
    script = CONTAINERS / "check_drift.py"
    flags: ClassVar[Mapping[str, str]] = {"drift_report": "output"}

    split: Literal["train", "validation", "test", "all"] = setting(
        "test", doc="Of data that load_data has split, the part."
    )
    alpha: float = setting(
        0.01, gt=0, lt=1, doc="Chance of calling a table drifted that is not; for all of its columns together."
    )
    min_psi: float = setting(
        0.1, ge=0, doc="Smallest PSI of a column that counts; below 0.1 a difference is commonly called none."
    )
    min_missing_change: float = setting(
        0.01, ge=0, le=1, doc="Smallest change of the share of missing values that counts."
    )
    ignore_columns: Sequence[str] | None = setting(None, doc="Columns that may drift, such as a date.")
    fail_on_drift: bool = setting(
        False, job=True, reference=False, doc="Whether drift ends the pipeline: what comes later is not carried out."
    )

    @property
    @override
    def opens_scope(self) -> bool:
        return self.fail_on_drift

    @override
    def requests(self, inputs: Inputs, target: Target, then: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        check = super().requests(inputs, target, then)
        return [*check, self._gate(then)] if self.fail_on_drift else check

    def _gate(self, then: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """The condition on the report, with what comes later under it."""
        outputs: Any = StepOutputProxy.of(self.name, self.contract, self.sagemaker_type)
        report = outputs.drift_report
        drifted: JsonGet = report.json("metrics.drifted_columns")
        compared, names = report.json("metrics.compared_columns"), report.json("drifted")
        words = [
            f"Drift check {self.name} failed:",
            drifted,
            "of",
            compared,
            "columns drifted from the baseline:",
            names,
        ]
        message = Join(" ", [*words, "(how far, says drift.json of the report)"])
        fail = {"Name": f"{self.name}_failed", "Type": "Fail", "Arguments": {"ErrorMessage": message}}
        arguments = {"Conditions": (drifted <= 0).conditions(), "IfSteps": list(then), "ElseSteps": [fail]}
        return {"Name": f"{self.name}_gate", "Type": "Condition", "Arguments": arguments}
