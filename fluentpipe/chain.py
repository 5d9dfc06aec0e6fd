"""Chains: the steps of a pipeline so far, which a longer pipeline shares with the shorter one it came from."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence

from typing_extensions import override

from fluentpipe.node import Node


class Chain(Mapping[str, Node]):
    """A frozen, ordered mapping of step names to nodes, to which another is added without a copy.

    A chain is the first so many entries of a list that grows. The chain at its end adds to the list; one that is not, because
    another branch went on from it, copies its part first. So a chain of n steps costs n, and every prefix stays what it was.
    """

    __slots__ = ("_length", "_nodes", "_positions")

    _lock = threading.Lock()

    def __init__(self, nodes: Sequence[Node] = ()) -> None:
        self._nodes = list(nodes)
        self._positions = {node.step.name: position for position, node in enumerate(self._nodes)}
        self._length = len(self._nodes)

    def added(self, node: Node) -> Chain:
        """A chain with one node more; its name must be new."""
        with Chain._lock:
            if len(self._nodes) == self._length:
                longer = object.__new__(Chain)
                longer._nodes, longer._positions = self._nodes, self._positions
            else:
                longer = Chain(self._nodes[: self._length])
            longer._nodes.append(node)
            longer._positions[node.step.name] = self._length
            longer._length = self._length + 1
        return longer

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The nodes in order."""
        return tuple(self._nodes[: self._length])

    def starts_with(self, other: Chain) -> bool:
        """Whether the other chain is the beginning of this one."""
        if other._length > self._length:
            return False
        return self._nodes is other._nodes or all(
            one is two for one, two in zip(self._nodes, other.nodes, strict=False)
        )

    @override
    def __getitem__(self, name: str) -> Node:
        position = self._positions[name]
        if position >= self._length:
            raise KeyError(name)
        return self._nodes[position]

    @override
    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._positions.get(name, self._length) < self._length

    @override
    def __iter__(self) -> Iterator[str]:
        return iter([node.step.name for node in self._nodes[: self._length]])

    @override
    def __len__(self) -> int:
        return self._length
