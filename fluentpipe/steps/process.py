"""`process`: any script, or any image, in a processing job."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
from typing_extensions import override

from fluentpipe.contract import OutputSpec, StepContract
from fluentpipe.expression import as_text
from fluentpipe.jobs import ProcessingStep
from fluentpipe.kinds import EvaluationReport, Kind, ProcessingOutput
from fluentpipe.program import CODE, INSTALLER, REQUIREMENTS
from fluentpipe.settings import setting
from fluentpipe.step import Inputs
from fluentpipe.steps.by_call import SHARDED, ScriptByCall, StepByCall, as_path
from fluentpipe.steps.load_data import CONTAINERS

if TYPE_CHECKING:
    from fluentpipe.target import Target

REPORT = "evaluation.json"
"""The file of a report whose figures conditions read, where nothing else is said."""
PLACE = "ProcessingOutputConfig.Outputs['{}'].S3Output.S3Uri"


def named_outputs(value: Any) -> tuple[OutputSpec, ...]:
    """What a call says of outputs, names, kinds by name or specifications, as specifications."""
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, Mapping):
        value = {
            each.name if isinstance(each, OutputSpec) else each: ProcessingOutput if isinstance(each, str) else each
            for each in value
        }
    return tuple(_output(name, each) for name, each in value.items())


def _output(name: Any, value: Any) -> OutputSpec:
    if not isinstance(name, str) or "'" in name:
        raise ValueError(f"must name each output, not {name!r}")
    if isinstance(value, OutputSpec):
        return attrs.evolve(value, name=name, path=value.path or PLACE.format(name))
    if not (isinstance(value, type) and issubclass(value, Kind)):
        raise ValueError(f"must say the kind of {name!r}, such as TrainingData, not {value!r}")
    return OutputSpec(name, value, PLACE.format(name), f"What the script writes to its folder {name!r}.")


def _job_outputs(value: Any) -> tuple[OutputSpec, ...]:
    """The same for a processing job, in which the figures of a report can be read: by a gate, by `register`."""
    return tuple(
        attrs.evolve(spec, property_file=spec.property_file or REPORT) if spec.kind is EvaluationReport else spec
        for spec in named_outputs(value)
    )


def _requirements(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        if not value or not all(isinstance(line, str) and line.strip() and "\n" not in line for line in value):
            raise ValueError(f"must be a file, or a list of lines such as 'shap>=0.45', not {value!r}")
        return value
    return as_path(value)


class ProcessingByCall(ScriptByCall, ProcessingStep):
    """A script in a processing job: what the call says of its outputs and arguments."""

    arguments_given: Mapping[str, Any] | Sequence[Any] | None = setting(
        None, job=True, doc="Further options of the script by name; or a list: all its arguments."
    )
    outputs: Any = setting((), job=True, reference=False, convert=_job_outputs, doc="What it yields, by name.")

    @override
    def _made(self) -> tuple[OutputSpec, ...]:
        found: tuple[OutputSpec, ...] = self.outputs
        return found

    @override
    def _faults(self) -> Iterator[str]:
        yield from super()._faults()
        if isinstance(self.arguments_given, tuple):
            return
        options = [*self.takes, *(spec.name for spec in self._made()), *(self.arguments_given or ())]
        for name in sorted({name for name in options if options.count(name) > 1}):
            yield f"{name!r} is given twice among inputs, outputs and arguments, which are options of the script"

    @override
    def command(self, inputs: Inputs) -> list[Any]:
        given = self.arguments_given
        if given is not None and not isinstance(given, Mapping):
            return [as_text(each) for each in given]
        words = super().command(inputs)
        for name, value in (given or {}).items():
            words += [self._flag(name), as_text(value)] if value is not None else []
        return words


class ScriptProcessing(StepByCall, ProcessingByCall):
    """Run any script, or the program of any image, in a processing job.

    The script gets the folder of each input and of each output, and each argument, as `--name value`. An output of the same kind
    as an input takes its place in what follows, if there is one of each. Of an `EvaluationReport`, gates and `register` read
    `evaluation.json`, such as `{"metrics": {"auc": 0.84}}`. More in [anything.md](../anything.md).

    Example:
        from pathlib import Path
        from fluentpipe import Pipeline, RawData

        Path("thin_out.py").write_text('''
        import argparse, pathlib
        parser = argparse.ArgumentParser()
        for name in ("rows", "fewer", "every"):
            parser.add_argument("--" + name)
        given = parser.parse_args()
        for file in pathlib.Path(given.rows).rglob("*.csv"):
            head, *rows = file.read_text().splitlines(keepends=True)
            pathlib.Path(given.fewer, file.name).write_text("".join([head, *rows[:: int(given.every)]]))
        ''')
        whole = Pipeline("churn").provide(RawData, "churn.csv")
        pipe = whole.process("thin_out.py", inputs={"rows": RawData}, outputs={"fewer": RawData}, arguments={"every": 10})
        run = pipe.preprocess(label="churn").run()
    """

    contract = StepContract(step_type="ScriptProcessing", verb="process", own_method=True)
    reserved = frozenset(("code",))

    requirements: str | Sequence[str] | None = setting(
        None, job=True, reference=False, convert=_requirements,
        doc="Packages that pip installs before the script starts: a requirements.txt, or its lines.",
    )  # fmt: skip

    @override
    def _program_faults(self) -> Iterator[str]:
        yield from super()._program_faults()
        if self.requirements is None:
            return
        if self.script is None:
            yield "requirements: they are those of a script, and none is given"
        if isinstance(self.requirements, str) and not Path(self.requirements).expanduser().is_file():
            yield f"requirements: there is no file {self.requirements!r}; a list holds the lines themselves"
        if self.network_isolation is True:
            yield "requirements: with network_isolation nothing can be installed; give image_uri of an image that has them"
        if INSTALLER in self._beside():
            yield f"requirements: a program {INSTALLER!r} installs them; name yours otherwise"
        if (own := self._beside().get(REQUIREMENTS)) is not None and not self._is_given(own):
            yield f"requirements: the source_dir has a {REQUIREMENTS} of its own; give that one, or take it away"

    def _beside(self) -> Mapping[str, Path]:
        """What is shipped of a source_dir."""
        folder = Path(self.source_dir or "").expanduser()
        return self.files() if self.script is not None and self.source_dir is not None and folder.is_dir() else {}

    def _is_given(self, own: Path) -> bool:
        given = self.requirements
        return isinstance(given, str) and Path(given).expanduser().absolute() == own

    @override
    def code(self, target: Target) -> str:
        if self.requirements is None:
            return super().code(target)
        given = self.requirements
        asked = Path(given).expanduser() if isinstance(given, str) else "".join(f"{line}\n" for line in given).encode()
        further = {REQUIREMENTS: asked, INSTALLER: CONTAINERS / INSTALLER}
        return target.code({**self.program_files(target), **further})

    @override
    def processing_inputs(self, inputs: Inputs, target: Target) -> list[dict[str, Any]]:
        found = super().processing_inputs(inputs, target)
        for each in found:
            if each["InputName"] in self.sharded:
                each["S3Input"]["S3DataDistributionType"] = SHARDED
        return found

    @override
    def start(self) -> list[str]:
        if self.script is None:
            return []
        program = [*self.interpreter, f"{CODE}/{self.entry}"]
        return program if self.requirements is None else ["python3", f"{CODE}/{INSTALLER}", *program]
