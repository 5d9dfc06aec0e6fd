"""The files that a local path stands for."""

from __future__ import annotations

from pathlib import Path

from fluentpipe.errors import SourceError, did_you_mean


def local_files(path: Path) -> dict[str, Path]:
    """The files that a local path stands for: the file itself, or those below a folder, hidden ones left out.

    Raises:
        SourceError: Nothing is there.
    """
    if path.is_file():
        return {path.name: path}
    if not path.is_dir():
        parent = path.parent if path.parent.is_dir() else Path()
        near = did_you_mean(path.name, [each.name for each in parent.iterdir()]) if str(path) else ""
        raise SourceError(
            f"there is no file or folder {str(path)!r}.{near}", f"looked in {str(Path.cwd())!r}", path=path
        )
    files = {
        each.relative_to(path).as_posix(): each
        for each in sorted(path.rglob("*"))
        if each.is_file()
        and not any(part.startswith(".") or part == "__pycache__" for part in each.relative_to(path).parts)
    }
    if not files:
        raise SourceError(f"the folder {str(path)!r} has no files.", path=path)
    return files
