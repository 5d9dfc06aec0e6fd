"""The commands about what happens by itself: `schedule` and `alarm`."""

from __future__ import annotations

import click

from fluentpipe import cli_options


@click.command(epilog='EXPRESSION is "rate(1 day)", "cron(0 6 ? * MON-FRI *)" or "at(2027-01-31T06:00:00)".')
@click.argument("pipeline")
@click.argument("expression", required=False)
@click.option("--role", help="ARN or name of the role that EventBridge Scheduler takes to start the pipeline.")
@click.option("--name", help="Of the schedule. [default: that of the pipeline]")
@click.option("--timezone", default="UTC", show_default=True, help="In which cron and at are meant.")
@click.option("-p", "--parameter", "parameters", multiple=True, callback=cli_options.pairs("NAME=VALUE"), help="Value of a parameter, as NAME=VALUE.")  # fmt: skip
@click.option("--disabled", is_flag=True, help="Make it, but let it start nothing.")
@click.option("--delete", "deletes", is_flag=True, help="Delete the schedule.")
@cli_options.region
@cli_options.profile
def schedule(
    pipeline: str,
    expression: str | None,
    role: str | None,
    name: str | None,
    timezone: str,
    parameters: dict[str, str],
    disabled: bool,
    deletes: bool,
    region: str | None,
    profile: str | None,
) -> None:
    """Start a deployed PIPELINE by the clock; without EXPRESSION, list its schedules."""
    from fluentpipe import schedules
    from fluentpipe.aws import Account

    if deletes and expression is not None:
        raise click.UsageError("--delete takes no EXPRESSION.")
    if expression is not None and role is None:
        raise click.UsageError("--role is needed: EventBridge Scheduler takes it to start the pipeline.")
    account = Account(region, profile)
    if deletes:
        schedules.unschedule(account, pipeline, name)
        cli_options.echo(f"deleted schedule {name or pipeline}")
    elif expression is None or role is None:
        for each in schedules.schedules(account, pipeline):
            cli_options.echo(str(each))
    else:
        made = schedules.schedule(
            account, pipeline, expression, role,
            name=name, timezone=timezone, parameters=parameters, enabled=not disabled, say=cli_options.echo,
        )  # fmt: skip
        cli_options.echo(str(made) if made.changed else f"{made} (unchanged)")


@click.command()
@click.argument("pipeline")
@click.argument("topic", required=False)
@click.option("--on", multiple=True, default=("Failed",), show_default=True, help="Status: Failed, Stopped, Succeeded, Executing, Stopping; repeatable.")  # fmt: skip
@click.option("--step", "steps", multiple=True, help="Step in place of the whole execution, such as quality_gate_failed; repeatable.")  # fmt: skip
@click.option("--name", help="Of the rule. [default: PIPELINE-alarm]")
@click.option("--delete", "deletes", is_flag=True, help="Delete the alarm.")
@cli_options.region
@cli_options.profile
def alarm(
    pipeline: str,
    topic: str | None,
    on: tuple[str, ...],
    steps: tuple[str, ...],
    name: str | None,
    deletes: bool,
    region: str | None,
    profile: str | None,
) -> None:
    """Tell the SNS TOPIC (an ARN) when an execution of a deployed PIPELINE, or a step of it, fails."""
    from fluentpipe import alarms
    from fluentpipe.aws import Account

    if deletes == (topic is not None):
        raise click.UsageError("give the ARN of a TOPIC, or --delete.")
    account = Account(region, profile)
    if topic is None:
        alarms.remove_alarm(account, pipeline, name)
        cli_options.echo(f"deleted alarm {alarms.rule_name(pipeline, name)}")
    else:
        cli_options.echo(
            str(alarms.alarm(account, pipeline, topic, on=on, steps=steps, name=name, say=cli_options.echo))
        )
