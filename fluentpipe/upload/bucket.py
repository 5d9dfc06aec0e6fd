"""Buckets: looked at before anything is done; the default one is made if it is not there."""

from __future__ import annotations

from typing import Any

import attrs

from fluentpipe.aws import Account
from fluentpipe.aws_faults import code_of
from fluentpipe.errors import AccessDenied, AwsError, NoSuchBucket

_MISSING = frozenset(("404", "NoSuchBucket", "NotFound"))
_BLOCKED = {
    "BlockPublicAcls": True,
    "IgnorePublicAcls": True,
    "BlockPublicPolicy": True,
    "RestrictPublicBuckets": True,
}


@attrs.frozen
class Bucket:
    """A bucket as it is now."""

    name: str
    exists: bool
    owner: str = ""  # account that it has to belong to: ours, for the default bucket, whose name anybody can guess
    is_blocked: bool = True  # whether its public access is settled; not so where making the bucket was interrupted

    @property
    def expected_owner(self) -> dict[str, str]:
        """For every request: S3 refuses it where the bucket has another owner."""
        return {"ExpectedBucketOwner": self.owner} if self.owner else {}


def default_bucket(account: Account) -> str:
    """The bucket that SageMaker's tools use where none is named; the SageMaker SDK takes the same."""
    return default_bucket_name(account.region, account.account_id)


def default_bucket_name(region: str, account_id: str) -> str:
    """The same, where the account is known and need not be asked."""
    return f"sagemaker-{region}-{account_id}"


def look(account: Account, name: str) -> Bucket:
    """Look at a bucket; only reads.

    Raises:
        NoSuchBucket: It is not there, and is none that a deployment makes.
        AccessDenied: It may not be looked at, or belongs to another account.
        AwsError: It is in another region.
    """
    owner = account.account_id if name == default_bucket(account) else ""
    bucket = Bucket(name, True, owner)
    try:
        with account.explained(f"look at bucket {name!r}", resource=f"arn:{account.partition}:s3:::{name}"):
            answer = account.client("s3").head_bucket(Bucket=name, **bucket.expected_owner)
    except AwsError as error:
        if error.code in _MISSING and owner:
            return Bucket(name, False, owner)
        raise _refused(error, bucket) from error.__cause__
    if (region := answer.get("BucketRegion", account.region)) != account.region:
        raise AwsError(
            f"Bucket {name!r} is in {region}, and the pipeline would be in {account.region}: "
            "jobs read buckets of their own region only.",
            fix=f"name a bucket of {account.region}, or deploy with region={region!r} (--region {region})",
            region=account.region,
        )
    return attrs.evolve(bucket, is_blocked=not owner or _is_blocked(account, bucket))


def ensure(account: Account, bucket: Bucket) -> None:
    """Make the default bucket if it is missing, and block public access to it; may be repeated at any point.

    Raises:
        NoSuchBucket: The name is taken by another account.
        AwsError: It cannot be made.
    """
    client = account.client("s3")
    arn = f"arn:{account.partition}:s3:::{bucket.name}"
    if not bucket.exists:
        with account.explained(f"create bucket {bucket.name!r}", resource=arn):
            _create(client, bucket.name, account.region)
            client.get_waiter("bucket_exists").wait(Bucket=bucket.name, WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    if not bucket.exists or not bucket.is_blocked:
        with account.explained(f"block public access to bucket {bucket.name!r}", resource=arn):
            client.put_public_access_block(
                Bucket=bucket.name, PublicAccessBlockConfiguration=_BLOCKED, **bucket.expected_owner
            )


def _create(client: Any, name: str, region: str) -> None:
    from botocore.exceptions import ClientError

    # us-east-1 is the one region that may not be named.
    where = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    try:
        client.create_bucket(Bucket=name, **where)
    except ClientError as error:
        if code_of(error) == "BucketAlreadyExists":
            raise _of_another(name) from error
        # Another deployment was quicker, or is making it at this moment; the waiter sees it appear.
        if code_of(error) not in ("BucketAlreadyOwnedByYou", "OperationAborted"):
            raise


def _is_blocked(account: Account, bucket: Bucket) -> bool:
    """Whether somebody settled the bucket's public access, in either way."""
    from botocore.exceptions import ClientError

    with account.explained(f"look at the public access to bucket {bucket.name!r}"):
        try:
            account.client("s3").get_public_access_block(Bucket=bucket.name, **bucket.expected_owner)
        except ClientError as error:
            if code_of(error) == "NoSuchPublicAccessBlockConfiguration":
                return False
            # Deploying does not need the right to look: S3 itself blocks public access to new buckets since April 2023.
            if code_of(error) not in ("AccessDenied", "403", "MethodNotAllowed"):
                raise
    return True


def _refused(error: AwsError, bucket: Bucket) -> AwsError:
    if error.code in _MISSING:
        return NoSuchBucket(
            f"There is no bucket {bucket.name!r}.",
            fix=f"create it (aws s3 mb s3://{bucket.name}); a chain that is deployed without bucket= gets the default one",
            code=error.code,
            operation=error.operation,
            region=error.region,
        )
    if isinstance(error, AccessDenied) and bucket.owner:
        return AccessDenied(
            f"Bucket {bucket.name!r} belongs to another account than {bucket.owner}, or you may not look at it.",
            f"action: {error.action}",
            f"resource: {error.resource}",
            fix=f"name a bucket of your own: bucket= (--bucket); or {error.fix}",
            **{
                name: getattr(error, name)
                for name in ("action", "resource", "principal", "code", "operation", "region")
            },
        )
    return error


def _of_another(name: str) -> NoSuchBucket:
    return NoSuchBucket(
        f"The name of the default bucket, {name!r}, is taken by another account.",
        fix="create a bucket of another name, and name it: bucket= (--bucket)",
        code="BucketAlreadyExists",
        operation="CreateBucket",
    )
