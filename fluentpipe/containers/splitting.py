"""Which rows are for learning, which for stopping, which for the final examination."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING or __package__:
    from .job import JobError
else:  # beside its siblings, as the jobs run it
    from job import JobError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

TRAIN, VALIDATION, TEST = 0, 1, 2
SPLITS = ("train", "validation", "test")


def split_sizes(rows: int, validation: float, test: float) -> tuple[int, int, int]:
    """Rows of each split: `test` is a share of all rows, `validation` one of the rows that are left.

    Raises:
        JobError: A share that is no share, or too few rows for what was asked.
    """
    for name, share in (("validation", validation), ("test", test)):
        if not 0 <= share < 1:
            msg = f"the {name} split is {share}; it is a share of the rows, at least 0 and below 1"
            raise JobError(msg)
    tests = max(round(rows * test), 1) if test else 0
    validations = max(round((rows - tests) * validation), 1) if validation else 0
    if rows - tests - validations < 1:
        msg = (
            f"{rows} rows are too few to split into training rows, {validations} for validation and {tests} for testing"
        )
        raise JobError(msg)
    return rows - tests - validations, validations, tests


def split_by_time(times: npt.NDArray[np.float64], validation: float, test: float) -> npt.NDArray[np.int8]:
    """The latest rows are test rows, the latest of the others validation rows; rows without a time are early."""
    train, validations, tests = split_sizes(len(times), validation, test)
    order = np.argsort(np.where(np.isnan(times), -np.inf, times), kind="stable")
    parts = np.empty(len(times), dtype=np.int8)
    parts[order] = np.repeat(np.array([TRAIN, VALIDATION, TEST], dtype=np.int8), [train, validations, tests])
    return parts


def split_randomly(
    rows: int, codes: npt.NDArray[np.int64] | None, validation: float, test: float, seed: int
) -> npt.NDArray[np.int8]:
    """A split by chance; with class codes each class is shared out in proportion (stratified).

    Every class keeps a training row, and reaches the other splits as soon as it has a row for each. The same seed
    gives the same split with every version of numpy: the stream of `RandomState` is frozen.
    """
    sizes = split_sizes(rows, validation, test)
    random = np.random.RandomState(seed % 2**32)
    parts = np.zeros(rows, dtype=np.int8)
    if codes is None:
        order = random.permutation(rows)
        parts[order[: sizes[TEST]]] = TEST
        parts[order[sizes[TEST] : sizes[TEST] + sizes[VALIDATION]]] = VALIDATION
        return parts
    counts = np.bincount(codes)
    tests = _shares(counts, sizes[TEST], counts - 1 - (counts > 1) * (sizes[VALIDATION] > 0))
    validations = _shares(counts - tests, sizes[VALIDATION], counts - tests - 1)
    for code in range(len(counts)):
        mine = random.permutation(np.flatnonzero(codes == code))
        parts[mine[: tests[code]]] = TEST
        parts[mine[tests[code] : tests[code] + validations[code]]] = VALIDATION
    if any(size and not np.any(parts == part) for part, size in enumerate(sizes)):
        msg = f"the classes have too few rows to split ({_counted(counts)}); give more rows, or a split of 0"
        raise JobError(msg)
    return parts


def _shares(counts: npt.NDArray[np.int64], total: int, most: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """`total` rows shared out over classes in proportion (largest remainders), at least 1 and at most `most` of each."""
    if not total:
        return np.zeros_like(counts)
    exact = counts * (total / max(int(counts.sum()), 1))
    shares = np.floor(exact).astype(np.int64)
    rest = total - int(shares.sum())
    by_remainder = np.argsort(-(exact - shares), kind="stable")
    shares[by_remainder[:rest]] += 1
    shares = np.maximum(shares, counts > 0)
    return np.asarray(np.clip(shares, 0, np.maximum(most, 0)), dtype=np.int64)


def _counted(counts: Sequence[int] | npt.NDArray[np.int64]) -> str:
    return ", ".join(str(int(count)) for count in counts[:10])


def folds(rows: int, codes: npt.NDArray[np.int64] | None, count: int, seed: int) -> npt.NDArray[np.int64]:
    """The fold of each row, from 0; with class codes every class is dealt out evenly."""
    order = np.random.RandomState(seed % 2**32).permutation(rows)
    if codes is not None:
        order = order[np.argsort(codes[order], kind="stable")]
    places = np.empty(rows, dtype=np.int64)
    places[order] = np.arange(rows) % count
    return places
