"""`train`: any script, or the algorithm of any image, in a training job."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from fluentpipe.contract import OutputSpec, StepContract
from fluentpipe.jobs import TrainingStep
from fluentpipe.kinds import JobName, ModelArtifacts
from fluentpipe.settings import setting
from fluentpipe.step import Inputs
from fluentpipe.steps.by_call import SHARDED, OwnScript, StepByCall

if TYPE_CHECKING:
    from fluentpipe.target import Target


class TrainingByScript(OwnScript, TrainingStep):
    """A script in a training job: what it is told, and what the service reads from its log."""

    hyperparameters: Mapping[str, Any] | None = setting(
        None, job=True, doc="What the program is told, such as its epochs."
    )
    metric_definitions: Mapping[str, str] | None = setting(
        None, job=True, reference=False, doc="Metrics that the service reads from the log: name -> regular expression."
    )

    @override
    def program_settings(self) -> Iterator[tuple[str, Any]]:
        yield from ((name, value) for name, value in (self.hyperparameters or {}).items() if value is not None)

    @override
    def submitted(self, target: Target) -> dict[str, Any]:
        if self.script is None:
            return {}
        return {**super().submitted(target), "sagemaker_program": json.dumps(self.entry)}

    @override
    def arguments(self, inputs: Inputs, target: Target) -> dict[str, Any]:
        request = super().arguments(inputs, target)
        metrics = [{"Name": name, "Regex": regex} for name, regex in (self.metric_definitions or {}).items()]
        request["AlgorithmSpecification"]["MetricDefinitions"] = metrics
        return request


class ScriptTraining(StepByCall, TrainingByScript):
    """Run any training script, or the algorithm of any image, in a training job.

    The script gets each hyperparameter as `--name value`, its channels in `SM_CHANNEL_<NAME>`, and writes the model to
    `SM_MODEL_DIR`. The model can be registered; to evaluate what no step of ours trained, bring a script for that, too, with
    [`process`](process.md). More in [anything.md](../anything.md).

    Example:
        from pathlib import Path
        from fluentpipe import Pipeline, TrainingData

        Path("majority.py").write_text('''
        import argparse, json, os, pathlib
        import pyarrow.parquet
        parser = argparse.ArgumentParser()
        parser.add_argument("--threshold", type=float)
        threshold = parser.parse_args().threshold
        label = pyarrow.parquet.read_table(os.environ["SM_CHANNEL_ROWS"] + "/data.parquet")["__label__"].to_numpy()
        model = {"answer": int(label.mean() >= threshold)}
        pathlib.Path(os.environ["SM_MODEL_DIR"], "model.json").write_text(json.dumps(model))
        ''')
        data = Pipeline("churn").load_data("churn.csv", label="churn").preprocess()
        trained = data.train("majority.py", inputs={"rows": TrainingData}, hyperparameters={"threshold": 0.5})
        run = trained.register("majorities").run()
    """

    contract = StepContract(
        step_type="ScriptTraining",
        verb="train",
        outputs=(
            OutputSpec("model_artifacts", ModelArtifacts, "ModelArtifacts.S3ModelArtifacts", "model.tar.gz, S3 URI."),
            OutputSpec("training_job_name", JobName, "TrainingJobName", "Name of the training job."),
        ),
        own_method=True,
    )

    @override
    def channels(self, inputs: Inputs, target: Target) -> list[dict[str, Any]]:
        found = super().channels(inputs, target)
        for each in found:
            if each["ChannelName"] in self.sharded:
                each["DataSource"]["S3DataSource"]["S3DataDistributionType"] = SHARDED
        return found
