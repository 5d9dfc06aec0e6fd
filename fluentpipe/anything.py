"""Anything else: steps whose inputs and outputs are declared by the call that adds them.

`Pipeline` inherits these methods. They are written by hand, since what such a step yields is only known where it is called.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal, TypeVar, Union, overload

from fluentpipe._state import S
from fluentpipe.contract import OutputSpec
from fluentpipe.control import After, present
from fluentpipe.engines import Taken
from fluentpipe.kinds import JobName, Kind, ModelArtifacts, ProcessingOutput
from fluentpipe.program import named_after
from fluentpipe.spark import Spark

if TYPE_CHECKING:
    from fluentpipe.pipeline import Pipeline

_K = TypeVar("_K", bound=Kind)


class Anything(Spark[S]):
    """The methods of `Pipeline` that add a step of the user's own making."""

    @overload
    def process(
        self, script: str | PathLike[str] | None = ..., *, inputs: Mapping[str, Taken] | None = ...,
        outputs: Mapping[str, type[_K]], arguments: Mapping[str, Any] | Sequence[Any] | None = ...,
        source_dir: str | PathLike[str] | None = ..., requirements: str | PathLike[str] | Sequence[str] | None = ...,
        image_uri: str | None = ...,
        framework: Literal["xgboost", "sklearn"] = ..., depends_on: After | None = ..., name: str | None = ..., **job: Any,
    ) -> Pipeline[Union[S, _K]]: ...  # fmt: skip

    @overload
    def process(
        self, script: str | PathLike[str] | None = ..., *, inputs: Mapping[str, Taken] | None = ...,
        outputs: Sequence[str] = ..., arguments: Mapping[str, Any] | Sequence[Any] | None = ...,
        source_dir: str | PathLike[str] | None = ..., requirements: str | PathLike[str] | Sequence[str] | None = ...,
        image_uri: str | None = ...,
        framework: Literal["xgboost", "sklearn"] = ..., depends_on: After | None = ..., name: str | None = ..., **job: Any,
    ) -> Pipeline[Union[S, ProcessingOutput]]: ...  # fmt: skip

    @overload
    def process(
        self, script: str | PathLike[str] | None = ..., *, inputs: Mapping[str, Taken] | None = ...,
        outputs: Sequence[OutputSpec], arguments: Mapping[str, Any] | Sequence[Any] | None = ...,
        source_dir: str | PathLike[str] | None = ..., requirements: str | PathLike[str] | Sequence[str] | None = ...,
        image_uri: str | None = ...,
        framework: Literal["xgboost", "sklearn"] = ..., depends_on: After | None = ..., name: str | None = ..., **job: Any,
    ) -> Pipeline[Any]: ...  # fmt: skip

    def process(
        self,
        script: str | PathLike[str] | None = None,
        *,
        inputs: Mapping[str, Taken] | None = None,
        outputs: Mapping[str, type[_K]] | Sequence[str] | Sequence[OutputSpec] = (),
        arguments: Mapping[str, Any] | Sequence[Any] | None = None,
        source_dir: str | PathLike[str] | None = None,
        requirements: str | PathLike[str] | Sequence[str] | None = None,
        image_uri: str | None = None,
        framework: Literal["xgboost", "sklearn"] = "xgboost",
        depends_on: After | None = None,
        name: str | None = None,
        **job: Any,
    ) -> Pipeline[Any]:
        """Run any script, or the program of any image, in a processing job.

        The script gets the folder of each input and of each output, and each argument, as `--name value`.

        Args:
            script: A .py or .sh file, with the modules beside it that it imports. Without one the image's own program runs,
                which it does not here.
            inputs: By name: a kind such as `RawData`, which is wired by itself, or a reference, an S3 URI, a local path.
            outputs: By name their kinds: `{"train": TrainingData}`; or just names, of the general kind; or `OutputSpec`s.
                They are `pipe.outputs.<step>.<name>`. Of an `EvaluationReport`, conditions read the file evaluation.json,
                unless its `OutputSpec` names another.
            arguments: Further options by name; or a list: all the arguments that the script gets, in place of the options.
                Inputs lie in `/opt/ml/processing/input/<name>`, outputs in `/opt/ml/processing/output/<name>`.
            source_dir: Folder that is shipped as a whole; the script lies in it.
            requirements: A requirements.txt, or its lines, that pip installs before the script starts; here where the run is
                told to (`install_requirements=True`).
            image_uri: Of the container; otherwise SageMaker's image of the framework.
            framework: `xgboost` or `sklearn`.
            depends_on: Steps that it comes after, though it takes nothing of them.
            name: Name of the step; otherwise that of the script.
            **job: Settings of the job: `instance_type`, `instance_count`, `environment`, `max_runtime`, …; and `sharded`, the names
                of the inputs whose files are divided among several instances. The script finds the names of all in
                /opt/ml/config/resourceconfig.json. Here one instance does the work of all.

        Raises:
            SettingError: Lists what is wrong.
        """
        return self._add(
            "process",
            present({
                **job, "script": script, "takes": inputs, "outputs": outputs, "arguments_given": arguments,
                "source_dir": source_dir, "requirements": requirements, "image_uri": image_uri, "framework": framework, "depends_on": depends_on,
                "name": name or named_after(script),
            }),
        )  # fmt: skip

    def train(
        self,
        script: str | PathLike[str] | None = None,
        *,
        inputs: Mapping[str, Taken] | None = None,
        hyperparameters: Mapping[str, Any] | None = None,
        metric_definitions: Mapping[str, str] | None = None,
        source_dir: str | PathLike[str] | None = None,
        image_uri: str | None = None,
        framework: Literal["xgboost", "sklearn"] = "xgboost",
        depends_on: After | None = None,
        name: str | None = None,
        **job: Any,
    ) -> Pipeline[Union[S, ModelArtifacts, JobName]]:
        """Run any script, or the algorithm of any image, in a training job, as SageMaker's framework images do.

        The script gets each hyperparameter as `--name value`, its channels in `SM_CHANNEL_<NAME>`, and writes the model to
        `SM_MODEL_DIR`. A requirements.txt beside it is installed there; here where the run is told to.

        Args:
            script: A .py or .sh file, with the modules beside it that it imports. Without one the image's algorithm runs.
            inputs: Channels by name: a kind such as `TrainingData`, which is wired by itself, or a reference, a URI, a path.
            hyperparameters: What the script is told.
            metric_definitions: Metrics that the service reads from the log: name -> regular expression with one group.
            source_dir: Folder that is shipped as a whole; the script lies in it.
            image_uri: Of the container; otherwise SageMaker's image of the framework.
            framework: `xgboost` or `sklearn`.
            depends_on: Steps that it comes after, though it takes nothing of them.
            name: Name of the step; otherwise that of the script.
            **job: Settings of the job: `instance_type`, `instance_count`, `environment`, `use_spot`, …; and `sharded`, the names of
                the channels whose files are divided among several instances. The script finds the names of all in `SM_HOSTS`.
                Here one instance does the work of all.

        Raises:
            SettingError: Lists what is wrong.
        """
        return self._add(
            "train",
            present({
                **job, "script": script, "takes": inputs, "hyperparameters": hyperparameters,
                "metric_definitions": metric_definitions, "source_dir": source_dir, "image_uri": image_uri,
                "framework": framework, "depends_on": depends_on, "name": name or named_after(script),
            }),
        )  # fmt: skip

    def invoke_lambda(
        self,
        function_arn: str,
        *,
        inputs: Mapping[str, Any] | None = None,
        outputs: Mapping[str, type] | Sequence[str] = (),
        cache: bool | str | None = None,
        depends_on: After | None = None,
        name: str | None = None,
    ) -> Pipeline[S]:
        """Invoke a function of AWS Lambda, which has ten minutes at most, and go on with what it answers.

        Here a function stands in for it: `run(stand_ins={"ask": lambda inputs: {"ticket": "T-1"}})`.

        Args:
            function_arn: ARN of the function.
            inputs: What it gets, by name: any values, references among them; for a kind, where that data is.
            outputs: What it answers, a JSON object: name -> `str`, `int`, `float` or `bool`; or names of texts.
            cache: Whether the answer to an equal earlier step is taken; a duration such as 'P30D' for how old it may be.
            depends_on: Steps that it comes after, though it takes nothing of them.
            name: Name of the step; 'lambda_invocation' by default.
        """
        return self._add(
            "invoke_lambda",
            present({
                "function_arn": function_arn, "takes": inputs, "outputs": outputs, "cache": cache,
                "depends_on": depends_on, "name": name,
            }),
        )  # fmt: skip

    def callback(
        self,
        queue_url: str,
        *,
        inputs: Mapping[str, Any] | None = None,
        outputs: Mapping[str, type] | Sequence[str] = (),
        cache: bool | str | None = None,
        depends_on: After | None = None,
        name: str | None = None,
    ) -> Pipeline[S]:
        """Send a message with a token to a queue of SQS, and wait until somebody answers with the token: a person, another system.

        Here a function stands in for it, as for `invoke_lambda`.

        Args:
            queue_url: URL of the queue.
            inputs: What the message has, by name: any values, references among them; for a kind, where that data is.
            outputs: What is answered: name -> `str`, `int`, `float` or `bool`; or names of texts.
            cache: Whether the answer to an equal earlier step is taken; a duration such as 'P30D' for how old it may be.
            depends_on: Steps that it comes after, though it takes nothing of them.
            name: Name of the step; 'callback' by default.
        """
        return self._add(
            "callback",
            present({
                "queue_url": queue_url, "takes": inputs, "outputs": outputs, "cache": cache,
                "depends_on": depends_on, "name": name,
            }),
        )  # fmt: skip
