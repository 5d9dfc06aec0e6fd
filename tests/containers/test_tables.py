"""Reading tables, choosing the label, splitting rows, learning the preprocessing."""

# ruff: noqa: DTZ001  (instants without a zone are what is under test)

from __future__ import annotations

import datetime as dt
import decimal
import gzip
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from fluentpipe.containers import csv_text, labels, learning, load_data, reading, splitting, tasks
from fluentpipe.containers.job import JobError
from fluentpipe.containers.preprocessing import Preprocessing

from .chain import TELCO, Chain


def written(folder: Path, content: str | bytes, name: str = "rows.csv") -> Path:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return file


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "rows.csv is empty"),
        ("\n\n", "rows.csv is empty"),
        ("a,b\n", "no rows in 'rows.csv': there is only a header"),
        ("a,b", "no rows in 'rows.csv': there is only a header"),
        ("1,2\n3,4\n", "rows.csv has no header: its first line is '1', '2'"),
        ("a,b,a\n1,2,3\n", "rows.csv names 'a' more than once"),
        ("a,b\n1,2\n3\n4,5,6\n", "2 rows do not have the 2 fields of the header: line 3 has 1; line 4 has 3."),
        ('a,b\n"x\ny",2\n3\n', "1 row does not have the 2 fields of the header: line 4 has 1."),
        ("a,b\n" + "1\n" * 9, "9 rows do not have the 2 fields of the header: line 2 has 1"),
        (gzip.compress(b"a,b\n1,2\n", mtime=0)[:-6], "rows.csv cannot be read"),
        (b"PAR1 and no more", "rows.csv is not a readable Parquet file"),
    ],
)
def test_a_file_that_is_no_table_is_refused_with_the_reason(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(JobError) as fault:
        reading.read_table(written(tmp_path, content))
    assert message in str(fault.value)


@pytest.mark.parametrize(
    ("content", "columns"),
    [
        ("a,b\n1,x\n", {"a": [1], "b": ["x"]}),
        ("\ufeffa,b\n1,x\n", {"a": [1], "b": ["x"]}),
        ("a,b\n1,x\n".encode("utf-16"), {"a": [1], "b": ["x"]}),
        ("a;b\n1,5;x\n", {"a": [1.5], "b": ["x"]}),
        ("a\tb\n1\tx\n", {"a": [1], "b": ["x"]}),
        ('"a;1",b\n1,x\n', {"a;1": [1], "b": ["x"]}),
        ('a,b\n1,"x\ny"\n', {"a": [1], "b": ["x\ny"]}),
        ("a,b\nNA,null\n1,x\n", {"a": [None, 1], "b": [None, "x"]}),
        (",b\n0,x\n", {"unnamed_1": [0], "b": ["x"]}),
        ("a,b\n1,caf\xe9\n".encode("latin-1"), {"a": [1], "b": ["café"]}),
        (gzip.compress(b"a,b\n1,x\n", mtime=0), {"a": [1], "b": ["x"]}),
        ("a\n2024-05-31\n", {"a": [dt.datetime(2024, 5, 31)]}),
    ],
)
def test_usual_kinds_of_csv_are_read(tmp_path: Path, content: str | bytes, columns: dict[str, list[object]]) -> None:
    assert reading.read_table(written(tmp_path, content)).table.to_pydict() == columns


def test_a_byte_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    source = reading.read_table(written(tmp_path, b"a,b\n1,ok\n2,caf\xe9\n"))
    assert source.warnings == ("rows.csv is not UTF-8 (byte 0xe9 in line 3); it was read as Windows-1252",)


@pytest.mark.parametrize("before", [(1 << 20) - 4, (1 << 20) - 3, 1 << 20, 3 << 20])
@pytest.mark.parametrize("lead", ["", "é"])  # a file in which all bytes before are ASCII, or not
def test_a_byte_that_is_not_utf8_is_named_by_its_line_wherever_a_block_ends(
    tmp_path: Path, before: int, lead: str
) -> None:
    content = f"a,b\n1,{lead}\n".encode()
    content += b"1,x\n" * ((before - len(content)) // 4) + b"2,\xe9\xa9"
    found: list[str] = []
    assert csv_text.encoding_of(written(tmp_path, content), found) == "cp1252"
    line = content.count(10) + 1  # line feeds
    assert f"byte 0xe9 in line {line})" in found[0]


def test_a_character_across_two_blocks_is_utf8(tmp_path: Path) -> None:
    for cut in (1, 2):
        content = b"x" * ((1 << 20) - cut) + "€\n".encode()
        assert csv_text.encoding_of(written(tmp_path, content), []) == "utf8"


def test_a_type_holds_for_the_whole_column_not_for_its_beginning(tmp_path: Path) -> None:
    content = "a,b\n" + "1,2\n" * 400_000 + "x,2.5\n"  # more than one block of Arrow's reader
    table = reading.read_table(written(tmp_path, content)).table
    assert [str(kind) for kind in table.schema.types] == ["string", "double"]
    assert table["a"][0].as_py() == "1"


def test_a_folder_is_read_in_order_without_markers(tmp_path: Path) -> None:
    for name, content in {
        "b.csv": "a\n3\n",
        "a/1.csv": "a\n1\n",
        "_SUCCESS": "",
        ".x.csv": "a\n9\n",
        "n.md": "#",
    }.items():
        written(tmp_path, content, name)
    source = reading.read_table(tmp_path)
    assert source.files == ("a/1.csv", "b.csv")
    assert source.table.to_pydict() == {"a": [1, 3]}
    assert source.warnings == ("ignored 'n.md': neither CSV nor Parquet by suffix",)


def test_a_column_that_is_text_in_one_file_is_text_in_all_as_it_was_written(tmp_path: Path) -> None:
    written(tmp_path, "a,b\n007,1\n", "1.csv")
    written(tmp_path, "a,b\nx,2.5\n", "2.csv")
    assert reading.read_table(tmp_path).table.to_pydict() == {"a": ["007", "x"], "b": [1.0, 2.5]}


def test_files_with_other_columns_are_refused_by_name(tmp_path: Path) -> None:
    written(tmp_path, "a,b\n1,2\n", "1.csv")
    written(tmp_path, "a,c\n1,2\n", "2.csv")
    with pytest.raises(JobError, match=r"compared with 1.csv, 2.csv lacks 'b' and adds 'c'"):
        reading.read_table(tmp_path)


def test_an_empty_folder_says_so(tmp_path: Path) -> None:
    with pytest.raises(JobError, match="no CSV or Parquet files"):
        reading.read_table(tmp_path)


def test_parquet_columns_of_every_kind_become_one_of_five_types(tmp_path: Path) -> None:
    zone = dt.timezone(dt.timedelta(hours=2))
    table = pa.table(
        {
            "dictionary": pa.array(["x", None]).dictionary_encode(),
            "decimal": pa.array([decimal.Decimal("1.50"), None]),
            "date": pa.array([dt.date(2024, 5, 31), None]),
            "zoned": pa.array([dt.datetime(2024, 5, 31, 12, tzinfo=zone), None], pa.timestamp("ns", "Europe/Berlin")),
            "small": pa.array([1, None], pa.int8()),
            "half": pa.array([float("nan"), 2.0], pa.float32()),
            "nothing": pa.nulls(2),
            "list": pa.array([[1], [2]]),
        }
    )
    pq.write_table(table, tmp_path / "rows.parquet")
    source = reading.read_table(tmp_path)
    assert source.table.to_pydict() == {
        "dictionary": ["x", None],
        "decimal": [1.5, None],
        "date": [dt.datetime(2024, 5, 31), None],
        "zoned": [dt.datetime(2024, 5, 31, 10), None],
        "small": [1, None],
        "half": [None, 2.0],
        "nothing": [None, None],
    }
    assert source.warnings[0].startswith("column 'list' of rows.parquet was left out")


def test_the_nameless_index_of_a_data_frame_is_no_column(tmp_path: Path) -> None:
    pd = pytest.importorskip("pandas", reason="in every environment of the tests")
    pd.DataFrame({"age": [1, 2, 3, 4]}).drop(index=2).to_parquet(tmp_path / "rows.parquet")
    source = reading.read_table(tmp_path)
    assert source.table.to_pydict() == {"age": [1, 2, 4]}
    assert source.warnings[0].startswith("column '__index_level_0__' of rows.parquet was left out")
    assert next(part.column_names for part in reading.batches(tmp_path)) == ["age"]


def test_the_sample_of_a_file_names_its_columns_and_first_values() -> None:
    found = reading.sample(TELCO, rows=3)
    assert found["tenure"] == ["1", "34", "2"]
    assert reading.peek_columns(TELCO)[-1] == "churn"


@pytest.mark.parametrize(
    ("columns", "chosen"),
    [
        ({"age": [1, 2, 3], "churn": ["Yes", "No", "No"]}, "churn"),
        ({"age": [1, 2, 3], "Is Churned": [0, 1, 0]}, "Is Churned"),
        ({"age": [1, 2, 3], "isFraud": [0, 1, 0]}, "isFraud"),
        ({"a": [1, 2, 3], "target": [0.5, 1.5, 2.5]}, "target"),
        ({"class": ["1st", "2nd", "1st", "1st"], "survived": [0, 1, 0, 1]}, None),
        ({"x": [1, 2], "y": [1, 2]}, None),
        ({"a": [1, 2], "label": ["same", "same"]}, None),
        ({"a": [1, 2], "label": [f"text {number}" for number in range(200)]}, None),
        ({"a": [1, 2], "b": [0, 1]}, None),
    ],
)
def test_a_label_is_chosen_only_where_one_candidate_stands_alone(columns: dict[str, list], chosen: str | None) -> None:
    found = labels.choose_label(list(columns), columns)
    if chosen:
        assert isinstance(found, labels.Choice)
        assert found.label == chosen
    else:
        assert isinstance(found, labels.Ask)
        assert "label=" in found.question


@pytest.mark.parametrize(
    ("values", "task", "classes"),
    [
        (["Yes", "No", "No"], "binary", ("No", "Yes")),
        (["No", "Yes", "Yes", "Yes"], "binary", ("No", "Yes")),
        ([1, 0, 1, 1], "binary", (0, 1)),
        ([True, False], "binary", (False, True)),
        (["a", "b", "b"], "binary", ("b", "a")),
        ([1.5, 2.5], "binary", (1.5, 2.5)),
        ([3.0, 1.0, 2.0, None], "multiclass", (1, 2, 3)),
        (["c", "b", "a"], "multiclass", ("a", "b", "c")),
        (list(range(21)), "regression", ()),
        ([0.1, 0.2, 0.3], "regression", ()),
    ],
)
def test_the_task_follows_from_the_values(values: list[object], task: str, classes: tuple[object, ...]) -> None:
    column = pa.chunked_array([pa.array(values)])
    target = tasks.find_target(column, "label")
    assert (target.task, target.classes) == (task, classes)
    codes = target.numbers(column)
    known = [value for value in values if value is not None]
    read_back = [classes[int(code)] if classes else code for code in codes[~np.isnan(codes)]]
    assert read_back == known


@pytest.mark.parametrize(
    ("content", "arguments", "message"),
    [
        ("a,b\n1,2\n2,3\n", ["--label", "c"], "there is no column 'c' to be the label"),
        ("a,b\n1,2\n2,3\n", [], "cannot tell which column is the label"),
        ("a,label\n1,x\n2,x\n", ["--label", "label"], "only one value, 'x'"),
        ("a,label\n1,\n2,\n", ["--label", "label"], "no row has a value in the label column 'label'"),
        ("a,label\n1,x\n2,y\n", ["--label", "label"], "2 rows are too few to split"),
        ("a,label\n1,x\n2,y\n", ["--label", "label", "--test-split", "1.2"], "the test split is 1.2"),
        (
            "a,label\n1,x\n2,y\n3,z\n",
            ["--label", "label", "--task", "regression"],
            "holds 'x', which is no finite number",
        ),
        ("a,label\n1,x\n2,y\n3,z\n", ["--label", "label", "--task", "binary"], "has 3 different values"),
        ("a,label\n1,x\n2,y\n", ["--label", "label", "--drop-columns", '["aa"]'], "Did you mean 'a'?"),
        ("a,label\n1,x\n2,y\n", ["--label", "label", "--drop-columns", "a"], "is not a JSON list"),
        ("a,label\n1,x\n2,y\n", ["--label", "label", "--time-column", "t"], "'t', which is no column"),
        ("a,label\nq,x\n2,y\n", ["--label", "label", "--time-column", "a"], "holds 'q', which is no time"),
    ],
)
def test_what_cannot_be_loaded_as_asked_is_refused(
    tmp_path: Path, content: str, arguments: list[str], message: str
) -> None:
    with pytest.raises(JobError) as fault:
        load_data.main(["--input", str(written(tmp_path, content)), "--output", str(tmp_path / "out"), *arguments])
    assert message in str(fault.value)
    assert not (tmp_path / "out").exists()


def test_suspicious_columns_and_rows_are_warned_about(tmp_path: Path, chain: Chain) -> None:
    lines = [f"C{row:03},{row % 2},{'ab'[row % 2]},1,{row % 7 * 1.5},{row % 2}" for row in range(100)]
    schema = chain.load(written(tmp_path, "\n".join(["customer,leak,word,one,x,label", *lines, *lines[:0]])))
    text = "\n".join(schema["warnings"])
    assert "constant columns, of no use: 'one'" in text
    assert "column 'customer' looks like an identifier" in text
    assert "column 'leak' may give the label away: alone it reaches an AUC of 1.000" in text
    assert "column 'word' may give the label away" in text
    assert "'x'" not in text
    assert "test rows are equal to a training row" in text


def test_rows_without_a_label_are_left_out_and_counted(tmp_path: Path, chain: Chain) -> None:
    lines = [f"{row % 3},{['no', 'yes', ''][row % 3]}" for row in range(60)]
    schema = chain.load(written(tmp_path, "\n".join(["a,label", *lines])))
    assert sum(schema["rows"].values()) == 40
    assert "20 rows without a label were left out" in schema["warnings"]


def test_a_split_by_time_puts_the_latest_rows_into_the_test(tmp_path: Path, chain: Chain) -> None:
    days = [dt.date(2024, 1, 1) + dt.timedelta(days=(row * 37) % 100) for row in range(100)]
    content = "\n".join(["day,x,label", *(f"{day},{row},{row % 2}" for row, day in enumerate(days))])
    arguments = ["--label", "label", "--time-column", "day", "--test-split", "0.2", "--validation-split", "0.25"]
    assert chain.load(written(tmp_path, content), *arguments)["rows"] == {"train": 60, "validation": 20, "test": 20}
    parts = [
        pq.read_table(chain.folder / "raw" / name / "data.parquet")["day"].to_pylist() for name in splitting.SPLITS
    ]
    assert max(parts[0]) < min(parts[1])
    assert max(parts[1]) < min(parts[2])


def test_splits_of_nothing_are_empty_tables(tmp_path: Path, chain: Chain) -> None:
    rows = chain.load(TELCO, "--test-split", "0", "--validation-split", "0")["rows"]
    assert rows == {"train": 7043, "validation": 0, "test": 0}
    chain.preprocess()
    assert pq.read_table(chain.folder / "test" / "data.parquet").num_rows == 0


@given(
    counts=st.lists(st.integers(3, 60), min_size=2, max_size=5),
    validation=st.sampled_from([0.0, 0.1, 0.25]),
    test=st.sampled_from([0.0, 0.2, 0.33]),
    seed=st.integers(0, 2**40),
)
def test_a_stratified_split_gives_every_class_its_share(
    counts: list[int], validation: float, test: float, seed: int
) -> None:
    codes = np.repeat(np.arange(len(counts)), counts)
    parts = splitting.split_randomly(len(codes), codes, validation, test, seed)
    assert np.array_equal(parts, splitting.split_randomly(len(codes), codes, validation, test, seed))
    for code, count in enumerate(counts):
        mine = np.bincount(parts[codes == code], minlength=3)
        assert mine.sum() == count
        assert mine[0] >= 1
        assert bool(mine[2]) == bool(test)
        assert bool(mine[1]) == bool(validation)
        assert abs(mine[2] - count * test) <= 1
        assert abs(mine[1] - (count - mine[2]) * validation) <= 1.5


texts = st.one_of(st.none(), st.sampled_from(["a", "b", "c c", "NA", "", 'q"uote', "new\nline", "1", "01", "é"]))
values = {
    "whole": st.one_of(st.none(), st.integers(-(2**60), 2**60)),
    "real": st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=True)),
    "truth": st.one_of(st.none(), st.booleans()),
    "text": texts,
    "when": st.one_of(st.none(), st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2100, 1, 1))),
}
types = {
    "whole": pa.int64(),
    "real": pa.float64(),
    "truth": pa.bool_(),
    "text": pa.string(),
    "when": pa.timestamp("us"),
}
TARGET = tasks.Target("label", "regression")


