"""Deploy: any definition to SageMaker, through boto3 alone.

Everything is looked at first, by reading; then it is done in an order in which each step is whole by itself and may be
repeated: buckets, files under their content hash, the pipeline, its tags. An interruption leaves nothing that the next
deployment does not find and go on from.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, overload

from fluentpipe.assets import Asset
from fluentpipe.aws import Account
from fluentpipe.contract import StepContract
from fluentpipe.definition import Definition
from fluentpipe.deploy import tags as tagging
from fluentpipe.deploy.changes import Changes, find_changes
from fluentpipe.deploy.deployment import Deployment, delete
from fluentpipe.deploy.place import Place, role_arn, role_in
from fluentpipe.deploy.upserting import Settings, Wanted, refuse_settings, upsert
from fluentpipe.materialize import materialize
from fluentpipe.plan import Plan
from fluentpipe.s3uri import split_s3_uri
from fluentpipe.target import Target, refuse_placeholders
from fluentpipe.upload import default_bucket, ensure, send

__all__ = [
    "Changes", "Deployment", "Place", "Settings", "default_bucket", "delete", "deploy", "deploy_plan", "role_arn",
]  # fmt: skip

MAX_INLINE = 100 << 10  # bytes of a definition that is sent in the request; the SageMaker SDK draws the line here, too


@overload
def deploy(
    definition: Definition, role: str | None = ..., *, bucket: str | None = ..., region: str | None = ...,
    profile: str | None = ..., session: Any = ..., tags: Mapping[str, str] | None = ..., max_parallel_steps: int | None = ...,
    display_name: str | None = ..., description: str | None = ..., say: Callable[[str], None] = ...,
    dry_run: Literal[False] = ...,
) -> Deployment: ...  # fmt: skip


@overload
def deploy(
    definition: Definition, role: str | None = ..., *, bucket: str | None = ..., region: str | None = ...,
    profile: str | None = ..., session: Any = ..., tags: Mapping[str, str] | None = ..., max_parallel_steps: int | None = ...,
    display_name: str | None = ..., description: str | None = ..., say: Callable[[str], None] = ..., dry_run: bool,
) -> Deployment | Changes: ...  # fmt: skip


def deploy(
    definition: Definition,
    role: str | None = None,
    *,
    bucket: str | None = None,
    region: str | None = None,
    profile: str | None = None,
    session: Any = None,
    tags: Mapping[str, str] | None = None,
    max_parallel_steps: int | None = None,
    display_name: str | None = None,
    description: str | None = None,
    say: Callable[[str], None] = print,
    dry_run: bool = False,
) -> Deployment | Changes:
    """Upload what a definition needs, and create or update its pipeline; what is there already is left alone.

    Args:
        definition: Whoever made it; its jobs keep the roles, buckets and images that it was made with.
        role: ARN or name of the role that the pipeline takes; otherwise the one that all its jobs name.
        bucket: For a definition that is too large to be sent; otherwise that of its files.
        region: Otherwise that of the profile or AWS_DEFAULT_REGION.
        profile: Of the AWS configuration; otherwise AWS_PROFILE or the default.
        session: A `boto3.Session` to use instead.
        tags: All that the pipeline shall have; None leaves them as they are.
        max_parallel_steps: Steps that run side by side; None leaves it as it is.
        display_name: Of the pipeline in the console; None leaves it as it is.
        description: Of the pipeline; None leaves it as it is.
        say: Takes each line of progress; the sizes of the uploads come before they begin.
        dry_run: Only say what would change, and give that; nothing but reading calls are made.

    Raises:
        DefinitionError: It has faults, was made without role or bucket, or needs files that are nowhere.
        AssetChanged: A file is not the one that it was made with.
        AwsError: AWS refused something; what was done stays done, and a repeat goes on from there.
    """
    refuse_placeholders(definition.to_json())
    definition.raise_on_errors()
    settings = Settings(tags, max_parallel_steps, display_name, description)
    refuse_settings(definition.name, settings)
    own = next((split_s3_uri(asset.uri)[0] for asset in definition.assets), None)
    place = Place.found(Account(region, profile, session), role or role_in(definition), bucket or own)
    return _deploy(place, definition, settings, say, dry_run=dry_run)


def deploy_plan(
    plan: Plan,
    role: str,
    settings: Settings,
    *,
    bucket: str | None = None,
    region: str | None = None,
    profile: str | None = None,
    session: Any = None,
    say: Callable[[str], None] = print,
    dry_run: bool = False,
) -> Deployment | Changes:
    """Deploy a chain: materialized for the place that these name; otherwise as `deploy`.

    Raises:
        DefinitionError: The chain or the settings have faults; AWS was not asked.
    """
    refuse_settings(plan.name, settings)
    draft = Target(plan.name)
    materialize(plan, draft)
    place = Place.found(Account(region, profile, session), role, bucket)
    target = draft.moved(role=place.role, bucket=place.bucket, region=place.account.region)
    contracts = {node.step.name: node.step.contract for node in plan.nodes}
    return _deploy(place, materialize(plan, target), settings, say, dry_run=dry_run, contracts=contracts)


def _deploy(
    place: Place,
    definition: Definition,
    settings: Settings,
    say: Callable[[str], None],
    *,
    dry_run: bool,
    contracts: Mapping[str, StepContract] | None = None,
) -> Deployment | Changes:
    stored, uri = _in_s3(definition, place.bucket)
    wanted = Wanted(definition, place.role, settings, uri)
    changes = find_changes(place, wanted, (*definition.assets, *stored))
    for line in changes.lines():
        say(line)
    if dry_run:
        say("dry run: nothing was changed")
        return changes
    deployment = _carried_out(place, wanted, changes, say, contracts or {})
    say(str(deployment))
    return deployment


def _in_s3(definition: Definition, bucket: str) -> tuple[tuple[Asset, ...], str]:
    """A definition that is too large to be sent, as one more asset, and the URI that it will have."""
    text = definition.to_json().encode()
    if len(text) < MAX_INLINE:
        return (), ""
    asset = Asset.of(f"s3://{bucket}/{definition.name}/definition", {"definition.json": text})
    return (asset,), f"{asset.uri}/definition.json"


def _carried_out(
    place: Place, wanted: Wanted, changes: Changes, say: Callable[[str], None], contracts: Mapping[str, StepContract]
) -> Deployment:
    account = place.account
    for name in changes.new_buckets:
        ensure(account, changes.buckets[name])
    send(account, changes.uploads, changes.buckets, say)
    done = upsert(account, wanted)
    # Asked again: between the look and the creation another deployer may have set others.
    tags = tagging.tag_change(account, done.arn, wanted.settings.tags)
    tagging.apply(account, done.arn, tags)
    return Deployment(
        name=wanted.definition.name,
        arn=done.arn,
        account_id=changes.account,
        region=account.region,
        bucket=place.bucket,
        role=place.role,
        definition=wanted.definition,
        changed=(*done.changed, *(["tags"] if tags and done.changed != ("created",) else [])),
        uploaded=tuple(each.uri for each in changes.uploads),
        version=done.version,
        account=account,
        contracts=contracts,
    )
