"""The step base classes that run a job, and its settings: instances, time, network, keys, retries."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from typing_extensions import override

from fluentpipe.caching import cached, caching
from fluentpipe.errors import SettingError
from fluentpipe.expression import as_text
from fluentpipe.images import DEFAULT_XGBOOST
from fluentpipe.network import Vpc, vpc
from fluentpipe.program import CODE
from fluentpipe.retry import Retry, retries
from fluentpipe.settings import setting
from fluentpipe.step import Inputs, Step

if TYPE_CHECKING:
    from fluentpipe.target import Target

_OWN_PROGRAMS = Path(__file__).parent / "containers"


class RetriedStep(Step):
    """A step that the service tries again where its retry policies say so."""

    retry: int | Retry | Sequence[Retry] | None = setting(
        None, shared=True, reference=False, convert=retries,
        doc="Attempts after failures that are not the program's doing, or policies: Retry(on='SageMaker.CAPACITY_ERROR').",
    )  # fmt: skip

    @override
    def requests(self, inputs: Inputs, target: Target, then: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        first, *rest = super().requests(inputs, target, then)
        policies = [policy.to_request() for policy in self.given.get("retry") or ()]
        return [{**first, "RetryPolicies": policies} if policies else first, *rest]


class InstanceStep(Step):
    """A step whose job runs on instances: what all such jobs share."""

    instance_type: str = setting("ml.m5.xlarge", shared=True, doc="Instance type of the job.")
    instance_count: int = setting(1, ge=1, le=100, job=True, doc="Number of instances.")
    volume_size_gb: int = setting(30, ge=1, le=16384, unit="GiB", shared=True, doc="Size of each instance's volume.")
    max_runtime: int = setting(
        86400, ge=1, le=2_419_200, unit="seconds", shared=True, convert=None,
        doc="Time after which the service stops the job; at most 28 days.",
    )  # fmt: skip
    image_uri: str | None = setting(
        None, job=True,
        doc="Container image; by default SageMaker's, of XGBoost or of the framework that trains or trained the model.",
    )  # fmt: skip
    framework_version: str = setting(
        DEFAULT_XGBOOST, job=True, reference=False, doc="Version of SageMaker's image, where no image is given."
    )
    environment: Mapping[str, str] | None = setting(None, shared=True, doc="Environment variables of the program.")
    cache: bool | str | None = setting(
        None, shared=True, reference=False, convert=caching, aliases=("cache_expire_after",),
        doc="Whether the service takes the results of an equal earlier job; a duration such as 'P30D' for how old they may be.",
    )  # fmt: skip
    tags: Mapping[str, str] | None = setting(None, shared=True, doc="Tags of the job; at most 50.")
    vpc: Vpc | Mapping[str, Sequence[str]] | None = setting(
        None, shared=True, reference=False, convert=vpc, doc="Network of the job: Vpc(subnets, security_groups)."
    )
    volume_kms_key: str | None = setting(None, shared=True, doc="KMS key that encrypts the volume of each instance.")
    output_kms_key: str | None = setting(None, shared=True, doc="KMS key that encrypts what the job writes to S3.")
    network_isolation: bool | None = setting(None, shared=True, doc="Whether the program has no network.")
    encrypt_traffic: bool | None = setting(
        None, shared=True, doc="Whether instances encrypt what they send each other."
    )

    @override
    def requests(self, inputs: Inputs, target: Target, then: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        return [cached(super().requests(inputs, target, then)[0], self.cache)]

    def network(self) -> dict[str, Any]:
        """Where the job is in the network, as a training job's request says it."""
        return {
            "VpcConfig": self.vpc.to_request() if isinstance(self.vpc, Vpc) else None,
            "EnableNetworkIsolation": self.network_isolation,
            "EnableInterContainerTrafficEncryption": self.encrypt_traffic,
        }

    def tag_list(self) -> list[dict[str, Any]]:
        """The tags in the form of a request."""
        return [{"Key": key, "Value": value} for key, value in (self.tags or {}).items()]

    def processing_job(
        self,
        role: str,
        application: Mapping[str, Any],
        inputs: Sequence[Mapping[str, Any]],
        outputs: Sequence[Mapping[str, Any]],
        environment: Mapping[str, Any] | None,
    ) -> dict[str, Any]:
        """The request of a processing job on these instances: `CreateProcessingJob`."""
        return {
            "ProcessingResources": {
                "ClusterConfig": {
                    "InstanceType": self.instance_type,
                    "InstanceCount": self.instance_count,
                    "VolumeSizeInGB": self.volume_size_gb,
                    "VolumeKmsKeyId": self.volume_kms_key,
                }
            },
            "AppSpecification": application,
            "RoleArn": role,
            "ProcessingInputs": inputs,
            "ProcessingOutputConfig": {"Outputs": outputs, "KmsKeyId": self.output_kms_key if outputs else None},
            "Environment": environment,
            "NetworkConfig": self.network(),
            "StoppingCondition": {"MaxRuntimeInSeconds": self.max_runtime},
            "Tags": self.tag_list(),
        }


