"""`spark`: a script of PySpark in a processing job of several instances, in SageMaker's Spark image."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from typing_extensions import override

from fluentpipe.contract import StepContract
from fluentpipe.errors import SettingError, SourceError
from fluentpipe.expression import Expression, Join
from fluentpipe.files import local_files
from fluentpipe.images import spark_uri
from fluentpipe.jobs import processing_input
from fluentpipe.s3uri import check_s3_uri
from fluentpipe.settings import setting
from fluentpipe.step import Inputs
from fluentpipe.steps.process import ProcessingByCall
from fluentpipe.steps.spark_configuration import configuration_file

if TYPE_CHECKING:
    from fluentpipe.target import Target

DEFAULT_SPARK = "3.5"
SUBMIT = "smspark-submit"
_INPUT = "/opt/ml/processing/input"
_LOGS = "/opt/ml/processing/spark-events/"


def _dependencies(value: Any) -> tuple[Any, ...]:
    if isinstance(value, (str, PathLike, Expression)) or not isinstance(value, Sequence):
        raise ValueError(f"must be a list of files and S3 URIs, not {value!r}")
    return tuple(each if isinstance(each, Expression) else _dependency(each) for each in value)


def _dependency(value: Any) -> str:
    if not isinstance(value, (str, PathLike)) or not str(value):
        raise ValueError(f"must name files and S3 URIs, not {value!r}")
    text = str(value)
    if text.startswith(("s3://", "s3a://")):
        check_s3_uri(text.replace("s3a://", "s3://", 1))
    elif "," in text:
        raise ValueError(f"has a comma in {text!r}, which parts the files of a list")
    return text


def _s3_uri(value: Any) -> str:
    if not isinstance(value, str) or not value.startswith("s3://"):
        raise ValueError(f"must be an S3 URI, not {value!r}")
    return check_s3_uri(value)


class SparkProcessing(ProcessingByCall):
    """Run a script of PySpark on one or more instances, for data larger than one machine.

    The script gets the place of each input and of each output, and each argument, as `--name value`. Places are S3 URIs: Spark itself
    reads `spark.read.parquet(raw)` and writes `frame.write.parquet(clean)`, each instance its share, and no instance
    holds all of the data. `access="file"` copies every input to the one instance that there may be then, and gives URIs such as
    `file:///opt/ml/processing/input/raw`; in the image a path without `file://` is one of HDFS.

    Instances are two of 30 GiB by default: with one, `process` is simpler and starts sooner. Modules beside the script that it imports,
    and `py_files`, go to every executor; `jars` as well. `configuration` is a list of EMR's classifications. The image is
    the newest of the version; `py_version` and `container_version` pin one.

    Here it runs in one process, with the PySpark of the extra `spark` (`pip install 'fluentpipe[spark]'`) and a Java of version 8,
    11 or 17; places are folders here, and of the configuration `spark-defaults` and `core-site` hold. More in
    [anything.md](../anything.md#a-script-of-pyspark).

    Example:
        from pathlib import Path
        from fluentpipe import Pipeline, RawData

        Path("of_this_year.py").write_text('''
        import argparse
        from pyspark.sql import SparkSession

        parser = argparse.ArgumentParser()
        for name in ("raw", "kept", "months"):
            parser.add_argument("--" + name)
        given = parser.parse_args()
        spark = SparkSession.builder.getOrCreate()
        rows = spark.read.csv(given.raw, header=True, inferSchema=True)
        rows.where(rows.tenure <= int(given.months)).write.parquet(given.kept)
        ''')
        whole = Pipeline("churn").provide(RawData, "churn.csv")
        pipe = whole.spark("of_this_year.py", inputs={"raw": RawData}, outputs={"kept": RawData}, arguments={"months": 12})
        pipe = pipe.preprocess(label="churn").train_xgboost()
        definition = pipe.materialize()  # or pipe.run(), where PySpark and Java are
    """

    contract = StepContract(step_type="SparkProcessing", verb="spark", own_method=True)
    framework = ""
    reserved = frozenset(("code", "conf", "jars"))
    _channels: ClassVar[Mapping[str, str]] = {"py_files": "py-files", "jars": "jars"}

    instance_count: int = setting(2, ge=1, le=100, job=True, doc="Number of instances; with access='file' one.")
    framework_version: str = setting(
        DEFAULT_SPARK, job=True, reference=False, doc="Version of Spark, where no image is given."
    )
    image_uri: str | None = setting(None, job=True, doc="Container image; by default SageMaker's Spark image.")
    py_version: str | None = setting(
        None, job=True, reference=False, doc="Python of the image, such as 'py312'; with container_version."
    )
    container_version: str | None = setting(
        None, job=True, reference=False, doc="Version of the image itself, such as '1.0'; with py_version."
    )
    access: Literal["s3", "file"] = setting(
        "s3", job=True, reference=False,
        doc="How the script finds its data: by S3 URIs, or as a copy of all of it on the one instance.",
    )  # fmt: skip
    py_files: Any = setting(
        None, job=True, reference=False, convert=_dependencies,
        doc="Modules for the executors, too: .py, .zip and .egg files, folders of packages, S3 URIs.",
    )  # fmt: skip
    jars: Any = setting(
        None, job=True, reference=False, convert=_dependencies, doc="Libraries of Java: .jar files, S3 URIs."
    )
    configuration: Any = setting(
        None, job=True, reference=False, convert=configuration_file,
        doc="Of Spark, Hadoop and Hive: [{'Classification': 'spark-defaults', 'Properties': {…}}].",
    )  # fmt: skip
    spark_event_logs_uri: str | None = setting(
        None, job=True, convert=_s3_uri, doc="Where the events go, for Spark's history server: an S3 URI."
    )

    @classmethod
    @override
    def at_call(cls, values: dict[str, Any]) -> dict[str, Any]:
        return {"instance_count": 1, **values} if values.get("access") == "file" else values

    @override
    def _program_faults(self) -> Iterator[str]:
        if self.script is None or not self.script.endswith(".py"):
            given = "must be given" if self.script is None else f"must be a .py file, not {self.script!r}"
            yield f"script: {given}: spark('features.py')"
            return
        yield from super()._program_faults()

    @override
    def _faults(self) -> Iterator[str]:
        yield from super()._faults()
        count: Any = self.instance_count  # an expression where the run decides it
        if self.access == "file" and not (isinstance(count, int) and count == 1):
            yield "instance_count: with access='file' each of several instances would keep the part that it wrote to itself; leave it 1"
        if isinstance(self.arguments_given, tuple) and self.access == "s3" and (self.takes or self._made()):
            yield "arguments: a list leaves no place for the S3 URIs; give them by name, or access='file'"
        if self.access == "s3" and self.network_isolation is True:
            yield "network_isolation: Spark itself reads and writes S3, which it cannot without a network; access='file' copies the data"
        for setting_name in self._channels:
            yield from self._dependency_faults(setting_name)

    def _dependency_faults(self, name: str) -> Iterator[str]:
        try:
            self._local(name)
        except (SourceError, SettingError, OSError) as fault:
            yield f"{name}: {str(fault).splitlines()[0]}"

    def _local(self, name: str) -> dict[str, Path]:
        """The files of a setting that are to be shipped, by their names in the job; a folder, which is a package, as an archive.

        Raises:
            SourceError: One of them is not there.
            SettingError: Two have the same name.
        """
        found: dict[str, Path] = {}
        if name == "py_files" and self.source_dir is None and self.script is not None and Path(self.script).exists():
            found.update({file: path for file, path in self.files().items() if file != self.entry})
        for each in getattr(self, name) or ():
            if isinstance(each, Expression) or "://" in each:
                continue
            path = Path(each).expanduser().absolute()
            local_files(path)  # raises where there is none
            file = f"{path.name}.zip" if path.is_dir() else path.name
            if found.setdefault(file, path) != path:
                raise SettingError(f"there are two files {file!r}; in the job they lie in one folder")
        return found

    def _remote(self, name: str) -> list[Any]:
        return [each for each in getattr(self, name) or () if isinstance(each, Expression) or "://" in each]

    @override
    def program_files(self, target: Target) -> Mapping[str, Path]:
        return self.files() if self.source_dir is not None else {self.entry: self.files()[self.entry]}

    @override
    def image(self, target: Target) -> Any:
        if self.image_uri is not None:
            return self.image_uri
        return spark_uri(
            self.framework_version, target.region, python=self.py_version, container=self.container_version
        )

    @override
    def start(self) -> list[Any]:
        words: list[Any] = [SUBMIT]
        for name, channel in self._channels.items():
            places = [*self._remote(name), *([f"{_INPUT}/{channel}"] if self._local(name) else [])]
            if places:
                plain = all(isinstance(each, str) for each in places)
                words += [f"--{channel}", ",".join(places) if plain else Join(",", tuple(places))]
        if self.spark_event_logs_uri is not None:
            words += ["--local-spark-event-logs-dir", _LOGS]
        return [*words, f"{self._CODE}/{self.entry}"]

    @override
    def processing_inputs(self, inputs: Inputs, target: Target) -> list[dict[str, Any]]:
        found = super().processing_inputs(inputs, target) if self.access == "file" else []
        for name, channel in self._channels.items():
            if files := self._local(name):
                shipped = {file: _package(path) if path.is_dir() else path for file, path in files.items()}
                found.append(processing_input(channel, target.code(shipped)))
        if self.configuration:
            content = json.dumps(self.configuration, sort_keys=True).encode()
            folder = target.code({"configuration.json": content})
            found.append(processing_input("conf", f"{folder}/configuration.json", f"{_INPUT}/conf"))
        return found

    @override
    def command(self, inputs: Inputs) -> list[Any]:
        words = super().command(inputs)
        if isinstance(self.arguments_given, tuple):
            return words
        places = 2 * (len(inputs) + len(self._made()))  # a flag and a path each
        return [f"file://{word}" if index % 2 else word for index, word in enumerate(words[:places])] + words[places:]

    @override
    def arguments(self, inputs: Inputs, target: Target) -> dict[str, Any]:
        request = super().arguments(inputs, target)
        if self.access == "s3" and not isinstance(self.arguments_given, tuple):
            words = request["AppSpecification"]["ContainerArguments"]
            places = [target.location(value) for value in inputs.values()]
            places += [target.output(self.name, "output", spec.name) for spec in self._made()]
            words[1 : 2 * len(places) : 2] = places
        if self.spark_event_logs_uri is not None:
            place = {"S3Uri": self.spark_event_logs_uri, "LocalPath": _LOGS, "S3UploadMode": "Continuous"}
            request["ProcessingOutputConfig"]["Outputs"].append({"OutputName": "spark-event-logs", "S3Output": place})
        return request


def _package(folder: Path) -> bytes:
    """A package as an archive that Python imports from, the same to the byte for the same files."""
    import zipfile

    packed, files = io.BytesIO(), local_files(folder)
    with zipfile.ZipFile(packed, "w") as archive:
        for file in sorted(files):
            archive.writestr(zipfile.ZipInfo(f"{folder.name}/{file}"), files[file].read_bytes())
    return packed.getvalue()
