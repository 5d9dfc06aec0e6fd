"""The files that a local path stands for."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from fluentpipe.errors import SourceError, did_you_mean

_BYTECODE = "__pycache__"


def is_file(path: Path) -> bool:
    """Whether a file is there, links followed; no, where the name is too long for one, of which `Path` makes an error."""
    return os.path.isfile(path)  # noqa: PTH113 - see above


def is_folder(path: Path) -> bool:
    """The same for a folder."""
    return os.path.isdir(path)  # noqa: PTH112 - see above


def local_files(path: Path) -> dict[str, Path]:
    """The files that a local path stands for: the file itself, or those below a folder, hidden ones left out.

    Raises:
        SourceError: Nothing is there, or what lies there cannot be read as files, as `files_below` says.
    """
    if is_file(path):
        return {path.name: path}
    if not is_folder(path):
        parent = path.parent if is_folder(path.parent) else Path()
        near = did_you_mean(path.name, [each.name for each in parent.iterdir()]) if str(path) else ""
        raise SourceError(
            f"there is no file or folder {str(path)!r}.{near}", f"looked in {str(Path.cwd())!r}", path=path
        )
    files = dict(files_below(path, hidden=False))
    if not files:
        raise SourceError(f"the folder {str(path)!r} has no files.", path=path)
    return files


def files_below(folder: Path, *, hidden: bool = True) -> Iterator[tuple[str, Path]]:
    """Relative POSIX name and path of each file below a folder, by name; files and folders behind links, too.

    Args:
        folder: Where to begin.
        hidden: Whether names that begin with a dot, and compiled Python, are among them.

    Raises:
        SourceError: A link leads nowhere or to a folder that it lies in, something is neither a file nor a folder, or a
            folder cannot be read. What cannot be taken is never left out in silence.
    """
    return _below(folder, "", (Path(os.path.realpath(folder)),), hidden=hidden)


def _below(folder: Path, prefix: str, above: tuple[Path, ...], *, hidden: bool) -> Iterator[tuple[str, Path]]:
    """The files of one folder; `above` is where it really lies, and before that each place where a link was followed."""
    for entry in _entries(folder):
        if not hidden and (entry.name.startswith(".") or entry.name == _BYTECODE):
            continue
        path, name = folder / entry.name, prefix + entry.name
        if _is(entry.is_file):
            yield name, path
        elif _is(entry.is_dir):
            yield from _below(path, f"{name}/", _entered(above, entry), hidden=hidden)
        else:
            raise _refused(path, "a link that leads nowhere" if entry.is_symlink() else "neither a file nor a folder")


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return sorted(found, key=lambda entry: entry.name)
    except OSError as error:
        message = f"The folder {str(folder)!r} cannot be read: {error.strerror}."
        raise SourceError(message, fix="let yourself read it, or move it elsewhere", path=folder) from error


def _is(kind: Callable[[], bool]) -> bool:
    try:
        return kind()
    except OSError:  # links that lead to each other, or behind a folder that cannot be entered
        return False


def _entered(above: tuple[Path, ...], entry: os.DirEntry[str]) -> tuple[Path, ...]:
    """`above` for a folder, or for the one that a link leads to."""
    if not entry.is_symlink():
        return *above[:-1], above[-1] / entry.name
    target = Path(os.path.realpath(entry.path))
    if any(each.is_relative_to(target) for each in above):
        raise _refused(Path(entry.path), "a link to a folder that it lies in")
    return *above, target


def _refused(path: Path, what: str) -> SourceError:
    to = f" -> {path.readlink()}" if path.is_symlink() else ""
    return SourceError(
        f"{str(path)!r} cannot be read: it is {what}{to}.", fix="remove it, or put the file there", path=path
    )
