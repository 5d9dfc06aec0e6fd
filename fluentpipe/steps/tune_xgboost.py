"""`tune_xgboost`: the hyperparameters under which trees predict best."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal

from typing_extensions import override

from fluentpipe.contract import OutputSpec, StepContract
from fluentpipe.errors import SettingError, did_you_mean
from fluentpipe.kinds import JobName, ModelArtifacts
from fluentpipe.objective import Objective, objective_of
from fluentpipe.ranges import Categorical, Continuous, Integer, Range, RangeGiven, plain, range_of
from fluentpipe.settings import Setting, setting
from fluentpipe.step import Inputs
from fluentpipe.steps.train_xgboost import XGBoostTraining

if TYPE_CHECKING:
    from fluentpipe.target import Target

# What moves the result of trees most, as far as it is worth looking; the number of rounds finds itself by early stopping.
DEFAULT_RANGES: Mapping[str, Range] = {
    "max_depth": Integer(2, 8),
    "eta": Continuous(0.01, 0.2, log=True),
    "min_child_weight": Continuous(1, 20, log=True),
    "subsample": Continuous(0.5, 1.0),
    "colsample_bytree": Continuous(0.3, 1.0),
    "reg_lambda": Continuous(0.1, 10, log=True),
}
MAX_TRIAL_SECONDS = 2_419_200  # 28 days; CreateTrainingJob
MAX_RANGES = 30  # botocore: IntegerParameterRanges and its like
_MODEL = "{TrainingJobDefinition.OutputDataConfig.S3OutputPath}/{BestTrainingJob.TrainingJobName}/output/model.tar.gz"


def _plain_ranges(given: Any) -> dict[str, Any]:
    """Ranges by the names of their settings, as plain data.

    Raises:
        ValueError: Lists every fault.
    """
    if not isinstance(given, Mapping):
        raise ValueError(f"must be a mapping of settings to ranges, not {given!r}")
    known = {
        word: each for each in XGBoostTraining.settings.values() if not each.job for word in (each.name, *each.aliases)
    }
    found: dict[str, Any] = {}
    faults = []
    for name, value in given.items():
        try:
            each = _tunable(name, known)
            if each.name in found:
                raise ValueError("is given twice, under two names")
            found[each.name] = plain(_checked(range_of(value, whole=_is_whole(each)), each))
        except ValueError as fault:  # noqa: PERF203  every fault is told
            faults.append(f"{name}: {fault}")
    if not given:
        faults.append("there is none to search")
    if len(found) > MAX_RANGES:
        faults.append(f"there are {len(found)}; the service takes at most {MAX_RANGES}")
    if faults:
        raise ValueError("; ".join(faults))
    return found


def _tunable(name: object, known: Mapping[str, Setting]) -> Setting:
    each = known.get(name) if isinstance(name, str) else None
    if each is None:
        raise ValueError(f"there is no such setting.{did_you_mean(str(name), known)}")
    if each.name in ("seed", "nthread", "parameters", "monotone_constraints", "interaction_constraints"):
        raise ValueError("is nothing to be tuned")
    return each


def _is_whole(each: Setting) -> bool:
    return "int" in each.scalars and "float" not in each.scalars


def _checked(found: Range, each: Setting) -> Range:
    """A range whose ends the setting itself would take."""
    if isinstance(found, Continuous) and _is_whole(each):
        raise ValueError(f"takes whole numbers: Integer({found.low:g}, {found.high:g})")
    for value in found.values():
        each.validated(value)
    return found


class XGBoostTuning(XGBoostTraining):
    """Search the hyperparameters under which gradient-boosted trees predict best; the best model is the output.

    Every trial is a training as `train_xgboost` does it: what has no range has the setting given here. Trials are judged by rows
    that they did not learn from, never by the test rows. By default six hyperparameters are searched in 20 trials, and log loss,
    of numbers RMSE, is made least.

    Example:
        from fluentpipe import Continuous, Integer, Pipeline

        data = Pipeline("churn").load_data("churn.csv", label="churn").preprocess()
        tuned = data.tune_xgboost(
            {"max_depth": Integer(2, 5), "eta": Continuous(0.05, 0.3, log=True)},
            max_trials=3,
            n_folds=0,
            num_round=100,
        )
        run = tuned.evaluate_performance().run()
        print(run.outputs.xgboost_tuning.model_artifacts.value())
    """

    contract = StepContract(
        step_type="XGBoostTuning",
        verb="tune_xgboost",
        dependencies=tuple(spec for spec in XGBoostTraining.contract.dependencies if spec.name != "hyperparameters"),
        outputs=(
            OutputSpec("model_artifacts", ModelArtifacts, _MODEL, "model.tar.gz of the best trial, S3 URI.", aliases=("model",)),
            OutputSpec("best_training_job_name", JobName, "BestTrainingJob.TrainingJobName", "Name of the best trial's job."),
            OutputSpec("tuning_job_name", JobName, "HyperParameterTuningJobName", "Name of the tuning job."),
        ),
    )  # fmt: skip
    sagemaker_type = "Tuning"
    one_instance = "it shares the work already, by trials side by side, each on an instance of its own"
    instead = "max_parallel_trials=4, or a larger instance_type; train_xgboost(instance_count=…) with what was found"

    ranges: Mapping[str, RangeGiven] | None = setting(
        None, positional=True, reference=False, convert=_plain_ranges,
        doc='Setting -> where to look: Integer(3, 10), Continuous(0.01, 0.3, log=True), Categorical(["hist", "approx"]), or '
        'plainly (3, 10), (0.01, 0.3, "log"), ["hist", "approx"]. By default six settings that matter.',
    )  # fmt: skip
    strategy: Literal["Bayesian", "Random", "Grid", "Hyperband"] = setting(
        "Bayesian",
        reference=False,
        doc="How the next values are chosen; Grid tries every combination of Categorical ranges.",
    )
    metric: str = setting(
        "loss", reference=False,
        doc="The figure to make best, of the rows held out: loss (log loss, or RMSE for numbers), auc, pr_auc, f1, rmse, …; "
        "or validation-logloss and its like, which are told during training.",
    )  # fmt: skip
    direction: Literal["Minimize", "Maximize"] | None = setting(
        None, reference=False, doc="Whether less or more of the metric is better; known for those with a name here."
    )
    metric_regex: str | None = setting(
        None, reference=False, doc="Finds a metric of your own in the log; its first group is the number."
    )
    max_trials: int = setting(20, ge=1, le=750, aliases=("n_trials",), doc="Trainings at most.")
    max_parallel_trials: int = setting(
        2, ge=1, le=100, doc="Trainings at once; the more, the less each can learn from the others."
    )
    max_runtime: int = setting(
        86400,
        ge=120,
        le=15_768_000,
        unit="seconds",
        job=True,
        doc="Time after which no trial starts, and those that run end.",
    )
    max_trial_runtime: int | None = setting(
        None,
        ge=1,
        le=2_419_200,
        unit="seconds",
        job=True,
        doc="Time that one trial may take; by default that of the search.",
    )
    early_stopping: bool = setting(
        False, reference=False, doc="Whether trials that fall behind are stopped; takes a metric told during training."
    )
    min_resource: int | None = setting(
        None, ge=1, reference=False, doc="For Hyperband: times that the metric is told before a trial may be stopped."
    )
    max_resource: int | None = setting(None, ge=1, reference=False, doc="For Hyperband: times that it is told at most.")
    target_value: float | None = setting(None, reference=False, doc="Value of the metric at which the search may end.")
    patience: int | None = setting(
        None, ge=3, reference=False, doc="Trials without a better one after which the search may end."
    )
    search_seed: int = setting(
        0, ge=0, reference=False, doc="Of the choice of values; the same seed searches the same values."
    )

    @override
    def validate(self) -> None:
        super().validate()
        faults = [*self._search_faults(), *self._metric_faults()]
        if faults:
            raise SettingError(
                f"{self.contract.verb} cannot search like this.", *faults, verb=self.contract.verb, faults=tuple(faults)
            )

    @override
    def program_settings(self) -> Iterator[tuple[str, Any]]:
        """What a training is told; how the search goes is not its concern."""
        told = {
            each.emit or name for name, each in XGBoostTuning.settings.items() if name not in XGBoostTraining.settings
        }
        return ((name, value) for name, value in super().program_settings() if name not in told)

    def searched(self) -> dict[str, Range]:
        """The ranges by the names of their settings; the default ones leave out what was given a value."""
        if self.ranges is None:
            return {name: each for name, each in DEFAULT_RANGES.items() if name not in self.given}
        return {name: range_of(each, whole=False) for name, each in self.ranges.items()}

    def objective_metric(self) -> Objective:
        """What is made best."""
        return objective_of(self.metric, self.direction, self.metric_regex)

    def _search_faults(self) -> Iterator[str]:
        searched = self.searched()
        yield from (f"{name}: has a range and a value" for name in searched if self.given.get(name) is not None)
        if not searched:
            yield "ranges: every setting that would be searched has a value"
        ordered = [name for name, each in searched.items() if not isinstance(each, Categorical)]
        if self.strategy == "Grid" and ordered:
            yield f"strategy: Grid takes Categorical ranges alone; {', '.join(ordered)}: write them as a list of values"
        if self.strategy == "Hyperband" and self.early_stopping:
            yield "early_stopping: Hyperband stops trials by rules of its own; leave it out"
        if self.strategy != "Hyperband" and (self.min_resource or self.max_resource):
            yield "min_resource, max_resource: are for strategy='Hyperband'"
        trials, at_once = self.given.get("max_trials"), self.given.get("max_parallel_trials")
        if isinstance(trials, int) and isinstance(at_once, int) and at_once > trials:
            yield f"max_parallel_trials: {at_once} cannot run at once, as there are {trials}"

    def _metric_faults(self) -> Iterator[str]:
        try:
            found = self.objective_metric()
        except ValueError as fault:
            yield str(fault)
            return
        wants = ["strategy='Hyperband'"] * (self.strategy == "Hyperband") + ["early_stopping"] * bool(
            self.early_stopping
        )
        if wants and not found.during:
            yield (
                f"metric: {' and '.join(wants)} compares trials while they train, and {found.name!r} is told at their end; "
                "take metric='validation-logloss' with n_folds=0"
            )
        elif wants and self.metric_regex is None and self.n_folds != 0:
            yield f"n_folds: {' and '.join(wants)} compares single models; give n_folds=0"
        name = found.name.removeprefix("validation-")
        computed = self.given.get("eval_metric", "auto")
        known = computed.split(",") if isinstance(computed, str) else [name]  # else the run decides
        if self.metric_regex is None and name != found.name and name not in (*known, "logloss", "mlogloss", "rmse"):
            yield f"metric: {found.name!r} is told only if it is computed; give eval_metric={name!r}"

    @override
    def arguments(self, inputs: Inputs, target: Target) -> dict[str, Any]:
        training = super().arguments(inputs, target)
        told, algorithm = training.pop("HyperParameters"), training.pop("AlgorithmSpecification")
        stopping, tags = training.pop("StoppingCondition"), training.pop("Tags", None)
        objective, searched = self.objective_metric(), self.searched()
        names = {name: self.settings[name].emit or name for name in searched}
        limit: Any = self.max_runtime if self.max_trial_runtime is None else self.max_trial_runtime
        return {
            "HyperParameterTuningJobConfig": {
                **self._search(),
                "HyperParameterTuningJobObjective": {"Type": objective.direction, "MetricName": objective.name},
                "ParameterRanges": {
                    member: [each.to_request(names[name]) for name, each in searched.items() if each.member == member]
                    for member in (Integer.member, Continuous.member, Categorical.member)
                },
            },
            "TrainingJobDefinition": {
                "StaticHyperParameters": {name: value for name, value in told.items() if name not in names.values()},
                "AlgorithmSpecification": {
                    **algorithm,
                    "MetricDefinitions": [{"Name": objective.name, "Regex": objective.regex}],
                },
                **training,
                "StoppingCondition": {
                    **stopping,
                    "MaxRuntimeInSeconds": min(limit, MAX_TRIAL_SECONDS) if isinstance(limit, int) else limit,
                },
            },
            "Tags": tags,
        }

    def _has_one_trial(self) -> bool:
        trials = self.given.get("max_trials")
        return isinstance(trials, int) and trials == 1

    def _search(self) -> dict[str, Any]:
        at_once: Any = self.max_parallel_trials
        if "max_parallel_trials" not in self.given and self._has_one_trial():
            at_once = 1
        hyperband = {"MinResource": self.min_resource, "MaxResource": self.max_resource}
        is_grid = self.strategy == "Grid"  # the combinations are its number
        return {
            "Strategy": self.strategy,
            "StrategyConfig": {"HyperbandStrategyConfig": hyperband} if self.strategy == "Hyperband" else None,
            "ResourceLimits": {
                "MaxNumberOfTrainingJobs": None if is_grid else self.max_trials,
                "MaxParallelTrainingJobs": at_once,
                "MaxRuntimeInSeconds": self.max_runtime,
            },
            "TrainingJobEarlyStoppingType": "Auto" if self.early_stopping else "Off",
            "TuningJobCompletionCriteria": {
                "TargetObjectiveMetricValue": self.target_value,
                "BestObjectiveNotImproving": {"MaxNumberOfTrainingJobsNotImproving": self.patience},
            },
            "RandomSeed": self.search_seed,
        }
