"""The mirror of S3 in a home, `s3/`: who uses it, and what of it may go.

Whoever reads from it holds a shared lock, from the first look to the last use of a file; files go only under the
exclusive one. When a file was last used stands in its time of access, as its time of change tells whether it is whole.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows: files in use cannot be removed there
    fcntl = None  # type: ignore[assignment]

_LOCK = ".lock"


class Use:
    """A use of the mirror, from its making to `close`; nothing goes meanwhile."""

    def __init__(self, mirror: Path) -> None:
        mirror.mkdir(parents=True, exist_ok=True)
        self._descriptor = os.open(mirror / _LOCK, os.O_CREAT | os.O_RDWR | getattr(os, "O_CLOEXEC", 0), 0o644)
        if fcntl is not None:
            fcntl.flock(self._descriptor, fcntl.LOCK_SH)

    def close(self) -> None:
        """End it."""
        os.close(self._descriptor)


@contextlib.contextmanager
def alone(mirror: Path) -> Iterator[bool]:
    """Keep others from using the mirror; says whether nobody does."""
    if not mirror.is_dir():
        yield True
        return
    with (mirror / _LOCK).open("a") as file:
        try:
            if fcntl is not None:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


def mark_used(file: Path) -> None:
    """Note that a file of the mirror is used now."""
    with contextlib.suppress(OSError):  # a mirror of somebody else's
        os.utime(file, ns=(time.time_ns(), file.stat().st_mtime_ns))


def objects(mirror: Path) -> Iterator[Path]:
    """The files of the mirror, those that are not whole yet included."""
    return (path for path in sorted(mirror.glob("??/*")) if path.is_file())
