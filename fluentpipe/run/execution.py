"""Carrying out one step: a job as a process of its own, or what needs none.

A job works in `steps/.tmp-<step>-…/`: `ml/` stands for /opt/ml, `log.txt` and `job.json` lie beside it. What it
made is moved to `out/`, `ml/` is removed, and the folder appears as `steps/<step>` in one rename.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import attrs

from fluentpipe.definition import Definition, StepEntry
from fluentpipe.errors import FluentpipeError, RunError, StepFailed
from fluentpipe.run.environment import Mask, inherited
from fluentpipe.run.failure import job_failed, not_carried_out
from fluentpipe.run.job import ACCOUNT, Job, find_input, max_seconds
from fluentpipe.run.paths import as_in_container, inside, private_path
from fluentpipe.run.placing import Placed
from fluentpipe.run.process import Children, Command, Exit
from fluentpipe.run.processing import ProcessingJob
from fluentpipe.run.record import Record, now
from fluentpipe.run.registry import register
from fluentpipe.run.result import StepStatus
from fluentpipe.run.storage import Storage
from fluentpipe.run.training import TrainingJob
from fluentpipe.run.values import Values, as_text

_JOBS: Mapping[str, Callable[[str, str, Mapping[str, Any]], Job]] = {
    "Processing": ProcessingJob,
    "Training": TrainingJob,
}
_NAME_LIMIT = 63  # characters of a job's name


@attrs.define
class Execution:
    """What all steps of one run share."""

    definition: Definition
    record: Record
    storage: Storage
    children: Children
    echo: Callable[[str], None]
    parameters: Mapping[str, Any]  # of the pipeline; some may be secret
    values: Values = attrs.field(init=False)
    _entries: Mapping[str, StepEntry] = attrs.field(init=False)
    _lock: threading.Lock = attrs.field(init=False, factory=threading.Lock)

    def __attrs_post_init__(self) -> None:
        self._entries = {entry.name: entry for entry in self.definition.steps()}
        variables = execution_variables(self.definition.name, self.record.execution_id, self.record.started)
        self.values = Values(self.parameters, variables, self.property_file, self.storage.file)

    def say(self, text: str) -> None:
        """Show a line; one at a time."""
        with self._lock:
            self.echo(text)

    def carry_out(self, entry: StepEntry, threads: int) -> None:
        """Run a step to its end, record it, and let its values and outputs be found.

        Raises:
            StepFailed: Its program failed.
            RunError: It could not be started, or what it made could not be kept.
        """
        try:
            if entry.type in _JOBS:
                document = self._job(entry, threads)
            else:
                started = now()
                self.record.step(entry.name, "Running", started=started)
                document = {"Model": self._model, "RegisterModel": self._register}[entry.type](entry)
                self.record.step(entry.name, "Succeeded", started=started, ended=now())
            self.values.documents[entry.name] = document
        except StepFailed as error:
            self._record_end(entry, error)
            raise
        except (FluentpipeError, OSError, LookupError, TypeError, ValueError) as error:
            wrapped = not_carried_out(entry.name, error)
            self._record_end(entry, wrapped)
            raise wrapped from error

    def _record_end(self, entry: StepEntry, error: RunError) -> None:
        status: StepStatus = "Stopped" if self.children.ended else "Failed"
        reason = "ended with the run" if self.children.ended else str(error).split("\n", 1)[0]
        self.record.step(entry.name, status, ended=now(), reason=reason)
        self.say(f"{entry.name}: {status}")

    def _job(self, entry: StepEntry, threads: int) -> dict[str, Any]:
        name = job_name(self.record.execution_id, entry.name)
        request = self.values.resolve(entry.arguments, {f"{entry.type}JobName": name})
        job = _JOBS[entry.type](entry.name, name, request)
        stage, started, clock = self.record.stage(entry.name), now(), time.monotonic()
        log = f"steps/{stage.name}/log.txt"
        self.record.step(entry.name, "Running", started=started, job=name, log=log)
        self.say(f"{entry.name}: started")
        mask = Mask.of((self.parameters, request.get("Environment", {}), request.get("HyperParameters", {})))
        (stage / "job.json").write_text(json.dumps(mask.data(request), indent=2), encoding="utf-8")
        (stage / "log.txt").touch()
        try:
            ended = self._attempt(job, stage, threads, mask)
            published = job.publish(stage / "ml", stage)
        except BaseException:
            self._keep_failed(stage, entry.name)
            raise
        shutil.rmtree(stage / "ml")
        folder = self.record.publish(stage, entry.name)
        for uri, path in published.uris.items():
            self.storage.outputs.publish(uri, folder / path)
        seconds = time.monotonic() - clock
        self.record.step(
            entry.name,
            "Succeeded",
            **{**_measured(ended), "seconds": round(seconds, 3)},
            ended=now(),
            log=f"steps/{entry.name}/log.txt",
            outputs={output: f"steps/{entry.name}/{path}" for output, path in published.outputs.items()},
        )
        self._note_property_files(entry)
        self.say(f"{entry.name}: Succeeded in {seconds:.2f} s")
        times = {"CreationTime": started, "LastModifiedTime": now()}
        spans = {f"{entry.type}StartTime": started, f"{entry.type}EndTime": now()}
        billed = {"TrainingTimeInSeconds": round(seconds)} if entry.type == "Training" else {}
        return {**request, **job.describe(), **times, **spans, **billed}

    def _attempt(self, job: Job, stage: Path, threads: int, mask: Mask) -> Exit:
        """Place the inputs, run the program, and refuse an end that is none of success."""
        root, placed = stage / "ml", Placed()
        root.mkdir()
        for each in job.inputs:
            placed.place(find_input(self.storage, each), private_path(root, each.folder))
        job.prepare(root, self.storage)
        env = {**inherited(threads), **job.environment(root, threads)}
        command = Command(job.argv(root), job.cwd(root), env, max_seconds(job.request))
        with (stage / "log.txt").open("w", encoding="utf-8", errors="replace") as log:

            def on_line(line: str) -> None:
                line = as_in_container(mask.text(line), root)
                log.write(line + "\n")
                log.flush()
                self.say(f"[{job.step}] {line}")

            ended = self.children.run(command, on_line)
        if ended.code != 0:
            self.record.note(job.step, **_measured(ended))
            final = self.record.path / "steps" / job.step / "log.txt"
            raise job_failed(job, ended, root, final, mask, command.seconds)
        if changed := placed.changed():
            raise RunError(
                f"The program changed its input in place: {changed[0]}.",
                fix="let it write to its output; inputs are shared with other steps and with you",
            )
        return ended

    def _keep_failed(self, stage: Path, step: str) -> None:
        """Keep the log and the request of a failed step, and nothing that looks like an output."""
        for folder in ("ml", "out"):
            shutil.rmtree(stage / folder, ignore_errors=True)
        self.record.publish(stage, step)
        self.record.note(step, log=f"steps/{step}/log.txt")

    def property_file(self, step: str, name: str) -> Path:
        """The file here of a step's property file.

        Raises:
            RunError: The step does not declare it, or not for one of its outputs.
        """
        for declared in self._entries[step].request.get("PropertyFiles", ()) if step in self._entries else ():
            if declared.get("PropertyFileName") == name:
                outputs = self.record.outputs_of(step)
                if declared["OutputName"] not in outputs:
                    raise RunError(
                        f"Property file {name!r} of step {step!r} is of no output: {declared['OutputName']!r}."
                    )
                return inside(outputs[declared["OutputName"]], declared["FilePath"])
        raise RunError(f"Step {step!r} declares no property file {name!r}.", fix="add it to its PropertyFiles")

    def _note_property_files(self, entry: StepEntry) -> None:
        for declared in entry.request.get("PropertyFiles", ()):
            self.record.property_file(self.property_file(entry.name, declared["PropertyFileName"]))

    def _model(self, entry: StepEntry) -> dict[str, Any]:
        name = job_name(self.record.execution_id, entry.name)
        request = self.values.resolve(entry.arguments)
        return {**request, "ModelName": name, "ModelArn": f"{ACCOUNT}:model/{name}", "CreationTime": now()}

    def _register(self, entry: StepEntry) -> dict[str, Any]:
        request = self.values.resolve(entry.arguments)
        home = self.record.home
        version = register(home, request, self.storage, run=self.record.id, step=entry.name)
        self.record.model(
            group=version.group,
            version=version.number,
            arn=version.arn,
            path=f"../../registry/{version.group}/{version.number}",
            approval_status=as_text(version.document["ModelApprovalStatus"]),
        )
        self.say(f"{entry.name}: registered {version.group} version {version.number}")
        return dict(version.document)


def execution_variables(pipeline: str, execution_id: str, started: str) -> dict[str, str]:
    """What `Execution.<name>` gives."""
    arn = f"{ACCOUNT}:pipeline/{pipeline.lower()}"
    return {
        "PipelineName": pipeline,
        "PipelineArn": arn,
        "PipelineExecutionId": execution_id,
        "PipelineExecutionArn": f"{arn}/execution/{execution_id}",
        "StartDateTime": started,
        "CurrentDateTime": started,
    }


def job_name(execution_id: str, step: str) -> str:
    """The name of a step's job: `pipelines-<execution>-<step>`, at most 63 letters, digits and hyphens."""
    name = f"pipelines-{execution_id}-{step.replace('_', '-').strip('-')}"
    if len(name) <= _NAME_LIMIT:
        return name
    return f"{name[: _NAME_LIMIT - 9].rstrip('-')}-{hashlib.sha256(step.encode()).hexdigest()[:8]}"


def _measured(ended: Exit) -> dict[str, Any]:
    return {
        "exit_code": ended.code,
        "seconds": round(ended.seconds, 3),
        "cpu_seconds": round(ended.cpu_seconds, 3),
        "peak_memory_mb": round(ended.peak_memory_mb, 1),
    }
