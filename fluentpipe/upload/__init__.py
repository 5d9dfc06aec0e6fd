"""Upload: assets to S3, under their content hash, only what is missing."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from fluentpipe.assets import Asset
from fluentpipe.aws import Account
from fluentpipe.s3uri import split_s3_uri
from fluentpipe.upload.bucket import Bucket, default_bucket, default_bucket_name, ensure, look
from fluentpipe.upload.files import Upload, is_there, missing, send
from fluentpipe.upload.sizes import counted, sized

__all__ = [
    "Bucket",
    "Upload",
    "counted",
    "default_bucket",
    "default_bucket_name",
    "ensure",
    "is_there",
    "look",
    "missing",
    "send",
    "sized",
    "store",
]


def store(account: Account, assets: Sequence[Asset], say: Callable[[str], None] = print) -> tuple[Upload, ...]:
    """Upload the files of assets that are not in S3 yet, after saying how large they are.

    Returns:
        What was uploaded.

    Raises:
        AssetChanged: A file is not the one that was hashed.
        AwsError: AWS refused something; what was uploaded stays, and a repeat goes on from there.
    """
    buckets = {name: look(account, name) for name in sorted({split_s3_uri(asset.uri)[0] for asset in assets})}
    uploads = missing(account, assets, buckets)
    if uploads:
        say(f"upload {counted(uploads)} to {', '.join(asset.uri for asset in assets)}")
    for bucket in buckets.values():
        ensure(account, bucket)
    send(account, uploads, buckets, say)
    return uploads
