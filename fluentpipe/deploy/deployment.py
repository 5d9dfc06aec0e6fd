"""A deployed pipeline: where it is, what was done, and what can be done with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from os import PathLike
from typing import Any

import attrs

from fluentpipe.aws import Account
from fluentpipe.aws_faults import is_missing_pipeline
from fluentpipe.contract import StepContract
from fluentpipe.definition import Definition
from fluentpipe.deployed import existing, missing
from fluentpipe.executions import Execution, start


@attrs.frozen
class Deployment:
    """A pipeline that is on SageMaker, and what its deployment changed."""

    name: str
    arn: str
    account_id: str
    region: str
    bucket: str  # of what had no place of its own
    role: str  # ARN
    definition: Definition = attrs.field(repr=False)
    changed: tuple[str, ...]  # `created`, or what was updated: `definition`, `role`, `tags`, …; nothing if all was so
    uploaded: tuple[str, ...] = attrs.field(repr=False)  # URIs of the files that were not there yet
    version: int | None  # of the pipeline, where the service gave one
    _account: Account = attrs.field(repr=False)
    _contracts: Mapping[str, StepContract] = attrs.field(repr=False)  # step -> contract, where the chain is known

    def __str__(self) -> str:
        files = "1 file" if len(self.uploaded) == 1 else f"{len(self.uploaded)} files"
        done = "created" if self.changed == ("created",) else f"updated: {', '.join(self.changed)}"
        return f"{self.name} {done if self.changed else 'unchanged'}, {files} uploaded\n{self.arn}"

    def describe(self) -> Mapping[str, Any]:
        """What DescribePipeline says now.

        Raises:
            NoSuchPipeline: It was deleted.
            AwsError: The service cannot be asked.
        """
        return existing(self._account, self.name, "to describe").said

    def start(
        self,
        parameters: Mapping[str, object] | None = None,
        *,
        data: str | PathLike[str] | None = None,
        only: str | Sequence[str] | None = None,
        from_step: str | None = None,
        source: str | None = None,
        display_name: str | None = None,
        description: str | None = None,
        max_parallel_steps: int | None = None,
        token: str | None = None,
        say: Callable[[str], None] = print,
    ) -> Execution:
        """Start an execution; what is wrong with the parameters is said before the service is asked.

        Args:
            parameters: Values instead of the defaults; where the default is an S3 URI, a local file or folder will do.
            data: Where the rows are instead of the default, for a pipeline with one such parameter.
            only: These steps alone, on what an earlier execution left of the others.
            from_step: This step and all that depend on it, likewise.
            source: ARN of that earlier execution; otherwise the newest one that succeeded or failed.
            display_name: Of the execution in the console.
            description: Of the execution.
            max_parallel_steps: Steps that run side by side; otherwise as the pipeline says.
            token: Two calls with the same one start one execution.
            say: Takes lines about the upload of local data.

        Raises:
            SettingError: Lists every fault of what was given.
            AwsError: The service refused.
        """
        return start(
            self._account,
            self.name,
            self.definition,
            parameters=parameters,
            data=data,
            only=only,
            from_step=from_step,
            source=source,
            display_name=display_name,
            description=description,
            max_parallel_steps=max_parallel_steps,
            token=token,
            bucket=self.bucket,
            say=say,
            contracts=self._contracts,
        )

    def delete(self) -> None:
        """Delete the pipeline; its files in S3 stay, since executions and registered models refer to them.

        Raises:
            NoSuchPipeline: It is not there any more.
            AwsError: The service refused.
        """
        delete(self._account, self.name)


def delete(account: Account, name: str) -> None:
    """Delete a pipeline of that name.

    Raises:
        NoSuchPipeline: There is none.
        AwsError: The service refused.
    """
    from botocore.exceptions import ClientError

    with account.explained(f"delete pipeline {name!r}", resource=f"pipeline/{name}"):
        try:
            account.client("sagemaker").delete_pipeline(PipelineName=name)
        except ClientError as error:
            if is_missing_pipeline(error):
                raise missing(account, name, "to delete") from error
            raise
