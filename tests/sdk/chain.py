"""What the canonical chain means, written out by hand: the words that a user of the plain SDK would have to know.

Nothing is taken from fluentpipe, so that the fixtures are a second opinion. Shared by chain_v2 and chain_v3.
"""

from __future__ import annotations

import pathlib
from typing import NamedTuple

PIPELINE = "churn"
BUCKET = "my-bucket"
ROLE = "arn:aws:iam::111122223333:role/SageMakerRole"
SOURCE = "s3://my-bucket/churn.csv"
XGBOOST = "3.0-5"
INSTANCE = "ml.m5.xlarge"
MAX_RUNTIME = 86400  # seconds
MIN_AUC = 0.8
FAILURE = "Quality gate quality_gate failed; required: auc >= 0.8"
IN, OUT = "/opt/ml/processing/input", "/opt/ml/processing/output"


class Job(NamedTuple):
    """A processing job: name of the step, script, inputs, outputs, words of the command line."""

    step: str
    script: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    words: tuple[str, ...]


LOAD = Job(
    "data_loading",
    "load_data.py",
    ("data",),
    ("raw_data",),
    (
        *("--input", f"{IN}/data", "--output", f"{OUT}/raw_data", "--label", "churn", "--task", "auto"),
        *("--validation-split", "0.2", "--test-split", "0.2", "--seed", "0", "--format", "auto"),
    ),
)
PREPROCESS = Job(
    "tabular_preprocessing",
    "preprocess.py",
    ("raw_data",),
    ("train_data", "validation_data", "test_data", "preprocessing_model"),
    (
        *("--input", f"{IN}/raw_data", "--train-output", f"{OUT}/train_data"),
        *("--validation-output", f"{OUT}/validation_data", "--test-output", f"{OUT}/test_data"),
        *("--model-output", f"{OUT}/preprocessing_model", "--min-frequency", "5", "--max-categories", "255"),
        *("--drop-id-columns", "true", "--task", "auto"),
        *("--validation-split", "0.15", "--test-split", "0.2", "--seed", "0"),
    ),
)
EVALUATE = Job(
    "model_evaluation",
    "evaluate.py",
    ("model_artifacts", "test_data"),
    ("evaluation_report", "predictions"),
    (
        *("--model", f"{IN}/model_artifacts", "--test", f"{IN}/test_data"),
        *("--output", f"{OUT}/evaluation_report", "--predictions", f"{OUT}/predictions"),
    ),
)
CHANNELS = {"train": "train_data", "validation": "validation_data", "preprocessing": "preprocessing_model"}
HYPERPARAMETERS = {
    "num_round": 200,
    "early_stopping_rounds": 50,
    "max_depth": 8,
    "eta": 0.05,
    "max_cat_to_onehot": 64,
    "tree_method": "hist",
    "objective": "auto",
    "eval_metric": "auto",
    "seed": 0,
}
TRAINING_RUNTIME = 4 * 3600  # seconds
SERVING = {"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"}
REGISTRATION = {
    "model_package_group_name": "churn-models",
    "content_types": ["text/csv", "application/json", "application/jsonlines"],
    "response_types": ["text/csv", "application/json"],
    "inference_instances": ["ml.m5.large"],
    "transform_instances": ["ml.m5.large"],
    "approval_status": "PendingManualApproval",
}


def write_programs(folder: pathlib.Path) -> None:
    """Stand-ins for the programs: the SDK wants files, and what is in them is not compared."""
    for name in (LOAD.script, PREPROCESS.script, EVALUATE.script, "train.py"):
        (folder / name).write_text("print('a stand-in')\n")
