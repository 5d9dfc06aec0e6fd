"""The tags of a pipeline, made exactly those that were asked for; AWS's own are left alone."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from fluentpipe.aws import Account

_RESERVED = "aws:"  # prefix of tags that AWS sets and nobody else may


@attrs.frozen
class TagChange:
    """What to set and what to remove."""

    put: Mapping[str, str] = attrs.field(factory=dict)
    removed: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.put or self.removed)

    def __str__(self) -> str:
        return ", ".join(
            [*(f"+{key}={value}" for key, value in sorted(self.put.items())), *(f"-{key}" for key in self.removed)]
        )


def tag_change(account: Account, arn: str, wanted: Mapping[str, str] | None) -> TagChange:
    """What would make the tags those wanted; None leaves them. Only reads.

    Raises:
        AwsError: They cannot be asked for.
    """
    if wanted is None:
        return TagChange()
    with account.explained("list the tags of the pipeline", resource=arn):
        pages = account.client("sagemaker").get_paginator("list_tags").paginate(ResourceArn=arn)
        found = {each["Key"]: each["Value"] for page in pages for each in page["Tags"]}
    put = {key: value for key, value in wanted.items() if found.get(key) != value}
    return TagChange(put, tuple(sorted(key for key in found if key not in wanted and not key.startswith(_RESERVED))))


def apply(account: Account, arn: str, change: TagChange) -> None:
    """Set and remove; may be repeated.

    Raises:
        AwsError: The service refused.
    """
    client = account.client("sagemaker")
    if change.removed:
        with account.explained("remove tags of the pipeline", resource=arn):
            client.delete_tags(ResourceArn=arn, TagKeys=list(change.removed))
    if change.put:
        with account.explained("tag the pipeline", resource=arn):
            client.add_tags(
                ResourceArn=arn, Tags=[{"Key": key, "Value": value} for key, value in sorted(change.put.items())]
            )
