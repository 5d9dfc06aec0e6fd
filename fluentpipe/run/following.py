"""Following a run that another process carries out, by what it writes: events.jsonl for the story, run.json for the end."""

from __future__ import annotations

import json
import time

from fluentpipe.errors import GateFailed, RunError, StepFailed
from fluentpipe.live import Echo, watching
from fluentpipe.outcome.told import Teller
from fluentpipe.run.events import Event
from fluentpipe.run.result import Run


def follow(run: Run, poll: float, echo: Echo, *, check: bool) -> Run:
    """Tell what happens until the run is over, and return it as it is then; see `Run.watch`."""
    with watching(echo) as watch:
        teller, position = Teller(watch), 0
        while True:
            current = Run.load(run.path)  # before the events: all of them are there once it is over
            position = _tell_new(teller, current, position)
            if current.status != "Running":
                break
            time.sleep(poll)
    if check and current.status != "Succeeded":
        raise _failed(current)
    return current


def _tell_new(teller: Teller, run: Run, position: int) -> int:
    """Tell the events after a position of the file; those that are not whole yet are left for the next time."""
    try:
        with (run.path / "events.jsonl").open("rb") as file:
            file.seek(position)
            added = file.read()
    except OSError:
        return position
    for line in added.splitlines(keepends=True):
        if not line.endswith(b"\n"):
            break
        if (event := _event(line)) is not None:
            over = event["event"].startswith("run ") and event["event"] != "run started"
            if over and run.status == "Running":  # written a moment before run.json, which has the seconds
                break
            teller({**event, **({"seconds": run.seconds} if over else {})})
        position += len(line)
    return position


def _event(line: bytes) -> Event | None:
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) and isinstance(event.get("event"), str) else None


def _failed(run: Run) -> RunError:
    """The error that the run itself ended with, as far as its folder tells."""
    failed = next((step for step in run.steps.values() if step.state == "Failed"), None)
    headline = run.reason or f"Run {run.id} of {run.name!r} {run.status.lower()}."
    if failed is None:
        return RunError(headline, fix="run it again; what is finished is taken from the cache", run=run)
    if failed.type == "Fail":
        return GateFailed(headline, step=failed.name, run=run)
    tail = [f"  | {line}" for line in run.logs(failed.name, 10)]
    return StepFailed(
        headline, *tail, fix=f"see its log: {failed.log}", step=failed.name, exit_code=failed.exit_code,
        log=str(failed.log or ""), run=run,
    )  # fmt: skip
