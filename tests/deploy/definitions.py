"""Small definitions to deploy: a training and a local file, and one with a megabyte of words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fluentpipe.assets import Asset
from fluentpipe.definition import Definition

from .conftest import ACCOUNT, REGION, ROLE

BUCKET = f"sagemaker-{REGION}-{ACCOUNT}"


def training(code: str, depth: int, data: str, role: str = ROLE) -> dict[str, Any]:
    return {
        "Name": "Train",
        "Type": "Training",
        "Arguments": {
            "AlgorithmSpecification": {"TrainingImage": f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/x:1", "TrainingInputMode": "File"},
            "RoleArn": role,
            "HyperParameters": {"max_depth": str(depth), "sagemaker_submit_directory": code},
            "InputDataConfig": [
                {
                    "ChannelName": "train",
                    "ContentType": "text/csv",
                    "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": data}},
                }
            ],
            "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/out"},
            "ResourceConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 30},
            "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
        },
    }  # fmt: skip


def small(rows: Path, *, depth: int = 6, bucket: str = BUCKET, name: str = "small", role: str = ROLE) -> Definition:
    """One training with its code in memory and its rows in a file."""
    code = Asset.of(f"s3://{bucket}/{name}/code", {"train.py": b"print('hi')\n", "more/columns.py": b"NAMES = []\n"})
    data = Asset.of(f"s3://{bucket}/{name}/data", {rows.name: rows})
    step = training(code.uri, depth, f"{data.uri}/{rows.name}", role)
    document = {"Version": "2020-12-01", "Metadata": {}, "Parameters": [], "Steps": [step]}
    return Definition(name, document, (code, data))


def large(rows: Path, *, characters: int = 300_000, depth: int = 6) -> Definition:
    """The same with so many words that it is not sent in a request."""
    definition = small(rows, depth=depth)
    count = characters // 1_040
    parameters = [{"Name": f"words{at}", "Type": "String", "DefaultValue": "w" * 1000} for at in range(count)]
    document = {**definition.document, "Parameters": parameters}
    found = Definition(definition.name, document, definition.assets, ())
    assert len(found.to_json()) > characters * 0.98
    return found
