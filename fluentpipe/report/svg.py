"""SVG as text: every attribute and every text is escaped here, so that no name of a step or column becomes markup."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from markupsafe import Markup, escape

# What XML 1.0 does not allow in a document, and lone surrogates, which no encoding takes.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


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


def shortened(said: str, limit: int) -> str:
    """Text cut to so many characters, the end shown as an ellipsis."""
    return said if len(said) <= limit else said[: max(1, limit - 1)] + "…"


@lru_cache(maxsize=256)
def _attribute(name: str) -> str:
    return name.rstrip("_").replace("_", "-")


def _value(value: object) -> str:
    """Escaped whatever it is: markup is no text of an attribute, and its quotes would end it."""
    return number(value) if isinstance(value, float) else str(escape(clean(str(value))))
