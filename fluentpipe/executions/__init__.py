"""Executions on SageMaker: started, watched, stopped, and asked for what came of them.

    from fluentpipe.executions import find, start
    execution = start(Account(region="us-east-1"), "churn", parameters={"depth": 8})
    execution.watch()
    execution.outputs.xgboost_training.model_artifacts.value()

The flow, one module each: `arguments` checks what is given, `starting` sends it, `execution` is what comes back; `steps` puts
the service's list into our words, `following` tells what changes, `logs` reads CloudWatch, `failure` says how it ended;
`documents` has what the service says of each type of step, `resolving` walks it; `finding` lists and names executions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fluentpipe.executions.documents import describes
    from fluentpipe.executions.execution import Execution
    from fluentpipe.executions.finding import find, list_executions
    from fluentpipe.executions.starting import start
    from fluentpipe.executions.steps import StepExecution

__all__ = ["Execution", "StepExecution", "describes", "find", "list_executions", "start"]

_HOMES = {
    "Execution": "execution",
    "StepExecution": "steps",
    "describes": "documents",
    "find": "finding",
    "list_executions": "finding",
    "start": "starting",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
