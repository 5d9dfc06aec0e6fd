"""Order: which steps use the outputs of which, and an order in which they can run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fluentpipe.errors import CycleError, DuplicateName, SettingError
from fluentpipe.expression import Condition, Expression
from fluentpipe.reference import PropertyReference
from fluentpipe.step import Step


def references_in(value: Any) -> Iterator[PropertyReference[Any]]:
    """Every reference to a step anywhere in a value."""
    if isinstance(value, PropertyReference):
        yield value
    elif isinstance(value, Expression):
        for part in value.parts():
            yield from references_in(part)
    elif isinstance(value, Condition):
        for part in value.expressions():
            yield from references_in(part)
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from references_in(each)
    elif isinstance(value, (tuple, list)):
        for each in value:
            yield from references_in(each)


def in_order(steps: Sequence[Step]) -> tuple[Step, ...]:
    """The steps, each after those whose outputs it was given; otherwise as written.

    Raises:
        DuplicateName: Two steps have one name.
        SettingError: Something is no step.
        CycleError: Steps wait for each other; prints the cycle in its order.
    """
    for step in steps:
        if not isinstance(step, Step):
            raise SettingError(f"{step!r} is no step.", fix="make one of its class: DataLoading(source=…)")
    by_name = {step.name: step for step in steps}
    if len(by_name) < len(steps):
        names = [step.name for step in steps]
        twice = sorted({name for name in names if names.count(name) > 1})
        raise DuplicateName(f"several steps have one name: {', '.join(twice)}.", fix="give each its own with name=")
    needs = {step.name: [name for name in _waits_for(step) if name in by_name] for step in steps}
    done: dict[str, bool] = {}  # False while a step waits for others
    for start in by_name:
        path = [start] if start not in done else []
        while path:
            name = path[-1]
            done.setdefault(name, False)
            waiting = next((need for need in needs[name] if not done.get(need)), None)
            if waiting is None:
                done[path.pop()] = True
            elif waiting in done:
                cycle = (waiting, *reversed(path[path.index(waiting) :]))
                raise CycleError(
                    f"steps wait for each other: {' -> '.join(cycle)}.",
                    fix="take the input of one of them from a step outside of the cycle",
                    cycle=cycle,
                )
            else:
                path.append(waiting)
    order = _finished(by_name, needs)
    return tuple(by_name[name] for name in order)


def _waits_for(step: Step) -> dict[str, None]:
    used = (reference.step for reference in references_in((step.given, step.inputs)))
    return dict.fromkeys((*used, *step.after))


def _finished(by_name: Mapping[str, Step], needs: Mapping[str, Sequence[str]]) -> list[str]:
    """Names such that every step comes after what it needs, as early as it was written."""
    order: dict[str, None] = {}
    for start in by_name:
        stack = [start]
        while stack:
            open_needs = [need for need in needs[stack[-1]] if need not in order]
            if open_needs:
                stack.extend(reversed(open_needs))
            else:
                order.setdefault(stack.pop())
    return list(order)
