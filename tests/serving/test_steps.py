"""Batch transform and scoring say what the evaluation saw, on the same rows."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq
import pytest

from fluentpipe import ModelArtifacts, Pipeline, RawData, predict
from fluentpipe.run import Run

from .conftest import write_rows
from .test_predict import evaluated, same

pytestmark = pytest.mark.xdist_group("serving")  # one run for all of them


def as_table(answers: Path, run: Run) -> pa.Table:
    """The CSV that the inference script answers: the prediction and its probabilities, without a header."""
    with answers.open(newline="") as lines:
        rows = list(csv.reader(lines))
    names = [name for name in evaluated(run).column_names if name.startswith("p")]
    columns = {name: [row[place] for row in rows] for place, name in enumerate(names)}
    numbers = {name: np.asarray(values, dtype=np.float64) for name, values in columns.items() if "_" in name or name == "probability"}  # fmt: skip
    if evaluated(run)["prediction"].type == pa.float64():
        numbers["prediction"] = np.asarray(columns["prediction"], dtype=np.float64)
    return pa.table({**columns, **numbers})


def outcome(run: Run, step: str, output: str) -> Path:
    return run.steps[step].outputs[output]


def chain(folder: Path, label: str) -> Any:
    data = Pipeline("customers").load_data(write_rows(folder / "rows.csv", label), label="outcome").preprocess()
    pipe = data.train_xgboost(n_estimators=20, max_depth=3)
    return (pipe if label == "regression" else pipe.calibrate(method="platt")).evaluate_performance()


@pytest.mark.slow
@pytest.mark.parametrize("label", ["binary", "multiclass", "regression"])
def test_all_ways_of_serving_agree(label: str, tmp_path: Path) -> None:
    pipe = chain(tmp_path, label).create_model()
    tested = pipe.outputs.tabular_preprocessing.test_data
    run = (
        pipe.batch_transform()
        .batch_transform(name="preprocessed", rows=tested)
        .score()
        .score(name="score_preprocessed", rows=tested)
        .run(home=tmp_path / "home", echo=None)
    )
    for step in ("batch_transform", "preprocessed"):
        same(as_table(outcome(run, step, "transform_output") / "data.parquet.out", run), run)
    scored = pq.read_table(outcome(run, "model_scoring", "predictions") / "predictions.parquet")
    same(scored, run)
    assert scored.column_names[0] == "customer_id"
    same(pq.read_table(outcome(run, "score_preprocessed", "predictions") / "predictions.parquet"), run)


def test_new_rows_are_scored_in_a_pipeline_as_by_predict(binary: Run, tmp_path: Path) -> None:
    rows = write_rows(tmp_path / "new.csv", "binary", rows=30)
    archive = binary.models[0].path / "model.tar.gz"
    pipe = Pipeline("scoring").provide(ModelArtifacts, archive).provide(RawData, rows)
    run = pipe.score(output_format="csv", id_columns=["customer_id"]).run(home=tmp_path / "home", echo=None)
    found = arrow_csv.read_csv(outcome(run, "model_scoring", "predictions") / "predictions.csv")
    expected = predict(binary, rows)
    assert found["customer_id"].to_pylist() == expected["customer_id"].to_pylist()
    assert np.abs(found["probability"].to_numpy() - expected["probability"].to_numpy()).max() <= 1e-6


@pytest.mark.slow
def test_lines_of_csv_and_json_are_joined_with_their_predictions(binary: Run, tmp_path: Path) -> None:
    archive = binary.models[0].path / "model.tar.gz"
    given = write_rows(tmp_path / "new.csv", "binary", rows=25)
    header, *lines = given.read_text().splitlines()
    (tmp_path / "bare.csv").write_text("\n".join(lines) + "\n")
    records = [dict(zip(header.split(","), line.split(","), strict=True)) for line in lines]
    (tmp_path / "new.jsonl").write_text("".join(f"{json.dumps(each)}\n" for each in records))
    pipe = Pipeline("scoring").provide(ModelArtifacts, archive).create_model()
    joined = {"split_type": "Line", "join_source": "Input"}
    run = (
        pipe.batch_transform(rows=tmp_path / "bare.csv", output_filter="$[0,-1]", **joined)
        .batch_transform(
            name="lines", rows=tmp_path / "new.jsonl", output_filter="$['customer_id','SageMakerOutput']", **joined
        )
        .batch_transform(name="whole", rows=given)
        .run(home=tmp_path / "home", echo=None)
    )
    expected = predict(binary, given)
    pairs = list(zip(expected["customer_id"].to_pylist(), expected["probability"].to_pylist(), strict=True))

    def answers(step: str, file: str) -> list[str]:
        return (outcome(run, step, "transform_output") / file).read_text().splitlines()

    for line, (who, probability) in zip(answers("batch_transform", "bare.csv.out"), pairs, strict=True):
        assert line.split(",")[0] == who
        assert float(line.split(",")[1]) == pytest.approx(probability, abs=1e-6)
    for line, (who, probability) in zip(answers("lines", "new.jsonl.out"), pairs, strict=True):
        record = json.loads(line)
        assert record["customer_id"] == who
        assert record["SageMakerOutput"]["probability"] == pytest.approx(probability, abs=1e-6)
    whole = [float(line.split(",")[1]) for line in answers("whole", "new.csv.out")]
    assert whole == pytest.approx([probability for _, probability in pairs], abs=1e-6)
