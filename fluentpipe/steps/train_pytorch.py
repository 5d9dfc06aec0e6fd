"""`train_pytorch`: the user's own script in an image of PyTorch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import attrs
from typing_extensions import override

from fluentpipe.contract import StepContract
from fluentpipe.errors import SettingError
from fluentpipe.images import pytorch_uri
from fluentpipe.settings import setting
from fluentpipe.steps.train import TrainingByScript
from fluentpipe.steps.train_xgboost import XGBoostTraining

if TYPE_CHECKING:
    from fluentpipe.target import Target

DEFAULT_PYTORCH = "2.6.0"
"""The newest that SageMaker has both a training and an inference image of, so that what was trained can be served."""


TAKES = {
    "training_data": "Rows to learn from: the channel `train`.",
    "validation_data": "Rows to judge by while learning: the channel `validation`.",
    "preprocessing_model": "The transformation that made the rows, for the script to keep with the model: the channel `preprocessing`.",
}


class PytorchTraining(TrainingByScript):
    """Train with a script of your own in SageMaker's PyTorch image.

    The script gets each hyperparameter as `--name value`, epochs too, and finds its data in the folders that the environment
    names: `SM_CHANNEL_TRAIN`, `SM_CHANNEL_VALIDATION` and `SM_CHANNEL_PREPROCESSING`. The first two hold `data.parquet`, a column
    of float32 per feature and the label in `__label__`, and `schema.json` with `features`, `feature_types` (`q` for numbers, `c` for
    codes of categories), `task` and `classes`; missing values are NaN. The third holds `preprocessing.json`. Reading Parquet needs
    PyArrow: name it in a requirements.txt in `source_dir`, which the image installs. Whatever the script writes to `SM_MODEL_DIR` is
    the model.

    It runs here with the packages that are installed here. The instances are CPUs unless you say otherwise: rows of a table and
    small networks rarely repay a GPU, which costs several times as much and needs a quota; `instance_type="ml.g5.xlarge"` takes
    the GPU's image.

    `register` and `create_model` serve the model in PyTorch's inference image (CPU) by the `code/inference.py` that your script puts
    into the model. The steps that read our own models (`evaluate_performance`, `calibrate`, `score`) refuse it: judge it with
    a script, `process("judge.py", inputs={"model": ModelArtifacts, "test": TestData}, outputs={"report": EvaluationReport})`.

    Example:
        from pathlib import Path
        from fluentpipe import Pipeline

        Path("fit.py").write_text('''
        import argparse, os, pathlib
        parser = argparse.ArgumentParser()
        parser.add_argument("--epochs", type=int)
        print("epochs:", parser.parse_args().epochs, "rows in", os.environ["SM_CHANNEL_TRAIN"])
        # import torch, learn, and keep the weights:
        pathlib.Path(os.environ["SM_MODEL_DIR"], "weights.txt").write_text("0.5")
        ''')
        data = Pipeline("churn").load_data("churn.csv", label="churn").preprocess()
        run = data.train_pytorch("fit.py", hyperparameters={"epochs": 3}).run()
    """

    contract = StepContract(
        step_type="PytorchTraining",
        verb="train_pytorch",
        dependencies=tuple(
            attrs.evolve(spec, description=TAKES[spec.name])
            for spec in XGBoostTraining.contract.dependencies
            if spec.name in TAKES
        ),
        outputs=XGBoostTraining.contract.outputs,
    )
    framework = "pytorch"
    flags: ClassVar[Mapping[str, str]] = XGBoostTraining.flags

    framework_version: str = setting(
        DEFAULT_PYTORCH, job=True, reference=False, doc="Version of SageMaker's PyTorch image, where no image is given."
    )
    py_version: str | None = setting(
        None, job=True, reference=False, doc="Python of the image, such as py312; each version has just one."
    )
    image_uri: str | None = setting(None, job=True, doc="Container image; by default SageMaker's PyTorch image.")

    @override
    def validate(self) -> None:
        super().validate()
        faults = [*self._program_faults()]
        if self.script is None:
            faults = ["script: must be given: train_pytorch('fit.py')"]
        if faults:
            raise SettingError("train_pytorch was given what it does not take.", *faults, verb="train_pytorch")

    @override
    def image(self, target: Target) -> Any:
        if self.image_uri is not None:
            return self.image_uri
        instances: Any = self.instance_type  # a parameter where the run decides it
        if not isinstance(instances, str):
            raise SettingError(
                f"{self.name!r} needs image_uri where only the run knows the instance type: images of CPUs and GPUs differ.",
                fix="image_uri='…', or a plain instance_type",
            )
        has_gpu = instances.startswith(("ml.g", "ml.p"))
        return pytorch_uri("training", self.framework_version, target.region, gpu=has_gpu, python=self.py_version)
