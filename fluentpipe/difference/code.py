"""What is in the code that a definition brings along, and what changed there.

Archives are read in memory, within limits, and never unpacked to a disk; they may come from anywhere.
"""

from __future__ import annotations

import difflib
import gzip
import hashlib
import io
import tarfile
import zlib
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path

from fluentpipe.assets import Asset, tree_sha256
from fluentpipe.errors import FluentpipeError

MAX_ARCHIVE = 32 << 20  # bytes, unpacked; a larger one is compared as the file that it is
MAX_MEMBERS = 5_000
MAX_TEXT = 1 << 20  # bytes of a file whose lines are compared
MAX_LINES = 40  # of a difference that are shown of a file
_UNREADABLE = (tarfile.TarError, EOFError, OSError, zlib.error, ValueError)

Files = Mapping[str, Path | bytes]


def contents_of(assets: Iterable[Asset]) -> dict[str, str]:
    """Hash in an asset's URI -> hash of what the asset holds, its archives unpacked: packing says nothing."""
    return {asset.sha256: _content_sha256(asset) for asset in assets}


def lines_changed(old: Asset | None, new: Asset | None) -> tuple[str, ...]:
    """What changed between two assets: a line for each file, and below it how, as `diff -u` has it."""
    if old is None or new is None:
        return ()
    before, after = unpacked(old.files), unpacked(new.files)
    lines: list[str] = []
    for name in sorted(before.keys() | after.keys()):
        if name not in after:
            lines.append(f"removed {name}")
        elif name not in before:
            lines.append(f"added {name}")
        elif (one := _read(before[name])) != (other := _read(after[name])):
            lines.append(f"changed {name}")
            sizes = f"  {_size(before[name])} bytes -> {_size(after[name])} bytes"
            lines += _text_difference(one, other) or [sizes]
    return tuple(lines)


def unpacked(files: Files) -> dict[str, Path | bytes]:
    """The files with those of their archives in the place of these."""
    found: dict[str, Path | bytes] = {}
    for name, content in files.items():
        inner = _members(_read(content)) if name.endswith((".tar.gz", ".tgz")) and _small(content) else None
        if inner is None:
            found[name] = content
        else:
            found.update({f"{name}/{member}": inner[member] for member in inner})
    return found


def _content_sha256(asset: Asset) -> str:
    files = unpacked(asset.files)
    if files == asset.files:
        return asset.sha256
    try:
        return tree_sha256(files)
    except FluentpipeError:  # a member of an archive with a name that no file of an asset may have
        return asset.sha256


@lru_cache(maxsize=16)
def _members(packed: bytes) -> Mapping[str, bytes] | None:
    """The plain files of an archive; None where it is none, is too large, or holds anything else."""
    found: dict[str, bytes] = {}
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(packed)) as stream:
            plain = stream.read(
                MAX_ARCHIVE + 1
            )  # before tarfile sees it; of what is in it, a sparse file alone would be more
        if len(plain) > MAX_ARCHIVE:
            return None
        with tarfile.open(fileobj=io.BytesIO(plain), mode="r:") as tar:
            for member in tar:
                if member.isdir():
                    continue
                if not member.isfile() or member.issparse() or len(found) >= MAX_MEMBERS or member.name in found:
                    return None
                content = tar.extractfile(member)
                found[member.name] = content.read() if content else b""
    except _UNREADABLE:
        return None
    return found


def _size(content: Path | bytes) -> int:
    return len(content) if isinstance(content, bytes) else content.stat().st_size


def _small(content: Path | bytes) -> bool:
    return _size(content) <= MAX_ARCHIVE


def _read(content: Path | bytes) -> bytes:
    if isinstance(content, bytes):
        return content
    if _small(content):
        return content.read_bytes()
    digest = hashlib.sha256()
    with content.open("rb") as stream:
        while chunk := stream.read(1 << 20):
            digest.update(chunk)
    return b"\0a large file of SHA-256 " + digest.digest()


def _text_difference(old: bytes, new: bytes) -> list[str]:
    """The lines that changed; none where it is no text, or too much of it."""
    try:
        texts = [each.decode("utf-8") for each in (old, new)]
    except UnicodeDecodeError:
        texts = []
    if not texts or len(old) > MAX_TEXT or len(new) > MAX_TEXT or any("\0" in each for each in texts):
        return []
    before, after = (each.splitlines() for each in texts)
    lines = list(difflib.unified_diff(before, after, n=1, lineterm=""))[2:]
    more = [f"  … {len(lines) - MAX_LINES} more lines"] if len(lines) > MAX_LINES else []
    return [f"  {line}" for line in lines[:MAX_LINES]] + more
