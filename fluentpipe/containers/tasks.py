"""What there is to predict: the task, its classes, which of two is the positive one, and labels as numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING or __package__:
    from . import values
    from .job import JobError, quoted
else:  # beside its siblings, as the jobs run it
    import values
    from job import JobError, quoted

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

TASKS = ("binary", "multiclass", "regression")
MOST_CLASSES = 1000
MOST_INTEGER_CLASSES = 20  # more different whole numbers than this are an amount, not a class
AFFIRMATIVE = frozenset({"yes", "y", "true", "t", "1", "positive", "pos", "present", "churned", "fraud", "bad"})


@dataclass(frozen=True)
class Target:
    """The label, and how its values become the numbers that are learned.

    For classes the number is the position in `classes`; of two classes the second is the positive one. For regression it
    is the value.
    """

    label: str
    task: str
    classes: tuple[Any, ...] = ()  # as they are in the data: text, integers or truth values
    reason: str = ""

    @property
    def positive_class(self) -> Any:
        """The class whose probability a binary model gives; None for other tasks."""
        return self.classes[1] if self.task == "binary" else None

    def numbers(self, column: pa.ChunkedArray) -> npt.NDArray[np.float64]:
        """Labels as numbers, NaN where one is missing or no known class."""
        if self.task == "regression":
            return values.numbers(column)
        known = pa.array([class_text(value) for value in self.classes], pa.string())
        codes = pc.index_in(values.texts(column), value_set=known)
        return np.array(codes.cast(pa.float64()).to_numpy(), dtype=np.float64)

    def as_dict(self) -> dict[str, Any]:
        """The members that schemas and models carry."""
        return {
            "label": self.label,
            "label_reason": self.reason,
            "task": self.task,
            "classes": list(self.classes),
            "positive_class": self.positive_class,
        }

    @classmethod
    def from_dict(cls, members: Mapping[str, Any]) -> Target:
        """The inverse of `as_dict`; other members are passed over.

        Raises:
            JobError: A member is missing or makes no sense.
        """
        try:
            target = cls(members["label"], members["task"], tuple(members["classes"]), members.get("label_reason", ""))
        except (KeyError, TypeError) as fault:
            msg = f"the description of the label is damaged: {fault}"
            raise JobError(msg) from None
        if target.task not in TASKS or (target.task == "binary" and len(target.classes) != 2):
            msg = f"the description of the label is damaged: task {target.task!r} with {len(target.classes)} classes"
            raise JobError(msg)
        return target


def class_text(value: Any) -> str:
    """A class as the text by which its rows are found."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def find_target(column: pa.ChunkedArray, label: str, task: str = "auto", reason: str = "") -> Target:
    """What is to be predicted from the values of the label.

    Args:
        column: The labels, missing ones among them or not.
        label: Name of the column.
        task: One of `TASKS`, or `auto`: two values are binary; other texts, and at most 20 different whole numbers, are
            classes; everything else is a number to be estimated.
        reason: Why this is the label.

    Raises:
        JobError: The values do not allow the task.
    """
    present = column.drop_null()
    distinct = pc.unique(present)
    if len(distinct) < 2:
        what = "no values" if not len(distinct) else f"only one value, {distinct[0].as_py()!r}"
        msg = f"the label {label!r} has {what}: there is nothing to learn"
        raise JobError(msg)
    if pa.types.is_timestamp(column.type):
        msg = f"the label {label!r} holds dates; a label is a class or a number"
        raise JobError(msg)
    chosen = _infer_task(distinct) if task == "auto" else task
    if chosen == "regression":
        _check_numeric(present, label)
        return Target(label, chosen, (), reason)
    classes = _classes(present, distinct, label, chosen)
    return Target(label, chosen, classes, reason)


def _is_whole(distinct: pa.Array) -> bool:
    if pa.types.is_integer(distinct.type):
        return True
    return pa.types.is_floating(distinct.type) and bool(pc.all(pc.equal(pc.round(distinct), distinct)).as_py())


def _infer_task(distinct: pa.Array) -> str:
    if len(distinct) == 2:
        return "binary"
    is_number = pa.types.is_integer(distinct.type) or pa.types.is_floating(distinct.type)
    if not is_number or (_is_whole(distinct) and len(distinct) <= MOST_INTEGER_CLASSES):
        return "multiclass"
    return "regression"


def _check_numeric(present: pa.ChunkedArray, label: str) -> None:
    found = values.numbers(present)
    if np.isnan(found).any():
        wrong = present[int(np.flatnonzero(np.isnan(found))[0])].as_py()
        msg = f"the label {label!r} holds {wrong!r}, which is no finite number; regression needs numbers"
        raise JobError(msg)


def _classes(present: pa.ChunkedArray, distinct: pa.Array, label: str, task: str) -> tuple[Any, ...]:
    if task == "binary" and len(distinct) != 2:
        shown = quoted(sorted(map(str, distinct.to_pylist())), 5)
        msg = f"the label {label!r} has {len(distinct)} different values ({shown}); a binary task needs two"
        raise JobError(msg)
    if len(distinct) > MOST_CLASSES or (len(distinct) > 20 and len(distinct) > len(present) / 2):
        msg = f"the label {label!r} has {len(distinct)} different values in {len(present)} rows: too many for classes"
        raise JobError(msg)
    found = distinct.to_pylist()
    if _is_whole(distinct):
        found = [int(value) for value in found]
    found = sorted(found)
    return tuple(found if task == "multiclass" else _positive_last(present, found))


def _positive_last(present: pa.ChunkedArray, pair: list[Any]) -> list[Any]:
    """The affirmative of two classes last, or, where neither or both are, the rarer one."""
    affirmative = [class_text(value).strip().lower() in AFFIRMATIVE for value in pair]
    if affirmative[0] != affirmative[1]:
        return pair if affirmative[1] else pair[::-1]
    counts = [int(pc.sum(pc.equal(values.texts(present), class_text(value))).as_py()) for value in pair]
    return pair if counts[1] <= counts[0] else pair[::-1]
