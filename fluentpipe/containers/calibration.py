"""Calibration: maps from a model's probabilities to those that come true as often as they say; learned and applied in NumPy.

Platt (1999): a logistic curve over the log-odds. Beta (Kull, Silva Filho and Flach 2017): a logistic regression on ln p and
-ln(1 - p), both weights at least 0; it also mends what a logistic curve cannot. Isotonic (Zadrozny and Elkan 2002): the best
rising steps, joined by lines. All of them keep the order of the rows, isotonic up to ties.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING or __package__:
    from .job import JobError
else:  # beside its siblings, as the jobs run it
    from job import JobError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

METHODS = ("isotonic", "platt", "beta")
CLOSEST = 1e-7  # of a probability to 0 and 1, for its logarithm; a float32 tells no more
_STEPS = 100  # of Newton's method; a dozen is usual
_TOLERANCE = 1e-12


@dataclass(frozen=True)
class Curve:
    """The map of one class: a method, and what it learned."""

    method: str
    weights: tuple[float, ...] = ()  # platt: slope, intercept; beta: of ln p, of -ln(1 - p), intercept
    knots: tuple[tuple[float, ...], tuple[float, ...]] = ((), ())  # isotonic: probabilities, and what they become

    def apply(self, probability: npt.ArrayLike) -> Floats:
        """Calibrated probabilities, shape (rows,)."""
        raw = np.asarray(probability, dtype=np.float64)
        if self.method == "none":
            return raw
        if self.method == "isotonic":
            return np.interp(raw, *self.knots)
        return _logistic(_design(self.method, raw) @ np.asarray(self.weights))

    def as_dict(self) -> dict[str, Any]:
        """As it stands in calibration.json."""
        if self.method == "isotonic":
            return {"method": self.method, "from": list(self.knots[0]), "to": list(self.knots[1])}
        return {"method": self.method, "weights": list(self.weights)}

    @classmethod
    def from_dict(cls, members: Mapping[str, Any]) -> Curve:
        """The inverse of `as_dict`.

        Raises:
            JobError: It makes no sense.
        """
        method = members.get("method")
        try:
            if method == "isotonic":
                knots = tuple(map(float, members["from"])), tuple(map(float, members["to"]))
                if len(knots[0]) == len(knots[1]) > 0 and np.all(np.diff(knots[0]) > 0) and np.all(np.isfinite(knots)):
                    return cls("isotonic", knots=knots)
            elif method in ("platt", "beta", "none"):
                weights = tuple(map(float, members["weights"]))
                if len(weights) == {"platt": 2, "beta": 3, "none": 0}[str(method)] and np.all(np.isfinite(weights)):
                    return cls(str(method), weights)
        except (KeyError, TypeError, ValueError):
            pass
        msg = f"the calibration is damaged: method {method!r}"
        raise JobError(msg)


@dataclass(frozen=True)
class Calibration:
    """The maps of a model: one for two classes; for several one each, and their results are brought to sum 1."""

    curves: tuple[Curve, ...]
    threshold: float | None = None  # of calibrated probabilities; two classes only

    def apply(self, scores: npt.ArrayLike) -> Floats:
        """Calibrated probabilities in the shape of the raw ones: (rows,) or (rows, classes)."""
        raw = np.asarray(scores, dtype=np.float64)
        if raw.ndim == 1:
            return self.curves[0].apply(raw)
        each = np.column_stack([curve.apply(raw[:, code]) for code, curve in enumerate(self.curves)])
        total = each.sum(axis=1, keepdims=True)
        return np.where(total > 0, each / np.where(total > 0, total, 1.0), 1.0 / raw.shape[1])

    def as_dict(self) -> dict[str, Any]:
        """As it stands in calibration.json."""
        threshold = {} if self.threshold is None else {"threshold": self.threshold}
        return {"version": 1, "curves": [curve.as_dict() for curve in self.curves], **threshold}

    @classmethod
    def from_dict(cls, members: Mapping[str, Any], classes: int) -> Calibration:
        """The inverse of `as_dict`.

        Raises:
            JobError: It makes no sense for so many classes.
        """
        curves = tuple(Curve.from_dict(each) for each in members.get("curves", ()))
        if len(curves) != (1 if classes == 2 else classes):
            msg = f"the calibration is damaged: {len(curves)} curves for {classes} classes"
            raise JobError(msg)
        return cls(curves, members.get("threshold"))


def fit(method: str, scores: npt.ArrayLike, actual: npt.ArrayLike) -> Calibration:
    """Learn the maps of a model.

    Args:
        method: One of `METHODS`, or `none` for probabilities as they are.
        scores: Of rows that the model did not learn from, shape (rows,) or (rows, classes).
        actual: The class codes of these rows.
    """
    raw, codes = np.asarray(scores, dtype=np.float64), np.asarray(actual)
    if raw.ndim == 1:
        return Calibration((fit_curve(method, raw, codes == 1),))
    return Calibration(tuple(fit_curve(method, raw[:, code], codes == code) for code in range(raw.shape[1])))


def fit_curve(method: str, probability: Floats, positive: npt.NDArray[np.bool_]) -> Curve:
    """Learn the map of one class."""
    if method == "none":
        return Curve("none")
    if method == "isotonic":
        return Curve("isotonic", knots=_isotonic(probability, positive.astype(np.float64)))
    design, target = _design(method, probability), _smoothed(positive)
    kept = list(range(design.shape[1]))
    while True:
        found = _newton(design[:, kept], target)
        # A negative slope would turn the order round: fitted without it, as the authors of beta calibration do.
        worst = int(np.argmin(found[:-1])) if len(kept) > 1 else -1
        if worst < 0 or found[worst] >= 0:
            break
        del kept[worst]
    weights = np.zeros(design.shape[1])
    weights[kept] = found
    return Curve(method, tuple(weights.tolist()))


def _design(method: str, probability: Floats) -> Floats:
    safe = np.clip(probability, CLOSEST, 1 - CLOSEST)
    logs = np.log(safe), -np.log1p(-safe)
    columns = [logs[0] + logs[1]] if method == "platt" else list(logs)
    return np.column_stack([*columns, np.ones_like(safe)])


def _smoothed(positive: npt.NDArray[np.bool_]) -> Floats:
    """Platt's targets: a little off 0 and 1, so that separable rows have a finite best curve, too."""
    positives = int(positive.sum())
    negatives = len(positive) - positives
    return np.where(positive, (positives + 1) / (positives + 2), 1 / (negatives + 2))


