"""Condition steps: the step base class whose condition decides which of the later steps are carried out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import override

from fluentpipe.step import Inputs, Step

if TYPE_CHECKING:
    from fluentpipe.target import Target


class ConditionStep(Step):
    """A step that is a condition: it runs no job, and the steps under it are part of its own request."""

    sagemaker_type = "Condition"
    has_branches: ClassVar[bool] = False
    """Whether it has two branches, instead of letting through what comes after it."""

    def label(self) -> str:
        """The condition in words."""
        return self.name

    @property
    @override
    def opens_scope(self) -> bool:
        return True

    @override
    def requests(
        self,
        inputs: Inputs,
        target: Target,
        then: Sequence[dict[str, Any]],
        otherwise: Sequence[dict[str, Any]] = (),
    ) -> list[dict[str, Any]]:
        """The one step of the definition, with the steps of its branches inside.

        Args:
            inputs: Where each wired input is.
            target: Where the definition will run.
            then: The steps that are carried out where the condition holds.
            otherwise: Those that are carried out where it does not.
        """
        raise NotImplementedError
