"""What a run gives back: its steps, metrics and models, read from its folder."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from html import escape
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import attrs

from fluentpipe.errors import SourceError

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
        page = escape(self.page.read_text(encoding="utf-8"), quote=True)
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

    @classmethod
    def load(cls, path: str | Path) -> Run:
        """Read a run from its folder, also one that still runs or whose process died.

        Raises:
            SourceError: The folder holds no run.
        """
        folder = Path(path)
        try:
            manifest = json.loads((folder / "run.json").read_bytes())
        except (OSError, ValueError) as error:
            raise SourceError(
                f"There is no run at {str(folder)!r}.", str(error), fix="give the folder of a run"
            ) from error
        steps = {name: _step(folder, name, step) for name, step in manifest["steps"].items()}
        models = tuple(_model(folder, model) for model in manifest["models"])
        files = tuple(folder / file for file in manifest["property_files"])
        status = manifest["status"]
        if status == "Running" and not _alive(manifest["pid"]):
            status = "Died"
        return cls(
            manifest["id"], folder, manifest["name"], status, manifest["seconds"], MappingProxyType(steps), models,
            manifest["reason"], files,
        )  # fmt: skip

    @property
    def metrics(self) -> dict[str, Any]:
        """The block `metrics` of the last evaluation.json that a step wrote; empty if there is none."""
        outputs = [path for step in self.steps.values() for path in step.outputs.values() if path.is_dir()]
        reports = [file for path in outputs for file in sorted(path.rglob("evaluation.json"))]
        for file in reversed([*reports, *self.property_files]):
            try:
                found = json.loads(file.read_bytes())
            except (OSError, ValueError):
                continue
            if isinstance(found, dict) and isinstance(found.get("metrics"), dict):
                return dict(found["metrics"])
        return {}

    @property
    def report(self) -> Path:
        """The page about the run, `report.html`; made now if it is not there yet."""
        from fluentpipe.report import NAME, write_report

        page = self.path / NAME
        return page if page.is_file() else write_report(self.path)

    def show(self, height: int = 720) -> Shown:
        """The report in a notebook, `height` pixels high."""
        return Shown(self.report, height)

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
        metrics = ", ".join(f"{name} {_figure(value, 4)}" for name, value in self.metrics.items() if _is_number(value))
        models = [
            f"model     {model.group} version {model.version} ({model.approval_status}) in {model.path}"
            for model in self.models
        ]
        ending = f"{self.status} in {_figure(self.seconds, 2)} s" if self.seconds is not None else self.status
        return "\n".join(
            [f"{self.name}: {ending}", *(line.rstrip() for line in lines), *([f"metrics   {metrics}"] if metrics else []),
             *models, *([f"reason    {self.reason}"] if self.reason else []), f"folder    {self.path}"]
        )  # fmt: skip

    def __repr__(self) -> str:
        return f"<run {self.id} of {self.name}: {self.status}, {len(self.steps)} steps>"


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


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass
    return True


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _figure(value: object, places: int) -> str:
    return "" if value is None else f"{value:.{places}f}" if isinstance(value, float) else str(value)
