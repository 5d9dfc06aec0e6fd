"""What a run is asked for: a value by reference, text or data; a step by its name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from fluentpipe import shapes
from fluentpipe.errors import UnknownOutput, did_you_mean
from fluentpipe.expression import Condition, Expression, lift
from fluentpipe.outcome.values import OutputValue

_Step = TypeVar("_Step")


def as_request(asked: Any) -> Any:
    """References as a definition has them: of our own, in text, or already as data.

    Raises:
        TypeError: It is a condition, which stands for no value.
        MangledToken: Text in which a reference was altered.
    """
    if isinstance(asked, Condition):
        raise TypeError("A condition is no value; ask for its sides, or see the outcome of its step.")
    if isinstance(asked, OutputValue):
        return shapes.property_request(asked.step, asked.path)
    if isinstance(asked, str):
        asked = lift(asked)
    if isinstance(asked, Expression):
        return asked.to_request()
    if isinstance(asked, Mapping):
        return {key: as_request(each) for key, each in asked.items()}
    return [as_request(each) for each in asked] if isinstance(asked, list | tuple) else asked


def known_step(steps: Mapping[str, _Step], name: str, run: str) -> _Step:
    """A step of a run.

    Raises:
        UnknownOutput: There is none of that name.
    """
    if name not in steps:
        raise UnknownOutput(
            f"{run} has no step {name!r}.{did_you_mean(name, steps)}",
            f"its steps: {', '.join(steps) or 'none'}",
            steps=tuple(steps),
        )
    return steps[name]
