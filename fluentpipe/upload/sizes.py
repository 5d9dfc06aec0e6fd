"""Sizes, as people read them."""

from __future__ import annotations

from collections.abc import Sequence

from fluentpipe.upload.files import Upload


def counted(uploads: Sequence[Upload]) -> str:
    """How many files, and how large they are together: `3 files, 1.2 MB`."""
    count = "1 file" if len(uploads) == 1 else f"{len(uploads)} files"
    return f"{count}, {sized(sum(each.size for each in uploads))}"


def sized(count: int) -> str:
    """A number of bytes as people read it."""
    for unit, limit in (("B", 1_000), ("kB", 1_000_000), ("MB", 1_000_000_000)):
        if count < limit:
            return f"{count / (limit / 1_000):.{0 if unit == 'B' else 1}f} {unit}"
    return f"{count / 1e9:.1f} GB"
