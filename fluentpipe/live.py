"""A run while it happens: a table that follows it in a terminal or a notebook, plain lines elsewhere."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import attrs

from fluentpipe import terminal
from fluentpipe.progress import Progress

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from fluentpipe.run.events import Event, Listener

_PER_SECOND = 8  # drawings in a terminal
_NOTEBOOK_PAUSE = 1.0  # seconds without an event after which a notebook is drawn nevertheless
_NOTEBOOK_SECONDS = 0.25  # between two drawings in a notebook
_BAR = 16  # characters
_OVER = ("Succeeded", "Failed", "Stopped", "NotExecuted")
_LOOKS = {
    "Succeeded": ("✓", "green"), "Failed": ("✕", "bold red"), "Stopped": ("■", "yellow"),
    "NotExecuted": ("–", "dim"), "Waiting": ("·", "dim"), "Running": ("●", "cyan"), "Stopping": ("■", "yellow"),
}  # fmt: skip
# On a page whose colours nobody knows: words in its own, and a surface of their own under those that shall be seen.
_LOOKS_ON_A_PAGE = {
    "Succeeded": ("✓", ""), "Failed": ("✕", "bold #ffffff on #b3261e"), "Stopped": ("■", "#ffffff on #8f5a00"),
    "NotExecuted": ("–", ""), "Waiting": ("·", ""), "Running": ("●", "bold"), "Stopping": ("■", "#ffffff on #8f5a00"),
}  # fmt: skip
_AROUND = 6  # lines of a terminal that are no rows: title, head and rules, and where the cursor stands


@attrs.define
class Row:
    """One step on the board."""

    type: str
    state: str = "Waiting"
    since: float = 0.0  # on the board's clock
    seconds: float | None = None  # once it is over
    memory: float | None = None  # MiB, peak
    line: str = ""  # the last one that it wrote
    reason: str = ""
    progress: Progress = attrs.field(factory=Progress)


@attrs.define
class Board:
    """What is known of a run from its events; the listener of a run. Safe to use from threads."""

    clock: Callable[[], float] = time.monotonic
    name: str = ""
    state: str = "Running"
    has_memory: bool = True  # whether that of the steps is known
    rows: dict[str, Row] = attrs.field(factory=dict)
    started: float = attrs.field(init=False)
    ended: float | None = attrs.field(init=False, default=None)
    _lock: threading.Lock = attrs.field(init=False, factory=threading.Lock)

    def __attrs_post_init__(self) -> None:
        self.started = self.clock()

    def __call__(self, event: Event) -> None:
        """Take an event; those that the board does not know are passed over."""
        kind, _, state = str(event.get("event", "")).partition(" ")
        with self._lock:
            if kind == "run" and state == "started":
                self.name = str(event.get("pipeline", ""))
                self.rows = {name: Row(type_) for name, type_ in event.get("steps", {}).items()}
                self.started -= event.get("elapsed") or 0.0
                self.has_memory = not event.get("remote")
            elif kind == "run":
                self.state, self.ended = state, self.clock()
                if event.get("seconds") is not None:  # of one that was over before anybody looked
                    self.ended = self.started + event["seconds"]
            elif (row := self.rows.get(str(event.get("step", "")))) is None:
                return
            elif kind == "step":
                self._step(row, state, event)
            elif kind == "memory":
                row.memory = event.get("peak_memory_mb")
            elif kind == "output":
                row.line = terminal.plain(str(event.get("line", ""))).strip() or row.line
                row.progress = row.progress.after(row.line)

    def _step(self, row: Row, state: str, event: Event) -> None:
        if state == "Running" and row.state != "Running":
            row.since = self.clock() - (event.get("elapsed") or 0.0)
        row.state, row.reason = state, terminal.plain(str(event.get("reason") or ""))
        if state in _OVER and row.since:
            row.seconds = event.get("seconds")
            row.memory = event.get("peak_memory_mb")

    def table(self, height: int | None = None, *, on_a_page: bool = False) -> Table:
        """The board as rich draws it.

        Args:
            height: Lines of the terminal; where the steps are more, those that run or failed stay, and the others are
                counted. None for all of them, as when the run is over.
            on_a_page: Whether it is shown on a light or a dark page and not in a terminal.
        """
        from rich import box
        from rich.table import Table
        from rich.text import Text

        with self._lock:
            over = sum(row.state in _OVER for row in self.rows.values())
            seconds = (self.ended if self.ended is not None else self.clock()) - self.started
            title = Text.assemble((self.name, "bold"), f"  {over} of {len(self.rows)} steps  {_time(seconds)}")
            table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", expand=True, pad_edge=False)
            table.add_column("", width=1)
            table.add_column("step", no_wrap=True)
            table.add_column("time", no_wrap=True, justify="right", min_width=7)
            if self.has_memory:
                table.add_column("memory", no_wrap=True, justify="right", min_width=8)
            table.add_column("progress", no_wrap=True, min_width=_BAR)
            table.add_column("", no_wrap=True, overflow="ellipsis", ratio=1)
            room = len(self.rows) if height is None or self.ended is not None else max(2, height - _AROUND)
            shown, folded = self._folded(room)
            for name in shown:
                table.add_row(*self._cells(name, self.rows[name], on_a_page=on_a_page))
            if folded:
                table.add_row("", Text(folded, "" if on_a_page else "dim"))
        return table

    def _folded(self, room: int) -> tuple[list[str], str]:
        """The steps that fit, in their order, and a line about the others: those that failed or run go first."""
        if len(self.rows) <= room:
            return list(self.rows), ""
        ranks = ("Failed", "Running", "Stopping", "Stopped", "Waiting", "Succeeded", "NotExecuted")
        ranked = sorted(self.rows, key=lambda name: (*ranks, self.rows[name].state).index(self.rows[name].state))
        kept = set(ranked[: room - 1])
        states = [row.state for name, row in self.rows.items() if name not in kept]
        words = {"Succeeded": "done", "NotExecuted": "not executed", "Waiting": "waiting", "Running": "running"}
        counts = [f"{states.count(state)} {words.get(state, state.lower())}" for state in dict.fromkeys(states)]
        return [name for name in self.rows if name in kept], "and " + ", ".join(counts)

    def _cells(self, name: str, row: Row, *, on_a_page: bool) -> tuple[RenderableType, ...]:
        from rich.text import Text

        sign, look = (_LOOKS_ON_A_PAGE if on_a_page else _LOOKS).get(row.state, ("?", ""))
        running = row.state == "Running"
        seconds = self.clock() - row.since if running else row.seconds
        memory = [f"{row.memory:.0f} MiB" if row.memory is not None else ""] if self.has_memory else []
        said = (row.progress.said or row.line) if running else row.reason.split("\n", 1)[0]
        return (
            Text(sign, look),
            Text(name, "" if row.state != "NotExecuted" or on_a_page else "dim"),
            _time(seconds),
            *memory,
            _bar(row, self.clock()) if running else Text(row.state, look),
            Text(said, "" if on_a_page else "dim" if row.state != "Failed" else "red"),
        )


@attrs.frozen
class Watch:
    """What to give to `run`."""

    echo: Callable[[str], None] | None
    listener: Listener | None


Echo: TypeAlias = Callable[[str], None] | Literal["auto"] | None


@contextlib.contextmanager
def watching(echo: Echo = "auto", listener: Listener | None = None, *, keep: bool = True) -> Iterator[Watch]:
    """Follow a run.

    Args:
        echo: Takes each line; None for silence; "auto" for a table where somebody looks at it and lines elsewhere.
        listener: Takes each event as well.
        keep: Whether the table stays in the terminal when the run is over.
    """
    if echo != "auto":
        yield Watch(echo, listener)
    elif in_notebook():
        drawing = _InNotebook(Board())
        with _redrawn(drawing):
            yield Watch(None, _both(drawing, listener))
    else:
        from rich.console import Console

        console = Console()
        if not console.is_terminal or _wants_lines():
            yield Watch(say, listener)
            return
        from rich.live import Live

        board = Board()

        def fitting() -> Table:
            return board.table(console.height)

        with Live(get_renderable=fitting, console=console, refresh_per_second=_PER_SECOND, transient=not keep):
            yield Watch(None, _both(board, listener))


def _both(first: Listener, second: Listener | None) -> Listener:
    if second is None:
        return first

    def tell(event: Event) -> None:
        first(event)
        second(event)

    return tell


def in_notebook() -> bool:
    """Whether this is the kernel of a notebook."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell is not None and hasattr(shell, "kernel")


