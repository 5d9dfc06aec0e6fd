"""Where a pipeline is deployed to: the account and region, the role that its jobs take, the bucket of its assets."""

from __future__ import annotations

import re

import attrs

from fluentpipe.aws import Account
from fluentpipe.definition import Definition
from fluentpipe.document import strings
from fluentpipe.errors import DefinitionError, NoSuchRole
from fluentpipe.s3uri import check_s3_uri
from fluentpipe.upload import default_bucket

_ROLE_ARN = re.compile(r"arn:aws[a-z\-]*:iam::(\d{12}):role/?[a-zA-Z_0-9+=,.@\-_/]+")  # botocore: RoleArn
_ROLE_NAME = re.compile(r"[\w+=,.@/-]{1,576}")  # IAM: RoleName with a path before it


@attrs.frozen
class Place:
    """An account in a region, with the role and the bucket to use there."""

    account: Account
    role: str  # ARN
    bucket: str

    @classmethod
    def found(cls, account: Account, role: str, bucket: str | None = None) -> Place:
        """The place as a user names it.

        Args:
            account: The account, in a region.
            role: ARN of a role, or its name, which IAM resolves.
            bucket: Otherwise SageMaker's own convention, `sagemaker-{region}-{account}`.

        Raises:
            NoSuchRole: There is none of that name, or it is a role of another account.
            InvalidS3Uri: A bucket cannot have that name.
            AwsError: IAM or STS cannot be asked.
        """
        check_s3_uri(f"s3://{bucket or default_bucket(account)}")
        return cls(account, role_arn(account, role), bucket or default_bucket(account))


def role_arn(account: Account, role: str) -> str:
    """The ARN of a role of this account, by its ARN or its name; IAM is asked for a name only.

    Raises:
        NoSuchRole: There is none of that name, or it is a role of another account.
    """
    if match := _ROLE_ARN.fullmatch(role):
        if match[1] != account.account_id:
            raise NoSuchRole(
                f"The role is of account {match[1]}, the credentials are of account {account.account_id}.",
                f"role: {role}",
                fix="name a role of this account, or use a profile of the other: profile= (--profile), AWS_PROFILE",
                region=account.region,
            )
        return role
    if not _ROLE_NAME.fullmatch(role) or role.startswith("arn:"):
        raise NoSuchRole(
            f"{role!r} is neither the ARN nor the name of a role.",
            fix='role="SageMakerRole", or role="arn:aws:iam::111122223333:role/SageMakerRole"',
            region=account.region,
        )
    name = role.rpartition("/")[2]
    with account.explained(f"find role {name!r}", resource=f"role {name}"):
        return str(account.client("iam").get_role(RoleName=name)["Role"]["Arn"])


def role_in(definition: Definition) -> str:
    """The one role that all jobs of a definition take, for the pipeline itself to take.

    Raises:
        DefinitionError: There is none, or several, or the run decides it.
    """
    found = sorted({text for _, text in strings(definition.document) if _ROLE_ARN.fullmatch(text)})
    if len(found) != 1:
        raise DefinitionError(
            f"Say which role pipeline {definition.name!r} takes: its jobs name {len(found) or 'none'}.",
            *found,
            fix='role="SageMakerRole" (--role SageMakerRole)',
            diagnostics=(),
        )
    return found[0]
