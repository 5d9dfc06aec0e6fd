"""The commands that change what is on SageMaker: `deploy` and `delete`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from fluentpipe import cli_options

_TARGET_HELP = (
    "TARGET is a definition (FILE.json), a bundle folder, a module (package.module:pipe) or a script (train.py:pipe)."
)


@click.command(epilog=_TARGET_HELP)
@click.argument("target")
@click.option("--role", help="ARN or name of the role that the pipeline and its jobs take.")
@click.option("--bucket", help="For code, data and outputs. [default: sagemaker-REGION-ACCOUNT, made if it is missing]")
@cli_options.region
@cli_options.profile
@click.option(
    "--tag", "tags", multiple=True, callback=cli_options.pairs("KEY=VALUE"), metavar="KEY=VALUE", help="Tag of the pipeline; repeatable. Others are removed."
)  # fmt: skip
@click.option("--max-parallel-steps", type=click.IntRange(min=1), help="Steps that run side by side.")
@click.option("--display-name", help="Of the pipeline in the console.")
@click.option("--description", help="Of the pipeline.")
@click.option("--name", help="Of the pipeline, where TARGET is a FILE.json. [default: made from that of the file]")
@click.option("--dry-run", is_flag=True, help="Only say what would change.")
def deploy(
    target: str,
    role: str | None,
    bucket: str | None,
    region: str | None,
    profile: str | None,
    tags: Mapping[str, str],
    max_parallel_steps: int | None,
    display_name: str | None,
    description: str | None,
    name: str | None,
    dry_run: bool,
) -> None:
    """Deploy to SageMaker: upload what is missing, create the pipeline or update what differs."""
    options: dict[str, Any] = {
        "bucket": bucket,
        "region": region,
        "profile": profile,
        "tags": tags or None,
        "max_parallel_steps": max_parallel_steps,
        "display_name": display_name,
        "description": description,
        "say": cli_options.echo,
        "dry_run": dry_run,
    }
    path = Path(target)
    if path.suffix == ".json" or path.is_dir():
        from fluentpipe.definition import Definition
        from fluentpipe.deploy import deploy as deploy_definition

        deploy_definition(Definition.load(path, name=name), role, **options)
        return
    from fluentpipe.script import pipeline_of

    if name is not None:
        raise click.UsageError("--name is for definitions; the pipeline of a script says its name itself.")
    if role is None:
        raise click.UsageError("--role is needed: the jobs of a chain take it.")
    pipeline_of(target).upsert(role, **options)


@click.command()
@click.argument("name")
@cli_options.region
@cli_options.profile
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
def delete(name: str, region: str | None, profile: str | None, yes: bool) -> None:
    """Delete a pipeline from SageMaker. Its files in S3 stay: executions and registered models refer to them."""
    from fluentpipe.aws import Account
    from fluentpipe.deploy import delete as delete_pipeline

    account = Account(region, profile)
    if not yes:
        click.confirm(f"delete pipeline {name} from account {account.account_id}, {account.region}?", abort=True)
    delete_pipeline(account, name)
    cli_options.echo(f"deleted {name}")
