"""Generates `_property_paths.json` from botocore's model of the service. Not imported in ordinary use."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

# Step type of a definition -> the shapes whose members are its properties (SageMaker SDK: the `properties`
# of its step classes). The first one that has a member wins.
ROOTS: Mapping[str, tuple[str, ...]] = {
    "AutoML": ("DescribeAutoMLJobV2Response", "DescribeAutoMLJobResponse", "AutoMLBest"),
    "Callback": ("OutputParameters",),
    "ClarifyCheck": ("DescribeProcessingJobResponse", "CheckBaselines"),
    "Condition": ("Condition",),
    "EMR": ("emr.Step", "EMRCluster"),
    "EMRServerless": ("emr-serverless.GetJobRunResponse",),
    "Endpoint": ("DescribeEndpointOutput",),
    "EndpointConfig": ("DescribeEndpointConfigOutput",),
    "Lambda": ("OutputParameters",),
    "Model": ("DescribeModelOutput",),
    "NotebookJob": ("NotebookJob",),
    "Processing": ("DescribeProcessingJobResponse",),
    "QualityCheck": ("DescribeProcessingJobResponse", "CheckBaselines"),
    "RegisterModel": ("DescribeModelPackageOutput",),
    "Training": ("DescribeTrainingJobResponse",),
    "Transform": ("DescribeTransformJobResponse",),
    "Tuning": ("DescribeHyperParameterTuningJobResponse", "ListTrainingJobsForHyperParameterTuningJobResponse"),
}

# Properties that no response of the API has: the service of Pipelines adds them itself.
ADDED: Mapping[str, Mapping[str, str]] = {
    "AutoMLBest": {"BestCandidateProperties": "AutoMLBestProperties"},
    "AutoMLBestProperties": {"ExplainabilityJsonReportPath": "str", "ModelInsightsJsonReportPath": "str"},
    "CheckBaselines": {
        "BaselineUsedForDriftCheckConstraints": "str",
        "BaselineUsedForDriftCheckStatistics": "str",
        "CalculatedBaselineConstraints": "str",
        "CalculatedBaselineStatistics": "str",
    },
    "Condition": {"Outcome": "str"},
    "EMRCluster": {"ClusterId": "str"},
    "NotebookJob": {
        "ComputingJobName": "str",
        "ComputingJobStatus": "str",
        "NotebookJobInputLocation": "str",
        "NotebookJobOutputLocationPrefix": "str",
        "InputNotebookName": "str",
        "OutputNotebookName": "str",
    },
    "OutputParameters": {"OutputParameters": "{}str"},
}

_SCALARS = {
    "string": "str", "blob": "str", "character": "str", "integer": "int", "long": "int", "float": "float",
    "double": "float", "boolean": "bool", "timestamp": "timestamp",
}  # fmt: skip


def property_table() -> dict[str, Any]:
    """The table as data: `steps` (type -> names of structures), `shapes` (structure -> member -> type)."""
    from botocore.loaders import create_loader

    models = {
        name: create_loader().load_service_model(name, "service-2")["shapes"]
        for name in ("sagemaker", "emr", "emr-serverless")
    }
    shapes: dict[str, Mapping[str, str]] = dict(ADDED)
    pending = [name for names in ROOTS.values() for name in names]
    while pending:
        name = pending.pop()
        if name in shapes:
            continue
        service, _, bare = name.rpartition(".")
        model = models[service or "sagemaker"]
        prefix = f"{service}." if service else ""
        shapes[name] = {
            member: _kind(model, prefix, each["shape"], pending) for member, each in model[bare]["members"].items()
        }
    return {
        "steps": {step_type: list(names) for step_type, names in sorted(ROOTS.items())},
        "shapes": {name: dict(sorted(shapes[name].items())) for name in sorted(shapes)},
    }


def render() -> str:
    """The text of `_property_paths.json`: one structure a line, so that a change of the API reads well."""
    table = property_table()
    steps = ",\n".join(f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in table["steps"].items())
    shapes = ",\n".join(f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in table["shapes"].items())
    return (
        f'{{\n "generated": "by python -m fluentpipe.shapes; do not edit",\n'
        f' "steps": {{\n{steps}\n }},\n "shapes": {{\n{shapes}\n }}\n}}\n'
    )


def _kind(model: Mapping[str, Any], prefix: str, name: str, pending: list[str]) -> str:
    """The type of a shape as the table writes it; structures still to be written are noted."""
    shape = model[name]
    if shape["type"] == "list":
        return "[]" + _kind(model, prefix, shape["member"]["shape"], pending)
    if shape["type"] == "map":
        return "{}" + _kind(model, prefix, shape["value"]["shape"], pending)
    if shape["type"] == "structure":
        pending.append(prefix + name)
        return prefix + name
    return _SCALARS[shape["type"]]
