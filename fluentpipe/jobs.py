"""The step base classes that run a program on instances: processing and training jobs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import override

from fluentpipe.expression import as_text
from fluentpipe.images import DEFAULT_XGBOOST
from fluentpipe.settings import setting
from fluentpipe.step import Inputs, Step

if TYPE_CHECKING:
    from fluentpipe.target import Target


class JobStep(Step):
    """A step that runs a program on instances: what processing and training share."""

    instance_type: str = setting("ml.m5.xlarge", job=True, doc="Instance type of the job.")
    instance_count: int = setting(1, ge=1, le=100, job=True, doc="Number of instances.")
    volume_size_gb: int = setting(30, ge=1, le=16384, unit="GiB", job=True, doc="Size of each instance's volume.")
    max_runtime: int = setting(
        86400, ge=1, le=2_419_200, unit="seconds", job=True, convert=None,
        doc="Time after which the service stops the job; at most 28 days.",
    )  # fmt: skip
    image_uri: str | None = setting(None, job=True, doc="Container image; by default SageMaker's XGBoost image.")
    framework_version: str = setting(
        DEFAULT_XGBOOST, job=True, reference=False, doc="Version of SageMaker's XGBoost image, where no image is given."
    )
    environment: Mapping[str, str] | None = setting(None, job=True, doc="Environment variables of the program.")
    cache_expire_after: str | None = setting(
        None, job=True, reference=False, doc="Reuse results of equal earlier jobs this young: ISO 8601, such as P30D."
    )

    script: ClassVar[str | Path] = ""
    """The program: a Python file, relative to the file of the class or to the working directory."""
    companions: ClassVar[tuple[str, ...]] = ()
    """Files beside the script that it needs without importing them."""
    flags: ClassVar[Mapping[str, str]] = {}
    """Names of inputs, outputs and settings -> the options or channels the program knows them by, where they differ."""

    def program_files(self, target: Target) -> Mapping[str, Path]:
        """The files to ship, by name: the script, its companions, and the modules beside them that they import."""
        script = Path(self.script).expanduser()
        home = getattr(sys.modules.get(type(self).__module__), "__file__", None)
        if home and not script.is_absolute() and (Path(home).parent / script).exists():
            script = Path(home).parent / script
        return target.program(script.absolute(), self.companions)

    def program_settings(self) -> Iterator[tuple[str, Any]]:
        """What the program is told: option -> value, of every setting that is not the job's and not None."""
        for name, each in self.settings.items():
            value = getattr(self, name)
            if not each.job and value is not None:
                yield each.emit or self.flags.get(name, name), value

    def image(self, target: Target) -> Any:
        """The URI of the container image."""
        return target.image("xgboost", self.framework_version) if self.image_uri is None else self.image_uri

    @override
    def requests(self, inputs: Inputs, target: Target, then: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        request = super().requests(inputs, target, then)[0]
        if self.cache_expire_after is not None:
            request["CacheConfig"] = {"Enabled": True, "ExpireAfter": self.cache_expire_after}
        return [request]


class ProcessingStep(JobStep):
    """A step that runs a script in a processing job: `CreateProcessingJob`.

    The script gets a path for each wired input and each output and a value for each setting, all as `--name value`.
    """

    sagemaker_type = "Processing"

    _CODE = "/opt/ml/processing/input/code"

    def command(self, inputs: Inputs) -> list[Any]:
        """The arguments of the script."""
        words: list[Any] = []
        for name in inputs:
            words += [self._flag(name), f"/opt/ml/processing/input/{name}"]
        for spec in self.contract.outputs:
            words += [self._flag(spec.name), f"/opt/ml/processing/output/{spec.name}"]
        for name, value in self.program_settings():
            words += [self._flag(name), as_text(value)]
        return words

    def _flag(self, name: str) -> str:
        return "--" + self.flags.get(name, name).replace("_", "-")

    def processing_inputs(self, inputs: Inputs, target: Target) -> list[dict[str, Any]]:
        """The data that the job reads, by logical name."""
        return [processing_input(name, target.location(value)) for name, value in inputs.items()]

    @override
    def arguments(self, inputs: Inputs, target: Target) -> dict[str, Any]:
        code = processing_input("code", target.code(self.program_files(target)), self._CODE)
        return {
            "ProcessingResources": {
                "ClusterConfig": {
                    "InstanceType": self.instance_type,
                    "InstanceCount": self.instance_count,
                    "VolumeSizeInGB": self.volume_size_gb,
                }
            },
            "AppSpecification": {
                "ImageUri": self.image(target),
                "ContainerEntrypoint": ["python3", f"{self._CODE}/{Path(self.script).name}"],
                "ContainerArguments": self.command(inputs),
            },
            "RoleArn": target.role,
            "ProcessingInputs": [*self.processing_inputs(inputs, target), code],
            "ProcessingOutputConfig": {
                "Outputs": [
                    {
                        "OutputName": spec.name,
                        "S3Output": {
                            "S3Uri": target.output(self.name, "output", spec.name),
                            "LocalPath": f"/opt/ml/processing/output/{spec.name}",
                            "S3UploadMode": "EndOfJob",
                        },
                    }
                    for spec in self.contract.outputs
                ]
            },
            "Environment": self.environment,
            "StoppingCondition": {"MaxRuntimeInSeconds": self.max_runtime},
        }

    @override
    def requests(self, inputs: Inputs, target: Target, then: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        request = super().requests(inputs, target, then)[0]
        files = [
            {"PropertyFileName": spec.name, "OutputName": spec.name, "FilePath": spec.property_file}
            for spec in self.contract.outputs
            if spec.property_file
        ]
        if files:
            request["PropertyFiles"] = files
        return [request]


def processing_input(name: str, uri: Any, path: str = "") -> dict[str, Any]:
    """One input of a processing job: an S3 prefix whose files it finds under `path`."""
    return {
        "InputName": name,
        "S3Input": {
            "S3Uri": uri,
            "LocalPath": path or f"/opt/ml/processing/input/{name}",
            "S3DataType": "S3Prefix",
            "S3InputMode": "File",
            # Said, as the SDK says it: the service's model names no default for several instances.
            "S3DataDistributionType": "FullyReplicated",
        },
    }


class TrainingStep(JobStep):
    """A step that runs a script in a training job: `CreateTrainingJob`.

    Inputs are channels, settings are hyperparameters; the script gets both as SageMaker's containers give them.
    """

    sagemaker_type = "Training"

    def channels(self, inputs: Inputs, target: Target) -> list[dict[str, Any]]:
        """The data that the job reads."""
        return [
            {
                "ChannelName": self.flags.get(name, name),
                "DataSource": {
                    "S3DataSource": {
                        "S3DataType": "S3Prefix",
                        "S3Uri": target.location(value),
                        "S3DataDistributionType": "FullyReplicated",
                    }
                },
            }
            for name, value in inputs.items()
        ]

    @override
    def arguments(self, inputs: Inputs, target: Target) -> dict[str, Any]:
        archive = target.source_archive(self.program_files(target))
        hyperparameters = {name: as_text(value) for name, value in self.program_settings()}
        return {
            "AlgorithmSpecification": {"TrainingImage": self.image(target), "TrainingInputMode": "File"},
            "RoleArn": target.role,
            "InputDataConfig": self.channels(inputs, target),
            "OutputDataConfig": {"S3OutputPath": target.output(self.name)},
            "ResourceConfig": {
                "InstanceType": self.instance_type,
                "InstanceCount": self.instance_count,
                "VolumeSizeInGB": self.volume_size_gb,
            },
            "StoppingCondition": {"MaxRuntimeInSeconds": self.max_runtime},
            # Script mode of SageMaker's framework images; these two are JSON, unlike the rest.
            "HyperParameters": {
                **hyperparameters,
                "sagemaker_program": json.dumps(Path(self.script).name),
                "sagemaker_submit_directory": json.dumps(archive),
            },
            "Environment": self.environment,
        }
