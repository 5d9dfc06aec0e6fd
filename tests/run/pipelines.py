"""Small definitions, written by hand, whose scripts are a few lines of standard library."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Mapping
from typing import Any

from fluentpipe.definition import Asset, Definition

ROLE = "arn:aws:iam::111122223333:role/SageMakerRole"
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.4-2-py312"
XGBOOST = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.0-5"
IN, OUT = "/opt/ml/processing/input", "/opt/ml/processing/output"
RUN = {"Get": "Execution.PipelineExecutionId"}


def join(*values: Any, on: str = "/") -> dict[str, Any]:
    return {"Std:Join": {"On": on, "Values": list(values)}}


def output(step: str, name: str) -> dict[str, str]:
    return {"Get": f"Steps.{step}.ProcessingOutputConfig.Outputs['{name}'].S3Output.S3Uri"}


def model_of(step: str) -> dict[str, str]:
    return {"Get": f"Steps.{step}.ModelArtifacts.S3ModelArtifacts"}


def json_get(step: str, path: str, name: str = "report") -> dict[str, Any]:
    return {"Std:JsonGet": {"PropertyFile": {"Get": f"Steps.{step}.PropertyFiles.{name}"}, "Path": path}}


def packed(files: Mapping[str, str]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            tar.addfile(member, io.BytesIO(text.encode()))
    return stream.getvalue()


class Sketch:
    """Collects steps and their scripts; `definition()` makes the definition with its assets."""

    def __init__(self, name: str = "churn", **parameters: Any) -> None:
        self.name = name
        self.steps: list[dict[str, Any]] = []
        self.assets: list[Asset] = []
        self.parameters = [self._parameter(each, value) for each, value in parameters.items()]

    @staticmethod
    def _parameter(name: str, value: Any) -> dict[str, Any]:
        if isinstance(value, dict):
            return {"Name": name, **value}
        types = {str: "String", bool: "Boolean", int: "Integer", float: "Float"}
        return {"Name": name, "Type": types[type(value)], "DefaultValue": value}

    def asset(self, files: Mapping[str, str | bytes]) -> str:
        content = {name: text.encode() if isinstance(text, str) else text for name, text in files.items()}
        made = Asset.of("s3://my-bucket/code", content)
        self.assets.append(made)
        return made.uri

    def processing(
        self,
        name: str,
        script: str,
        *,
        inputs: Mapping[str, Any] | None = None,
        outputs: tuple[str, ...] = (),
        arguments: tuple[Any, ...] = (),
        environment: Mapping[str, Any] | None = None,
        report: str = "",
        seconds: int | None = None,
        entry: list[str] | None = None,
        into: list[dict[str, Any]] | None = None,
        depends: tuple[str, ...] = (),
    ) -> dict[str, Any]:
        places = {"code": self.asset({"main.py": script}), **(inputs or {})}
        application = {"ImageUri": IMAGE, "ContainerEntrypoint": entry or ["python3", f"{IN}/code/main.py"]}
        request: dict[str, Any] = {
            "RoleArn": ROLE,
            "AppSpecification": application | ({"ContainerArguments": list(arguments)} if arguments else {}),
            "ProcessingResources": {
                "ClusterConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 30}
            },
            "ProcessingInputs": [
                {
                    "InputName": each,
                    "S3Input": {
                        "S3Uri": uri, "LocalPath": f"{IN}/{each}", "S3DataType": "S3Prefix", "S3InputMode": "File",
                    },
                }
                for each, uri in places.items()
            ],
        }  # fmt: skip
        if outputs:
            request["ProcessingOutputConfig"] = {
                "Outputs": [
                    {
                        "OutputName": each,
                        "S3Output": {
                            "S3Uri": join("s3://my-bucket", RUN, name, each), "LocalPath": f"{OUT}/{each}",
                            "S3UploadMode": "EndOfJob",
                        },
                    }
                    for each in outputs
                ]
            }  # fmt: skip
        if environment:
            request["Environment"] = dict(environment)
        if seconds:
            request["StoppingCondition"] = {"MaxRuntimeInSeconds": seconds}
        step: dict[str, Any] = {"Name": name, "Type": "Processing", "Arguments": request}
        if report:
            step["PropertyFiles"] = [
                {"PropertyFileName": "report", "OutputName": report, "FilePath": "evaluation.json"}
            ]
        if depends:
            step["DependsOn"] = list(depends)
        return self._add(step, into)

    def training(
        self,
        name: str,
        script: str,
        *,
        channels: Mapping[str, Any],
        hyperparameters: Mapping[str, Any] | None = None,
        image: str = XGBOOST,
        code: bytes | None = None,
        seconds: int = 3600,
        into: list[dict[str, Any]] | None = None,
    ) -> dict[str, Any]:
        uri = self.asset({"sourcedir.tar.gz": packed({"train.py": script}) if code is None else code})
        request = {
            "RoleArn": ROLE,
            "AlgorithmSpecification": {"TrainingImage": image, "TrainingInputMode": "File"},
            "OutputDataConfig": {"S3OutputPath": join("s3://my-bucket", RUN, name)},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 30},
            "StoppingCondition": {"MaxRuntimeInSeconds": seconds},
            "InputDataConfig": [
                {
                    "ChannelName": each,
                    "DataSource": {
                        "S3DataSource": {
                            "S3DataType": "S3Prefix", "S3Uri": source, "S3DataDistributionType": "FullyReplicated",
                        }
                    },
                }
                for each, source in channels.items()
            ],
            "HyperParameters": {
                **(hyperparameters or {}),
                "sagemaker_program": '"train.py"',
                "sagemaker_submit_directory": json.dumps(f"{uri}/sourcedir.tar.gz"),
            },
        }  # fmt: skip
        return self._add({"Name": name, "Type": "Training", "Arguments": request}, into)

    def condition(self, name: str, *conditions: Mapping[str, Any]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        yes: list[dict[str, Any]] = []
        no: list[dict[str, Any]] = []
        arguments = {"Conditions": list(conditions), "IfSteps": yes, "ElseSteps": no}
        self._add({"Name": name, "Type": "Condition", "Arguments": arguments}, None)
        return yes, no

    def fail(self, name: str, message: Any, *, into: list[dict[str, Any]] | None = None) -> None:
        self._add({"Name": name, "Type": "Fail", "Arguments": {"ErrorMessage": message}}, into)

    def register(
        self,
        name: str,
        model: Any,
        *,
        group: str = "churn-models",
        metrics: Any = None,
        into: list[dict[str, Any]] | None = None,
    ) -> None:
        arguments: dict[str, Any] = {
            "ModelPackageGroupName": group,
            "InferenceSpecification": {
                "Containers": [{"Image": XGBOOST, "ModelDataUrl": model}],
                "SupportedContentTypes": ["text/csv"],
                "SupportedResponseMIMETypes": ["text/csv"],
            },
        }
        if metrics is not None:
            source = {"ContentType": "application/json", "S3Uri": metrics}
            arguments["ModelMetrics"] = {"ModelQuality": {"Statistics": source}}
        self._add({"Name": name, "Type": "RegisterModel", "Arguments": arguments}, into)

    def _add(self, step: dict[str, Any], into: list[dict[str, Any]] | None) -> dict[str, Any]:
        (self.steps if into is None else into).append(step)
        return step

    def definition(self) -> Definition:
        document = {"Version": "2020-12-01", "Parameters": self.parameters, "Steps": self.steps}
        return Definition(self.name, json.loads(json.dumps(document)), tuple(self.assets))


def at_least(left: Any, right: Any) -> dict[str, Any]:
    return {"Type": "GreaterThanOrEqualTo", "LeftValue": left, "RightValue": right}


# What SDK v3's trainer uploads beside the code does this, at greater length: /opt/ml is written into it.
DRIVERS = {
    "sm_train.sh": """#!/bin/bash
