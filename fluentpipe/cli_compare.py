"""The commands that read definitions: `diff` and `policy`."""

from __future__ import annotations

import functools
import json
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fluentpipe import cli_options, terminal
from fluentpipe.errors import FluentpipeError

if TYPE_CHECKING:
    from fluentpipe.against import Materialize
    from fluentpipe.definition import Definition
    from fluentpipe.difference import Difference

_STYLES = {
    "title": "bold",
    "step": "bold cyan",
    "added": "green",
    "removed": "red",
    "changed": "yellow",
    "renamed": "yellow",
    "code": "dim",
}
_TARGETS = (
    "A and B are definitions (FILE.json), bundle folders, modules (package.module:pipe) or scripts (train.py:pipe). "
    "Exit status: 0 they mean the same, 1 they differ, 2 trouble."
)


@click.command(epilog=_TARGETS)
@click.argument("a")
@click.argument("b", required=False)
@click.option("--role", help="ARN of the role that the jobs take, for a pipeline that is materialized.")
@click.option("--bucket", help="Bucket for code, data and outputs.")
@click.option("--region", help="Region, such as us-east-1; also of the deployed pipeline.")
@click.option("--profile", help="Of the AWS configuration, for the deployed pipeline.")
@click.option("--json", "as_json", is_flag=True, help="Plain data instead of text.")
def diff(
    a: str, b: str | None, role: str | None, bucket: str | None, region: str | None, profile: str | None, as_json: bool
) -> None:
    """What changes in meaning from A to B: steps, wiring, settings, code. With A alone, from what is deployed to A.

    Pipelines are materialized with the role, bucket and region of the other side, unless these are given.
    """
    try:
        found = _difference(a, b, {"role": role, "bucket": bucket, "region": region}, profile)
    except (FluentpipeError, FileNotFoundError):
        raise
    except Exception:  # noqa: BLE001  a script may raise anything, and Python's own status, 1, says "they differ"
        traceback.print_exc()
        sys.exit(2)
    if as_json:
        cli_options.echo(json.dumps(found.to_dict(), indent=2))
    else:
        _print(found)
    sys.exit(1 if found else 0)


def _difference(a: str, b: str | None, given: Mapping[str, str | None], profile: str | None) -> Difference:
    from fluentpipe import against
    from fluentpipe.difference import difference

    make, made = source(a)
    if b is None:
        name = made.name if made is not None else make().name
        old = against.deployed(name, against.Asking(given["region"], profile))
        return difference(old, made) if made is not None else against.against(make, old, given)
    other, theirs = source(b)
    if theirs is not None and made is None:
        made = make(**{**against.places_in(theirs), **_said(given)})
    if made is None:
        made = make(**_said(given))
    return difference(made, theirs) if theirs is not None else against.against(other, made, given)


def source(target: str) -> tuple[Materialize, Definition | None]:
    """What a word of the command line names: how to materialize it, and the definition if it is one already."""
    from fluentpipe.definition import Definition

    path = Path(target)
    if path.suffix == ".json" or path.is_dir():
        definition = Definition.load(path, strict=False)
        return functools.partial(_as_it_is, definition), definition
    from fluentpipe.script import pipeline_of

    return pipeline_of(target).materialize, None


def _as_it_is(definition: Definition, **_places: str) -> Definition:
    return definition


def _said(given: Mapping[str, str | None]) -> dict[str, Any]:
    return {name: place for name, place in given.items() if place is not None}


def _print(found: Difference) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, soft_wrap=True)
    for line, kind in found.lines():
        console.print(Text(terminal.plain(line), style=_STYLES[kind]))


@click.command(epilog="TARGET is a definition (FILE.json), a bundle folder, a module or a script, as module:pipe.")
@click.argument("target")
@click.option("--role", help="ARN of the role that the pipeline and its jobs take.")
@click.option(
    "--bucket", help="Bucket for code, data and outputs. [default: SageMaker's own, sagemaker-<region>-<account>]"
)
@click.option("--region", help="Region, such as us-east-1.")
@click.option(
    "--for",
    "whom",
    type=click.Choice(["deployer", "execution", "trust", "both"]),
    default="both",
    show_default=True,
    help="Who deploys and watches it, the role that it runs with, that role's trust policy, or all of them.",
)
def policy(target: str, role: str | None, bucket: str | None, region: str | None, whom: str) -> None:
    """Print the least IAM policies that a pipeline needs, as JSON; what could not be told goes to stderr."""
    from fluentpipe.policy import default_bucket, policies

    make, definition = source(target)
    if definition is None:
        own = bucket or default_bucket(role, region)
        definition = make(**_said({"role": role, "bucket": own, "region": region}))
    found = policies(definition, region=region, role=role, bucket=bucket)
    documents = {"deployer": found.deployer, "execution": found.execution, "trust": (found.trust,)}
    chosen = documents if whom == "both" else {whom: documents[whom]}
    plain = {name: each[0] if len(each) == 1 else list(each) for name, each in chosen.items()}
    cli_options.echo(json.dumps(plain if whom == "both" else plain[whom], indent=2))
    for note in found.notes:
        cli_options.echo(f"note: {note}", err=True)
