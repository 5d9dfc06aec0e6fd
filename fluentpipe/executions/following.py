"""Following an execution: looked at now and then, what changed is told as the events of a run are."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import attrs

from fluentpipe.aws_faults import retold
from fluentpipe.errors import AwsError, Throttled, Unreachable
from fluentpipe.executions.steps import StepExecution
from fluentpipe.live import Echo, watching
from fluentpipe.outcome.told import Teller

if TYPE_CHECKING:
    from fluentpipe.executions.execution import Execution

POLL = 10.0  # seconds between two looks; the service updates its lists about that often
PATIENCE = 30  # looks in a row that may fail for want of an answer: the execution goes on meanwhile


@attrs.define
class Follower:
    """Knows what was told of an execution, and tells what is new."""

    execution: Execution
    teller: Teller
    _told: dict[str, tuple[str, str]] = attrs.field(factory=dict)
    _began: bool = False

    def look(self) -> bool:
        """Look once, tell what changed; whether the execution is over.

        Raises:
            AwsError: The service cannot be asked.
        """
        seen = self.execution.look()
        if not self._began:
            types = {name: step.type for name, step in seen.steps.items()}
            self.teller(
                {
                    "event": "run started",
                    "pipeline": self.execution.name,
                    "steps": types,
                    "elapsed": seen.elapsed,
                    "remote": True,
                }
            )
            self._began = True
        for step in seen.steps.values():
            for event in self._news(step):
                self.teller(event)
        if seen.is_over:
            self.teller({"event": f"run {seen.status}", "seconds": seen.elapsed, "reason": seen.failure})
        return seen.is_over

    def _news(self, step: StepExecution) -> Iterator[dict[str, Any]]:
        now = (step.state, step.reason)
        before = self._told.get(step.name, ("Waiting", ""))
        if now == before:
            return
        self._told[step.name] = now
        seconds = step.seconds
        if step.state not in ("Waiting", "Running") and before[0] == "Waiting" and seconds is not None:
            yield {"event": "step Running", "step": step.name, "elapsed": seconds, "quiet": True}
        yield {
            "event": f"step {step.state}",
            "step": step.name,
            "reason": step.reason,
            **({"elapsed": seconds} if step.state == "Running" else {"seconds": seconds}),
        }


def follow(execution: Execution, poll: float, echo: Echo) -> None:
    """Tell what happens until the execution is over.

    Raises:
        AwsError: The service refused, or gave no answer many times in a row.
        KeyboardInterrupt: By Ctrl-C; the execution goes on, and a line says so.
    """
    say = print if echo == "auto" else echo
    try:
        with watching(echo) as watch:
            _until_over(Follower(execution, Teller(watch)), poll)
    except KeyboardInterrupt:
        if say is not None:
            say(
                f"Execution {execution.short} goes on. Watch it again: fluentpipe watch {execution.short}; "
                f"end it: fluentpipe stop {execution.short}"
            )
        raise


def _until_over(follower: Follower, poll: float) -> None:
    failed = 0
    while True:
        try:
            if follower.look():
                return
            failed = 0
        except (Unreachable, Throttled) as error:
            failed += 1
            if failed > PATIENCE:
                raise _lost(follower.execution, error) from error
            follower.teller.say(f"no answer ({str(error).splitlines()[0]}); looking again")
        time.sleep(poll)


def _lost(execution: Execution, error: AwsError) -> AwsError:
    return retold(
        error,
        f"Execution {execution.short} cannot be watched any more; it goes on. {str(error).splitlines()[0]}",
        fix=f"with a network: fluentpipe watch {execution.short}",
    )
