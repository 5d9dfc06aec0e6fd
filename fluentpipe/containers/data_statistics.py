"""Statistics of a table, and what they ask of later tables, in Model Monitor's layout: `statistics.json`, `constraints.json`.

The members are those of the schemas that Amazon publishes for Model Monitor. Added are `label` of the data set and `is_identifier` of a
column, which readers of the layout skip.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.compute as pc

if TYPE_CHECKING or __package__:
    from . import columns, cores, quantile_sketch, values
else:  # beside its siblings, as the jobs run it
    import columns
    import cores
    import quantile_sketch
    import values

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

    from .parquet_columns import Rows

STATISTICS, CONSTRAINTS = "statistics.json", "constraints.json"
INTEGRAL, FRACTIONAL, STRING, UNKNOWN = "Integral", "Fractional", "String", "Unknown"
TYPES = {"integer": INTEGRAL, "number": FRACTIONAL, "boolean": STRING, "string": STRING, "timestamp": UNKNOWN}
MOST_LEVELS = 100  # different texts up to which a column is a choice among categories


def statistics(table: Rows, label: str = "") -> dict[str, Any]:
    """What `statistics.json` holds.

    Args:
        table: Of the five types of `reading`; each column is asked for once.
        label: The column to be predicted, if it is known.
    """
    features = cores.in_parallel(lambda name: _feature(name, table.column(name), label), table.column_names)
    dataset = {"item_count": table.num_rows, **({"label": label} if label else {})}
    return {"version": 0.0, "dataset": dataset, "features": features}


def constraints(found: Mapping[str, Any], threshold: float) -> dict[str, Any]:
    """What `constraints.json` holds, suggested from statistics.

    Args:
        found: What `statistics` gave.
        threshold: Distance of distributions from which Model Monitor itself calls it drift.
    """
    comparison = {
        "perform_comparison": "Enabled",
        "comparison_threshold": threshold,
        "comparison_method": "Robust",
    }
    config = {
        "evaluate_constraints": "Enabled",
        "emit_metrics": "Enabled",
        "datatype_check_threshold": 1.0,
        "domain_content_threshold": 1.0,
        "distribution_constraints": comparison,
    }
    return {
        "version": 0.0,
        "features": [_constraint(feature) for feature in found["features"]],
        "monitoring_config": config,
    }


def _feature(name: str, column: pa.ChunkedArray, label: str) -> dict[str, Any]:
    look = columns.profile(name, column)
    feature: dict[str, Any] = {"name": name, "inferred_type": TYPES[look.type]}
    if look.id_reason and name != label:
        feature["is_identifier"] = True
    if feature["inferred_type"] in {INTEGRAL, FRACTIONAL}:
        numbers = values.numbers(column)
        return {**feature, "numerical_statistics": _numerical(np.sort(numbers[~np.isnan(numbers)]), len(numbers))}
    texts = values.texts(column)
    common = {"num_present": len(texts) - texts.null_count, "num_missing": texts.null_count}
    found: dict[str, Any] = {"common": common, "distinct_count": float(look.distinct)}
    if feature["inferred_type"] == STRING:
        found["distribution"] = {"categorical": {"buckets": _levels(texts)}}
    return {**feature, "string_statistics": found}


def _numerical(ordered: Any, rows: int) -> dict[str, Any]:
    common = {"num_present": len(ordered), "num_missing": rows - len(ordered)}
    if not len(ordered):
        return {"common": common}
    largest = max(float(np.abs(ordered).max()), 1.0)  # in units of it, so that no square overflows
    scaled = ordered / largest
    facts = {
        "mean": float(scaled.mean()) * largest,
        "sum": float(np.clip(scaled.mean() * len(ordered), -1e308 / largest, 1e308 / largest) * largest),
        "std_dev": float(scaled.std()) * largest,
        "min": float(ordered[0]),
        "max": float(ordered[-1]),
    }
    return {"common": common, **facts, "distribution": quantile_sketch.distribution(ordered)}


def counted(texts: pa.ChunkedArray) -> dict[str, int]:
    """How often each present text occurs, the most frequent first, then by the alphabet."""
    pairs = pc.value_counts(texts.drop_null()).to_pylist()
    return {
        pair["values"]: pair["counts"] for pair in sorted(pairs, key=lambda pair: (-pair["counts"], pair["values"]))
    }


def _levels(texts: pa.ChunkedArray) -> list[dict[str, Any]]:
    """The levels and their rows; of more than `MOST_LEVELS` those with the most rows."""
    return [{"value": value, "count": count} for value, count in list(counted(texts).items())[:MOST_LEVELS]]


def facts_of(feature: Mapping[str, Any]) -> Mapping[str, Any]:
    """The block of statistics of a feature, of either kind."""
    found: Mapping[str, Any] = feature.get("numerical_statistics") or feature.get("string_statistics") or {}
    return found


def _constraint(feature: Mapping[str, Any]) -> dict[str, Any]:
    facts = facts_of(feature)
    common = facts["common"]
    rows = common["num_present"] + common["num_missing"]
    completeness = common["num_present"] / rows if rows else 0.0
    found = {"name": feature["name"], "inferred_type": feature["inferred_type"], "completeness": completeness}
    if "min" in facts:
        found["num_constraints"] = {"is_non_negative": facts["min"] >= 0}
    buckets = facts.get("distribution", {}).get("categorical", {}).get("buckets", [])
    if buckets and facts["distinct_count"] <= MOST_LEVELS and not feature.get("is_identifier"):
        found["string_constraints"] = {"domains": [bucket["value"] for bucket in buckets]}
    return found
