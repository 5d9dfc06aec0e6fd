"""What a run here and an execution on SageMaker have in common, so that code moves between them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from fluentpipe._run_outputs import BuiltinValues
    from fluentpipe.live import Echo

StepState = Literal["Waiting", "Running", "Stopping", "Succeeded", "Failed", "Stopped", "NotExecuted"]


class PipelineStep(Protocol):
    """One step of a run, as far as it came."""

    @property
    def name(self) -> str:
        """Of the step."""

    @property
    def type(self) -> str:
        """Type of the step in the definition, such as `Training`."""

    @property
    def state(self) -> StepState:
        """How far it is; `NotExecuted` once it is known that it will not be carried out."""

    @property
    def seconds(self) -> float | None:
        """Wall clock, so far or in all; None if it did not start."""

    @property
    def failure(self) -> str:
        """Why it failed; empty if it did not."""

    @property
    def cached(self) -> str:
        """Id or ARN of the run whose result it took instead of being carried out; empty if it was."""


class PipelineRun(Protocol):
    """A pipeline that is run: `fluentpipe.run.Run` here, `fluentpipe.executions.Execution` on SageMaker."""

    @property
    def id(self) -> str:
        """Of the run, without the name of the pipeline."""

    @property
    def name(self) -> str:
        """Of the pipeline."""

    @property
    def status(self) -> str:
        """`Running`, `Succeeded`, `Failed` or `Stopped`; here also `Died`, there also `Stopping` and `CompletedWithFailures`."""

    @property
    def steps(self) -> Mapping[str, PipelineStep]:
        """Every step by its name, in the order of the definition."""

    @property
    def parameters(self) -> Mapping[str, Any]:
        """The value of every parameter of the pipeline."""

    @property
    def outputs(self) -> BuiltinValues:
        """The values of the steps' outputs: `run.outputs.xgboost_training.model_artifacts.value()`."""

    def value(self, of: Any) -> Any:
        """What a reference, a parameter, a join or any text or data with references in it stands for in this run.

        Raises:
            NoValue: A step that it needs has not finished, failed, or was not executed.
        """

    def logs(self, step: str, last: int | None = None) -> list[str]:
        """The lines that a step wrote; `last` of them, or all."""

    def wait(self, poll: float = ..., *, check: bool = ...) -> PipelineRun:
        """Wait for the end; `check`: raise if it is none to be glad of."""

    def watch(self, poll: float = ..., *, echo: Echo = ..., check: bool = ...) -> PipelineRun:
        """Follow it to its end, in a live table where somebody looks."""