def _wants_lines() -> bool:
    """Whether the surroundings ask for plain text: no colours, a build server, a terminal that cannot move up."""
    return bool(os.environ.get("NO_COLOR") or os.environ.get("CI")) or os.environ.get("TERM", "") in {"dumb", "unknown"}


class _InNotebook:
    """Draws a board in a cell: one display that is written over."""

    def __init__(self, board: Board) -> None:
        self._board, self._next = board, 0.0
        self._display: Any = None
        self._lock = threading.Lock()

    def __call__(self, event: Event) -> None:
        self._board(event)
        now = time.monotonic()
        if now < self._next and event.get("event") in {"output", "memory"}:
            return
        self._next = now + _NOTEBOOK_SECONDS
        self.draw(begins=True)

    def draw(self, *, begins: bool = False) -> None:
        """Show the board as it is now, once it has begun."""
        with self._lock:
            if begins or self._display is not None:
                self._draw()

    def _draw(self) -> None:
        ipython: Any = importlib.import_module("IPython.display")  # without types, and there only in a notebook
        page = ipython.HTML(as_html(self._board))
        if self._display is None:
            self._display = ipython.display(page, display_id=True)
        else:
            self._display.update(page)


@contextlib.contextmanager
def _redrawn(drawing: _InNotebook) -> Iterator[None]:
    """Draw now and then, so that times go on, and the last line is seen, while a step is silent."""
    over = threading.Event()

    def redraw() -> None:
        while not over.wait(_NOTEBOOK_PAUSE):
            drawing.draw()

    thread = threading.Thread(target=redraw, name="notebook", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def as_html(board: Board, width: int = 110) -> str:
    """The board as HTML, in the colours and the face of the notebook."""
    import io

    from rich.console import Console

    console = Console(record=True, file=io.StringIO(), width=width, force_jupyter=False, force_terminal=True)
    console.print(board.table(on_a_page=True))
    return console.export_html(inline_styles=True, code_format='<pre style="line-height:1.35">{code}</pre>')


def _bar(row: Row, now: float) -> Any:
    from rich.progress_bar import ProgressBar

    share = row.progress.share
    if share is None:
        return ProgressBar(total=None, pulse=True, width=_BAR, animation_time=now)
    return ProgressBar(total=1.0, completed=share, width=_BAR)


def _time(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return f"{seconds:.1f} s" if seconds < 100 else f"{int(seconds) // 60}:{int(seconds) % 60:02d} min"


def say(line: str) -> None:
    """Print a line at once."""
    print(line, flush=True)
