"""LightGBM: trained, kept as text, read again, evaluated, calibrated and served."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fluentpipe.containers import calibrate, evaluate, inference, lightgbm_model, model_folder, train_lightgbm
from fluentpipe.containers.job import JobError
from fluentpipe.steps import LightgbmTraining

from .chain import Chain

FEW = ("--num_iterations", "60", "--num_threads", "1")


def trained(data: Path, out: Path, *words: str) -> Path:
    channels = [f"--{part}={data / part}" for part in ("train", "validation")]
    train_lightgbm.main([*channels, f"--preprocessing={data / 'model'}", f"--model-dir={out}", *FEW, *words])
    return out


def judged(model: Path, data: Path, out: Path) -> dict[str, Any]:
    evaluate.main([f"--model={model}", f"--test={data / 'test'}", f"--output={out}", f"--predictions={out / 'p'}"])
    return dict(json.loads((out / "evaluation.json").read_text()))


@pytest.fixture(scope="module")
def model(churn: Chain, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of the churn data; tests only read it."""
    return trained(churn.folder, tmp_path_factory.mktemp("lightgbm"))


def test_a_model_is_trained_kept_and_evaluated(churn: Chain, model: Path, tmp_path: Path) -> None:
    assert judged(model, churn.folder, tmp_path)["metrics"]["auc"] > 0.84
    facts = json.loads((model / "model.json").read_text())
    assert facts["engine"] == "lightgbm"
    assert not {"num_threads", "verbosity", "deterministic"} & facts["parameters"].keys()
    shares = [entry["share"] for entry in json.loads((model / "importances.json").read_text())["importances"]]
    assert sum(shares) == pytest.approx(1)


def test_what_is_read_says_what_the_training_saw(churn: Chain, model: Path) -> None:
    found = model_folder.load(model)
    features, labels, _ = evaluate.test_rows(churn.folder / "validation", found)
    held_out = model_folder.Model.scores(found, features)
    kept = evaluate.reading.read_parquet(model / model_folder.HELD_OUT)
    np.testing.assert_allclose(held_out, kept.column("score_0").to_numpy(), atol=1e-6)
    assert len(labels) == kept.num_rows


def test_the_same_data_make_the_same_bytes_whatever_the_threads(churn: Chain, model: Path, tmp_path: Path) -> None:
    again = trained(churn.folder, tmp_path, "--num_threads", "2")
    assert {file.name for file in again.rglob("*")} == {file.name for file in model.rglob("*")}
    assert (again / model_folder.LIGHTGBM).read_bytes() == (model / model_folder.LIGHTGBM).read_bytes()
    assert (again / "model.json").read_bytes() == (model / "model.json").read_bytes()


