"""The contract of a Training job: channels, hyperparameters, the model that it leaves behind."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs

from fluentpipe.errors import RunError
from fluentpipe.run.archive import pack
from fluentpipe.run.job import ACCOUNT, RESOURCES, JobInput, Published, write_json
from fluentpipe.run.linking import replace_links
from fluentpipe.run.paths import CONTAINER_ROOT, relocated
from fluentpipe.run.storage import Storage
from fluentpipe.run.training_program import Program, program_faults, program_of
from fluentpipe.run.values import as_text


@attrs.frozen
class TrainingJob:
    """A CreateTrainingJob request, carried out here."""

    step: str
    name: str
    request: Mapping[str, Any]
    failure_file = "output/failure"

    @property
    def inputs(self) -> tuple[JobInput, ...]:
        """The channels."""
        return tuple(
            JobInput(
                channel["ChannelName"],
                channel["DataSource"]["S3DataSource"]["S3Uri"],
                f"{CONTAINER_ROOT}/input/data/{channel['ChannelName']}",
            )
            for channel in self.request.get("InputDataConfig", ())
        )

    def prepare(self, root: Path, storage: Storage) -> None:
        """Make the folders, write the configuration files, bring the code."""
        for folder in ("model", "output/data", "code", "input/data"):
            (root / folder).mkdir(parents=True, exist_ok=True)
        write_json(
            root / "input" / "config",
            hyperparameters={key: as_text(value) for key, value in self.request.get("HyperParameters", {}).items()},
            inputdataconfig=self._channels,
            resourceconfig=RESOURCES,
        )
        self._program.prepare(root, storage)

    def argv(self, root: Path) -> tuple[str, ...]:
        """The command line of its program."""
        return self._program.argv(root)

    def cwd(self, root: Path) -> Path:
        """The working directory of its program."""
        return self._program.cwd(root)

    def environment(self, root: Path, threads: int) -> dict[str, str]:
        """What the service tells every job, what its way of starting adds, and the request's Environment."""
        return {
            "SAGEMAKER_BASE_DIR": str(root),
            "TRAINING_JOB_NAME": self.name,
            "TRAINING_JOB_ARN": f"{ACCOUNT}:training-job/{self.name}",
            **self._program.environment(root, self.name, self._channels, threads),
            **{key: relocated(as_text(value), root) for key, value in self.request.get("Environment", {}).items()},
        }

    def publish(self, root: Path, stage: Path) -> Published:
        """Pack the model, and what lies in output/data, as the service does; nothing is packed from nothing."""
        out = stage / "out"
        out.mkdir(parents=True, exist_ok=True)
        made: dict[str, str] = {}
        if missing := next((each for each in ("model", "output/data") if not (root / each).is_dir()), ""):
            raise RunError(
                f"There is no folder /opt/ml/{missing} any more.",
                fix="let the script write into the folder and leave it there",
            )
        if any((root / "model").iterdir()):
            if self._compressed:
                pack(root / "model", out / "model.tar.gz")
            else:
                replace_links(root / "model", root)
                shutil.move(root / "model", out / "model")
            made["model"] = "out/model.tar.gz" if self._compressed else "out/model"
        if any((root / "output" / "data").iterdir()):
            pack(root / "output" / "data", out / "output.tar.gz")
            made["output"] = "out/output.tar.gz"
        return Published(made)

    def places(self, outputs: Mapping[str, str]) -> dict[str, str]:  # noqa: ARG002 - all lie below one prefix
        """The prefix of the job's output."""
        return {self._output_uri: "out"}

    def describe(self, folder: Path) -> dict[str, Any]:  # noqa: ARG002 - its request says all
        """Names, states and the model of a finished job (DescribeTrainingJobResponse)."""
        model = "model.tar.gz" if self._compressed else "model"
        return {
            "TrainingJobName": self.name,
            "TrainingJobArn": f"{ACCOUNT}:training-job/{self.name}",
            "TrainingJobStatus": "Completed",
            "SecondaryStatus": "Completed",
            "ModelArtifacts": {"S3ModelArtifacts": f"{self._output_uri}/{model}"},
            "OutputModelUri": f"{self._output_uri}/{model}",
        }

    @property
    def _output_uri(self) -> str:
        return f"{self.request['OutputDataConfig']['S3OutputPath'].rstrip('/')}/{self.name}/output"

    @property
    def _compressed(self) -> bool:
        return bool(self.request["OutputDataConfig"].get("CompressionType", "GZIP") != "NONE")

    @property
    def _program(self) -> Program:
        return program_of(self.request)

    @property
    def _channels(self) -> dict[str, dict[str, str]]:
        return {
            channel["ChannelName"]: {
                "TrainingInputMode": "File",
                "S3DistributionType": "FullyReplicated",
                "RecordWrapperType": "None",
                **({"ContentType": channel["ContentType"]} if "ContentType" in channel else {}),
            }
            for channel in self.request.get("InputDataConfig", ())
        }


def training_faults(arguments: Mapping[str, Any]) -> Iterator[str]:
    """What in a request does not run here, known before anything starts."""
    algorithm = arguments.get("AlgorithmSpecification", {})
    channels = {channel.get("ChannelName"): channel for channel in arguments.get("InputDataConfig", ())}
    yield from program_faults(arguments)
    for name, channel in channels.items():
        source = channel.get("DataSource", {}).get("S3DataSource")
        if source is None:
            yield f"channel {name!r} does not come from S3; other sources do not run here yet"
        elif source.get("S3DataType", "S3Prefix") != "S3Prefix":
            yield f"channel {name!r} is a {source['S3DataType']}; only S3Prefix runs here yet"
        if channel.get("InputMode", algorithm.get("TrainingInputMode")) == "Pipe":
            yield f"channel {name!r} has input mode Pipe; only File and FastFile run here"
        if str(name) in (".", ".."):
            yield f"channel {name!r} is no name for a folder"
