"""Hashes of files that did not change are not computed twice in a process.

A file is taken for the same while its path, place on the disk, size and times are: that of its content, which programs may
set (`cp -p`, `tar`), and that of its inode, which they may not. What changed a moment ago is read again, as it may change once
more without its times being other ones.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable
from pathlib import Path

_CHUNK = 1 << 20  # bytes read at once
_SETTLED_NS = 2_000_000_000
_KEPT = 10_000  # files

Stamp = tuple[int, int, int, int, int]  # device, inode, size in bytes, times of change of content and inode in ns

_known: dict[tuple[str, Stamp], bytes] = {}
_lock = threading.Lock()


def stamp_of(path: Path) -> Stamp:
    """What tells a file from its earlier states without reading it."""
    status = path.stat()
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def is_settled(stamp: Stamp) -> bool:
    """Whether the file was left alone long enough for its stamp to tell its content."""
    return max(stamp[3:]) < time.time_ns() - _SETTLED_NS


def file_sha256(path: Path) -> bytes:
    """SHA-256 of a file, which is read in chunks."""
    digest = hashlib.sha256()
    with path.open("rb", buffering=0) as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.digest()


def sha256_once(path: Path, compute: Callable[[Path], bytes] = file_sha256) -> bytes:
    """SHA-256 of a file, computed only where this process does not know it of the file as it is now."""
    stamp = stamp_of(path)
    key = (str(path.absolute()), stamp)
    with _lock:
        if found := _known.get(key):
            return found
    digest = compute(path)
    if is_settled(stamp) and stamp_of(path) == stamp:
        with _lock:
            if len(_known) >= _KEPT:
                _known.clear()
            _known[key] = digest
    return digest
