"""How likely chance alone is to show a difference: tails of distributions, and the correction for asking often."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_TERMS = 100  # of the alternating series; from the third on they vanish where it is used
_PRECISE = 1e-15
_ITERATIONS = 10_000


def kolmogorov(distance: float, first: float, second: float) -> float:
    """The p-value of a two-sample Kolmogorov-Smirnov distance, by its limiting distribution.

    Ties and small samples make it larger than the exact one, never smaller by much: a test that errs, errs on the silent side.

    Args:
        distance: The largest difference of the two distribution functions, 0 to 1.
        first: Rows of one sample.
        second: Rows of the other.
    """
    if not first or not second:
        return 1.0
    root = math.sqrt(first * second / (first + second))
    scaled = root * distance
    if scaled < 0.2:  # where the series converges slowly, the chance is 1 to twelve digits
        return 1.0
    total = sum((1.0 if term % 2 else -1.0) * math.exp(-2.0 * (term * scaled) ** 2) for term in range(1, _TERMS))
    return min(max(2.0 * total, 0.0), 1.0)


def chi_square(statistic: float, freedom: int) -> float:
    """The chance of a chi-square value at least as large; 1 without degrees of freedom."""
    if freedom < 1 or statistic < _PRECISE**2:  # no logarithm of nothing
        return 1.0
    return _upper_gamma(freedom / 2, statistic / 2)


def negative_binomial(count: int, successes: float, share: float) -> float:
    """The chance of at least `count` failures before `successes` successes, each trial failing with chance `share`."""
    if count <= 0:
        return 1.0
    below = 0.0
    mean = successes * share / (1.0 - share)
    for failures in range(count):
        chance = math.exp(
            math.lgamma(failures + successes)
            - math.lgamma(successes)
            - math.lgamma(failures + 1)
            + successes * math.log1p(-share)
            + failures * math.log(share)
        )
        below += chance
        if failures > mean and chance < _PRECISE**2:  # all that is left is nothing, however many rows there are
            break
    return min(max(1.0 - below, 0.0), 1.0)


def holm(chances: Sequence[float]) -> list[float]:
    """P-values corrected for their number (Holm 1979), in the order given.

    Whatever the dependence between the tests, the chance that any true null hypothesis is rejected stays at most the level.
    """
    order = sorted(range(len(chances)), key=lambda place: chances[place])
    corrected = [1.0] * len(chances)
    largest = 0.0
    for rank, place in enumerate(order):
        largest = max(largest, min(chances[place] * (len(chances) - rank), 1.0))
        corrected[place] = largest
    return corrected


def _upper_gamma(shape: float, value: float) -> float:
    """The regularized upper incomplete gamma function: a series below the mean, a continued fraction (Lentz) above."""
    front = math.exp(-value + shape * math.log(value) - math.lgamma(shape))
    if value < shape + 1:
        term = total = 1.0 / shape
        for step in range(1, _ITERATIONS):
            term *= value / (shape + step)
            total += term
            if term < total * _PRECISE:
                break
        return min(max(1.0 - total * front, 0.0), 1.0)
    tiny = 1e-300
    below = value + 1.0 - shape
    ratio, inverse = 1.0 / tiny, 1.0 / below
    found = inverse
    for step in range(1, _ITERATIONS):
        factor = -step * (step - shape)
        below += 2.0
        inverse = 1.0 / _apart(factor * inverse + below, tiny)
        ratio = _apart(below + factor / ratio, tiny)
        found *= ratio * inverse
        if abs(ratio * inverse - 1.0) < _PRECISE:
            break
    return min(max(front * found, 0.0), 1.0)


def _apart(value: float, tiny: float) -> float:
    return tiny if abs(value) < tiny else value
