"""Which step waits for which, and whether any waits for itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

from fluentpipe.diagnostic import Findings
from fluentpipe.document import StepEntry


@attrs.define
class Graph:
    """The steps by name, and for each the steps it waits for, in the order they were found."""

    entries: Sequence[StepEntry]
    steps: dict[str, StepEntry]
    waits_for: dict[str, dict[str, None]]

    @classmethod
    def of(cls, entries: Sequence[StepEntry]) -> Graph:
        """The graph with the edges that nesting makes: a step of a branch waits for its Condition."""
        steps: dict[str, StepEntry] = {}
        for entry in entries:
            steps.setdefault(entry.name, entry)
        waits: dict[str, dict[str, None]] = {name: {} for name in steps}
        for entry in entries:
            if entry.scope:
                waits[entry.name][entry.scope[-1][0]] = None
        return cls(entries, steps, waits)


def check_cycles(graph: Graph, findings: Findings) -> None:
    """Report one cycle for each knot of steps that wait for each other, in the order of the data."""
    waiting = {name: [each for each in waits if each in graph.waits_for] for name, waits in graph.waits_for.items()}
    position = {name: index for index, name in enumerate(graph.steps)}
    for cycle in _cycles(_knotted(waiting)):
        first = min(cycle, key=position.__getitem__)
        start = cycle.index(first)
        order = [*cycle[start:], *cycle[:start], first]
        message = f"Steps wait for each other: {' -> '.join(order)}."
        findings.error("cycle", graph.steps[first].path, message, "drop one of these dependencies", first)


def _knotted(waiting: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """The steps that are on a cycle or wait for one; what could run in some order is peeled off."""
    consumers: dict[str, list[str]] = {name: [] for name in waiting}
    open_inputs = {name: len(waits) for name, waits in waiting.items()}
    for name, waits in waiting.items():
        for producer in waits:
            consumers[producer].append(name)
    ready = [name for name, count in open_inputs.items() if count == 0]
    for name in ready:
        for consumer in consumers[name]:
            open_inputs[consumer] -= 1
            if open_inputs[consumer] == 0:
                ready.append(consumer)
    left = {name for name, count in open_inputs.items() if count > 0}
    return {name: [each for each in waiting[name] if each in left] for name in waiting if name in left}


def _cycles(knotted: Mapping[str, Sequence[str]]) -> list[list[str]]:
    """Cycles in the order of the data: every knotted step has a knotted producer, so going back finds one."""
    found: list[list[str]] = []
    done: set[str] = set()
    for start in knotted:
        walked: dict[str, None] = {}
        name = start
        while name not in done and name not in walked:
            walked[name] = None
            name = knotted[name][0]
        if name in walked:
            names = list(walked)
            found.append(names[names.index(name) :][::-1])
        done.update(walked)
    return found
