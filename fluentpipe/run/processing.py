"""The contract of a Processing job: its folders, its command, what it leaves behind."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import attrs

from fluentpipe.errors import RunError
from fluentpipe.run.job import ACCOUNT, RESOURCES, JobInput, Published, check_script, interpreter, write_json
from fluentpipe.run.linking import replace_links
from fluentpipe.run.paths import CONTAINER_ROOT, folder_name, private_path, relocated
from fluentpipe.run.requirements import installs_first
from fluentpipe.run.storage import Storage
from fluentpipe.run.values import as_text


@attrs.frozen
class ProcessingJob:
    """A CreateProcessingJob request, carried out here."""

    step: str
    name: str
    request: Mapping[str, Any]
    failure_file = "output/message"

    @property
    def inputs(self) -> tuple[JobInput, ...]:
        """The S3 inputs that have a folder."""
        found = (
            (each["InputName"], each["S3Input"])
            for each in self.request.get("ProcessingInputs", ())
            if "S3Input" in each
        )
        return tuple(JobInput(name, s3["S3Uri"], s3["LocalPath"]) for name, s3 in found if "LocalPath" in s3)

    def _outputs(self) -> Iterator[tuple[str, str, str, str]]:
        """(name, folder name here, S3 URI, path in the container) of each output."""
        for index, output in enumerate(self.request.get("ProcessingOutputConfig", {}).get("Outputs", ())):
            s3, name = output["S3Output"], output["OutputName"]
            yield name, folder_name(name, f"output-{index}"), s3["S3Uri"].rstrip("/"), s3["LocalPath"]

    def prepare(self, root: Path, storage: Storage) -> None:  # noqa: ARG002 - the code is an input like any other
        """Make the folders of the outputs and the two configuration files."""
        for _, _, _, path in self._outputs():
            private_path(root, path).mkdir(parents=True, exist_ok=True)
        (root / "output").mkdir(parents=True, exist_ok=True)
        config = {"ProcessingJobArn": self._arn, "ProcessingJobName": self.name, **self.request}
        write_json(root / "config", processingjobconfig=config, resourceconfig=RESOURCES)

    def argv(self, root: Path) -> tuple[str, ...]:
        """The entry point and the arguments, paths below /opt/ml moved to the root."""
        application = self.request["AppSpecification"]
        words = [*application["ContainerEntrypoint"], *application.get("ContainerArguments", ())]
        if installs_first(self.request):  # which is done here, where it is asked for, before the program starts
            words = words[2:]
        program, *arguments = (relocated(as_text(word), root) for word in words)
        argv = (interpreter(program), *arguments)
        check_script(argv, root)
        return argv

    def cwd(self, root: Path) -> Path:
        """The root itself: relative files of a script stay in the job's own folder."""
        return root

    def environment(self, root: Path, threads: int) -> dict[str, str]:  # noqa: ARG002 - a training job tells its script
        """The request's Environment, and where /opt/ml is."""
        given = {name: relocated(as_text(value), root) for name, value in self.request.get("Environment", {}).items()}
        return {"SAGEMAKER_BASE_DIR": str(root), "PROCESSING_JOB_ARN": self._arn, **given}

    def publish(self, root: Path, stage: Path) -> Published:
        """Move the folder of each output to `out/<output>`.

        Raises:
            RunError: The program removed such a folder, or left a link in it that leads out of the job.
        """
        outputs: dict[str, str] = {}
        # The innermost first would take from the outer ones: where one lies in another, all are copied.
        nested = _nested([path for _, _, _, path in self._outputs()])
        for name, folder, _, path in self._outputs():
            made, target = private_path(root, path), stage / "out" / folder
            if not made.is_dir():
                raise RunError(
                    f"Output {name!r} is missing: there is no folder {path} any more.",
                    fix="let the program write into the folder and leave it there",
                )
            replace_links(made, root)
            target.parent.mkdir(parents=True, exist_ok=True)
            if nested:
                shutil.copytree(made, target)
            else:
                made.rename(target)
            outputs[name] = f"out/{folder}"
        return Published(outputs)

    def places(self, outputs: Mapping[str, str]) -> dict[str, str]:
        """The prefix of each output."""
        return {uri: outputs[name] for name, _, uri, _ in self._outputs()}

    def describe(self, folder: Path) -> dict[str, Any]:  # noqa: ARG002 - its request says all
        """Names and states of a finished job (DescribeProcessingJobResponse)."""
        return {
            "ProcessingJobName": self.name,
            "ProcessingJobArn": self._arn,
            "ProcessingJobStatus": "Completed",
            "ExitMessage": "",
        }

    @property
    def _arn(self) -> str:
        return f"{ACCOUNT}:processing-job/{self.name}"


def processing_faults(arguments: Mapping[str, Any]) -> Iterator[str]:
    """What in a request does not run here, known before anything starts."""
    if not arguments.get("AppSpecification", {}).get("ContainerEntrypoint"):
        yield "a Processing step without ContainerEntrypoint runs the image's own program, which is not here"
    for each in arguments.get("ProcessingInputs", ()):
        if "S3Input" not in each:
            yield f"input {each.get('InputName')!r} is no S3Input; other inputs do not run here yet"
        elif each["S3Input"].get("S3InputMode") == "Pipe":
            yield f"input {each.get('InputName')!r} has S3InputMode Pipe; only File runs here"
        elif each["S3Input"].get("S3DataType", "S3Prefix") != "S3Prefix":
            yield f"input {each.get('InputName')!r} is a {each['S3Input']['S3DataType']}; only S3Prefix runs here yet"
    for each in arguments.get("ProcessingOutputConfig", {}).get("Outputs", ()):
        if "LocalPath" not in each.get("S3Output", {}):
            yield f"output {each.get('OutputName')!r} has no S3Output with a LocalPath; other outputs do not run here yet"
    yield from filter(None, map(_path_fault, _paths(arguments)))


def _path_fault(path: str) -> str:
    try:
        private_path(Path(CONTAINER_ROOT), path)
    except RunError as error:
        return str(error).split("\n", 1)[0]
    return ""


def _paths(arguments: Mapping[str, Any]) -> Iterator[str]:
    inputs = (each.get("S3Input", {}) for each in arguments.get("ProcessingInputs", ()))
    outputs = (each.get("S3Output", {}) for each in arguments.get("ProcessingOutputConfig", {}).get("Outputs", ()))
    for each in (*inputs, *outputs):
        if isinstance(each.get("LocalPath"), str):
            yield each["LocalPath"]


def _nested(paths: list[str]) -> bool:
    """Whether one of the folders is, or lies in, another."""
    ordered = sorted(f"{path.rstrip('/')}/" for path in paths)
    return any(later.startswith(earlier) for earlier, later in pairwise(ordered))
