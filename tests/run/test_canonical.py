"""The canonical chain with the scripts of the steps, real XGBoost and real data."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

import fluentpipe
from fluentpipe.definition import Definition
from fluentpipe.errors import GateFailed
from fluentpipe.run import Run, run

from .pipelines import IN, OUT, Sketch, at_least, join, json_get, model_of, output, packed

pytest.importorskip("xgboost")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("canonical"),
]  # one training for both; the fast ones are in test_cli
PACKAGE = Path(fluentpipe.__file__).parent
SCRIPTS = {path.name: path.read_text() for path in (PACKAGE / "containers").glob("*.py")}
TELCO = PACKAGE / "data" / "telco_churn.csv.gz"
SPLITS = ("train", "validation", "test")


def telco(min_auc: float) -> Definition:
    sketch = Sketch("telco", data="s3://my-bucket/telco.csv", min_auc=min_auc)
    code = sketch.asset(SCRIPTS)

    def processing(
        name: str, script: str, inputs: dict, outputs: tuple[str, ...], arguments: tuple, report: str = ""
    ) -> None:
        step = sketch.processing(
            name,
            "",
            inputs=inputs,
            outputs=outputs,
            arguments=arguments,
            report=report,
            entry=["python3", f"{IN}/code/{script}"],
        )
        step["Arguments"]["ProcessingInputs"][0]["S3Input"]["S3Uri"] = code

    processing(
        "Load",
        "load_data.py",
        {"data": {"Get": "Parameters.data"}},
        ("raw_data",),
        ("--input", f"{IN}/data", "--output", f"{OUT}/raw_data", "--label", "churn", "--validation-split", "0.2"),
    )
    made = [f"{split}_data" for split in SPLITS] + ["preprocessing_model"]
    places = [word for split in SPLITS for word in (f"--{split}-output", f"{OUT}/{split}_data")]
    processing(
        "Preprocess",
        "preprocess.py",
        {"raw_data": output("Load", "raw_data")},
        tuple(made),
        ("--input", f"{IN}/raw_data", *places, "--model-output", f"{OUT}/preprocessing_model"),
    )
    channels = {"train": "train_data", "validation": "validation_data", "preprocessing": "preprocessing_model"}
    sketch.training(
        "Train",
        "",
        code=packed(SCRIPTS),
        channels={channel: output("Preprocess", name) for channel, name in channels.items()},
        hyperparameters={"num_round": "300", "seed": "0"},
    )
    processing(
        "Evaluate",
        "evaluate.py",
        {"model": model_of("Train"), "test": output("Preprocess", "test_data")},
        ("report", "predictions"),
        (
            "--model",
            f"{IN}/model",
            "--test",
            f"{IN}/test",
            "--output",
            f"{OUT}/report",
            "--predictions",
            f"{OUT}/predictions",
        ),
        report="report",
    )
    yes, no = sketch.condition("Gate", at_least(json_get("Evaluate", "metrics.auc"), {"Get": "Parameters.min_auc"}))
    sketch.register(
        "Register", model_of("Train"), metrics=join(output("Evaluate", "report"), "evaluation.json"), into=yes
    )
    sketch.fail("TooLow", join("the AUC is below", {"Get": "Parameters.min_auc"}, on=" "), into=no)
    return sketch.definition()


def run_telco(min_auc: float, home: Path, echo: Callable[[str], None] | None = None) -> Run:
    return run(telco(min_auc), parameters={"data": TELCO}, home=home, echo=echo)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("canonical")


def test_real_data_becomes_a_real_registered_model(home):
    lines: list[str] = []
    result = run_telco(0.80, home, lines.append)
    assert result.status == "Succeeded"
    assert 0.80 < result.metrics["auc"] < 0.90
    (model,) = result.models
    report = json.loads((model.path / "metrics" / "ModelQuality.Statistics" / "evaluation.json").read_text())
    assert report["metrics"] == result.metrics
    with tarfile.open(model.path / "model.tar.gz") as tar:
        assert {"xgboost-model.ubj", "preprocessing.json", "code/inference.py"} <= set(tar.getnames())
    assert any(line.startswith("[Train] round ") for line in lines)
    assert result.steps["Gate"].reason == f"metrics.auc: {result.metrics['auc']:.6g} is >= 0.8"


def test_the_gate_holds_back_a_real_model(home):
    with pytest.raises(GateFailed, match=r"TooLow.*the AUC is below 0\.99\n  metrics\.auc: 0\.\d+ is not >= 0\.99"):
        run_telco(0.99, home)
    assert {path.name for path in home.glob("registry/*/*")} <= {"1"}
