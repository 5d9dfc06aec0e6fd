"""The page about the SDK: its code runs, from top to bottom, and its table is what the library has."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from run_written import write_rows

from fluentpipe.sdk import DEFAULTED

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "sdk.md").read_text("utf-8")
MY_PIPELINE = """\
import os, sys
os.environ["SAGEMAKER_VALIDATE_ROLE"] = "false"
sys.path.insert(0, {sdk!r})
import runnable_v3 as by_hand

def make_pipeline(session):
    by_hand.PipelineSession = lambda *_, **__: session
    return by_hand.pipeline("algorithm", None)
"""


def test_the_code_of_the_page_runs(tmp_path, major):
    if major == "2":
        pytest.skip("the page imports from version 3")
    write_rows(tmp_path / "rows")
    (tmp_path / "my_pipeline.py").write_text(MY_PIPELINE.format(sdk=str(ROOT / "tests" / "sdk")))
    (tmp_path / "page.py").write_text("\n".join(re.findall(r"```py\n(.*?)```", PAGE, re.DOTALL)))
    done = subprocess.run([sys.executable, "page.py"], cwd=tmp_path, capture_output=True, text=True)
    shutil.rmtree(tmp_path / ".fluentpipe", ignore_errors=True)
    assert done.returncode == 0, done.stderr
    assert "['ProcessingStep', 'ProcessingStep', 'TrainingStep', 'ProcessingStep', 'ConditionStep']" in done.stdout
    assert "train <- tabular_preprocessing.train_data" in done.stdout
    assert "RegisteredModel(group='churn-by-hand', version=1" in done.stdout


def test_the_page_names_every_member_that_the_sdk_defaults():
    for each in DEFAULTED:
        assert f'"{each.path.rpartition(".")[2]}": ' in PAGE


def test_the_sdk_says_nothing_where_the_comparison_says_never(by_hand, bucket):
    pipeline = by_hand.pipeline("algorithm", bucket)
    prepared, trained, evaluated, _ = pipeline.steps
    assert bool(trained.properties.ModelArtifacts.S3ModelArtifacts)  # what `if model:` asks
    with pytest.raises(TypeError, match="do not support __str__"):
        f"{trained.properties.ModelArtifacts.S3ModelArtifacts}/x"
    rows = prepared.properties.ProcessingOutputConfig.Outputs["train"].S3Output.S3Uri
    evaluated.add_depends_on([trained])
    model_input = next(
        each
        for each in evaluated.arguments["ProcessingInputs"]
        if getattr(each["S3Input"]["S3Uri"], "path", "").startswith("ModelArtifacts")
    )
    assert type(model_input["S3Input"]["S3Uri"]) is type(rows)  # a model and rows are of one class


def test_a_misspelt_hyperparameter_goes_through_the_sdk(by_hand, bucket, monkeypatch):
    wrong = {"dept": "deep", **by_hand.runnable.HYPERPARAMETERS}
    monkeypatch.setattr(by_hand.runnable, "HYPERPARAMETERS", wrong)
    assert '"dept": "deep"' in by_hand.pipeline("algorithm", bucket).definition()
