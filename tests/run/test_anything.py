"""Scripts of the user's own, carried out here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fluentpipe import Pipeline, RawData, TrainingData
from fluentpipe.errors import RunError

HALVE = """
import argparse, pathlib, shared
parser = argparse.ArgumentParser()
for name in ("raw", "fewer", "share"):
    parser.add_argument("--" + name)
given = parser.parse_args()
for file in pathlib.Path(given.raw).rglob("*.csv"):
    head, *rows = file.read_text().splitlines()
    pathlib.Path(given.fewer, file.name).write_text("\\n".join([head, *shared.some(rows, float(given.share))]))
"""
FIT = """
import argparse, os, pathlib
parser = argparse.ArgumentParser()
parser.add_argument("--depth", type=int)
rows = pathlib.Path(os.environ["SM_CHANNEL_TRAIN"], "rows.csv").read_text().splitlines()
pathlib.Path(os.environ["SM_MODEL_DIR"], "model.txt").write_text(f"{len(rows)} {parser.parse_args().depth}")
"""


@pytest.fixture(autouse=True)
def scripts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working directory with programs and rows."""
    monkeypatch.chdir(tmp_path)
    Path("halve.py").write_text(HALVE)
    Path("shared.py").write_text("def some(rows, share):\n    return rows[: int(len(rows) * share)]\n")
    Path("fit.py").write_text(FIT)
    Path("copy.sh").write_text('cp "$2"/* "$4"\n')
    Path("rows.csv").write_text("a\n" + "1\n" * 100)


def test_scripts_in_processing_and_training_jobs_run_here() -> None:
    pipe: Any = Pipeline("own").process(
        "halve.py", inputs={"raw": "rows.csv"}, outputs={"fewer": TrainingData}, arguments={"share": 0.5}
    )
    pipe = pipe.process("copy.sh", inputs={"rows": TrainingData}, outputs={"same": TrainingData})
    run = pipe.train("fit.py", inputs={"train": TrainingData}, hyperparameters={"depth": 3}).run(echo=None)
    assert (run.steps["copy"].outputs["same"] / "rows.csv").read_text().count("1") == 50
    model = run.outputs.get("fit", "model_artifacts")
    assert model is not None
    assert {step.state for step in run.steps.values()} == {"Succeeded"}


def test_the_program_of_an_image_does_not_run_here_and_that_is_told_before_anything_starts(tmp_path: Path) -> None:
    pipe = Pipeline("own").process("halve.py", inputs={"raw": "rows.csv"}, outputs={"fewer": RawData})
    with pytest.raises(RunError, match="without ContainerEntrypoint runs the image's own program, which is not here"):
        pipe.process(image_uri="a.dkr.ecr.b/c:1", name="own").run(echo=None, home=tmp_path / "home")
    assert not (tmp_path / "home" / "runs").exists()
