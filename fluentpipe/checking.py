"""Checking: what is found while a script is checked, each fault with its line in the user's source.

While a script is checked, a verb that finds a fault notes it and goes on as if the step were right, so that the faults after it
are found too. Nothing is run. Python 3.10 may know a verb of a chain by the
chain's first line.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from types import TracebackType

import attrs
from typing_extensions import override

from fluentpipe.errors import FluentpipeError

_OWN = str(Path(__file__).parent)


@attrs.frozen(order=True)
class Finding:
    """One fault and where it is."""

    file: str
    line: int
    severity: str  # "error" or "warning"
    message: str

    @override
    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.severity}: {self.message}"


class Ended(BaseException):  # no Exception, so that a script does not catch it by accident
    """The script wants to run a pipeline; there is nothing to check after that."""


@attrs.define
class Checking:
    """What has been found so far."""

    findings: list[Finding] = attrs.field(factory=list)
    lines: dict[tuple[str, str], tuple[str, int]] = attrs.field(factory=dict)  # (pipeline, step) -> place
    assumed: list[object] = attrs.field(factory=list)  # steps that stand for faulty ones

    def placed(self, pipeline: str, step: str) -> None:
        """Remember where a step was added."""
        self.lines[pipeline, step] = _user_place()

    def fault(self, error: FluentpipeError) -> None:
        """Note a fault of the verb that is being called."""
        self._note(_user_place(), error)

    def diagnostics(self, pipeline: str, error: FluentpipeError) -> None:
        """Note what is wrong with the definition of a pipeline, at the lines of its steps."""
        found = getattr(error, "diagnostics", ())
        for each in found:
            file, line = self.lines.get((pipeline, each.step), ("", 0))
            self.findings.append(
                Finding(file, line, each.severity, f"{each.message}{f' ({each.fix})' if each.fix else ''}")
            )
        if not found:
            self._note(next(iter(self.lines.values()), ("", 0)), error)

    def raised(self, error: BaseException, script: str) -> None:
        """Note an exception that ended the script."""
        frames = [(_short(frame.filename), frame.lineno or 0) for frame in _user_frames(error.__traceback__)]
        place = frames[-1] if frames else (script, getattr(error, "lineno", None) or 1)
        if isinstance(error, FluentpipeError):
            self._note(place, error)
        else:
            self.findings.append(Finding(*place, "error", f"{type(error).__name__}: {error}"))

    def _note(self, place: tuple[str, int], error: FluentpipeError) -> None:
        headline = str(error).split("\n  ", 1)[0]  # where it is, the place says
        faults = getattr(error, "faults", ()) or (headline,)
        hint = f" ({error.fix})" if error.fix and faults == (headline,) else ""
        self.findings += [Finding(*place, "error", f"{fault}{hint}") for fault in faults]


_active: ContextVar[Checking | None] = ContextVar("checking", default=None)


def active() -> Checking | None:
    """The check that is under way, if one is."""
    return _active.get()


@contextmanager
def checking() -> Iterator[Checking]:
    """Note faults instead of raising them."""
    found = Checking()
    token = _active.set(found)
    try:
        yield found
    finally:
        _active.reset(token)


def _user_place() -> tuple[str, int]:
    frame = sys._getframe(1)  # noqa: SLF001  the one way to the caller's line
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_OWN):
        frame = frame.f_back
    return _short(frame.f_code.co_filename), frame.f_lineno


def _user_frames(trace: TracebackType | None) -> list[traceback.FrameSummary]:
    frames = traceback.extract_tb(trace)
    return [
        frame
        for frame in frames
        if not frame.filename.startswith((_OWN, "<frozen")) and "importlib" not in frame.filename
    ]


def _short(file: str) -> str:
    try:
        return str(Path(file).relative_to(Path.cwd()))
    except ValueError:
        return file
