"""References of ours where the SDK wants pipeline variables of its own: they are some, once it is imported."""

from __future__ import annotations

from fluentpipe.expression import Expression, Join
from fluentpipe.order import references_in
from fluentpipe.sdk.installed import Sdk


def accept_references(sdk: Sdk) -> None:
    """Let the SDK take references of ours for pipeline variables; may be called again.

    `isinstance(reference, PipelineVariable)` then holds, which is what the SDK asks everywhere, its validation of arguments
    included; what it then reads are the three attributes below.
    """
    if not isinstance(getattr(Expression, "expr", None), property):
        setattr(Expression, "expr", property(lambda self: self.to_request()))  # noqa: B010  unseen by type checkers
        setattr(Expression, "to_string", lambda self: Join("", (self,)))  # noqa: B010  ditto
        setattr(Expression, "_referenced_steps", property(_steps))  # noqa: B010  ditto
    sdk.PipelineVariable.register(Expression)


def _steps(reference: Expression) -> list[str]:
    """Names of the steps that a reference leads to."""
    return list(dict.fromkeys(each.step for each in references_in(reference)))
