"""The contract of a Tuning job: trials, each a training, and the best of them."""

from __future__ import annotations

import importlib.util
import json
import math
import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import attrs

from fluentpipe.errors import RunError
from fluentpipe.run.job import ACCOUNT, JobInput, training_of
from fluentpipe.run.search import ranges_of
from fluentpipe.run.training import TrainingJob, training_faults
from fluentpipe.run.training_program import has_algorithm

TRIALS = "trials.json"  # in `out/`: every trial with its values and its metric
MOST_TRIALS = 750  # quota of the service, where the request says no number
_TRIAL = "trial-"  # outputs of this name are trials: their number follows


@attrs.frozen(slots=False)
class TuningJob:
    """A CreateHyperParameterTuningJob request, carried out here."""

    step: str
    name: str
    request: Mapping[str, Any]

    @property
    def config(self) -> Mapping[str, Any]:
        """How it searches."""
        found: Mapping[str, Any] = self.request["HyperParameterTuningJobConfig"]
        return found

    @cached_property
    def metrics(self) -> tuple[str, ...]:
        """Regular expressions of the objective; the algorithm inside the XGBoost image has its own way to tell it."""
        name = self.config["HyperParameterTuningJobObjective"]["MetricName"]
        written = self.request["TrainingJobDefinition"]["AlgorithmSpecification"].get("MetricDefinitions", ())
        found = tuple(each["Regex"] for each in written if each["Name"] == name)
        if found or not has_algorithm(training_of(self.request)):
            return found
        data, _, metric = name.partition(":")
        return (rf"{data}-{metric}:([-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?)",)

    @property
    def inputs(self) -> tuple[JobInput, ...]:
        """The channels of the trainings."""
        return TrainingJob(self.step, self.name, training_of(self.request)).inputs

    def trial(self, number: int, values: Mapping[str, str], seconds: float = math.inf) -> TrainingJob:
        """The training of one trial.

        Args:
            number: Of the trial, from 1.
            values: What it tries.
            seconds: That are left for it.
        """
        training = training_of(self.request)
        told = dict(training.get("HyperParameters", {}))
        if has_algorithm(training):  # which computes the metric that it is told of
            told["_tuning_objective_metric"] = self.config["HyperParameterTuningJobObjective"]["MetricName"]
        stopping = dict(training.get("StoppingCondition", {}))
        if seconds < stopping.get("MaxRuntimeInSeconds", math.inf):
            stopping["MaxRuntimeInSeconds"] = max(1, math.ceil(seconds))
        request = {**training, "HyperParameters": {**told, **values}, "StoppingCondition": stopping}
        return TrainingJob(self.step, self._trial_name(number), request)

    def _trial_name(self, number: int) -> str:
        return f"{self.name}-{number:03}"

    def outputs(self, stage: Path) -> dict[str, str]:
        """The best model, the table of trials, and what each trial made, as they lie in a folder."""
        found = {"trials": f"out/{TRIALS}"}
        best = _table(stage)["best"]
        if (stage / "out" / f"{best:03}" / "model.tar.gz").is_file():
            found["model"] = f"out/{best:03}/model.tar.gz"
        folders = sorted(path.name for path in (stage / "out").iterdir() if path.is_dir())
        return {**found, **{f"{_TRIAL}{name}": f"out/{name}" for name in folders}}

    def places(self, outputs: Mapping[str, str]) -> dict[str, str]:
        """The prefix of the output of each trial."""
        where = self.request["TrainingJobDefinition"]["OutputDataConfig"]["S3OutputPath"].rstrip("/")
        return {
            f"{where}/{self._trial_name(int(name.removeprefix(_TRIAL)))}/output": path
            for name, path in outputs.items()
            if name.startswith(_TRIAL)
        }

    def describe(self, folder: Path) -> dict[str, Any]:
        """States and trials of a finished job, the best first.

        As DescribeHyperParameterTuningJobResponse and ListTrainingJobsForHyperParameterTuningJobResponse have them.
        """
        table = _table(folder)
        summaries = [self._summary(each, table) for each in table["trials"]]
        less = table["direction"] == "Minimize"
        values = {self._trial_name(each["number"]): each["value"] for each in table["trials"]}
        judged = [each for each in summaries if values[each["TrainingJobName"]] is not None]
        judged.sort(key=lambda each: values[each["TrainingJobName"]] * (1 if less else -1))
        best = next(each for each in summaries if each["TrainingJobName"] == self._trial_name(table["best"]))
        others = [each for each in judged if each is not best]
        failed = [each for each in summaries if values[each["TrainingJobName"]] is None]
        return {
            "HyperParameterTuningJobName": self.name,
            "HyperParameterTuningJobArn": f"{ACCOUNT}:hyper-parameter-tuning-job/{self.name}",
            "HyperParameterTuningJobStatus": "Completed",
            "BestTrainingJob": best,
            "TrainingJobSummaries": [best, *others, *failed],
            "TrainingJobStatusCounters": _counters(summaries),
            "ObjectiveStatusCounters": {"Succeeded": len(judged), "Pending": 0, "Failed": len(failed)},
        }

    def _summary(self, trial: Mapping[str, Any], table: Mapping[str, Any]) -> dict[str, Any]:
        name = self._trial_name(trial["number"])
        metric = {"Type": table["direction"], "MetricName": table["metric"], "Value": trial["value"]}
        return {
            "TrainingJobName": name,
            "TrainingJobArn": f"{ACCOUNT}:training-job/{name}",
            "TuningJobName": self.name,
            "TrainingJobStatus": trial["status"],
            "TunedHyperParameters": trial["hyperparameters"],
            **({} if trial["value"] is None else {"FinalHyperParameterTuningJobObjectiveMetric": metric}),
            **({"FailureReason": trial["reason"]} if trial["reason"] else {}),
            "ObjectiveStatus": "Failed" if trial["value"] is None else "Succeeded",
        }


