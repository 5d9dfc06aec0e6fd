"""What a run gives back: its steps, metrics and models, read from its folder."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path
from types import MappingProxyType, NoneType
from typing import TYPE_CHECKING, Any, Literal, cast

import attrs
from typing_extensions import override

from fluentpipe._run_outputs import BuiltinValues
from fluentpipe.errors import SourceError
from fluentpipe.outcome.asked import as_request, known_step
from fluentpipe.outcome.declared import declared_outputs
from fluentpipe.run.alive import is_living

if TYPE_CHECKING:
    from fluentpipe.contract import StepContract
    from fluentpipe.live import Echo
    from fluentpipe.run.outputs import LocalValues

RunStatus = Literal["Running", "Succeeded", "Failed", "Stopped", "Died"]
StepStatus = Literal["Waiting", "Running", "Succeeded", "Failed", "Stopped", "NotExecuted"]


@attrs.frozen
class StepRun:
    """One step as it was run."""

    name: str
    type: str  # Processing, Training, Condition, …
    status: StepStatus
    seconds: float | None  # wall clock; None if it never started
    cpu_seconds: float | None  # of the process and its children; None where there was none
    peak_memory_mb: float | None  # MiB, resident
    exit_code: int | None
    log: Path | None
    outputs: Mapping[str, Path]  # name -> folder or file
    reason: str  # why it failed, was stopped or not executed; of a Condition, what decided; of a job, why it ran
    cached: str = ""  # id of the run whose result it took instead of being carried out

    @property
    def state(self) -> StepStatus:
        """The same as `status`, by the name that a step of an execution on SageMaker has for it."""
        return self.status

    @property
    def failure(self) -> str:
        """Why it failed; empty if it did not."""
        return self.reason if self.status == "Failed" else ""


@attrs.frozen(repr=False, eq=False)  # equal to any mapping with the same steps
class StepRuns(Mapping[str, StepRun]):
    """The steps of a run by their names, in the order of the definition; prints as a line for each."""

    _steps: Mapping[str, StepRun]

    @override
    def __getitem__(self, name: str) -> StepRun:
        return self._steps[name]

    @override
    def __iter__(self) -> Iterator[str]:
        return iter(self._steps)

    @override
    def __len__(self) -> int:
        return len(self._steps)

    @override
    def __repr__(self) -> str:
        rows = [(each.name, each.status, _seconds(each.seconds), _first_line(each.reason)) for each in self.values()]
        widths = [max((len(row[column]) for row in rows), default=0) for column in range(3)]
        return "\n".join("  ".join([*map(str.ljust, row, widths), row[3]]).rstrip() for row in rows) or "no steps"


@attrs.frozen
class RegisteredModel:
    """A version in the local model registry."""

    group: str
    version: int
    arn: str
    path: Path  # folder with package.json, the model and the metrics
    approval_status: str


@attrs.frozen
class Shown:
    """A report to be shown: in a notebook in a frame of its own, sealed off from it; elsewhere as its path."""

    page: Path
    height: int  # pixels

    def _repr_html_(self) -> str:
        page = escape(_framed(self.page.read_text(encoding="utf-8")), quote=True)
        return (
            f'<iframe sandbox srcdoc="{page}" width="100%" height="{int(self.height)}" frameborder="0" '
            'title="report of the run"></iframe>'
        )


@attrs.frozen(repr=False)
class Run:
    """A run of a definition on this machine."""

    id: str
    path: Path
    name: str  # of the pipeline
    status: RunStatus
    seconds: float | None  # wall clock; None while it runs
    steps: Mapping[str, StepRun]  # in the order of the definition
    models: tuple[RegisteredModel, ...]
    reason: str  # the error's first line; empty if there was none
    property_files: tuple[Path, ...]  # files that the definition reads values from, in the order of the steps
    parameters: Mapping[str, Any] = attrs.field(factory=dict)  # of the pipeline; secret ones masked
    contracts: Mapping[str, StepContract] = attrs.field(factory=dict, eq=False)  # of the steps, where they are known

    @classmethod
    def load(cls, path: str | Path) -> Run:
        """Read a run from its folder, also one that still runs or whose process died.

        Raises:
            SourceError: The folder holds no run.
        """
        folder = Path(path)
        manifest = _manifest(folder)
        if manifest["status"] == "Running" and not is_living(folder):
            manifest = _manifest(folder)  # it may have ended since it was read
            if manifest["status"] == "Running":
                manifest["status"] = "Died"
        steps = StepRuns({name: _step(folder, name, step) for name, step in manifest["steps"].items()})
        models = tuple(_model(folder, model) for model in manifest["models"])
        files = tuple(folder / file for file in manifest["property_files"])
        return cls(
            manifest["id"], folder, manifest["name"], manifest["status"], manifest["seconds"], steps,
            models, manifest["reason"], files, MappingProxyType(manifest["parameters"]),
        )  # fmt: skip

    @property
    def metrics(self) -> dict[str, Any]:
        """The block `metrics` of the evaluation.json of the last step that wrote one; empty if there is none.

        Steps are in the order of the definition, so that of two evaluations which run side by side it is always the same one.
        """
        named = list(self.evaluations.values()) or [found for file in self.property_files if (found := _metrics(file))]
        return named[-1] if named else {}

    @property
    def evaluations(self) -> dict[str, dict[str, Any]]:
        """The block `metrics` of each step that wrote an evaluation.json, by the step, in the order of the definition."""
        found = {}
        for name, step in self.steps.items():
            for path in filter(Path.is_dir, step.outputs.values()):
                for file in sorted(path.rglob("evaluation.json")):
                    if metrics := _metrics(file):
                        found[name] = metrics
        return found

    @property
    def report(self) -> Path:
        """The page about the run, `report.html`; made now if it is not there yet."""
        from fluentpipe.report import NAME, write_report

        page = self.path / NAME
        return page if page.is_file() else write_report(self.path)

    def show(self, height: int = 720) -> Shown:
        """The report in a notebook, `height` pixels high."""
        return Shown(self.report, height)

    @property
    def outputs(self) -> BuiltinValues:
        """The values of the steps' outputs: `run.outputs.xgboost_training.model_artifacts.value()`."""
        values = self._values()
        return BuiltinValues(values, declared_outputs(values.definition, self.contracts))

    def with_contracts(self, contracts: Mapping[str, StepContract]) -> Run:
        """The same run, with the contracts of its steps, whose names of outputs go before the usual ones."""
        return attrs.evolve(self, contracts=contracts)

    def value(self, of: Any) -> Any:
        """What a reference, a parameter, a join or any text or data with references in it stood for in this run.

        Raises:
            NoValue: A step that it needs has not finished, failed, or was not executed.
        """
        return self._values().resolve(as_request(of))

    def logs(self, step: str, last: int | None = None) -> list[str]:
        """The lines that a step wrote; `last` of them, or all.

        Raises:
            UnknownOutput: The run has no such step.
        """
        log = known_step(self.steps, step, f"run {self.id}").log
        lines = log.read_text("utf-8", "replace").splitlines() if log is not None and log.is_file() else []
        return lines if last is None else lines[-last:] if last else []

    def wait(self, poll: float = 0.5, *, check: bool = True) -> Run:
        """Wait for the end of a run that another process carries out, and return it as it is then.

        Raises:
            RunError: It did not succeed; not without `check`.
        """
        return self.watch(poll, echo=None, check=check)

    def watch(self, poll: float = 0.5, *, echo: Echo = "auto", check: bool = True) -> Run:
        """Follow a run that another process carries out to its end; of one that is over, show how it went.

        Args:
            poll: Seconds between two looks.
            echo: Takes each line; None for silence; "auto" for a live table where somebody looks at it.
            check: Whether a run that did not succeed raises.

        Raises:
            RunError: It did not succeed.
        """
        from fluentpipe.run.following import follow

        return follow(self, poll, echo, check=check).with_contracts(self.contracts)

    def _values(self) -> LocalValues:
        from fluentpipe.run.outputs import LocalValues

        return LocalValues(self)

    def summary(self) -> str:
        """The steps, metrics, models and the place of everything, as text."""
        rows = [("step", "type", "status", "seconds", "CPU s", "MiB", "")]
        rows += [
            (step.name, step.type, step.status, _figure(step.seconds, 2), _figure(step.cpu_seconds, 2),
             _figure(step.peak_memory_mb, 0), step.reason.split("\n")[0])
            for step in self.steps.values()
        ]  # fmt: skip
        widths = [max(len(row[column]) for row in rows) for column in range(6)]
        lines = [
            "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[6]]) for row in rows
        ]
        metrics = [f"metrics   {words}" for words in said_figures(self)]
        models = [
            f"model     {model.group} version {model.version} ({model.approval_status}) in {model.path}"
            for model in self.models
        ]
        ending = f"{self.status} in {_figure(self.seconds, 2)} s" if self.seconds is not None else self.status
        return "\n".join(
            [f"{self.name}: {ending}", *(line.rstrip() for line in lines), *metrics,
             *models, *([f"reason    {self.reason}"] if self.reason else []), f"folder    {self.path}"]
        )  # fmt: skip

    def _repr_html_(self) -> str:
        from fluentpipe.report import NAME

        ending = f"{self.status} in {_seconds(self.seconds)}" if self.seconds is not None else self.status
        models = [f"registered {each.group} version {each.version}, {each.approval_status}" for each in self.models]
        lines = [ending, *([self.reason] if self.reason else []), *said_figures(self), *models]
        written = "".join(f"<br>{escape(line)}" for line in lines)
        return (
            f"<p>run <b>{escape(self.id)}</b> of <b>{escape(self.name)}</b>{written}"
            f"<br>report: <code>{escape(str(self.path / NAME))}</code></p>"
        )

    def __repr__(self) -> str:
        return f"<run {self.id} of {self.name}: {self.status}, {len(self.steps)} steps>"