set -e
python3 /opt/ml/input/data/sm_drivers/scripts/environment.py
source /opt/ml/input/sm_training.env
cd /opt/ml/input/data/code
CMD="python3 train.py $ARGUMENTS"
eval "$CMD" || { echo "the driver says why" > /opt/ml/output/failure; exit 3; }
""",
    "scripts/environment.py": """
import json, os
parameters = json.load(open("/opt/ml/input/config/hyperparameters.json"))
with open("/opt/ml/input/sm_training.env", "w") as file:
    file.write("export SM_MODEL_DIR='/opt/ml/model'\\n")
    for channel in os.listdir("/opt/ml/input/data"):
        file.write(f"export SM_CHANNEL_{channel.upper()}='/opt/ml/input/data/{channel}'\\n")
    arguments = " ".join(f"--{name} {value}" for name, value in parameters.items())
    file.write(f"export ARGUMENTS='{arguments}'\\n")
""",
}

SPLIT = """
import pathlib, sys
rows = pathlib.Path("{IN}/data/rows.csv".replace("/opt/ml", sys.argv[1])).read_text().split()
for part, some in (("train", rows[:2]), ("test", rows[2:])):
    pathlib.Path(sys.argv[1], "processing/output", part, "rows.csv").write_text("\\n".join(some))
print("split", len(rows), "rows")
""".replace("{IN}", IN)

TRAIN = """
import json, os, pathlib, sys
rows = pathlib.Path(os.environ["SM_CHANNEL_TRAIN"], "rows.csv").read_text().split()
model = pathlib.Path(os.environ["SM_MODEL_DIR"])
(model / "model.json").write_text(json.dumps({"sum": sum(map(int, rows)), "args": sys.argv[1:]}))
pathlib.Path(os.environ["SM_OUTPUT_DATA_DIR"], "history.csv").write_text("round,loss\\n")
print("trained on", rows)
"""

EVALUATE = """
import json, os, pathlib, tarfile
root = pathlib.Path(os.environ["SAGEMAKER_BASE_DIR"], "processing")
with tarfile.open(root / "input/model/model.tar.gz") as tar:
    model = json.load(tar.extractfile("model.json"))
report = {"metrics": {"auc": model["sum"] / 10}, "groups": [{"name": "a b", "n": 1}]}
(root / "output/report/evaluation.json").write_text(json.dumps(report))
"""


def canonical(limit: Any = 0.25, *, group: str = "churn-models") -> Sketch:
    """Split, train, evaluate, and register if `auc` (0.3 for the rows 1 2 3) reaches the limit."""
    sketch = Sketch(data="s3://my-bucket/raw", min_auc=limit)
    sketch.processing(
        "Split", SPLIT, inputs={"data": {"Get": "Parameters.data"}}, outputs=("train", "test"), arguments=("/opt/ml",)
    )
    sketch.training(
        "Train", TRAIN, channels={"train": output("Split", "train")}, hyperparameters={"max_depth": "8", "eta": "0.2"}
    )
    sketch.processing(
        "Evaluate",
        EVALUATE,
        inputs={"model": model_of("Train"), "test": output("Split", "test")},
        outputs=("report",),
        report="report",
    )
    auc = json_get("Evaluate", "metrics.auc")
    yes, no = sketch.condition("Gate", at_least(auc, {"Get": "Parameters.min_auc"}))
    report = join(output("Evaluate", "report"), "evaluation.json")
    sketch.register("Register", model_of("Train"), group=group, metrics=report, into=yes)
    sketch.fail("TooLow", join("AUC below", {"Get": "Parameters.min_auc"}, on=" "), into=no)
    return sketch
