"""Create or update, without a race: what another deployer does between two of our calls leads to another round."""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Mapping
from typing import Any

import attrs

from fluentpipe.aws import Account
from fluentpipe.aws_faults import code_of, is_missing_pipeline, said_by
from fluentpipe.definition import Definition
from fluentpipe.deployed import Deployed, described, same_document
from fluentpipe.document import write_trail
from fluentpipe.errors import DefinitionError, DeployConflict
from fluentpipe.request import check_request
from fluentpipe.s3uri import split_s3_uri

_ROUNDS = 8
_PAUSE, _LONGEST = 0.5, 10  # seconds: before the second round, doubled for each later one; at most


@attrs.frozen
class Settings:
    """What a pipeline has beside its definition and role; None leaves a member as it is."""

    tags: Mapping[str, str] | None = None  # all that it shall have
    max_parallel_steps: int | None = None  # MaxParallelExecutionSteps of ParallelismConfiguration
    display_name: str | None = None
    description: str | None = None

    def request(self) -> dict[str, Any]:
        """The members of CreatePipeline and UpdatePipeline; tags are no member of the latter."""
        limit = self.max_parallel_steps
        found = {
            "PipelineDisplayName": self.display_name,
            "PipelineDescription": self.description,
            "ParallelismConfiguration": None if limit is None else {"MaxParallelExecutionSteps": limit},
        }
        return {name: value for name, value in found.items() if value is not None}

    def service_tags(self) -> list[dict[str, str]]:
        """The tags as the service takes them."""
        return [{"Key": key, "Value": value} for key, value in sorted((self.tags or {}).items())]


@attrs.frozen
class Wanted:
    """A pipeline as it shall be."""

    definition: Definition
    role: str  # ARN
    settings: Settings
    uri: str = ""  # of the definition, where it is too large to be sent

    def request(self) -> dict[str, Any]:
        """Members that CreatePipeline and UpdatePipeline share."""
        found: dict[str, Any] = {"PipelineName": self.definition.name, "RoleArn": self.role, **self.settings.request()}
        if self.uri:
            bucket, key = split_s3_uri(self.uri)
            return found | {"PipelineDefinitionS3Location": {"Bucket": bucket, "ObjectKey": key}}
        return found | {"PipelineDefinition": self.definition.to_json()}


@attrs.frozen
class Upserted:
    """What was done."""

    arn: str
    changed: tuple[str, ...]  # `created`, or what was updated; nothing if all was as it shall be
    version: int | None = None  # of the pipeline, where the service gives one


def differences(deployed: Deployed, wanted: Wanted) -> tuple[str, ...]:
    """What has to be updated, in words."""
    settings = wanted.settings
    pairs = {
        "definition": same_document(deployed.text, wanted.definition),
        "role": deployed.role == wanted.role,
        "display name": settings.display_name in (None, deployed.display_name),
        "description": settings.description in (None, deployed.description),
        "parallelism": settings.max_parallel_steps in (None, deployed.max_parallel_steps),
    }
    return tuple(name for name, same in pairs.items() if not same)


def upsert(account: Account, wanted: Wanted) -> Upserted:
    """Make the pipeline what it shall be, except for the tags of one that is there already.

    Raises:
        DeployConflict: Others went on changing it.
        AwsError: The service refused.
    """
    from botocore.exceptions import ClientError

    name = wanted.definition.name
    token = uuid.uuid4().hex  # one for all rounds, so that a creation whose answer was lost is not made again
    created = False
    for turn in range(_ROUNDS):
        if turn:
            time.sleep(min(_PAUSE * 2 ** (turn - 1), _LONGEST) * random.uniform(0.5, 1))  # noqa: S311  no secret
        deployed = described(account, name)
        changes = differences(deployed, wanted) if deployed else ("created",)
        if deployed and not changes:
            return Upserted(deployed.arn, ("created",) if created else ())
        verb = "update" if deployed else "create"
        with account.explained(f"{verb} pipeline {name!r}", resource=f"pipeline/{name}"):
            try:
                if deployed:
                    answer = account.client("sagemaker").update_pipeline(**wanted.request())
                else:
                    created = True  # even if no answer comes: what is found then, as wanted, is our own
                    answer = _create(account, wanted, token)
            except ClientError as error:
                if not _was_overtaken(error):
                    raise
            else:
                return Upserted(answer["PipelineArn"], changes, answer.get("PipelineVersionId"))
    raise DeployConflict(
        f"Could not deploy pipeline {name!r}: somebody else went on changing it.",
        f"tried {_ROUNDS} times in {account.region}",
        fix="see who else deploys it, and deploy again",
        region=account.region,
    )


def refuse_settings(name: str, settings: Settings) -> None:
    """Check names, numbers and tags against the service's own model.

    Raises:
        DefinitionError: Lists every fault.
    """
    request = {
        "PipelineName": name,
        "RoleArn": "arn:aws:iam::000000000000:role/checked-elsewhere",
        "PipelineDefinition": "{}",
        "ClientRequestToken": "0" * 32,
        "Tags": settings.service_tags(),
        **settings.request(),
    }
    faults = [
        f"{write_trail(each.trail).lstrip('.')}: {each.message}"
        for each in check_request("CreatePipeline", request, references=False, complete=True)
        if each.severity == "error" and each.code != "empty-container"  # tags={}: none
    ]
    reserved = sorted(key for key in settings.tags or {} if key.lower().startswith("aws:"))
    faults += [f"tag {key!r}: names that begin with 'aws:' are AWS's own" for key in reserved]
    if faults:
        raise DefinitionError(f"Pipeline {name!r} cannot be deployed so.", *faults, diagnostics=())


def _create(account: Account, wanted: Wanted, token: str) -> Any:
    tags = {"Tags": wanted.settings.service_tags()} if wanted.settings.tags else {}
    return account.client("sagemaker").create_pipeline(**wanted.request(), **tags, ClientRequestToken=token)


def _was_overtaken(error: Exception) -> bool:
    """Whether another deployer made, deleted or is just changing the pipeline."""
    exists = code_of(error) == "ValidationException" and "already exists" in said_by(error)
    return exists or code_of(error) == "ConflictException" or is_missing_pipeline(error)
