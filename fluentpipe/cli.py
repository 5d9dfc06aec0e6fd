"""The command line: words to calls. Nothing here decides anything.

Exit status: 0 done, 1 a step failed, 2 the command or the pipeline is faulty (nothing was started), 3 a gate stopped the
run; 128 and the number of a signal that stopped it.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

import fluentpipe
from fluentpipe import cli_compare, cli_deploy, cli_executions, cli_options, cli_predict, cli_runs, cli_schedule
from fluentpipe.errors import FluentpipeError, GateFailed, RunError, StaleStub

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from fluentpipe.definition import Definition
    from fluentpipe.live import Watch
    from fluentpipe.pipeline import Pipeline
    from fluentpipe.run import Run

F = TypeVar("F", bound=Callable[..., Any])

_ENDED_BY_SIGNAL = (129, 143)  # what `run` exits with for SIGHUP and SIGTERM
_STOPPED = "stopped; the same command goes on with what is finished"

_TARGET_HELP = (
    "TARGET is a definition (FILE.json), a bundle folder, a module (package.module:pipe) or a script (train.py:pipe)."
)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(fluentpipe.__version__, prog_name="fluentpipe")
def main() -> None:
    """Machine-learning pipelines in one fluent chain: checked, run here, and compiled for Amazon SageMaker.

    Start with `fluentpipe demo`.
    """


def _reported(command: F) -> F:
    """Turn our errors into a message and an exit status."""

    @functools.wraps(command)
    def call(*args: Any, **values: Any) -> Any:
        run = None
        try:
            return command(*args, **values)
        except RunError as error:
            run = getattr(error, "run", None)  # absent where nothing was started
            status = 3 if isinstance(error, GateFailed) else 2 if run is None else 1
            message = str(error)
        except (FluentpipeError, FileNotFoundError) as error:
            status = 2
            message = f"{type(error).__name__}: {error}"
        except KeyboardInterrupt:
            status, message = 130, _STOPPED
        except SystemExit as end:
            if end.code not in _ENDED_BY_SIGNAL:
                raise
            status, message = end.code, _STOPPED
        cli_options.echo(message, fg="red", err=True)
        if (report := getattr(run, "report", None)) is not None:  # of a run here
            cli_options.echo(f"report: {report}", err=True)
        sys.exit(status)

    return cast("F", call)


_plain = click.option("--plain", is_flag=True, help="Lines instead of a live table, also in a terminal.")
_role = click.option("--role", help="ARN of the role that the jobs take.")
_bucket = click.option("--bucket", help="Bucket for code, data and outputs.")
_region = click.option("--region", help="Region, such as us-east-1.")


@main.command()
@cli_options.home
@_plain
@click.option("-q", "--quiet", is_flag=True, help="Only the outcome.")
@_reported
def demo(home: Path | None, plain: bool, quiet: bool) -> None:
    """Train, evaluate, gate and register a model on real data: 7,043 customers, who stays and who leaves."""
    from fluentpipe.demo import CODE, demo_pipeline

    pipe = demo_pipeline()
    cli_options.echo(CODE, fg="cyan")
    with _watching(plain=plain, quiet=quiet) as watch:
        run = pipe.run(home=home, echo=watch.echo, listener=watch.listener)
    _say_outcome(run)


@main.command(epilog=_TARGET_HELP)
@click.argument("target")
@click.option("--data", help="Where the rows are instead of the default: a local file or folder, or an S3 URI.")
@click.option(
    "-p",
    "--parameter",
    "parameters",
    multiple=True,
    callback=cli_options.pairs("NAME=VALUE"),
    help="Value of a pipeline parameter, as NAME=VALUE; repeatable.",
)
@click.option(
    "--map",
    "maps",
    multiple=True,
    callback=cli_options.pairs("s3://bucket/prefix=./folder"),
    help="Local folder that stands for an S3 prefix, as s3://bucket/prefix=./folder; repeatable.",
)
@cli_options.home
@click.option("--cache/--no-cache", default=True, help="Take results that are kept, and keep them. [default: cache]")
@click.option("--from", "from_step", metavar="STEP", help="Carry out this step anew, and all that depend on it.")
@click.option("--only", metavar="STEP", help="Carry out this step alone, on what the newest run left of the others.")
@click.option(
    "--isolation", type=click.Choice(["fork", "process", "paths"]), default="fork",
    help="fork: scripts start with the imports done; process: each in a new interpreter; "
    "paths: each finds its files at /opt/ml itself. [default: fork]",
)  # fmt: skip
@click.option("--isolate", "isolation", flag_value="paths", help="The same as --isolation paths.")
@click.option("--run", "of_run", metavar="RUN", help="With --only: the past run to take the rest from; also `last`.")
@click.option(
    "--install-requirements", is_flag=True, help="Install what the requirements of a script ask for, "
    "into an environment of its own; otherwise it is said what is missing.",
)  # fmt: skip
@click.option("--offline", is_flag=True, help="No network for the steps, nothing read from S3.")
@click.option("--max-parallel", type=click.IntRange(min=1), help="Steps side by side. [default: the cores]")
@_plain
@click.option("-q", "--quiet", is_flag=True, help="Only the outcome.")
@_reported
def run(
    target: str,
    data: str | None,
    parameters: dict[str, str],
    maps: dict[str, str],
    home: Path | None,
    cache: bool,
    from_step: str | None,
    only: str | None,
    isolation: str,
    of_run: str | None,
    install_requirements: bool,
    offline: bool,
    max_parallel: int | None,
    plain: bool,
    quiet: bool,
) -> None:
    """Run a pipeline on this machine: no AWS, no Docker."""
    from fluentpipe.run import run as run_definition

    pipe, definition = _load(target)
    if data is not None:
        parameters = {**parameters, pipe.data_parameter() if pipe is not None else "data": data}
    with _watching(plain=plain, quiet=quiet) as watch:
        done = run_definition(
            definition,
            parameters=parameters,
            maps=maps,
            home=home,
            cache=cache,
            from_step=from_step,
            only=only,
            isolation=isolation,
            of_run=of_run,
            install_requirements=install_requirements,
            offline=offline,
            max_parallel=max_parallel,
            echo=watch.echo,
            listener=watch.listener,
        )
    _say_outcome(done)


_UNITS = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_SPANS = {"m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def _quantity(units: dict[str, int], example: str) -> Callable[[Any, Any, str | None], int | None]:
    def parse(_context: Any, _option: Any, given: str | None) -> int | None:
        if given is None:
            return None
        number, unit = given.rstrip("".join(units)), given[len(given.rstrip("".join(units))) :]
        if not number.strip().isdigit() or unit not in units:
            raise click.BadParameter(f"{given!r}: write a number and one of {', '.join(units)}, such as {example}")
        return int(number) * units[unit]

    return parse


@main.command()
@cli_options.home
@click.option("--size", callback=_quantity(_UNITS, "5GB"), help="What all that is kept may have together, as 5GB.")
@click.option("--age", callback=_quantity(_SPANS, "30d"), help="Time since its last use after which one goes, as 30d.")
@click.option("--runs", is_flag=True, help="Old runs as well, except those that registered a model.")
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@_reported
def clean(home: Path | None, size: int | None, age: int | None, runs: bool, dry_run: bool) -> None:
    """Make room: remove what is kept, the least recently used first; without --size and --age, all of it.

    Kept are results of jobs, objects of S3 and environments made from a requirements.txt.
    """
    from fluentpipe.run.clean import KINDS, clean as clean_home
    from fluentpipe.run.home import home_folder

    done = clean_home(home_folder(home), max_age=age, max_size=size, runs=runs, dry=dry_run)
    word = "would remove" if dry_run else "removed"
    cli_options.echo(f"{word} {done.results} results and {done.runs} runs: {done.size / 1e6:.1f} MB")
    for kind, name in KINDS.items():
        gone, left = done.removed[kind], done.left[kind]
        if gone.count or left.count:
            all_, size = gone.count + left.count, gone.size + left.size
            cli_options.echo(f"  {name}: {gone.count} of {all_}, {gone.size / 1e6:.1f} of {size / 1e6:.1f} MB")


@main.command(name="compile", epilog=_TARGET_HELP)
@click.argument("target")
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="Folder to write the bundle to.",
)
@_role
@_bucket
@_region
@_reported
def compile_(target: str, out: Path, role: str | None, bucket: str | None, region: str | None) -> None:
    """Write the SageMaker pipeline definition, checked, and the files it needs, as a bundle."""
    given = {"role": role, "bucket": bucket, "region": region}
    _, definition = _load(target, {name: value for name, value in given.items() if value is not None})
    cli_options.echo(f"wrote {definition.write(out)}: {definition!r}")
    for diagnostic in definition.diagnostics:
        cli_options.echo(str(diagnostic))


@main.command(epilog=_TARGET_HELP)
@click.argument("target")
@_reported
def check(target: str) -> None:
    """Print every fault of a pipeline; exit status 2 if one is an error. Nothing is run."""
    path = Path(target)
    if path.suffix == ".json" or path.is_dir():
        found, counted = _checked_definition(path)
    else:
        found, counted = _checked_script(target)
    for severity, line in found:
        cli_options.echo(line, fg="red" if severity == "error" else "yellow")
    errors = sum(severity == "error" for severity, _ in found)
    counts = {"error": errors, "warning": len(found) - errors}
    said = [f"{count} {word}" if count == 1 else f"{count} {word}s" for word, count in counts.items()]
    cli_options.echo(f"{counted}: {', '.join(said)}")
    sys.exit(2 if errors else 0)


def _checked_definition(path: Path) -> tuple[list[tuple[str, str]], str]:
    from fluentpipe.definition import Definition

    definition = Definition.load(path, strict=False)
    return [(each.severity, str(each)) for each in definition.diagnostics], definition.name


def _checked_script(target: str) -> tuple[list[tuple[str, str]], str]:
    from fluentpipe.script import check_script

    where = target.rpartition(":")[0] or target
    findings, pipelines = check_script(where)
    counted = f"{where}, {pipelines} pipeline{'' if pipelines == 1 else 's'}"
    return [(each.severity, str(each)) for each in findings], counted


@main.command()
@click.argument("modules", nargs=-1, metavar="[MODULE]...")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("stubs"),
    show_default=True,
    help="Folder for fluentpipe_project.pyi; tell the type checker of it.",
)
@click.option("--install", is_flag=True, help="Put the stub into this environment instead, where notebooks find it.")
@click.option("--check", is_flag=True, help="Write nothing; exit status 2 if the stub is not up to date.")
@_reported
def stubs(modules: tuple[str, ...], out: Path, install: bool, check: bool) -> None:
    """Write the stub by which editors and type checkers know your own steps.

    MODULE declares step classes; those of installed plugins are always there.
    """
    from fluentpipe import stubgen
    from fluentpipe.script import module_of

    for module in modules:
        module_of(module)
    place = None if install else out
    command = stubgen.command_line(modules, place)
    path = stubgen.stub_file(place)
    text = stubgen.project_stub(stubgen.project_classes(), command)
    if check and stubgen.stale({path: text}):
        raise StaleStub(f"{path} is not up to date.", fix=command)
    if not check:
        stubgen.write_file(path, text)
    cli_options.echo(f"{path} is up to date." if check else f"wrote {path}")


@main.command(epilog="TARGET is a module (package.module:pipe) or a script (train.py:pipe).")
@click.argument("target")
@_reported
def explain(target: str) -> None:
    """Print why each input of a pipeline is wired as it is."""
    pipe, _ = _load(target)
    if pipe is None:
        raise click.UsageError("a definition has its inputs wired already; explain takes a module or a script.")
    cli_options.echo(str(pipe.explain()))


def _load(
    target: str, places: dict[str, str] | None = None, *, strict: bool = True
) -> tuple[Pipeline[Any] | None, Definition]:
    """A definition from a file or a bundle, or from the pipeline of a module or a script."""
    from fluentpipe.definition import Definition

    path = Path(target)
    if path.suffix == ".json" or path.is_dir():
        return None, Definition.load(path, strict=strict)
    from fluentpipe.script import pipeline_of

    pipe = pipeline_of(target)
    return pipe, pipe.materialize(**cast("Any", places or {}))


def _watching(*, plain: bool, quiet: bool) -> AbstractContextManager[Watch]:
    from fluentpipe.live import watching

    return watching(None if quiet else cli_options.echo if plain else "auto", keep=False)


def _say_outcome(run: Run) -> None:
    from fluentpipe.show import print_run

    print_run(run)


for _command in (
    cli_compare.diff,
    cli_compare.policy,
    cli_deploy.deploy,
    cli_deploy.delete,
    cli_predict.predict,
    cli_runs.runs,
    cli_runs.show,
    cli_schedule.schedule,
    cli_schedule.alarm,
    *cli_executions.COMMANDS,
):
    assert _command.callback is not None
    _command.callback = _reported(_command.callback)
    main.add_command(_command)
