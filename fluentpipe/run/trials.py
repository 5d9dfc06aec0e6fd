"""Carrying out the trials of a tuning: in batches, each a training of its own, judged by what it wrote.

A batch is as large as the request lets trainings run at once, whatever the cores of this machine, and is told to the search in
its order. So the same seed searches the same values everywhere; cores only decide how many of a batch run side by side.
"""

from __future__ import annotations

import contextlib
import json
import math
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic
from typing import Any

import attrs

from fluentpipe.errors import RunError, StepFailed
from fluentpipe.run.cache import Result
from fluentpipe.run.identity import Identity
from fluentpipe.run.job import Published, max_seconds
from fluentpipe.run.linking import link_tree
from fluentpipe.run.performing import Performance, measured
from fluentpipe.run.process import Exit
from fluentpipe.run.record import now
from fluentpipe.run.reuse import Reuse
from fluentpipe.run.search import Search, Suggestion
from fluentpipe.run.training import TrainingJob
from fluentpipe.run.tuning import MOST_TRIALS, TRIALS, TuningJob

_FIRST = 3  # trials of which one must succeed, before more are begun


@attrs.frozen
class Trial:
    """What became of a trial."""

    number: int
    hyperparameters: Mapping[str, str]
    status: str  # Completed, Stopped, Failed: those of TrainingJobStatus
    value: float | None  # of the metric; None where none was told
    seconds: float
    cpu_seconds: float = 0.0
    peak_memory_mb: float = 0.0
    reason: str = ""
    cached: str = ""  # id of the run whose result it took
    error: RunError | None = attrs.field(default=None, eq=False)

    def as_dict(self) -> dict[str, Any]:
        """As it stands in the table of trials."""
        left_out = ("error", "cpu_seconds", "peak_memory_mb")
        return {name: value for name, value in attrs.asdict(self).items() if name not in left_out}


class _FallsBehind(Exception):
    """A trial is to be stopped."""


