"""Boxes of the graph: the words of the steps in lines, and columns that are as wide as leaves the drawing in a page."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence

import attrs

from fluentpipe.report.svg import fitted, width_of

LINE, COLUMN_GAP, MARGIN = 15.0, 30.0, 6.0  # pixels; between columns there is room for the word of a branch
_NARROWEST = 104.0  # pixels of a box
_WIDEST = ((230.0, 1), (230.0, 2), (170.0, 2), (150.0, 2), (132.0, 2))  # pixels of a box and lines of its name
_BESIDE = 38.0  # pixels of a box beside its words
_NAME, _WHAT = 12.5, 11.0  # pixels of a letter, as in graph.css
_ROOM = 1180.0  # pixels, about what a page has; boxes are as wide as leaves the drawing in it
_PIECE = re.compile(r"[^ _-]+[ _-]*|[ _-]+")  # up to where a line may break

Words = Mapping[str, str]  # name of a step -> what stands below it


@attrs.frozen
class Box:
    """The lines of a step: of its name, and below of what it is."""

    name: tuple[str, ...]
    what: tuple[str, ...]

    @classmethod
    def of(cls, name: str, what: str, room: float, lines: int) -> Box:
        """A step's words in a box with so many pixels for them."""
        return cls(_lines(name, room, _NAME, lines, bold=True), _lines(what, room, _WHAT, lines))

    @property
    def width(self) -> float:
        """Pixels that the words take."""
        names = (width_of(line, _NAME, bold=True) for line in self.name)
        return max((*names, *(width_of(line, _WHAT) for line in self.what)), default=0.0)

    @property
    def height(self) -> float:
        """Pixels of the box."""
        return 20.0 + LINE * (len(self.name) + max(1, len(self.what)))


@attrs.frozen
class Columns:
    """Where the layers stand."""

    lefts: tuple[float, ...]
    widths: tuple[float, ...]

    @classmethod
    def of(cls, widths: Sequence[float]) -> Columns:
        """One after the other, with room for the edges between."""
        starts = itertools.accumulate((width + COLUMN_GAP for width in widths), initial=MARGIN)
        return cls(tuple(starts)[:-1], tuple(widths))

    @property
    def across(self) -> float:
        """Pixels of the whole drawing."""
        return 2 * MARGIN + sum(self.widths) + COLUMN_GAP * max(0, len(self.widths) - 1)


def fit(words: Words, layers: Mapping[str, int]) -> tuple[dict[str, Box], Columns]:
    """The words of the steps and the columns they make: the widest boxes that a page has room for."""
    for widest, lines in _WIDEST[:-1]:
        boxes, columns = _set(words, layers, widest, lines)
        if columns.across <= _ROOM:
            return boxes, columns
    return _set(words, layers, *_WIDEST[-1])


def _set(words: Words, layers: Mapping[str, int], widest: float, lines: int) -> tuple[dict[str, Box], Columns]:
    boxes = {name: Box.of(name, what, widest - _BESIDE, lines) for name, what in words.items()}
    widths = [_NARROWEST] * (1 + max(layers.values(), default=0))
    for name, box in boxes.items():
        widths[layers[name]] = max(widths[layers[name]], _BESIDE + box.width)
    return boxes, Columns.of(widths)


def _lines(said: str, room: float, size: float, most: int, *, bold: bool = False) -> tuple[str, ...]:
    """Words in lines, broken after blanks and underscores; what is too much goes from the middle of a line."""
    lines: list[str] = []
    for piece in _PIECE.findall(said):
        joined = lines[-1] + piece if lines else piece
        if lines and (len(lines) == most or width_of(joined.rstrip(), size, bold=bold) <= room):
            lines[-1] = joined
        else:
            lines.append(piece)
    return tuple(fitted(line.rstrip(" ·"), room, size, bold=bold) for line in lines)
