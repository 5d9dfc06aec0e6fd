"""Folders of files under one content hash: what a definition needs uploaded.

The hash is of the names and the contents, in the order of the names, so equal folders have equal URIs on
every machine, and a step whose code did not change is still found in the service's cache.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import attrs

from fluentpipe.errors import FluentpipeError
from fluentpipe.s3uri import check_s3_uri
from fluentpipe.stamps import file_sha256

_SHA256 = re.compile(r"[0-9a-f]{64}")
_UNSAFE = re.compile("[\x00-\x1f\x7f\\\\\ud800-\udfff]")
_DRIVE = re.compile(r"[A-Za-z]:")


def check_file_name(name: str) -> str:
    """Return a relative POSIX name that stays inside its folder on every system.

    Raises:
        FluentpipeError: It is empty or absolute, has an empty, `.` or `..` segment, a backslash, a drive
            letter or a control character.
    """
    segments = name.split("/")
    # Surrogates stand for bytes that are no text: such a name cannot be hashed, nor sent to S3.
    if _UNSAFE.search(name) or _DRIVE.match(name) or any(part in ("", ".", "..") for part in segments):
        raise FluentpipeError(
            f"{name!r} is no safe name for a file of an asset.",
            fix="use a relative name with '/' between its parts, such as 'code/train.py'",
            name=name,
        )
    return name


def tree_sha256(files: Mapping[str, Path | bytes], of_file: Callable[[Path], bytes] = file_sha256) -> str:
    """SHA-256 (hexadecimal) over relative names and contents; the order given does not matter.

    Paths are read in chunks, so that large files never fill the memory.

    Args:
        files: Relative name -> a file, or the content itself.
        of_file: Gives the SHA-256 of a file, for who knows some without reading them.

    Raises:
        FluentpipeError: A name is unsafe; see `check_file_name`.
    """
    return sha256_of_digests({name: content_sha256(content, of_file) for name, content in files.items()})


def sha256_of_digests(digests: Mapping[str, bytes]) -> str:
    """What `tree_sha256` gives for files whose own SHA-256 is known: relative name -> digest."""
    tree = hashlib.sha256()
    for name in sorted(digests):
        encoded = check_file_name(name).encode()
        tree.update(b"%d:%b" % (len(encoded), encoded))
        tree.update(digests[name])
    return tree.hexdigest()


def content_sha256(content: Path | bytes, of_file: Callable[[Path], bytes] = file_sha256) -> bytes:
    """SHA-256 of one content; a file is read, unless `of_file` knows better."""
    return hashlib.sha256(content).digest() if isinstance(content, bytes) else of_file(content)


@attrs.frozen
class Asset:
    """Something to upload: a folder of files under one content hash.

    Raises:
        FluentpipeError: The URI does not end in the hash, or a name could leave the folder.
        InvalidS3Uri: The URI is malformed.
    """

    uri: str  # s3://bucket/prefix/<sha256>; a file is uploaded to uri/name
    sha256: str  # tree_sha256 of the files
    files: Mapping[str, Path | bytes]  # relative POSIX name -> local file, or the content itself

    def __attrs_post_init__(self) -> None:
        check_s3_uri(self.uri)
        if not _SHA256.fullmatch(self.sha256) or not self.uri.endswith("/" + self.sha256):
            raise FluentpipeError(
                f"The URI of an asset ends in its content hash; {self.uri!r} does not end in {self.sha256!r}.",
                fix="build it with Asset.of(prefix, files)",
            )
        for name in self.files:
            folders = check_file_name(name).split("/")[:-1]
            if any("/".join(folders[:depth]) in self.files for depth in range(1, len(folders) + 1)):
                raise FluentpipeError(f"A part of {name!r} is a file of the asset itself.", fix="rename one of them")

    @classmethod
    def of(cls, prefix: str, files: Mapping[str, Path | bytes]) -> Asset:
        """The asset of these files below an S3 prefix, hashed here."""
        digest = tree_sha256(files)
        return cls(f"{check_s3_uri(prefix)}/{digest}", digest, dict(files))

    def covers(self, name: str) -> bool:
        """Whether a relative name is one of the files, or a folder that holds some; `""` is the whole."""
        return not name or name in self.files or any(file.startswith(name + "/") for file in self.files)

    def copy_into(self, folder: Path) -> None:
        """Write every file below a folder that exists, and verify the whole against the hash.

        Raises:
            FluentpipeError: A file changed since it was hashed.
        """
        written: dict[str, Path | bytes] = {}
        for name, content in sorted(self.files.items()):
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, bytes):
                target.write_bytes(content)
            else:
                shutil.copyfile(content, target)
            written[name] = target
        if tree_sha256(written) != self.sha256:
            raise FluentpipeError(
                f"The files of asset {self.uri} are not those that were hashed.",
                fix="materialize the pipeline again: a file was edited in between",
            )
