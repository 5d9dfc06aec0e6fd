"""Which runs are alive, and what dead ones left behind.

A running run holds a lock on `running/<id>`; the kernel lets go of it whatever way the process dies, and no other
process can be taken for it. Everything unfinished has a name that begins with `.tmp-`; in a folder that runs share,
the run's id follows.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows: the process id has to do
    fcntl = None  # type: ignore[assignment]

_STARTING = ".new-"


class Alive:
    """The mark of a run that is alive, from its making to `close`."""

    def __init__(self, home: Path, run: str) -> None:
        """Set the mark.

        Raises:
            OSError: It cannot be written.
        """
        folder = home / "running"
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / run
        while True:
            # Locked before it has its name: whoever sees the name without a lock sees a dead run.
            temporary = folder / f"{_STARTING}{run}-{secrets.token_hex(4)}"
            self._descriptor = os.open(
                temporary, os.O_CREAT | os.O_EXCL | os.O_RDWR | getattr(os, "O_CLOEXEC", 0), 0o644
            )
            try:
                os.write(self._descriptor, str(os.getpid()).encode())
                if fcntl is not None:
                    fcntl.flock(self._descriptor, fcntl.LOCK_EX)  # at most a look of another run is in the way
                temporary.replace(self._path)
            except FileNotFoundError:  # collected by another run in the moment before it was locked
                os.close(self._descriptor)
                continue
            except BaseException:
                os.close(self._descriptor)
                temporary.unlink(missing_ok=True)
                raise
            return

    def close(self) -> None:
        """Take the mark away."""
        self._path.unlink(missing_ok=True)
        os.close(self._descriptor)


def living(home: Path) -> frozenset[str]:
    """The ids of the runs that are alive."""
    return frozenset(path.name for path in _marks(home) if _is_held(path))


def is_living(run: Path) -> bool:
    """Whether the run of a folder `<home>/runs/<id>` is alive."""
    folder = run.resolve()
    return _is_held(folder.parent.parent / "running" / folder.name)


def collect_leftovers(home: Path) -> list[str]:
    """Remove what runs that died left unfinished; returns their ids. Finished steps stay, and so do their logs."""
    dead = [path for path in _marks(home) if not _is_held(path)]
    for mark in dead:
        run = mark.name.removeprefix(_STARTING)
        folder = home / "runs" / run
        shared = (home / "cache", *(home / "registry").glob("*"))
        left = [path for each in shared for path in each.glob(f".tmp-{run}-*")]
        for path in (*folder.glob(".tmp-*"), *folder.glob("steps/.tmp-*"), *left, *_bare_leftovers(home)):
            remove(path)
        mark.unlink(missing_ok=True)  # last, so that who is killed here is followed by another
    return [mark.name for mark in dead if not mark.name.startswith(_STARTING)]


def remove(path: Path) -> None:
    """Remove a file or a folder, as far as that can be done."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            path.unlink()


def _bare_leftovers(home: Path) -> Iterator[Path]:
    """Half-written small files of the cache; where one is being written by another run, that one writes it again."""
    yield from (home / "cache").glob("steps/.tmp-*")
    yield from (home / "cache").glob(".tmp-index-*")


def _marks(home: Path) -> list[Path]:
    folder = home / "running"
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _is_held(mark: Path) -> bool:
    try:
        with mark.open("rb") as file:
            if fcntl is None:
                os.kill(int(file.read() or b"0"), 0)
                return True
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)  # shared: two who look at once are not in each other's way
            return False
    except (BlockingIOError, PermissionError):
        return True
    except (OSError, ValueError):
        return False
