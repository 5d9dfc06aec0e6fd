"""SVG as text: every attribute and every text is escaped here, so that no name of a step or column becomes markup."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache

from markupsafe import Markup, escape

# What XML 1.0 does not allow in a document, and lone surrogates, which no encoding takes.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_ADVANCES = ((0.34, "ijlI'|.,:; "), (0.42, "ftr-()[]/"), (0.85, "wM−+=<>≤≥"), (1.0, "mWQ@%…&—"))


def clean(value: object) -> object:
    """Text without characters that no document may hold; anything else, finished markup among it, as it is."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return _UNPRINTABLE.sub("\ufffd", value)
    return value


def element(tag: str, *children: object, **attributes: object) -> Markup:
    """One element. `class_` is written `class`, `text_anchor` is `text-anchor`; None leaves an attribute out.

    Args:
        tag: Of our own choice, never from data.
        *children: Markup as it is, anything else escaped.
        **attributes: Numbers are written with at most two decimals; all else is escaped, markup too.
    """
    written = "".join(
        f' {_attribute(name)}="{_value(value)}"' for name, value in attributes.items() if value is not None
    )
    inside = "".join(child if type(child) is Markup else escape(clean(child)) for child in children)
    return Markup(f"<{tag}{written}>{inside}</{tag}>" if inside else f"<{tag}{written}/>")  # noqa: S704 - escaped above


def group(*children: object, **attributes: object) -> Markup:
    """Elements taken together."""
    return element("g", *children, **attributes)


def text(x: float, y: float, said: object, **attributes: object) -> Markup:
    """A line of text at its baseline."""
    return element("text", str(said), x=x, y=y, **attributes)


def picture(width: float, height: float, *children: object, label: str, class_: str, scales: bool = True) -> Markup:
    """A whole drawing.

    Args:
        width: In units of the drawing, pixels at its natural size.
        height: Likewise.
        *children: What it shows.
        label: What it shows in words, for those who cannot see it.
        class_: For the style sheet.
        scales: Whether it may shrink with the page; otherwise it keeps its size.
    """
    size = {} if scales else {"width": width, "height": height}
    return element(
        "svg",
        *children,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {number(width)} {number(height)}",
        role="img",
        aria_label=label,
        class_=class_,
        **size,
    )


def line(points: list[tuple[float, float]], **attributes: object) -> Markup:
    """A line through points, in the units of the drawing."""
    return element("polyline", points=coordinates(points), **attributes)


def coordinates(points: Iterable[tuple[float, float]]) -> str:
    """Points as an attribute has them."""
    return " ".join(f"{number(x)},{number(y)}" for x, y in points)


def number(value: float) -> str:
    """A coordinate: two decimals at most, no needless zeros."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def width_of(said: str, size: float = 11.0, *, bold: bool = False) -> float:
    """About how many pixels a line of text takes, rather too many: a page has the face of whoever reads it.

    Args:
        said: The line.
        size: Of the face, pixels.
        bold: Whether it is set in bold, which is a tenth wider.
    """
    return sum(map(_advance, said)) * size * (1.1 if bold else 1.0)


def fitted(said: str, room: float, size: float = 11.0, *, bold: bool = False) -> str:
    """Text that takes so many pixels at most: what is too much goes from its middle, as names differ at their ends."""
    if width_of(said, size, bold=bold) <= room:
        return said
    left = room - width_of("…", size, bold=bold)
    head, tail = 0, len(said)
    while head < tail:
        from_head = head <= len(said) - tail
        left -= width_of(said[head] if from_head else said[tail - 1], size, bold=bold)
        if left < 0:
            break
        head, tail = (head + 1, tail) if from_head else (head, tail - 1)
    return f"{said[: max(head, 1)]}…{said[tail:]}"


def told_apart(names: Sequence[str], room: float, size: float = 11.0) -> list[str]:
    """Names that fit and still differ: those that would look alike begin with their place, from 1."""
    short = [fitted(name, room, size) for name in names]
    counts = Counter(short)
    return [
        fitted(f"{place} {name}", room, size) if counts[found] > 1 else found
        for place, (name, found) in enumerate(zip(names, short, strict=True), 1)
    ]


@lru_cache(maxsize=4096)
def _advance(character: str) -> float:
    """Of a character, in the size of its face; those of DejaVu Sans, the widest of the usual ones."""
    if unicodedata.combining(character):
        return 0.0
    if unicodedata.east_asian_width(character) in "WF":
        return 1.3 if ord(character) >= 0x1F000 else 1.0  # signs that are drawn, and writing
    for advance, characters in _ADVANCES:
        if character in characters:
            return advance
    return 0.72 if character.isupper() else 0.64


@lru_cache(maxsize=256)
def _attribute(name: str) -> str:
    return name.rstrip("_").replace("_", "-")


def _value(value: object) -> str:
    """Escaped whatever it is: markup is no text of an attribute, and its quotes would end it."""
    return number(value) if isinstance(value, float) else str(escape(clean(str(value))))
