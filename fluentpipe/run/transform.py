"""The contract of a Transform job: a model of the same pipeline, files of rows, and a file of answers for each."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs

from fluentpipe.document import steps_used
from fluentpipe.run.archive import unpack
from fluentpipe.run.builtin.json_path import FilterError, parse
from fluentpipe.run.job import ACCOUNT, RESOURCES, JobInput, Published, write_json
from fluentpipe.run.paths import CONTAINER_ROOT, relocated
from fluentpipe.run.storage import Storage
from fluentpipe.run.values import as_text

MODEL = "Model"  # member that the runner adds to the request: the CreateModel request of the model that it names
_SERVER = Path(__file__).parent / "builtin" / "batch_transform.py"
_FRAMEWORKS = {"xgboost": "xgboost", "scikit-learn": "sklearn"}  # part of an image's name -> what it serves
_PROGRAM, _CODE = "SAGEMAKER_PROGRAM", "SAGEMAKER_SUBMIT_DIRECTORY"
_MEGABYTES = 6  # MaxPayloadInMB where the request says none; CreateTransformJob
_ARCHIVE_ENDS = (".tar.gz", ".tgz", ".tar")


@attrs.frozen
class TransformJob:
    """A CreateTransformJob request, carried out here; with the model's own request under `Model`."""

    step: str
    name: str
    request: Mapping[str, Any]
    failure_file = "output/failure"

    @property
    def inputs(self) -> tuple[JobInput, ...]:
        """The model's archive, the rows, and the code where it is not in the archive."""
        container, code = container_of(self.request[MODEL]), self._code_uri
        source = self.request["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"]
        beside = [JobInput("code", code, f"{CONTAINER_ROOT}/input/sourcedir")] if code else []
        return (
            JobInput("model", container["ModelDataUrl"], f"{CONTAINER_ROOT}/input/model"),
            JobInput("rows", source, f"{CONTAINER_ROOT}/input/data/rows"),
            *beside,
        )

    def prepare(self, root: Path, storage: Storage) -> None:  # noqa: ARG002 - all that it needs is an input
        """Unpack the model and the code, and say what the job asks for."""
        _settled(root / "input" / "model", root / "model")
        if self._code_uri:
            _settled(root / "input" / "sourcedir", root / "code")
        (root / "output" / "transform").mkdir(parents=True, exist_ok=True)
        environment = container_of(self.request[MODEL]).get("Environment", {})
        config = {
            "framework": framework_of(container_of(self.request[MODEL])),
            "program": environment.get(_PROGRAM, ""),
            "code_beside": bool(self._code_uri),
            "gzipped": self.request["TransformInput"].get("CompressionType") == "Gzip",
            "processing": self._processing(),
        }
        write_json(root / "input" / "config", transform=config, resourceconfig=RESOURCES)

    def _processing(self) -> dict[str, Any]:
        given, wanted = self.request["TransformInput"], self.request["TransformOutput"]
        data = self.request.get("DataProcessing", {})
        megabytes = self.request.get("MaxPayloadInMB")
        return {
            "content_type": given.get("ContentType", ""),
            "accept": wanted.get("Accept", ""),
            "by_line": given.get("SplitType", "None") == "Line",
            "single": self.request.get("BatchStrategy") == "SingleRecord",
            "megabytes": _MEGABYTES if megabytes is None else int(megabytes),
            "assembled_by_line": wanted.get("AssembleWith", "None") == "Line",
            "input_filter": data.get("InputFilter") or "$",
            "output_filter": data.get("OutputFilter") or "$",
            "joined": data.get("JoinSource", "None") == "Input",
        }

    def argv(self, root: Path) -> tuple[str, ...]:  # noqa: ARG002 - it is told by the environment
        """Our program in place of the image's server."""
        return (sys.executable, str(_SERVER))

    def cwd(self, root: Path) -> Path:
        """The root itself."""
        return root

    def environment(self, root: Path, threads: int) -> dict[str, str]:
        """What the service tells a server in a transform job, and the Environment of the model and of the job."""
        given = {**container_of(self.request[MODEL]).get("Environment", {}), **self.request.get("Environment", {})}
        return {
            "SAGEMAKER_BASE_DIR": str(root),
            "SAGEMAKER_BATCH": "true",
            "SM_MODEL_DIR": str(root / "model"),
            "SM_NUM_CPUS": str(threads),
            **{name: relocated(as_text(value), root) for name, value in given.items()},
        }

    def publish(self, root: Path, stage: Path) -> Published:
        """Move the files of answers to `out/transform`."""
        out = stage / "out"
        out.mkdir(parents=True, exist_ok=True)
        shutil.move(root / "output" / "transform", out / "transform")
        return Published({"transform_output": "out/transform"})

    def places(self, outputs: Mapping[str, str]) -> dict[str, str]:
        """The prefix of the answers."""
        return {self.request["TransformOutput"]["S3OutputPath"].rstrip("/"): outputs["transform_output"]}

    def describe(self, folder: Path) -> dict[str, Any]:  # noqa: ARG002 - its request says all
        """Names and states of a finished job (DescribeTransformJobResponse)."""
        return {
            "TransformJobName": self.name,
            "TransformJobArn": f"{ACCOUNT}:transform-job/{self.name}",
            "TransformJobStatus": "Completed",
        }

    @property
    def _code_uri(self) -> str:
        """Where the code lies if not in the model's archive."""
        place = str(container_of(self.request[MODEL]).get("Environment", {}).get(_CODE, ""))
        return place if place.startswith("s3://") else ""


