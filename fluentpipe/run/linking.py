"""Files under several names: kept results, past runs and inputs are linked into a step's folder, not copied."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

from fluentpipe.errors import RunError

# Another file system; links refused by the system or to files of others; too many links; no links at all.
CANNOT_LINK = frozenset((errno.EXDEV, errno.EPERM, errno.EACCES, errno.EMLINK, errno.ENOTSUP))


def link(source: Path | os.DirEntry[str], target: Path | str) -> None:
    """A hard link to a file; a copy where there can be none."""
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno not in CANNOT_LINK:
            raise
        shutil.copy2(source, target)


def link_tree(source: Path | os.DirEntry[str], target: Path | str) -> None:
    """A folder with hard links to the files of another; copies where there can be no links."""
    Path(target).mkdir(parents=True, exist_ok=True)
    with os.scandir(source) as found:
        for item in found:
            there = f"{target}/{item.name}"
            if item.is_dir(follow_symlinks=False):
                link_tree(item, there)
            else:
                link(item, there)


def replace_links(folder: Path, root: Path) -> None:
    """Put the file in place of each symbolic link: the job's folders are gone when another step reads it.

    Raises:
        RunError: One leads out of the root, nowhere, or to a folder that it lies in.
    """
    for path in sorted(folder.rglob("*")):
        if not path.is_symlink():
            continue
        target = Path(os.path.realpath(path))  # `resolve` raises where links lead to each other
        if not target.is_relative_to(root.resolve()) or not target.exists():
            raise RunError(
                f"The output holds a link that leads out of the job or nowhere: {path.relative_to(root)} -> {target}.",
                fix="copy the file instead of linking it",
            )
        if path.parent.resolve().is_relative_to(target):  # a copy would hold itself, again and again
            raise RunError(
                f"The output holds a link to a folder that it lies in: {path.relative_to(root)} -> {target}.",
                fix="leave the link out",
            )
        path.unlink()
        shutil.copytree(target, path) if target.is_dir() else shutil.copyfile(target, path)