@st.composite
def tables(draw: st.DrawFn) -> pa.Table:
    rows = draw(st.integers(1, 12))
    columns = {
        name: pa.array(draw(st.lists(strategy, min_size=rows, max_size=rows)), types[name], from_pandas=False)
        for name, strategy in values.items()
    }
    return pa.table({**columns, "label": pa.array(range(rows), pa.int64())})


def learned(table: pa.Table) -> Preprocessing:
    kept = learning.Choices(min_frequency=2, keep_columns=tuple(values))
    return learning.fit(table, TARGET, kept)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(training=tables(), rows=tables())
def test_rows_from_csv_are_transformed_as_the_same_rows_from_parquet(
    tmp_path: Path, training: pa.Table, rows: pa.Table
) -> None:
    pq.write_table(rows, tmp_path / "rows.parquet")
    pa.csv.write_csv(rows, tmp_path / "rows.csv")
    preprocessing = learned(training)
    typed = preprocessing.transform(reading.read_table(tmp_path / "rows.parquet").table)
    text_columns = preprocessing.input_columns
    text = preprocessing.transform(reading.read_table(tmp_path / "rows.csv", text_columns=text_columns).table)
    np.testing.assert_array_equal(typed, text)


@settings(max_examples=60, deadline=None)
@given(training=tables(), rows=tables())
def test_a_row_is_transformed_alike_whatever_rows_are_beside_it(training: pa.Table, rows: pa.Table) -> None:
    preprocessing = learned(training)
    whole = preprocessing.transform(rows)
    alone = [preprocessing.transform(rows.slice(row, 1)) for row in range(rows.num_rows)]
    np.testing.assert_array_equal(whole, np.concatenate(alone))


