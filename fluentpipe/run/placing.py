"""Putting files where a job looks for them: copies, as on SageMaker, for whoever may write into them."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import attrs

from fluentpipe.run.paths import inside
from fluentpipe.run.storage import Found

_COPIED_BELOW = 8 << 20  # bytes
_FICLONE = 0x40049409  # ioctl(2): two files share their blocks until one of them is written to


@attrs.define
class Placed:
    """Files placed into a job's folders, and the originals that were linked, to tell if the job changed them.

    Args:
        is_shared: Whether large files are links, for programs that are known to leave their inputs alone: copying gigabytes
            would cost more than the step.
    """

    is_shared: bool = False
    linked: dict[Path, tuple[int, int]] = attrs.field(factory=dict, init=False)  # original -> (size, mtime_ns)

    def place(self, found: Found, folder: Path) -> None:
        """Put the files below a folder: an object under its own name, a prefix as its content."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in found.files.items():
            target = inside(folder, name)
            target.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, bytes):
                target.write_bytes(content)
            elif self.is_shared and (status := content.stat()).st_size >= _COPIED_BELOW:
                self.linked[content] = status.st_size, status.st_mtime_ns
                _link(content, target)
            else:
                _copy(content, target)

    def changed(self) -> list[Path]:
        """The linked originals that are not what they were."""
        return sorted(path for path, before in self.linked.items() if _stamp(path) != before)


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_size, status.st_mtime_ns


def _link(original: Path, target: Path) -> None:
    """A symbolic link, which leaves the original as it is in every respect; else a copy."""
    try:
        target.symlink_to(original.resolve())
    except (OSError, NotImplementedError):
        _copy(original, target)


def _copy(original: Path, target: Path) -> None:
    """A copy; of a large file one that takes neither time nor space, where the file system can (Btrfs, XFS)."""
    if sys.platform == "linux" and original.stat().st_size >= _COPIED_BELOW:
        import fcntl

        try:
            with original.open("rb") as source, target.open("wb") as copy:
                fcntl.ioctl(copy.fileno(), _FICLONE, source.fileno())
        except OSError:
            pass
        else:
            return
    shutil.copyfile(original, target)
