"""The figures of merit against their definitions, counted out by brute force."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, strategies as st

from fluentpipe.containers import curves, metrics, model_quality

# Few different scores, so that ties are the rule.
scored = st.lists(st.tuples(st.booleans(), st.sampled_from([0.1, 0.25, 0.5, 0.75, 0.9])), min_size=1, max_size=30)


def arrays(rows: list[tuple[bool, float]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([positive for positive, _ in rows]), np.array([score for _, score in rows])


@given(scored)
def test_auc_is_the_chance_that_a_positive_row_scores_above_a_negative_one(rows: list[tuple[bool, float]]) -> None:
    pairs = [
        1.0 if high > low else 0.5 if high == low else 0.0
        for (is_positive, high), (other, low) in itertools.product(rows, rows)
        if is_positive and not other
    ]
    found = metrics.auc(*arrays(rows))
    assert found is None if not pairs else found == pytest.approx(sum(pairs) / len(pairs))


@given(scored)
def test_average_precision_weighs_each_precision_by_the_recall_that_it_adds(rows: list[tuple[bool, float]]) -> None:
    positives = sum(positive for positive, _ in rows)
    expected, before = 0.0, 0.0
    for threshold in sorted({score for _, score in rows}, reverse=True):
        called = [positive for positive, score in rows if score >= threshold]
        if positives:
            expected += (sum(called) / positives - before) * sum(called) / len(called)
            before = sum(called) / positives
    found = metrics.average_precision(*arrays(rows))
    assert found is None if not positives else found == pytest.approx(expected)


@given(scored)
def test_no_threshold_has_a_higher_f1_than_the_best_one(rows: list[tuple[bool, float]]) -> None:
    positive, scores = arrays(rows)

    def f1(threshold: float) -> float:
        called = scores >= threshold
        both = float((called & positive).sum())
        return 2 * both / max(float(called.sum() + positive.sum()), 1.0)

    best = metrics.best_threshold(positive, scores)
    if positive.any():
        assert f1(best) == pytest.approx(max(f1(threshold) for threshold in scores))


@given(scored, st.sampled_from([0.2, 0.5, 0.95]))
def test_the_binary_figures_are_those_of_their_definitions(rows: list[tuple[bool, float]], threshold: float) -> None:
    positive, scores = arrays(rows)
    found = metrics.binary(positive.astype(np.int64), scores, threshold)
    called = [score >= threshold for _, score in rows]
    hits = sum(a and b for (a, _), b in zip(rows, called, strict=True))
    assert found["accuracy"] == pytest.approx(sum(a == b for (a, _), b in zip(rows, called, strict=True)) / len(rows))
    assert found.get("precision") == (pytest.approx(hits / sum(called)) if any(called) else None)
    assert found.get("recall") == (pytest.approx(hits / positive.sum()) if positive.any() else None)
    assert found["brier"] == pytest.approx(sum((score - a) ** 2 for a, score in rows) / len(rows))
    likelihood = [score if a else 1 - score for a, score in rows]
    assert found["log_loss"] == pytest.approx(-sum(map(math.log, likelihood)) / len(rows))
    if positive.any():
        assert found["f1"] == pytest.approx(2 * hits / (sum(called) + positive.sum()))


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=30))
def test_the_multiclass_figures_are_means_over_the_classes_that_occur(rows: list[tuple[int, int]]) -> None:
    actual = np.array([code for code, _ in rows])
    probabilities = np.full((len(rows), 3), 0.2)
    probabilities[np.arange(len(rows)), [code for _, code in rows]] = 0.6
    found = metrics.multiclass(actual, probabilities)
    f1 = []
    for code in {code for pair in rows for code in pair}:
        hits = sum(a == b == code for a, b in rows)
        f1.append(2 * hits / (sum(a == code for a, _ in rows) + sum(b == code for _, b in rows)))
    assert found["f1"] == pytest.approx(sum(f1) / len(f1))
    assert found["accuracy"] == pytest.approx(sum(a == b for a, b in rows) / len(rows))
    assert ("auc" in found) == (len(set(actual.tolist())) > 1)


def test_the_regression_figures_are_those_of_their_definitions() -> None:
    found = metrics.regression(np.array([1.0, 2.0, 4.0]), np.array([1.0, 3.0, 2.0]))
    assert found == pytest.approx(
        {"rmse": math.sqrt(5 / 3), "mae": 1.0, "mse": 5 / 3, "r2": 1 - 5 / (14 / 3), "mape": 1 / 3}
    )
    assert "mape" not in metrics.regression(np.array([0.0, 1.0]), np.array([0.0, 1.0]))
    assert "r2" not in metrics.regression(np.array([1.0, 1.0]), np.array([0.0, 1.0]))


def test_the_service_layout_has_the_figures_of_its_own_example() -> None:
    """Three negative rows and a positive one, two of the negative ones called positive."""
    actual, scores = np.array([0, 0, 0, 1]), np.array([0.1, 0.6, 0.7, 0.9])
    found = model_quality.of_task("binary", ["0", "1"], actual, scores, 0.5)["binary_classification_metrics"]
    assert found["confusion_matrix"] == {"0": {"0": 1, "1": 2}, "1": {"0": 0, "1": 1}}
    expected = {
        "recall": 1.0,
        "precision": 1 / 3,
        "accuracy": 0.5,
        "recall_best_constant_classifier": 1.0,
        "precision_best_constant_classifier": 0.25,
        "accuracy_best_constant_classifier": 0.25,
        "true_positive_rate": 1.0,
        "true_negative_rate": 1 / 3,
        "false_positive_rate": 2 / 3,
        "false_negative_rate": 0.0,
        "f1": 0.5,
    }
    assert {name: found[name]["value"] for name in expected} == pytest.approx(expected)
    assert found["recall"]["standard_deviation"] == "NaN"  # below 200 rows


def test_curves_are_thinned_and_keep_their_exact_ends() -> None:
    random = np.random.RandomState(0)
    scores = random.random_sample(10_000)
    positive = random.random_sample(10_000) < scores
    roc = curves.roc(positive, scores)
    assert roc is not None
    assert len(roc["false_positive_rates"]) <= curves.POINTS
    ends = [(roc["false_positive_rates"][place], roc["true_positive_rates"][place]) for place in (0, -1)]
    assert ends == [(0.0, 0.0), (1.0, 1.0)]
    area = np.sum(np.diff(roc["false_positive_rates"]) * (np.array(roc["true_positive_rates"])[1:]))
    assert area == pytest.approx(metrics.auc(positive, scores), abs=0.01)
    table = curves.calibration(positive, scores)
    assert sum(entry["rows"] for entry in table) == 10_000
    assert all(abs(entry["mean_probability"] - entry["positive_share"]) < 0.06 for entry in table)


def test_curves_of_one_class_are_absent() -> None:
    found = curves.of_task("binary", ["no", "yes"], np.zeros(3), np.array([0.1, 0.2, 0.3]))
    assert "roc" not in found
    assert "precision_recall" not in found
    assert sum(found["histogram"]["no"]["counts"]) == 3
