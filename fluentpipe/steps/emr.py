"""`emr`: programs of Spark and Hadoop on a cluster, and what that shares with `emr_serverless`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, ClassVar

import attrs
from typing_extensions import override

from fluentpipe.caching import cached, caching
from fluentpipe.check_emr import emr_faults
from fluentpipe.contract import DependencySpec, OutputSpec, StepContract
from fluentpipe.document import StepEntry, write_trail
from fluentpipe.expression import Expression, as_text, lift
from fluentpipe.jobs import RetriedStep
from fluentpipe.reference import LocalPath
from fluentpipe.settings import setting
from fluentpipe.step import Inputs
from fluentpipe.steps.by_call import InputsByCall, further_form
from fluentpipe.steps.process import named_outputs
from fluentpipe.steps.raw_step import known_now

if TYPE_CHECKING:
    from fluentpipe.target import Target

_ROLE = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/\S+")
_UNKNOWN_YET = "s3://known-later"  # in place of what only the target knows, while a call is checked


def program(value: Any) -> Any:
    """A text, with the references in it, or a file here."""
    if isinstance(value, PurePath):
        value = LocalPath(Path(value))
    if isinstance(value, LocalPath):
        if not value.path.expanduser().is_file():
            raise ValueError(f"there is no file {str(value.path)!r} here")
        return value
    if not isinstance(value, (str, Expression)) or value == "":
        raise ValueError(f"must be an S3 URI, a Path of a file here, or what is known on the cluster, not {value!r}")
    return lift(value) if isinstance(value, str) else value


def argument_list(value: Any) -> tuple[Any, ...]:
    """A list of arguments."""
    if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Sequence):
        raise ValueError(f"must be a list of arguments, not {value!r}")
    return tuple(_word(each) for each in value)


def _word(value: Any) -> Any:
    if isinstance(value, (PurePath, LocalPath, str)):
        return program(value) if value != "" else value
    if isinstance(value, (int, float, Expression)):
        return value
    raise ValueError(f"an argument is a text, a number, a reference or a Path of a file here, not {value!r}")


def role_arn(value: Any) -> Any:
    """The ARN of a role, or a reference to one."""
    if isinstance(value, str) and not _ROLE.fullmatch(value):
        raise ValueError(f"must be the ARN of a role, arn:aws:iam::111122223333:role/name, not {value!r}")
    return value


class EmrStep(InputsByCall, RetriedStep):
    """A step that EMR carries out; the places of its inputs and outputs are options of its program."""

    arguments_given: Any = setting(
        (),
        job=True,
        reference=False,
        convert=argument_list,
        doc="What the program gets, in this order; a Path is a file here.",
    )
    outputs: Any = setting(
        (), job=True, reference=False, convert=named_outputs,
        doc="What it writes, by name. The program gets --name URI, a folder of this execution.",
    )  # fmt: skip
    cache: bool | str | None = setting(
        None, job=True, reference=False, convert=caching, doc="Whether the result of an equal earlier step is taken."
    )

    place_of_words: ClassVar[str] = ""
    """Property path of the list of arguments."""

    @override
    def _made(self) -> tuple[OutputSpec, ...]:
        found: tuple[OutputSpec, ...] = self.outputs
        return found

    @override
    def _faults(self) -> Iterator[str]:
        yield from super()._faults()
        for spec in self._made():
            if spec.name in self.takes:
                yield f"{spec.name!r} is given twice among inputs and outputs, which are options of the program"
        yield from self._request_faults()

    def _request_faults(self) -> Iterator[str]:
        entry = StepEntry("", self.sagemaker_type, {"Arguments": present(known_now(self.request({}, None)))}, (), "")
        for fault in emr_faults(entry):
            yield f"{write_trail(fault.trail).lstrip('.')} {fault.message}".strip()

    @override
    def _placed(self, dependencies: tuple[DependencySpec, ...]) -> Iterator[OutputSpec]:
        """The outputs, each at the property that is its argument: after the program's own, `--name` and the place."""
        first = len(self.words(None)) + 1
        for index, spec in enumerate(self._made()):
            path = f"{self.place_of_words}[{first + 2 * index}]"
            yield further_form(attrs.evolve(spec, path=path), dependencies, self._made())

    def words(self, target: Target | None) -> list[Any]:
        """The program's own arguments; without a target, those that are files here are as yet unknown."""
        return [as_text(located(each, target)) for each in self.arguments_given]

    def request(self, inputs: Inputs, target: Target | None) -> dict[str, Any]:
        """The Arguments of the step; without a target, as far as they are known at the call."""
        raise NotImplementedError

    def all_words(self, inputs: Inputs, target: Target | None) -> list[Any]:
        """The arguments, with an option for each output and for each input that is wired."""
        found = self.words(target)
        for spec in self._made():
            place = target.output(self.name, "output", spec.name) if target else _UNKNOWN_YET
            found += [f"--{spec.name.replace('_', '-')}", place]
        for name, value in inputs.items():
            found += [f"--{name.replace('_', '-')}", target.location(value) if target else _UNKNOWN_YET]
        return found

    @override
    def arguments(self, inputs: Inputs, target: Target) -> dict[str, Any]:
        return present(self.request(inputs, target))

    @override
    def requests(self, inputs: Inputs, target: Target, then: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        return [cached(super().requests(inputs, target, then)[0], self.cache)]


class EmrProgram(EmrStep):
    """Run a program of Spark or Hadoop on a cluster of EMR.

    On a cluster that is there, `cluster_id`, or on one that is made for the step and ends with it, `cluster_config`. The usual JAR,
    `command-runner.jar`, runs a command of the cluster such as spark-submit, hive-script or s3-dist-cp. The program gets its
    arguments, then `--name URI` for each output and each input, an underscore in a name being a hyphen. A `Path` among the arguments
    is a file here: it is uploaded, and its URI stands there. Outputs are folders of the execution, so that executions never
    overwrite each other; the cluster's own role must be allowed to write there.

    It does not run here: a function stands in for it, `run(stand_ins={"thin": …})`. It gets the step's `Arguments`, with paths in
    the place of URIs and a new folder in that of each output, and need return nothing.

    Example:
        from pathlib import Path
        from fluentpipe import Pipeline, RawData

        Path("thin.py").write_text("# PySpark: reads --raw, writes --rows")
        pipe = Pipeline("churn").provide(RawData, "churn.csv").emr(
            arguments=["spark-submit", "--deploy-mode", "cluster", Path("thin.py"), "--share", 0.5],
            inputs={"raw": RawData},
            outputs={"rows": RawData},
            cluster_id="j-2AXXXXXXGAPLF",
            name="thin",
        )

        def thin(inputs):
            words = inputs["StepConfig"]["HadoopJarStep"]["Args"]
            options = dict(zip(words[4::2], words[5::2]))
            lines = Path(options["--raw"]).read_text().splitlines(keepends=True)
            kept = lines[: int(len(lines) * float(options["--share"]))]
            Path(options["--rows"], "rows.csv").write_text("".join(kept))

        run = pipe.preprocess(label="churn").run(stand_ins={"thin": thin})
    """

    contract = StepContract(step_type="EmrProgram", verb="emr", own_method=True)
    sagemaker_type = "EMR"
    place_of_words = "Config.Args"

    jar: Any = setting(
        "command-runner.jar", positional=True, job=True, convert=program,
        doc="The JAR: an S3 URI, a Path, or one that is on the cluster, such as that which runs spark-submit.",
    )  # fmt: skip
    main_class: str | None = setting(None, job=True, doc="The class of the JAR, where its manifest names none.")
    properties: Mapping[str, str] | None = setting(None, job=True, doc="Properties of Java for the program.")
    cluster_id: str | None = setting(None, job=True, doc="The cluster, where it is there.")
    cluster_config: Mapping[str, Any] | None = setting(
        None, job=True, doc="The cluster to make for the step, as RunJobFlow takes it; it ends with the step."
    )
    execution_role: str | None = setting(
        None, job=True, convert=role_arn, doc="ARN of the role that the step takes on a cluster that is there."
    )

    @override
    def request(self, inputs: Inputs, target: Target | None) -> dict[str, Any]:
        properties = [{"Key": name, "Value": value} for name, value in (self.properties or {}).items()]
        program = {
            "Jar": located(self.jar, target),
            "Args": self.all_words(inputs, target),
            "MainClass": self.main_class,
            "Properties": properties,
        }
        return {
            "ClusterId": self.cluster_id,
            "ClusterConfig": self.cluster_config,
            "ExecutionRoleArn": self.execution_role,
            "StepConfig": {"HadoopJarStep": present(program)},
        }


def located(value: Any, target: Target | None) -> Any:
    """What was given; a file here as the URI that it is uploaded to."""
    if not isinstance(value, LocalPath):
        return value
    return target.location(value) if target else _UNKNOWN_YET


def present(values: Mapping[str, Any]) -> dict[str, Any]:
    """The members that say something."""
    return {
        name: value
        for name, value in values.items()
        if value is not None and not (isinstance(value, (list, Mapping)) and not value)
    }
