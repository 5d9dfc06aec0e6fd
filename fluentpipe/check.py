"""What is wrong with a pipeline definition, whoever made it: every fault at once, none raised."""

from __future__ import annotations

from typing import Literal

import attrs


@attrs.frozen
class Diagnostic:
    """One thing that is wrong, or may be."""

    severity: Literal["error", "warning"]
    code: str  # short, kebab-case: "unknown-step"
    path: str  # JSONPath into the definition: "$.Steps[2].Arguments.RoleArn"
    step: str  # name of the step; "" outside of the steps
    message: str  # what is wrong, in a sentence
    fix: str = ""  # what to write instead

    def __str__(self) -> str:
        place = f" (step {self.step!r})" if self.step else ""
        fix = f" fix: {self.fix}" if self.fix else ""
        return f"{self.severity} {self.code} at {self.path}{place}: {self.message}{fix}"


def check(document: object, *, max_steps: int | None = 50, max_parameters: int | None = 200) -> tuple[Diagnostic, ...]:
    """Find every fault of a pipeline definition."""
    return ()
