"""The graph of a pipeline as SVG: steps from left to right, each after what it needs.

The layout is the usual one in layers: a step stands one layer after the last step it needs; edges over several
layers get a place in each layer between; places in a layer are ordered by the mean place of their neighbours.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from pathlib import Path

import attrs
from markupsafe import Markup

from fluentpipe.flowchart import Edge
from fluentpipe.report.svg import element, group, number, picture, shortened, text

MOST_STEPS = 150  # beyond, nobody reads a drawing
_HEIGHT, _ROW_GAP, _COLUMN_GAP, _MARGIN = 50.0, 18.0, 30.0, 6.0
_BETWEEN = 12.0  # height of an edge's place in a layer it passes
_NARROWEST, _WIDEST, _CHARACTER = 116.0, 230.0, 7.5  # pixels; a character of a wide 12-pixel face
_SMALLER = 0.85  # a character of the second line
_FITTING = 1500.0  # pixels; wider drawings are scrolled, not shrunk
_LEAST_FITTING = 640.0  # pixels, below which none is shrunk, as in graph.css; narrower ones keep their size
_SWEEPS = 6
_SIGNS = {
    "Succeeded": "✓", "Failed": "✕", "Stopped": "■", "Died": "✕", "Running": "●", "NotExecuted": "–", "Waiting": "",
}  # fmt: skip


@attrs.frozen
class Mark:
    """A step in the drawing."""

    name: str
    type: str  # Processing, Training, …, or what a condition asks; the second line begins with it
    state: str = ""  # Succeeded, Failed, …; empty before a run
    note: str = ""  # such as the time; the second line ends with it
    reason: str = ""  # shown when pointed at

    @property
    def second_line(self) -> str:
        """Below the name."""
        return " · ".join(filter(None, (self.type, self.note)))


@attrs.define
class _Place:
    """A step, or an edge passing, in a layer."""

    layer: int
    height: float
    before: list[_Place] = attrs.field(factory=list)
    after: list[_Place] = attrs.field(factory=list)
    y: float = 0.0  # of the middle

    def pull(self, towards: str) -> float:
        """The mean place of the neighbours on one side, of the steps among them if there are any; else its own."""
        found: list[_Place] = getattr(self, towards)
        found = [each for each in found if each.is_step] or found
        return sum(each.y for each in found) / len(found) if found else self.y

    @property
    def is_step(self) -> bool:
        """Whether a step stands here."""
        return self.height == _HEIGHT


def style() -> str:
    """The style sheet of the drawing; everything in it is under the class `fluentpipe-graph`."""
    return Path(__file__).with_name("graph.css").read_text(encoding="utf-8")


def draw(marks: Sequence[Mark], edges: Iterable[Edge]) -> Markup:
    """Draw steps and what leads to what; edges of unknown steps, and those that close a cycle, are left out."""
    edges, names = list(edges), {mark.name for mark in marks}
    layers = _layers([mark.name for mark in marks], [edge for edge in edges if {edge.source, edge.target} <= names])
    kept = [edge for edge in edges if edge.source in names and layers.get(edge.source, 0) < layers.get(edge.target, 0)]
    places = {mark.name: _Place(layers[mark.name], _HEIGHT) for mark in marks}
    routes = [(edge, _route(places[edge.source], places[edge.target])) for edge in kept]
    bottom = _arrange([*places.values(), *(place for _, route in routes for place in route[1:-1])])
    longest = max((max(len(mark.name), _SMALLER * len(mark.second_line)) for mark in marks), default=0)
    width = min(_WIDEST, max(_NARROWEST, 38 + _CHARACTER * longest))
    across = 2 * _MARGIN + (1 + max(layers.values(), default=0)) * (width + _COLUMN_GAP) - _COLUMN_GAP
    drawn = [_edge(edge, route, width) for edge, route in routes]
    drawn += [_step(mark, places[mark.name], width) for mark in marks]
    label = f"graph of {len(marks)} steps: " + ", ".join(f"{mark.name} {mark.state}".strip() for mark in marks)
    fits = " fits" if _LEAST_FITTING <= across <= _FITTING else ""
    return picture(across, bottom + _MARGIN, *drawn, label=label, class_="fluentpipe-graph" + fits, scales=False)


def _layers(names: Sequence[str], edges: Sequence[Edge]) -> dict[str, int]:
    """The length of the longest way to each step; the steps of a cycle come last, in their order."""
    needs: dict[str, set[str]] = {name: set() for name in names}
    for edge in edges:
        needs[edge.target].add(edge.source)
    layers: dict[str, int] = {}
    waiting = list(names)
    while waiting:
        ready = [name for name in waiting if needs[name] <= layers.keys()] or waiting[:1]
        for name in ready:
            layers[name] = 1 + max((layers[need] for need in needs[name] if need in layers), default=-1)
        waiting = [name for name in waiting if name not in layers]
    return layers


def _route(source: _Place, target: _Place) -> list[_Place]:
    """The places of an edge, one in each layer; neighbours know each other."""
    between = [_Place(layer, _BETWEEN) for layer in range(source.layer + 1, target.layer)]
    route = [source, *between, target]
    for one, other in itertools.pairwise(route):
        one.after.append(other)
        other.before.append(one)
    return route


def _arrange(places: Sequence[_Place]) -> float:
    """Give every place its height; returns the lowest edge of all."""
    layers: dict[int, list[_Place]] = {}
    for place in places:
        layers.setdefault(place.layer, []).append(place)
    for mine in layers.values():
        _spread(mine, [0.0] * len(mine))
    for sweep in range(_SWEEPS):
        towards, order = ("before", sorted(layers)) if sweep % 2 == 0 else ("after", sorted(layers, reverse=True))
        for layer in order:
            mine = sorted(layers[layer], key=lambda place: place.pull(towards))
            _spread(mine, [place.pull(towards) for place in mine])
            layers[layer] = mine
    top = min((place.y - place.height / 2 for place in places), default=0.0)
    for place in places:
        place.y += _MARGIN - top
    return max((place.y + place.height / 2 for place in places), default=0.0)


def _spread(places: Sequence[_Place], wanted: Sequence[float]) -> None:
    """Place as wanted where there is room, else side by side, the layer kept around what its steps wanted."""
    if not places:
        return
    low = float("-inf")
    for place, middle in zip(places, wanted, strict=True):
        place.y = max(middle, low + place.height / 2)
        low = place.y + place.height / 2 + _ROW_GAP
    # Only steps count, so that a chain is straight and what passes it makes the bend.
    off = [middle - place.y for place, middle in zip(places, wanted, strict=True) if place.is_step]
    shift = sum(off) / len(off) if off else 0.0
    for place in places:
        place.y += shift


def _step(mark: Mark, place: _Place, width: float) -> Markup:
    left, top = _left(place.layer, width), place.y - _HEIGHT / 2
    state = mark.state or "Planned"
    whole = ": ".join(part for part in (mark.name, mark.state, mark.reason) if part)
    room = int((width - 36) / _CHARACTER)
    return group(
        element("title", whole),
        element("rect", x=left, y=top, width=width, height=_HEIGHT, rx=8, class_="box"),
        element("circle", cx=left + 16, cy=top + 18, r=7.5, class_="dot"),
        text(left + 16, top + 22, _SIGNS.get(mark.state, ""), class_="sign", text_anchor="middle"),
        text(left + 29, top + 22, shortened(mark.name, room), class_="name"),
        text(left + 29, top + 39, shortened(mark.second_line, int(room / _SMALLER)), class_="what"),
        class_=f"step {state if state in _SIGNS else 'Planned'}",
    )


def _edge(edge: Edge, route: Sequence[_Place], width: float) -> Markup:
    start = (_left(route[0].layer, width) + width, route[0].y)
    path, (x, y) = [f"M{number(start[0])} {number(start[1])}"], start
    for place in route[1:]:
        left = _left(place.layer, width)
        bend = (left - x) / 2
        path.append(
            f"C{number(x + bend)} {number(y)} {number(left - bend)} {number(place.y)} {number(left)} {number(place.y)}"
        )
        x, y = left, place.y
        if place is not route[-1]:
            x += width
            path.append(f"H{number(x)}")
    arrow = element(
        "path", d=f"M{number(x - 6)} {number(y - 3.5)}L{number(x)} {number(y)}L{number(x - 6)} {number(y + 3.5)}"
    )
    label = [text(x - 7, y - 6, edge.label, class_="branch", text_anchor="end")] if edge.label else []
    return group(
        element("title", f"{edge.source} → {edge.target}"),
        element("path", d="".join(path)),
        arrow,
        *label,
        class_="edge control" if edge.is_control else "edge",
    )


def _left(layer: int, width: float) -> float:
    return _MARGIN + layer * (width + _COLUMN_GAP)
