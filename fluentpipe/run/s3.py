"""Real S3 as a source of inputs: what no output, asset, map or local file stands for is downloaded into a mirror.

With `aws`, the only importer of boto3. An object is kept under the hash of its bucket, key and ETag, so that no key
becomes a path here, a changed object is another file, and a file that is there is whole: it was written as `.part`,
resumed with ranges where a download broke off, compared with its size and ETag, and renamed. It carries the object's
time; one that was written to since is not taken for it.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any

import attrs

from fluentpipe.errors import FluentpipeError, RunError, SourceError, did_you_mean
from fluentpipe.run.mirror import Use, mark_used
from fluentpipe.run.paths import inside
from fluentpipe.run.s3_faults import as_source_error, breaks_off
from fluentpipe.run.storage import Found

_SCHEME = "s3://"
_CHUNK = 1 << 20  # bytes
_TRIES = 5  # in a row without a byte
_SIDE_BY_SIDE = 8  # downloads
_TOLD_FROM = 8 << 20  # bytes; smaller ones are not worth a line
_MAX_NAME = 255  # bytes of a file's name, on the file systems of Linux and macOS
_MISSING = frozenset(("404", "NoSuchKey", "NotFound"))


@attrs.frozen
class _Object:
    """An object as S3 lists it."""

    bucket: str
    key: str
    size: int  # bytes
    etag: str
    time: datetime

    @property
    def uri(self) -> str:
        return f"{_SCHEME}{self.bucket}/{self.key}"

    @property
    def file_name(self) -> str:
        """Where it lies in the mirror: never a part of the key."""
        digest = hashlib.sha256(f"{self.bucket}\n{self.key}\n{self.etag}".encode()).hexdigest()
        return f"{digest[:2]}/{digest}"

    @property
    def stamp(self) -> int:
        """Nanoseconds; its time with a fraction that nothing else writes, so that a file that was written to differs."""
        return int(self.time.timestamp()) * 10**9 + int(self.file_name[-5:], 16) * 1000

    @property
    def md5(self) -> str | None:
        """The MD5 of the content, where the ETag may be one; several parts give another."""
        return self.etag if len(self.etag) == 32 and "-" not in self.etag else None


@attrs.define
class S3:
    """The Source of real S3; asked last. A run sees each URI as it was when it first asked. Safe to use from threads."""

    mirror: Path
    say: Callable[[str], None]  # takes lines of progress
    _client: Any = attrs.field(default=None, repr=False)  # of boto3; without one the user's default session makes it
    _seen: dict[str, Found] = attrs.field(factory=dict, init=False)
    _use: Use | None = attrs.field(
        default=None, init=False, repr=False
    )  # of the mirror, from the first object to `release`
    _lock: threading.Lock = attrs.field(factory=threading.Lock, init=False, repr=False)

    def find(self, uri: str) -> Found | None:
        """Download an object, or all objects below a prefix; what is in the mirror already is not read again.

        `s3://b/x` is the object `x`, and where there is none the prefix `x/`; `s3://b/x/` is always the prefix.

        Raises:
            SourceError: There are no credentials, no access, no network, no such bucket or key, or a key is no safe name.
        """
        bucket, _, key = uri.removeprefix(_SCHEME).partition("/")
        with self._lock:
            if uri not in self._seen:
                try:
                    self._seen[uri] = self._fetched(uri, bucket, key)
                except FluentpipeError:
                    raise
                except Exception as error:
                    raise as_source_error(error, uri, bucket) from error
            return self._seen[uri]

    def release(self) -> None:
        """Say that nothing more is read from the mirror: what was found may be removed."""
        if self._use is not None:
            self._use.close()
            self._use = None

    def close(self) -> None:
        """Close the connections, and say that nothing more is read from the mirror."""
        self.release()
        if self._client is not None:
            self._client.close()
            self._client = None

    def _fetched(self, uri: str, bucket: str, key: str) -> Found:
        if key and not key.endswith("/") and (single := self._head(bucket, key)) is not None:
            return Found(uri, True, {_name(single): self._in_mirror([single])[0]})
        key = key.rstrip("/")
        prefix = f"{key}/" if key else ""
        below = list(self._list(bucket, prefix))
        listed = [each for each in below if not each.key.endswith("/")]
        if below and not listed:
            raise _only_markers(uri, below)
        if not listed:
            raise self._nothing(uri, bucket, key)
        names = [each.key.removeprefix(prefix) for each in listed]
        for each, name in zip(listed, names, strict=True):
            _check_name(each, name)
        _refuse_both(uri, names)
        return Found(uri, False, dict(zip(names, self._in_mirror(listed), strict=True)))

    def _head(self, bucket: str, key: str) -> _Object | None:
        from botocore.exceptions import ClientError

        try:
            found = self._connected().head_object(Bucket=bucket, Key=key)
        except ClientError as error:
            # Without the right to list, S3 says "forbidden" for what is not there: listing it then tells.
            if error.response["Error"]["Code"] in {*_MISSING, "403"}:
                return None
            raise
        return _Object(bucket, key, found["ContentLength"], found["ETag"].strip('"'), found["LastModified"])

    def _list(self, bucket: str, prefix: str) -> Iterator[_Object]:
        pages = self._connected().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        for page in pages:
            for each in page.get("Contents", ()):
                yield _Object(bucket, each["Key"], each["Size"], each["ETag"].strip('"'), each["LastModified"])

    def _nothing(self, uri: str, bucket: str, key: str) -> SourceError:
        """The error for a URI with nothing behind it; names what lies beside it."""
        parent, _, name = key.rpartition("/")
        folder = f"{parent}/" if parent else ""
        page = self._connected().list_objects_v2(Bucket=bucket, Prefix=folder, Delimiter="/")
        keys = [each["Key"] for each in page.get("Contents", ())]
        keys += [each["Prefix"].rstrip("/") for each in page.get("CommonPrefixes", ())]
        beside = sorted({each.removeprefix(folder) for each in keys} - {""})
        if key in keys:  # asked for with a slash
            message = f"There is nothing below {uri!r}: {key!r} is an object."
            return SourceError(message, fix="leave out the slash at the end", uri=uri)
        return SourceError(
            f"There is no object and no prefix {uri!r}.{did_you_mean(name, beside)}",
            f"in s3://{bucket}/{folder} there is: {', '.join(beside[:12]) or 'nothing'}",
            fix="correct the URI",
            uri=uri,
        )

    def _in_mirror(self, objects: list[_Object]) -> list[Path]:
        if self._use is None:
            self._use = Use(self.mirror)
        missing = [each for each in objects if not self._is_whole(each)]
        if missing:
            progress = _Progress(self.say, missing)
            with ThreadPoolExecutor(min(_SIDE_BY_SIDE, len(missing))) as pool:
                for _ in pool.map(lambda each: self._download(each, progress), missing):
                    pass
        for path in (found := [self._path(each) for each in objects]):
            mark_used(path)
        return found

    def _path(self, each: _Object) -> Path:
        return self.mirror / each.file_name

    def _is_whole(self, each: _Object) -> bool:
        try:
            status = self._path(each).stat()
        except FileNotFoundError:
            return False
        return status.st_size == each.size and status.st_mtime_ns == each.stamp

    def _download(self, each: _Object, progress: _Progress) -> None:
        target = self._path(each)
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f"{target.name}.part")
        with part.open("ab") as file, _alone(file):
            if self._is_whole(each):  # another run was quicker
                part.unlink(missing_ok=True)
                return
            if file.tell() > each.size:
                file.truncate(0)
            progress.add(file.tell())
            self._fill(each, file, progress)
            file.flush()
            os.fsync(file.fileno())
            self._check(each, part)
            os.utime(part, ns=(each.stamp, each.stamp))
            part.chmod(0o444)
            part.replace(target)

    def _fill(self, each: _Object, file: Any, progress: _Progress) -> None:
        """Append what is missing; a connection that breaks is opened again where it broke."""
        fruitless = 0
        while file.tell() < each.size:
            before = file.tell()
            try:
                answer = self._connected().get_object(
                    Bucket=each.bucket, Key=each.key, IfMatch=f'"{each.etag}"', Range=f"bytes={before}-"
                )
                with contextlib.closing(answer["Body"]) as body:
                    for chunk in body.iter_chunks(_CHUNK):
                        file.write(chunk)
                        progress.add(len(chunk))
            except Exception as error:
                if not breaks_off(error):
                    raise
                fruitless = fruitless + 1 if file.tell() == before else 0
                if fruitless >= _TRIES:
                    raise
                self.say(
                    f"s3: the connection broke at {file.tell()} of {each.size} bytes of {each.uri}; going on there"
                )

    def _check(self, each: _Object, part: Path) -> None:
        """Refuse a file that is not the object; where the ETag is no MD5, its size has to do."""
        size = part.stat().st_size
        whole = size == each.size
        if whole and each.md5 is not None and _md5(part) != each.md5:
            # Encrypted with a key of KMS, an object has an ETag that is none of its content: ask before doubting it.
            answer = self._connected().head_object(Bucket=each.bucket, Key=each.key)
            whole = answer.get("ServerSideEncryption", "AES256") != "AES256" or "SSECustomerAlgorithm" in answer
        if not whole:
            part.unlink()
            raise SourceError(
                f"What came of {each.uri!r} is not the object: {size} bytes instead of {each.size}, or other ones.",
                fix="run again; it is downloaded anew",
                uri=each.uri,
            )

    def _connected(self) -> Any:
        if self._client is None:
            import boto3
            from botocore.config import Config

            config = Config(retries={"mode": "standard", "max_attempts": 3}, connect_timeout=10, read_timeout=30)
            # The default session is the user's: boto3.setup_default_session(profile_name=...) holds here, too.
            self._client = boto3.client("s3", config=config)
        return self._client


class _Progress:
    """Says how far the downloads of one URI are, at each tenth; nothing for small ones."""

    def __init__(self, say: Callable[[str], None], objects: list[_Object]) -> None:
        self._say, self._lock = say, threading.Lock()
        self._total, self._done, self._tenths = sum(each.size for each in objects), 0, 0
        self._what = objects[0].uri if len(objects) == 1 else f"{len(objects)} objects, {objects[0].uri} and others"

    def add(self, size: int) -> None:
        """Count bytes that arrived, or were there."""
        with self._lock:
            self._done += size
            tenths = self._done * 10 // self._total if self._total else 10
            if self._total < _TOLD_FROM or tenths <= self._tenths:
                return
            self._tenths = tenths
            self._say(f"s3: {self._done >> 20} of {self._total >> 20} MiB ({10 * tenths} %) of {self._what}")


@contextlib.contextmanager
def _alone(file: Any) -> Iterator[None]:
    """Keep other runs from writing the same part; where the system has no such locks they would write the same bytes."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    fcntl.flock(file, fcntl.LOCK_EX)
    file.seek(0, os.SEEK_END)
    try:
        yield
    finally:
        fcntl.flock(file, fcntl.LOCK_UN)


