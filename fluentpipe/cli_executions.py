"""The commands about executions on SageMaker: `start`, `status`, `watch`, `stop`, `retry`, `executions`; and `logs` for both."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fluentpipe import cli_options, cli_runs

if TYPE_CHECKING:
    from fluentpipe.executions import Execution
    from fluentpipe.live import Echo

_POLL = 10.0  # seconds between two looks
_WHICH = "EXECUTION is churn (the newest one of pipeline churn), churn/ID (the beginning or the end of one will do) or an ARN."


_plain = click.option("--plain", is_flag=True, help="Lines instead of a live table, also in a terminal.")
_poll = click.option(
    "--poll", type=click.FloatRange(min=0), default=_POLL, show_default=True, help="Seconds between two looks."
)


@click.command(
    epilog="PIPELINE is the name or the ARN of a deployed pipeline, or a module (package.module:pipe) or a script (train.py:pipe)."
)
@click.argument("pipeline")
@click.option(
    "--data", help="Where the rows are instead of the default: an S3 URI, or a local file or folder to upload."
)
@click.option(
    "-p",
    "--parameter",
    "parameters",
    multiple=True,
    callback=cli_options.pairs("NAME=VALUE"),
    help="Value of a parameter, as NAME=VALUE.",
)
@click.option(
    "--only", metavar="STEP", multiple=True, help="This step alone, on an earlier execution's results; repeatable."
)
@click.option("--from", "from_step", metavar="STEP", help="This step and all that depend on it, likewise.")
@click.option("--source", metavar="ARN", help="That earlier execution. [default: the newest that succeeded or failed]")
@click.option("--display-name", help="Of the execution in the console.")
@click.option("--max-parallel-steps", type=click.IntRange(min=1), help="Steps that run side by side.")
@click.option("--bucket", help="For local data. [default: sagemaker-REGION-ACCOUNT]")
@click.option("--token", help="Of an earlier start that got no answer: both start one execution.")
@click.option("--watch", "watches", is_flag=True, help="Follow it to its end.")
@_plain
@_poll
@cli_options.region
@cli_options.profile
def start(
    pipeline: str,
    data: str | None,
    parameters: dict[str, str],
    only: tuple[str, ...],
    from_step: str | None,
    source: str | None,
    display_name: str | None,
    max_parallel_steps: int | None,
    bucket: str | None,
    token: str | None,
    watches: bool,
    plain: bool,
    poll: float,
    region: str | None,
    profile: str | None,
) -> None:
    """Start a deployed pipeline on SageMaker."""
    from fluentpipe.aws import Account
    from fluentpipe.executions import start as start_pipeline

    chain = _chain(pipeline)
    if chain is not None and data is not None:
        parameters = {**parameters, chain.data_parameter(): data}
    execution = start_pipeline(
        Account(region, profile),
        chain.name if chain is not None else pipeline,
        parameters=parameters,
        data=data if chain is None else None,
        only=only or None,
        from_step=from_step,
        source=source,
        display_name=display_name,
        max_parallel_steps=max_parallel_steps,
        bucket=bucket,
        token=token,
        say=cli_options.echo,
    )
    cli_options.echo(f"started {execution.short}\n{execution.arn}")
    if watches:
        _follow(execution, poll, plain=plain)
    else:
        cli_options.echo(f"follow it: fluentpipe watch {execution.short}")


def _chain(target: str) -> Any:
    """The pipeline of a module or a script; None for the name or the ARN of one that is deployed."""
    where = target.rpartition(":")[0] or target
    if target.startswith("arn:") or not (where.endswith(".py") or ":" in target):
        return None
    from fluentpipe.script import pipeline_of

    return pipeline_of(target)


@click.command(epilog=_WHICH)
@click.argument("execution")
@cli_options.region
@cli_options.profile
def status(execution: str, region: str | None, profile: str | None) -> None:
    """Show how far an execution is."""
    from fluentpipe.executions.show import print_execution

    print_execution(_found(execution, region, profile))


@click.command(epilog=_WHICH)
@click.argument("execution")
@_plain
@_poll
@cli_options.region
@cli_options.profile
def watch(execution: str, plain: bool, poll: float, region: str | None, profile: str | None) -> None:
    """Follow an execution to its end; Ctrl-C leaves it running."""
    _follow(_found(execution, region, profile), poll, plain=plain)


@click.command(epilog=_WHICH)
@click.argument("execution")
@cli_options.region
@cli_options.profile
def stop(execution: str, region: str | None, profile: str | None) -> None:
    """Stop an execution; what succeeded stays, and `retry` goes on from there."""
    found = _found(execution, region, profile).stop()
    cli_options.echo(f"{found.short}: {found.status}")


@click.command(epilog=_WHICH)
@click.argument("execution")
@click.option("--max-parallel-steps", type=click.IntRange(min=1), help="Steps that run side by side.")
@click.option("--watch", "watches", is_flag=True, help="Follow it to its end.")
@_plain
@_poll
@cli_options.region
@cli_options.profile
def retry(
    execution: str,
    max_parallel_steps: int | None,
    watches: bool,
    plain: bool,
    poll: float,
    region: str | None,
    profile: str | None,
) -> None:
    """Go on with an execution that failed or was stopped; what succeeded is not carried out again."""
    found = _found(execution, region, profile).retry(max_parallel_steps=max_parallel_steps)
    cli_options.echo(f"going on with {found.short}")
    if watches:
        _follow(found, poll, plain=plain)


@click.command()
@click.argument("pipeline")
@click.option("-n", "--number", type=click.IntRange(min=1), default=20, show_default=True, help="How many, at most.")
@cli_options.region
@cli_options.profile
def executions(pipeline: str, number: int, region: str | None, profile: str | None) -> None:
    """List the executions of a deployed pipeline, newest first."""
    from fluentpipe.aws import Account
    from fluentpipe.executions import list_executions
    from fluentpipe.executions.show import print_executions

    print_executions(list(islice(list_executions(Account(region, profile), pipeline), number)))


@click.command(epilog=f"RUN is the id of a run here, the beginning or the end of one, or `last`; or {_WHICH}")
@click.argument("run")
@click.argument("step", required=False)
@cli_options.home
@click.option("-f", "--follow", is_flag=True, help="Go on as long as the step runs.")
@click.option("-n", "--last", type=click.IntRange(min=0), help="The last lines only.")
@_poll
@cli_options.region
@cli_options.profile
def logs(
    run: str,
    step: str | None,
    home: Path | None,
    follow: bool,
    last: int | None,
    poll: float,
    region: str | None,
    profile: str | None,
) -> None:
    """Print the log of a step, of a run here or of an execution; without STEP, of all, each line with its step."""
    from fluentpipe.executions.finding import is_execution

    if not is_execution(run):
        cli_runs.print_logs(run, step, home, follow=follow, last=last)
        return
    found = _found(run, region, profile)
    if step is not None and follow:
        from fluentpipe.executions.logs import follow as follow_step

        for line in follow_step(found, step, poll):
            cli_options.echo(line)
        return
    cli_runs.print_lines(found, step, last)


def _found(which: str, region: str | None, profile: str | None) -> Execution:
    from fluentpipe.aws import Account
    from fluentpipe.executions import find

    if region is None and which.startswith("arn:"):
        region = which.split(":")[3] or None
    return find(Account(region, profile), which)


def _follow(execution: Execution, poll: float, *, plain: bool) -> None:
    echo: Echo = cli_options.echo if plain else "auto"
    try:
        execution.watch(poll, echo=echo)
    except KeyboardInterrupt:
        raise SystemExit(130) from None


COMMANDS = (start, status, watch, stop, retry, executions, logs)
