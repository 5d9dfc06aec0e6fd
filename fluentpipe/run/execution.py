"""Carrying out one step: a job as a process of its own, or what needs none.

A job works in `steps/.tmp-<step>-…/`. Its result is there already (see `reuse`), or its program makes it (see
`performing`); either way the folder appears as `steps/<step>` in one rename.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import attrs

from fluentpipe.definition import Definition, StepEntry
from fluentpipe.errors import FluentpipeError, RunError, StepFailed
from fluentpipe.run.cache import Result
from fluentpipe.run.emr import EMR_TYPES, check_written, step_document, uris, with_folders, written_places
from fluentpipe.run.environment import Mask
from fluentpipe.run.failure import not_carried_out
from fluentpipe.run.job import ACCOUNT, Job, instances
from fluentpipe.run.linking import link, link_tree
from fluentpipe.run.paths import inside
from fluentpipe.run.performing import Performance, measured
from fluentpipe.run.policies import retries
from fluentpipe.run.process import Children
from fluentpipe.run.record import Record, now
from fluentpipe.run.registry import register
from fluentpipe.run.result import StepStatus
from fluentpipe.run.reuse import Answer, Reuse
from fluentpipe.run.spark import processing_job
from fluentpipe.run.stand_in import StandIn, answered, with_paths
from fluentpipe.run.storage import Storage
from fluentpipe.run.training import TrainingJob
from fluentpipe.run.transform import MODEL, TransformJob
from fluentpipe.run.trials import Trials
from fluentpipe.run.tuning import TuningJob
from fluentpipe.run.values import Values, as_text

JOBS: Mapping[str, Callable[[str, str, Mapping[str, Any]], Job | TuningJob]] = {
    "Processing": processing_job,
    "Training": TrainingJob,
    "Tuning": TuningJob,
    "Transform": TransformJob,
}
_NAME_LIMIT = 63  # characters of a job's name
_TUNING_NAME_LIMIT = 32  # of a tuning job's; botocore: HyperParameterTuningJobName
_NEUTRAL_ID = "execution-id"  # in place of the run's, where it must not matter; as long as those are
_NEUTRAL_TIME = "1970-01-01T00:00:00.000Z"


@attrs.define
class Execution:
    """What all steps of one run share."""

    definition: Definition
    record: Record
    storage: Storage
    reuse: Reuse
    children: Children
    echo: Callable[[str], None]
    parameters: Mapping[str, Any]  # of the pipeline; some may be secret
    stand_ins: Mapping[str, StandIn] = attrs.field(factory=dict)
    values: Values = attrs.field(init=False)
    _neutral: Values = attrs.field(init=False)  # the same, without what differs between runs
    _entries: Mapping[str, StepEntry] = attrs.field(init=False)
    _lock: threading.Lock = attrs.field(init=False, factory=threading.Lock)

    def __attrs_post_init__(self) -> None:
        self._entries = {entry.name: entry for entry in self.definition.steps()}
        variables = execution_variables(self.definition.name, self.record.execution_id, self.record.started)
        self.values = Values(self.parameters, variables, self.property_file, self.storage.file)
        neutral = execution_variables(self.definition.name, _NEUTRAL_ID, _NEUTRAL_TIME)
        self._neutral = Values(self.parameters, neutral, self.property_file, self._file_of_neutral)

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
            if entry.type in JOBS:
                self._job(entry, threads)
                return
            started = now()
            self.record.step(entry.name, "Running", started=started)
            carry_out = {"Model": self._model, "RegisterModel": self._register}.get(entry.type, self._stand_in)
            self.know(entry.name, *carry_out(entry))
            self.record.step(entry.name, "Succeeded", started=started, ended=now())
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

    def know(self, step: str, document: Mapping[str, Any], neutral: Mapping[str, Any] | None = None) -> None:
        """Let the values of a finished step be found."""
        self.values.documents[step] = document
        self._neutral.documents[step] = document if neutral is None else neutral

    def _file_of_neutral(self, uri: str) -> Path:
        return self.storage.file(uri.replace(_NEUTRAL_ID, self.record.execution_id))

    def _job(self, entry: StepEntry, threads: int) -> None:
        job = self._job_with(entry, self.values, self.record.execution_id)
        neutral = self._job_with(entry, self._neutral, _NEUTRAL_ID)
        started, clock = now(), time.monotonic()
        mask = Mask.of_job(self.parameters, job.request)
        answer = self.reuse.ask(entry, job, neutral.request, self.storage, mask)
        stage = self.record.stage(entry.name)
        log = f"steps/{stage.name}/log.txt"
        self.record.note(entry.name, started=started, job=job.name, log=log)
        (stage / "job.json").write_text(json.dumps(mask.data(job.request), indent=2), encoding="utf-8")
        facts: dict[str, Any] = {}
        try:
            answer = self._taken(answer, stage)
            is_made = answer.result is None  # what is taken is over before anybody reads of it in the manifest
            self.record.step(entry.name, "Running", on_disk=is_made, reason=answer.why)
            if (result := answer.result) is None:
                result, facts = self._made(entry, job, stage, answer, threads, mask)
            folder = self.record.publish(stage, entry.name, linked=not is_made)
        except BaseException:
            self._keep_failed(stage, entry.name)
            raise
        outputs = {output: f"steps/{entry.name}/{path}" for output, path in result.outputs.items()}
        for uri, path in job.places(result.outputs).items():
            self.storage.outputs.publish(uri, folder / path)
        seconds = time.monotonic() - clock
        told = f"cached, from run {result.run}" if answer.result is not None else answer.why
        self.record.step(
            entry.name, "Succeeded", on_disk=is_made, **{**facts, "seconds": round(seconds, 3)}, started=started, ended=now(),
            log=f"steps/{entry.name}/log.txt", outputs=outputs, reason=told,
            cached=result.run if answer.result is not None else "",
        )  # fmt: skip
        self._note_property_files(entry)
        self.know(
            entry.name, *({**each.request, **each.describe(folder), **_times(entry, result)} for each in (job, neutral))
        )
        self.say(f"{entry.name}: {'cached' if answer.result is not None else f'Succeeded in {seconds:.2f} s'}")

    def _job_with(self, entry: StepEntry, values: Values, execution_id: str) -> Job | TuningJob:
        name = job_name(execution_id, entry.name, _TUNING_NAME_LIMIT if entry.type == "Tuning" else _NAME_LIMIT)
        request = values.resolve(entry.arguments, {f"{entry.type}JobName": name})
        if entry.type == "Transform":
            request[MODEL] = values.model(request["ModelName"])
        return JOBS[entry.type](entry.name, name, request)

    def _taken(self, answer: Answer, stage: Path) -> Answer:
        """Put a result that is there already into the step's folder; another run may have removed it meanwhile."""
        if answer.result is None:
            return answer
        try:
            if (answer.result.folder / "out").is_dir():
                link_tree(answer.result.folder / "out", stage / "out")
            link(answer.result.folder / "log.txt", stage / "log.txt")
        except FileNotFoundError:
            if answer.identity is None:  # of a past run that was asked for
                raise
            shutil.rmtree(stage / "out", ignore_errors=True)
            return Answer(answer.identity, None, "its result is not kept any more")
        return answer

    def _made(
        self, entry: StepEntry, job: Job | TuningJob, stage: Path, answer: Answer, threads: int, mask: Mask
    ) -> tuple[Result, dict[str, Any]]:
        """Carry a job out, again where a retry policy says so, and keep its result."""
        self.say(f"{entry.name}: started{f' ({answer.why})' if answer.why else ''}")
        if (count := instances(job.request)) > 1:
            self.say(f"{entry.name}: asks for {count} instances; here one does the work of all")
        started = now()
        final = self.record.path / "steps" / entry.name / "log.txt"
        (stage / "log.txt").touch()
        note = functools.partial(self.record.note, entry.name)
        performance = Performance(
            cast("Job", job), stage, self.storage, self.children, mask, self.say, self.record.output, self.record.memory, note, final
        )  # fmt: skip
        carried = self._trials(entry, job, performance, answer) if isinstance(job, TuningJob) else performance
        waits: Iterator[float] | None = None
        while True:
            try:
                ended, published = carried.run(threads)
                break
            except (RunError, OSError) as error:
                waits = retries(entry, error) if waits is None else waits
                if not self._try_again(entry, error, next(waits, None)):
                    raise
        facts = {**measured(ended), "started": started, "ended": now()}
        result = Result(stage, self.record.id, published.outputs, facts)
        self.reuse.keep(entry, answer, result)
        return result, measured(ended)

    def _trials(self, entry: StepEntry, job: TuningJob, alone: Performance, answer: Answer) -> Trials:
        neutral = cast("TuningJob", self._job_with(entry, self._neutral, _NEUTRAL_ID))
        again = answer.identity is not None and entry.name not in self.reuse.anew
        event = self.record.event
        return Trials(job, neutral, alone, self.reuse if again else None, self.record.id, event)

    def _try_again(self, entry: StepEntry, error: Exception, wait: float | None) -> bool:
        """Wait as long as a retry policy says; false if there is none, or the run is being ended."""
        if wait is None or self.children.ended:
            return False
        headline = str(error).split("\n", 1)[0]
        self.record.event("step retried", entry.name, reason=headline, wait=wait)
        self.say(f"{entry.name}: trying again in {wait:g} s ({headline})")
        return not self.children.wait_ended(wait)

    def _keep_failed(self, stage: Path, step: str) -> None:
        """Keep the log and the request of a failed step, as far as there is space, and nothing that looks like an output."""
        for folder in ("ml", "out"):
            shutil.rmtree(stage / folder, ignore_errors=True)
        with contextlib.suppress(OSError):
            logged = (stage / "log.txt").is_file()
            self.record.publish(stage, step)
            if logged:  # a function that stands in has none
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

    def _model(self, entry: StepEntry) -> tuple[dict[str, Any], dict[str, Any]]:
        made = now()

        def document(values: Values, execution_id: str) -> dict[str, Any]:
            name, request = job_name(execution_id, entry.name), values.resolve(entry.arguments)
            return {**request, "ModelName": name, "ModelArn": f"{ACCOUNT}:model/{name}", "CreationTime": made}

        return document(self.values, self.record.execution_id), document(self._neutral, _NEUTRAL_ID)

    def _stand_in(self, entry: StepEntry) -> tuple[dict[str, Any], ...]:
        self.say(f"{entry.name}: a function stands in for {entry.type}")
        request = self.values.resolve(entry.arguments)
        inputs = with_paths(request, self.storage, self.record.path / "given" / entry.name)
        if entry.type in EMR_TYPES:
            return self._emr(entry, request, inputs)
        document = answered(entry, inputs, self.stand_ins[entry.name])
        self.record.note(entry.name, answered=document)
        return (document,)

    def _emr(
        self, entry: StepEntry, request: Mapping[str, Any], inputs: dict[str, Any]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Let a function stand in for a step of EMR; what it writes are outputs like those of a job."""
        places = written_places(entry, request, self.definition.document)
        stage = self.record.stage(entry.name)
        try:
            given = with_folders(entry, inputs, places, stage / "out")
            answer = answered(entry, given, self.stand_ins[entry.name])
            check_written(entry, places, stage / "out")
            folder = self.record.publish(stage, entry.name)
        except BaseException:
            self._keep_failed(stage, entry.name)
            raise
        for uri, path in uris(places):
            self.storage.outputs.publish(uri, folder / path)
        document = {**step_document(entry, request), **answer}
        outputs = {each.name: f"steps/{entry.name}/out/{each.name}" for each in places}
        self.record.note(entry.name, answered=document, places=dict(uris(places)), outputs=outputs)
        return document, {**step_document(entry, self._neutral.resolve(entry.arguments)), **answer}

    def _register(self, entry: StepEntry) -> tuple[dict[str, Any]]:
        request = self.values.resolve(entry.arguments)
        neutral = self._neutral.resolve(entry.arguments) if self.reuse.enabled else None
        version = register(
            self.record.home, request, self.storage, run=self.record.id, step=entry.name, neutral=neutral,
            hashes=self.reuse.hashes,
        )  # fmt: skip
        self.record.model(
            group=version.group,
            version=version.number,
            arn=version.arn,
            path=f"../../registry/{version.group}/{version.number}",
            approval_status=as_text(version.document["ModelApprovalStatus"]),
        )
        done = "registered" if version.is_new else "the same is registered already:"
        self.say(f"{entry.name}: {done} {version.group} version {version.number}")
        return (dict(version.document),)


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


def job_name(execution_id: str, step: str, limit: int = _NAME_LIMIT) -> str:
    """The name of a step's job: `pipelines-<execution>-<step>`, at most `limit` letters, digits and hyphens."""
    start = "pipelines-" if limit >= _NAME_LIMIT else ""
    name = f"{start}{execution_id}-{step.replace('_', '-').strip('-')}"
    if len(name) <= limit:
        return name
    return f"{name[: limit - 9].rstrip('-')}-{hashlib.sha256(step.encode()).hexdigest()[:8]}"


def _times(entry: StepEntry, result: Result) -> dict[str, Any]:
    """When the job that made a result ran, and how long, as its Describe response has it."""
    started, ended = result.facts["started"], result.facts["ended"]
    times = {"CreationTime": started, "LastModifiedTime": ended}
    spans = {f"{entry.type}StartTime": started, f"{entry.type}EndTime": ended}
    if entry.type == "Tuning":
        spans = {"HyperParameterTuningEndTime": ended}
    billed = {"TrainingTimeInSeconds": round(result.facts["seconds"])} if entry.type == "Training" else {}
    return {**times, **spans, **billed}
