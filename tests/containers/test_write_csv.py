"""Rows as CSV: the part that is asked for, all values as they were, classes as numbers where that is asked."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from fluentpipe.containers import write_csv
from fluentpipe.containers.job import JobError

ROWS = pa.table({
    "label": ["Yes", "No", None, "No, never"],
    "prediction": ["No", "No", "Yes", "No"],
    "probability": [0.25, None, 1e-9, 1.0],
})  # fmt: skip


def written(rows: Path, output: Path, *words: str) -> pa.Table:
    write_csv.main(["--rows", str(rows), "--output", str(output), *words])
    return pyarrow.csv.read_csv(
        output / "rows.csv", convert_options=pyarrow.csv.ConvertOptions(strings_can_be_null=True)
    )


def split_rows(folder: Path) -> Path:
    """As load_data leaves them."""
    for index, name in enumerate(("train", "validation", "test")):
        (folder / name).mkdir(parents=True)
        pq.write_table(ROWS.slice(index), folder / name / "data.parquet")
    (folder / "schema.json").write_text("{}")
    return folder


@pytest.mark.parametrize(("split", "count"), [("train", 4), ("validation", 3), ("test", 2), ("all", 9)])
def test_the_part_that_is_asked_for_is_written(tmp_path: Path, split: str, count: int) -> None:
    found = written(split_rows(tmp_path / "raw"), tmp_path / "out", "--split", split)
    assert found.num_rows == count
    if split == "train":
        assert found.equals(ROWS)


def test_what_preprocess_wrote_has_no_parts(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    pq.write_table(ROWS, tmp_path / "train" / "data.parquet")
    (tmp_path / "train" / "schema.json").write_text("{}")
    assert written(tmp_path / "train", tmp_path / "out", "--split", "train").equals(ROWS)


def test_classes_are_numbers_where_that_is_asked(tmp_path: Path) -> None:
    pq.write_table(ROWS, tmp_path / "predictions.parquet")
    words = ("--positive-class", "Yes", "--class-columns", '["label", "prediction"]')
    found = written(tmp_path / "predictions.parquet", tmp_path / "out", *words)
    assert found.column("label").to_pylist() == [1, 0, None, 0]
    assert found.column("prediction").to_pylist() == [0, 0, 1, 0]
    assert found.column("probability").equals(ROWS.column("probability"))


@pytest.mark.parametrize(
    ("positive", "columns", "said"),
    [("yes", '["label"]', "is of the class 'yes'"), ("Yes", '["lable"]', "Did you mean 'label'?")],
)
def test_a_class_or_a_column_that_is_not_there_is_told(tmp_path: Path, positive: str, columns: str, said: str) -> None:
    pq.write_table(ROWS, tmp_path / "a.parquet")
    with pytest.raises(JobError, match=said):
        written(tmp_path, tmp_path / "out", "--positive-class", positive, "--class-columns", columns)


def test_files_whose_columns_differ_are_told(tmp_path: Path) -> None:
    for name, value in (("a", 1), ("b", "one")):
        pq.write_table(pa.table({"x": [value]}), tmp_path / f"{name}.parquet")
    with pytest.raises(JobError, match=r"x \(int64\); then x \(string\)"):
        written(tmp_path, tmp_path / "out")


def test_no_rows_are_told(tmp_path: Path) -> None:
    pq.write_table(ROWS.slice(0, 0), tmp_path / "a.parquet")
    with pytest.raises(JobError, match="no rows"):
        written(tmp_path, tmp_path / "out")
