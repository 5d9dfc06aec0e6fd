"""A column of numbers as a small summary of its distribution, in the form in which Model Monitor keeps one (KLL).

Level h of a sketch holds values that stand for 2**h rows each. Where Model Monitor's sketches are made in one pass over a stream, ours
are made from sorted values, each the middle of the run that it stands for; both are read alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

SIZE = 2048  # k of Model Monitor's sketches: values on the upper level, at most
SHRINKING = 0.64  # c of Model Monitor's sketches; says nothing of ours, but readers expect it
BUCKETS = 10


@dataclass(frozen=True)
class Sketch:
    """Values in ascending order and the rows that each stands for."""

    points: npt.NDArray[np.float64]
    weights: npt.NDArray[np.float64]
    slack: float  # how far a share of rows at or below a value may be off, 0 to 1

    @property
    def rows(self) -> float:
        """How many rows it stands for."""
        return float(self.weights.sum())

    def share_at_or_below(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """The distribution function at each value."""
        passed = np.concatenate([[0.0], np.cumsum(self.weights)]) / max(self.rows, 1.0)
        return np.asarray(passed[np.searchsorted(self.points, values, side="right")])

    def quantiles(self, shares: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """The smallest values at or below which the shares of rows lie."""
        places = np.searchsorted(np.cumsum(self.weights) / self.rows, shares - 1e-12)
        return np.asarray(self.points[np.minimum(places, len(self.points) - 1)])


def levels(ordered: npt.NDArray[np.float64]) -> list[list[float]]:
    """The levels of the sketch of ascending values."""
    height = 0
    while len(ordered) > SIZE << height:
        height += 1
    found: list[list[float]] = [[] for _ in range(height + 1)]
    start = 0
    for level in range(height, -1, -1):
        run = 1 << level
        taken = ((len(ordered) - start) // run) * run
        found[level] = ordered[start + run // 2 : start + taken : run].tolist()
        start += taken
    return found


def distribution(ordered: npt.NDArray[np.float64]) -> dict[str, Any]:
    """`distribution` of numerical statistics: ten buckets of equal width, and the sketch."""
    counts, edges = np.histogram(ordered, bins=_edges(ordered))
    buckets = [
        {"lower_bound": float(low), "upper_bound": float(high), "count": int(count)}
        for low, high, count in zip(edges, edges[1:], counts, strict=False)  # there is one edge more
    ]
    sketch = {"parameters": {"c": SHRINKING, "k": float(SIZE)}, "data": levels(ordered)}
    return {"kll": {"buckets": buckets, "sketch": sketch}}


def _edges(ordered: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    low, high = float(ordered[0]), float(ordered[-1])
    parts = np.arange(BUCKETS + 1) / BUCKETS
    edges = low * (1.0 - parts) + high * parts  # not by their difference, which may overflow
    if not np.all(edges[1:] > edges[:-1]):  # too narrow for ten: one value, or neighbours
        edges = np.array([low, high])
    return np.asarray(edges, dtype=np.float64)


def read(kept: Mapping[str, Any]) -> Sketch:
    """The sketch in a `distribution`, ours or Model Monitor's.

    Raises:
        KeyError, TypeError, ValueError: It is malformed.
    """
    sketch = kept["kll"]["sketch"]
    data: Sequence[Sequence[float]] = sketch["data"]
    points = np.array([value for level in data for value in level], dtype=np.float64)
    weights = np.repeat(2.0 ** np.arange(len(data)), [len(level) for level in data])
    if not len(points) or not np.isfinite(points).all():
        msg = "a sketch without numbers"
        raise ValueError(msg)
    order = np.argsort(points, kind="stable")
    # The error of a KLL sketch of size k, as Apache DataSketches states it for one share; ours are closer.
    slack = 0.0 if len(data) == 1 else 2.446 / float(sketch["parameters"]["k"]) ** 0.9433
    return Sketch(points[order], weights[order], slack)
