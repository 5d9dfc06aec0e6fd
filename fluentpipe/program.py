"""Programs: the files that a job needs to run a script, found by reading its imports."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from fluentpipe.errors import SourceError, did_you_mean

CODE = "/opt/ml/processing/input/code"
"""Where the files of its program lie in a processing job."""
REQUIREMENTS = "requirements.txt"
INSTALLER = "with_requirements.py"
"""The program that installs the requirements beside it, and then starts that of the job."""


def program_files(script: Path, companions: tuple[str, ...] = ()) -> dict[str, Path]:
    """A script, its companions, and every module beside them that one of them imports, at any depth.

    Args:
        script: A Python file.
        companions: Names of further files in its folder, such as one that it copies.

    Returns:
        File name -> path, sorted.

    Raises:
        SourceError: There is no such file, or it is no Python.
    """
    folder = script.parent
    there = {entry.name for entry in os.scandir(folder) if entry.is_file()} if folder.is_dir() else set()
    found: dict[str, Path] = {}
    waiting = [script.name, *companions]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        path = folder / name
        if name not in there:
            raise SourceError(f"there is no program {str(path)!r}.{did_you_mean(name, sorted(there))}", path=path)
        found[name] = path
        if path.suffix == ".py":
            waiting += there.intersection(f"{module}.py" for module in _imports(path))
    return dict(sorted(found.items()))


def named_after(script: object) -> str | None:
    """The name of a script as one of a step."""
    if not isinstance(script, (str, os.PathLike)):
        return None
    return re.sub(r"\W+", "_", Path(script).stem, flags=re.ASCII).strip("_") or None


def _imports(path: Path) -> frozenset[str]:
    state = path.stat()
    return _parsed(path, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=512)
def _parsed(path: Path, _modified: int, _size: int) -> frozenset[str]:
    try:
        tree = ast.parse(path.read_bytes(), str(path))
    except (SyntaxError, ValueError) as fault:
        raise SourceError(f"{str(path)!r} is no Python: {fault}.", path=path) from fault
    return frozenset(_top_modules(tree))


def _top_modules(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]
