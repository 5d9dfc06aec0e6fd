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
from fluentpipe.report.boxes import LINE, MARGIN, Box, Columns, fit
from fluentpipe.report.svg import element, group, number, picture, text

MOST_STEPS = 150  # beyond, nobody reads a drawing
_ROW_GAP = 18.0
_BETWEEN = 12.0  # height of an edge's place in a layer it passes
_FITTING = 1500.0  # pixels; wider drawings are scrolled, not shrunk
_LEAST = (640, 800, 960, 1050)  # pixels, below which none is shrunk, as in graph.css; narrower ones keep their size
_SHRUNK = 0.8  # of its size, about, which a drawing keeps at least
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
        return " · ".join(filter(None, (self.type, self.note.replace(" ", "\N{NO-BREAK SPACE}"))))


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
        return self.height != _BETWEEN


def style() -> str:
    """The style sheet of the drawing; everything in it is under the class `fluentpipe-graph`."""
    return Path(__file__).with_name("graph.css").read_text(encoding="utf-8")


def draw(marks: Sequence[Mark], edges: Iterable[Edge]) -> Markup:
    """Draw steps and what leads to what; edges of unknown steps, and those that close a cycle, are left out."""
    edges, names = list(edges), {mark.name for mark in marks}
    layers = _layers([mark.name for mark in marks], [edge for edge in edges if {edge.source, edge.target} <= names])
    kept = [edge for edge in edges if edge.source in names and layers.get(edge.source, 0) < layers.get(edge.target, 0)]
    boxes, columns = fit({mark.name: mark.second_line for mark in marks}, layers)
    height = max((box.height for box in boxes.values()), default=0.0)
    places = {mark.name: _Place(layers[mark.name], height) for mark in marks}
    routes = [(edge, _route(places[edge.source], places[edge.target])) for edge in kept]
    bottom = _arrange([*places.values(), *(place for _, route in routes for place in route[1:-1])])
    drawn = [_edge(edge, route, columns) for edge, route in routes]
    drawn += [_step(mark, boxes[mark.name], places[mark.name], columns) for mark in marks]
    label = f"graph of {len(marks)} steps: " + ", ".join(f"{mark.name} {mark.state}".strip() for mark in marks)
    class_ = "fluentpipe-graph" + _shrinking(columns.across)
    return picture(columns.across, bottom + MARGIN, *drawn, label=label, class_=class_, scales=False)


def _shrinking(across: float) -> str:
    """The classes of a drawing that may shrink with its page, down to where it still can be read."""
    if not _LEAST[0] <= across <= _FITTING:
        return ""
    least = next((each for each in _LEAST if each >= _SHRUNK * across), _LEAST[-1])
    return f" fits least-{least}"


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
        place.y += MARGIN - top
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


def _step(mark: Mark, box: Box, place: _Place, columns: Columns) -> Markup:
    left, top = columns.lefts[place.layer], place.y - place.height / 2
    first = top + (place.height - box.height) / 2 + 22
    state = mark.state or "Planned"
    whole = ": ".join(part for part in (mark.name, mark.state, mark.reason) if part)
    below = first + LINE * len(box.name) + 2
    return group(
        element("title", whole),
        element("rect", x=left, y=top, width=columns.widths[place.layer], height=place.height, rx=8, class_="box"),
        element("circle", cx=left + 16, cy=first - 4, r=7.5, class_="dot"),
        text(left + 16, first, _SIGNS.get(mark.state, ""), class_="sign", text_anchor="middle"),
        *(text(left + 29, first + LINE * line, said, class_="name") for line, said in enumerate(box.name)),
        *(text(left + 29, below + LINE * line, said, class_="what") for line, said in enumerate(box.what)),
        class_=f"step {state if state in _SIGNS else 'Planned'}",
    )


def _edge(edge: Edge, route: Sequence[_Place], columns: Columns) -> Markup:
    start = (columns.lefts[route[0].layer] + columns.widths[route[0].layer], route[0].y)
    path, (x, y) = [f"M{number(start[0])} {number(start[1])}"], start
    for place in route[1:]:
        left = columns.lefts[place.layer]
        bend = (left - x) / 2
        path.append(
            f"C{number(x + bend)} {number(y)} {number(left - bend)} {number(place.y)} {number(left)} {number(place.y)}"
        )
        x, y = left, place.y
        if place is not route[-1]:
            x += columns.widths[place.layer]
            path.append(f"H{number(x)}")
    arrow = element(
        "path", d=f"M{number(x - 6)} {number(y - 3.5)}L{number(x)} {number(y)}L{number(x - 6)} {number(y + 3.5)}"
    )
    label = [text(x - 5, y - 6, edge.label, class_="branch", text_anchor="end")] if edge.label else []
    return group(
        element("title", f"{edge.source} → {edge.target}"),
        element("path", d="".join(path)),
        arrow,
        *label,
        class_="edge control" if edge.is_control else "edge",
    )
