"""What is counted and compared quickly is counted and compared as Arrow does it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from hypothesis import given, strategies as st

from fluentpipe.containers.columns import _count_distinct, _count_in, _leak, _row_keys, profile

values = st.lists(st.one_of(st.none(), st.floats(allow_nan=False), st.sampled_from([1.0, 2.0, float("nan")])))


@given(values)
def test_distinct_numbers_are_counted_as_arrow_counts_them(numbers):
    # Arrow tells NaN of different bits apart; there is but one here
    column = pa.chunked_array([pa.array([None if x is None else x + 0.0 for x in numbers], pa.float64())])
    assert _count_distinct(column) == pc.count_distinct(column, mode="only_valid").as_py()


@given(st.lists(st.tuples(st.sampled_from([0.0, -0.0, 1.5, float("nan")]), st.sampled_from(["a", None, "b"]))))
def test_rows_have_one_key_exactly_where_they_are_equal(rows):
    table = pa.table(
        {"x": pa.array([x for x, _ in rows], pa.float64()), "y": pa.array([y for _, y in rows], pa.string())}
    )
    plain = [(str(x + 0.0), y) for x, y in rows]
    keys = _row_keys(table).tolist()
    assert [keys.index(key) for key in keys] == [plain.index(row) for row in plain]


keys = st.lists(st.integers(0, 20) | st.integers(0, 2**64 - 1)).map(lambda some: np.sort(np.array(some, np.uint64)))


@given(keys, keys)
def test_known_keys_are_counted_as_numpy_counts_them(some, known):
    assert _count_in(some, known) == np.isin(some, known).sum()


def test_a_number_that_is_missing_for_one_class_gives_the_label_away():
    labels = np.arange(1000) % 2.0
    present = np.random.default_rng(0).normal(size=1000)
    for missing in (labels == 1, labels == 0):
        column = pa.chunked_array([pa.array(np.where(missing, np.nan, present), from_pandas=True)])
        assert "AUC of 1.000" in _leak(column, profile("x", column), labels, "binary")
    column = pa.chunked_array([pa.array(present)])
    assert _leak(column, profile("x", column), labels, "binary") == ""
    # missing or high for one class, low for the other: only with missing values as the highest does it tell
    column = pa.chunked_array(
        [pa.array(np.where(labels == 0, -1.0, np.where(present > 0, 5.0, np.nan)), from_pandas=True)]
    )
    assert "AUC of 1.000" in _leak(column, profile("x", column), labels, "binary")


def leak_of_classes(values: Any, labels: Any) -> str:
    column = pa.chunked_array([pa.array(values, from_pandas=True)])
    return _leak(column, profile("x", column), np.asarray(labels, dtype=np.float64), "multiclass")


def test_a_column_that_lays_the_classes_apart_gives_the_label_away():
    random = np.random.default_rng(0)
    labels = random.permutation(np.arange(2000) % 4)
    assert "of the class of the next row" in leak_of_classes(labels * 10 + random.random(2000), labels)
    assert "of the class of the next row" in leak_of_classes(
        np.array(["north", "south", "east", "west"])[labels], labels
    )
    assert leak_of_classes(random.normal(size=2000) + labels, labels) == ""
    assert leak_of_classes(np.array(["north", "south"])[labels // 2], labels) == ""  # tells two of four


def test_the_order_of_the_file_gives_nothing_away():
    labels = np.sort(np.arange(2000) % 4)
    assert leak_of_classes(np.arange(2000) % 2 * 1.0, labels) == ""
    assert leak_of_classes(np.full(2000, np.nan), labels) == ""
    assert leak_of_classes(np.zeros(2000), np.array([0] * 1998 + [1, 2])) == ""  # one class is nearly everything
