"""Which column is the label, when nobody said: chosen only where one strong candidate stands alone.

On real tables a cleverer guess is silently wrong too often, so everything else is a question. The standard library is
all that this needs, so that it can be asked at once about a local file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING or __package__:
    from .job import JobError, did_you_mean, quoted
else:  # beside its siblings, as the jobs run it
    from job import JobError, did_you_mean, quoted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SAMPLE_ROWS = 1000  # rows that are enough to tell; the library and the job look at the same ones
# What people call the column to be predicted.
GENERAL_NAMES = frozenset({"label", "target", "y", "class", "outcome", "response", "ground_truth", "dependent"})
# What it is called in the problems that tables are mostly used for.
TOPIC_NAMES = frozenset(
    {
        "attrition", "cancelled", "canceled", "churn", "churned", "clicked", "conversion", "converted", "default",
        "defaulted", "diagnosis", "exited", "fraud", "fraudulent", "is_canceled", "medv", "purchased", "readmitted",
        "sale_price", "saleprice", "species", "subscribed", "survived",
    }
)  # fmt: skip
AFFIXES = re.compile(r"^(is|has|did|will)_|_(flag|label|class|target|indicator|status|value|yn)$")
MANY_TEXTS = 50  # more different texts than this are no class
NUMERIC = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*")


@dataclass(frozen=True)
class Choice:
    """The label, and why."""

    label: str
    reason: str


@dataclass(frozen=True)
class Ask:
    """No label could be told; `question` is what to ask the user."""

    candidates: tuple[str, ...]
    question: str


def choose_label(columns: Sequence[str], sample: Mapping[str, Sequence[object]]) -> Choice | Ask:
    """The one column that is named and shaped like a label, or a question.

    Args:
        columns: Every column name, in order.
        sample: The first values of each column, as text or typed; None where missing.
    """
    strong = [name for name in columns if is_well_known(name, columns) and is_plausible(sample.get(name, ()))]
    if len(strong) == 1:
        return Choice(strong[0], "the only column that is named and shaped like a label")
    binary = [name for name in columns if len({str(value) for value in sample.get(name, ()) if value is not None}) == 2]
    last = [name for name in columns[-1:] if is_plausible(sample.get(name, ()))]
    candidates = tuple(dict.fromkeys(strong or [*last, *binary]))[:8]
    why = f"{len(strong)} columns are named like one" if strong else "no column is named like one"
    listed = f" Candidates: {quoted(candidates)}." if candidates else f" Columns: {quoted(columns)}."
    example = candidates[0] if candidates else columns[-1] if columns else "churn"
    return Ask(candidates, f"cannot tell which column is the label: {why}.{listed} Say which, as in label={example!r}.")


def check_label(label: str, columns: Sequence[str]) -> None:
    """Refuse a label that is not among the columns."""
    if label not in columns:
        msg = f"there is no column {label!r} to be the label.{did_you_mean(label, columns)} Columns: {quoted(columns)}."
        raise JobError(msg)


def is_well_known(name: str, columns: Sequence[str]) -> bool:
    """Whether a column has one of the usual names of labels, in any spelling."""
    words = _normal(name)
    if words == "y" and "x" in {_normal(other) for other in columns}:
        return False  # a coordinate
    return any(word in GENERAL_NAMES or word in TOPIC_NAMES for word in (words, AFFIXES.sub("", words)))


def is_plausible(values: Sequence[object]) -> bool:
    """Whether values vary and are either numbers or few different texts."""
    present = [value for value in values if value is not None]
    distinct = {str(value) for value in present}
    if len(distinct) < 2:
        return False
    if all(NUMERIC.fullmatch(text) for text in distinct):
        return True
    return len(distinct) <= MANY_TEXTS and len(distinct) <= max(2, len(present) // 2)


def _normal(name: str) -> str:
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.strip())
    return re.sub(r"[^a-z0-9]+", "_", spaced.lower()).strip("_")
