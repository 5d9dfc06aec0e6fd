"""Tuning steps run here: trials in batches, judged by what they write; the best is published."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from fluentpipe.errors import RunError, StepFailed
from fluentpipe.run import Run
from fluentpipe.run.search import Search
from fluentpipe.run.trials import last_value

from .pipelines import XGBOOST, Sketch, join

pytest.importorskip("optuna")

TRAIN = """
import os, pathlib, sys
told = {name.lstrip("-"): value for name, value in zip(sys.argv[1::2], sys.argv[2::2])}
x = float(told["x"])
if told.get("fail") == "always" or (told.get("fail") == "small" and x < 0):
    sys.exit("x is too small")
pathlib.Path(os.environ["SM_MODEL_DIR"], "model.json").write_text(repr(x))
for epoch in range(int(told.get("epochs", 1))):
    print("epoch", epoch, "score=%.6f" % ((x - 0.7) ** 2 + 1 / (epoch + 1)), flush=True)
"""
READ = """
import os, pathlib, tarfile
root = pathlib.Path(os.environ["SAGEMAKER_BASE_DIR"], "processing")
with tarfile.open(next((root / "input/model").iterdir())) as tar:
    (root / "output/seen/x").write_bytes(tar.extractfile("model.json").read())
"""
CONTINUOUS = {"ContinuousParameterRanges": [{"Name": "x", "MinValue": "-2", "MaxValue": "2", "ScalingType": "Linear"}]}
CHOICES = {
    "CategoricalParameterRanges": [{"Name": "x", "Values": ["0.5", "0.6", "1"]}, {"Name": "y", "Values": ["a", "b"]}]
}


def tuned(
    rows: Path,
    *,
    ranges: Any = None,
    strategy: str = "Bayesian",
    trials: int | None = 6,
    at_once: int = 2,
    seed: int = 0,
    script: str = TRAIN,
    static: dict[str, str] | None = None,
    **config: Any,
) -> Sketch:
    """A tuning of one step, and a step that reads the model of the best trial."""
    sketch = Sketch()
    training = sketch.training("Train", script, channels={"train": str(rows)}, hyperparameters=static)["Arguments"]
    sketch.steps.clear()
    training["StaticHyperParameters"] = training.pop("HyperParameters")
    training["AlgorithmSpecification"]["MetricDefinitions"] = [{"Name": "score", "Regex": "score=([0-9.]+)"}]
    limits = {"MaxParallelTrainingJobs": at_once} | ({} if trials is None else {"MaxNumberOfTrainingJobs": trials})
    arguments = {
        "HyperParameterTuningJobConfig": {
            "Strategy": strategy, "ResourceLimits": limits, "ParameterRanges": ranges or CONTINUOUS, "RandomSeed": seed,
            "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "score"}, **config,
        },
        "TrainingJobDefinition": training,
    }  # fmt: skip
    sketch.steps.append({"Name": "Tune", "Type": "Tuning", "Arguments": arguments})
    return sketch


def read_best(sketch: Sketch) -> Sketch:
    """As the SDK's `get_top_model_s3_uri(0, …)` has it."""
    name = {"Get": "Steps.Tune.TrainingJobSummaries[0].TrainingJobName"}
    prefix = {"Get": "Steps.Tune.TrainingJobDefinition.OutputDataConfig.S3OutputPath"}
    sketch.processing("Read", READ, inputs={"model": join(prefix, name, "output/model.tar.gz")}, outputs=("seen",))
    return sketch


def table(run: Run) -> dict[str, Any]:
    return json.loads(run.steps["Tune"].outputs["trials"].read_text())


def tried(run: Run) -> list[str]:
    return [trial["hyperparameters"]["x"] for trial in table(run)["trials"]]


def test_the_best_trial_is_what_later_steps_get(rows: Path, run: Callable[..., Run]) -> None:
    result = run(read_best(tuned(rows)))
    found = table(result)
    best = min(found["trials"], key=lambda trial: trial["value"])
    assert found["best"] == best["number"]
    assert (result.steps["Read"].outputs["seen"] / "x").read_text() == repr(float(best["hyperparameters"]["x"]))
    assert {trial["status"] for trial in found["trials"]} == {"Completed"}
    events = [json.loads(line) for line in (result.path / "events.jsonl").read_text().splitlines()]
    told = [event for event in events if event["event"] == "trial Completed"]
    assert [event["trial"] for event in told] == [1, 2, 3, 4, 5, 6]
    assert told[-1]["best"] == best["number"]


