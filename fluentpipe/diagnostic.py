"""What a check reports: one diagnostic for each thing that is wrong, collected and never raised."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

import attrs

_NUMBERS = re.compile(r"([0-9]+)")
_HUGE = 10**40  # beyond it a number is not written out: Python itself refuses to above 4300 digits


@attrs.frozen
class Diagnostic:
    """One thing that is wrong, or may be."""

    severity: Literal["error", "warning"]
    code: str  # short, kebab-case: "unknown-step"
    path: str  # JSONPath into the definition: "$.Steps[2].Arguments.RoleArn"
    step: str  # name of the step; "" outside of the steps
    message: str  # what is wrong, in a sentence
    fix: str = ""  # what to do, or to write instead

    def __str__(self) -> str:
        place = f" (step {self.step!r})" if self.step else ""
        fix = f" fix: {self.fix}" if self.fix else ""
        return f"{self.severity} {self.code} at {self.path}{place}: {self.message}{fix}"


@attrs.define
class Findings:
    """The diagnostics of one check, in the making."""

    found: list[Diagnostic] = attrs.field(factory=list)

    def error(self, code: str, path: str, message: str, fix: str = "", step: str = "") -> None:
        """Note something that the service would refuse, or that cannot work."""
        self.found.append(Diagnostic("error", code, path, step, message, fix))

    def warning(self, code: str, path: str, message: str, fix: str = "", step: str = "") -> None:
        """Note something that is allowed and hardly meant."""
        self.found.append(Diagnostic("warning", code, path, step, message, fix))

    def sorted(self) -> tuple[Diagnostic, ...]:
        """Each one once, in the order of the definition's paths (Steps[2] before Steps[10])."""
        return tuple(sorted(dict.fromkeys(self.found), key=_order))


def _order(diagnostic: Diagnostic) -> tuple[list[tuple[int, str]], str, str]:
    parts = _NUMBERS.split(diagnostic.path)
    natural = [(int(part[:18]), part) if index % 2 else (0, part) for index, part in enumerate(parts)]
    return natural, diagnostic.code, diagnostic.message


def described(value: object) -> str:
    """A JSON value in a message: short texts and numbers as they are, the rest by its kind."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return repr(value if len(value) <= 80 else value[:79] + "…")
    if isinstance(value, int | float):
        return repr(value) if isinstance(value, float) or abs(value) < _HUGE else "a huge number"
    return "a list" if isinstance(value, list | tuple) else "an object" if isinstance(value, Mapping) else "a value"
