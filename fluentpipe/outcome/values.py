"""The outputs of a run as attributes, and the values behind them: read when they are asked for, not before."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Protocol

from typing_extensions import TypeVar, override

from fluentpipe import shapes
from fluentpipe.errors import NoValue, SourceError, UnknownOutput, did_you_mean
from fluentpipe.outcome.declared import Declared, Outputs
from fluentpipe.proxy import unknown_output

T = TypeVar("T", default=Any)

_MAX_JSON = 64 << 20  # bytes


class ValueSource(Protocol):
    """What knows the values of one run: `fluentpipe.run.outputs` here, `fluentpipe.executions.resolving` on SageMaker."""

    @property
    def label(self) -> str:
        """Of the run, for messages."""

    def resolve(self, value: Any) -> Any:
        """JSON data of a definition with every reference in it replaced.

        Raises:
            NoValue: A step that is referred to has none.
        """

    def fetch(self, place: str, step: str, output: str, folder: Path | None) -> Path:
        """The file or the folder here of what lies at a place, copied into `folder` if one is given."""

    def type_of(self, step: str) -> str:
        """Type of a step in the definition."""

    def inside(self, content: Any, path: str, where: str) -> Any:
        """What stands in JSON data at a path such as `metrics.auc`."""


class OutputValue(Generic[T]):
    """One output of a step of a run."""

    step: str
    name: str
    path: str

    def __init__(self, source: ValueSource, step: str, declared: Declared) -> None:
        self._source, self.step, self.name, self.path = source, step, declared.name, declared.path
        self._json_file = declared.json_file

    def value(self) -> T:
        """The actual value: of data, where it lies (an S3 URI; of a run here, a local path); else text or a number.

        Raises:
            NoValue: The step has not finished, failed, or was not executed; says which and what to do.
        """
        value: T = self._source.resolve(self.to_request())
        return value

    def to_request(self) -> dict[str, Any]:
        """Its place, as a definition refers to it."""
        return shapes.property_request(self.step, self.path)

    def download(self, folder: str | Path | None = None) -> Path:
        """The file or the folder behind it, on this machine.

        Args:
            folder: Where to put it; it is made if it is not there. Without one it stays where it is kept: below the run,
                or below `.fluentpipe/executions`.

        Raises:
            NoValue: As `value`.
            SourceError: There is nothing at that place, it cannot be reached, or it has a name that would lead out of
                the folder.
        """
        place: Any = self.value()
        if not isinstance(place, str) or not (place.startswith("s3://") or Path(place).is_absolute()):
            raise SourceError(
                f"{self.step}.{self.name} is {place!r}: a value, and no place of files to download.",
                fix="ask for its value()",
            )
        return self._source.fetch(place, self.step, self.name, None if folder is None else Path(folder).expanduser())

    def json(self, path: str = "") -> Any:
        """The content of the JSON file of this output, or what stands in it at a path such as `metrics.auc`.

        Raises:
            NoValue: As `value`.
            SourceError: There is no such file, or it is no JSON.
            RunError: Nothing stands at the path; says what there is.
        """
        found = self.download()
        content = _read_json(self._json_in(found), f"{self.step}.{self.name}")
        return self._source.inside(content, path, f"The JSON of {self.step}.{self.name}") if path else content

    def _json_in(self, found: Path) -> Path:
        if found.is_file():
            return found
        files = sorted(found.rglob("*.json"))
        wanted = [file for file in files if file.relative_to(found).as_posix() == self._json_file] or files
        if len(wanted) == 1:
            return wanted[0]
        names = ", ".join(file.relative_to(found).as_posix() for file in files[:8])
        raise SourceError(
            f"{self.step}.{self.name} holds {len(files) or 'no'} JSON file{'' if len(files) == 1 else 's'}"
            + (f": {names}." if names else "."),
            fix="read the one you mean below download()" if files else "look at what it holds: download()",
        )

    @override
    def __repr__(self) -> str:
        return f"<value {self.step}.{self.name} of {self._source.label}>"


class StepValues:
    """The outputs of one step of a run, as attributes."""

    def __init__(self, source: ValueSource, step: str, declared: Mapping[str, Declared]) -> None:
        values = {name: OutputValue[Any](source, step, each) for name, each in declared.items()}
        vars(self).update(step_name=step, _source=source, _values=values, **_attributes(values))

    if TYPE_CHECKING:
        step_name: str

    def list_outputs(self) -> tuple[str, ...]:
        """The names of the outputs."""
        return tuple(vars(self)["_values"])

    def at(self, path: str) -> OutputValue[Any]:
        """Any property of the step's job, such as `at("TrainingTimeInSeconds")`.

        Raises:
            UnknownOutput: Jobs of that type have no such property.
        """
        source: ValueSource = vars(self)["_source"]
        kind = source.type_of(self.step_name)
        path = shapes.walk(kind, path).path if kind in shapes.step_types() else path
        return OutputValue(source, self.step_name, Declared(path, path))

    def __getitem__(self, output: str) -> OutputValue[Any]:
        """An output by its name."""
        values: dict[str, OutputValue[Any]] = vars(self)["_values"]
        if output not in values:
            raise unknown_output(
                self.step_name, output, tuple(values), fix='any other property of its job: .at("TrainingTimeInSeconds")'
            )
        return values[output]

    if not TYPE_CHECKING:  # so that the checkers report an unknown output themselves

        def __getattr__(self, name: str) -> OutputValue[Any]:
            if name.startswith("_"):
                raise AttributeError(name)
            return self[name]

    @override
    def __dir__(self) -> list[str]:
        return [*(name for name in self.list_outputs() if name.isidentifier()), "at", "list_outputs", "step_name"]

    @override
    def __repr__(self) -> str:
        return f"<values of {self.step_name}: {', '.join(self.list_outputs()) or 'none'}>"


class RunOutputs:
    """The steps of a run as attributes, with the values of their outputs."""

    def __init__(self, source: ValueSource, declared: Outputs) -> None:
        steps = {step: StepValues(source, step, outputs) for step, outputs in declared.items()}
        vars(self).update(_steps=steps, **_attributes(steps))

    def get(self, step: str, output: str) -> OutputValue[Any]:
        """An output by the names of its step and itself.

        Raises:
            UnknownOutput: There is no such step or output; says what there is.
        """
        return self[step][output]

    def list_outputs(self) -> Mapping[str, tuple[str, ...]]:
        """The names of the outputs of every step."""
        steps: dict[str, StepValues] = vars(self)["_steps"]
        return {name: values.list_outputs() for name, values in steps.items()}

    def __getitem__(self, step: str) -> StepValues:
        """The outputs of a step by its name."""
        steps: dict[str, StepValues] = vars(self)["_steps"]
        if step not in steps:
            raise UnknownOutput(
                f"this run has no step {step!r}.{did_you_mean(step, steps)}",
                f"steps: {', '.join(steps) or 'none'}",
                steps=tuple(steps),
            )
        return steps[step]

    if not TYPE_CHECKING:  # so that the checkers report an unknown step themselves

        def __getattr__(self, name: str) -> StepValues:
            if name.startswith("_"):
                raise AttributeError(name)
            return self[name]

    def __iter__(self) -> Iterator[str]:
        return iter(vars(self)["_steps"])

    def __len__(self) -> int:
        return len(vars(self)["_steps"])

    @override
    def __dir__(self) -> list[str]:
        return [*(name for name in self if name.isidentifier()), "get", "list_outputs"]

    @override
    def __repr__(self) -> str:
        return f"<outputs of {', '.join(self) or 'no step'}>"


def no_value(step: str, state: str, run: str, why: str = "") -> NoValue:
    """The error for a step that has no value: what state it is in, and what to do."""
    reason, fix = _BECAUSE.get(state, (f"is {state}", "look at the step"))
    return NoValue(
        f"Step {step!r} of {run} {reason}, so its outputs have no values.",
        why,
        fix=fix.format(step=step),
        step=step,
        state=state,
    )


_BECAUSE = {
    "Waiting": ("has not started yet", "wait for it: run.wait() or run.watch()"),
    "Running": ("has not finished yet", "wait for it: run.wait() or run.watch()"),
    "Stopping": ("is being stopped", "start the pipeline again"),
    "Failed": ("failed", "see why: run.logs({step!r}); mend it and run again"),
    "Stopped": ("was stopped before it finished", "run the pipeline again"),
    "NotExecuted": ("was not executed", "see which branch was taken, or what ended the run before: run.steps"),
}


def _attributes(named: Mapping[str, Any]) -> dict[str, Any]:
    """Those that no method is hidden by; all can be had by `[...]` and `get`."""
    taken = {"at", "get", "list_outputs", "step_name"}
    return {name: each for name, each in named.items() if name not in taken and not name.startswith("_")}


def _read_json(file: Path, what: str) -> Any:
    if file.stat().st_size > _MAX_JSON:
        raise SourceError(f"{what}: {file.name} has more than {_MAX_JSON >> 20} MiB, too much to be read as JSON.")
    try:
        return json.loads(file.read_bytes())
    except (ValueError, RecursionError) as error:
        raise SourceError(f"{what}: {file.name} is no JSON: {error}.", fix="get the file itself: download()") from error