def _counters(summaries: list[dict[str, Any]]) -> dict[str, int]:
    def count(status: str) -> int:
        return sum(each["TrainingJobStatus"] == status for each in summaries)

    return {
        "Completed": count("Completed"),
        "InProgress": 0,
        "RetryableError": 0,
        "NonRetryableError": count("Failed"),
        "Stopped": count("Stopped"),
    }


def _table(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "out" / TRIALS).read_text(encoding="utf-8"))
    return found


def tuning_faults(arguments: Mapping[str, Any]) -> Iterator[str]:
    """What in a request does not run here, known before anything starts."""
    if importlib.util.find_spec("optuna") is None:
        yield "searching hyperparameters takes Optuna: pip install 'fluentpipe[local]'"
    for member, what in (("TrainingJobDefinitions", "several definitions of trainings"), ("Autotune", "Autotune"),
                         ("WarmStartConfig", "a warm start from earlier tuning jobs")):  # fmt: skip
        if member in arguments:
            yield f"{member}: {what} does not run here"
    config = arguments.get("HyperParameterTuningJobConfig", {})
    if "TrainingJobDefinition" not in arguments or "HyperParameterTuningJobObjective" not in config:
        yield "a tuning that runs here has a TrainingJobDefinition and a HyperParameterTuningJobObjective"
        return
    yield from training_faults(training_of(arguments))
    yield from _range_faults(config)
    if not has_algorithm(training_of(arguments)):
        yield from _metric_faults(arguments, config["HyperParameterTuningJobObjective"].get("MetricName"))


def _range_faults(config: Mapping[str, Any]) -> Iterator[str]:
    written = config.get("ParameterRanges", {})
    if "AutoParameters" in written:
        yield "AutoParameters does not run here; give ranges"
    values = [
        each[end] for ranges in written.values() for each in ranges for end in ("MinValue", "MaxValue") if end in each
    ]
    if not any(written.values()):
        yield "ParameterRanges: there is none to search"
    elif all(isinstance(each, str) for each in values):  # others are known when the pipeline is started
        try:
            ranges_of(config)
        except RunError as fault:
            yield str(fault)
    ordered = [key for key in ("IntegerParameterRanges", "ContinuousParameterRanges") if written.get(key)]
    if config.get("Strategy") == "Grid" and ordered:
        yield f"Strategy Grid takes categorical ranges alone, not {' and '.join(ordered)}"


def _metric_faults(arguments: Mapping[str, Any], name: object) -> Iterator[str]:
    written = arguments["TrainingJobDefinition"]["AlgorithmSpecification"].get("MetricDefinitions", ())
    if isinstance(name, str) and name not in [each.get("Name") for each in written]:
        yield f"the metric {name!r} has no MetricDefinitions entry that says how it is read from the log"
    for each in written:
        try:
            re.compile(each["Regex"])
        except (re.error, TypeError, KeyError) as fault:  # noqa: PERF203  every fault is told
            yield f"MetricDefinitions {each.get('Name')!r}: {each.get('Regex')!r} is no regular expression: {fault}"
