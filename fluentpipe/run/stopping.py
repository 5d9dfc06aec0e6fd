"""Signals that end a run: Ctrl-C, SIGTERM, and SIGHUP of a terminal that was closed.

The first ends the run in order: its programs are asked to end, nothing is half-published, the record says `Stopped`.
The second kills what still runs. Signals that somebody else takes, or that are ignored (`nohup`), are left to them, and
so are all of them outside the main thread, where Python takes none.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, NoReturn

_NUMBERS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)  # Windows has no SIGHUP
_NOBODYS = (signal.SIG_DFL, signal.default_int_handler)


class Stopping:
    """What a run knows of the signals that it got."""

    def __init__(self) -> None:
        self.number = 0  # of the first one; 0 while there was none
        self.hurry: Callable[[], None] = lambda: None  # called by each further one; must take no lock
        self._raises = False
        self._pending = False

    @contextlib.contextmanager
    def at_once(self) -> Iterator[None]:
        """A part of the run that a signal interrupts; outside, it is remembered until the next such part, or the end.

        Raises:
            KeyboardInterrupt: For SIGINT.
            SystemExit: For the others, with the exit status that shells give them: 143 for SIGTERM.
        """
        try:
            self._raises = True
            self.check()
            yield
        finally:
            self._raises = False

    def check(self) -> None:
        """Raise what is remembered."""
        if self._pending:
            self._pending = False
            self._raise()

    def take(self, number: int, _frame: FrameType | None) -> None:
        """The handler of each signal."""
        if self.number:
            self.hurry()
            return
        self.number, self._pending = number, not self._raises
        if self._raises:
            self._raise()

    def _raise(self) -> NoReturn:
        self._raises = False
        raise KeyboardInterrupt if self.number == signal.SIGINT else SystemExit(128 + self.number)


@contextlib.contextmanager
def stopping() -> Iterator[Stopping]:
    """Take the signals while a run lasts, and give them back; one that came too late to stop it is raised at the end."""
    taken = Stopping()
    before: dict[int, Any] = {}
    try:
        if threading.current_thread() is threading.main_thread():
            for number in _NUMBERS:
                if (found := signal.getsignal(number)) in _NOBODYS:
                    before[number] = found
                    signal.signal(number, taken.take)
        yield taken
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    taken.check()
