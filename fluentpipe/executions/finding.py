"""Executions by name: the list of a pipeline's, and the one that is meant by an ARN, `churn/<id>`, or `churn`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import Any

import attrs

from fluentpipe.aws import Account
from fluentpipe.errors import UnknownExecution, did_you_mean
from fluentpipe.executions.execution import Execution

LAST = "last"
_ARN = re.compile(r"arn:aws[a-z\-]*:sagemaker:([a-z0-9\-]*):[0-9]{12}:pipeline/[^/]+/execution/[^/]+")
_SEARCHED = 100  # executions, newest first, in which a part of an id is looked for


@attrs.frozen
class Summary:
    """An execution in a list."""

    arn: str
    display_name: str
    status: str  # in the service's words
    started: datetime | None
    failure: str

    @property
    def id(self) -> str:
        """The last part of the ARN."""
        return self.arn.rpartition("/")[2]


def list_executions(account: Account, pipeline: str) -> Iterator[Summary]:
    """The executions of a pipeline, newest first; asked for page by page, as far as they are taken.

    Raises:
        NoSuchPipeline: It is not deployed.
        AwsError: The service cannot be asked.
    """
    token: dict[str, str] = {}
    while True:
        with account.explained(f"list the executions of pipeline {pipeline!r}", resource=pipeline):
            page: Mapping[str, Any] = account.client("sagemaker").list_pipeline_executions(
                PipelineName=pipeline, SortBy="CreationTime", SortOrder="Descending", MaxResults=_SEARCHED, **token
            )
        for each in page.get("PipelineExecutionSummaries", ()):
            yield Summary(
                each["PipelineExecutionArn"], each.get("PipelineExecutionDisplayName", ""),
                each.get("PipelineExecutionStatus", ""), each.get("StartTime"), each.get("PipelineExecutionFailureReason", ""),
            )  # fmt: skip
        if not page.get("NextToken"):
            return
        token = {"NextToken": page["NextToken"]}


def is_execution(text: str) -> bool:
    """Whether words can only mean an execution on SageMaker, and no run here."""
    return text.startswith("arn:") or "/" in text


def find(account: Account, which: str) -> Execution:
    """One execution.

    Args:
        account: That it ran in.
        which: Its ARN; or the name of its pipeline, alone for the newest one, or with `/` and its id, the beginning or
            the end of one, or `last`.

    Raises:
        UnknownExecution: There is none, or several; lists those there are.
        NoSuchPipeline: The pipeline is not deployed.
    """
    if which.startswith("arn:"):
        return of_arn(account, which)
    pipeline, _, wanted = which.partition("/")
    if not pipeline:
        raise UnknownExecution(f"{which!r} names no pipeline.", fix="write churn/<id>, churn, or an ARN")
    known = list(islice(list_executions(account, pipeline), 1 if wanted in ("", LAST) else _SEARCHED))
    if not known:
        raise UnknownExecution(
            f"Pipeline {pipeline!r} has no executions in {account.region}.",
            fix=f"start one: fluentpipe start {pipeline}",
        )
    if wanted in ("", LAST):
        return Execution(known[0].arn, account)
    fitting = [each for each in known if each.id == wanted]
    fitting = fitting or [each for each in known if each.id.startswith(wanted) or each.id.endswith(wanted)]
    if len(fitting) != 1:
        what = f"fits {len(fitting)} executions" if fitting else "is no execution"
        near = "" if fitting else did_you_mean(wanted, [each.id for each in known])
        listed = ", ".join(f"{each.id} ({each.status})" for each in (fitting or known)[:5])
        raise UnknownExecution(
            f"{wanted!r} {what} of pipeline {pipeline!r}.{near}",
            f"{'they are' if fitting else 'the newest'}: {listed}",
            fix=f"fluentpipe executions {pipeline} lists them",
        )
    return Execution(fitting[0].arn, account)


def of_arn(account: Account, arn: str) -> Execution:
    """The execution of an ARN.

    Raises:
        UnknownExecution: It is no ARN of an execution, or of another region than the account's.
    """
    found = _ARN.fullmatch(arn)
    if found is None:
        raise UnknownExecution(
            f"{arn!r} is no ARN of an execution.",
            fix="arn:aws:sagemaker:<region>:<account>:pipeline/<name>/execution/<id>",
        )
    if found.group(1) != account.region:
        raise UnknownExecution(
            f"The execution is in {found.group(1)}, not in {account.region}.",
            f"arn: {arn}",
            fix=f'region="{found.group(1)}" (--region {found.group(1)})',
        )
    return Execution(arn, account)
