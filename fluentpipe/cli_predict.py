"""The command that uses a model: `predict`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from fluentpipe import cli_options
from fluentpipe.run.home import home_folder


@click.command(
    epilog="MODEL is a model.tar.gz, a model's folder, a run (its folder, its id, `last`), or a registered model: GROUP for the "
    "newest version, GROUP/3 for one. DATA is a CSV or Parquet file, or a folder of them."
)
@click.argument("model")
@click.argument("data", type=click.Path(path_type=Path))
@click.option(
    "-o", "--out", type=click.Path(path_type=Path, dir_okay=False),
    help="File for the predictions, .csv or .parquet. [default: CSV to the terminal]",
)  # fmt: skip
@click.option(
    "--id-column", "id_columns", multiple=True, metavar="COLUMN",
    help="Column that goes with the predictions; repeatable. [default: all that the model does not use]",
)  # fmt: skip
@cli_options.home
def predict(model: str, data: Path, out: Path | None, id_columns: tuple[str, ...], home: Path | None) -> None:
    """Predict for raw rows: a class or a value for each, with its probability.

    The file is read a part at a time, so it may be of any size. No code of the model's archive is run.
    """
    from fluentpipe.serving import predict_file

    sink = sys.stdout.buffer if out is None else out
    rows, warnings = predict_file(model, data, sink, id_columns=id_columns or None, home=home_folder(home))
    for warning in warnings:
        cli_options.echo(f"warning: {warning}", fg="yellow", err=True)
    if out is not None:
        cli_options.echo(f"wrote {out}: {rows} predictions")
