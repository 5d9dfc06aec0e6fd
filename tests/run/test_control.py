"""Branches, shared settings and roles with the programs of the steps: real training on a few rows."""

from __future__ import annotations

import csv
import json
import random
from pathlib import Path
from typing import Any

import pytest

from fluentpipe import Parameter, Pipeline
from fluentpipe.errors import GateFailed
from fluentpipe.run import Run

pytest.importorskip("xgboost")
pytestmark = pytest.mark.slow  # a real training, and what follows
JOBS = [
    "data_loading", "tabular_preprocessing", "data_loading_testing", "tabular_preprocessing_testing", "xgboost_training",
    "model_evaluation",
]  # fmt: skip
SHARED: dict[str, Any] = {
    "instance_type": "ml.m5.large", "volume_size_gb": 50, "max_runtime": 600, "use_spot": True, "retry": 2,
    "vpc": {"subnets": ["subnet-0a1b2c3d"], "security_groups": ["sg-0a1b2c3d"]}, "volume_kms_key": "alias/v",
    "output_kms_key": "alias/o", "network_isolation": True, "encrypt_traffic": True, "tags": {"team": "ml"}, "cache": "P30D",
    "checkpoint_s3_uri": "s3://my-bucket/checkpoints",
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made, chance = tmp_path_factory.mktemp("control"), random.Random(0)
    for name, plans in (("churn.csv", "abc"), ("later.csv", "cad")):  # `d` is new, and the order is another
        with (made / name).open("w", encoding="utf-8", newline="") as file:
            write = csv.writer(file).writerow
            write(["age", "plan", "churn"])
            for row in range(200):
                age = chance.randint(18, 80)
                write([age, plans[row % 3], "Yes" if age + chance.gauss(0, 15) > 50 else "No"])
    return made


def chain(folder: Path, **shared: Any) -> Any:
    pipe = Pipeline("churn").defaults(**shared).load_data(str(folder / "churn.csv"), label="churn").preprocess()
    pipe = pipe.load_data(str(folder / "later.csv"), label="churn", job_type="testing").preprocess(job_type="testing")
    pipe = pipe.train_xgboost(n_estimators=3, n_folds=0).evaluate_performance()
    auc = pipe.outputs.model_evaluation.evaluation_report.json("metrics.auc")
    return (
        pipe.when((auc >= Parameter("least", 0.0)) & Parameter("route", "any").is_in(["any", "other"]))
        .then(lambda p: p.require(min_auc=0.0).register("good"))
        .otherwise(
            lambda p: (
                p.when(Parameter("strict", default=True) == True, name="strict")  # noqa: E712  a condition of the run
                .then(lambda q: q.fail(f"auc {auc} is too low"))
                .otherwise(lambda q: q.register("poor", name="poor"))
            )
        )
    )


@pytest.fixture(scope="module")
def first(folder: Path) -> Run:
    run: Run = chain(folder).run(home=folder / "home", echo=None)
    return run


def carried_out(run: Run) -> set[str]:
    return {name for name, step in run.steps.items() if step.status == "Succeeded"} - set(JOBS)


def test_the_branch_whose_condition_holds_is_carried_out(first: Run) -> None:
    assert carried_out(first) == {"branch", "quality_gate", "model_registration"}
    assert first.steps["poor"].reason == "branch took the other branch"
    assert [model.group for model in first.models] == ["good"]


def test_the_other_branch_is_and_shared_settings_that_mean_nothing_here_leave_the_cache_alone(
    first: Run, folder: Path
) -> None:
    run = chain(folder, **SHARED).run(home=folder / "home", echo=None, parameters={"route": "none", "strict": False})
    assert carried_out(run) == {"branch", "strict", "poor"}
    assert [name for name in JOBS if run.steps[name].cached == first.id] == JOBS


def test_a_fail_step_in_a_branch_ends_the_run_with_its_message(first: Run, folder: Path) -> None:
    with pytest.raises(GateFailed, match=rf"auc {first.metrics['auc']!r} is too low") as caught:
        chain(folder).run(home=folder / "home", echo=None, parameters={"least": 1.5})
    assert caught.value.step == "failure"
    assert caught.value.run.steps["poor"].status == "NotExecuted"


def schema(run: Run, step: str, output: str) -> dict[str, Any]:
    path = run.path / "steps" / step / "out" / output / "schema.json"
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


def test_rows_of_another_role_are_transformed_as_the_training_rows_were(first: Run) -> None:
    learned, applied = (
        json.loads(
            (first.path / "steps" / step / "out" / "preprocessing_model" / "preprocessing.json").read_text("utf-8")
        )
        for step in ("tabular_preprocessing", "tabular_preprocessing_testing")
    )
    assert applied == learned
    parts = [schema(first, step, "test_data") for step in ("tabular_preprocessing", "tabular_preprocessing_testing")]
    assert parts[0]["features"] == parts[1]["features"]
    assert parts[0]["source"] != parts[1]["source"]
