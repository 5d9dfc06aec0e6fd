"""Baselines and drift: in Model Monitor's layout, silent on more of the same, and not to be missed where rows have moved."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings, strategies as st

from fluentpipe.containers import (
    baseline,
    check_drift,
    data_statistics,
    drift,
    parquet_columns,
    quantile_sketch,
    reading,
    significance,
)
from fluentpipe.containers.job import JobError

from .chain import TELCO, Chain


def kept(table: parquet_columns.Rows, label: str = "") -> dict[str, Any]:
    """Statistics, having been to disk."""
    found: dict[str, Any] = json.loads(json.dumps(data_statistics.statistics(table, label), allow_nan=False))
    return found


def checks(statistics: dict[str, Any], table: pa.Table, limits: drift.Limits | None = None) -> set[tuple[str, str]]:
    limits = limits or drift.Limits()
    return {
        (each.name, check) for each in drift.compare(statistics, table, limits) for check, _ in each.found(limits.alpha)
    }


@pytest.mark.parametrize("distance", [0.01, 0.05, 0.1, 0.3])
@pytest.mark.parametrize("sizes", [(200, 5000), (1000, 1000), (40, 60)])
def test_kolmogorov_is_scipy_s(distance: float, sizes: tuple[int, int]) -> None:
    stats = pytest.importorskip("scipy.stats")
    expected = stats.kstwobign.sf(np.sqrt(sizes[0] * sizes[1] / sum(sizes)) * distance)
    assert significance.kolmogorov(distance, *sizes) == pytest.approx(expected, rel=1e-9, abs=1e-12)


@given(st.floats(0, 2000), st.integers(1, 120))
def test_chi_square_is_scipy_s(statistic: float, freedom: int) -> None:
    stats = pytest.importorskip("scipy.stats")
    expected = stats.chi2.sf(statistic, freedom)
    assert significance.chi_square(statistic, freedom) == pytest.approx(expected, rel=1e-8, abs=1e-14)


@given(st.integers(0, 60), st.integers(1, 40), st.floats(0.01, 0.95))
def test_the_tail_of_the_negative_binomial_is_scipy_s(count: int, successes: int, share: float) -> None:
    stats = pytest.importorskip("scipy.stats")
    expected = stats.nbinom.sf(count - 1, successes, 1 - share)
    assert significance.negative_binomial(count, successes, share) == pytest.approx(expected, abs=1e-10)


def test_any_number_of_unseen_rows_is_judged_in_a_moment() -> None:
    assert significance.negative_binomial(10**12, 3.0, 0.4) == pytest.approx(0.0, abs=1e-12)


def test_holm_is_the_worked_example() -> None:
    assert significance.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


@given(st.lists(st.floats(0, 1), max_size=20))
def test_holm_keeps_the_order_and_never_lowers(chances: list[float]) -> None:
    corrected = significance.holm(chances)
    assert all(chance <= each <= 1 for chance, each in zip(chances, corrected, strict=True))
    pairs = sorted(zip(chances, corrected, strict=True))
    assert [each for _, each in pairs] == sorted(each for _, each in pairs)


@pytest.mark.parametrize("rows", [1, 7, 2048, 2049, 10_000, 300_001])
def test_a_sketch_stands_for_every_row_and_is_off_by_less_than_it_says(rows: int) -> None:
    values = np.sort(np.random.default_rng(rows).lognormal(size=rows))
    found = quantile_sketch.read(json.loads(json.dumps(quantile_sketch.distribution(values))))
    assert found.rows == rows
    assert len(found.points) <= quantile_sketch.SIZE + 20
    exact = np.searchsorted(values, values, side="right") / rows
    off = float(np.abs(found.share_at_or_below(values) - exact).max())
    assert off == 0 if rows <= quantile_sketch.SIZE else off <= 0.001 < found.slack


@example([1.7976931348623157e308])
@example([-1.7976931348623157e308, 1.7976931348623157e308])
@example([7.0, 7.0])
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=50))
def test_the_buckets_hold_every_number(numbers: list[float]) -> None:
    table = pa.table({"x": pa.array(numbers, pa.float64())})
    (feature,) = kept(table)["features"]
    facts = feature["numerical_statistics"]
    assert sum(bucket["count"] for bucket in facts["distribution"]["kll"]["buckets"]) == len(numbers)
    assert facts["min"] == min(numbers)
    assert facts["max"] == max(numbers)


def test_a_sketch_of_model_monitor_s_is_read() -> None:
    data = [[5.0, 1.0], [2.0, 4.0], [3.0]]  # standing for 1, 2 and 4 rows each
    found = quantile_sketch.read(
        {"kll": {"buckets": [], "sketch": {"parameters": {"c": 0.64, "k": 2048.0}, "data": data}}}
    )
    assert found.points.tolist() == [1, 2, 3, 4, 5]
    assert found.weights.tolist() == [1, 2, 4, 2, 1]
    assert found.quantiles(np.array([0.1, 0.3, 0.5, 1.0])).tolist() == [1, 2, 3, 5]


def test_the_files_have_the_members_of_model_monitor_s_layout(tmp_path: Path) -> None:
    rows = {"id": [f"c{row}" for row in range(30)], "amount": [*range(-1, 28), None], "plan": ["a", "b", "a"] * 10}
    reading.write_parquet(pa.table(rows), tmp_path / "rows.parquet")
    baseline.main([f"--rows={tmp_path / 'rows.parquet'}", f"--output={tmp_path}"])
    statistics, constraints = (
        json.loads((tmp_path / name).read_text()) for name in ("statistics.json", "constraints.json")
    )
    assert statistics["dataset"] == {"item_count": 30}
    identifier, amount, plan = statistics["features"]
    assert identifier["is_identifier"]
    assert amount["inferred_type"] == "Integral"
    assert amount["numerical_statistics"]["common"] == {"num_present": 29, "num_missing": 1}
    assert {"mean", "sum", "std_dev", "min", "max", "distribution"} < set(amount["numerical_statistics"])
    assert plan["string_statistics"] == {
        "common": {"num_present": 30, "num_missing": 0},
        "distinct_count": 2.0,
        "distribution": {"categorical": {"buckets": [{"value": "a", "count": 20}, {"value": "b", "count": 10}]}},
    }
    assert constraints["features"][1] == {
        "name": "amount", "inferred_type": "Integral", "completeness": pytest.approx(29 / 30),
        "num_constraints": {"is_non_negative": False},
    }  # fmt: skip
    assert constraints["features"][2]["string_constraints"] == {"domains": ["a", "b"]}
    assert constraints["monitoring_config"]["distribution_constraints"]["perform_comparison"] == "Enabled"


def two_columns(rows: int = 2000, seed: int = 0) -> dict[str, Any]:
    random = np.random.default_rng(seed)
    return {"amount": random.normal(size=rows), "plan": random.choice(["a", "b", "c"], rows, p=[0.6, 0.3, 0.1])}


def with_missing(values: Any, share: float) -> list[Any]:
    return [None if place < share * len(values) else value for place, value in enumerate(values)]


MOVED: dict[str, tuple[Callable[[dict[str, Any]], dict[str, Any]], set[tuple[str, str]]]] = {
    "nothing": (lambda rows: rows, set()),
    "the mean": (lambda rows: {**rows, "amount": rows["amount"] + 0.5}, {("amount", "baseline_drift_check")}),
    "the spread": (lambda rows: {**rows, "amount": rows["amount"] * 2}, {("amount", "baseline_drift_check")}),
    "less than counts": (lambda rows: {**rows, "amount": rows["amount"] + 0.15}, set()),
    "the categories": (
        lambda rows: {**rows, "plan": np.where(np.arange(2000) % 2, "c", rows["plan"])},
        {("plan", "baseline_drift_check")},
    ),
    "a few unseen categories": (
        lambda rows: {**rows, "plan": np.where(np.arange(2000) < 30, "new", rows["plan"])},
        {("plan", "categorical_values_check")},
    ),
    "one row of an unseen category": (lambda rows: {**rows, "plan": ["new", *rows["plan"][1:]]}, set()),
    "missing numbers": (lambda rows: {**rows, "amount": with_missing(rows["amount"], 0.05)}, {("amount", "completeness_check")}),
    "missing categories": (lambda rows: {**rows, "plan": with_missing(rows["plan"], 0.05)}, {("plan", "completeness_check")}),
    "numbers that became text": (lambda rows: {**rows, "amount": ["n. v."] * 2000}, {("amount", "data_type_check")}),
    "a column that is gone": (lambda rows: {"plan": rows["plan"]}, {("amount", "missing_column_check")}),
}  # fmt: skip


@pytest.mark.parametrize(("change", "expected"), MOVED.values(), ids=MOVED)
def test_what_moved_is_named_and_nothing_else(change: Any, expected: set[tuple[str, str]]) -> None:
    statistics = kept(pa.table(two_columns()))
    assert checks(statistics, pa.table(change(two_columns(seed=1)))) == expected


def test_identifiers_times_and_free_text_are_not_compared() -> None:
    def table(start: int) -> pa.Table:
        numbers = range(start, start + 500)
        columns = {
            "customer_id": list(numbers),
            "code": [f"c{number}" for number in numbers],
            "seen": pa.array(np.array(numbers, dtype="datetime64[D]").astype("datetime64[us]")),
            "note": [f"words {number // 2}" for number in numbers],
        }
        return pa.table(columns)

    found = drift.compare(kept(table(0)), table(10_000), drift.Limits())
    assert [each.skipped for each in found] == [
        "an identifier", "an identifier", "neither numbers nor categories", "250 different texts are too many for categories",
    ]  # fmt: skip
    assert not any(each.found(0.01) for each in found)


def test_a_label_may_be_absent_and_other_columns_may_be_ignored() -> None:
    statistics = kept(pa.table(two_columns()), label="plan")
    shifted = pa.table({"amount": two_columns(seed=1)["amount"] + 3})
    assert checks(statistics, shifted) == {("amount", "baseline_drift_check")}
    assert [each.name for each in drift.compare(statistics, shifted, drift.Limits(), ["amount"])] == ["plan"]


_COLUMN = st.one_of(
    st.lists(st.none() | st.floats(allow_nan=False), min_size=3, max_size=3),
    st.lists(st.none() | st.text(max_size=3), min_size=3, max_size=3),
    st.lists(st.none() | st.booleans(), min_size=3, max_size=3),
)


@settings(max_examples=60)
@given(_COLUMN, _COLUMN)
def test_any_two_columns_can_be_compared_and_rows_never_drift_from_themselves(before: Any, now: Any) -> None:
    first, second = (reading.five_types(pa.table({"x": pa.array(column)}), "rows", []) for column in (before, now))
    report = check_drift.report_of(
        kept(first), 3, drift.compare(kept(first), second, drift.Limits()), [], drift.Limits()
    )
    json.dumps(report, allow_nan=False)
    assert not checks(kept(first), first)


@pytest.mark.parametrize(
    "statistics",
    [
        {},
        {"dataset": {}, "features": 3},
        {"dataset": {}, "features": [{"name": "amount"}]},
        {"dataset": {}, "features": [
            {"name": "amount", "inferred_type": "Integral", "numerical_statistics": {
                "common": {"num_present": 1, "num_missing": 0}, "distribution": {"kll": {"sketch": {"data": [["x"]]}}}}},
        ]},
    ],
)  # fmt: skip
def test_what_is_no_baseline_is_refused_in_words(statistics: Any, tmp_path: Path) -> None:
    (tmp_path / "statistics.json").write_text(json.dumps(statistics))
    reading.write_parquet(pa.table(two_columns(50)), tmp_path / "rows" / "rows.parquet")
    with pytest.raises(JobError, match=r"statistics.json of the baseline is not in Model Monitor's layout"):
        check_drift.main([f"--rows={tmp_path / 'rows'}", f"--baseline={tmp_path}", f"--output={tmp_path / 'out'}"])


def test_the_report_and_the_violations_of_a_changed_table(chain: Chain) -> None:
    chain.load(TELCO, "--label", "churn")
    kept_in, report_in = chain.folder / "baseline", chain.folder / "drift"
    baseline.main([f"--rows={chain.folder / 'raw'}", f"--output={kept_in}"])
    arguments = [f"--baseline={kept_in}", f"--output={report_in}"]
    check_drift.main([f"--rows={chain.folder / 'raw'}", *arguments])
    assert json.loads((report_in / "drift.json").read_text())["metrics"]["drifted_columns"] == 0
    assert json.loads((report_in / "constraint_violations.json").read_text()) == {"violations": []}

    table = reading.read_table(TELCO).table.slice(0, 800).drop_columns(["partner", "churn"])
    later = table.append_column("region", pa.array(["north"] * 800))
    reading.write_parquet(later, chain.folder / "later" / "rows.parquet")
    check_drift.main([f"--rows={chain.folder / 'later'}", *arguments])
    report = json.loads((report_in / "drift.json").read_text())
    violations = json.loads((report_in / "constraint_violations.json").read_text())["violations"]
    assert [(each["feature_name"], each["constraint_check_type"]) for each in violations] == [
        ("partner", "missing_column_check"), ("region", "extra_column_check"),
    ]  # fmt: skip
    assert report["metrics"]["drifted_columns"] == 1  # an added column is no drift
    assert report["drifted"] == "'partner'"
    assert {each["name"]: each.get("skipped") for each in report["columns"]}["churn"].startswith("the label")


def many_kinds(rows: int) -> pa.Table:
    random = np.random.default_rng(rows)
    return pa.table({
        "number": random.lognormal(size=rows), "whole": pa.array(random.integers(0, 9, rows), pa.int32()),
        "a": [f"t{place % 7}" for place in range(rows)], "a.b": random.normal(size=rows),
        "some": [None if place % 3 else place / 2 for place in range(rows)], "nested": [[1]] * rows,
        "when": pa.array(np.arange(rows).astype("datetime64[D]")), "flag": random.random(rows) < 0.5,
    })  # fmt: skip


def test_columns_read_one_at_a_time_have_the_figures_of_the_whole_table(tmp_path: Path) -> None:
    first, second = many_kinds(5000), many_kinds(3000)
    second = second.set_column(1, "whole", pa.array(np.arange(3000) / 2))  # a number here, whole there
    for name, table in (("1", first), ("2", second), ("3", first.slice(0, 0))):
        pq.write_table(table, tmp_path / f"{name}.parquet", row_group_size=999)
    whole, (rows, _) = reading.read_table(tmp_path), baseline.open_rows(tmp_path, "all")
    assert not isinstance(rows, pa.Table)
    assert (rows.num_rows, rows.column_names) == (whole.table.num_rows, whole.table.column_names)
    assert "nested" not in rows.column_names
    assert kept(rows) == kept(whole.table)
    assert drift.compare(kept(rows), rows, drift.Limits()) == drift.compare(kept(rows), whole.table, drift.Limits())
    assert baseline.read_rows(tmp_path, "all")[0].equals(whole.table)


@pytest.mark.slow
def test_a_wide_table_never_lies_in_memory_whole(tmp_path: Path) -> None:
    wide = pa.table({f"c{number}": np.random.default_rng(number).normal(size=40_000) for number in range(60)})
    pq.write_table(wide, tmp_path / "rows.parquet")
    code = (
        "import pyarrow as pa; from fluentpipe.containers import baseline, check_drift;"
        f"baseline.main(['--rows={tmp_path}', '--output={tmp_path}/kept']);"
        f"check_drift.main(['--rows={tmp_path}/rows.parquet', '--baseline={tmp_path}/kept', '--output={tmp_path}/out']);"
        "print(pa.default_memory_pool().max_memory())"
    )
    environment = {**os.environ, "OMP_NUM_THREADS": "2"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert int(done.stdout.split()[-1]) < wide.nbytes / 3


@pytest.mark.slow
def test_false_alarms_are_rare_and_half_a_standard_deviation_is_found(
    record_property: Callable[[str, object], None],
) -> None:
    """On the 7043 rows of the churn data: samples of 500 rows, against the baseline of all."""
    table = reading.read_table(TELCO).table
    statistics = kept(table, "churn")
    random = np.random.RandomState(0)

    def sample() -> pa.Table:
        return table.take(pa.array(random.randint(0, table.num_rows, 500)))

    false_alarms = sum(bool(checks(statistics, sample())) for _ in range(200))
    record_property("false_alarms", false_alarms)
    assert false_alarms <= 5
    for name in ("tenure", "monthly_charges", "total_charges"):
        shift = 0.5 * float(np.nanstd(table.column(name).to_numpy()))
        found = 0
        for _ in range(100):
            rows = sample()
            moved = pa.chunked_array([rows.column(name).cast(pa.float64()).to_numpy() + shift])
            rows = rows.set_column(rows.column_names.index(name), name, moved)
            found += {each for each, _ in checks(statistics, rows)} == {name}
        record_property(f"found_{name}", found)
        assert found >= 95
    held_out = 0
    for _ in range(40):  # rows that the baseline has not seen
        order = random.permutation(table.num_rows)
        rest = kept(table.take(pa.array(order[500:])), "churn")
        held_out += bool(checks(rest, table.take(pa.array(order[:500]))))
    assert held_out <= 2