@attrs.define
class Trials:
    """The trials of one tuning, carried out in the folder of its step.

    Args:
        job: The tuning.
        neutral: The same, without what differs between runs.
        alone: How any single job of this step is carried out; each trial gets a job and a folder of its own.
        reuse: Finds trainings that are there already; None where nothing is taken again.
        event: Takes the name and the facts of an event.
    """

    job: TuningJob
    neutral: TuningJob
    alone: Performance
    reuse: Reuse | None
    run_id: str
    event: Callable[..., None]
    _done: list[Trial] = attrs.field(init=False, factory=list)

    def run(self, threads: int) -> tuple[Exit, Published]:
        """Search; afterwards `out/` holds what the trials made, and their table.

        Raises:
            StepFailed: The first trials failed, or all of them.
            RunError: A trial could not be started, or none told the metric.
        """
        began = monotonic()
        for name in ("out", "trials"):  # of an earlier try
            shutil.rmtree(self.alone.stage / name, ignore_errors=True)
        self._done.clear()
        limits = self.job.config["ResourceLimits"]
        budget = limits.get("MaxRuntimeInSeconds", math.inf)
        batch = int(limits["MaxParallelTrainingJobs"])
        search = Search(self.job.config, int(limits.get("MaxNumberOfTrainingJobs", MOST_TRIALS)), batch)
        workers = max(1, min(batch, threads))
        with ThreadPoolExecutor(workers, thread_name_prefix="trial") as pool:
            while not self._is_over(began + budget) and (asked := search.ask()):
                tried = [
                    pool.submit(self._try, each, search, max(1, threads // workers), began + budget) for each in asked
                ]
                for each in tried:
                    self._note(each.result(), search)
        self._write()
        cpu = sum(trial.cpu_seconds for trial in self._done)
        peak = max(trial.peak_memory_mb for trial in self._done)
        return Exit(0, monotonic() - began, cpu, peak, False, ()), Published(self.job.outputs(self.alone.stage))

    def _is_over(self, deadline: float) -> bool:
        """Whether the search ends here.

        Raises:
            StepFailed: None of the first trials succeeded.
        """
        failed = [trial for trial in self._done if trial.status == "Failed"]
        if len(failed) == len(self._done) >= _FIRST and failed[0].error is not None:
            raise failed[0].error
        if monotonic() >= deadline:
            self._tell("the time of the search is over")
            return True
        criteria = self.job.config.get("TuningJobCompletionCriteria", {})
        target = criteria.get("TargetObjectiveMetricValue")
        best = self._best()
        if best is not None and target is not None and (best.value == target or self._is_better(best.value, target)):
            self._tell(f"trial {best.number} reaches {target:g}")
            return True
        patience = criteria.get("BestObjectiveNotImproving", {}).get("MaxNumberOfTrainingJobsNotImproving", math.inf)
        if best is not None and len(self._done) - best.number >= patience:
            self._tell(f"none of the last {len(self._done) - best.number} trials was better")
            return True
        return False

    def _try(self, suggestion: Suggestion, search: Search, threads: int, deadline: float) -> Trial:
        folder = self.alone.stage / "trials" / f"{suggestion.number:03}"
        folder.mkdir(parents=True)
        began = monotonic()
        job = self.job.trial(suggestion.number, suggestion.values, deadline - began)
        identity, facts = self._taken(suggestion, job, folder)
        if not facts:
            try:
                facts = self._carried_out(job, folder, threads, identity, self._watch(suggestion, search))
            except (_FallsBehind, StepFailed) as error:
                return self._ended(suggestion, folder, began, error, max_seconds(job.request))
        if (folder / "out").is_dir():
            (self.alone.stage / "out").mkdir(exist_ok=True)
            (folder / "out").rename(self.alone.stage / "out" / folder.name)
        value = last_value(folder / "log.txt", self.job.metrics)
        reason = "" if value is not None else f"it never told {self._metric!r}"
        status = "Completed" if value is not None else "Failed"
        return Trial(suggestion.number, suggestion.values, status, value, monotonic() - began, reason=reason, **facts)

    def _taken(self, suggestion: Suggestion, job: TrainingJob, folder: Path) -> tuple[Identity | None, dict[str, Any]]:
        """The identity of a trial, and of which run its result was taken, if it is there already."""
        if self.reuse is None:
            return None, {}
        neutral = self.neutral.trial(suggestion.number, suggestion.values).request
        identity, kept = self.reuse.kept(job, neutral, self.alone.storage, self.alone.mask)
        if kept is not None:
            with contextlib.suppress(FileNotFoundError):  # another run may remove it meanwhile
                link_tree(kept.folder / "out", folder / "out")
                shutil.copyfile(kept.folder / "log.txt", folder / "log.txt")
                return identity, {"cached": kept.run}
        shutil.rmtree(folder / "out", ignore_errors=True)
        return identity, {}

    def _carried_out(
        self,
        job: TrainingJob,
        folder: Path,
        threads: int,
        identity: Identity | None,
        on_line: Callable[[str, str], None],
    ) -> dict[str, Any]:
        """Train, and keep what was made; returns what it took."""
        (folder / "log.txt").touch()
        log = self.alone.log.parent / "trials" / folder.name / "log.txt"
        performance = attrs.evolve(
            self.alone, job=job, stage=folder, log=log, say=_nothing, note=_nothing, output=on_line
        )
        started = now()
        ended, published = performance.run(threads)
        if self.reuse is not None and identity is not None:
            facts = {**measured(ended), "started": started, "ended": now()}
            result = Result(folder, self.run_id, published.outputs, facts)
            self.reuse.cache.keep(identity, result, self.reuse.hashes)
        return {"cpu_seconds": ended.cpu_seconds, "peak_memory_mb": ended.peak_memory_mb}

    def _ended(
        self, suggestion: Suggestion, folder: Path, began: float, error: Exception, limit: float | None
    ) -> Trial:
        """A trial that did not come to its end."""
        if self.alone.children.ended:
            raise error
        shutil.rmtree(folder / "ml", ignore_errors=True)
        seconds = monotonic() - began
        stopped = isinstance(error, _FallsBehind) or (limit is not None and seconds >= limit)
        return Trial(
            suggestion.number,
            suggestion.values,
            "Stopped" if stopped else "Failed",
            last_value(folder / "log.txt", self.job.metrics) if isinstance(error, _FallsBehind) else None,
            seconds,
            reason="fell behind the others" if isinstance(error, _FallsBehind) else str(error).split("\n", 1)[0],
            error=error if isinstance(error, RunError) else None,
        )

    def _watch(self, suggestion: Suggestion, search: Search) -> Callable[[str, str], None]:
        """Tells the search what a trial says of its metric while it goes on, and stops a trial that falls behind."""
        patterns = [re.compile(each) for each in self.job.metrics]
        told = 0

        def on_line(_step: str, line: str) -> None:
            nonlocal told
            if (value := _value_in(line, patterns)) is not None:
                told += 1
                if search.falls_behind(suggestion.number, told, value):
                    raise _FallsBehind

        return on_line

    def _note(self, trial: Trial, search: Search) -> None:
        self._done.append(trial)
        search.tell(trial.number, trial.value, stopped=trial.status == "Stopped")
        best = self._best()
        chosen = " ".join(f"{name}={value}" for name, value in trial.hyperparameters.items())
        if trial.value is None:
            figure = trial.reason
        else:
            figure = f"{self._metric} {trial.value:.6g}" + (f" (best {best.value:.6g})" if best else "")
        how = "cached" if trial.cached else f"{trial.seconds:.1f} s"
        of = f" of {search.limit}" if search.limit < MOST_TRIALS else ""
        self._tell(f"trial {trial.number}{of} {trial.status}: {figure}, {how}, {chosen}")
        self.event(
            f"trial {trial.status}", self.job.step, trial=trial.number, value=trial.value,
            hyperparameters=dict(trial.hyperparameters), seconds=round(trial.seconds, 3), reason=trial.reason,
            cached=trial.cached, best=best.number if best else None,
        )  # fmt: skip

    def _tell(self, line: str) -> None:
        line = self.alone.mask.text(line)
        with (self.alone.stage / "log.txt").open("a", encoding="utf-8", errors="replace") as log:
            log.write(line + "\n")
        self.alone.output(self.job.step, line)
        self.alone.say(f"[{self.job.step}] {line}")

    def _best(self) -> Trial | None:
        """The best trial that came to its end; of equals the first."""
        found: Trial | None = None
        for trial in self._done:
            if trial.status == "Completed" and (found is None or self._is_better(trial.value, found.value)):
                found = trial
        return found

    def _is_better(self, one: float | None, other: float | None) -> bool:
        assert one is not None
        assert other is not None
        return one < other if self._direction == "Minimize" else one > other

    @property
    def _metric(self) -> str:
        return str(self.job.config["HyperParameterTuningJobObjective"]["MetricName"])

    @property
    def _direction(self) -> str:
        return str(self.job.config["HyperParameterTuningJobObjective"]["Type"])

    def _write(self) -> None:
        best = self._best()
        if best is None:
            failed = next((trial.error for trial in self._done if trial.error is not None), None)
            raise failed or RunError(
                f"None of the {len(self._done)} trials told {self._metric!r} and came to its end.",
                *(f"trial {trial.number}: {trial.status}, {trial.reason}" for trial in self._done[:3]),
                fix="let the training print it as MetricDefinitions say, or give the search more time",
            )
        (self.alone.stage / "out").mkdir(exist_ok=True)
        table = {
            "version": 1,
            "metric": self._metric,
            "direction": self._direction,
            "best": best.number,
            "trials": [self.alone.mask.data(trial.as_dict()) for trial in self._done],
        }
        (self.alone.stage / "out" / TRIALS).write_text(json.dumps(table, indent=1), encoding="utf-8")


def last_value(log: Path, regexes: Sequence[str]) -> float | None:
    """The last value of a metric that a log tells; None if there is none."""
    patterns = [re.compile(each) for each in regexes]
    with log.open(encoding="utf-8", errors="replace") as lines:
        found = [value for line in lines if (value := _value_in(line, patterns)) is not None]
    return found[-1] if found else None


def _value_in(line: str, patterns: Sequence[re.Pattern[str]]) -> float | None:
    """What a line tells. Tabs are `#011` where the service looks, and regular expressions are written for that."""
    for text in _forms(line):
        for pattern in patterns:
            if found := pattern.search(text):
                with contextlib.suppress(ValueError, IndexError, TypeError):
                    value = float(found.group(1))
                    return value if math.isfinite(value) else None
    return None


def _forms(line: str) -> Iterator[str]:
    yield line
    if "\t" in line:
        yield line.replace("\t", "#011")


def _nothing(*_: object, **__: object) -> None:
    """Say nothing."""
