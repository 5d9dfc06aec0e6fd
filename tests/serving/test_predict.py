"""A model predicts here what its evaluation saw, however it is named and however the rows come."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from fluentpipe import predict
from fluentpipe.cli import main
from fluentpipe.containers import reading
from fluentpipe.errors import SourceError
from fluentpipe.run import Run
from fluentpipe.serving import predict_file
from fluentpipe.serving.rows import parts_of

from .conftest import trained, write_rows

CLOSE = 1e-6
pytestmark = pytest.mark.xdist_group("serving")  # one run for all of them


def home(run: Run) -> Path:
    return run.path.parent.parent


def raw_test_rows(run: Run) -> Path:
    return run.steps["data_loading"].outputs["raw_data"] / "test" / "data.parquet"


def evaluated(run: Run) -> pa.Table:
    return pq.read_table(run.steps["model_evaluation"].outputs["predictions"] / "predictions.parquet")


def same(found: pa.Table, run: Run) -> None:
    expected = evaluated(run)
    assert found.num_rows == expected.num_rows > 0
    columns = [name for name in expected.column_names if name.startswith("probability")]
    if expected["prediction"].type == pa.float64():
        columns.append("prediction")
    else:
        assert found["prediction"].to_pylist() == expected["prediction"].to_pylist()
    for name in columns:
        assert np.abs(found[name].to_numpy() - expected[name].to_numpy()).max() <= CLOSE
    assert columns


GIVEN: dict[str, Callable[[Run], Any]] = {
    "the run": lambda run: run,
    "its id": lambda run: run.id,
    "last": lambda run: "last",
    "its folder": lambda run: run.path,
    "the archive": lambda run: run.steps["model_calibration"].outputs["calibrated_model"] / "model.tar.gz",
    "what it registered": lambda run: run.models[0],
    "the group": lambda run: "customers",
    "a version": lambda run: "customers/1",
    "its ARN": lambda run: run.models[0].arn,
    "the version's folder": lambda run: run.models[0].path,
}


@pytest.mark.parametrize("given", GIVEN.values(), ids=GIVEN)
def test_a_model_says_what_its_evaluation_saw_however_it_is_named(given: Callable[[Run], Any], binary: Run) -> None:
    same(predict(given(binary), raw_test_rows(binary), home=home(binary)), binary)


@pytest.mark.slow
@pytest.mark.parametrize(("label", "calibrated"), [("multiclass", False), ("multiclass", True), ("regression", False), ("binary", False)])  # fmt: skip
def test_every_task_predicts_the_same_before_and_after_the_registry(
    label: str, calibrated: bool, tmp_path: Path
) -> None:
    run = trained(tmp_path, label, calibrated=calibrated)
    for model in (run, run.models[0]):
        same(predict(model, raw_test_rows(run)), run)


def test_rows_of_any_form_give_the_same(binary: Run, tmp_path: Path) -> None:
    table = pq.read_table(raw_test_rows(binary))
    csv_file, packed = tmp_path / "rows.csv", tmp_path / "rows.csv.gz"
    arrow_csv.write_csv(table, csv_file)
    packed.write_bytes(gzip.compress(csv_file.read_bytes()))
    frame = table.to_pandas().set_index(np.arange(table.num_rows) + 100)
    for rows in (csv_file, packed, table, table.to_pydict()):
        same(predict(binary, rows), binary)
    of_frame = predict(binary, frame)
    assert isinstance(of_frame, pd.DataFrame)
    assert list(of_frame.index) == list(frame.index)
    same(pa.Table.from_pandas(of_frame, preserve_index=False), binary)
    records = predict(binary, [*table.to_pylist()])
    assert records[0].keys() == {"customer_id", "prediction", "probability"}
    same(pa.Table.from_pylist(records), binary)


def test_identifiers_go_with_the_predictions_as_they_are_written(binary: Run, tmp_path: Path) -> None:
    file = tmp_path / "new.csv"
    file.write_text("ticket,customer_id,tenure,plan,since,charge\n007,NA,3,basic,2020-01-01,20\n1e3,C 2,70,plus,,\n")
    assert predict(binary, file).select(["ticket", "customer_id"]).to_pylist() == [
        {"ticket": "007", "customer_id": "NA"},
        {"ticket": "1e3", "customer_id": "C 2"},
    ]
    assert predict(binary, file, id_columns=["tenure"]).column_names == ["tenure", "prediction", "probability"]
    assert predict(binary, file, id_columns=[]).column_names == ["prediction", "probability"]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ({"a": 1, "b": "text"}, r"'a', 'b' hold a single value each\.\n  fix: give a row as a list of one record"),
        ({"a": [1, 2], "b": [1]}, r"no table: .*\n  fix: give columns of one length"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "several columns 'a'"),
        (7, "Rows cannot be a int"),
    ],
    ids=["one row", "uneven", "repeated", "a number"],
)
def test_rows_that_are_none_are_told(rows: Any, said: str) -> None:
    with pytest.raises(SourceError, match=said):
        list(parts_of(rows, (), []))


def test_decimal_commas_are_read_value_by_value(binary: Run, tmp_path: Path) -> None:
    points, commas = tmp_path / "points.csv", tmp_path / "commas.csv"
    points.write_text("tenure,plan,since,charge\n3,basic,2020-01-01,20.5\n9,plus,2021-01-01,55\n")
    commas.write_text("tenure;plan;since;charge\n3;basic;2020-01-01;20,5\n9;plus;2021-01-01;55\n")
    assert predict(binary, commas).equals(predict(binary, points))


def test_a_large_file_is_read_a_part_at_a_time(binary: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = predict(binary, raw_test_rows(binary))
    file = tmp_path / "rows.csv"
    arrow_csv.write_csv(pq.read_table(raw_test_rows(binary)), file)
    monkeypatch.setattr(reading, "BATCH_ROWS", 7)
    monkeypatch.setattr("fluentpipe.containers.csv_text.BLOCK", 512)
    assert len(list(reading.batches(file))) > 3
    assert len(list(reading.batches(raw_test_rows(binary)))) > 3
    for rows, name in ((file, "out.csv"), (raw_test_rows(binary), "out.parquet")):
        count, warnings = predict_file(binary, rows, tmp_path / name)
        assert (count, warnings) == (whole.num_rows, [])
    same(pq.read_table(tmp_path / "out.parquet"), binary)
    same(arrow_csv.read_csv(tmp_path / "out.csv"), binary)


def test_no_rows_give_no_predictions(binary: Run, tmp_path: Path) -> None:
    file = tmp_path / "none.csv"
    file.write_text("tenure,plan,since,charge\n")
    found = predict(binary, file)
    assert (found.num_rows, found.column_names) == (0, ["prediction", "probability"])


def test_columns_that_are_missing_are_all_named(binary: Run, tmp_path: Path) -> None:
    file = tmp_path / "few.csv"
    file.write_text("tenure,Plan\n3,basic\n")
    with pytest.raises(
        SourceError,
        match=r"lack 3 of the columns that the model needs: 'plan', 'since', 'charge'\. Did you mean 'Plan'",
    ):
        predict(binary, file)
    with pytest.raises(SourceError, match="named as the predictions: 'prediction'"):
        predict(binary, [{"tenure": 1, "plan": "a", "since": None, "charge": 1, "prediction": 1}])


def test_nothing_of_the_archive_is_run(binary: Run, tmp_path: Path) -> None:
    original = binary.models[0].path / "model.tar.gz"
    marker, evil = tmp_path / "ran", tmp_path / "model.tar.gz"
    with tarfile.open(original) as read, tarfile.open(evil, "w:gz") as write:
        for member in read:
            content = read.extractfile(member)
            data = content.read() if content else b""
            if member.name.endswith(".py"):
                data = f"open({str(marker)!r}, 'w')".encode()
            member.size = len(data)
            write.addfile(member, io.BytesIO(data))
    same(predict(evil, raw_test_rows(binary)), binary)
    assert not marker.exists()


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("customer", "Did you mean 'customers'"),
        ("customers/4", r"has no version 4\.\n  its versions: 1"),
        ("nothing", "There is no model 'nothing'"),
    ],
)
def test_a_model_that_is_not_there_is_told_with_those_that_are(model: str, said: str, binary: Run) -> None:
    with pytest.raises(SourceError, match=said):
        predict(model, raw_test_rows(binary), home=home(binary))


@pytest.mark.parametrize(
    ("makers", "said"),
    [((), r"^Run r made no model\."), (("one", "two"), r"^Run r made 2 models\.\n  one: (.|\n)*\n  two: ")],
    ids=["none", "two"],
)
def test_a_run_without_the_one_model_is_told_by_what_it_made(
    makers: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    nothing: dict[str, Any] = dict.fromkeys(("seconds", "cpu_seconds", "peak_memory_mb", "exit_code", "log"))
    steps = {}
    for name in makers:
        archive = tmp_path / "runs" / "r" / name / "model.tar.gz"
        archive.parent.mkdir(parents=True)
        archive.touch()
        outputs = {"model": f"{name}/model.tar.gz"}
        steps[name] = {**nothing, "type": "Training", "status": "Succeeded", "outputs": outputs, "reason": ""}
    manifest = {"id": "r", "name": "p", "status": "Succeeded", "seconds": 1.0, "reason": "", "steps": steps}
    (tmp_path / "runs" / "r").mkdir(parents=True, exist_ok=True)
    (tmp_path / "runs" / "r" / "run.json").write_text(
        json.dumps({**manifest, "models": [], "property_files": [], "parameters": {}})
    )
    with pytest.raises(SourceError, match=said):
        predict("last", [{"a": 1}], home=tmp_path)


def test_an_archive_of_another_kind_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "model.tar.gz"
    with tarfile.open(file, "w:gz") as tar:
        tar.addfile(tarfile.TarInfo("xgboost-model"), io.BytesIO())
    with pytest.raises(SourceError, match=r"cannot be used: there is no model\.json"):
        predict(file, [{"a": 1}])


class TestTheCommand:
    def test_it_writes_a_file_that_appears_whole(self, binary: Run, tmp_path: Path) -> None:
        rows, out = write_rows(tmp_path / "rows.csv", "binary"), tmp_path / "out.csv"
        done = CliRunner().invoke(
            main, ["predict", "customers", str(rows), "-o", str(out), "--home", str(home(binary))]
        )
        assert (done.exit_code, done.output) == (0, f"wrote {out}: 400 predictions\n")
        assert arrow_csv.read_csv(out).column_names == ["customer_id", "prediction", "probability"]

        before = out.read_bytes()
        (tmp_path / "bad.csv").write_text("tenure,plan,since,charge\n" + "3,basic,2020-01-01,20\n" * 40 + "1,2\n")
        done = CliRunner().invoke(main, ["predict", str(binary.path), str(tmp_path / "bad.csv"), "-o", str(out)])
        assert done.exit_code == 2
        assert "line 42 has 2" in done.output
        assert out.read_bytes() == before
        assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.csv", "out.csv", "rows.csv"]

    def test_without_a_file_it_prints(self, binary: Run, tmp_path: Path) -> None:
        rows = write_rows(tmp_path / "rows.csv", "binary", rows=3)
        done = CliRunner().invoke(main, ["predict", str(binary.path), str(rows), "--id-column", "tenure"])
        assert done.exit_code == 0
        assert done.stdout.splitlines()[0] == '"tenure","prediction","probability"'
        assert len(done.stdout.splitlines()) == 4

    def test_a_name_without_a_format_is_refused(self, binary: Run, tmp_path: Path) -> None:
        rows = write_rows(tmp_path / "rows.csv", "binary", rows=3)
        done = CliRunner().invoke(main, ["predict", str(binary.path), str(rows), "-o", str(tmp_path / "out.xls")])
        assert done.exit_code == 2
        assert "end the name in .csv or in .parquet" in done.output
