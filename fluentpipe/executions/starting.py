"""Starting a pipeline: everything that can be known to be wrong is said before the service is asked."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fluentpipe.aws import Account
from fluentpipe.aws_faults import retold
from fluentpipe.definition import Definition
from fluentpipe.deployed import existing
from fluentpipe.errors import AwsError, SettingError, Throttled, Unreachable
from fluentpipe.executions.arguments import data_parameter, needs_others, pipeline_parameters, selected_steps
from fluentpipe.executions.data import Data
from fluentpipe.executions.execution import Execution, as_taken, new_token
from fluentpipe.executions.finding import list_executions

if TYPE_CHECKING:
    from fluentpipe.contract import StepContract

_SOURCES = ("Succeeded", "Failed")  # statuses of an execution that others may take results of; API reference


def start(
    account: Account,
    pipeline: str,
    definition: Definition | None = None,
    *,
    parameters: Mapping[str, object] | None = None,
    data: str | os.PathLike[str] | None = None,
    only: str | Sequence[str] | None = None,
    from_step: str | None = None,
    source: str | None = None,
    display_name: str | None = None,
    description: str | None = None,
    max_parallel_steps: int | None = None,
    token: str | None = None,
    bucket: str | None = None,
    say: Callable[[str], None] = print,
    contracts: Mapping[str, StepContract] | None = None,
) -> Execution:
    """Start an execution of a deployed pipeline.

    Args:
        account: That it is deployed in.
        pipeline: Its name or ARN.
        definition: As it is deployed; otherwise the service is asked for it.
        parameters: Values instead of the defaults. Where the default is an S3 URI, a local file or folder will do.
        data: Where the rows are instead of the default, for a pipeline with one such parameter.
        only: These steps alone, on what an earlier execution left of the others.
        from_step: This step and all that depend on it, likewise.
        source: ARN of that earlier execution; otherwise the newest one that succeeded or failed.
        display_name: Of the execution in the console; letters, digits and hyphens, at most 82.
        description: Of the execution.
        max_parallel_steps: Steps that run side by side; otherwise as the pipeline says.
        token: Two calls with the same one start one execution; 32 to 128 characters. Made where it is not given.
        bucket: For local data; otherwise the default one, `sagemaker-{region}-{account}`.
        say: Takes lines about the upload of local data.
        contracts: Step -> its contract, for the names of its outputs.

    Raises:
        SettingError: Lists every fault of what was given.
        NoSuchPipeline: It is not deployed.
        AwsError: The service refused. Where it is not known whether the execution was started, the message has the token.
    """
    if definition is None:
        found = existing(account, pipeline, "to start")
        definition = as_taken(found.name, found.text)
    given = dict(parameters or {})
    if data is not None:
        given[data_parameter(definition)] = os.fspath(data)
    selected = selected_steps(definition, only, from_step)
    request: dict[str, Any] = {
        "SelectiveExecutionConfig": _selection(account, pipeline, definition, selected, source),
        "PipelineParameters": pipeline_parameters(
            definition, given, Data(account, definition.name, bucket, say).upload
        ),
        "PipelineExecutionDisplayName": display_name,
        "PipelineExecutionDescription": description,
        "ParallelismConfiguration": {"MaxParallelExecutionSteps": max_parallel_steps} if max_parallel_steps else None,
    }
    token = token or new_token()
    sent = {name: value for name, value in request.items() if value}
    try:
        with account.explained(f"start pipeline {pipeline!r}", resource=pipeline):
            answer = account.client("sagemaker").start_pipeline_execution(
                PipelineName=pipeline, ClientRequestToken=token, **sent
            )
    except (Unreachable, Throttled) as error:
        raise _not_known(pipeline, token, error) from error
    return Execution(answer["PipelineExecutionArn"], account, dict(contracts or {}))


def _selection(
    account: Account, pipeline: str, definition: Definition, selected: Sequence[str], source: str | None
) -> dict[str, Any] | None:
    if not selected:
        if source is not None:
            raise SettingError("source= is for a start of some steps only.", fix="give only= or from_step= as well")
        return None
    steps = [{"StepName": name} for name in selected]
    if source is None and needs_others(definition, selected):
        source = next((each.arn for each in list_executions(account, pipeline) if each.status in _SOURCES), None)
        if source is None:
            raise SettingError(
                f"No execution of {pipeline!r} has results for {', '.join(selected)} to go on from.",
                fix="start the whole pipeline once",
            )
    return {"SelectedSteps": steps, **({"SourcePipelineExecutionArn": source} if source else {})}


def _not_known(pipeline: str, token: str, error: AwsError) -> AwsError:
    """A request that may have arrived although its answer did not."""
    return retold(
        error,
        str(error).splitlines()[0],
        f"the request may have arrived: look with `fluentpipe executions {pipeline}`",
        fix=f'start again with token="{token}" (--token): if it did arrive, that gives the same execution',
        token=token,
    )
