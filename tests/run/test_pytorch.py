"""A training script of the user's own, wired to the rows of `preprocess`, run here as the PyTorch image runs it."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

from fluentpipe import Pipeline

HERE = Path(__file__).parents[1]
CHURN = HERE.parent / "fluentpipe" / "data" / "telco_churn.csv.gz"


def test_a_script_learns_from_the_rows_that_were_prepared(tmp_path: Path) -> None:
    script = HERE / "programs" / "pytorch" / "fit.py"
    pipe = Pipeline("churn").load_data(CHURN, label="churn").preprocess()
    run = pipe.train_pytorch(script, hyperparameters={"epochs": 30}).run(home=tmp_path)
    assert run.status == "Succeeded"
    with tarfile.open(run.outputs.pytorch_training.model_artifacts.download()) as model:
        kept = model.extractfile("weights.json")
        assert kept is not None
        weights = json.load(kept)
    assert weights["weight"] < -1  # who stayed long, stays
    assert weights["rows"] == 4789