def test_training_stops_early_and_keeps_the_best_rounds(
    churn: Chain, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trained(churn.folder, tmp_path, "--num_iterations", "500", "--learning_rate", "0.5", "--early_stopping_rounds", "5")
    facts = json.loads((tmp_path / "model.json").read_text())
    (member,) = facts["members"]
    assert facts["rounds"] == member["best_round"] + 1 == member["rounds"] - 5 < 100
    assert lightgbm_model.load(tmp_path / model_folder.LIGHTGBM).num_trees() == facts["rounds"]
    assert f"best round {member['best_round']} validation-binary_logloss " in capsys.readouterr().out


def test_categories_are_split_as_categories(model: Path) -> None:
    text = (model / model_folder.LIGHTGBM).read_text()
    assert any(int(line.removeprefix("num_cat=")) for line in text.splitlines() if line.startswith("num_cat="))


def test_a_constraint_holds_for_every_row(churn: Chain, tmp_path: Path) -> None:
    found = model_folder.load(trained(churn.folder, tmp_path, "--monotone_constraints", '{"tenure": -1}'))
    features, _, _ = evaluate.test_rows(churn.folder / "test", found)
    place = found.names.index("tenure")
    said = []
    for months in (0, 6, 24, 72):
        features[:, place] = months
        said.append(found.scores(features))
    assert (np.diff(np.array(said), axis=0) <= 1e-7).all()


def test_the_model_is_calibrated_and_says_what_an_endpoint_installs(churn: Chain, model: Path, tmp_path: Path) -> None:
    words = [f"--model={model}", f"--rows={churn.folder / 'validation'}", f"--output={tmp_path / 'c'}"]
    calibrate.main([*words, f"--report={tmp_path / 'r'}", "--method", "platt"])
    opened = evaluate.open_model(tmp_path / "c")
    features, _, _ = evaluate.test_rows(churn.folder / "test", opened)
    assert opened.calibration is not None
    raw = model_folder.load(model).scores(features)
    np.testing.assert_allclose(opened.scores(features), opened.calibration.apply(raw), atol=1e-6)
    assert (model / "code" / "requirements.txt").read_text() == f"lightgbm=={lightgbm_model.package().__version__}\n"


@pytest.mark.slow
def test_the_archive_holds_all_that_serving_needs(model: Path) -> None:
    code = "import sys; sys.path.insert(0, 'code'); import inference; print(inference.model_fn('.').target.task)"
    alone = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=model, env=alone, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["binary"]


def test_an_endpoint_says_of_raw_rows_what_the_evaluation_said(churn: Chain, model: Path) -> None:
    import pyarrow.parquet as pq

    rows = pq.read_table(churn.folder / "raw" / "test" / "data.parquet")
    served = inference.model_fn(str(model))
    said = [each["probability"] for each in inference.predict_fn(rows, served)]
    features, _, _ = evaluate.test_rows(churn.folder / "test", served)
    np.testing.assert_allclose(said, served.scores(features), atol=1e-6)


@pytest.mark.parametrize("task", ["multiclass", "regression"])
def test_the_other_tasks_run_through(chain: Chain, tmp_path: Path, task: str) -> None:
    file = tmp_path / "rows.csv"
    random = np.random.default_rng(0)
    x = random.normal(size=600)
    names = ("low", "mid", "high")
    y = [f"{v * 2 + 1:.4f}" if task == "regression" else names[min(2, int(abs(v)))] for v in x]
    lines = (f"{a:.4f},{'uv'[i % 2]},{b}\n" for i, (a, b) in enumerate(zip(x, y, strict=True)))
    file.write_text("x,c,y\n" + "".join(lines))
    chain.load(file, "--label", "y", "--task", task)
    chain.preprocess()
    report = judged(trained(chain.folder, tmp_path / "m", "--eta", "0.2"), chain.folder, tmp_path / "r")
    assert report["metrics"]["r2" if task == "regression" else "accuracy"] > 0.9


def test_without_validation_rows_some_training_rows_are_held_out(churn: Chain, tmp_path: Path) -> None:
    train_lightgbm.main([f"--train={churn.folder / 'train'}", f"--model-dir={tmp_path}", "--validation", "/none", *FEW])
    assert json.loads((tmp_path / "model.json").read_text())["rows"] == {"train": 4789 - 718, "validation": 718}


WRONG = [
    (("--max_dpeth", "3"), "unknown hyperparameters: 'max_dpeth'. Did you mean 'max_depth'?"),
    (("--objective", "multiclass"), "the objective 'multiclass' does not fit the task 'binary'"),
    (("--num_leaves", "many"), "LightGBM refuses the hyperparameters: Parameter num_leaves should be of type int"),
    (("--boosting", "dart"), "dart changes trees that it has already"),
    (("--early_stopping_rounds", "-1"), "early_stopping_rounds is -1; it is a whole number of at least 0"),
    (("--monotone_constraints", '{"tenuer": 1}'), "no features: 'tenuer'. Did you mean 'tenure'?"),
    (("--monotone_constraints", "[1]"), "monotone_constraints is '[1]'; it is a JSON object"),
    (("--eta", "0.1", "--learning_rate", "0.2"), "are the same parameter, given as 0.2 and 0.1"),
]


@pytest.mark.parametrize(("words", "said"), WRONG, ids=[" ".join(words) for words, _ in WRONG])
def test_what_cannot_be_trained_says_why(churn: Chain, tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    with pytest.raises(JobError) as caught:
        trained(churn.folder, tmp_path, *words)
    assert said in str(caught.value)


DAMAGED = {
    "empty": lambda text: "",
    "no model": lambda text: "tree\nversion=v4\n",
    "cut off": lambda text: text[: len(text) // 2],
    "a tree too short": lambda text: text.replace("leaf_value=0", "leaf_value=", 1).replace("leaf_value=-", "leaf_value=", 1),
    "another program's": lambda text: "{}",
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_model_is_an_error_of_its_own(model: Path, tmp_path: Path, damage: Any) -> None:
    file = tmp_path / model_folder.LIGHTGBM
    file.write_text(damage((model / model_folder.LIGHTGBM).read_text()))
    with pytest.raises(JobError, match="cannot be read"):
        lightgbm_model.load(file)


def test_a_model_of_an_engine_that_is_not_known_says_so(model: Path, tmp_path: Path) -> None:
    facts = {**json.loads((model / "model.json").read_text()), "engine": "catboost"}
    (tmp_path / "model.json").write_text(json.dumps(facts))
    with pytest.raises(JobError, match="was trained by 'catboost', which this program does not know"):
        model_folder.load(tmp_path)


def test_a_processing_job_installs_lightgbm_and_nobody_elses_machine_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[list[str]] = []

    def pip(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        ran.append(command)
        if len(ran) > 1:
            monkeypatch.delitem(sys.modules, "lightgbm")
        return subprocess.CompletedProcess(command, 0 if len(ran) > 1 else 1)

    monkeypatch.setitem(sys.modules, "lightgbm", None)  # as if it were not there
    monkeypatch.setattr(subprocess, "run", pip)
    monkeypatch.delenv("SAGEMAKER_BASE_DIR", raising=False)
    with pytest.raises(JobError, match=r"LightGBM is not installed: pip install lightgbm==4\.6\.0"):
        lightgbm_model.package()
    assert not ran
    (tmp_path / "job.json").write_text("{}")
    monkeypatch.setattr(lightgbm_model, "PROCESSING_JOB", tmp_path / "job.json")
    with pytest.raises(JobError, match="give image_uri= of an image that has it"):
        lightgbm_model.package()
    assert lightgbm_model.package().__name__ == "lightgbm"
    assert ran[1][1:] == ["-m", "pip", "install", "--no-cache-dir", "lightgbm==4.6.0"]
    monkeypatch.setenv("SAGEMAKER_BASE_DIR", str(tmp_path))  # a run on somebody's machine
    monkeypatch.setitem(sys.modules, "lightgbm", None)
    with pytest.raises(JobError, match="LightGBM is not installed"):
        lightgbm_model.package()


def test_one_version_of_lightgbm_is_named_everywhere() -> None:
    folder = Path(lightgbm_model.__file__).parent
    assert (folder / "lightgbm_requirements.txt").read_text() == f"{lightgbm_model.REQUIREMENT}\n"
    assert f'"{lightgbm_model.REQUIREMENT}"' in (folder.parents[1] / "pyproject.toml").read_text()
    assert lightgbm_model.VERSION in str(LightgbmTraining.__doc__)


def test_the_step_and_its_program_know_the_same_names() -> None:
    names = {alias: name for name, each in LightgbmTraining.settings.items() if not each.job for alias in each.aliases}
    assert names.items() <= train_lightgbm.ALIASES.items()
