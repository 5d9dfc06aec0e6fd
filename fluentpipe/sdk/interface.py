"""What a step takes and yields, read off its request: the inputs and outputs of each type of job."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from fluentpipe.contract import DATA_TYPES, DependencySpec, OutputSpec
from fluentpipe.document import at
from fluentpipe.errors import SettingError, did_you_mean
from fluentpipe.kinds import CustomProperty, JobName, Kind, ModelArtifacts, ModelPackage, ProcessingOutput
from fluentpipe.sdk.wrapped import Place

_CHANNEL = ("DataSource", "S3DataSource", "S3Uri")
_MODEL = ("ModelDataUrl",)


def input_places(request: Mapping[str, Any]) -> dict[str, Place]:
    """The inputs of a step by logical name: where each URI stands."""
    arguments = request.get("Arguments", {})
    found: dict[str, Place] = {}
    for name, keys in _inputs(request["Type"], arguments):
        if at(arguments, keys) is not None:
            found.setdefault(logical_name(name), Place(name, ("Arguments", *keys)))
    return found


def _inputs(kind: str, arguments: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str | int, ...]]]:
    if kind in {"Processing", "QualityCheck", "ClarifyCheck"}:
        for index, each in enumerate(arguments.get("ProcessingInputs", ())):
            yield each["InputName"], ("ProcessingInputs", index, "S3Input", "S3Uri")
    elif kind == "Training":
        for index, each in enumerate(arguments.get("InputDataConfig", ())):
            yield each["ChannelName"], ("InputDataConfig", index, *_CHANNEL)
    elif kind == "Tuning":
        channels = arguments.get("TrainingJobDefinition", {}).get("InputDataConfig", ())
        for index, each in enumerate(channels):
            yield each["ChannelName"], ("TrainingJobDefinition", "InputDataConfig", index, *_CHANNEL)
    elif kind == "Transform":
        yield "data", ("TransformInput", *_CHANNEL)
        yield "model_name", ("ModelName",)
    elif kind == "Model":
        yield "model_artifacts", ("PrimaryContainer", *_MODEL)
        yield "model_artifacts", ("Containers", 0, *_MODEL)
    elif kind == "RegisterModel":
        yield "model_artifacts", ("InferenceSpecification", "Containers", 0, *_MODEL)
        yield "model_statistics", ("ModelMetrics", "ModelQuality", "Statistics", "S3Uri")


def outputs_of(request: Mapping[str, Any]) -> dict[str, OutputSpec]:
    """The outputs of a step by logical name, each of the general kind of its family where nothing more is known."""
    arguments = request.get("Arguments", {})
    files = {each["OutputName"]: each["FilePath"] for each in reversed(request.get("PropertyFiles", ()))}
    return {spec.name: spec for spec in _outputs(request["Type"], request, arguments, files)}


def _outputs(
    kind: str, request: Mapping[str, Any], arguments: Mapping[str, Any], files: Mapping[str, str]
) -> Iterator[OutputSpec]:
    if kind in {"Processing", "QualityCheck", "ClarifyCheck"}:
        for each in arguments.get("ProcessingOutputConfig", {}).get("Outputs", ()):
            name = each["OutputName"]
            path = f"ProcessingOutputConfig.Outputs['{name}'].S3Output.S3Uri"
            yield OutputSpec(logical_name(name), ProcessingOutput, path, property_file=files.get(name, ""))
    elif kind == "Training":
        yield OutputSpec("model_artifacts", ModelArtifacts, "ModelArtifacts.S3ModelArtifacts")
        yield OutputSpec("training_job_name", JobName, "TrainingJobName")
    elif kind == "Tuning":
        yield OutputSpec("best_training_job_name", JobName, "BestTrainingJob.TrainingJobName")
    elif kind == "Transform":
        yield OutputSpec("transformed", ProcessingOutput, "TransformOutput.S3OutputPath")
    elif kind == "Model":
        yield OutputSpec("model_name", CustomProperty, "ModelName")
    elif kind == "RegisterModel":
        yield OutputSpec("model_package_arn", ModelPackage, "ModelPackageArn")
    elif kind in {"Lambda", "Callback"}:
        for each in request.get("OutputParameters", ()):
            name, data_type = each["OutputName"], each.get("OutputType", "String")
            yield OutputSpec(
                logical_name(name), CustomProperty, f"OutputParameters['{name}']",
                data_type=data_type if data_type in DATA_TYPES else "String",
            )  # fmt: skip


_TAKEN = frozenset(
    ("job_type", "list_outputs", "name", "properties", "step_name")
)  # by fluentpipe itself; see StepContract


def logical_name(name: str) -> str:
    """A name of the SDK's as an identifier: `input-1` as `input_1`."""
    found = re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_")
    if not found or found[0].isdigit():
        found = f"data_{found}".rstrip("_")
    return f"{found}_" if found in _TAKEN or keyword.iskeyword(found) else found


def with_kinds(
    step: str, inferred: Mapping[str, OutputSpec], declared: Mapping[str, type[Kind] | OutputSpec]
) -> tuple[OutputSpec, ...]:
    """The outputs of a step with what its user says of them.

    Args:
        step: Its name, for messages.
        inferred: By logical name.
        declared: Name of an output -> its kind; or an `OutputSpec`, also for one that cannot be inferred.

    Raises:
        SettingError: Lists the names that are none.
    """
    found, faults = dict(inferred), []
    for name, each in declared.items():
        known = logical_name(name)
        if isinstance(each, OutputSpec):
            found[each.name] = each
        elif known in inferred:
            spec = inferred[known]
            stays = each.family is spec.kind.family  # a number or a flag is that under any kind of property
            found[known] = attrs.evolve(spec, kind=each, data_type=spec.data_type if stays else "")
        else:
            faults.append(
                f"outputs: step {step!r} has no output {name!r}.{did_you_mean(name, inferred)} "
                f"It has {', '.join(inferred) or 'none that can be inferred'}"
            )
    if faults:
        raise SettingError(
            "sdk_step was told of outputs that there are not.", *faults,
            fix='declare it in full: OutputSpec("name", Kind, "Path.Of.The.Property")', faults=tuple(faults),
        )  # fmt: skip
    return tuple(found.values())


def taken(
    step: str, places: Mapping[str, Place], declared: Mapping[str, type[Kind] | DependencySpec]
) -> dict[str, DependencySpec]:
    """The inputs that the resolver shall wire, by logical name.

    Raises:
        SettingError: Lists the names that are none.
    """
    found, faults = {}, []
    for name, each in declared.items():
        known = logical_name(name)
        if known not in places:
            faults.append(
                f"takes: step {step!r} has no input {name!r}.{did_you_mean(name, places)} "
                f"It has {', '.join(places) or 'none that is known'}"
            )
        elif isinstance(each, DependencySpec):  # required: without it nothing is left to put there
            found[known] = attrs.evolve(each, name=known, required=True)
        else:
            found[known] = DependencySpec(known, each)
    if faults:
        raise SettingError("sdk_step was told of inputs that there are not.", *faults, faults=tuple(faults))
    return found