def container_of(model: Mapping[str, Any]) -> Mapping[str, Any]:
    """The one container of a CreateModel request; empty where there are several."""
    listed = model.get("Containers", ())
    found: Mapping[str, Any] = model.get("PrimaryContainer") or (listed[0] if len(listed) == 1 else {})
    return found


def framework_of(container: Mapping[str, Any]) -> str:
    """`xgboost` or `sklearn`, by the name of the image; empty for any other."""
    image = str(container.get("Image", "")).rpartition("/")[2]
    return next((framework for part, framework in _FRAMEWORKS.items() if part in image), "")


def _settled(source: Path, folder: Path) -> None:
    """Unpack what was placed if it is an archive, else take it as it is."""
    files = sorted(source.iterdir())
    if len(files) == 1 and files[0].name.endswith(_ARCHIVE_ENDS):
        unpack(files[0], folder)
    else:
        source.rename(folder)


def transform_faults(arguments: Mapping[str, Any], models: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """What in a request does not run here, known before anything starts.

    Args:
        arguments: Of the Transform step.
        models: Name of each Model step -> its arguments.
    """
    used = [step for step in steps_used(arguments.get("ModelName")) if step in models]
    if len(used) == 1:
        yield from _model_faults(models[used[0]])
    else:
        yield f"its ModelName {arguments.get('ModelName')!r} is of no Model step of this pipeline; a model on SageMaker is not here"
    given = arguments.get("TransformInput", {})
    source = given.get("DataSource", {}).get("S3DataSource", {})
    if source.get("S3DataType", "S3Prefix") != "S3Prefix":
        yield f"its input is a {source['S3DataType']}; only S3Prefix runs here"
    if given.get("SplitType", "None") not in ("None", "Line"):
        yield f"SplitType {given['SplitType']} does not run here; None and Line do"
    if given.get("CompressionType", "None") not in ("None", "Gzip"):
        yield f"CompressionType {given['CompressionType']} does not run here"
    yield from _processing_faults(arguments)


def _model_faults(model: Mapping[str, Any]) -> Iterator[str]:
    container = container_of(model)
    if "ModelDataUrl" not in container:
        yield "its model has no one container with a ModelDataUrl; others do not run here"
        return
    if not isinstance(container.get("Image"), str):
        return  # known when the pipeline runs
    if not (framework := framework_of(container)):
        yield f"the image {container['Image']!r} brings its own server, which is not here; SageMaker's XGBoost and scikit-learn images run here"
    elif framework == "sklearn" and not container.get("Environment", {}).get(_PROGRAM):
        yield f"its model says no script: the scikit-learn image needs {_PROGRAM} in the model's Environment"


def _processing_faults(arguments: Mapping[str, Any]) -> Iterator[str]:
    data, given = arguments.get("DataProcessing", {}), arguments.get("TransformInput", {})
    for member in ("InputFilter", "OutputFilter"):
        if isinstance(data.get(member), str):
            try:
                parse(data[member])
            except FilterError as fault:
                yield f"{member}: {fault}"
    wants = (
        data.get("JoinSource") == "Input" or data.get("InputFilter", "$") != "$" or data.get("OutputFilter", "$") != "$"
    )
    kinds = given.get("ContentType"), arguments.get("TransformOutput", {}).get("Accept")
    readable = ("text/csv", "application/json", "application/jsonlines")
    if wants and (
        others := [
            kind for kind in kinds if kind is None or (isinstance(kind, str) and kind.partition(";")[0] not in readable)
        ]
    ):
        told = ", ".join("none" if kind is None else kind for kind in others)
        yield f"DataProcessing takes ContentType and Accept of CSV or JSON, said as {', '.join(readable)}; here: {told}"
