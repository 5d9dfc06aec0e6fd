"""Running a pipeline definition on this machine.

    from fluentpipe.run import run
    result = run(Definition.load("definition.json"), parameters={"data": "churn.csv"})

The flow, one module each: `preflight` finds what cannot work, `schedule` orders the steps, `execution` carries
one out (`processing`, `training` and `toolkit` know the contract of its container, `storage` its inputs,
`process` starts it), `record` writes the run's folder, `result` reads it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fluentpipe.run.local import run
    from fluentpipe.run.result import RegisteredModel, Run, StepRun

__all__ = ["RegisteredModel", "Run", "StepRun", "run"]

_HOMES = {
    "RegisteredModel": "fluentpipe.run.result",
    "Run": "fluentpipe.run.result",
    "StepRun": "fluentpipe.run.result",
    "run": "fluentpipe.run.local",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