@settings(max_examples=60, deadline=None)
@given(training=tables())
def test_a_preprocessing_read_back_from_json_is_the_same(training: pa.Table) -> None:
    preprocessing = learned(training)
    assert Preprocessing.from_json(preprocessing.to_json()) == preprocessing


def test_rare_and_unseen_levels_share_a_code_and_missing_ones_have_none() -> None:
    table = pa.table({"c": ["a"] * 6 + ["b"] * 6 + ["x", "y", None], "label": range(15)})
    preprocessing = learning.fit(table, TARGET)
    found = preprocessing.transform(pa.table({"c": ["a", "b", "x", "new", None, "NA"]}))[:, 0]
    np.testing.assert_array_equal(found, [0, 1, 2, 2, np.nan, np.nan])


def test_only_so_many_categories_are_kept_the_most_frequent_ones() -> None:
    table = pa.table({"c": ["a"] * 3 + ["b"] * 5 + ["c"] * 4, "label": range(12)})
    preprocessing = learning.fit(table, TARGET, learning.Choices(min_frequency=0, max_categories=2))
    assert preprocessing.columns[0].levels == ("b", "c")
    assert preprocessing.columns[0].pools_rare


def test_every_column_that_is_not_used_has_its_reason() -> None:
    rows = 200
    table = pa.table(
        {
            "id": list(range(rows)),
            "name": [f"n{row}" for row in range(rows)],
            "note": [f"t{row // 2}" if row % 3 else f"u{row}" for row in range(rows)],
            "same": ["x"] * rows,
            "empty": pa.nulls(rows, pa.float64()),
            "asked": [row % 5 for row in range(rows)],
            "x": [row % 7 for row in range(rows)],
            "label": [row % 2 for row in range(rows)],
        }
    )
    found = learning.fit(table, TARGET, learning.Choices(drop_columns=["asked"]))
    assert [column.name for column in found.columns] == ["x"]
    reasons = dict(found.dropped)
    assert reasons["id"].startswith("looks like an identifier: it is named")
    assert reasons["name"].startswith("looks like an identifier: every text")
    assert reasons["note"].startswith("free text")
    assert reasons["same"] == "the same value in every training row"
    assert reasons["empty"] == "no values"
    assert reasons["asked"] == "asked to be dropped"
    kept = learning.fit(table, TARGET, learning.Choices(keep_columns=["id"], drop_id_columns=True))
    assert kept.columns[0].name == "id"


def test_feature_names_are_such_that_xgboost_takes_them_and_unique() -> None:
    table = pa.table({"a[0]": [1, 2], "a(0)": [3, 5], "b<c": [2, 1], "__label__": [1, 0], "label": [1, 2]})
    names = [feature.name for feature in learning.fit(table, TARGET).features]
    assert names == ["a(0)", "a(0)_2", "b_c", "__label___2"]
