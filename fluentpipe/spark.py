"""PySpark in the middle of a pipeline, for data larger than one machine.

`Pipeline` inherits the method by `Anything`. It is written by hand, since what such a step yields is only known where it is called.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal, TypeVar, Union, overload

from fluentpipe._state import S
from fluentpipe.contract import OutputSpec
from fluentpipe.control import After, present
from fluentpipe.engines import Engines, Taken
from fluentpipe.kinds import Kind, ProcessingOutput
from fluentpipe.program import named_after
from fluentpipe.reference import Given

if TYPE_CHECKING:
    from fluentpipe.pipeline import Pipeline

_K = TypeVar("_K", bound=Kind)
_Files = Sequence[Union[str, PathLike[str], "Given[Any]"]]


class Spark(Engines[S]):
    """The method of `Pipeline` that adds a script of PySpark."""

    @overload
    def spark(
        self, script: str | PathLike[str], *, inputs: Mapping[str, Taken] | None = ..., outputs: Mapping[str, type[_K]],
        arguments: Mapping[str, Any] | Sequence[Any] | None = ..., py_files: _Files | None = ..., jars: _Files | None = ...,
        configuration: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = ..., framework_version: str | None = ...,
        instance_count: Any = ..., spark_event_logs_uri: Any = ..., access: Literal["s3", "file"] = ...,
        depends_on: After | None = ..., name: str | None = ..., **job: Any,
    ) -> Pipeline[Union[S, _K]]: ...  # fmt: skip

    @overload
    def spark(
        self, script: str | PathLike[str], *, inputs: Mapping[str, Taken] | None = ..., outputs: Sequence[str] = ...,
        arguments: Mapping[str, Any] | Sequence[Any] | None = ..., py_files: _Files | None = ..., jars: _Files | None = ...,
        configuration: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = ..., framework_version: str | None = ...,
        instance_count: Any = ..., spark_event_logs_uri: Any = ..., access: Literal["s3", "file"] = ...,
        depends_on: After | None = ..., name: str | None = ..., **job: Any,
    ) -> Pipeline[Union[S, ProcessingOutput]]: ...  # fmt: skip

    @overload
    def spark(
        self, script: str | PathLike[str], *, inputs: Mapping[str, Taken] | None = ..., outputs: Sequence[OutputSpec],
        arguments: Mapping[str, Any] | Sequence[Any] | None = ..., py_files: _Files | None = ..., jars: _Files | None = ...,
        configuration: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = ..., framework_version: str | None = ...,
        instance_count: Any = ..., spark_event_logs_uri: Any = ..., access: Literal["s3", "file"] = ...,
        depends_on: After | None = ..., name: str | None = ..., **job: Any,
    ) -> Pipeline[Any]: ...  # fmt: skip

    def spark(
        self,
        script: str | PathLike[str],
        *,
        inputs: Mapping[str, Taken] | None = None,
        outputs: Mapping[str, type[_K]] | Sequence[str] | Sequence[OutputSpec] = (),
        arguments: Mapping[str, Any] | Sequence[Any] | None = None,
        py_files: _Files | None = None,
        jars: _Files | None = None,
        configuration: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
        framework_version: str | None = None,
        instance_count: Any = None,
        spark_event_logs_uri: Any = None,
        access: Literal["s3", "file"] = "s3",
        depends_on: After | None = None,
        name: str | None = None,
        **job: Any,
    ) -> Pipeline[Any]:
        """Run a script of PySpark on one or more instances, in SageMaker's Spark image; for data larger than one machine.

        The script gets the S3 URI of each input and of each output, and each argument, as `--name value`. Here it runs with the
        PySpark of the extra `spark` and a Java, and gets folders of this machine.

        Args:
            script: A .py file. The modules beside it that it imports go to the executors, too.
            inputs: By name: a kind such as `RawData`, which is wired by itself, or a reference, an S3 URI, a local path.
            outputs: By name their kinds: `{"clean": RawData}`; or just names, of the general kind; or `OutputSpec`s.
            arguments: Further options by name; or, with `access="file"`, a list: all the arguments that the script gets.
            py_files: More modules for the executors: .py, .zip and .egg files, folders of packages, S3 URIs.
            jars: Libraries of Java: .jar files, S3 URIs.
            configuration: Of Spark, Hadoop and Hive: `[{"Classification": "spark-defaults", "Properties": {…}}]`.
            framework_version: Of Spark; 3.5 by default.
            instance_count: Number of instances; two by default.
            spark_event_logs_uri: Where the events go, for Spark's history server: an S3 URI.
            access: `file` for a copy of all inputs on one instance, at `file:///opt/ml/processing/input/<name>`.
            depends_on: Steps that it comes after, though it takes nothing of them.
            name: Name of the step; otherwise that of the script.
            **job: Settings of the job: `instance_type`, `volume_size_gb`, `environment`, `max_runtime`, `image_uri`, …; and
                `py_version` and `container_version`, which pin the image.

        Raises:
            SettingError: Lists what is wrong.
        """
        return self._add(
            "spark",
            present({
                **job, "script": script, "takes": inputs, "outputs": outputs, "arguments_given": arguments, "py_files": py_files,
                "jars": jars, "configuration": configuration, "framework_version": framework_version,
                "instance_count": instance_count, "spark_event_logs_uri": spark_event_logs_uri, "access": access,
                "depends_on": depends_on, "name": name or named_after(script),
            }),
        )  # fmt: skip
