"""A pipeline as the service has it: described, and its definition read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import attrs

from fluentpipe.aws import Account
from fluentpipe.aws_faults import is_missing_pipeline
from fluentpipe.definition import Definition, parse
from fluentpipe.errors import NoSuchPipeline


@attrs.frozen
class Deployed:
    """What DescribePipeline says of a pipeline."""

    name: str
    arn: str
    role: str
    display_name: str
    description: str
    max_parallel_steps: int | None
    text: str = attrs.field(repr=False)  # of the definition
    said: Mapping[str, Any] = attrs.field(repr=False)  # the whole answer

    @property
    def definition(self) -> Definition:
        """The definition, checked, with its faults in `diagnostics`.

        Raises:
            DefinitionError: It is no JSON.
        """
        document = parse(self.text, f"the definition of pipeline {self.name!r}")
        return Definition.load(document, name=self.name, strict=False)


def described(account: Account, name: str) -> Deployed | None:
    """The pipeline of that name or ARN; None if there is none.

    Raises:
        AwsError: The service cannot be asked.
    """
    from botocore.exceptions import ClientError

    resource = name if name.startswith("arn:") else f"pipeline/{name}"
    with account.explained(f"look at pipeline {name!r}", resource=resource):
        try:
            said = account.client("sagemaker").describe_pipeline(PipelineName=name)
        except ClientError as error:
            if is_missing_pipeline(error):
                return None
            raise
    return Deployed(
        name=said.get("PipelineName", name),
        arn=said["PipelineArn"],
        role=said.get("RoleArn", ""),
        display_name=said.get("PipelineDisplayName", ""),
        description=said.get("PipelineDescription", ""),
        max_parallel_steps=said.get("ParallelismConfiguration", {}).get("MaxParallelExecutionSteps"),
        text=said.get("PipelineDefinition", ""),
        said={key: value for key, value in said.items() if key != "ResponseMetadata"},
    )


def existing(account: Account, name: str, purpose: str) -> Deployed:
    """The pipeline of that name or ARN.

    Args:
        account: That it is deployed in.
        name: Of the pipeline.
        purpose: Goes on after "There is no pipeline … ": `to watch`.

    Raises:
        NoSuchPipeline: There is none.
        AwsError: The service cannot be asked.
    """
    found = described(account, name)
    if found is None:
        raise missing(account, name, purpose)
    return found


def missing(account: Account, name: str, purpose: str) -> NoSuchPipeline:
    """The error of a pipeline that is not there; as `existing`, which raises it."""
    return NoSuchPipeline(
        f"There is no pipeline {name!r} in {account.region} {purpose}.",
        fix="check its name, the region and the profile (aws sagemaker list-pipelines), or deploy it first: fluentpipe deploy",
        region=account.region,
    )


def same_document(text: str, definition: Definition) -> bool:
    """Whether a deployed text means the definition: the order of keys and white space are nothing."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return json.dumps(found, sort_keys=True, separators=(",", ":")) == definition.to_json()
