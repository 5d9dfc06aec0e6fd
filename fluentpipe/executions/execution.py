"""An execution of a pipeline on SageMaker: how far it is, what came of it, and what can be done with it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime, timezone
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import attrs

from fluentpipe._run_outputs import BuiltinValues
from fluentpipe.aws import Account
from fluentpipe.definition import Definition, parse
from fluentpipe.errors import RunError
from fluentpipe.executions.failure import failure_of
from fluentpipe.executions.following import POLL, follow
from fluentpipe.executions.logs import read_log
from fluentpipe.executions.resolving import ExecutionValues
from fluentpipe.executions.steps import StepExecution, steps_of
from fluentpipe.outcome.asked import as_request, known_step
from fluentpipe.outcome.declared import declared_outputs
from fluentpipe.run.parameters import settle

if TYPE_CHECKING:
    from fluentpipe.contract import StepContract
    from fluentpipe.live import Echo
    from fluentpipe.outcome.shape import PipelineRun
    from fluentpipe.run import Run

# PipelineExecutionStatus -> the word that a run here has for it.
_STATUS = {"Executing": "Running"}
_OVER = frozenset(("Succeeded", "Failed", "Stopped", "CompletedWithFailures"))


@attrs.define
class _Known:
    """What does not change any more."""

    said: Mapping[str, Any] | None = None  # DescribePipelineExecution, once it is over
    listed: tuple[Mapping[str, Any], ...] | None = None  # its steps, likewise
    definition: Definition | None = None
    parameters: Mapping[str, Any] | None = None
    values: ExecutionValues | None = None


@attrs.frozen
class Look:
    """An execution as it was at one moment."""

    status: str
    is_over: bool
    elapsed: float  # seconds since its start; where it is over, to its end
    failure: str
    steps: Mapping[str, StepExecution]


@attrs.frozen(repr=False, eq=False)
class Execution:
    """An execution on SageMaker, by its ARN. Everything about it is asked for when it is needed; what is final, once.

    Args:
        arn: `arn:aws:sagemaker:<region>:<account>:pipeline/<name>/execution/<id>`.
        account: That it runs in.
        contracts: Step -> its contract, where it is known: names of outputs that the definition does not say.
    """

    arn: str
    account: Account = attrs.field(repr=False)
    contracts: Mapping[str, StepContract] = attrs.field(factory=dict, repr=False)
    _known: _Known = attrs.field(factory=_Known, init=False, repr=False)

    @property
    def id(self) -> str:
        """The last part of the ARN; what `Execution.PipelineExecutionId` gives."""
        return self.arn.rpartition("/")[2]

    @property
    def name(self) -> str:
        """Of the pipeline, as its ARN has it."""
        return self.arn.partition(":pipeline/")[2].partition("/execution/")[0]

    @property
    def short(self) -> str:
        """`churn/abc123`: how commands take it."""
        return f"{self.name}/{self.id}"

    @property
    def label(self) -> str:
        """How messages name it."""
        return f"execution {self.short}"

    # ---- looking -----------------------------------------------------------------------------------------------------

    def describe(self) -> Mapping[str, Any]:
        """What DescribePipelineExecution says.

        Raises:
            AwsError: The service cannot be asked, or there is no such execution.
        """
        if self._known.said is not None:
            return self._known.said
        said = self.call("sagemaker", "describe_pipeline_execution", PipelineExecutionArn=self.arn)
        if said["PipelineExecutionStatus"] in _OVER:
            self._known.said = said
        return said

    @property
    def status(self) -> str:
        """`Running`, `Stopping`, `Stopped`, `Failed`, `Succeeded` or `CompletedWithFailures`."""
        found = str(self.describe()["PipelineExecutionStatus"])
        return _STATUS.get(found, found)

    @property
    def is_over(self) -> bool:
        """Whether nothing of it will change; a retry makes it go on."""
        return self.describe()["PipelineExecutionStatus"] in _OVER

    @property
    def failure(self) -> str:
        """The service's reason, in a line; empty if it did not fail."""
        return str(self.describe().get("FailureReason", ""))

    @property
    def started(self) -> datetime:
        """When."""
        found: datetime = self.describe()["CreationTime"]
        return found

    @property
    def seconds(self) -> float | None:
        """Wall clock from its start to its end; None while it runs."""
        said = self.describe()
        if said["PipelineExecutionStatus"] not in _OVER:
            return None
        seconds: float = (said["LastModifiedTime"] - said["CreationTime"]).total_seconds()
        return seconds

    @property
    def steps(self) -> Mapping[str, StepExecution]:
        """Every step by its name, in the order of the definition, as it is now."""
        return self.look().steps

    def look(self) -> Look:
        """All that can be seen, at once.

        Raises:
            AwsError: The service cannot be asked.
        """
        known, said = self._known, self.describe()  # before the steps: if it is over, so are they
        status = said["PipelineExecutionStatus"]
        if (listed := known.listed) is None:
            listed = tuple(
                self._pages("list_pipeline_execution_steps", "PipelineExecutionSteps", SortOrder="Ascending")
            )
            if status in _OVER:
                known.listed = listed
        steps = steps_of(listed, self.step_types, is_over=status in _OVER)
        end = said["LastModifiedTime"] if status in _OVER else datetime.now(timezone.utc)
        elapsed = max(0.0, (end - said["CreationTime"]).total_seconds())
        reason = str(said.get("FailureReason", ""))
        return Look(_STATUS.get(status, status), status in _OVER, elapsed, reason, MappingProxyType(steps))

    def step(self, name: str) -> StepExecution:
        """One step as it is now.

        Raises:
            UnknownOutput: There is none of that name.
        """
        return known_step(self.steps, name, self.label)

    @property
    def definition(self) -> Definition:
        """The definition that it was started with; the pipeline may have another by now."""
        if self._known.definition is None:
            said = self.call("sagemaker", "describe_pipeline_definition_for_execution", PipelineExecutionArn=self.arn)
            self._known.definition = as_taken(self.name, said["PipelineDefinition"])
        return self._known.definition

    @property
    def step_types(self) -> Mapping[str, str]:
        """Step -> type, of the definition."""
        return {entry.name: entry.type for entry in self.definition.steps()}

    @property
    def parameters(self) -> Mapping[str, Any]:
        """The value of every parameter: those it was started with, and the defaults of the others, as the types declared."""
        if self._known.parameters is None:
            listed = self._pages("list_pipeline_parameters_for_execution", "PipelineParameters")
            given = {each["Name"]: each["Value"] for each in listed}
            values, _ = settle(self.definition.parameters, given)
            self._known.parameters = MappingProxyType(
                values | {name: given[name] for name in given if name not in values}
            )
        return self._known.parameters

    @property
    def outputs(self) -> BuiltinValues:
        """The values of the steps' outputs: `execution.outputs.xgboost_training.model_artifacts.value()`."""
        return BuiltinValues(self._values, declared_outputs(self.definition, self.contracts))

    def value(self, of: Any) -> Any:
        """What a reference, a parameter, a join or any text or data with references in it stands for in this execution.

        Raises:
            NoValue: A step that it needs has not finished, failed, or was not executed.
        """
        return self._values.resolve(as_request(of))

    def logs(self, step: str, last: int | None = None) -> list[str]:
        """The lines that a step's job wrote to CloudWatch; `last` of each instance, or all.

        Raises:
            UnknownOutput: There is no such step.
            AwsError: The log cannot be read.
        """
        return read_log(self.account, self.step(step), last)

    # ---- doing -------------------------------------------------------------------------------------------------------

    def wait(self, poll: float = POLL, *, check: bool = True) -> Execution:
        """Wait for the end; as `watch`, in silence."""
        return self.watch(poll, echo=None, check=check)

    def watch(self, poll: float = POLL, *, echo: Echo = "auto", check: bool = True) -> Execution:
        """Follow it to its end. Ctrl-C ends the watching; the execution goes on.

        Args:
            poll: Seconds between two looks.
            echo: Takes each line; None for silence; "auto" for a live table where somebody looks at it.
            check: Whether an execution that did not succeed raises.

        Raises:
            StepFailed: A step failed: which, why, the last lines of its log, and what to do.
            GateFailed: A Fail step was reached.
            RunError: It was stopped, or failed for another reason.
            AwsError: The service refused, or gave no answer for long; the execution goes on.
        """
        follow(self, poll, echo)
        if check and self.status != "Succeeded":
            raise failure_of(self)
        return self

    def stop(self, token: str | None = None) -> Execution:
        """Ask the service to stop it; running jobs are given time to end. One that is over stays as it is.

        Args:
            token: Of an earlier call that got no answer, so that both are one.

        Raises:
            AwsError: The service refused.
        """
        if self.status not in (*_OVER, "Stopping"):
            self.call(
                "sagemaker", "stop_pipeline_execution", PipelineExecutionArn=self.arn, ClientRequestToken=token or new_token()
            )  # fmt: skip
        return self

    def retry(self, *, max_parallel_steps: int | None = None, token: str | None = None) -> Execution:
        """Go on where it failed or was stopped: what succeeded is not carried out again.

        Args:
            max_parallel_steps: Steps that run side by side; otherwise as it was.
            token: Of an earlier call that got no answer, so that both are one.

        Raises:
            RunError: It runs, or has succeeded.
            AwsError: The service refused.
        """
        if (status := self.status) not in ("Failed", "Stopped", "CompletedWithFailures"):
            raise RunError(
                f"Execution {self.short} cannot be retried: it is {status}.",
                fix="start the pipeline again" if status == "Succeeded" else "wait for its end: watch(), or stop()",
                run=self,
            )
        limit = (
            {"ParallelismConfiguration": {"MaxParallelExecutionSteps": max_parallel_steps}}
            if max_parallel_steps
            else {}
        )
        self.call(
            "sagemaker", "retry_pipeline_execution", PipelineExecutionArn=self.arn, ClientRequestToken=token or new_token(), **limit
        )  # fmt: skip
        self._known.said = self._known.listed = None
        return self

    # ---- asking ------------------------------------------------------------------------------------------------------

    def call(self, service: str, operation: str, **request: Any) -> Mapping[str, Any]:
        """The answer to an operation of a boto3 client.

        Raises:
            AwsError: In our words.
        """
        with self.account.explained(f"{operation.replace('_', ' ')} ({self.label})", resource=self.arn):
            answer: Mapping[str, Any] = getattr(self.account.client(service), operation)(**request)
            return answer

    def _pages(self, operation: str, member: str, **request: Any) -> list[Mapping[str, Any]]:
        """The items of all pages."""
        found: list[Mapping[str, Any]] = []
        token: dict[str, str] = {}
        while True:
            page = self.call("sagemaker", operation, PipelineExecutionArn=self.arn, MaxResults=100, **request, **token)
            found += page.get(member, ())
            if not page.get("NextToken"):
                return found
            token = {"NextToken": page["NextToken"]}

    @property
    def _values(self) -> ExecutionValues:
        if self._known.values is None:
            self._known.values = ExecutionValues(self)
        return self._known.values

    def __repr__(self) -> str:
        return f"<execution {self.id} of {self.name}>"


def as_taken(name: str, text: str) -> Definition:
    """A definition that the service has taken, so that nothing of it needs to be checked again."""
    return Definition(name, parse(text, f"the definition of pipeline {name!r}"), (), ())


if TYPE_CHECKING:  # a checker reports here if the two drift apart

    def _of_one_shape(here: Run, there: Execution) -> tuple[PipelineRun, PipelineRun]:
        return here, there


def new_token() -> str:
    """A `ClientRequestToken`: requests with the same one are one request; 32 to 128 characters."""
    return uuid.uuid4().hex
