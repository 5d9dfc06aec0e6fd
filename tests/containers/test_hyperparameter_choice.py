"""Hyperparameters decided in the run: by the rows, by a tuned model, by the user."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fluentpipe.containers import choose_hyperparameters, matrices
from fluentpipe.containers.job import JobError

from .chain import Chain


def chosen(out: Path, *words: str) -> dict[str, Any]:
    choose_hyperparameters.main([f"--output={out}", *words])
    return dict(json.loads((out / "hyperparameters.json").read_text()))


@pytest.fixture
def rows(churn: Chain) -> matrices.Matrix:
    return matrices.read(churn.folder / "train")


def found(rows: matrices.Matrix) -> dict[str, Any]:
    return {name: value for choice in choose_hyperparameters.by_rows(rows) for name, value in choice.values.items()}


def test_ordinary_rows_leave_the_defaults_alone(rows: matrices.Matrix, churn: Chain, tmp_path: Path) -> None:
    assert found(rows) == {}
    assert chosen(tmp_path, f"--rows={churn.folder / 'train'}") == {}
    assert "Nothing speaks against the defaults" in (tmp_path / "reasons.md").read_text()


def test_a_rare_class_gets_small_leaves_and_keeps_its_weight(rows: matrices.Matrix) -> None:
    labels = np.zeros(len(rows.labels))
    labels[::50] = 1
    assert found(replace(rows, labels=labels)) == {"max_delta_step": 1, "min_child_weight": 1}


def test_many_rows_features_and_classes_each_have_their_say(
    rows: matrices.Matrix, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choose_hyperparameters, "MANY_ROWS", 1000)
    monkeypatch.setattr(choose_hyperparameters, "MANY_FEATURES", 10)
    target = replace(rows.target, task="multiclass", classes=tuple("abcdefghijk"))
    labels = np.arange(len(rows.labels)) % 11.0
    assert found(replace(rows, target=target, labels=labels)) == {
        "eta": 0.1, "subsample": 0.5, "colsample_bytree": 0.3, "n_folds": 0,
    }  # fmt: skip


def test_what_the_user_says_goes_over_a_tuned_model(churn: Chain, tmp_path: Path) -> None:
    model = Chain(tmp_path / "c")
    model.load(Path(__file__).parents[2] / "fluentpipe" / "data" / "telco_churn.csv.gz")
    model.preprocess()
    model.train("--max_depth", "7", "--eta", "0.31", "--num_round", "3", "--n_folds", "0", "--seed", "5")
    found = chosen(tmp_path, f"--model={tmp_path / 'c' / 'trained'}", "--values", '{"learning_rate": 0.2}')
    assert found["max_depth"] == 7
    assert found["eta"] == 0.2
    assert not {"objective", "eval_metric", "seed", "base_score"} & found.keys()
    assert "`learning_rate" not in (tmp_path / "reasons.md").read_text()


def test_what_is_chosen_is_what_the_training_uses(chain: Chain, churn: Chain, tmp_path: Path) -> None:
    chosen(tmp_path / "h", "--values", '{"max_depth": 2, "num_round": 4, "n_folds": 0}')
    for part in ("train", "validation", "model"):
        (chain.folder / part).symlink_to(churn.folder / part)
    (chain.folder / "hyper").symlink_to(tmp_path / "h")
    folder = chain.train("--max_depth", "9")
    facts = json.loads((folder / "model.json").read_text())
    assert (facts["parameters"]["max_depth"], facts["rounds"]) == (2, facts["best_iteration"][0] + 1)


def test_values_that_are_no_mapping_are_refused(tmp_path: Path) -> None:
    with pytest.raises(JobError, match="is no JSON object"):
        chosen(tmp_path, "--values", "[1]")
