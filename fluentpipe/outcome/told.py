"""The events of a run that is followed, told to whoever watches: to a live table, or as lines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from fluentpipe.live import Watch

_QUIET = ("output", "memory")


@attrs.frozen
class Teller:
    """Takes each event of a run."""

    watch: Watch

    def __call__(self, event: Mapping[str, Any]) -> None:
        """Tell an event to the table, and as a line."""
        if self.watch.listener is not None:
            self.watch.listener(event)
        if self.watch.echo is not None and (line := line_of(event)):
            self.watch.echo(line)

    def say(self, line: str) -> None:
        """A line beside the events; nothing where a table stands."""
        if self.watch.echo is not None:
            self.watch.echo(line)


def line_of(event: Mapping[str, Any]) -> str:
    """`xgboost_training: Succeeded in 63.2 s (cached)`, or nothing for what is no news."""
    kind, _, state = str(event.get("event", "")).partition(" ")
    if kind in _QUIET or event.get("quiet") or (kind == "run" and state == "started"):
        return ""
    seconds = event.get("seconds")
    took = f" in {seconds:.1f} s" if isinstance(seconds, int | float) and state != "Running" else ""
    reason = str(event.get("reason") or "").split("\n", 1)[0]
    why = f" ({reason})" if reason else ""
    if kind == "run":
        return f"{state}{took}{why}"
    return f"{event.get('step')}: {state}{took}{why}" if kind == "step" and state in _STATES else ""


_STATES = frozenset(("Running", "Stopping", "Succeeded", "Failed", "Stopped", "NotExecuted"))
