"""Tar archives: written the same way for the same content, read without trusting them."""

from __future__ import annotations

import gzip
import lzma
import os
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from fluentpipe.errors import RunError
from fluentpipe.run.paths import inside

MAX_MEMBERS = 100_000
MAX_BYTES = 20 << 30  # unpacked
# Not OSError as a whole: a full disk is no fault of the archive.
UNREADABLE = (
    tarfile.TarError,
    EOFError,
    gzip.BadGzipFile,
    zlib.error,
    lzma.LZMAError,
    FileExistsError,
    NotADirectoryError,
    IsADirectoryError,
)
_LEVEL = 1  # of gzip: models hardly shrink further, and 6 takes four times as long


def pack(folder: Path, archive: Path) -> None:
    """Write a folder's content as .tar.gz; equal content gives equal bytes.

    Names are sorted, times and owners are zero, modes are 644 and 755. Links are followed.

    Raises:
        RunError: A link leads nowhere or to a folder that it lies in, or there is what is neither a file nor a folder.
    """
    with (
        archive.open("wb") as raw,
        gzip.GzipFile("", "wb", _LEVEL, raw, mtime=0) as stream,
        tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT, dereference=True) as tar,
    ):
        for path in _below(folder, (Path(os.path.realpath(folder)),)):
            member = tar.gettarinfo(str(path), path.relative_to(folder).as_posix())
            member.mtime = member.uid = member.gid = 0
            member.uname = member.gname = ""
            member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
            if member.isdir():
                tar.addfile(member)
                continue
            member.type, member.linkname = tarfile.REGTYPE, ""  # the second hard link to one file, too
            member.size = path.stat().st_size
            with path.open("rb") as content:
                tar.addfile(member, content)


def _below(folder: Path, above: tuple[Path, ...]) -> Iterator[Path]:
    """What lies in a folder, by name, each folder before what it holds; `above` are this one and those that it lies in."""
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            place = Path(os.path.realpath(path))
            if place in above:
                raise _cannot_pack(path, "a link to a folder that it lies in")
            yield path
            yield from _below(path, (*above, place))
        elif path.is_file():
            yield path
        else:
            raise _cannot_pack(
                path, "a link that leads nowhere" if path.is_symlink() else "neither a file nor a folder"
            )


def _cannot_pack(path: Path, what: str) -> RunError:
    return RunError(
        f"{path.name!r} cannot be packed: it is {what}.", f"path: {path}", fix="let the program leave plain files"
    )


def unpack(archive: Path, folder: Path, *, max_members: int = MAX_MEMBERS, max_bytes: int = MAX_BYTES) -> None:
    """Unpack a tar archive, compressed or not, below a folder.

    Only plain files and folders with relative names are taken; sizes are counted while reading, so that a
    small archive cannot fill the disk.

    Raises:
        RunError: It is no archive, holds a link, a device or a name that climbs, or is larger than allowed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    members = total = 0
    try:
        with tarfile.open(archive, "r:*") as tar:
            for member in tar:
                members, total = members + 1, total + member.size
                if members > max_members or total > max_bytes:
                    raise _refused(archive, f"it unpacks to more than {max_members} members or {max_bytes} bytes")
                name = member.name.removeprefix("./").rstrip("/")
                if name in ("", "."):
                    continue
                if not (member.isfile() or member.isdir()):
                    raise _refused(archive, f"its member {member.name!r} is neither a file nor a folder")
                _write(tar, member, _target(archive, folder, name))
    except UNREADABLE as error:
        raise _refused(archive, f"it cannot be read ({error})") from error


def _target(archive: Path, folder: Path, name: str) -> Path:
    try:
        return inside(folder, name)
    except RunError as error:
        raise _refused(archive, f"its member {name!r} is no safe path below a folder") from error


def _write(tar: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> None:
    if member.isdir():
        target.mkdir(parents=True, exist_ok=True)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    content = tar.extractfile(member)
    assert content is not None  # a plain file has content
    with content, target.open("wb") as file:
        while chunk := content.read(1 << 20):
            file.write(chunk)
    target.chmod(0o755 if member.mode & 0o100 else 0o644)


def _refused(archive: Path, why: str) -> RunError:
    return RunError(
        f"The archive {archive.name!r} is refused: {why}.",
        f"archive: {archive}",
        fix="pack plain files with relative names",
    )
