"""`process`: any script, or any image, in a processing job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attrs
from typing_extensions import override

from fluentpipe.contract import OutputSpec, StepContract
from fluentpipe.expression import as_text
from fluentpipe.jobs import ProcessingStep
from fluentpipe.kinds import Kind, ProcessingOutput
from fluentpipe.settings import setting
from fluentpipe.step import Inputs
from fluentpipe.steps.by_call import SHARDED, DeclaredByCall, StepByCall

if TYPE_CHECKING:
    from fluentpipe.target import Target

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


class ProcessingByCall(DeclaredByCall, ProcessingStep):
    """A script in a processing job: what the call says of its outputs and arguments."""

    arguments_given: Mapping[str, Any] | Sequence[Any] | None = setting(
        None, job=True, doc="Further options of the script by name; or a list: all its arguments."
    )
    outputs: Any = setting((), job=True, reference=False, convert=named_outputs, doc="What it yields, by name.")

    @override
    def _made(self) -> tuple[OutputSpec, ...]:
        found: tuple[OutputSpec, ...] = self.outputs
        return found

    @override
    def _input_faults(self) -> Any:
        yield from super()._input_faults()
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
    as an input takes its place in what follows, if there is one of each. More in [anything.md](../anything.md).

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

    @override
    def processing_inputs(self, inputs: Inputs, target: Target) -> list[dict[str, Any]]:
        found = super().processing_inputs(inputs, target)
        for each in found:
            if each["InputName"] in self.sharded:
                each["S3Input"]["S3DataDistributionType"] = SHARDED
        return found

    @override
    def start(self) -> list[str]:
        return [*self.interpreter, f"{self._CODE}/{self.entry}"] if self.script is not None else []