def _name(each: _Object) -> str:
    name = each.key.rpartition("/")[2]
    _check_name(each, name)
    return name


def _check_name(each: _Object, name: str) -> None:
    try:
        if not name:
            raise RunError("It is empty.")
        inside(Path(), name)
    except RunError as error:
        raise _no_file(each, f"{name!r} is no safe relative name") from error
    longest = max(len(os.fsencode(part)) for part in name.split("/"))
    if longest > _MAX_NAME:
        raise _no_file(each, f"a part of it has {longest} bytes, and a file's name at most {_MAX_NAME}")


def _no_file(each: _Object, why: str) -> SourceError:
    return SourceError(
        f"The key {each.key!r} in bucket {each.bucket!r} cannot be a file here: {why}.",
        fix="name a prefix without it, or copy the object to another key",
        uri=each.uri,
    )


def _only_markers(uri: str, markers: list[_Object]) -> SourceError:
    """The error for a prefix with nothing but the empty objects by which consoles show folders."""
    also = f" and {len(markers) - 1} more" if len(markers) > 1 else ""
    return SourceError(
        f"There is no file below {uri!r}, only the marker of an empty folder: {markers[0].key!r}{also}.",
        fix="upload the files, or correct the URI",
        uri=uri,
    )


def _refuse_both(uri: str, names: list[str]) -> None:
    """Two objects `a` and `a/b` cannot both be files."""
    known = set(names)
    for name in names:
        for end in (position for position, sign in enumerate(name) if sign == "/"):
            if name[:end] in known:
                raise SourceError(
                    f"{uri!r} has both {name[:end]!r} and {name!r}; here one would be a file and a folder.",
                    fix="name a prefix with one of them",
                    uri=uri,
                )


def _md5(file: Path) -> str:
    digest = hashlib.md5(usedforsecurity=False)  # what an ETag is
    with file.open("rb") as content:
        while chunk := content.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
