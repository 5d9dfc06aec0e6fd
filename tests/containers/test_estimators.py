"""Any estimator of scikit-learn: trained, kept, read again with care, evaluated, calibrated and served."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fluentpipe.containers import (
    calibrate,
    estimators,
    evaluate,
    inference,
    model_folder,
    train,
    train_lightgbm,
    train_sklearn,
)
from fluentpipe.containers.job import JobError

from .chain import Chain

pytest.importorskip("sklearn")
LOGISTIC = "sklearn.linear_model.LogisticRegression"


def trained(data: Path, out: Path, estimator: str = "", **parameters: Any) -> Path:
    words = [f"--{part}={data / part}" for part in ("train", "validation")]
    words += [f"--preprocessing={data / 'model'}", f"--model-dir={out}", "--estimator", estimator]
    train_sklearn.main([*words, "--estimator-parameters", json.dumps(parameters)])
    return out


def judged(model: Path, data: Path, out: Path) -> dict[str, Any]:
    evaluate.main([f"--model={model}", f"--test={data / 'test'}", f"--output={out}", f"--predictions={out / 'p'}"])
    return dict(json.loads((out / "evaluation.json").read_text()))


@pytest.mark.parametrize(
    ("estimator", "parameters", "least"),
    [
        pytest.param("", {"max_iter": 30}, 0.83, marks=pytest.mark.slow),
        (LOGISTIC, {"max_iter": 500}, 0.83),
        pytest.param(
            "sklearn.ensemble.RandomForestClassifier",
            {"n_estimators": 20, "max_depth": 6},
            0.82,
            marks=pytest.mark.slow,
        ),
        pytest.param("sklearn.naive_bayes.GaussianNB", {}, 0.8, marks=pytest.mark.slow),
        pytest.param("sklearn.neighbors.KNeighborsClassifier", {"n_neighbors": 30}, 0.8, marks=pytest.mark.slow),
    ],
)
def test_an_estimator_is_trained_kept_and_evaluated(
    churn: Chain, tmp_path: Path, estimator: str, parameters: dict[str, Any], least: float
) -> None:
    report = judged(trained(churn.folder, tmp_path / "m", estimator, **parameters), churn.folder, tmp_path / "r")
    assert report["metrics"]["auc"] > least


@pytest.mark.parametrize(
    ("program", "quick"),
    [
        (train, ["--n_folds", "0", "--num_round", "1"]),
        (train_lightgbm, ["--num_iterations", "1"]),
        (train_sklearn, ["--estimator", "sklearn.naive_bayes.GaussianNB"]),
    ],
)
def test_a_preprocessing_that_did_not_make_the_rows_is_refused(
    churn: Chain, tmp_path: Path, program: Any, quick: list[str]
) -> None:
    learned = json.loads((churn.folder / "model" / "preprocessing.json").read_text())
    (tmp_path / "preprocessing.json").write_text(json.dumps({**learned, "columns": learned["columns"][1:]}))
    words = [f"--{part}={churn.folder / part}" for part in ("train", "validation")]
    words += [f"--preprocessing={tmp_path}", f"--model-dir={tmp_path / 'm'}"]
    with pytest.raises(JobError, match="rows that the preprocessing makes do not have the features"):
        program.main([*words, *quick])
    assert not (tmp_path / "m").exists()  # before anything was learned


@pytest.mark.slow
def test_the_model_is_calibrated_and_serves_raw_rows_by_itself(churn: Chain, tmp_path: Path) -> None:
    model = trained(churn.folder, tmp_path / "m", LOGISTIC, max_iter=500)
    words = [f"--model={model}", f"--rows={churn.folder / 'validation'}", f"--output={tmp_path / 'c'}"]
    calibrate.main([*words, f"--report={tmp_path / 'r'}", "--method", "platt"])
    opened = evaluate.open_model(tmp_path / "c")
    features, _, _ = evaluate.test_rows(churn.folder / "test", opened)
    assert opened.calibration is not None
    raw = model_folder.load(model).scores(features)
    np.testing.assert_allclose(opened.scores(features), opened.calibration.apply(raw), atol=1e-6)
    code = "import sys; sys.path.insert(0, 'code'); import inference; print(inference.model_fn('.').target.task)"
    alone = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=model, env=alone, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["binary"]
    assert inference.model_fn(str(model)).estimator is not None


@pytest.mark.parametrize("task", ["multiclass", "regression"])
@pytest.mark.parametrize("linear", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_the_other_tasks_run_through(chain: Chain, tmp_path: Path, task: str, linear: bool) -> None:
    file = tmp_path / "rows.csv"
    random = np.random.default_rng(0)
    x = random.normal(size=600)
    y = (
        [f"{value:.4f}" for value in x * 2 + 1]
        if task == "regression"
        else [("low", "mid", "high")[min(2, int(abs(v)))] for v in x]
    )
    file.write_text(
        "x,c,y\n" + "".join(f"{a:.4f},{'uv'[i % 2]},{b}\n" for i, (a, b) in enumerate(zip(x, y, strict=True)))
    )
    chain.load(file, "--label", "y", "--task", task)
    chain.preprocess()
    named = {"regression": "sklearn.linear_model.Ridge", "multiclass": LOGISTIC}[task] if linear else ""
    report = judged(trained(chain.folder, tmp_path / "m", named), chain.folder, tmp_path / "r")
    assert report["metrics"]["r2" if task == "regression" else "accuracy"] > (0.9 if task == "regression" else 0.6)


def test_without_validation_rows_some_training_rows_are_held_out(
    churn: Chain, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [
        f"--train={churn.folder / 'train'}",
        f"--model-dir={tmp_path}",
        "--estimator",
        LOGISTIC,
        "--validation",
        "/nowhere",
    ]
    train_sklearn.main(words)
    facts = json.loads((tmp_path / "model.json").read_text())
    assert facts["rows"] == {"train": 4789 - 718, "validation": 718}
    assert "held-out rows: loss=" in capsys.readouterr().out


WRONG = [
    ("sklearn.linear_model.LogisticRegresion", {}, "has no 'LogisticRegresion'. Did you mean 'LogisticRegression'?"),
    ("sklearn.linaer.X", {}, "there is no estimator 'sklearn.linaer.X'"),
    ("os.path.join", {}, "is no estimator: it is no class with fit and predict"),
    (LOGISTIC, {"max_itre": 3}, "LogisticRegression has no parameter 'max_itre'. Did you mean 'max_iter'?"),
    ("sklearn.linear_model.Ridge", {}, "Ridge does not fit the task 'binary'; take a classifier"),
    ("sklearn.svm.LinearSVC", {}, "LinearSVC gives no probabilities"),
]


@pytest.mark.parametrize(("estimator", "parameters", "said"), WRONG, ids=[each[0] for each in WRONG])
def test_what_cannot_be_trained_says_why(
    churn: Chain, tmp_path: Path, estimator: str, parameters: dict[str, Any], said: str
) -> None:
    with pytest.raises(JobError) as caught:
        trained(churn.folder, tmp_path, estimator, **parameters)
    assert said in str(caught.value)


class Command:
    """What an attacker would put into a model."""

    def __init__(self, call: Any, *words: Any) -> None:
        self.told = call, words

    def __reduce__(self) -> Any:
        return self.told


@pytest.mark.parametrize(
    "call",
    [
        os.system,
        subprocess.Popen,
        eval,
        exec,
        getattr,
        __import__,
        np.load,
        np.save,
        pickle.loads,
        print,
    ],
    ids=lambda call: call.__name__,
)
def test_a_model_runs_nothing_when_it_is_read(tmp_path: Path, call: Any) -> None:
    file = tmp_path / "estimator.pickle"
    file.write_bytes(pickle.dumps(Command(call, "touch pwned")))
    with pytest.raises(JobError, match=r"it holds .*, which is no class of"):
        estimators.load(file)


@pytest.mark.parametrize("content", [b"", b"garbage", pickle.dumps({"a": 1})[:-3], b"cos\nsystem\n(S'id'\ntR."])
def test_a_damaged_model_is_an_error_of_its_own(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "m").write_bytes(content)
    with pytest.raises(JobError, match="cannot be read"):
        estimators.load(tmp_path / "m")


def test_a_model_of_another_version_of_scikit_learn_says_which(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression().fit([[0.0], [1.0]], [0, 1])
    state = {**model.__getstate__(), "_sklearn_version": "0.9"}
    monkeypatch.setattr(LogisticRegression, "__getstate__", lambda _: state)
    (tmp_path / "m").write_bytes(pickle.dumps(model))
    with pytest.raises(JobError, match=r"was made by scikit-learn 0\.9, here is "):
        estimators.load(tmp_path / "m")
