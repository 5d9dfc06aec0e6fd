"""What leads to what in a pipeline, and the same as a Mermaid flowchart, the text that GitHub and many wikis draw."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

import attrs

from fluentpipe.document import StepEntry

_PLAIN = re.compile(r"[\w .,:·-]", re.ASCII)
_SHAPES = {"Condition": ('{"', '"}'), "Fail": ('(["', '"])')}
_BOX = ('["', '"]')


@attrs.frozen
class Edge:
    """One step needs another."""

    source: str
    target: str
    label: str = ""  # of a branch: "if", "else"

    @property
    def is_control(self) -> bool:
        """Whether a condition leads here, and not data."""
        return bool(self.label)


def edges_of(entries: Iterable[StepEntry]) -> Iterator[Edge]:
    """What each step of a definition takes from which, what it waits for, and the branch that it lies under."""
    for entry in entries:
        used = [*entry.steps_used()]
        waits = entry.request.get("DependsOn")
        used += [each.removeprefix("Steps.") for each in _list(waits) if isinstance(each, str)]
        yield from (Edge(name, entry.name) for name in dict.fromkeys(used) if name != entry.name)
        if entry.scope:
            condition, branch = entry.scope[-1]
            yield Edge(condition, entry.name, branch.lower())


def mermaid(steps: Mapping[str, str], edges: Iterable[Edge]) -> str:
    """A flowchart from left to right.

    Args:
        steps: Name -> type, in order. Any text will do: what Mermaid would read otherwise is written as its code.
        edges: Those of steps that are not there are left out.
    """
    known = {name: f"s{number}" for number, name in enumerate(steps)}
    lines = ["flowchart LR"]
    for name, kind in steps.items():
        before, after = _SHAPES.get(kind, _BOX)
        what = f"<br/>{_coded(kind)}" if kind and kind not in _SHAPES else ""
        lines.append(f"    {known[name]}{before}{_coded(name)}{what}{after}")
    for edge in edges:
        if edge.source in known and edge.target in known:
            arrow = f"-. {_coded(edge.label)} .->" if edge.is_control else "-->"
            lines.append(f"    {known[edge.source]} {arrow} {known[edge.target]}")
    return "\n".join(lines)


def _coded(text: str) -> str:
    return "".join(sign if _PLAIN.fullmatch(sign) else f"#{ord(sign)};" for sign in text)


def _list(value: object) -> list[object]:
    return list(value) if isinstance(value, list | tuple) else []
