"""`baseline`: what the rows look like now, for later comparison."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from fluentpipe.contract import DependencySpec, OutputSpec, StepContract
from fluentpipe.jobs import ProcessingStep
from fluentpipe.kinds import Baseline, RawData, TrainingData
from fluentpipe.settings import setting
from fluentpipe.steps.load_data import CONTAINERS


class DataBaseline(ProcessingStep):
    """Keep what the rows look like that a model learns from: `statistics.json` and `constraints.json`.

    Both are in Model Monitor's layout, so that its jobs read them, too. A column of numbers is kept as a sketch of its distribution,
    exact up to 2048 rows and within 0.1 % of the rows above; a column of at most 100 different texts as its categories. Columns that
    look like identifiers are marked, and not compared later. Of data that `load_data` has split, the training rows are taken.

    Example:
        from fluentpipe import Pipeline

        run = Pipeline("churn").load_data("churn.csv", label="churn").baseline().run()
        print(run.outputs.data_baseline.baseline.value())
    """

    contract = StepContract(
        step_type="DataBaseline",
        verb="baseline",
        dependencies=(
            DependencySpec(
                "rows",
                (RawData, TrainingData),
                compatible_sources=("DataLoading",),
                semantic_keywords=("raw", "data", "rows"),
                aliases=("data",),
                job_types=("training", ""),
                description="Rows as they will be compared: raw ones, with a header.",
            ),
        ),
        outputs=(
            OutputSpec(
                "baseline",
                Baseline,
                "ProcessingOutputConfig.Outputs['baseline'].S3Output.S3Uri",
                "statistics.json and constraints.json.",
            ),
        ),
    )
    script = CONTAINERS / "baseline.py"
    flags: ClassVar[Mapping[str, str]] = {"baseline": "output"}

    split: Literal["train", "validation", "test", "all"] = setting(
        "train", doc="Of data that load_data has split, the part."
    )
    comparison_threshold: float = setting(
        0.1, ge=0, le=1,
        doc="Distance of distributions from which Model Monitor's own jobs call it drift; check_drift does not read it.",
    )  # fmt: skip
