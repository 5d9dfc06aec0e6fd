"""A chart with two axes, as SVG: the frame, the grid, and marks placed by the values they stand for."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence

import attrs
from markupsafe import Markup

from fluentpipe.report.evidence import Facts, finites
from fluentpipe.report.svg import coordinates, element, group, line, number, picture, text, width_of

Point = tuple[float, float]
WIDTH, HEIGHT = 420.0, 320.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 56.0, 12.0, 12.0, 44.0
_NAME = 17.0  # pixels at the left that the name of the axis takes
_TICK = 11.0  # pixels of a figure's height
_APART = 7.0  # pixels between a figure and its axis, or the next figure
_UNITS = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


@attrs.frozen
class Figure:
    """A drawing with its title and what it says."""

    title: str
    note: str
    drawing: Markup
    legend: tuple[tuple[str, str], ...] = ()  # (class of the style sheet, words)


@attrs.frozen
class Chart:
    """Where values lie in a drawing. Both spans are not empty."""

    x: tuple[float, float]
    y: tuple[float, float]
    width: float = WIDTH
    height: float = HEIGHT
    left: float = attrs.field(init=False)  # of the plot; as far in as the figures of the axis need

    @left.default
    def _room_for_figures(self) -> float:
        figures = tick_figures(ticks(*self.y))
        return min(self.width / 2, max(_LEFT, _NAME + max(map(width_of, figures), default=0.0) + _APART))

    def at(self, x: float, y: float) -> Point:
        """The place of a value; values outside the axes lie on their ends."""
        return (
            self.left + _share(x, self.x) * (self.width - self.left - _RIGHT),
            self.height - _BOTTOM - _share(y, self.y) * (self.height - _TOP - _BOTTOM),
        )

    def frame(self, x_name: str, y_name: str, *, percent: bool = False) -> Markup:
        """Grid, ticks and names of the axes."""
        marks = [*self._below(), *self._beside(percent)]
        middle = (_TOP + self.height - _BOTTOM) / 2
        marks.append(
            text((self.left + self.width - _RIGHT) / 2, self.height - 8, x_name, class_="axis", text_anchor="middle")
        )
        turned = f"rotate(-90 12 {number(middle)})"
        marks.append(text(12, middle, y_name, class_="axis", text_anchor="middle", transform=turned))
        return group(*marks)

    def _below(self) -> Iterator[Markup]:
        """Grid and figures of the lower axis; of figures that would touch, every second or third."""
        values = ticks(*self.x)
        figures = tick_figures(values)
        widest = max(map(width_of, figures), default=0.0)
        between = (self.width - self.left - _RIGHT) / max(1, len(values) - 1)
        every = math.ceil((widest + _APART) / between)
        for place, (value, said) in enumerate(zip(values, figures, strict=True)):
            left, bottom = self.at(value, self.y[0])
            yield element("line", x1=left, x2=left, y1=_TOP, y2=bottom, class_="grid")
            if place % every == 0:
                middle = min(left, self.width - 1 - width_of(said) / 2)
                yield text(middle, bottom + 15, said, class_="tick", text_anchor="middle")

    def _beside(self, percent: bool) -> Iterator[Markup]:
        """Grid and figures of the axis at the left."""
        values = ticks(*self.y)
        figures = [f"{value:.0%}" for value in values] if percent else tick_figures(values)
        for value, said in zip(values, figures, strict=True):
            left, middle = self.at(self.x[0], value)
            yield element("line", x1=left, x2=self.width - _RIGHT, y1=middle, y2=middle, class_="grid")
            yield text(left - _APART, middle + _TICK / 3, said, class_="tick", text_anchor="end")

    def line(self, points: Iterable[Point], class_: str) -> Markup:
        """A line through values."""
        return line([self.at(*point) for point in points], class_=class_)

    def area(self, points: Sequence[Point], class_: str) -> Markup:
        """The area between a line and the lower axis."""
        places = [self.at(*point) for point in points]
        ends = [(places[-1][0], self.at(0, self.y[0])[1]), (places[0][0], self.at(0, self.y[0])[1])] if places else []
        return element("polygon", points=coordinates(places + ends), class_=class_)

    def dot(self, x: float, y: float, said: str, class_: str, radius: float = 4.5) -> Markup:
        """A point that says what it is when pointed at."""
        left, top = self.at(x, y)
        return element("circle", element("title", said), cx=left, cy=top, r=radius, class_=class_)

    def bar(self, low: float, high: float, value: float, said: str, class_: str) -> Markup:
        """A bar from the lower axis, over a span of the other."""
        left, top = self.at(low, value)
        right, bottom = self.at(high, self.y[0])
        width = max(0.5, right - left - 1)
        return element(
            "rect",
            element("title", said),
            x=left + 0.5,
            y=top,
            width=width,
            height=max(0.0, bottom - top),
            class_=class_,
        )

    def drawn(self, *marks: Markup, label: str, class_: str = "chart") -> Markup:
        """The chart with its marks."""
        return picture(self.width, self.height, *marks, label=label, class_=class_)


def span(values: Iterable[float]) -> tuple[float, float]:
    """The lowest and the highest value, a little apart where they are one."""
    found = list(values)
    low, high = min(found, default=0.0), max(found, default=1.0)
    if low < high:
        return low, high
    apart = abs(low) * 0.1 or 1.0
    return low - apart, high + apart


def ticks(low: float, high: float, wanted: int = 5) -> list[float]:
    """Round values from low to high: multiples of 1, 2 or 5 times a power of ten."""
    if not 0 < high - low < math.inf:
        return []
    raw = (high - low) / wanted
    power = 10.0 ** math.floor(math.log10(raw)) if raw else 0.0
    if not power:
        return []
    step = next((power * each for each in (1, 2, 5, 10) if power * each >= raw * 0.999), power * 10)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [place * step for place in range(first, min(last, first + 20) + 1)]


def tick_figures(values: Sequence[float]) -> list[str]:
    """Evenly spaced values in few characters, all in one unit: 50k and 100k, 1.5M, 2e−6; as exact as their distance."""
    most = max(map(abs, values), default=0.0)
    apart = min((abs(after - before) for before, after in itertools.pairwise(values)), default=most)
    if not most or not apart:
        return [figure(value) for value in values]
    unit, sign = _unit(most)
    places = max(0, math.ceil(-math.log10(apart / unit) - 1e-6))
    if sign.isalpha() and places > 2:  # far from zero and close together: the unit would hide what differs
        unit, sign, places = 1.0, "", max(0, math.ceil(-math.log10(apart) - 1e-6))
    return [_in_unit(value / unit, places, sign) for value in values]


def _unit(most: float) -> tuple[float, str]:
    """What figures up to this one are counted in, and its sign; beyond the usual units a power of a thousand."""
    if most < 1e-3 or most >= 1e15:
        power = max(-306, 3 * math.floor(math.log10(most) / 3 + 1e-9))  # below, a power of ten has fewer digits
        return 10.0**power, f"e{power}"
    return next(((unit, sign) for unit, sign in _UNITS if most >= unit), (1.0, "")) if most >= 1e4 else (1.0, "")


def _in_unit(value: float, places: int, sign: str) -> str:
    said = f"{value:,.{places}f}"
    said = said.rstrip("0").rstrip(".") if places else said
    return (said if said in ("0", "-0") else said + sign).replace("-", "−")


def figure(value: float, digits: int = 4) -> str:
    """A number for people: few digits, thousands grouped, a proper minus."""
    if value == int(value) and abs(value) < 1e7:
        return f"{int(value):,}".replace("-", "−")
    if abs(value) >= 1e7 or abs(value) < 1e-4:
        return f"{value:.3g}".replace("-", "−")
    return f"{value:,.{digits}g}".replace("-", "−") if abs(value) < 1000 else f"{value:,.0f}".replace("-", "−")


def histogram(facts: Facts) -> tuple[list[float], list[float]]:
    """Edges and counts of a histogram, the edges one more; both empty where it is none."""
    edges, counts = finites(facts.get("edges")), finites(facts.get("counts"))
    ordered = all(low < high for low, high in itertools.pairwise(edges)) and min(counts, default=0) >= 0
    return (edges, counts) if ordered and len(edges) == len(counts) + 1 else ([], [])


def _share(value: float, of: tuple[float, float]) -> float:
    return min(1.0, max(0.0, (value - of[0]) / (of[1] - of[0])))
