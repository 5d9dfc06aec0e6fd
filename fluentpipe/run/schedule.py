"""The order of the steps: each as soon as what it needs is there, independent ones side by side."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Literal

import attrs

from fluentpipe.definition import StepEntry
from fluentpipe.errors import GateFailed, RunError
from fluentpipe.run.conditions import Verdict, judge
from fluentpipe.run.execution import Execution
from fluentpipe.run.failure import not_carried_out
from fluentpipe.run.record import now
from fluentpipe.run.values import as_text

_NOT_EXECUTED: Literal["NotExecuted"] = "NotExecuted"
_SOON = 0.05  # seconds after which whoever looks at the manifest on the disk finds the newest states


@attrs.define
class Schedule:
    """The steps of one run that still wait, and what became of the others."""

    execution: Execution
    cores: int
    max_parallel: int
    deadline: float | None  # time.monotonic() at which the run must be over
    only: frozenset[str] | None = None  # the steps that were asked for; None for all
    _waiting: dict[str, StepEntry] = attrs.field(init=False)
    _needs: Mapping[str, frozenset[str]] = attrs.field(init=False)
    _done: dict[str, str] = attrs.field(init=False, factory=dict)  # name -> Succeeded or NotExecuted
    _branch: dict[str, str] = attrs.field(init=False, factory=dict)  # Condition step -> If or Else
    _verdicts: dict[str, tuple[Verdict, ...]] = attrs.field(init=False, factory=dict)
    _running: dict[Future[None], str] = attrs.field(init=False, factory=dict)

    def __attrs_post_init__(self) -> None:
        self._waiting = {entry.name: entry for entry in self.execution.definition.steps()}
        self._needs = {name: needs(entry) for name, entry in self._waiting.items()}
        if self.only is not None:
            self._needs = {name: needed & self.only for name, needed in self._needs.items()}

    def run(self) -> None:
        """Run everything to its end.

        Raises:
            GateFailed: A Fail step was reached.
            StepFailed: A program failed; everything else was ended.
            RunError: Something else went wrong; everything else was ended.
        """
        with ThreadPoolExecutor(self.max_parallel, thread_name_prefix="step") as pool:
            try:
                while self._waiting or self._running:
                    self._settle()
                    self._start(pool)
                    self._collect()
            except BaseException:
                self.execution.children.end()
                self._abandon("the run ended before")
                wait(self._running)
                raise

    def _settle(self) -> None:
        """Decide what needs no process: branches not taken, Condition and Fail steps; until nothing changes."""
        changed = True
        while changed:
            changed = False
            for name, entry in list(self._waiting.items()):
                if reason := self._not_executed(name, entry):
                    self._finish(name, _NOT_EXECUTED)
                    self.execution.record.step(name, _NOT_EXECUTED, on_disk=False, reason=reason)
                    changed = True
                elif entry.type in ("Condition", "Fail") and self._is_ready(name):
                    self._decide(entry)
                    changed = True

    def _start(self, pool: ThreadPoolExecutor) -> None:
        ready = [entry for name, entry in self._waiting.items() if self._is_ready(name)]
        starting = ready[: self.max_parallel - len(self._running)]
        threads = max(1, self.cores // max(1, len(starting) + len(self._running)))
        for entry in starting:
            del self._waiting[entry.name]
            self._running[pool.submit(self.execution.carry_out, entry, threads)] = entry.name

    def _collect(self) -> None:
        if not self._running:
            if self._waiting:
                names = ", ".join(self._waiting)
                raise RunError(f"These steps wait for each other, or for one that does not exist: {names}.")
            return
        ended, _ = wait(self._running, timeout=min(_SOON, self._left), return_when=FIRST_COMPLETED)
        if not ended:
            self.execution.record.catch_up()
            left = None if self.deadline is None else self._left
            ended, _ = wait(self._running, timeout=left, return_when=FIRST_COMPLETED)
        if not ended:
            raise RunError("The run took longer than its limit and was ended.", fix="give it more time: timeout=…")
        for future in ended:
            name = self._running.pop(future)
            future.result()
            self._finish(name, "Succeeded")

    @property
    def _left(self) -> float:
        """Seconds until the run must be over."""
        return math.inf if self.deadline is None else max(0.0, self.deadline - time.monotonic())

    def _is_ready(self, name: str) -> bool:
        return self._needs[name] <= self._done.keys()

    def _not_executed(self, name: str, entry: StepEntry) -> str:
        """Why a step will never run, or nothing."""
        if self.only is not None:
            return "" if name in self.only else "not asked for"
        for condition, branch in entry.scope:
            if self._branch.get(condition, branch) != branch:
                return f"{condition} took the other branch"
        skipped = sorted(need for need in self._needs[name] if self._done.get(need) == _NOT_EXECUTED)
        return f"{skipped[0]} was not executed" if skipped else ""

    def _finish(self, name: str, status: str) -> None:
        self._waiting.pop(name, None)
        self._done[name] = status

    def _decide(self, entry: StepEntry) -> None:
        record = self.execution.record
        started = now()
        try:
            if entry.type == "Fail":
                raise self._gate_failed(entry)
            verdicts = tuple(judge(each, self.execution.values) for each in entry.arguments["Conditions"])
        except RunError as error:
            wrapped = error if isinstance(error, GateFailed) else not_carried_out(entry.name, error)
            self._waiting.pop(entry.name)
            reason = str(wrapped).split("\n", 1)[0]
            record.step(entry.name, "Failed", started=started, ended=now(), reason=reason)
            raise wrapped from (None if wrapped is error else error)
        holds = all(verdict.holds for verdict in verdicts)
        self._verdicts[entry.name] = verdicts
        self._branch[entry.name] = "If" if holds else "Else"
        self.execution.values.documents[entry.name] = {"Outcome": holds}
        reason = "; ".join(verdict.line for verdict in verdicts)
        record.step(entry.name, "Succeeded", on_disk=False, started=started, ended=now(), reason=reason)
        self.execution.say(f"{entry.name}: {'holds' if holds else 'does not hold'} ({reason})")
        self._finish(entry.name, "Succeeded")

    def _gate_failed(self, entry: StepEntry) -> GateFailed:
        message = as_text(self.execution.values.resolve(entry.arguments.get("ErrorMessage", "")))
        gate = entry.scope[-1][0] if entry.scope else ""
        verdicts = self._verdicts.get(gate, ())
        return GateFailed(
            f"Step {entry.name!r} ended the run: {message}",
            *(verdict.line for verdict in verdicts),
            f"decided by step {gate!r}" if gate else "",
            fix="improve what was measured, or change the limit" if gate else "",
            step=entry.name,
            conditions=tuple(verdict.line for verdict in verdicts),
        )

    def _abandon(self, reason: str) -> None:
        for name in self._waiting:
            self.execution.record.step(name, _NOT_EXECUTED, reason=reason)


def needs(entry: StepEntry) -> frozenset[str]:
    """The steps that must be over before this one: those it refers to, DependsOn, the conditions it lies under."""
    named = (str(name).removeprefix("Steps.") for name in entry.request.get("DependsOn", ()))
    return frozenset((*entry.steps_used(), *named, *(condition for condition, _ in entry.scope))) - {entry.name}
