"""Scripts of the user's own, carried out here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fluentpipe import CustomProperty, OutputSpec, Pipeline, RawData, TrainingData
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


ARN = "arn:aws:lambda:us-east-1:111122223333:function:tell"
QUEUE = "https://sqs.us-east-1.amazonaws.com/111122223333/people"


def asking() -> Any:
    pipe: Any = Pipeline("own").process(
        "halve.py", inputs={"raw": "rows.csv"}, outputs={"fewer": RawData}, arguments={"share": 0.1}
    )
    pipe = pipe.invoke_lambda(
        ARN, inputs={"rows": RawData, "least": 3}, outputs={"ticket": str, "open": int}, name="ask"
    )
    pipe = pipe.callback(QUEUE, inputs={"ticket": pipe.outputs.ask.ticket}, outputs=["answer"], name="person")
    good = (pipe.outputs.ask.open >= 2) & (pipe.outputs.person.answer == "yes")
    return pipe.when(good).then(lambda p: p.process("copy.sh", inputs={"rows": RawData}, outputs={"same": RawData}))


def test_functions_stand_in_for_what_does_not_run_here() -> None:
    asked: list[dict[str, Any]] = []

    def ask(inputs: dict[str, Any]) -> dict[str, Any]:
        asked.append(inputs)
        return {"ticket": "T-1", "open": len((Path(inputs["rows"]) / "rows.csv").read_text().splitlines())}

    stand_ins = {"ask": ask, "person": lambda inputs: {"answer": "yes" if inputs == {"ticket": "T-1"} else "no"}}
    run = asking().run(echo=None, stand_ins=stand_ins)
    assert asked[0]["least"] == 3
    assert run.outputs.get("ask", "open").value() == 11
    assert run.steps["copy"].state == "Succeeded"


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "none": ({}, r"ask \(Lambda\), person \(Callback\); .*stand_ins=\{'ask': lambda inputs"),
    "no function": ({"ask": 3, "person": print}, "what stands in for 'ask' must be a function"),
    "no such step": ({"asks": print}, "there is no step 'asks'. Did you mean 'ask'"),
    "a step that runs": ({"halve": print}, "step 'halve' runs here itself"),
}  # fmt: skip


@pytest.mark.parametrize(("stand_ins", "said"), WRONG.values(), ids=WRONG)
def test_stand_ins_are_checked_before_anything_starts(stand_ins: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=said):
        asking().run(echo=None, stand_ins=stand_ins, home=tmp_path / "home")
    assert not (tmp_path / "home" / "runs").exists()


ANSWERS: dict[str, tuple[Any, str]] = {
    "nothing": (lambda inputs: None, "ticket is missing\n  open is missing"),
    "another type": (lambda inputs: {"ticket": 3, "open": True}, "ticket must be String, not 3\n  open must be Integer, not True"),
    "something else": (lambda inputs: {"ticket": "", "open": 1, "opne": 1}, "opne is not declared. Did you mean 'open'"),
    "no mapping": (lambda inputs: [1], "which is no mapping"),
    "an error": (lambda inputs: 1 / 0, "raised ZeroDivisionError: division by zero"),
}  # fmt: skip


@pytest.mark.parametrize(("ask", "said"), ANSWERS.values(), ids=ANSWERS)
def test_what_a_stand_in_answers_is_checked(ask: Any, said: str) -> None:
    with pytest.raises(RunError, match=said):
        asking().run(echo=None, stand_ins={"ask": ask, "person": lambda inputs: {"answer": "yes"}})


def test_a_function_stands_in_for_a_step_of_any_type_and_answers_its_properties() -> None:
    emr = {
        "Type": "EMR",
        "Arguments": {"ClusterId": "j-1", "StepConfig": {"HadoopJarStep": {"Jar": "s3://bucket/a.jar"}}},
    }
    pipe: Any = Pipeline("own").raw_step(
        emr, name="spark", outputs=[OutputSpec("cluster", CustomProperty, "ClusterId")]
    )
    pipe = pipe.process("copy.sh", inputs={"rows": "rows.csv"}, outputs=["same"], depends_on="spark")
    run = pipe.run(echo=None, stand_ins={"spark": lambda inputs: {"ClusterId": inputs["ClusterId"] + "-here"}})
    assert run.outputs.get("spark", "cluster").value() == "j-1-here"
