"""Assets to S3: under their content hash, only what is missing, and only if it still is what was hashed.

An object is there whole or not at all, for S3 publishes an upload when it is complete, and its name holds the hash of its
asset. So an upload may be repeated, interrupted, and done by several at once: all write the same bytes.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import BinaryIO

import attrs

from fluentpipe.assets import Asset, content_sha256, sha256_of_digests
from fluentpipe.aws import Account
from fluentpipe.aws_faults import code_of
from fluentpipe.errors import AccessDenied, AssetChanged, NoSuchBucket
from fluentpipe.s3uri import split_s3_uri
from fluentpipe.upload.bucket import Bucket, look

DIGEST = "fluentpipe-sha256"  # metadata of an object: SHA-256 of its content, hexadecimal
_PART = 8 << 20  # bytes; larger files go up in parts
_MAX_PARTS = 9_000  # of one upload; S3 takes 10,000
_SIDE_BY_SIDE = 8  # requests
_ABANDONED = timedelta(days=1)  # after which parts of an upload are those of one that was killed
_NOT_SEEN = frozenset(("404", "NoSuchKey", "NotFound", "403", "AccessDenied"))
_TOLD_FROM = 64 << 20  # bytes; less is not worth lines of progress


@attrs.frozen
class Upload:
    """One file that is not in S3 yet."""

    uri: str
    content: Path | bytes = attrs.field(repr=False)
    size: int  # bytes
    sha256: bytes = attrs.field(repr=False)  # of the content

    @property
    def path(self) -> str:
        """How to name it to people: the local file, or the URI where there is none."""
        return str(self.content) if isinstance(self.content, Path) else self.uri


def missing(account: Account, assets: Iterable[Asset], buckets: Mapping[str, Bucket]) -> tuple[Upload, ...]:
    """The files of the assets that are not in S3, or are not known to be the right ones; only reads.

    Raises:
        AssetChanged: A file is gone, or is not the one that the definition was made with.
        AwsError: S3 cannot be asked.
    """
    with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
        return tuple(
            upload
            for asset in assets
            for upload in _missing_of(asset, pool, lambda uri: _stored(account, uri, buckets))
        )


def send(
    account: Account, uploads: Sequence[Upload], buckets: Mapping[str, Bucket], say: Callable[[str], None]
) -> None:
    """Upload files side by side, large ones in parts; each is hashed again on its way.

    Raises:
        AssetChanged: A file changed meanwhile; it is not published.
        AwsError: S3 did not take one. What was uploaded stays, so that a repeat goes on.
    """
    if not uploads:
        return
    for upload in uploads:
        if upload.size >= _PART:
            _abort_abandoned(account, upload, buckets)
    part = max(_PART, -(-max(upload.size for upload in uploads) // _MAX_PARTS))
    progress = Progress(sum(upload.size for upload in uploads), say)
    # Left with an error, the manager cancels what goes on, and S3 forgets the parts that it has.
    with contextlib.ExitStack() as streams, account.transfers(part=part, side_by_side=_SIDE_BY_SIDE) as manager:
        pending = []
        for upload in uploads:
            bucket, key = split_s3_uri(upload.uri)
            extra = {"Metadata": {DIGEST: upload.sha256.hex()}, **buckets[bucket].expected_owner}
            stream = streams.enter_context(contextlib.closing(Checked(upload, progress)))
            pending.append((upload, manager.upload(stream, bucket, key, extra)))
        for upload, future in pending:
            with account.explained(f"upload {upload.path}", resource=upload.uri):
                future.result()


def is_there(account: Account, uri: str) -> bool:
    """Whether S3 holds anything below a URI; what may not be looked at counts as there. Only reads.

    Raises:
        AwsError: S3 cannot be asked, or the bucket is in another region.
    """
    name, key = split_s3_uri(uri)
    try:
        bucket = look(account, name)
        if not bucket.exists:
            return False
        with account.explained(f"look at {uri}", resource=uri):
            found = account.client("s3").list_objects_v2(
                Bucket=name, Prefix=f"{key}/", MaxKeys=1, **bucket.expected_owner
            )
    except NoSuchBucket:
        return False
    except AccessDenied:  # deploying does not need this right
        return True
    return bool(found["KeyCount"])


class Checked:
    """The content of a file, read once from front to back, that refuses to end if it is not what was hashed.

    It cannot be sought in, so that the transfer reads it in order; since the end is read before the last part is sent and
    the object is put together, a file that changed is never published.
    """

    def __init__(self, upload: Upload, progress: Progress) -> None:
        self._upload, self._progress = upload, progress
        self._digest = hashlib.sha256()
        self._stream: BinaryIO | None = None  # opened at the first read: many may wait
        self._read = 0

    def read(self, size: int = -1) -> bytes:
        """The next bytes: as many as asked for, except at the end."""
        if self._stream is None:
            content = self._upload.content
            self._stream = io.BytesIO(content) if isinstance(content, bytes) else _opened(content)
        found = self._stream.read(size)
        self._digest.update(found)
        self._read += len(found)
        self._progress.add(len(found))
        if size < 0 or len(found) < size:
            self._check()
        return found

    def close(self) -> None:
        """Close the file."""
        if self._stream is not None:
            self._stream.close()

    def _check(self) -> None:
        if self._digest.digest() != self._upload.sha256:
            raise AssetChanged(
                f"{self._upload.path} changed while it was uploaded; it was not published.",
                f"{self._upload.size} bytes were hashed, {self._read} other ones were read",
                fix="deploy again once nothing writes to it any more",
                path=self._upload.path,
            )


class Progress:
    """Says how far the uploads are, at each tenth; nothing for small ones. Counts what was read to be sent."""

    def __init__(self, total: int, say: Callable[[str], None]) -> None:
        self._total, self._say = total, say
        self._lock, self._done, self._tenths = threading.Lock(), 0, 0

    def add(self, size: int) -> None:
        """Count bytes."""
        with self._lock:
            self._done += size
            tenths = min(self._done * 10 // self._total, 10) if self._total else 10
            if self._total < _TOLD_FROM or tenths <= self._tenths:
                return
            self._tenths = tenths
            self._say(f"uploading: {self._done >> 20} of {self._total >> 20} MiB ({10 * tenths} %)")


def _missing_of(asset: Asset, pool: ThreadPoolExecutor, stored: Callable[[str], tuple[int, str]]) -> list[Upload]:
    names = sorted(asset.files)
    sizes = {name: _size(asset, name) for name in names}
    known = dict(zip(names, pool.map(stored, [f"{asset.uri}/{name}" for name in names]), strict=True))
    there = {name: bytes.fromhex(digest) for name, (size, digest) in known.items() if digest and size == sizes[name]}
    if len(there) == len(names) and sha256_of_digests(there) == asset.sha256:
        return []  # nothing was read here: the digests of the objects make up the hash of the asset
    digests = {name: _hashed(asset, name) for name in names}
    if sha256_of_digests(digests) != asset.sha256:
        shown = [str(each) for each in asset.files.values() if isinstance(each, Path)]
        raise AssetChanged(
            "Files are not those that the definition was made with.",
            f"one of: {', '.join(shown[:5])}{', …' if len(shown) > 5 else ''}",
            f"asset: {asset.uri}",
            fix="materialize the pipeline again (pipe.upsert does), or write the bundle again",
            asset=asset.uri,
        )
    return [
        Upload(f"{asset.uri}/{name}", asset.files[name], sizes[name], digests[name])
        for name in names
        if there.get(name) != digests[name]
    ]


def _size(asset: Asset, name: str) -> int:
    content = asset.files[name]
    if isinstance(content, bytes):
        return len(content)
    try:
        return content.stat().st_size
    except OSError as error:
        raise _unreadable(content, error) from error


def _hashed(asset: Asset, name: str) -> bytes:
    content = asset.files[name]
    try:
        return content_sha256(content)
    except OSError as error:
        raise _unreadable(content, error) from error


def _opened(content: Path) -> BinaryIO:
    try:
        return content.open("rb")
    except OSError as error:
        raise _unreadable(content, error) from error


def _unreadable(content: object, error: OSError) -> AssetChanged:
    return AssetChanged(
        f"{content} cannot be read any more: {error.strerror}.", fix="put it back, or materialize again"
    )


def _stored(account: Account, uri: str, buckets: Mapping[str, Bucket]) -> tuple[int, str]:
    """Size and digest of an object; an empty digest if it is not there or is none of ours."""
    from botocore.exceptions import ClientError

    bucket, key = split_s3_uri(uri)
    if not buckets[bucket].exists:
        return 0, ""
    with account.explained(f"look at {uri}", resource=uri):
        try:
            found = account.client("s3").head_object(Bucket=bucket, Key=key, **buckets[bucket].expected_owner)
        except ClientError as error:
            # Without the right to list, S3 says "forbidden" for what is not there; uploading tells whether it is so.
            if code_of(error) in _NOT_SEEN:
                return 0, ""
            raise
    digest = found.get("Metadata", {}).get(DIGEST, "")
    return found["ContentLength"], digest if len(digest) == 64 and not set(digest) - set("0123456789abcdef") else ""


def _abort_abandoned(account: Account, upload: Upload, buckets: Mapping[str, Bucket]) -> None:
    """Remove the parts that a killed upload of the same file left: nobody sees them, and they cost.

    Those of the last day may be another deployment's and stay.
    """
    from botocore.exceptions import ClientError

    bucket, key = split_s3_uri(upload.uri)
    client, owner = account.client("s3"), buckets[bucket].expected_owner
    with account.explained(f"look for parts of an earlier upload of {upload.path}", resource=upload.uri):
        try:
            found = client.list_multipart_uploads(Bucket=bucket, Prefix=key, **owner).get("Uploads", ())
            for each in found:
                if each["Key"] == key and each["Initiated"] < datetime.now(timezone.utc) - _ABANDONED:
                    client.abort_multipart_upload(Bucket=bucket, Key=key, UploadId=each["UploadId"], **owner)
        except ClientError as error:
            # Deploying does not need these rights, and a part that another deployment removed is gone as it should be.
            if code_of(error) not in ("AccessDenied", "403", "NoSuchUpload"):
                raise
