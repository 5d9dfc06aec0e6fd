"""Archives: one that somebody else may have made is unpacked into one folder and no further; ours are the same every time."""

from __future__ import annotations

import gzip
import shutil
import tarfile
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING or __package__:
    from .job import JobError
else:  # beside its siblings, as the jobs run it
    from job import JobError

if TYPE_CHECKING:
    from pathlib import Path

MOST_MEMBERS = 10_000
MOST_BYTES = 8 << 30  # unpacked; 300 kB can unpack to 300 MB
BLOCK = 1 << 20


def unpack(archive: Path, folder: Path) -> None:
    """Write the plain files of a tar archive into a folder.

    Only plain files and folders are taken, member by member and without their modes and owners, so that no link can lead
    out of the folder.

    Raises:
        JobError: The archive is damaged, too large, or holds a member that has no place in a model.
    """
    try:
        with tarfile.open(archive) as members:
            written = 0
            for count, member in enumerate(members, 1):
                if count > MOST_MEMBERS:
                    msg = f"{archive.name} has more than {MOST_MEMBERS} members"
                    raise JobError(msg)
                written = _unpack_one(members, member, folder, written, archive.name)
    except (tarfile.TarError, EOFError, OSError) as fault:
        msg = f"{archive.name} is not a readable archive: {fault}"
        raise JobError(msg) from None


def _unpack_one(members: tarfile.TarFile, member: tarfile.TarInfo, folder: Path, written: int, name: str) -> int:
    path = PurePosixPath(member.name)
    if path.is_absolute() or ".." in path.parts or "\\" in member.name or ":" in member.name or "\0" in member.name:
        msg = f"{name} has a member that would leave its folder: {member.name!r}"
        raise JobError(msg)
    if member.isdir():
        return written
    content = members.extractfile(member) if member.isreg() else None
    if content is None:
        msg = f"{name} has a member that is no plain file: {member.name!r}"
        raise JobError(msg)
    target = folder.joinpath(*path.parts)
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as out:
        while block := content.read(BLOCK):
            written += len(block)
            if written > MOST_BYTES:
                msg = f"{name} unpacks to more than {MOST_BYTES >> 30} GiB"
                raise JobError(msg)
            out.write(block)
    return written


def pack(folder: Path, archive: Path) -> None:
    """Pack the files of a folder; the same files give the same bytes, whatever their dates and owners."""
    archive.parent.mkdir(parents=True, exist_ok=True)
    with (
        archive.open("wb") as raw,
        gzip.GzipFile("", "wb", 6, raw, mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w") as members,
    ):
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            member = tarfile.TarInfo(path.relative_to(folder).as_posix())
            member.size, member.mode = path.stat().st_size, 0o644
            with path.open("rb") as content:
                members.addfile(member, content)


def copy(source: Path, folder: Path) -> None:
    """Copy the files of a folder, as files of our own."""
    for path in sorted(path for path in source.rglob("*") if path.is_file()):
        target = folder / path.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
