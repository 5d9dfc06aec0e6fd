"""Options that several commands share, and how all of them print."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from fluentpipe.terminal import plain

home = click.option(
    "--home", type=click.Path(path_type=Path), help="Folder of runs and of the model registry. [default: .fluentpipe]"
)
region = click.option("--region", help="Region, such as us-east-1. [default: that of the profile]")
profile = click.option("--profile", help="Profile of the AWS configuration. [default: AWS_PROFILE]")


def echo(text: str, *, fg: str | None = None, err: bool = False, nl: bool = True) -> None:
    """Print a text, which may be somebody else's, without what a terminal would obey; the colours are ours alone."""
    said = plain(text)
    click.echo(said if fg is None else click.style(said, fg=fg), err=err, nl=nl)


def pairs(form: str) -> Callable[[Any, Any, tuple[str, ...]], dict[str, str]]:
    """The callback of a repeatable option that takes pairs; `form` is how to write one, such as `NAME=VALUE`."""

    def parse(_context: Any, _option: Any, given: tuple[str, ...]) -> dict[str, str]:
        found = [text.partition("=") for text in given]
        wrong = [text for text, (name, equals, _) in zip(given, found, strict=True) if not (name and equals)]
        if wrong:
            raise click.BadParameter(f"{', '.join(wrong)}: write {form}")
        return {name: value for name, _, value in found}

    return parse
