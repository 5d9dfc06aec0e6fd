"""The commands about runs that were made here: `runs` and `show`, and what `logs` prints of one."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fluentpipe.run.home import home_folder

if TYPE_CHECKING:
    from fluentpipe.run import Run

_POLL = 0.2  # seconds between two looks at a log that grows
_WHICH = "RUN is an id, the beginning or the end of one, or `last`."


_home = click.option("--home", type=click.Path(path_type=Path), help="Folder of runs. [default: .fluentpipe]")


@click.command()
@_home
@click.option("-n", "--number", type=click.IntRange(min=1), default=20, show_default=True, help="How many, at most.")
def runs(home: Path | None, number: int) -> None:
    """List the runs, newest first."""
    from itertools import islice

    from fluentpipe.run.history import runs as found
    from fluentpipe.show import print_runs

    print_runs(list(islice(found(home_folder(home)), number)))


@click.command(epilog=_WHICH)
@click.argument("run", default="last")
@_home
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
    from fluentpipe.errors import SourceError, did_you_mean
    from fluentpipe.run.history import find

    found = find(home_folder(home), run)
    if step is not None and step not in found.steps:
        steps = ", ".join(found.steps)
        raise SourceError(
            f"The run has no step {step!r}.{did_you_mean(step, found.steps)}", f"its steps: {steps}", run=found.id
        )
    if step is not None and follow:
        _follow(found, step)
        return
    for name in [step] if step is not None else found.steps:
        for line in found.logs(name, last):
            click.echo(line if step is not None else f"[{name}] {line}")


def _follow(run: Run, step: str) -> None:
    """Print what is added to a log until the step is over; the log moves when the step is published."""
    from fluentpipe.run import Run

    written = 0
    while True:
        current = Run.load(run.path)
        log = current.steps[step].log
        if log is not None and log.is_file():
            with log.open("rb") as file:
                file.seek(written)
                added = file.read()
            written += len(added)
            click.echo(added.decode("utf-8", "replace"), nl=False)
        if current.status != "Running" or current.steps[step].status not in {"Waiting", "Running"}:
            return
        time.sleep(_POLL)
