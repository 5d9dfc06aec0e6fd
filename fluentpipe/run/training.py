"""The contract of a Training job in script mode: channels, hyperparameters, the model that it leaves behind."""

from __future__ import annotations

import contextlib
import json
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs

from fluentpipe.errors import RunError
from fluentpipe.run.archive import pack, unpack
from fluentpipe.run.job import ACCOUNT, RESOURCES, JobInput, Published, check_script, write_json
from fluentpipe.run.paths import CONTAINER_ROOT, inside, relocated
from fluentpipe.run.placing import Placed
from fluentpipe.run.storage import Storage
from fluentpipe.run.toolkit import command_arguments, read_hyperparameters, toolkit_variables
from fluentpipe.run.values import as_text

_ARCHIVE_ENDS = (".tar.gz", ".tgz", ".tar")


@attrs.frozen
class TrainingJob:
    """A CreateTrainingJob request whose hyperparameters name a script, carried out here."""

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
        """Unpack the code, make the folders, write the configuration files."""
        for folder in ("model", "output/data", "code", "input/data"):
            (root / folder).mkdir(parents=True, exist_ok=True)
        self._bring_code(root, storage)
        write_json(
            root / "input" / "config",
            hyperparameters={key: as_text(value) for key, value in self.request["HyperParameters"].items()},
            inputdataconfig=self._channels,
            resourceconfig=RESOURCES,
        )

    def _bring_code(self, root: Path, storage: Storage) -> None:
        found = storage.find(str(self._parameters["sagemaker_submit_directory"]))
        code, packed = root / "code", root / "input" / "sourcedir"
        is_archive = found.is_object and next(iter(found.files)).endswith(_ARCHIVE_ENDS)
        Placed().place(found, packed if is_archive else code)
        if is_archive:
            unpack(packed / next(iter(found.files)), code)

    def argv(self, root: Path) -> tuple[str, ...]:
        """`python train.py --key value …`; the XGBoost images run the script as a module, `python -m train`."""
        program = str(self._parameters["sagemaker_program"])
        script = inside(root / "code", program)
        check_script((str(script),), root)
        if script.suffix == ".sh":
            start: tuple[str, ...] = ("/bin/sh", str(script))
        elif self._runs_modules and script.suffix == ".py":
            start = (sys.executable, "-m", program.removesuffix(".py").replace("/", "."))
        else:
            start = (sys.executable, str(script))
        return (*start, *self._arguments(root))

    def cwd(self, root: Path) -> Path:
        """The folder of the code."""
        return root / "code"

    def environment(self, root: Path, threads: int) -> dict[str, str]:
        """The `SM_*` variables of the training toolkit and the request's Environment."""
        given = {name: relocated(as_text(value), root) for name, value in self.request.get("Environment", {}).items()}
        variables = toolkit_variables(
            root,
            job=self.name,
            hyperparameters=self._hyperparameters(root),
            internal={key: value for key, value in self._parameters.items() if key.startswith("sagemaker_")},
            channels=self._channels,
            arguments=self._arguments(root),
            cpus=threads,
        )
        arn = f"{ACCOUNT}:training-job/{self.name}"
        return {
            "SAGEMAKER_BASE_DIR": str(root),
            "TRAINING_JOB_NAME": self.name,
            "TRAINING_JOB_ARN": arn,
            "PYTHONPATH": str(root / "code"),
            **variables,
            **given,
        }

    def publish(self, root: Path, stage: Path) -> Published:
        """Pack the model, and what lies in output/data, as the service does; nothing is packed from nothing."""
        out = stage / "out"
        out.mkdir(parents=True, exist_ok=True)
        made: dict[str, str] = {}
        if any((root / "model").iterdir()):
            if self._compressed:
                pack(root / "model", out / "model.tar.gz")
            else:
                shutil.move(root / "model", out / "model")
            made["model"] = "out/model.tar.gz" if self._compressed else "out/model"
        if any((root / "output" / "data").iterdir()):
            pack(root / "output" / "data", out / "output.tar.gz")
            made["output"] = "out/output.tar.gz"
        return Published(made, {self._output_uri: "out"})

    def describe(self) -> dict[str, Any]:
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
    def _runs_modules(self) -> bool:
        return "xgboost" in str(self.request["AlgorithmSpecification"].get("TrainingImage", "")).rpartition("/")[2]

    @property
    def _parameters(self) -> dict[str, Any]:
        return read_hyperparameters(self.request["HyperParameters"])

    def _hyperparameters(self, root: Path) -> dict[str, Any]:
        """The script's own, paths below /opt/ml moved to the root."""
        return {
            key: relocated(value, root) if isinstance(value, str) else value
            for key, value in self._parameters.items()
            if not key.startswith("sagemaker_")
        }

    def _arguments(self, root: Path) -> tuple[str, ...]:
        return command_arguments(self._hyperparameters(root))

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
    algorithm, parameters = arguments.get("AlgorithmSpecification", {}), arguments.get("HyperParameters", {})
    channels = {channel.get("ChannelName"): channel for channel in arguments.get("InputDataConfig", ())}
    if "sm_drivers" in channels or algorithm.get("ContainerEntrypoint"):
        yield "a training with a container entry point (channel sm_drivers) does not run here yet, only script mode does"
    elif "sagemaker_program" not in parameters:
        yield "a training without a script (sagemaker_program) does not run here yet, only script mode does"
    else:
        yield from _script_faults(parameters)
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


def _script_faults(parameters: Mapping[str, Any]) -> Iterator[str]:
    if "sagemaker_submit_directory" not in parameters:
        yield "sagemaker_program is given, but no sagemaker_submit_directory to find it in"
    program = parameters["sagemaker_program"]
    if not isinstance(program, str):
        return
    with contextlib.suppress(ValueError):  # quoted as JSON, or plain
        program = str(json.loads(program))
    try:
        inside(Path(), program)
    except RunError:
        yield f"sagemaker_program {program!r} is no safe relative path"
    if not program.endswith((".py", ".sh")):
        yield f"sagemaker_program {program!r} is neither a .py nor a .sh file"
