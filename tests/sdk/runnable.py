"""A pipeline as users of the plain SDK write it, to be run here: what runnable_v2 and runnable_v3 share.

Unlike `chain`, whose programs are stand-ins, this one has real ones, in `code`. It is written once for each way in
which a training names its program.
"""

from __future__ import annotations

import pathlib

PROGRAMS = pathlib.Path(__file__).parent / "code"
NAME = "churn-by-hand"
BUCKET = "my-bucket"
ROLE = "arn:aws:iam::111122223333:role/SageMakerRole"
SOURCE = f"s3://{BUCKET}/raw"
REGION = "us-east-1"
XGBOOST = "3.0-5"
SKLEARN = "1.2-1"
INSTANCE = "ml.m5.xlarge"
PLACE = "/opt/ml/processing"
PARTS = ("train", "validation", "test")
MIN_AUC = 0.8
JSON_PATH = "binary_classification_metrics.auc.value"
HYPERPARAMETERS = {"objective": "binary:logistic", "num_round": 20, "max_depth": 3, "eta": 0.3}
PREPARE = ["--input", f"{PLACE}/input", "--output", PLACE, "--label", "churn"]
EVALUATE = ["--model", f"{PLACE}/model", "--test", f"{PLACE}/test", "--output", f"{PLACE}/evaluation"]
REGISTRATION = {
    "content_types": ["text/csv"],
    "response_types": ["text/csv"],
    "inference_instances": ["ml.m5.large"],
    "transform_instances": ["ml.m5.large"],
    "model_package_group_name": "churn-by-hand",
}
MODES = {"2": ("algorithm", "xgboost", "sklearn", "tuning", "serving"), "3": ("algorithm", "drivers")}
