"""The type variable that carries a pipeline's kinds through the chain."""

from typing import Any

from typing_extensions import TypeVar

S = TypeVar("S", contravariant=True, default=Any)  # noqa: PLC0105  S as in the docs: the state
