"""`prepare_hyperparameters`: what a training is told, decided during the run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from typing_extensions import override

from fluentpipe.contract import DependencySpec, OutputSpec, StepContract
from fluentpipe.errors import SettingError, did_you_mean
from fluentpipe.expression import Expression
from fluentpipe.jobs import ProcessingStep
from fluentpipe.kinds import Hyperparameters, ModelArtifacts, TrainingData
from fluentpipe.settings import setting
from fluentpipe.steps.load_data import CONTAINERS
from fluentpipe.steps.train_xgboost import XGBoostTraining


class HyperparameterPreparation(ProcessingStep):
    """Decide hyperparameters during the run; the training that follows takes them over its own settings.

    They come from the training rows (many rows, many features, many classes, a rare class), from the best model of `tune_xgboost` where
    there is one, and from `values`, the later over the earlier. Where nothing speaks against the training's defaults, they
    stay. `reasons.md` says why. The weight of a rare class is left alone, as it would ruin probabilities.

    Example:
        from fluentpipe import Pipeline

        data = Pipeline("churn").load_data("churn.csv", label="churn").preprocess()
        run = data.prepare_hyperparameters({"max_depth": 2, "n_folds": 0}).train_xgboost(num_round=100).run()
        print(run.outputs.hyperparameter_preparation.hyperparameters.json())
    """

    contract = StepContract(
        step_type="HyperparameterPreparation",
        verb="prepare_hyperparameters",
        dependencies=(
            DependencySpec(
                "training_data",
                TrainingData,
                compatible_sources=("TabularPreprocessing",),
                semantic_keywords=("data", "processed", "training"),
                description="The rows that will be learned from.",
                job_types=("training", ""),
            ),
            DependencySpec(
                "tuned_model",
                ModelArtifacts,
                required=False,
                compatible_sources=("XGBoostTuning",),
                semantic_keywords=("tuned", "tuning"),
                description="A model whose hyperparameters are taken.",
            ),
        ),
        outputs=(
            OutputSpec(
                "hyperparameters",
                Hyperparameters,
                "ProcessingOutputConfig.Outputs['hyperparameters'].S3Output.S3Uri",
                "hyperparameters.json and reasons.md.",
                property_file="hyperparameters.json",
            ),
        ),
    )
    script = CONTAINERS / "choose_hyperparameters.py"
    flags: ClassVar[Mapping[str, str]] = {"training_data": "rows", "tuned_model": "model", "hyperparameters": "output"}

    values: Mapping[str, Any] | None = setting(
        None, positional=True, doc="Hyperparameters by their names in train_xgboost; they win over everything."
    )

    @override
    def validate(self) -> None:
        super().validate()
        known = {
            word: each
            for each in XGBoostTraining.settings.values()
            if not each.job
            for word in (each.name, *each.aliases)
        }
        given = self.given.get("values")
        faults = []
        for name, value in {} if given is None or isinstance(given, Expression) else given.items():
            if name not in known:
                faults.append(f"values: there is no hyperparameter {name!r}.{did_you_mean(name, known)}")
                continue
            try:
                known[name].validated(value)
            except ValueError as fault:
                faults.append(f"values: {name} {fault}")
        if faults:
            raise SettingError(
                "prepare_hyperparameters was given what train_xgboost does not take.", *faults,
                verb=self.contract.verb, faults=tuple(faults),
            )  # fmt: skip