def test_the_same_seed_tries_the_same_values_whatever_the_cores(
    rows: Path, run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    alone = tried(run(tuned(rows, trials=8), cache=False))
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    assert tried(run(tuned(rows, trials=8), cache=False)) == alone
    assert tried(run(tuned(rows, trials=3, seed=1), cache=False)) != alone[:3]
    assert len(set(alone)) == 8


@pytest.mark.slow
def test_learning_from_trials_finds_a_better_value_than_its_first_guesses(rows: Path, run: Callable[..., Run]) -> None:
    values = [trial["value"] for trial in table(run(tuned(rows, trials=20, at_once=1)))["trials"]]
    assert min(values[10:]) < min(values[:10])


def test_a_grid_tries_every_combination_once(rows: Path, run: Callable[..., Run]) -> None:
    found = table(run(tuned(rows, ranges=CHOICES, strategy="Grid", trials=None)))["trials"]
    pairs = [(trial["hyperparameters"]["x"], trial["hyperparameters"]["y"]) for trial in found]
    assert sorted(pairs) == [(x, y) for x in ("0.5", "0.6", "1") for y in ("a", "b")]


def test_trials_that_fail_do_not_end_the_search(rows: Path, run: Callable[..., Run]) -> None:
    found = table(run(tuned(rows, static={"fail": "small"}, trials=8)))
    failed = [trial for trial in found["trials"] if trial["status"] == "Failed"]
    assert failed
    assert all(float(trial["hyperparameters"]["x"]) < 0 for trial in failed)
    assert "exit code 1" in failed[0]["reason"]
    assert float(found["trials"][found["best"] - 1]["hyperparameters"]["x"]) >= 0


def test_when_the_first_trials_all_fail_the_step_does_with_the_reason_of_the_first(
    rows: Path, run: Callable[..., Run]
) -> None:
    with pytest.raises(StepFailed, match="x is too small") as caught:
        run(tuned(rows, static={"fail": "always"}, trials=50))
    begun = sorted((caught.value.run.path / "steps" / "Tune" / "trials").iterdir())
    assert len(begun) == 4  # two batches of two, of 50


def test_a_metric_that_nobody_tells_is_told(rows: Path, run: Callable[..., Run]) -> None:
    with pytest.raises(RunError, match=r"None of the 2 trials told 'score'"):
        run(tuned(rows, trials=2, script="print('nothing')"))


@pytest.mark.parametrize(
    ("criteria", "expected"),
    [
        ({"TargetObjectiveMetricValue": 100.0}, 1),
        ({"BestObjectiveNotImproving": {"MaxNumberOfTrainingJobsNotImproving": 3}}, 4),
        ({}, 6),
    ],
)
def test_a_search_ends_when_it_may(rows: Path, run: Callable[..., Run], criteria: Any, expected: int) -> None:
    script = "print('score=1'); import os; open(os.environ['SM_MODEL_DIR'] + '/m', 'w').close()"
    sketch = tuned(rows, at_once=1, script=script, TuningJobCompletionCriteria=criteria)
    assert len(table(run(sketch))["trials"]) == expected


def test_no_trial_starts_when_the_time_is_over(
    rows: Path, run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    from fluentpipe.run import trials

    clock = iter(range(0, 10**6, 40))
    monkeypatch.setattr(trials, "monotonic", lambda: float(next(clock)))  # and no other clock
    limits = {"MaxParallelTrainingJobs": 1, "MaxNumberOfTrainingJobs": 50, "MaxRuntimeInSeconds": 300}
    result = run(tuned(rows, ResourceLimits=limits))
    assert 1 <= len(table(result)["trials"]) < 5
    assert "the time of the search is over" in result.steps["Tune"].log.read_text()


def test_a_trial_that_falls_behind_is_stopped_and_is_never_the_best(rows: Path, run: Callable[..., Run]) -> None:
    sketch = tuned(
        rows, trials=14, at_once=1, strategy="Random", static={"epochs": "30"}, TrainingJobEarlyStoppingType="Auto"
    )
    found = table(run(sketch))
    status = {trial["number"]: trial["status"] for trial in found["trials"]}
    assert set(status.values()) == {"Completed", "Stopped"}
    assert status[found["best"]] == "Completed"


def test_more_trials_take_those_that_were_made_before(rows: Path, run: Callable[..., Run]) -> None:
    first = run(tuned(rows, trials=4))
    second = run(tuned(rows, trials=6, at_once=2))
    assert [bool(trial["cached"]) for trial in table(second)["trials"]] == [True] * 4 + [False] * 2
    assert second.steps["Tune"].reason == "MaxNumberOfTrainingJobs 4 -> 6"
    whole = run(read_best(tuned(rows, trials=6)))
    assert whole.steps["Tune"].cached == second.id
    assert (whole.steps["Read"].outputs["seen"] / "x").is_file()
    assert table(second)["trials"][0]["cached"] == first.id


def test_the_algorithm_in_the_image_tells_the_metric_that_the_tuning_names(
    tmp_path: Path, run: Callable[..., Run]
) -> None:
    pytest.importorskip("xgboost")
    channels = {}
    for name in ("train", "validation"):
        channels[name] = str(tmp_path / f"{name}.csv")
        lines = [f"{row % 2},{row % 7},{(row % 2) * 3 + row % 5}" for row in range(200)]
        Path(channels[name]).write_text("\n".join(lines))
    sketch = Sketch()
    static = {"num_round": "5", "objective": "binary:logistic"}
    training = sketch.training("Train", TRAIN, channels=channels, image=XGBOOST)["Arguments"]
    sketch.steps.clear()
    training.pop("HyperParameters")
    training["StaticHyperParameters"] = static
    for channel in training["InputDataConfig"]:
        channel["ContentType"] = "text/csv"
    config = {
        "Strategy": "Random", "ResourceLimits": {"MaxParallelTrainingJobs": 2, "MaxNumberOfTrainingJobs": 2},
        "ParameterRanges": {"IntegerParameterRanges": [{"Name": "max_depth", "MinValue": "1", "MaxValue": "6"}]},
        "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "validation:auc"},
    }  # fmt: skip
    arguments = {"HyperParameterTuningJobConfig": config, "TrainingJobDefinition": training}
    sketch.steps.append({"Name": "Tune", "Type": "Tuning", "Arguments": arguments})
    assert all(0.5 < trial["value"] <= 1 for trial in table(run(sketch))["trials"])


FAULTS = {
    "warm start": (
        lambda arguments: arguments.update(
            WarmStartConfig={
                "ParentHyperParameterTuningJobs": [{"HyperParameterTuningJobName": "a"}],
                "WarmStartType": "TransferLearning",
            }
        ),
        "a warm start from earlier tuning jobs does not run here",
    ),
    "a metric without a definition": (
        lambda arguments: arguments["TrainingJobDefinition"]["AlgorithmSpecification"].pop("MetricDefinitions"),
        "the metric 'score' has no MetricDefinitions entry",
    ),
    "a regular expression that is none": (
        lambda arguments: arguments["TrainingJobDefinition"]["AlgorithmSpecification"].update(
            MetricDefinitions=[{"Name": "score", "Regex": "score=("}]
        ),
        "is no regular expression",
    ),
    "a grid of numbers": (
        lambda arguments: arguments["HyperParameterTuningJobConfig"].update(Strategy="Grid"),
        "Strategy Grid takes categorical ranges alone, not ContinuousParameterRanges",
    ),
    "a range that is none": (
        lambda arguments: arguments["HyperParameterTuningJobConfig"].update(
            ParameterRanges={"ContinuousParameterRanges": [{"Name": "x", "MinValue": "3", "MaxValue": "two"}]}
        ),
        "The range of 'x' cannot be searched: 3 to two",
    ),
    "no range": (
        lambda arguments: arguments["HyperParameterTuningJobConfig"].pop("ParameterRanges"),
        "there is none to search",
    ),
}


@pytest.mark.parametrize(("change", "said"), FAULTS.values(), ids=FAULTS)
def test_what_cannot_be_searched_here_is_said_before_anything_starts(
    rows: Path, run: Callable[..., Run], change: Any, said: str
) -> None:
    sketch = tuned(rows)
    change(sketch.steps[0]["Arguments"])
    with pytest.raises(RunError, match=re.escape(said)):
        run(sketch)


@settings(max_examples=30, deadline=None)
@given(
    low=st.floats(0.001, 0.4), span=st.floats(0.01, 0.5), seed=st.integers(0, 99),
    scaling=st.sampled_from(["Auto", "Linear", "Logarithmic", "ReverseLogarithmic"]),
    strategy=st.sampled_from(["Random", "Bayesian"]),
)  # fmt: skip
def test_every_value_lies_in_its_range(low: float, span: float, seed: int, scaling: str, strategy: str) -> None:
    high = low + span
    config = {
        "Strategy": strategy, "RandomSeed": seed, "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "m"},
        "ParameterRanges": {
            "ContinuousParameterRanges": [
                {"Name": "x", "MinValue": str(low), "MaxValue": str(high), "ScalingType": scaling}
            ],
            "IntegerParameterRanges": [{"Name": "n", "MinValue": "1", "MaxValue": "3"}],
        },
    }  # fmt: skip
    search = Search(config, 4, 2)
    while asked := search.ask():
        for each in asked:
            assert low <= float(each.values["x"]) <= high
            assert each.values["n"] in ("1", "2", "3")
            search.tell(each.number, math.sin(float(each.values["x"])), stopped=False)


@pytest.mark.parametrize(
    ("log", "regex", "expected"),
    [
        ("score=1\nscore=0.5\n", r"score=([0-9.]+)", 0.5),
        ("[0]\ttrain-auc:0.6\tvalidation-auc:0.7\n", r".*#011validation-auc:([0-9.]+).*", 0.7),
        ("score=nan\n", r"score=(\w+)", None),
        ("nothing\n", r"score=([0-9.]+)", None),
        ("score=oops\n", r"score=(\w+)", None),
    ],
)
def test_the_last_value_that_a_log_tells_counts(tmp_path: Path, log: str, regex: str, expected: Any) -> None:
    (tmp_path / "log.txt").write_text(log)
    assert last_value(tmp_path / "log.txt", [regex]) == expected


def test_code_in_the_archive_decides_about_the_result(rows: Path, run: Callable[..., Run]) -> None:
    run(tuned(rows, trials=2))
    changed = tuned(rows, trials=2, script=TRAIN + "\nprint('more')\n")
    assert run(changed).steps["Tune"].reason == "code train.py changed"
