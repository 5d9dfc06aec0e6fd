"""Putting files where a job looks for them: copies of small ones, links to large ones."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import attrs

from fluentpipe.run.linking import CANNOT_LINK
from fluentpipe.run.paths import inside
from fluentpipe.run.storage import Found

_COPIED_BELOW = 8 << 20  # bytes; larger files are linked


@attrs.define
class Placed:
    """Files placed into a job's folders, and the originals that were linked, to tell if the job changed them."""

    always_copy: bool = False  # whether large files are copied, too
    linked: dict[Path, tuple[int, int]] = attrs.field(factory=dict)  # original -> (size, mtime_ns)

    def place(self, found: Found, folder: Path) -> None:
        """Put the files below a folder: an object under its own name, a prefix as its content.

        Small files are copied. Large ones are linked, as copying gigabytes for each step would cost more than
        the step; `changed` tells afterwards.
        """
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in found.files.items():
            target = inside(folder, name)
            target.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, bytes):
                target.write_bytes(content)
            elif (status := content.stat()).st_size < _COPIED_BELOW or self.always_copy:
                shutil.copyfile(content, target)
            else:
                self.linked[content] = status.st_size, status.st_mtime_ns
                _link(content, target)

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
    """A hard link, as scripts that pack or copy their input see a plain file; else a symbolic one; else a copy."""
    original = original.resolve()
    try:
        os.link(original, target)
        return
    except OSError as error:
        if error.errno not in CANNOT_LINK:
            raise
    try:
        target.symlink_to(original)
    except (OSError, NotImplementedError):
        shutil.copyfile(original, target)
