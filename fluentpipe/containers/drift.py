"""Whether rows still come from where the rows of a baseline came from, column by column.

Each column is compared as what it is: numbers by the two-sample Kolmogorov-Smirnov test, categories by the chi-square test of
homogeneity, both beside the population stability index (PSI), which says how large a difference is; the share of missing values by a
chi-square test; categories that the baseline has not seen by how many rows of unseen ones its own rare categories let expect. All p-values
of a table are corrected together (Holm), so that a table without drift is called drifted with a chance of at most `alpha`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

if TYPE_CHECKING or __package__:
    from . import data_statistics, quantile_sketch, significance, values
    from .job import JobError
else:  # beside its siblings, as the jobs run it
    import data_statistics
    import quantile_sketch
    import significance
    import values
    from job import JobError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from .parquet_columns import Rows

    Floats = npt.NDArray[np.float64]

BINS = 10  # of the PSI of numbers: deciles of the baseline
FEWEST_EXPECTED = 5.0  # rows that a category must let expect in either sample; rarer ones are taken together
HALF_A_ROW = 0.5  # given to every bin of the PSI, so that an empty one does not make it infinite
MOST_SHOWN = 20  # unseen categories in the report


@dataclass(frozen=True)
class Limits:
    """What counts as drift."""

    alpha: float = 0.01  # chance of calling a table drifted that is not
    min_psi: float = 0.1  # smaller differences of a distribution do not count, however certain
    min_missing_change: float = 0.01  # likewise of the share of missing values
    max_other_type: float = 0.1  # share of values that are no numbers, in a column of numbers


@dataclass
class Test:
    """One question asked of a column."""

    __test__ = False  # pytest: not a test class, whatever its name

    check: str  # as constraint_check_type of a violation
    name: str  # ks, chi_square, missing, new_categories
    statistic: float
    p_value: float
    is_large: bool  # whether the difference is large enough to count
    words: str
    adjusted: float = 1.0  # p-value, corrected for all that were asked


@dataclass
class Comparison:
    """What was found of one column."""

    name: str
    type: str
    tests: list[Test] = field(default_factory=list)
    psi: float | None = None
    missing: tuple[float, float] | None = None  # shares: baseline, now
    unseen: Mapping[str, int] = field(default_factory=dict)  # categories that the baseline lacks -> rows
    faults: list[tuple[str, str]] = field(default_factory=list)  # check type, words: certain without a test
    skipped: str = ""  # why it was not compared

    def found(self, alpha: float) -> list[tuple[str, str]]:
        """What is wrong with it: check type and words."""
        return [*self.faults, *((test.check, test.words) for test in self.tests if is_drift(test, alpha))]

    def as_dict(self, alpha: float) -> dict[str, Any]:
        """Its entry in the report."""
        tests = [
            {"test": test.name, "statistic": test.statistic, "p_value": test.p_value, "adjusted_p_value": test.adjusted,
             "drift": is_drift(test, alpha)}
            for test in self.tests
        ]  # fmt: skip
        return {
            "name": self.name,
            "type": self.type,
            "drift": bool(self.found(alpha)),
            "psi": self.psi,
            "missing": None if self.missing is None else {"baseline": self.missing[0], "current": self.missing[1]},
            "new_categories": dict(list(self.unseen.items())[:MOST_SHOWN]),
            "tests": tests,
            **({"skipped": self.skipped} if self.skipped else {}),
        }


def is_drift(test: Test, alpha: float) -> bool:
    """Whether the difference is beyond chance, and large enough to count."""
    return test.is_large and test.adjusted <= alpha


def compare(
    statistics: Mapping[str, Any], table: Rows, limits: Limits, ignored: Sequence[str] = ()
) -> list[Comparison]:
    """Compare each column of a baseline with the column of that name.

    Args:
        statistics: `statistics.json` of the baseline.
        table: The rows to be judged.
        limits: What counts.
        ignored: Columns that are left out.

    Returns:
        One for each column of the baseline but those ignored, in its order; p-values corrected.

    Raises:
        JobError: The statistics are not in Model Monitor's layout.
    """
    try:
        label = statistics["dataset"].get("label", "")
        features = [feature for feature in statistics["features"] if feature["name"] not in ignored]
        found = [_compared(feature, table, limits, label) for feature in features]
    except (KeyError, TypeError, ValueError, AttributeError) as fault:
        msg = f"{data_statistics.STATISTICS} of the baseline is not in Model Monitor's layout: {type(fault).__name__} {fault}"
        raise JobError(msg) from None
    tests = [test for each in found for test in each.tests]
    for test, adjusted in zip(tests, significance.holm([test.p_value for test in tests]), strict=True):
        test.adjusted = adjusted
    return found


def _compared(feature: Mapping[str, Any], table: Rows, limits: Limits, label: str) -> Comparison:
    name, kind = feature["name"], feature["inferred_type"]
    found = Comparison(name, kind)
    if name not in table.column_names:
        if name == label:  # rows to be predicted have none
            found.skipped = "the label, which these rows do not have"
        else:
            found.faults.append(("missing_column_check", f"column {name!r} is missing"))
        return found
    column = table.column(name)
    if kind in {data_statistics.INTEGRAL, data_statistics.FRACTIONAL}:
        _compare_numbers(found, feature, column, limits)
    else:
        _compare_texts(found, feature, column, limits)
    return found


def _compare_numbers(found: Comparison, feature: Mapping[str, Any], column: pa.ChunkedArray, limits: Limits) -> None:
    facts = data_statistics.facts_of(feature)
    numbers = values.numbers(column)
    present = np.sort(numbers[~np.isnan(numbers)])
    # Values of any type; of a column of numbers those that are none, as infinite ones, count as missing, as in the baseline.
    said = len(column) - values.texts(column).null_count if pa.types.is_string(column.type) else len(present)
    _compare_missing(found, facts, len(column) - said, len(column), limits)
    if feature.get("is_identifier"):
        found.skipped = "an identifier"
        return
    other = (said - len(present)) / said if said else 0.0
    if other > limits.max_other_type:
        found.faults.append(("data_type_check", f"{other:.1%} of the values of {found.name!r} are no numbers"))
    if not len(present) or not facts["common"]["num_present"]:
        found.skipped = "no numbers to compare"
        return
    known = quantile_sketch.read(facts["distribution"])
    distance = max(ks_distance(known, present) - known.slack, 0.0)
    edges = np.unique(known.quantiles(np.arange(1, BINS) / BINS))
    before = np.diff(known.share_at_or_below(edges), prepend=0.0, append=1.0) * known.rows
    now = np.bincount(np.searchsorted(edges, present, side="left"), minlength=len(edges) + 1)
    found.psi = psi(before, now.astype(np.float64))
    words = f"distribution of {found.name!r}: distance {distance:.3f} (Kolmogorov-Smirnov), PSI {found.psi:.3f}"
    chance = significance.kolmogorov(distance, known.rows, len(present))
    found.tests.append(Test("baseline_drift_check", "ks", distance, chance, found.psi >= limits.min_psi, words))


def ks_distance(known: quantile_sketch.Sketch, ordered: Floats) -> float:
    """The largest difference of the distribution functions, looked for at every value of either."""
    points = np.unique(np.concatenate([known.points, ordered]))
    now = np.searchsorted(ordered, points, side="right") / len(ordered)
    return float(np.abs(known.share_at_or_below(points) - now).max())


def psi(before: Floats, now: Floats) -> float:
    """The population stability index of two lists of counts: the sum of (q - p) · ln(q / p) over the bins."""
    first, second = ((counts + HALF_A_ROW) / (counts.sum() + HALF_A_ROW * len(counts)) for counts in (before, now))
    return float(np.sum((second - first) * np.log(second / first)))


def _compare_texts(found: Comparison, feature: Mapping[str, Any], column: pa.ChunkedArray, limits: Limits) -> None:
    facts = data_statistics.facts_of(feature)
    texts = values.texts(column)
    _compare_missing(found, facts, texts.null_count, len(texts), limits)
    buckets = facts.get("distribution", {}).get("categorical", {}).get("buckets", [])
    known = {bucket["value"]: float(bucket["count"]) for bucket in buckets}
    if feature.get("is_identifier"):
        found.skipped = "an identifier"
    elif feature["inferred_type"] != data_statistics.STRING:
        found.skipped = "neither numbers nor categories"
    elif not known or texts.null_count == len(texts):
        found.skipped = "no categories to compare"
    elif facts["distinct_count"] > len(known):
        found.skipped = f"{facts['distinct_count']:.0f} different texts are too many for categories"
    else:
        _compare_categories(found, known, data_statistics.counted(texts), limits)


def _compare_categories(
    found: Comparison, known: Mapping[str, float], counts: Mapping[str, int], limits: Limits
) -> None:
    levels = [*known, *(level for level in counts if level not in known)]
    before = np.array([known.get(level, 0.0) for level in levels])
    now = np.array([counts.get(level, 0) for level in levels], dtype=np.float64)
    found.psi = psi(before, now)
    statistic, freedom = homogeneity(before, now)
    words = (
        f"categories of {found.name!r}: chi-square {statistic:.1f} ({freedom} degrees of freedom), PSI {found.psi:.3f}"
    )
    chance = significance.chi_square(statistic, freedom)
    found.tests.append(
        Test("baseline_drift_check", "chi_square", statistic, chance, found.psi >= limits.min_psi, words)
    )
    found.unseen = {level: counts[level] for level in counts if level not in known}
    rows = int(sum(found.unseen.values()))
    # Good and Turing: what was seen once tells how much there is that was not seen; by chance as many rows as a
    # negative binomial distribution has, which for no such category is the chance that all rows of a new one came now.
    once = sum(1 for count in known.values() if count == 1)
    chance = significance.negative_binomial(rows, once + 1.0, float(now.sum() / (now.sum() + before.sum())))
    shown = ", ".join(repr(level) for level in list(found.unseen)[:3])
    words = f"{rows} rows of {found.name!r} have categories that the baseline has not: {shown}"
    found.tests.append(Test("categorical_values_check", "new_categories", float(rows), chance, rows > 0, words))


def homogeneity(before: Floats, now: Floats) -> tuple[float, int]:
    """Pearson's statistic of two lists of counts and its degrees of freedom, rare categories taken together."""
    share = min(before.sum(), now.sum()) / (before.sum() + now.sum())
    rare = (before + now) * share < FEWEST_EXPECTED
    counts = np.array([before[~rare], now[~rare]])
    if rare.any():
        rest = np.array([[before[rare].sum()], [now[rare].sum()]])
        if rest.sum() * share >= FEWEST_EXPECTED or counts.shape[1] == 0:
            counts = np.concatenate([counts, rest], axis=1)
        else:  # too few even together: with the smallest of the others
            counts[:, counts.sum(axis=0).argmin()] += rest[:, 0]
    if counts.shape[1] < 2:
        return 0.0, 0
    expected = counts.sum(axis=1, keepdims=True) * counts.sum(axis=0, keepdims=True) / counts.sum()
    return float(((counts - expected) ** 2 / expected).sum()), counts.shape[1] - 1


def _compare_missing(found: Comparison, facts: Mapping[str, Any], missing: int, rows: int, limits: Limits) -> None:
    common = facts["common"]
    known = common["num_present"] + common["num_missing"]
    if not known:
        found.skipped = "the baseline has no rows"
        return
    shares = common["num_missing"] / known, missing / rows
    found.missing = shares
    counts = np.array([[common["num_present"], common["num_missing"]], [rows - missing, missing]], dtype=np.float64)
    statistic = _corrected_chi_square(counts)
    words = f"{shares[1]:.1%} of {found.name!r} are missing, in the baseline {shares[0]:.1%}"
    is_large = abs(shares[1] - shares[0]) >= limits.min_missing_change
    chance = significance.chi_square(statistic, 1)
    found.tests.append(Test("completeness_check", "missing", statistic, chance, is_large, words))


def _corrected_chi_square(counts: Floats) -> float:
    """Pearson's statistic of a two by two table with Yates's correction, which keeps it honest where a cell is small."""
    expected = counts.sum(axis=1, keepdims=True) * counts.sum(axis=0, keepdims=True) / counts.sum()
    if not expected.all():
        return 0.0
    off = np.maximum(np.abs(counts - expected) - 0.5, 0.0)
    return float((off**2 / expected).sum())