def _newton(design: Floats, target: Floats) -> Floats:
    """Weights with the least log loss; Newton's method, halving steps that go too far."""
    weights = np.zeros(design.shape[1])
    loss = _loss(design, target, weights)
    for _ in range(_STEPS):
        found = _logistic(design @ weights)
        gradient = design.T @ (found - target)
        spread = np.maximum(found * (1 - found), _TOLERANCE)
        hessian = design.T @ (design * spread[:, None])
        step = np.linalg.lstsq(hessian, gradient, rcond=None)[0]
        size = 1.0
        while size > _TOLERANCE and (after := _loss(design, target, weights - size * step)) > loss:
            size /= 2
        if size <= _TOLERANCE:
            break
        weights = weights - size * step
        gained, loss = loss - after, after
        if gained <= _TOLERANCE * max(1.0, abs(loss)) and float(np.abs(gradient).max()) < 1e-9 * len(target):
            break
    return weights


def _loss(design: Floats, target: Floats, weights: Floats) -> float:
    margin = design @ weights
    return float(np.sum(np.logaddexp(0.0, margin) - target * margin))


def _logistic(margin: Floats) -> Floats:
    return np.exp(-np.logaddexp(0.0, -margin))


def _isotonic(probability: Floats, target: Floats) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Knots of the best rising function: equal probabilities are taken together, then falling neighbours are pooled."""
    points, places, counts = np.unique(probability, return_inverse=True, return_counts=True)
    means = np.bincount(places.reshape(-1), weights=target) / counts
    values: list[float] = []
    weights: list[float] = []
    ends: list[int] = []
    for end, (value, weight) in enumerate(zip(means.tolist(), counts.tolist(), strict=True)):
        while values and values[-1] >= value:
            before = weights.pop()
            value = (values.pop() * before + value * weight) / (before + weight)  # noqa: PLW2901  the pool grows
            weight += before  # noqa: PLW2901
            ends.pop()
        values.append(value)
        weights.append(weight)
        ends.append(end)
    starts = [0, *(end + 1 for end in ends[:-1])]
    knots: dict[float, float] = {}
    for start, end, value in zip(starts, ends, values, strict=True):
        knots[float(points[start])] = value
        knots[float(points[end])] = value
    return tuple(knots), tuple(knots.values())
