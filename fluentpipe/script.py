"""Scripts: find the pipelines of a user's script or module, and check them without running anything."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from fluentpipe.checking import Checking, Ended, Finding, checking
from fluentpipe.errors import FluentpipeError, UnknownPipeline
from fluentpipe.pipeline import Pipeline


def pipeline_of(target: str) -> Pipeline[Any]:
    """The pipeline that a word names: `train.py`, `train.py:pipe` or `package.module:pipe`.

    Raises:
        UnknownPipeline: There is no such script or module, no such pipeline in it, or several and none was named.
    """
    where, colon, name = target.rpartition(":") if ":" in target else (target, "", "")
    module = module_of(where)
    found = {key: value for key, value in vars(module).items() if isinstance(value, Pipeline)}
    if not colon and len(found) == 1:
        return next(iter(found.values()))
    if name not in found:
        there = f"it has {', '.join(sorted(found))}" if found else "it has none"
        raise UnknownPipeline(
            f"{where} has no pipeline {name!r}; {there}." if name else f"say which pipeline of {where}: {there}."
        )
    return found[name]


def module_of(where: str) -> ModuleType:
    """Run a script, or import a module from the working directory or the environment.

    Raises:
        UnknownPipeline: It does not exist.
    """
    path = Path(where)
    if path.suffix != ".py":
        sys.path.insert(0, str(Path.cwd()))
        try:
            return importlib.import_module(where)
        except ModuleNotFoundError as error:
            if error.name and where.startswith(error.name):
                raise UnknownPipeline(f"there is no file, folder or module {where!r}.") from error
            raise
    if not path.is_file():
        raise UnknownPipeline(f"there is no script {where!r}.")
    sys.path.insert(0, str(path.parent.resolve()))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None  # a .py file has one
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def check_script(where: str) -> tuple[list[Finding], int]:
    """Run a script without running its pipelines, and find every fault of them.

    Args:
        where: A script (`train.py`) or a module (`package.module`).

    Returns:
        The findings, sorted by place, and how many pipelines there were.
    """
    with checking() as found:
        module: ModuleType | None = None
        try:
            module = module_of(where)
        except UnknownPipeline:
            raise
        except Ended:
            module = sys.modules.get(Path(where).stem)
        except Exception as error:  # noqa: BLE001  whatever a script raises is a finding
            found.raised(error, where)
        pipelines = [value for value in vars(module).values() if isinstance(value, Pipeline)] if module else []
        for pipe in pipelines:
            if any(step is assumed for step in pipe.steps for assumed in found.assumed):
                continue
            try:
                definition = pipe.materialize()
            except FluentpipeError as error:
                found.diagnostics(pipe.name, error)
            else:
                found.findings += [_warning(found, pipe.name, each) for each in definition.diagnostics]
    return sorted(set(found.findings)), len(pipelines)


def _warning(found: Checking, pipeline: str, each: object) -> Finding:
    file, line = found.lines.get((pipeline, getattr(each, "step", "")), ("", 0))
    return Finding(file, line, "warning", str(getattr(each, "message", each)))
