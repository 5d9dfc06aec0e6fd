"""The type variable that carries a pipeline's kinds through the chain."""

from typing import Any, Generic

from typing_extensions import TypeVar

S = TypeVar("S", contravariant=True, default=Any)  # noqa: PLC0105  S as in the docs: the state
_K = TypeVar("_K", covariant=True)  # noqa: PLC0105  a kind


class Opened:
    """In the state of a pipeline that ends in a branch of `when`, to which `otherwise` may be added."""


class Needs(Generic[_K]):
    """What a setting takes in the stubs while the pipeline lacks what the setting needs: nothing is of this type."""