class JobStep(InstanceStep, RetriedStep):
    """A step that runs a program on instances: what processing and training share."""

    framework: ClassVar[str] = "xgboost"
    """Whose image of SageMaker's runs the program; empty for that of the model which the step takes."""
    script: ClassVar[str | Path] = ""
    """The program: a Python file, relative to the file of the class or to the working directory."""
    one_instance: ClassVar[str] = (
        "its program is for one: each of several would do all of the work, and write over what the others wrote"
    )
    """Why the built-in program cannot use several instances; empty if it can. A program of the user's may do what it likes."""
    instead: ClassVar[str] = (
        "a larger instance_type; or process(…) and train(…) with a script that shares the work, and sharded="
    )
    """What to do about that."""
    companions: ClassVar[tuple[str, ...]] = ()
    """Files beside the script that it needs without importing them."""
    flags: ClassVar[Mapping[str, str]] = {}
    """Names of inputs, outputs and settings -> the options or channels the program knows them by, where they differ."""

    @override
    def validate(self) -> None:
        super().validate()
        count: Any = self.instance_count  # an expression where the run decides it
        is_own = Path(self.script or "").parent == _OWN_PROGRAMS
        if isinstance(count, int) and count > 1 and is_own and self.one_instance:
            raise SettingError(
                f"{self.contract.verb} {self.name!r} cannot use {count} instances.", self.one_instance, fix=self.instead
            )

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
        if self.image_uri is not None:
            return self.image_uri
        return target.image_for(self, DEFAULT_XGBOOST)


class ProcessingStep(JobStep):
    """A step that runs a script in a processing job: `CreateProcessingJob`.

    The script gets a path for each wired input and each output and a value for each setting, all as `--name value`.
    """

    sagemaker_type = "Processing"

    job_type: Literal["training", "validation", "testing", "calibration"] | None = setting(
        None, job=True, reference=False,
        doc="Role of the step, where a pipeline has several of its type: part of its name, and wired to its like.",
    )  # fmt: skip

    _CODE = CODE

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

    def start(self) -> list[str]:
        """The command that starts the program; empty for the image's own."""
        return ["python3", f"{self._CODE}/{Path(self.script).name}"]

    def code(self, target: Target) -> str:
        """The S3 URI of the program's files."""
        return target.code(self.program_files(target))

    def _flag(self, name: str) -> str:
        return "--" + self.flags.get(name, name).replace("_", "-")

    def processing_inputs(self, inputs: Inputs, target: Target) -> list[dict[str, Any]]:
        """The data that the job reads, by logical name."""
        return [processing_input(name, target.location(value)) for name, value in inputs.items()]

    @override
    def arguments(self, inputs: Inputs, target: Target) -> dict[str, Any]:
        start = self.start()
        code = [processing_input("code", self.code(target), self._CODE)] if start else []
        return self.processing_job(
            target.role,
            {
                "ImageUri": self.image(target),
                "ContainerEntrypoint": start,
                "ContainerArguments": self.command(inputs),
            },
            [*self.processing_inputs(inputs, target), *code],
            [
                processing_output(spec.name, target.output(self.name, "output", spec.name))
                for spec in self.contract.outputs
            ],
            self.environment,
        )

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


