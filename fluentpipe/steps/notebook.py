"""`notebook`: a notebook of the user's, executed as a step."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from os import PathLike
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from fluentpipe.contract import OutputSpec, StepContract
from fluentpipe.errors import did_you_mean
from fluentpipe.files import local_files
from fluentpipe.jobs import TrainingStep
from fluentpipe.kinds import ExecutedNotebook, JobName
from fluentpipe.settings import setting
from fluentpipe.step import Inputs
from fluentpipe.steps.by_call import InputsByCall, as_mapping, as_path

if TYPE_CHECKING:
    from fluentpipe.target import Target

# SageMaker SDK, NotebookJobStep: the channel, the entry point, the variables and the tags of its jobs.
CHANNEL = "sagemaker_headless_execution_pipelinestep"
_FOLDER = "/opt/ml/input/data"
_DAYS = 24 * 60 * 60  # seconds


def _paths(value: Any) -> tuple[str, ...]:
    return tuple(as_path(each) for each in ([value] if isinstance(value, (str, PathLike)) else value))


class NotebookExecution(InputsByCall, TrainingStep):
    """Execute a notebook with parameters, and keep the executed copy.

    It is a notebook job as SageMaker's SDK writes it, so it is a training job underneath, in which the image's scheduler executes the
    notebook by papermill: the parameters stand in a cell after the one that is tagged `parameters`, or at the top if there is none.
    They reach the notebook as texts, whatever they were; write `float(share)`. An input is a folder, whose name is a parameter as well.
    The folder in which the notebook is executed has the notebook and its files.

    What it leaves is `executed_notebook`, an archive with `<name>-executed.ipynb`, the notebook as it was, and all that it wrote to
    `/opt/ml/output/data`; let the environment say that path, which is another one here:
    `environment={"OUT": "/opt/ml/output/data"}`. A cell that raises an error fails the step.

    Here it is executed by nbclient in a kernel of that name on this machine, Python's own being `python3`; that takes
    `pip install 'fluentpipe[notebook]'`. The image must be one that has SageMaker's scheduler, as the SageMaker Distribution images
    do; their instances are small unless you say otherwise, and their time is two days, as in the SDK.

    Example:
        import json
        from pathlib import Path
        from fluentpipe import Pipeline, RawData

        def cell(source, *tags):
            return {"cell_type": "code", "source": source, "metadata": {"tags": tags}, "outputs": [], "execution_count": None}

        cells = [cell("rows, least = None, '0'", "parameters"), cell("import os; print(os.listdir(rows), int(least))")]
        Path("look.ipynb").write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}))

        pipe = Pipeline("churn").provide(RawData, "churn.csv").notebook(
            "look.ipynb",
            image_uri="885854791233.dkr.ecr.us-east-1.amazonaws.com/sagemaker-distribution-prod:3.2.0-cpu",
            inputs={"rows": RawData},
            parameters={"least": 500},
        )
        run = pipe.run()
        print(run.outputs.get("look", "executed_notebook").value())
    """

    contract = StepContract(
        step_type="NotebookExecution",
        verb="notebook",
        outputs=(
            OutputSpec(
                "executed_notebook", ExecutedNotebook,
                "{OutputDataConfig.S3OutputPath}/{TrainingJobName}/output/output.tar.gz",
                "output.tar.gz: the executed notebook, the notebook as it was, what it wrote.",
            ),
            OutputSpec("training_job_name", JobName, "TrainingJobName", "Name of the job, which is a training job."),
        ),
        own_method=True,
    )  # fmt: skip
    reserved = frozenset((CHANNEL,))

    notebook: str = setting(positional=True, job=True, reference=False, convert=as_path, doc="The .ipynb file.")
    image_uri: str = setting(job=True, doc="Container image: a SageMaker Distribution, or one that has its scheduler.")
    kernel: str = setting("python3", job=True, reference=False, doc="Name of the kernel in the image.")
    parameters: Any = setting(
        MappingProxyType({}), job=True, reference=False, convert=as_mapping, doc="Values for the notebook, by name; it gets texts."
    )  # fmt: skip
    init_script: str | None = setting(
        None,
        job=True,
        reference=False,
        convert=as_path,
        doc="Shell script that is sourced before; what it exports is there.",
    )
    files: Sequence[str] = setting(
        (),
        job=True,
        reference=False,
        convert=_paths,
        doc="Files and folders that lie beside the notebook when it is executed.",
    )
    instance_type: str = setting("ml.m5.large", shared=True, doc="Instance type of the job.")
    max_runtime: int = setting(
        2 * _DAYS, ge=1, le=2_419_200, unit="seconds", shared=True, convert=None,
        doc="Time after which the service stops the job; at most 28 days.",
    )  # fmt: skip
    encrypt_traffic: bool | None = setting(
        True, shared=True, doc="Whether instances encrypt what they send each other."
    )

    @override
    def _faults(self) -> Iterator[str]:
        yield from self._file_faults()
        yield from super()._faults()
        count: Any = self.instance_count  # an expression where the run decides it
        if isinstance(count, int) and count != 1:
            yield "instance_count: a notebook is executed on one instance"
        if self.checkpoint_s3_uri is not None:
            yield "checkpoint_s3_uri: notebooks have no checkpoints"
        for name in (*self.parameters, *self.takes):
            if not name.isidentifier():
                yield f"{name!r} is no name for a variable of the notebook"
        for name in self.takes:
            if name in self.parameters:
                yield f"{name!r} is given twice among inputs and parameters, which are variables of the notebook"

    def _file_faults(self) -> Iterator[str]:
        if Path(self.notebook).suffix != ".ipynb":
            yield f"notebook: must be an .ipynb file, not {self.notebook!r}"
        for word, path in (("notebook", self.notebook), ("init_script", self.init_script)):
            if path is not None and not _local(path).is_file():
                folder = _local(path).parent
                near = did_you_mean(
                    Path(path).name, [each.name for each in folder.iterdir()] if folder.is_dir() else ()
                )
                yield f"{word}: there is no file {path!r}.{near}"
        names: dict[str, str] = {}
        for path in (self.notebook, *((self.init_script,) if self.init_script else ()), *self.files):
            if not _local(path).exists():
                if path in self.files:
                    yield f"files: there is no {path!r}"
            elif names.setdefault(Path(path).name, path) != path:
                yield f"{path!r} and {names[Path(path).name]!r} would lie in one place"

    def _shipped(self) -> dict[str, Path]:
        """Name beside the notebook -> file here."""
        found = {Path(path).name: _local(path) for path in (self.notebook, self.init_script) if path is not None}
        for path in map(_local, self.files):
            below = {f"{path.name}/{name}": file for name, file in local_files(path).items()}
            found |= {path.name: path} if path.is_file() else below
        return found

    @override
    def program_settings(self) -> Iterator[tuple[str, Any]]:
        yield from ((name, value) for name, value in self.parameters.items() if value is not None)

    @override
    def submitted(self, target: Target) -> dict[str, str]:
        return {}

    @override
    def channels(self, inputs: Inputs, target: Target) -> list[dict[str, Any]]:
        source = {
            "S3DataType": "S3Prefix",
            "S3Uri": target.code(self._shipped()),
            "S3DataDistributionType": "FullyReplicated",
        }
        own = {"ChannelName": CHANNEL, "DataSource": {"S3DataSource": source}}
        return [own, *super().channels(inputs, target)]

    def variables(self, target: Target) -> dict[str, Any]:
        """What the image's scheduler is told by the environment."""
        told = {
            "AWS_DEFAULT_REGION": target.region,
            "SM_JOB_DEF_VERSION": "1.0",
            "SM_ENV_NAME": "sagemaker-default-env",
            "SM_SKIP_EFS_SIMULATION": "true",
            "SM_EXECUTION_INPUT_PATH": f"{_FOLDER}/{CHANNEL}",
            "SM_KERNEL_NAME": self.kernel,
            "SM_INPUT_NOTEBOOK_NAME": Path(self.notebook).name,
            "SM_OUTPUT_NOTEBOOK_NAME": f"{self._job_prefix}-executed.ipynb",
        }
        return told if self.init_script is None else {**told, "SM_INIT_SCRIPT": Path(self.init_script).name}

    @property
    def _job_prefix(self) -> str:
        return re.sub(r"[^a-zA-Z0-9-]", "-", self.name).lstrip("-") or "notebook"

    @override
    def tag_list(self) -> list[dict[str, Any]]:
        """By which Studio shows the job among the notebook jobs."""
        told = {
            "sagemaker:name": self.name,
            "sagemaker:notebook-name": Path(self.notebook).name,
            "sagemaker:notebook-job-origin": "PIPELINE_STEP",
            "sagemaker:is-studio-archived": "false",
        }
        return [*super().tag_list(), *({"Key": key, "Value": value} for key, value in told.items())]

    @override
    def arguments(self, inputs: Inputs, target: Target) -> dict[str, Any]:
        request = super().arguments(inputs, target)
        request["AlgorithmSpecification"]["ContainerEntrypoint"] = ["amazon_sagemaker_scheduler"]
        request["Environment"] = {**(self.environment or {}), **self.variables(target)}
        request["HyperParameters"] |= {name: f"{_FOLDER}/{name}" for name in inputs}
        request["RetryStrategy"] = {"MaximumRetryAttempts": 1}
        return request


def _local(path: str) -> Path:
    return Path(path).expanduser().absolute()
