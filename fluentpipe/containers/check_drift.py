"""Compare rows with a baseline: `drift.json`, and `constraint_violations.json` in Model Monitor's layout.

Reads `--rows` and the folder `--baseline` with `statistics.json`, made by `baseline` or by Model Monitor itself.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING or __package__:
    from . import baseline, data_statistics, drift, job
else:  # beside its siblings, as the jobs run it
    import baseline
    import data_statistics
    import drift
    import job

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MOST_NAMED = 10  # columns in a sentence
REPORT, VIOLATIONS = "drift.json", "constraint_violations.json"


def main(arguments: Sequence[str]) -> None:
    """Read, compare, write."""
    limits = drift.Limits()
    parser = job.Arguments(__doc__)
    parser.add_argument("--rows", type=Path, default=job.processing_dir("input", "rows"))
    parser.add_argument("--baseline", type=Path, default=job.processing_dir("input", "baseline"))
    parser.add_argument("--output", type=Path, default=job.processing_dir("output", "drift_report"))
    parser.add_argument("--split", default="test", choices=baseline.PARTS)
    parser.add_argument("--alpha", type=float, default=limits.alpha)
    parser.add_argument("--min-psi", type=float, default=limits.min_psi)
    parser.add_argument("--min-missing-change", type=float, default=limits.min_missing_change)
    parser.add_argument("--ignore-columns", type=job.name_list, default=[], help="JSON list of columns to leave out")
    options = parser.parse_args(arguments)
    limits = drift.Limits(options.alpha, options.min_psi, options.min_missing_change)
    statistics = job.read_json(options.baseline / data_statistics.STATISTICS)
    table, _ = baseline.open_rows(options.rows, options.split, _text_columns(statistics))
    found = drift.compare(statistics, table, limits, options.ignore_columns)
    known = {each.name for each in found} | set(options.ignore_columns)
    extra = [name for name in table.column_names if name not in known]
    report = report_of(statistics, table.num_rows, found, extra, limits)
    job.write_json(options.output / VIOLATIONS, {"violations": report["violations"]})
    job.write_json(options.output / REPORT, report)
    for each in report["violations"]:
        print(f"{each['constraint_check_type']}: {each['description']}")
    metrics = report["metrics"]
    print(f"{metrics['drifted_columns']} of {metrics['compared_columns']} columns drifted, in {table.num_rows} rows")


def report_of(
    statistics: Mapping[str, Any],
    rows: int,
    found: Sequence[drift.Comparison],
    extra: Sequence[str],
    limits: drift.Limits,
) -> dict[str, Any]:
    """The contents of drift.json; `metrics` is what gates read, `drifted` what they say."""
    faults = [(each.name, *fault) for each in found for fault in each.found(limits.alpha)]
    faults += [(name, "extra_column_check", f"column {name!r} is not in the baseline") for name in extra]
    drifted = [each.name for each in found if each.found(limits.alpha)]
    sizes = [each.psi for each in found if each.psi is not None]
    metrics = {
        "drifted_columns": len(drifted),
        "compared_columns": sum(1 for each in found if each.tests or each.faults),
        "max_psi": max(sizes, default=0.0),
        "min_adjusted_p_value": min((test.adjusted for each in found for test in each.tests), default=1.0),
        "extra_columns": len(extra),
    }
    return {
        "version": 1,
        "rows": rows,
        "baseline_rows": statistics["dataset"].get("item_count"),
        "metrics": metrics,
        "drifted": job.quoted(drifted, MOST_NAMED) if drifted else "none",
        "limits": {
            "alpha": limits.alpha,
            "min_psi": limits.min_psi,
            "min_missing_change": limits.min_missing_change,
            "max_other_type": limits.max_other_type,
        },
        "columns": [each.as_dict(limits.alpha) for each in found],
        "violations": [
            {"feature_name": name, "constraint_check_type": check, "description": words}
            for name, check, words in faults
        ],
    }


def _text_columns(statistics: Mapping[str, Any]) -> list[str]:
    """Columns that the baseline has as text: a reader must not take theirs for numbers, as of `007`."""
    features = statistics.get("features")
    of_text = [each for each in features if isinstance(each, dict)] if isinstance(features, list) else []
    return [str(each.get("name")) for each in of_text if each.get("inferred_type") == data_statistics.STRING]


if __name__ == "__main__":
    job.run(main)
