"""A project's own steps, small and cheap, for the tests to put together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fluentpipe import DependencySpec, OutputSpec, ProcessingStep, Step, StepContract

PATH = "ProcessingOutputConfig.Outputs['{}'].S3Output.S3Uri"


def takes(name: str, kind: Any, **facts: Any) -> DependencySpec:
    return DependencySpec(name, kind, **facts)


def yields(name: str, kind: Any, **facts: Any) -> OutputSpec:
    return OutputSpec(name, kind, facts.pop("path", PATH.format(name)), **facts)


def declare(
    step_type: str,
    verb: str,
    dependencies: Sequence[Any] = (),
    outputs: Sequence[Any] = (),
    base: type[Step] = ProcessingStep,
    **body: Any,
) -> type[Any]:
    """A step class as a user would write it; its program is this file."""
    contract = StepContract(step_type, verb, tuple(dependencies), tuple(outputs))
    namespace = {"__module__": "project", "__qualname__": step_type, "contract": contract, "script": __file__, **body}
    return type(step_type, (base,), namespace)
