"""What a deployment would change, found out by reading alone; prints as a dry run."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import attrs

from fluentpipe.assets import Asset
from fluentpipe.aws import Account
from fluentpipe.bundle import asset_uris
from fluentpipe.definition import Definition
from fluentpipe.deploy.place import Place
from fluentpipe.deploy.tags import TagChange, tag_change
from fluentpipe.deploy.upserting import Wanted, differences
from fluentpipe.deployed import described
from fluentpipe.errors import DefinitionError
from fluentpipe.s3uri import split_s3_uri
from fluentpipe.upload import Bucket, Upload, counted, is_there, look, missing

_OURS = re.compile(
    r"s3://[^/]+/[^/]+/(code|data)/[0-9a-f]{64}"
)  # as Target lays assets out; the SageMaker SDK its code


@attrs.frozen
class Changes:
    """What a deployment would change. False if nothing.

    Attributes:
        pipeline: Its name.
        account: Twelve digits.
        region: Such as `us-east-1`.
        bucket: For what is not told where to go.
        new_buckets: Buckets that would be made, or finished where making them was interrupted.
        uploads: Files that would be uploaded, each with `uri` and `size` in bytes.
        updates: `created`, or what would be updated of the pipeline.
        tags: What would be set and removed.
    """

    pipeline: str
    account: str
    region: str
    bucket: str
    new_buckets: tuple[str, ...]
    uploads: tuple[Upload, ...]
    updates: tuple[str, ...]
    tags: TagChange
    buckets: Mapping[str, Bucket] = attrs.field(repr=False)
    _assets: tuple[Asset, ...] = attrs.field(repr=False)

    @property
    def size(self) -> int:
        """Bytes to upload."""
        return sum(each.size for each in self.uploads)

    def __bool__(self) -> bool:
        return bool(self.new_buckets or self.uploads or self.updates or self.tags)

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def lines(self) -> list[str]:
        """Where, and then what, one thing a line."""
        return [
            f"pipeline {self.pipeline} in account {self.account}, {self.region}",
            *(f"  make bucket {name}" for name in self.new_buckets),
            *self._upload_lines(),
            f"  {_of_pipeline(self.updates)}",
            *([f"  tags: {self.tags}"] if self.tags else []),
        ]

    def _upload_lines(self) -> Iterable[str]:
        if not self.uploads:
            yield "  upload nothing"
            return
        yield f"  upload {counted(self.uploads)}"
        for asset in self._assets:
            mine = [each for each in self.uploads if each.uri.startswith(asset.uri + "/")]
            if mine:
                beside = len(asset.files) - len(mine)
                yield f"    {counted(mine)} to {asset.uri[: -len(asset.sha256) + 12]}…{f' ({beside} are there)' if beside else ''}"


def find_changes(place: Place, wanted: Wanted, assets: tuple[Asset, ...]) -> Changes:
    """Compare what there is with what shall be; only reads.

    Raises:
        AssetChanged: A file is not the one that the definition was made with.
        DefinitionError: It needs files that it does not bring and that are not in S3.
        AwsError: AWS cannot be asked.
    """
    account = place.account
    _refuse_absent(account, wanted.definition)
    # Of a definition that is sent as it is and needs no files, no bucket is looked at.
    names = sorted({split_s3_uri(asset.uri)[0] for asset in assets})
    buckets = {name: look(account, name) for name in names}
    deployed = described(account, wanted.definition.name)
    tags = (
        tag_change(account, deployed.arn, wanted.settings.tags)
        if deployed
        else TagChange(dict(wanted.settings.tags or {}))
    )
    return Changes(
        wanted.definition.name,
        account.account_id,
        account.region,
        place.bucket,
        tuple(name for name, bucket in buckets.items() if not (bucket.exists and bucket.is_blocked)),
        missing(account, assets, buckets),
        differences(deployed, wanted) if deployed else ("created",),
        tags,
        buckets,
        assets,
    )


def _refuse_absent(account: Account, definition: Definition) -> None:
    """A definition that came alone, as a JSON file, names folders that somebody else has to have uploaded."""
    brought = {asset.uri for asset in definition.assets}
    named = [uri for uri in asset_uris(definition.document) if uri not in brought and _OURS.fullmatch(uri)]
    absent = [uri for uri in named if not is_there(account, uri)]
    if absent:
        raise DefinitionError(
            f"Pipeline {definition.name!r} needs files that are not in S3, and the definition does not bring them.",
            *(f"nothing at {uri}" for uri in absent),
            fix="deploy the chain itself (pipe.upsert), or its bundle (pipe.materialize(…).write(folder)), which holds the files",
            diagnostics=(),
        )


def _of_pipeline(updates: tuple[str, ...]) -> str:
    if updates == ("created",):
        return "create the pipeline"
    return f"update the pipeline: {', '.join(updates)}" if updates else "leave the pipeline as it is"
