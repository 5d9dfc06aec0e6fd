"""Local data for an execution: uploaded under its content hash, to where deploying the same data would put it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import attrs

from fluentpipe.aws import Account
from fluentpipe.reference import LocalPath
from fluentpipe.target import Target
from fluentpipe.upload import default_bucket, store


@attrs.frozen
class Data:
    """Uploads data for one pipeline.

    Args:
        account: Of the bucket.
        pipeline: Name of the pipeline.
        bucket: Its name; otherwise the default one of the account.
        say: Takes lines: sizes before the upload, progress after.
    """

    account: Account
    pipeline: str
    bucket: str | None
    say: Callable[[str], None]

    def upload(self, path: Path) -> str:
        """The S3 URI of a file or a folder, which is there then; what is there already is not uploaded again.

        Raises:
            SourceError: There is nothing to upload.
            AwsError: S3 refused.
        """
        target = Target(self.pipeline, bucket=self.bucket or default_bucket(self.account))
        uri = str(target.location(LocalPath(path)))
        store(self.account, tuple(target.assets.values()), self.say)
        return uri