def measure(value: float) -> str:
    """A figure of merit: four decimals, or the digits that count where those would hide it."""
    return f"{value:.4f}" if not value or abs(value) >= 0.001 else f"{value:.3g}"


def said_figures(run: Run) -> list[str]:
    """The figures of each evaluation in a line, which names the step where there are several."""
    named = run.evaluations if len(run.evaluations) > 1 else {"": run.metrics}
    lines = []
    for step, metrics in named.items():
        numbers = {name: value for name, value in metrics.items() if _is_number(value)}
        said = ", ".join(
            f"{name} {measure(value) if isinstance(value, float) else value}" for name, value in numbers.items()
        )
        lines += [f"{step}: {said}" if step else said] if said else []
    return lines


def _metrics(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return {}
    metrics = found.get("metrics") if isinstance(found, dict) else None
    return dict(metrics) if isinstance(metrics, dict) else {}


def _first_line(text: str) -> str:
    return text.split("\n", 1)[0]


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.2f} s"


def _framed(page: str) -> str:
    """The page for a frame: its links to its own parts would lead to the notebook's address, which such a frame inherits."""
    page = page.replace("base-uri 'none'", "base-uri about:", 1)  # the first one is that of the page's own policy
    return page.replace("<title>", '<base href="about:srcdoc"><title>', 1)


