"""Calibration: the curves are scikit-learn's, they keep the order, and they make probabilities come true more often."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from fluentpipe.containers import archive, calibrate, calibration, curves, evaluate, inference, model_folder
from fluentpipe.containers.calibration import Calibration
from fluentpipe.containers.job import JobError

from .chain import TELCO, Chain


def overconfident(rows: int = 4000, seed: int = 0) -> tuple[Any, Any]:
    """Scores that are too sure of themselves, and what happened."""
    random = np.random.default_rng(seed)
    margin = random.normal(-0.7, 1.2, rows)
    happened = random.random(rows) < 1 / (1 + np.exp(-margin))
    return 1 / (1 + np.exp(-2.5 * margin - 0.8)), happened.astype(float)


def test_isotonic_is_scikit_learn_s() -> None:
    isotonic = pytest.importorskip("sklearn.isotonic")
    scores, actual = overconfident()
    scores = np.round(scores, 3)  # with ties
    fresh = np.concatenate([np.linspace(0, 1, 999), scores])
    theirs = isotonic.IsotonicRegression(out_of_bounds="clip").fit(scores, actual).predict(fresh)
    np.testing.assert_allclose(calibration.fit("isotonic", scores, actual).apply(fresh), theirs, atol=1e-6)


def test_platt_is_scikit_learn_s() -> None:
    theirs = pytest.importorskip("sklearn.calibration")._SigmoidCalibration()
    scores, actual = overconfident()
    margin = np.log(scores / (1 - scores))
    expected = theirs.fit(margin, actual).predict(margin)
    np.testing.assert_allclose(calibration.fit("platt", scores, actual).apply(scores), expected, atol=1e-6)


@pytest.mark.parametrize(("method", "columns"), [("platt", 1), ("beta", 2)])
def test_both_parametric_curves_are_scikit_learn_s_logistic_regression(method: str, columns: int) -> None:
    linear_model = pytest.importorskip("sklearn.linear_model")
    scores, actual = overconfident()
    design = np.column_stack([np.log(scores), -np.log1p(-scores)])
    if columns == 1:
        design = design.sum(axis=1, keepdims=True)
    targets = calibration._smoothed(actual == 1)  # soft targets are each row twice, weighted
    regression = linear_model.LogisticRegression(C=np.inf, tol=1e-12, max_iter=10_000, solver="newton-cholesky")
    both = np.concatenate([np.ones(len(actual)), np.zeros(len(actual))])
    regression.fit(np.concatenate([design, design]), both, sample_weight=np.concatenate([targets, 1 - targets]))
    expected = regression.predict_proba(design)[:, 1]
    np.testing.assert_allclose(calibration.fit(method, scores, actual).apply(scores), expected, atol=1e-6)


def test_a_beta_curve_never_turns_the_order_round() -> None:
    scores, actual = overconfident()
    found = calibration.fit("beta", 1 - scores, actual).curves[0]
    assert min(found.weights[:2]) == 0
    assert np.ptp(found.apply(np.linspace(0.01, 0.99, 50))) < 1e-6


@pytest.mark.parametrize("method", calibration.METHODS)
@given(rows=st.lists(st.tuples(st.floats(0, 1, width=32), st.booleans()), min_size=2, max_size=60))
def test_a_higher_score_never_becomes_a_lower_probability(method: str, rows: list[tuple[float, bool]]) -> None:
    scores = np.array([score for score, _ in rows])
    found = calibration.fit(method, scores, np.array([float(happened) for _, happened in rows]))
    grid = np.sort(np.concatenate([scores, np.linspace(0, 1, 101)]))
    calibrated = found.apply(grid)
    assert np.all(np.diff(calibrated) >= -1e-9)
    assert np.all((calibrated >= 0) & (calibrated <= 1))
    again = Calibration.from_dict(json.loads(json.dumps(found.as_dict(), allow_nan=False)), 2)
    assert again == found


def test_several_classes_sum_to_one() -> None:
    random = np.random.default_rng(1)
    actual = random.integers(0, 3, 900)
    raw = random.dirichlet([0.3] * 3, 900) * 0.5 + 0.5 * np.eye(3)[actual]
    found = calibration.fit("beta", raw, actual.astype(float)).apply(raw)
    np.testing.assert_allclose(found.sum(axis=1), 1)
    nothing = Calibration((calibration.Curve("isotonic", knots=((0.5,), (0.0,))),) * 3).apply(raw)
    np.testing.assert_allclose(nothing, 1 / 3)


@pytest.mark.parametrize(
    "document",
    [
        {"curves": [{"method": "magic"}]},
        {"curves": [{"method": "platt", "weights": [1.0]}]},
        {"curves": [{"method": "isotonic", "from": [0.5, 0.4], "to": [0.1, 0.2]}]},
        {"curves": [{"method": "isotonic", "from": [], "to": []}]},
        {"curves": [{"method": "platt", "weights": [1.0, "nan"]}]},
        {"curves": []},
    ],
)
def test_a_damaged_calibration_is_refused(document: Any) -> None:
    with pytest.raises(JobError, match="calibration is damaged"):
        Calibration.from_dict(document, 2)


def run(model: Path, rows: Path, out: Path, *words: str) -> dict[str, Any]:
    calibrate.main([f"--model={model}", f"--rows={rows}", f"--output={out / 'model'}", f"--report={out / 'r'}", *words])
    return dict(json.loads((out / "r" / "calibration.json").read_text()))


@pytest.fixture(scope="module")
def sure(tmp_path_factory: pytest.TempPathFactory) -> Chain:
    """A model that is too sure of itself: positive rows weigh five times as much."""
    chain = Chain(tmp_path_factory.mktemp("sure"))
    chain.load(TELCO)
    chain.preprocess()
    chain.train("--scale_pos_weight", "5", "--n_folds", "0", "--num_round", "60")
    return chain


@pytest.mark.parametrize("method", ["auto", *calibration.METHODS])
def test_a_model_that_is_too_sure_says_what_comes_true(sure: Chain, tmp_path: Path, method: str) -> None:
    report = run(sure.folder / "trained", sure.folder / "validation", tmp_path, "--method", method)
    assert report["after"]["ece"] < report["before"]["ece"] / 3
    assert report["after"]["brier"] < report["before"]["brier"]
    raw, calibrated = model_folder.load(sure.folder / "trained"), evaluate.open_model(tmp_path / "model")
    features, actual, _ = evaluate.test_rows(sure.folder / "test", raw)  # rows that nobody learned from

    def error(model: model_folder.Model) -> float:
        table = curves.calibration(actual == 1, np.asarray(model.scores(features), np.float64))
        return sum(x["rows"] * abs(x["mean_probability"] - x["positive_share"]) for x in table if x["rows"]) / len(
            actual
        )

    assert error(calibrated) < error(raw) / 2
    assert calibrated.threshold != raw.threshold


def test_the_calibrated_model_serves_and_is_evaluated_with_the_same_numbers(sure: Chain, tmp_path: Path) -> None:
    run(sure.folder / "trained", sure.folder / "validation", tmp_path)
    archive.unpack(tmp_path / "model" / "model.tar.gz", tmp_path / "unpacked")
    served = inference.model_fn(str(tmp_path / "unpacked"))
    header, *lines = TELCO_LINES[:50]
    said = inference.predict_fn(inference.input_fn("\n".join([header, *lines]), "text/csv"), served)
    table = inference._table(inference.input_fn("\n".join([header, *lines]), "text/csv"), served)
    assert served.preprocessing is not None
    raw = model_folder.load(sure.folder / "trained").scores(served.preprocessing.transform(table))
    assert served.calibration is not None
    np.testing.assert_allclose([row["probability"] for row in said], served.calibration.apply(raw), atol=1e-6)
    assert "calibration.py" in {path.name for path in (tmp_path / "unpacked" / "code").iterdir()}


def test_the_same_inputs_give_the_same_archive(sure: Chain, tmp_path: Path) -> None:
    for name in ("one", "two"):
        run(sure.folder / "trained", sure.folder / "validation", tmp_path / name)
    one, two = ((tmp_path / name / "model" / "model.tar.gz").read_bytes() for name in ("one", "two"))
    assert one == two


def test_a_calibrated_model_can_be_calibrated_anew(sure: Chain, tmp_path: Path) -> None:
    first = run(sure.folder / "trained", sure.folder / "validation", tmp_path / "one", "--method", "platt")
    second = run(tmp_path / "one" / "model", sure.folder / "validation", tmp_path / "two", "--method", "platt")
    assert second == first


def test_a_mean_of_folds_is_judged_by_what_its_members_had_not_seen(churn: Chain, tmp_path: Path) -> None:
    report = run(churn.folder / "trained", churn.folder / "validation", tmp_path)
    assert report["judged"].startswith("rows, each judged by the part of the model")
    assert report["rows"] == 4789 + 845


def test_rows_that_the_model_learned_from_are_never_scored_by_it(sure: Chain, tmp_path: Path) -> None:
    report = run(sure.folder / "trained", sure.folder / "train", tmp_path)
    assert report["judged"].startswith("rows, each judged")
    assert report["rows"] == 845  # those that it stopped on, not the training rows
    archive.copy(sure.folder / "trained", tmp_path / "old")
    (tmp_path / "old" / model_folder.HELD_OUT).unlink()
    with pytest.raises(JobError, match="the model learned from these train rows"):
        run(tmp_path / "old", sure.folder / "train", tmp_path)


def test_a_model_of_numbers_has_nothing_to_calibrate(chain: Chain, tmp_path: Path) -> None:
    file = tmp_path / "numbers.csv"
    file.write_text("x,y\n" + "".join(f"{i % 37},{(i % 37) * 2.5 + i % 3}\n" for i in range(400)))
    chain.load(file, "--label", "y", "--task", "regression")
    chain.preprocess()
    chain.train("--num_round", "5")
    with pytest.raises(JobError, match="no probability to calibrate"):
        run(chain.folder / "trained", chain.folder / "validation", tmp_path)


def test_too_few_rows_of_a_class_are_told(chain: Chain, tmp_path: Path) -> None:
    file = tmp_path / "rare.csv"
    file.write_text("x,y\n" + "".join(f"{i % 37},{'yes' if i % 40 == 0 else 'no'}\n" for i in range(400)))
    chain.load(file, "--label", "y")
    chain.preprocess()
    chain.train("--num_round", "5", "--n_folds", "0")
    with pytest.raises(JobError, match=r"fewer than 10 rows of class 'yes' .*validation_split"):
        run(chain.folder / "trained", chain.folder / "validation", tmp_path)


def test_isotonic_is_a_candidate_only_where_there_are_rows_enough(sure: Chain, churn: Chain, tmp_path: Path) -> None:
    few = run(sure.folder / "trained", sure.folder / "validation", tmp_path / "few")
    many = run(churn.folder / "trained", churn.folder / "validation", tmp_path / "many")
    assert set(few["log_loss_by_method"]) == {"none", "platt", "beta"}
    assert set(many["log_loss_by_method"]) == {"none", "platt", "beta", "isotonic"}


def _lines() -> list[str]:
    import gzip

    with gzip.open(TELCO, "rt") as stream:
        return stream.read().splitlines()


TELCO_LINES = _lines()
