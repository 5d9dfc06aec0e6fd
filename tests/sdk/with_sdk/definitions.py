"""Definitions to be turned into pipelines of the SDK: ours, the SDK's own, and one with every type of step."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fluentpipe import Parameter, Pipeline
from fluentpipe.definition import Definition

ROLE = "arn:aws:iam::123456789012:role/SageMakerRole"
BUCKET = "my-bucket"
WHERE = {"role": ROLE, "bucket": BUCKET, "region": "us-east-1"}


def chain() -> Pipeline[Any]:
    """The canonical chain."""
    return (
        Pipeline("churn")
        .load_data("s3://my-bucket/churn.csv", label="churn")
        .preprocess()
        .train_xgboost(max_depth=Parameter("depth", 8), cache_expire_after="P30D")
        .evaluate_performance()
        .require(min_auc=0.8, max_training_time="4 hours")
        .register("churn-models")
    )


def _get(text: str) -> dict[str, Any]:
    return {"Get": text}


ARN = "arn:aws:lambda:us-east-1:123456789012:function:notify"
EVERY_TYPE: Mapping[str, Any] = {
    "Version": "2020-12-01",
    "Parameters": [
        {"Name": "Text", "Type": "String", "DefaultValue": "a", "EnumValues": ["a", "b"]},
        {"Name": "Count", "Type": "Integer", "DefaultValue": 1},
        {"Name": "Share", "Type": "Float", "DefaultValue": 1},
        {"Name": "Flag", "Type": "Boolean", "DefaultValue": True},
        {"Name": "Open", "Type": "String"},
    ],
    "Steps": [
        {
            "Name": "Prep",
            "Type": "Processing",
            "DisplayName": "Prepare",
            "Description": "Rows.",
            "Arguments": {
                "Environment": {"OPEN": _get("Parameters.Open"), "NOW": _get("Execution.StartDateTime")},
                "ProcessingOutputConfig": {"Outputs": [{"OutputName": "out"}]},
            },
            "PropertyFiles": [{"PropertyFileName": "Report", "OutputName": "out", "FilePath": "report.json"}],
            "CacheConfig": {"Enabled": True, "ExpireAfter": "P30D"},
            "RetryPolicies": [{"ExceptionType": ["Step.THROTTLING"], "MaxAttempts": 3}],
        },
        {
            "Name": "Tune",
            "Type": "Tuning",
            "Arguments": {
                "TrainingJobDefinition": {
                    "InputDataConfig": [
                        {"Uri": _get("Steps.Prep.ProcessingOutputConfig.Outputs['out'].S3Output.S3Uri")}
                    ]
                }
            },
        },
        {
            "Name": "Model",
            "Type": "Model",
            "Arguments": {
                "PrimaryContainer": {
                    "ModelDataUrl": {
                        "Std:Join": {
                            "On": "/",
                            "Values": ["s3://b", _get("Steps.Tune.TrainingJobSummaries[0].TrainingJobName"), "model"],
                        }
                    }
                }
            },
        },
        {"Name": "Score", "Type": "Transform", "Arguments": {"ModelName": _get("Steps.Model.ModelName")}},
        {
            "Name": "Ask",
            "Type": "Callback",
            "SqsQueueUrl": "https://sqs/queue",
            "Arguments": {"count": _get("Parameters.Count")},
            "OutputParameters": [{"OutputName": "answer", "OutputType": "Integer"}],
        },
        {
            "Name": "Tell",
            "Type": "Lambda",
            "FunctionArn": ARN,
            "Arguments": {"answer": _get("Steps.Ask.OutputParameters['answer']")},
            "OutputParameters": [{"OutputName": "done", "OutputType": "Boolean"}],
            "DependsOn": ["Score"],
        },
        {
            "Name": "Gate",
            "Type": "Condition",
            "Arguments": {
                "Conditions": [
                    {
                        "Type": "GreaterThanOrEqualTo",
                        "LeftValue": {
                            "Std:JsonGet": {"PropertyFile": _get("Steps.Prep.PropertyFiles.Report"), "Path": "auc"}
                        },
                        "RightValue": _get("Parameters.Share"),
                    },
                    {
                        "Type": "Or",
                        "Conditions": [
                            {"Type": "Equals", "LeftValue": _get("Parameters.Flag"), "RightValue": True},
                            {
                                "Type": "Not",
                                "Condition": {
                                    "Type": "In",
                                    "QueryValue": _get("Parameters.Text"),
                                    "Values": ["a", _get("Parameters.Open")],
                                },
                            },
                            {"Type": "LessThan", "LeftValue": 1, "RightValue": _get("Parameters.Count")},
                        ],
                    },
                ],
                "IfSteps": [
                    {
                        "Name": "Inner",
                        "Type": "Condition",
                        "Arguments": {
                            "Conditions": [
                                {
                                    "Type": "Equals",
                                    "LeftValue": _get("Steps.Tell.OutputParameters['done']"),
                                    "RightValue": True,
                                }
                            ],
                            "ElseSteps": [
                                {
                                    "Name": "Deep",
                                    "Type": "Processing",
                                    "Arguments": {"Environment": {"NAME": _get("Steps.Model.ModelName")}},
                                }
                            ],
                        },
                    },
                ],
                "ElseSteps": [
                    {
                        "Name": "Stop",
                        "Type": "Fail",
                        "Arguments": {
                            "ErrorMessage": {
                                "Std:Join": {"On": " ", "Values": ["below", _get("Parameters.Share")]},
                            }
                        },
                    },
                    {"Name": "Wordless", "Type": "Fail", "Arguments": {}},
                ],
            },
        },
    ],
}
EDGES = {
    "Prep": ["Gate", "Tune"], "Tune": ["Model"], "Model": ["Deep", "Score"], "Score": ["Tell"], "Ask": ["Tell"],
    "Tell": ["Inner"], "Gate": ["Inner", "Stop", "Wordless"], "Inner": ["Deep"], "Deep": [], "Stop": [], "Wordless": [],
}  # fmt: skip


def every_type() -> Definition:
    """Each type of step that both majors have; not valid for the service, which does not matter here."""
    return Definition("every-type", EVERY_TYPE, diagnostics=())


def written_by_the_sdk() -> dict[str, Definition]:
    """The definitions among the fixtures, by file name."""
    found = {}
    folder = Path(__file__).parents[1] / "fixtures"
    for file in sorted([*folder.glob("v?.json"), *folder.glob("run_v*.json")]):
        found[file.stem] = Definition(file.stem.replace("_", "-"), json.loads(file.read_text()), diagnostics=())
    return found
