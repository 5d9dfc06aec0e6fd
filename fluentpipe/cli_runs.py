"""The commands about runs that were made here: `runs` and `show`, and what `logs` prints of one."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fluentpipe import cli_options
from fluentpipe.run.home import home_folder

if TYPE_CHECKING:
    from fluentpipe.outcome.shape import PipelineRun
    from fluentpipe.run import Run

_POLL = 0.2  # seconds between two looks at a log that grows
_WHICH = "RUN is an id, the beginning or the end of one, or `last`."


@click.command()
@cli_options.home
@click.option("-n", "--number", type=click.IntRange(min=1), default=20, show_default=True, help="How many, at most.")
def runs(home: Path | None, number: int) -> None:
    """List the runs, newest first."""
    from itertools import islice

    from fluentpipe.run.history import runs as found
    from fluentpipe.show import print_runs

    print_runs(list(islice(found(home_folder(home)), number)))


@click.command(epilog=_WHICH)
@click.argument("run", default="last")
@cli_options.home
@click.option("--open", "opens", is_flag=True, help="Open the report in a browser.")
def show(run: str, home: Path | None, opens: bool) -> None:
    """Show how a run went, and where its report lies."""
    from fluentpipe.run.history import find
    from fluentpipe.show import print_run

    found = find(home_folder(home), run)
    print_run(found)
    if found.status == "Running":
        return
    page = found.report
    if opens:
        click.launch(page.as_uri())


def print_logs(run: str, step: str | None, home: Path | None, *, follow: bool, last: int | None) -> None:
    """Print the log of a step of a run here; without `step`, of all, each line with its step."""
    from fluentpipe.run.history import find

    found = find(home_folder(home), run)
    if step is not None and follow:
        _follow(found, step)
    else:
        print_lines(found, step, last)


def print_lines(run: PipelineRun, step: str | None, last: int | None) -> None:
    """Print the log of a step, of a run here or of an execution; without `step`, of all, each line with its step."""
    for name in [step] if step is not None else run.steps:
        for line in run.logs(name, last):
            cli_options.echo(line if step is not None else f"[{name}] {line}")


def _follow(run: Run, step: str) -> None:
    """Print what is added to a log until the step is over; the log moves when the step is published.

    Raises:
        UnknownOutput: The run has no such step.
    """
    from fluentpipe.outcome.asked import known_step
    from fluentpipe.run import Run

    known_step(run.steps, step, f"run {run.id}")
    written = 0
    while True:
        current = Run.load(run.path)
        log = current.steps[step].log
        if log is not None and log.is_file():
            with log.open("rb") as file:
                file.seek(written)
                added = file.read()
            written += len(added)
            cli_options.echo(added.decode("utf-8", "replace"), nl=False)
        if current.status != "Running" or current.steps[step].status not in {"Waiting", "Running"}:
            return
        time.sleep(_POLL)
