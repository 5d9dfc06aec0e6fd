"""Work on several columns at once, on the cores that this job may use."""

from __future__ import annotations

import contextlib
import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

A = TypeVar("A")
B = TypeVar("B")


def count() -> int:
    """The cores of this job: OMP_NUM_THREADS where it is a number, as the runner divides them so, else all."""
    said = os.environ.get("OMP_NUM_THREADS", "")
    return max(int(said), 1) if said.isdecimal() else os.cpu_count() or 1


def in_parallel(call: Callable[[A], B], over: Iterable[A]) -> list[B]:
    """The results of calls, in order; of use where the calls spend their time in NumPy or Arrow."""
    if count() == 1:
        return [call(each) for each in over]
    with ThreadPoolExecutor(count()) as pool:
        return list(pool.map(call, over))


@contextlib.contextmanager
def beside(call: Callable[[], B]) -> Iterator[Callable[[], B]]:
    """Let a call go on beside the block, where there is a core for it; the function that is given waits for its result."""
    if count() == 1:
        yield call
        return
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(call).result
