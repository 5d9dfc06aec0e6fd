"""What other engines do in the middle of a pipeline: EMR, EMR Serverless, a notebook.

`Pipeline` inherits these methods by `Anything`. They are written by hand, since what such a step yields is only known where it
is called.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any, Generic, TypeVar, Union, overload

from fluentpipe._state import S
from fluentpipe.contract import DependencySpec, OutputSpec
from fluentpipe.control import After, present
from fluentpipe.kinds import ExecutedNotebook, JobName, Kind, ProcessingOutput
from fluentpipe.program import named_after
from fluentpipe.reference import Given

if TYPE_CHECKING:
    from fluentpipe.pipeline import Pipeline

_K = TypeVar("_K", bound=Kind)
Taken = Union["type[Kind]", DependencySpec, "Given[Any]"]
"""What an input is: a kind (or a specification), which is wired by itself, or a reference, a URI, a local path."""


class Engines(Generic[S]):
    """The methods of `Pipeline` that hand work to another engine."""

    if TYPE_CHECKING:  # what `Pipeline` has

        def _add(self, verb: str, values: dict[str, Any]) -> Pipeline[Any]: ...

    @overload
    def emr(
        self, jar: str | PathLike[str] = ..., *, arguments: Sequence[Any] = ..., inputs: Mapping[str, Taken] | None = ...,
        outputs: Mapping[str, type[_K]], cluster_id: Any = ..., cluster_config: Mapping[str, Any] | None = ...,
        execution_role: Any = ..., main_class: str | None = ..., properties: Mapping[str, str] | None = ...,
        cache: bool | str | None = ..., retry: Any = ..., depends_on: After | None = ..., name: str | None = ...,
    ) -> Pipeline[Union[S, _K]]: ...  # fmt: skip

    @overload
    def emr(
        self, jar: str | PathLike[str] = ..., *, arguments: Sequence[Any] = ..., inputs: Mapping[str, Taken] | None = ...,
        outputs: Sequence[str] = ..., cluster_id: Any = ..., cluster_config: Mapping[str, Any] | None = ...,
        execution_role: Any = ..., main_class: str | None = ..., properties: Mapping[str, str] | None = ...,
        cache: bool | str | None = ..., retry: Any = ..., depends_on: After | None = ..., name: str | None = ...,
    ) -> Pipeline[Union[S, ProcessingOutput]]: ...  # fmt: skip

    @overload
    def emr(
        self, jar: str | PathLike[str] = ..., *, arguments: Sequence[Any] = ..., inputs: Mapping[str, Taken] | None = ...,
        outputs: Sequence[OutputSpec], cluster_id: Any = ..., cluster_config: Mapping[str, Any] | None = ...,
        execution_role: Any = ..., main_class: str | None = ..., properties: Mapping[str, str] | None = ...,
        cache: bool | str | None = ..., retry: Any = ..., depends_on: After | None = ..., name: str | None = ...,
    ) -> Pipeline[Any]: ...  # fmt: skip

    def emr(
        self,
        jar: str | PathLike[str] = "command-runner.jar",
        *,
        arguments: Sequence[Any] = (),
        inputs: Mapping[str, Taken] | None = None,
        outputs: Mapping[str, type[_K]] | Sequence[str] | Sequence[OutputSpec] = (),
        cluster_id: Any = None,
        cluster_config: Mapping[str, Any] | None = None,
        execution_role: Any = None,
        main_class: str | None = None,
        properties: Mapping[str, str] | None = None,
        cache: bool | str | None = None,
        retry: Any = None,
        depends_on: After | None = None,
        name: str | None = None,
    ) -> Pipeline[Any]:
        """Run a program of Spark, Hive or Hadoop on a cluster of EMR: one that is there, or one that is made for the step.

        The program gets its arguments, then `--name URI` for each output and each input. Here a function stands in for it, with
        paths in the place of URIs: `run(stand_ins={"spark": lambda inputs: …})`.

        Args:
            jar: An S3 URI, a `Path` of a file here, or one on the cluster; the usual one runs commands such as spark-submit.
            arguments: What the program gets: `["spark-submit", Path("job.py"), "--share", 0.5]`. A `Path` is a file here, which is
                uploaded; a number or a reference is written as text.
            inputs: By name: a kind such as `RawData`, which is wired by itself, or a reference, an S3 URI, a local path.
            outputs: By name their kinds: `{"rows": RawData}`; or just names; or `OutputSpec`s. Each is a folder of this execution.
            cluster_id: The cluster, where it is there: 'j-2AXXXXXXGAPLF'.
            cluster_config: The cluster to make, as EMR's RunJobFlow takes it, without Name and Steps; it ends with the step.
            execution_role: ARN of the role that the step takes on a cluster that is there.
            main_class: The class of the JAR, where its manifest names none.
            properties: Properties of Java for the program.
            cache: Whether the result of an equal earlier step is taken; a duration such as 'P30D' for how old it may be.
            retry: Attempts after failures that are not the program's doing, or policies.
            depends_on: Steps that it comes after, though it takes nothing of them.
            name: Name of the step; 'emr_program' by default.

        Raises:
            SettingError: Lists what is wrong.
        """
        return self._add(
            "emr",
            present({
                "jar": jar, "arguments_given": arguments, "takes": inputs, "outputs": outputs, "cluster_id": cluster_id,
                "cluster_config": cluster_config, "execution_role": execution_role, "main_class": main_class,
                "properties": properties, "cache": cache, "retry": retry, "depends_on": depends_on, "name": name,
            }),
        )  # fmt: skip

    @overload
    def emr_serverless(
        self, script: str | PathLike[str] | None = ..., *, execution_role: Any, arguments: Sequence[Any] = ...,
        inputs: Mapping[str, Taken] | None = ..., outputs: Mapping[str, type[_K]], application_id: Any = ...,
        application_config: Mapping[str, Any] | None = ..., spark_parameters: str | None = ..., hive: Mapping[str, Any] | None = ...,
        configuration_overrides: Mapping[str, Any] | None = ..., max_runtime: int | None = ..., tags: Mapping[str, str] | None = ...,
        cache: bool | str | None = ..., retry: Any = ..., depends_on: After | None = ..., name: str | None = ...,
    ) -> Pipeline[Union[S, _K]]: ...  # fmt: skip

    @overload
    def emr_serverless(
        self, script: str | PathLike[str] | None = ..., *, execution_role: Any, arguments: Sequence[Any] = ...,
        inputs: Mapping[str, Taken] | None = ..., outputs: Sequence[str] = ..., application_id: Any = ...,
        application_config: Mapping[str, Any] | None = ..., spark_parameters: str | None = ..., hive: Mapping[str, Any] | None = ...,
        configuration_overrides: Mapping[str, Any] | None = ..., max_runtime: int | None = ..., tags: Mapping[str, str] | None = ...,
        cache: bool | str | None = ..., retry: Any = ..., depends_on: After | None = ..., name: str | None = ...,
    ) -> Pipeline[Union[S, ProcessingOutput]]: ...  # fmt: skip

    @overload
    def emr_serverless(
        self, script: str | PathLike[str] | None = ..., *, execution_role: Any, arguments: Sequence[Any] = ...,
        inputs: Mapping[str, Taken] | None = ..., outputs: Sequence[OutputSpec], application_id: Any = ...,
        application_config: Mapping[str, Any] | None = ..., spark_parameters: str | None = ..., hive: Mapping[str, Any] | None = ...,
        configuration_overrides: Mapping[str, Any] | None = ..., max_runtime: int | None = ..., tags: Mapping[str, str] | None = ...,
        cache: bool | str | None = ..., retry: Any = ..., depends_on: After | None = ..., name: str | None = ...,
    ) -> Pipeline[Any]: ...  # fmt: skip

    def emr_serverless(
        self,
        script: str | PathLike[str] | None = None,
        *,
        execution_role: Any,
        arguments: Sequence[Any] = (),
        inputs: Mapping[str, Taken] | None = None,
        outputs: Mapping[str, type[_K]] | Sequence[str] | Sequence[OutputSpec] = (),
        application_id: Any = None,
        application_config: Mapping[str, Any] | None = None,
        spark_parameters: str | None = None,
        hive: Mapping[str, Any] | None = None,
        configuration_overrides: Mapping[str, Any] | None = None,
        max_runtime: int | None = None,
        tags: Mapping[str, str] | None = None,
        cache: bool | str | None = None,
        retry: Any = None,
        depends_on: After | None = None,
        name: str | None = None,
    ) -> Pipeline[Any]:
        """Run a script of Spark, or a query of Hive, in an application of EMR Serverless: one that is there, or one made for the step.

        The script gets its arguments, then `--name URI` for each output and each input. Here a function stands in for it, as for
        `emr`.

        Args:
            script: The program of Spark, Python or a JAR: an S3 URI, or a `Path` of a file here, which is uploaded.
            execution_role: ARN of the role that the job takes; EMR Serverless must be allowed to take it.
            arguments: What the script gets, as for `emr`.
            inputs: As for `emr`.
            outputs: As for `emr`.
            application_id: The application, where it is there: '00f1cbsc6anuij25'.
            application_config: The application to make, as CreateApplication takes it: `{"releaseLabel": "emr-7.5.0", "type": "SPARK"}`.
            spark_parameters: Options of spark-submit: '--conf spark.executor.memory=8g'.
            hive: In place of a script, a query: `{"query": "s3://…/query.sql", "parameters": "--hiveconf …"}`.
            configuration_overrides: Of the job, as StartJobRun takes them: logs and properties.
            max_runtime: Seconds after which the job is stopped, whole minutes; EMR Serverless has 12 hours where none is given.
            tags: Tags of the job.
            cache: Whether the result of an equal earlier step is taken; a duration such as 'P30D' for how old it may be.
            retry: Attempts after failures that are not the program's doing, or policies.
            depends_on: Steps that it comes after, though it takes nothing of them.
            name: Name of the step; 'emr_serverless_job' by default.

        Raises:
            SettingError: Lists what is wrong.
        """
        return self._add(
            "emr_serverless",
            present({
                "script": script, "execution_role": execution_role, "arguments_given": arguments, "takes": inputs,
                "outputs": outputs, "application_id": application_id, "application_config": application_config,
                "spark_parameters": spark_parameters, "hive": hive, "configuration_overrides": configuration_overrides,
                "max_runtime": max_runtime, "tags": tags, "cache": cache, "retry": retry, "depends_on": depends_on, "name": name,
            }),
        )  # fmt: skip

    def notebook(
        self,
        notebook: str | PathLike[str],
        *,
        image_uri: Any,
        kernel: str = "python3",
        inputs: Mapping[str, Taken] | None = None,
        parameters: Mapping[str, Any] | None = None,
        files: Sequence[str | PathLike[str]] = (),
        init_script: str | PathLike[str] | None = None,
        environment: Mapping[str, Any] | None = None,
        depends_on: After | None = None,
        name: str | None = None,
        **job: Any,
    ) -> Pipeline[Union[S, ExecutedNotebook, JobName]]:
        """Execute a notebook, from top to bottom, and keep the executed copy.

        Its parameters are put into a cell after the one that is tagged `parameters`. It lies in the folder in which it is executed,
        with its files. Here it is executed too, by nbclient in a kernel of this machine: `pip install 'fluentpipe[notebook]'`.

        Args:
            notebook: The .ipynb file.
            image_uri: A SageMaker Distribution image of the region, or one that has its scheduler; of no matter here.
            kernel: Name of the kernel in the image, and here.
            inputs: By name: a kind such as `RawData`, which is wired by itself, or a reference, an S3 URI, a local path. The notebook
                gets the name of the folder as a parameter.
            parameters: Values by name, references among them. The notebook gets all of them as texts, as SageMaker has them.
            files: Files and folders that lie beside it.
            init_script: Shell script that is sourced before; what it exports is there.
            environment: Environment variables of the kernel.
            depends_on: Steps that it comes after, though it takes nothing of them.
            name: Name of the step; otherwise that of the notebook.
            **job: Settings of the job: `instance_type`, `max_runtime`, `vpc`, …

        Raises:
            SettingError: Lists what is wrong.
        """
        return self._add(
            "notebook",
            present({
                **job, "notebook": notebook, "image_uri": image_uri, "kernel": kernel, "takes": inputs, "parameters": parameters,
                "files": files, "init_script": init_script, "environment": environment, "depends_on": depends_on,
                "name": name or named_after(notebook),
            }),
        )  # fmt: skip
