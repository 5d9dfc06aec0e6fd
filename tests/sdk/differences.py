"""Every difference between a step of the SageMaker SDK and ours, with its reason; there are no others.

A row says what the SDK writes at a place and what stands there in ours. It is applied to the SDK's step only where exactly
that value stands, so anything else that the SDK writes, or that we write, makes the comparison fail.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs

ABSENT: Any = type("Absent", (), {"__repr__": lambda _: "ABSENT"})()
_OUTPUT = "s3://my-bucket/churn/${Execution.PipelineExecutionId}/xgboost_training"
_CODE = "s3://my-bucket/churn/code/<sha256>"
_UPLOADED = "s3://my-bucket/xgboost-training/xgboost-training-<time>/input"
_ENVIRONMENT = "Arguments.InferenceSpecification.Containers[].Environment"


@attrs.frozen(eq=False)
class Difference:
    """One place where the SDK's step and ours differ."""

    sdk: str  # majors that write it: "2", "3" or "23"
    type: str  # of the step; "" for the document around the steps
    path: str  # from the step down; "[]" is every element of a list. A path that ends in it is about elements.
    theirs: Any  # ABSENT: the SDK writes nothing there
    ours: Any
    reason: str


def _channel(name: str) -> dict[str, Any]:
    """A channel by which SDK v3 ships files of its own."""
    source = {"S3DataDistributionType": "FullyReplicated", "S3DataType": "S3Prefix", "S3Uri": f"{_UPLOADED}/{name}"}
    return {"ChannelName": name, "DataSource": {"S3DataSource": source}, "InputMode": "File"}


def _program(script: str) -> Difference:
    return Difference(
        *("23", "Processing", "Arguments.ProcessingInputs[].S3Input.S3Uri", f"{_CODE}/{script}", _CODE),
        "the SDK ships the script alone; ours is a folder, with the modules that the script imports",
    )


def _quoted(name: str, text: str) -> Difference:
    return Difference(
        *("2", "Training", f"Arguments.HyperParameters.{name}", f'"{text}"', text),
        "v2 writes text as JSON, v3 and we as it is; the image's toolkit reads JSON, and what is none as text",
    )


_DRIVER = "v3 ships code by channels and a driver of its own; ours is the image's script mode, as in v2"
_EMPTY = "an empty container, which says nothing"
_LOG_LEVEL = "20 is INFO, which the image's toolkit takes where nothing is said"
_REGION = "the image's toolkit takes AWS_REGION first, which the service sets"

# In this order: a row sees what those before it left.
DIFFERENCES: Sequence[Difference] = (
    Difference("3", "", "MlflowConfig", None, ABSENT, "null is no value"),
    *(_program(script) for script in ("load_data.py", "preprocess.py", "evaluate.py")),
    Difference(
        *("2", "Processing", "Arguments.ProcessingInputs[].AppManaged", False, ABSENT), "false is the service's default"
    ),
    Difference(
        *("2", "Processing", "Arguments.ProcessingOutputConfig.Outputs[].AppManaged", False, ABSENT),
        "false is the service's default",
    ),
    Difference(
        *("23", "Processing", "Arguments.ProcessingInputs[].S3Input.S3CompressionType", "None", ABSENT),
        "compression is for S3InputMode Pipe only; ours is File",
    ),
    *(_quoted(name, text) for name, text in (("tree_method", "hist"), ("objective", "auto"), ("eval_metric", "auto"))),
    Difference("2", "Training", "Arguments.HyperParameters.sagemaker_container_log_level", "20", ABSENT, _LOG_LEVEL),
    Difference("2", "Training", "Arguments.HyperParameters.sagemaker_region", '"us-east-1"', ABSENT, _REGION),
    Difference(
        *("2", "Training", "Arguments.DebugHookConfig"),
        *({"CollectionConfigurations": [], "S3OutputPath": _OUTPUT}, ABSENT),
        "Debugger saves tensors of deep learning; the collections are empty, which is refused in places",
    ),
    Difference(
        *("2", "Training", "Arguments.ProfilerConfig", {"DisableProfiler": False, "S3OutputPath": _OUTPUT}, ABSENT),
        "profiling is asked for by nobody; v3 leaves it out too",
    ),
    Difference("3", "Training", "Arguments.InputDataConfig[]", _channel("code"), ABSENT, _DRIVER),
    Difference("3", "Training", "Arguments.InputDataConfig[]", _channel("sm_drivers"), ABSENT, _DRIVER),
    Difference(
        *("3", "Training", "Arguments.InputDataConfig[].InputMode", "File", ABSENT),
        "without it the channel takes TrainingInputMode, which is File",
    ),
    Difference("3", "Training", "Arguments.AlgorithmSpecification.ContainerEntrypoint", ["/bin/bash"], ABSENT, _DRIVER),
    Difference(
        *("3", "Training", "Arguments.AlgorithmSpecification.ContainerArguments"),
        [
            "-c",
            "chmod +x /opt/ml/input/data/sm_drivers/sm_train.sh && /opt/ml/input/data/sm_drivers/sm_train.sh",
        ],
        *(ABSENT, _DRIVER),
    ),
    Difference("3", "Training", "Arguments.HyperParameters.sagemaker_program", ABSENT, '"train.py"', _DRIVER),
    Difference(
        *("3", "Training", "Arguments.HyperParameters.sagemaker_submit_directory"),
        *(ABSENT, f'"{_CODE}/sourcedir.tar.gz"', _DRIVER),
    ),
    Difference(
        *("2", "RegisterModel", "Name", "model_registration-RegisterModel", "model_registration"),
        "v2 appends the kind of step; the name given is enough",
    ),
    Difference("23", "RegisterModel", "Arguments.ModelMetrics.Bias", {}, ABSENT, _EMPTY),
    Difference("23", "RegisterModel", "Arguments.ModelMetrics.Explainability", {}, ABSENT, _EMPTY),
    Difference(
        *("23", "RegisterModel", "Arguments.SkipModelValidation", "None", ABSENT), "nothing skipped is the default"
    ),
    Difference("3", "RegisterModel", f"{_ENVIRONMENT}.SAGEMAKER_CONTAINER_LOG_LEVEL", "20", ABSENT, _LOG_LEVEL),
    Difference("3", "RegisterModel", f"{_ENVIRONMENT}.SAGEMAKER_REGION", "us-east-1", ABSENT, _REGION),
)


def apply(difference: Difference, step: Mapping[str, Any]) -> dict[str, Any]:
    """The SDK's step with our value at every place that holds theirs."""
    changed: dict[str, Any] = copy.deepcopy(dict(step))
    *parents, last = difference.path.replace("[]", ".[]").split(".")
    for parent in list(_places(changed, parents)):
        if last == "[]":
            parent[:] = [each for each in parent if not same(each, difference.theirs)]
        elif same(parent.get(last, ABSENT), difference.theirs):
            if difference.ours is ABSENT:
                del parent[last]
            else:
                parent[last] = difference.ours
    return changed


def same(one: Any, other: Any) -> bool:
    """Equality as JSON has it: 0 is not false, and 1.0 is not 1; ABSENT is only itself."""
    if one is ABSENT or other is ABSENT:
        return one is other
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def _places(value: Any, path: Sequence[str]) -> Iterator[Any]:
    if not path:
        yield value
    elif path[0] == "[]":
        for each in value:
            yield from _places(each, path[1:])
    elif path[0] in value:
        yield from _places(value[path[0]], path[1:])
