"""`@step`: a step class made of a plain function.

Its parameters that are annotated with a kind are inputs, the others are settings; what it is annotated to return are its outputs. The
function itself stays what it was. In the job its source is called, in a file of its own; see `standalone`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, overload

from fluentpipe.function_step import step_of

_F = TypeVar("_F", bound=Callable[..., Any])


@overload
def step(function: _F, /) -> _F: ...


@overload
def step(function: None = None, /, **job: Any) -> Callable[[_F], _F]: ...


def step(function: Any = None, /, **job: Any) -> Any:
    """Make a function a step, with a verb of its name: `@step`, or `@step(instance_type="ml.c5.xlarge")`.

    Args:
        function: Its parameters that are annotated with a kind, or `Annotated[Path, kind]`, are inputs and come as a `Path` to their
            folder; the others are settings. It returns a path or a table for each kind that it is annotated to return, and plain
            values that conditions can read.
        **job: Settings of its job, which the verb can still change.

    Returns:
        The function itself.

    Raises:
        ContractError: It cannot be a step; lists every fault.
    """
    if function is None:
        return lambda each: step_of(each, job)
    return step_of(function, job)
