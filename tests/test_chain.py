"""The whole chain, as users run it: real programs, real XGBoost, real data."""

import csv
import gzip
import importlib
import json
import random
import sys
import tarfile
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from fluentpipe import EvaluationReport, GateFailed, Parameter, Pipeline, RawData
from fluentpipe.demo import CODE, DATA, demo_pipeline


def telco() -> list[list[str]]:
    with gzip.open(DATA, "rt", newline="") as stream:
        return list(csv.reader(stream))


def written(path: Path, rows: list[list[str]]) -> Path:
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows(rows)
    return path


def test_the_demo_s_code_is_the_demo() -> None:
    scope: dict[str, object] = {}
    exec(CODE.replace("run = pipe.run()", ""), scope)
    assert scope["pipe"].materialize() == demo_pipeline().materialize()


def test_a_registered_model_serves_raw_rows_with_the_numbers_of_its_evaluation(tmp_path, monkeypatch) -> None:
    run = demo_pipeline().run(home=tmp_path, echo=None)
    assert run.status == "Succeeded"
    assert run.metrics["auc"] > 0.82
    (model,) = run.models
    folder = tmp_path / "model"
    with tarfile.open(model.path / "model.tar.gz") as archive:
        archive.extractall(folder, filter="data")
    monkeypatch.syspath_prepend(str(folder / "code"))
    inference = importlib.import_module("inference")
    try:
        raw = pq.read_table(run.steps["data_loading"].outputs["raw_data"] / "test" / "data.parquet").to_pylist()
        loaded = inference.model_fn(str(folder))
        rows = inference.input_fn(json.dumps({"instances": raw[:50]}, default=str), "application/json")
        served = json.loads(inference.output_fn(inference.predict_fn(rows, loaded), "application/json"))
    finally:
        for name in [
            name for name, module in sys.modules.items() if str(folder) in str(getattr(module, "__file__", ""))
        ]:
            del sys.modules[name]
    seen = pq.read_table(run.steps["model_evaluation"].outputs["predictions"]).to_pylist()[:50]
    probabilities = [row["probability"] for row in served["predictions"]]
    assert probabilities == pytest.approx([row["probability"] for row in seen], abs=1e-6)


def test_shuffled_labels_teach_nothing_and_the_gate_keeps_the_model_out(tmp_path) -> None:
    header, *rows = telco()
    column = header.index("churn")
    labels = [row[column] for row in rows]
    random.Random(7).shuffle(labels)
    shuffled = [[*row[:column], label, *row[column + 1 :]] for row, label in zip(rows, labels, strict=True)]
    data = written(tmp_path / "shuffled.csv", [header, *shuffled])
    with pytest.raises(GateFailed, match=r"metrics.auc: 0\.\d+ is not >= 0.8") as caught:
        demo_pipeline().run(data=data, home=tmp_path, echo=None)
    run = caught.value.run
    assert run.status == "Failed"
    assert run.metrics["auc"] == pytest.approx(0.5, abs=0.05)
    assert run.models == ()
    assert run.steps["model_registration"].status == "NotExecuted"
    assert not (tmp_path / "registry").exists()


@pytest.mark.slow
def test_a_number_is_learned_as_a_number_and_gated_by_its_error(tmp_path) -> None:
    drawn = random.Random(1)
    rows = [[drawn.gauss(0, 1), drawn.gauss(0, 1), drawn.choice("abc")] for _ in range(1500)]
    table = [["x", "z", "group", "y"], *([*row, 3 * row[0] - 2 * row[1] + "abc".index(row[2])] for row in rows)]
    data = written(tmp_path / "numbers.csv", [[str(cell) for cell in row] for row in table])
    pipe = (
        Pipeline("numbers").load_data(data, label="y").preprocess().train_xgboost().evaluate_performance()
        .require(max_rmse=1.0, min_r2=0.9).register("numbers")
    )  # fmt: skip
    run = pipe.run(home=tmp_path, echo=None)
    assert run.metrics["r2"] > 0.9
    assert [model.version for model in run.models] == [1]


@pytest.mark.slow
def test_three_classes_are_told_apart(tmp_path) -> None:
    drawn = random.Random(2)
    rows = []
    for _ in range(1200):
        kind = drawn.choice(["iris", "rose", "tulip"])
        rows.append([str(drawn.gauss(len(kind), 0.3)), str(drawn.gauss(0, 1)), kind])
    data = written(tmp_path / "flowers.csv", [["petal", "noise", "species"], *rows])
    run = Pipeline("flowers").auto_train_xgboost(data).run(home=tmp_path, echo=None)
    assert run.metrics["accuracy"] > 0.6
    assert {"f1", "log_loss"} <= set(run.metrics)


def test_raw_rows_from_outside_are_split_by_preprocess(tmp_path) -> None:
    data = written(tmp_path / "churn.csv", telco()[:1500])
    pipe = Pipeline("outside").provide(RawData, str(data)).preprocess_with_defaults()
    with pytest.raises(Exception, match=r"Did you mean") as caught:
        pipe.require(min_auc=0.7)
    assert "evaluate_performance" in str(caught.value)
    pipe = Pipeline("outside").provide(RawData, str(data)).preprocess(label="churn").train_xgboost(n_estimators=40)
    run = pipe.evaluate_performance().run(home=tmp_path, echo=None)
    assert run.metrics["auc"] > 0.75


def test_two_branches_are_merged_compared_and_run_side_by_side(tmp_path) -> None:
    data = written(tmp_path / "churn.csv", telco()[:1500])
    base = Pipeline("two").load_data(data, label="churn").preprocess()
    left = base.train_xgboost(name="left", max_depth=2, n_estimators=30)
    right = base.train_xgboost(name="right", max_depth=Parameter("depth", 5), n_estimators=30)
    both = left.merge(right)
    for name in ("left", "right"):
        both = both.evaluate_performance(
            name=f"{name}_report", model_artifacts=both.outputs.get(name, "model_artifacts")
        )
    run = both.run(home=tmp_path, echo=None, parameters={"depth": 3})
    assert {step.status for step in run.steps.values()} == {"Succeeded"}
    assert '"max_depth": "3"' in (run.path / "steps" / "right" / "job.json").read_text()


def test_a_report_from_outside_cannot_feed_a_gate() -> None:
    pipe = Pipeline("outside").provide(EvaluationReport, "s3://bucket/report")
    with pytest.raises(Exception, match="reads its figures from the report of a step"):
        pipe.require(min_auc=0.5).materialize()
