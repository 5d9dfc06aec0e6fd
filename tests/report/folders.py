"""Folders of runs, as the runner and the steps write them; the figures are those of the real evaluation."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from fluentpipe.containers import curves, metrics, model_card, model_quality

HASH = "ab" * 32
ROWS = 400


def evaluation(task: str, names: tuple[str, ...] = ()) -> tuple[dict[str, Any], dict[str, Any]]:
    """evaluation.json and curves.json of a made-up model."""
    random = np.random.RandomState(0)
    threshold = 0.4 if task == "binary" else None
    if task == "regression":
        actual = random.normal(10, 4, ROWS)
        scores = (actual + random.normal(0, 1, ROWS)).astype(np.float32)
    elif task == "binary":
        actual = (random.uniform(size=ROWS) < 0.3).astype(float)
        scores = np.clip(actual * 0.4 + random.uniform(0, 0.6, ROWS), 0, 1).astype(np.float32)
    else:
        actual = random.randint(0, len(names), ROWS).astype(float)
        raw = random.uniform(0.1, 1, (ROWS, len(names)))
        raw[np.arange(ROWS), actual.astype(int)] += 1
        scores = (raw / raw.sum(axis=1, keepdims=True)).astype(np.float32)
    classes = list(names)
    report = {
        "version": 1, "task": task, "rows": ROWS, "label": "churn", "classes": classes,
        **({"threshold": threshold} if threshold else {}),
        "metrics": metrics.of_task(task, actual, scores, threshold),
        **model_quality.of_task(task, classes, actual, scores, threshold), "warnings": ["a warning of the evaluation"],
    }  # fmt: skip
    return report, {"version": 1, "task": task, **curves.of_task(task, classes, actual, scores)}


def model(extra: Mapping[str, bytes] | None = None) -> bytes:
    """model.tar.gz with what ours says of itself."""
    importances = [{"feature": f"column {place}", "share": 0.5**place / 2, "splits": 9} for place in range(30)]
    facts = {
        "version": 1, "label": "churn", "task": "binary", "positive_class": "Yes", "threshold": 0.4, "n_folds": 0,
        "held_out_metrics": {"auc": 0.8}, "rows": {"train": 300, "validation": 50}, "parameters": {"max_depth": 3},
        "data": {"source": {"files": ["churn.csv"], "sha256": HASH}, "sha256": {"train": "cd" * 32}},
        "versions": {"xgboost": "3.0.5"}, "warnings": [],
    }  # fmt: skip
    files = {
        **(extra or {}),
        "importances.json": json.dumps({"version": 1, "importances": importances}).encode(),
        "model.json": json.dumps(facts).encode(),
        "model_card.md": model_card.render(facts, importances).encode(),
    }
    return packed(files)


def packed(files: Mapping[str, bytes]) -> bytes:
    """A .tar.gz of files."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return stream.getvalue()


def schema(name: str = "tenure") -> dict[str, Any]:
    """schema.json as load_data writes it."""
    columns = [{"name": each, "type": "integer", "missing": 4, "distinct": 70} for each in (name, "churn")]
    return {
        "version": 1, "label": "churn", "task": "binary", "classes": ["No", "Yes"], "columns": columns,
        "rows": {"train": 300, "validation": 50, "test": 50}, "split": {"how": "stratified"},
        "source": {"files": ["churn.csv"], "sha256": HASH}, "warnings": ["2 test rows are equal to a training row"],
    }  # fmt: skip


def gate(metric: str, limit: Any, kind: str = "GreaterThanOrEqualTo") -> dict[str, Any]:
    """A condition on a figure of the evaluation."""
    file = {"Get": "Steps.evaluate.PropertyFiles.report"}
    return {"Type": kind, "LeftValue": {"Std:JsonGet": {"PropertyFile": file, "Path": metric}}, "RightValue": limit}


class Folder:
    """Writes the folder of a run."""

    def __init__(self, path: Path, name: str = "churn", status: str = "Succeeded", reason: str = "") -> None:
        self.path = path
        self.steps: dict[str, dict[str, Any]] = {}
        self.definition: list[dict[str, Any]] = []
        self.manifest: dict[str, Any] = {
            "format": 1, "id": "20260101-000000000-abcdef012345", "name": name, "status": status, "pid": 1,
            "started": "2026-01-01T00:00:00.000Z", "ended": "2026-01-01T00:00:10.000Z", "seconds": 10.0,
            "parameters": {"limit": 0.8}, "reason": reason, "models": [], "property_files": [],
            "versions": {"python": "3.12.1"}, "steps": self.steps,
        }  # fmt: skip

    def step(self, name: str, kind: str = "Processing", needs: tuple[str, ...] = (), **facts: Any) -> Path:
        """Add a step that is done; returns its folder of outputs."""
        given = {"Needs": [{"Get": f"Steps.{need}.X"} for need in needs]}
        self.definition.append({"Name": name, "Type": kind, "Arguments": given | facts.pop("arguments", {})})
        self.steps[name] = {
            "type": kind, "status": "Succeeded", "started": "2026-01-01T00:00:01.000Z",
            "ended": "2026-01-01T00:00:04.000Z", "seconds": 3.0, "cpu_seconds": 2.5, "peak_memory_mb": 100.0,
            "exit_code": 0, "job": None, "log": None, "outputs": {}, "reason": "", **facts,
        }  # fmt: skip
        return self.path / "steps" / name / "out"

    def gate(self, name: str, conditions: Any, ending: str = "ElseSteps", **facts: Any) -> None:
        """Add a Condition step with a branch that ends the run; the branch is not taken unless a test says so."""
        fail = {"Name": f"{name}_failed", "Type": "Fail", "Arguments": {"ErrorMessage": "no"}}
        self.step(name, "Condition", arguments={"Conditions": conditions, ending: [fail]}, **facts)
        self.steps[f"{name}_failed"] = {"type": "Fail", "status": "NotExecuted", "outputs": {}}

    def output(self, step: str, name: str, files: Mapping[str, Any]) -> None:
        """Files of an output: bytes as they are, anything else as JSON."""
        folder = self.path / "steps" / step / "out" / name
        folder.mkdir(parents=True)
        for file, content in files.items():
            raw = content if isinstance(content, bytes) else json.dumps(content).encode()
            (folder / file).write_bytes(raw)
        self.steps[step]["outputs"][name] = f"steps/{step}/out/{name}"

    def write(self) -> Path:
        """Write manifest and definition."""
        self.path.mkdir(parents=True, exist_ok=True)
        (self.path / "run.json").write_text(json.dumps(self.manifest))
        (self.path / "definition.json").write_text(json.dumps({"Version": "2020-12-01", "Steps": self.definition}))
        return self.path


def whole(path: Path, task: str = "binary", *conditions: Any, names: tuple[str, ...] = ("No", "Yes")) -> Path:
    """The folder of a run of load, train, evaluate and a gate."""
    folder = Folder(path)
    folder.step("load")
    folder.output("load", "raw_data", {"schema.json": schema()})
    folder.step("train", "Training", ("load",))
    place = path / "steps" / "train" / "out"
    place.mkdir(parents=True)
    (place / "model.tar.gz").write_bytes(model())
    folder.steps["train"]["outputs"]["model"] = "steps/train/out/model.tar.gz"
    folder.step("evaluate", "Processing", ("train", "load"))
    report, drawn = evaluation(task, () if task == "regression" else names)
    folder.output("evaluate", "report", {"evaluation.json": report, "curves.json": drawn})
    if conditions:
        folder.gate("gate", list(conditions))
    return folder.write()
