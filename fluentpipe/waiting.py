"""`depends_on`: the steps that a step comes after, though it takes nothing of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs
from typing_extensions import override

from fluentpipe.expression import lift
from fluentpipe.proxy import StepOutputProxy
from fluentpipe.reference import PropertyReference
from fluentpipe.settings import Setting


@attrs.define(eq=False, repr=False)
class Waiting(Setting):
    """The setting `depends_on`. It takes what names a step, one or several, and keeps the names."""

    @override
    def validated(self, value: Any) -> tuple[str, ...] | None:
        several = value if isinstance(value, (list, tuple, set, frozenset)) else () if value is None else (value,)
        return tuple(dict.fromkeys(_names(several))) or None


def _names(several: Any) -> Iterator[str]:
    for each in several:
        step = lift(each) if isinstance(each, str) else each
        if isinstance(step, PropertyReference):
            yield step.step
        elif isinstance(step, StepOutputProxy):
            yield step.step_name
        elif isinstance(step, str) and step:
            yield step
        else:
            first = repr(each).split("\n")[0]
            raise ValueError(f"takes names of steps, their outputs or references to them, not {first}")


def waiting(doc: str) -> Any:
    """Declare the setting."""
    return Waiting(
        None, doc=doc, unit="", bounds={}, choices=(), aliases=(), emit="", convert=None, positional=False,
        reference=False, job=True,
    )  # fmt: skip
