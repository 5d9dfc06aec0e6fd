"""The outputs of a run, here or on SageMaker, have the types of their values."""

from pathlib import Path

from fluentpipe.executions import Execution
from fluentpipe.outcome.shape import PipelineRun
from fluentpipe.run import Run


def model_of(run: PipelineRun) -> tuple[str, Path]:
    run = run.wait()
    model = run.outputs.xgboost_training.model_artifacts
    return model.value(), model.download("models")


def either(here: Run, there: Execution) -> list[str]:
    return [model_of(here)[0], model_of(there)[0]]


def told(there: Execution) -> dict[str, float | None]:
    there.watch().stop()
    there.outputs.get("anything", "at_all").value()
    return {name: step.seconds for name, step in there.steps.items() if step.state == "Succeeded"}
