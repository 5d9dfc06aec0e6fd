"""What every job has, of whatever type: inputs, a command, an environment, outputs."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import attrs

from fluentpipe.errors import RunError, did_you_mean
from fluentpipe.run.storage import Found, Storage

HOST = "algo-1"
ACCOUNT = "arn:aws:sagemaker:local:000000000000"
RESOURCES: Mapping[str, Any] = {  # resourceconfig.json, as on one machine
    "current_host": HOST,
    "current_instance_type": "local",
    "current_group_name": "homogeneousCluster",
    "hosts": [HOST],
    "instance_groups": [{"instance_group_name": "homogeneousCluster", "instance_type": "local", "hosts": [HOST]}],
    "network_interface_name": "eth0",
}

_PYTHON = re.compile(r"python(3(\.\d+)?)?")


@attrs.frozen
class JobInput:
    """Files that a job finds in one of its folders."""

    name: str
    uri: str
    folder: str  # in the container: /opt/ml/…


@attrs.frozen
class Published:
    """What a job made: kept below the step's `out/`."""

    outputs: Mapping[str, str]  # name -> path relative to the step's folder


class JobRequest(Protocol):
    """What a step asks the service for."""

    @property
    def step(self) -> str:
        """Name of the step."""

    @property
    def name(self) -> str:
        """Name of the job."""

    @property
    def request(self) -> Mapping[str, Any]:
        """The resolved request."""

    @property
    def inputs(self) -> tuple[JobInput, ...]:
        """What is placed into the job's folders before it starts."""

    def places(self, outputs: Mapping[str, str]) -> dict[str, str]:
        """S3 URI -> path relative to the step's folder, of outputs as `Published` has them."""

    def describe(self, folder: Path) -> dict[str, Any]:
        """What the service's Describe operation says beyond the request, once the job is done; `folder` is the step's."""


class Job(JobRequest, Protocol):
    """A job that is one program. `root` is the folder that stands for /opt/ml."""

    @property
    def failure_file(self) -> str:
        """Relative to the root; where the program may say why it failed."""

    def prepare(self, root: Path, storage: Storage) -> None:
        """Make the folders and the configuration files; the inputs are in place already."""

    def argv(self, root: Path) -> tuple[str, ...]:
        """The command line."""

    def cwd(self, root: Path) -> Path:
        """The working directory."""

    def environment(self, root: Path, threads: int) -> dict[str, str]:
        """What the job adds to the inherited variables."""

    def publish(self, root: Path, stage: Path) -> Published:
        """Move what the job made below `stage/out`."""


def training_of(request: Mapping[str, Any]) -> Mapping[str, Any]:
    """The trainings of a tuning as a CreateTrainingJob request; of any other job its own request."""
    if "TrainingJobDefinition" not in request:
        return request
    training = dict(request["TrainingJobDefinition"])
    static = training.pop("StaticHyperParameters", {})
    return {**training, "HyperParameters": static}


def instances(request: Mapping[str, Any]) -> int:
    """How many instances a processing or training job asks for."""
    cluster = request.get("ProcessingResources", {}).get("ClusterConfig", request.get("ResourceConfig", {}))
    return int(cluster.get("InstanceCount", 1))


def max_seconds(request: Mapping[str, Any]) -> float | None:
    """MaxRuntimeInSeconds of the request."""
    limit = request.get("StoppingCondition", {}).get("MaxRuntimeInSeconds")
    return None if limit is None else float(limit)


def interpreter(program: str) -> str:
    """The program itself; for any Python the one that runs here, since the container's is not there."""
    return sys.executable if _PYTHON.fullmatch(Path(program).name) else program


def check_script(argv: tuple[str, ...], root: Path) -> None:
    """Refuse a command whose script is not among the files of the job.

    Raises:
        RunError: Names the files that are there.
    """
    for argument in argv[:2]:
        script = Path(argument)
        if script.is_relative_to(root) and not script.exists():
            there = sorted(path.name for path in script.parent.iterdir()) if script.parent.is_dir() else []
            raise RunError(
                f"The script {script.name!r} is not there.{did_you_mean(script.name, there)}",
                f"in /opt/ml/{script.parent.relative_to(root).as_posix()}: {', '.join(there[:12]) or 'nothing'}",
                fix="correct the entry point, or the input that brings the code",
            )


def write_json(folder: Path, **files: Any) -> None:
    """Write `<name>.json` for each keyword."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / f"{name}.json").write_text(json.dumps(content, sort_keys=True), encoding="utf-8")


def find_input(storage: Storage, job_input: JobInput) -> Found:
    """The files of an input.

    Raises:
        SourceError: Nothing stands for its URI.
        RunError: There is the place, but no file in it.
    """
    found = storage.find(job_input.uri)
    if not found.files:
        raise RunError(
            f"Input {job_input.name!r} is empty: there is no file at {job_input.uri!r}.",
            fix="let the step that makes it write into the LocalPath of its output",
        )
    return found
