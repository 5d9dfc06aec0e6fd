"""Publishing: what appears under its name is whole, for readers at once and after a loss of power.

A rename shows a file or a folder all at once. For a loss of power that is not enough, as the disk may hold the new
name before the content: so the content is brought to the disk first, then the folders that hold it, then it is renamed,
then the folder that it was renamed into.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import sys
from pathlib import Path

_SYNCS_FOLDERS = sys.platform != "win32"  # which cannot open them
_CANNOT = (errno.EINVAL, errno.ENOTSUP)  # some network file systems have no such order for folders


def settle(folder: str | os.PathLike[str], *, linked: bool = False) -> None:
    """Bring the files and folders below a folder to the disk, and last the folder itself.

    Args:
        folder: Not published yet.
        linked: Whether a file with several names is one that was published before.

    Raises:
        OSError: There is no space for what was written.
    """
    with os.scandir(folder) as found:
        items = sorted(found, key=lambda item: item.name)
    for item in items:
        if item.is_dir(follow_symlinks=False):
            settle(item, linked=linked)
        elif item.is_file(follow_symlinks=False) and not (linked and item.stat(follow_symlinks=False).st_nlink > 1):
            _sync(item)
    sync_folder(folder)


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it, so that what is published in it can be found."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for each in reversed(missing):
        sync_folder(each.parent)


def appear(hidden: Path, final: Path) -> Path:
    """Give something that is settled its name, durably; whether it may replace another is the system's `rename`."""
    hidden.rename(final)
    sync_folder(final.parent)
    return final


def write_atomically(path: Path, text: str, *, durable: bool = False) -> None:
    """Write a file so that a reader sees the old or the new content; durable: also after a loss of power."""
    temporary = path.with_name(f".tmp-{path.name}-{secrets.token_hex(4)}")
    try:
        with temporary.open("w", encoding="utf-8") as file:
            file.write(text)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        temporary.replace(path)
        if durable:
            sync_folder(path.parent)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise


def _sync(path: str | os.PathLike[str]) -> None:
    descriptor = os.open(path, os.O_RDONLY if _SYNCS_FOLDERS else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(folder: str | os.PathLike[str]) -> None:
    """Bring the names in a folder to the disk."""
    if not _SYNCS_FOLDERS:
        return
    try:
        _sync(folder)
    except OSError as error:
        if error.errno not in _CANNOT:
            raise
