"""Text that others wrote, made safe to print: a terminal obeys what it is sent."""

from __future__ import annotations

import re

# Control sequences as of ECMA-48, each also in its one-character form: those with parameters, as colours are; strings,
# as the title of the window is, up to their end or the line's; two characters and more.
_SEQUENCE = re.compile(
    "(?:\x1b\\[|\x9b)[0-?]*[ -/]*[@-~]"
    "|(?:\x1b[\\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\\\|\x9c)?"
    "|\x1b[ -/]*[0-~]"
)
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")  # all but tab and newline


def plain(text: str) -> str:
    """The text without control sequences and control characters; tabs and lines stay.

    A carriage return, by which a program writes over its line, ends the line.
    """
    lines = _SEQUENCE.sub("", text).replace("\r\n", "\n").replace("\r", "\n")
    return _CONTROL.sub("", lines)


def say(line: str) -> None:
    """Print a line at once, safe for a terminal."""
    print(plain(line), flush=True)
