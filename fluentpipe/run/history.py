"""The runs in a folder, newest first, and the one that is meant by an id, a part of it, or `last`."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from fluentpipe.errors import SourceError, did_you_mean
from fluentpipe.run.result import Run

LAST = "last"


def runs(home: Path) -> Iterator[Run]:
    """Every run that can be read, newest first; those of other versions are passed over."""
    for name in _ids(home):
        with contextlib.suppress(SourceError, LookupError, TypeError):
            yield Run.load(home / "runs" / name)


def find(home: Path, which: str) -> Run:
    """One run.

    Args:
        home: Folder of runs.
        which: Its id, the beginning or the end of one, or `last`.

    Raises:
        SourceError: There is none, or several.
    """
    names = _ids(home)
    if not names:
        raise SourceError(f"There are no runs in {str(home)!r}.", fix="start one, or give its folder: --home")
    found = names[:1] if which == LAST else [name for name in names if name == which]
    found = found or [name for name in names if which and (name.startswith(which) or name.endswith(which))]
    if len(found) != 1:
        listed = ", ".join(found[:5])
        what = f"fits {len(found)} runs: {listed}" if found else f"is no run.{did_you_mean(which, names)}"
        raise SourceError(f"{which!r} {what}", fix="give more of the id, or `last`; `fluentpipe runs` lists them")
    return Run.load(home / "runs" / found[0])


def _ids(home: Path) -> list[str]:
    """Ids begin with the time, so that their order is that of the runs."""
    folder = home / "runs"
    if not folder.is_dir():
        return []
    return sorted((path.name for path in folder.iterdir() if (path / "run.json").is_file()), reverse=True)