def processing_output(name: str, uri: Any, path: str = "") -> dict[str, Any]:
    """One output of a processing job: the files that it leaves under `path`, at an S3 prefix."""
    return {
        "OutputName": name,
        "S3Output": {
            "S3Uri": uri,
            "LocalPath": path or f"/opt/ml/processing/output/{name}",
            "S3UploadMode": "EndOfJob",
        },
    }


class TrainingStep(JobStep):
    """A step that runs a script in a training job: `CreateTrainingJob`.

    Inputs are channels, settings are hyperparameters; the script gets both as SageMaker's containers give them.
    """

    sagemaker_type = "Training"

    use_spot: bool = setting(
        False,
        shared=True,
        reference=False,
        doc="Whether the job runs on spare capacity, which is cheaper and may be taken away.",
    )
    max_wait: int | None = setting(
        None, ge=1, unit="seconds", shared=True, reference=False,
        doc="With use_spot: longest time for waiting and running together; by default twice max_runtime.",
    )  # fmt: skip
    checkpoint_s3_uri: str | None = setting(
        None, shared=True, doc="Where the program's checkpoints in /opt/ml/checkpoints are kept, to go on from."
    )

    @override
    def validate(self) -> None:
        super().validate()
        if self.max_wait is None:
            return
        if not self.use_spot:
            raise SettingError(
                f"max_wait of {self.name!r} is the time that a spot job may wait, but use_spot is not set.",
                fix="use_spot=True",
            )
        runtime: Any = self.max_runtime  # an expression where the run decides it
        if isinstance(runtime, int) and self.max_wait < runtime:
            raise SettingError(
                f"max_wait of {self.name!r} is {self.max_wait} s, but max_runtime is {runtime} s, which is part of it.",
                fix=f"max_wait={runtime * 2}, or a shorter max_runtime",
            )

    def spot(self) -> dict[str, Any]:
        """The time limits of the job, and whether it runs on spare capacity."""
        limits: dict[str, Any] = {"MaxRuntimeInSeconds": self.max_runtime}
        if self.use_spot:
            limits["MaxWaitTimeInSeconds"] = self._longest_wait()
        return {
            "StoppingCondition": limits,
            "EnableManagedSpotTraining": self.use_spot or None,
            "CheckpointConfig": {"S3Uri": self.checkpoint_s3_uri},
        }

    def _longest_wait(self) -> Any:
        """As the service wants it, it includes the time of running."""
        if self.max_wait is not None:
            return self.max_wait
        runtime: Any = self.max_runtime
        if not isinstance(runtime, int):
            raise SettingError(
                f"with use_spot, {self.name!r} needs max_wait where max_runtime is known only at the start.",
                fix="max_wait=172800",
            )
        return 2 * runtime

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

    def submitted(self, target: Target) -> dict[str, str]:
        """The hyperparameters of script mode of SageMaker's framework images; these two are JSON, unlike the rest."""
        archive = target.source_archive(self.program_files(target))
        return {
            "sagemaker_program": json.dumps(Path(self.script).name),
            "sagemaker_submit_directory": json.dumps(archive),
        }

    @override
    def arguments(self, inputs: Inputs, target: Target) -> dict[str, Any]:
        hyperparameters = {name: as_text(value) for name, value in self.program_settings()}
        return {
            "AlgorithmSpecification": {"TrainingImage": self.image(target), "TrainingInputMode": "File"},
            "RoleArn": target.role,
            "InputDataConfig": self.channels(inputs, target),
            "OutputDataConfig": {"S3OutputPath": target.output(self.name), "KmsKeyId": self.output_kms_key},
            "ResourceConfig": {
                "InstanceType": self.instance_type,
                "InstanceCount": self.instance_count,
                "VolumeSizeInGB": self.volume_size_gb,
                "VolumeKmsKeyId": self.volume_kms_key,
            },
            **self.network(),
            **self.spot(),
            "Tags": self.tag_list(),
            "HyperParameters": {**hyperparameters, **self.submitted(target)},
            "Environment": self.environment,
        }
