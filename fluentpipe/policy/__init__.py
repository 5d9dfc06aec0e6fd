"""Least-privilege IAM policies for a definition, from its own content: who deploys it, and the role that it runs with.

::

    needs      what the definition touches: buckets, images, keys, roles, networks
    emr        the same and their statements for EMR and EMR Serverless
    allowed    the statements that these needs take
    document   statements as policies, within IAM's limits
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from fluentpipe.definition import Definition
from fluentpipe.errors import SettingError
from fluentpipe.policy.allowed import SERVICE, Arns, for_deployer, for_execution
from fluentpipe.policy.document import Statement, policy, split
from fluentpipe.policy.needs import Needs, needs_of
from fluentpipe.target import refuse_placeholders
from fluentpipe.upload import default_bucket_name

__all__ = ["Policies", "Statement", "default_bucket", "policies"]

PARTITIONS = {
    "cn-": "aws-cn",
    "us-gov-": "aws-us-gov",
    "us-iso-": "aws-iso",
    "us-isob-": "aws-iso-b",
    "us-isof-": "aws-iso-f",
    "eu-isoe-": "aws-iso-e",
}


@attrs.frozen
class Policies:
    """What has to be allowed for a pipeline.

    Attributes:
        deployer: Policy documents for who deploys, starts and watches it; more than one only where one is too large.
        execution: For the role that it runs with.
        trust: The trust policy of that role.
        roles: ARNs of the roles that the definition names.
        notes: What could not be told from the definition.
        statements: All statements with their reasons, those of `deployer` and those of `execution`.
    """

    deployer: tuple[Mapping[str, Any], ...]
    execution: tuple[Mapping[str, Any], ...]
    trust: Mapping[str, Any]
    roles: tuple[str, ...]
    notes: tuple[str, ...]
    statements: Mapping[str, tuple[Statement, ...]] = attrs.field(repr=False)


def policies(
    definition: Definition, *, region: str | None = None, role: str | None = None, bucket: str | None = None
) -> Policies:
    """Work out the policies of a definition.

    Args:
        definition: Any; it may come from elsewhere.
        region: Where it will run; otherwise that of its images.
        role: ARN of the role that the pipeline takes, beside those that its jobs name.
        bucket: Where assets and large definitions are uploaded; otherwise that of the assets, or SageMaker's default one.

    Raises:
        DefinitionError: The definition was made without role or bucket.
        SettingError: Neither the definition nor the arguments say the role, and so the account, or the region.
    """
    refuse_placeholders(definition.to_json())
    needs = needs_of(definition)
    needs.roles |= {role} if role else set()
    arns = _arns(needs, region)
    default = default_bucket_name(arns.region, arns.account)
    own = bucket or next((each.bucket for each in sorted(needs.assets, key=str)), default)
    deployer = tuple(for_deployer(definition.name, needs, arns, own, default))
    execution = tuple(for_execution(needs, arns))
    if len(needs.roles) > 1:
        needs.notes.add(
            "several roles are named: the pipeline's role and those of its jobs each need these permissions"
        )
    return Policies(
        split(deployer),
        split(execution),
        _trust(arns),
        tuple(sorted(needs.roles)),
        tuple(sorted(needs.notes)),
        {"deployer": deployer, "execution": execution},
    )


def _arns(needs: Needs, region: str | None) -> Arns:
    accounts = sorted({each.split(":")[4] for each in needs.roles if each.count(":") > 4})
    regions = sorted({each.region for each in needs.images})
    found = region or (regions[0] if regions else None)
    faults = []
    if len(accounts) != 1:
        faults.append(
            f"the roles name {len(accounts) or 'no'} accounts" if accounts else "no role is named, so no account"
        )
    if found is None:
        faults.append("no image tells the region")
    if faults or found is None:
        raise SettingError(
            "the policies need an account and a region.", *faults,
            fix='role="arn:aws:iam::111122223333:role/SageMakerRole", region="us-east-1" (--role, --region)',
        )  # fmt: skip
    return Arns(partition_of(found), found, accounts[0])


def default_bucket(role: str | None, region: str | None) -> str | None:
    """SageMaker's own bucket of the account of a role; None where role or region are not known."""
    account = role.split(":")[4] if role and role.count(":") > 4 else ""
    return default_bucket_name(region, account) if account and region else None


def partition_of(region: str) -> str:
    """The part of AWS that a region belongs to, as ARNs name it."""
    return next((partition for prefix, partition in PARTITIONS.items() if region.startswith(prefix)), "aws")


def _trust(arns: Arns) -> dict[str, Any]:
    """SageMaker may take the role, on behalf of this account alone."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": SERVICE},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"aws:SourceAccount": arns.account}},
    }
    return policy([statement])
