"""Content hashes of files, and an index so that a file that did not change is not read again.

The index is a file of lines that is only ever appended to, or replaced as a whole: any number of runs may use it at
once, and whatever is torn or lost costs reading a file again.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import secrets
import tarfile
import threading
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import IO

from fluentpipe.run.archive import MAX_BYTES, MAX_MEMBERS, UNREADABLE
from fluentpipe.run.storage import Found
from fluentpipe.stamps import Stamp, file_sha256, is_settled, sha256_once, stamp_of

_CHUNK = 1 << 20  # bytes
_SMALL = 1 << 16  # bytes; reading less costs no more than looking it up
_KEPT_LINES = 200_000


class Hashes:
    """SHA-256 of files, remembered by path, size, time of change and inode. Safe to use from threads."""

    def __init__(self, index: Path) -> None:
        self._index = index
        self._lock = threading.Lock()
        self._by_path: dict[str, tuple[Stamp, str]] | None = None  # read with the first large file
        self._lines = 0
        # Files that this run has hashed or taken from the cache, without the times of their inodes: these get more names.
        self._known: dict[tuple[int, ...], str] = {}

    def file(self, path: Path) -> str:
        """The hash of a file's content, in hexadecimal."""
        stamp = stamp_of(path)
        with self._lock:
            if found := self._known.get(stamp[:4]):
                return found
            if stamp[2] > _SMALL:
                before, digest = self._remembered().get(str(path.absolute()), (None, ""))
                if before == stamp:
                    self._known[stamp[:4]] = digest
                    return digest
        digest = file_sha256(path).hex()
        if stamp_of(path) == stamp:
            self.remember(path, stamp, digest)
        return digest

    def know(self, path: Path, digest: str) -> None:
        """Take a hash that is known already."""
        with self._lock:
            self._known[stamp_of(path)[:4]] = digest

    def remember(self, path: Path, stamp: Stamp, digest: str) -> None:
        """Keep a hash; in the index only where it cannot be mistaken later."""
        settled, name = is_settled(stamp), str(path.absolute())
        with self._lock:
            if settled or not os.access(path, os.W_OK):
                self._known[stamp[:4]] = digest
            if settled and stamp[2] > _SMALL:
                self._remembered()[name] = stamp, digest
                self._append(json.dumps([name, *stamp, digest]))

    def found(self, found: Found) -> dict[str, str]:
        """Relative name -> hash of everything that a URI stands for."""
        return {
            name: hashlib.sha256(content).hexdigest() if isinstance(content, bytes) else self.file(content)
            for name, content in found.files.items()
        }

    def archive(self, content: Path | bytes) -> Mapping[str, str]:
        """Name -> hash of the files in a tar archive: equal files give equal hashes, whenever they were packed.

        What cannot be read as such an archive is hashed as a whole; unpacking will say what is wrong.
        """
        try:
            if isinstance(content, Path) and content.stat().st_size <= _SMALL:
                content = content.read_bytes()
            is_small = isinstance(content, bytes) and len(content) <= _SMALL
            return _members_of_small(content) if is_small else _members(content)
        except UNREADABLE:
            whole = hashlib.sha256(content).hexdigest() if isinstance(content, bytes) else self.file(content)
            return {"the archive": whole}

    def _remembered(self) -> dict[str, tuple[Stamp, str]]:
        if self._by_path is None:
            self._by_path = {}
            for line in _lines_of(self._index):
                self._lines += 1
                try:
                    path, device, inode, size, changed, of_inode, digest = json.loads(line)
                    self._by_path[path] = (device, inode, size, changed, of_inode), str(digest)
                except (ValueError, TypeError):
                    continue  # torn, or of an earlier version
        return self._by_path

    def _append(self, line: str) -> None:
        try:
            if self._lines > _KEPT_LINES:
                self._compact()
            self._index.parent.mkdir(parents=True, exist_ok=True)
            with self._index.open("a", encoding="utf-8") as file:
                file.write(f"{line}\n")
            self._lines += 1
        except OSError:
            pass  # no space: the file will be read again

    def _compact(self) -> None:
        remembered = self._remembered()
        temporary = self._index.with_name(f".tmp-{self._index.name}-{secrets.token_hex(4)}")
        try:
            kept = {path: it for path, it in remembered.items() if Path(path).exists()}
            lines = (json.dumps([path, *stamp, digest]) for path, (stamp, digest) in kept.items())
            temporary.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
            temporary.replace(self._index)
            self._by_path, self._lines = kept, len(kept)
        finally:
            temporary.unlink(missing_ok=True)


def index_of(home: Path) -> Path:
    """Where a home keeps its index."""
    return home / "cache" / "index"


def by_index(home: Path) -> Callable[[Path], bytes]:
    """SHA-256 of files for who needs them before the run begins, so that it does not read them again."""
    hashes = Hashes(index_of(home))
    return lambda path: sha256_once(path, lambda unknown: bytes.fromhex(hashes.file(unknown)))


def combined(hashes: Mapping[str, str]) -> str:
    """One hash for files with their relative names."""
    lines = (f"{digest} {json.dumps(name)}\n" for name, digest in sorted(hashes.items()))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


@lru_cache(maxsize=32)
def _members_of_small(archive: bytes) -> Mapping[str, str]:  # one object for all who ask
    return _members(archive)


def _members(archive: Path | bytes) -> dict[str, str]:
    """Name -> hash of the members, within the limits that unpacking has, too."""
    hashes: dict[str, str] = {}
    total = 0
    raw = io.BytesIO(archive) if isinstance(archive, bytes) else archive.open("rb")
    with raw, tarfile.open(fileobj=raw) as tar:
        for member in tar:
            total += member.size
            if len(hashes) > MAX_MEMBERS or total > MAX_BYTES:
                raise tarfile.ReadError("too large")
            content = tar.extractfile(member) if member.isfile() else None
            if content is not None:
                with content:
                    mode = "x" if member.mode & 0o100 else ""
                    hashes[member.name.removeprefix("./")] = _sha256_of(content) + mode
            elif not member.isdir():
                raise tarfile.ReadError("neither files nor folders alone")
    return hashes


def _sha256_of(stream: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while chunk := stream.read(_CHUNK):
        digest.update(chunk)
    return digest.hexdigest()


def _lines_of(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