_NUMBER = (int, float, NoneType)
_MANIFEST: Mapping[str, tuple[type, ...]] = {
    "id": (str,), "name": (str,), "status": (str,), "seconds": _NUMBER, "reason": (str,), "steps": (dict,), "models": (list,),
    "property_files": (list,), "parameters": (dict,),
}  # fmt: skip
_STEP: Mapping[str, tuple[type, ...]] = {
    "type": (str,), "status": (str,), "seconds": _NUMBER, "cpu_seconds": _NUMBER, "peak_memory_mb": _NUMBER,
    "exit_code": (int, NoneType), "log": (str, NoneType), "outputs": (dict,), "reason": (str,),
}  # fmt: skip
_MODEL: Mapping[str, tuple[type, ...]] = {
    "group": (str,), "version": (int,), "arn": (str,), "path": (str,), "approval_status": (str,),
}  # fmt: skip


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        manifest: Any = json.loads((folder / "run.json").read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise SourceError(f"There is no run at {str(folder)!r}.", str(error), fix="give the folder of a run") from error
    if faults := list(_faults(manifest)):
        raise SourceError(
            f"The manifest of the run at {str(folder)!r} is damaged.",
            *faults,
            fix="remove the folder, or bring run.json back",
        )
    return cast("dict[str, Any]", manifest)


def _faults(manifest: object) -> Iterator[str]:
    """What in a manifest is not as a run leaves it."""
    yield from _misshapen("run.json", manifest, _MANIFEST)
    if isinstance(manifest, dict):
        steps, models, files = (manifest.get(name) for name in ("steps", "models", "property_files"))
        for name, step in steps.items() if isinstance(steps, dict) else ():
            yield from _misshapen(f"step {name!r}", step, _STEP)
            outputs = step.get("outputs") if isinstance(step, dict) else None
            if isinstance(outputs, dict) and not all(isinstance(path, str) for path in outputs.values()):
                yield f"step {name!r}: outputs are not all paths"
        for number, model in enumerate(models if isinstance(models, list) else ()):
            yield from _misshapen(f"model {number}", model, _MODEL)
        if isinstance(files, list) and not all(isinstance(file, str) for file in files):
            yield "run.json: property_files are not all paths"


def _misshapen(where: str, found: object, shape: Mapping[str, tuple[type, ...]]) -> Iterator[str]:
    if not isinstance(found, dict):
        yield f"{where} is no object"
        return
    for name, types in shape.items():
        if name not in found:
            yield f"{where} lacks {name!r}"
        elif not isinstance(found[name], types):
            yield f"{where}: {name} is {found[name]!r:.60}"


def _step(folder: Path, name: str, step: Mapping[str, Any]) -> StepRun:
    return StepRun(
        name, step["type"], step["status"], step["seconds"], step["cpu_seconds"], step["peak_memory_mb"],
        step["exit_code"], folder / step["log"] if step["log"] else None,
        MappingProxyType({output: folder / path for output, path in step["outputs"].items()}), step["reason"],
        step.get("cached", ""),
    )  # fmt: skip


def _model(folder: Path, model: Mapping[str, Any]) -> RegisteredModel:
    path = (folder / model["path"]).resolve()
    return RegisteredModel(model["group"], model["version"], model["arn"], path, model["approval_status"])


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _figure(value: object, places: int) -> str:
    return "" if value is None else f"{value:.{places}f}" if isinstance(value, float) else str(value)
