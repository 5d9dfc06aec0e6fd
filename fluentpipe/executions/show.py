"""Executions for people to read: one as a table of its steps, several as a list."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timezone
from typing import TYPE_CHECKING

from fluentpipe.executions.finding import Summary
from fluentpipe.terminal import plain

if TYPE_CHECKING:
    from fluentpipe.executions.execution import Execution

_COLOURS = {
    "Succeeded": "green", "Failed": "red", "CompletedWithFailures": "red", "Stopped": "yellow", "Stopping": "yellow",
    "Running": "cyan", "Executing": "cyan", "Waiting": "dim", "NotExecuted": "dim",
}  # fmt: skip


def print_execution(execution: Execution) -> None:
    """Print how far an execution is: steps, times, reasons, and its ARN."""
    from rich import box
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    seen = execution.look()
    title = f"{execution.short}: {seen.status.lower()}, {_time(seen.elapsed)}"
    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left")
    table.add_column("step", no_wrap=True)
    table.add_column("status", no_wrap=True)
    table.add_column("time", no_wrap=True, justify="right")
    table.add_column("")
    for step in seen.steps.values():
        table.add_row(
            escape(step.name), _coloured(step.state), _time(step.seconds), escape(plain(step.reason.split("\n")[0]))
        )
    console = Console(highlight=False)
    console.print(table)
    if seen.failure:
        console.print(f"reason  {escape(plain(seen.failure))}", soft_wrap=True)
    console.print(f"arn     {escape(execution.arn)}", soft_wrap=True)


def print_executions(found: Sequence[Summary]) -> None:
    """Print a list of executions, one a line."""
    from rich import box
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("execution", "status", "started (UTC)", "name", "reason"):
        table.add_column(column, no_wrap=column != "reason")
    for each in found:
        started = each.started.astimezone(timezone.utc).strftime("%Y-%m-%d %H:%M:%S") if each.started else ""
        table.add_row(
            escape(each.id),
            _coloured(each.status),
            started,
            escape(plain(each.display_name)),
            escape(plain(each.failure[:200])),
        )
    Console(highlight=False).print(table if found else "no executions yet")


def _coloured(status: str) -> str:
    return f"[{_COLOURS.get(status, 'white')}]{status}[/]"


def _time(seconds: float | None) -> str:
    if seconds is None:
        return ""
    whole = int(seconds)
    return f"{seconds:.1f} s" if seconds < 100 else f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"
