"""How alike two logical names are, and how far to trust a wiring.

Confidence = 0.5 · type + 0.4 · similarity of names + 0.1 · keywords, each from 0 to 1.
"""

from __future__ import annotations

import difflib
import functools
from collections.abc import Iterable

TYPE_WEIGHT, NAME_WEIGHT, KEYWORD_WEIGHT = 0.5, 0.4, 0.1

# Words that people use for one thing in names of inputs and outputs. Roles (train, validation, test) are never merged.
_SAME_WORD = {
    "training": "train", "trained": "train", "trainset": "train",
    "valid": "validation", "val": "validation", "dev": "validation",
    "testing": "test", "holdout": "test",
    "dataset": "data", "rows": "data", "records": "data", "table": "data",
    "artifact": "artifacts", "models": "model",
    "preprocessed": "preprocessing", "preprocessor": "preprocessing", "preprocess": "preprocessing",
    "evaluated": "evaluation", "eval": "evaluation",
    "metric": "metrics", "reports": "report", "prediction": "predictions", "scores": "predictions",
    "hyperparams": "hyperparameters", "hyperparameter": "hyperparameters", "params": "hyperparameters",
    "calibrated": "calibration", "calibrate": "calibration",
}  # fmt: skip
_ROLES = frozenset({"train", "validation", "test", "calibration"})


@functools.lru_cache(maxsize=4096)
def words(name: str) -> frozenset[str]:
    """The words of a logical name, each in its usual form: `Training_Dataset` has `train` and `data`."""
    return frozenset(_SAME_WORD.get(word, word) for word in name.lower().replace("-", "_").split("_") if word)


@functools.lru_cache(maxsize=65536)
def name_similarity(one: str, other: str) -> float:
    """How alike two logical names are, from 0 to 1; symmetric, and 1 for names of the same words.

    Shared words count most, spelling less. Names that stand for different roles (`train_data` and `test_data`) are not alike
    at all, however many letters they share.
    """
    left, right = words(one), words(other)
    if left == right:
        return 1.0
    if left & _ROLES and right & _ROLES and not left & right & _ROLES:
        return 0.0
    shared = 2 * len(left & right) / (len(left) + len(right)) if left and right else 0.0
    low, high = sorted((one.lower(), other.lower()))  # SequenceMatcher depends on the order of its arguments
    spelling = difflib.SequenceMatcher(None, low, high, autojunk=False).ratio()
    return round(min(0.95, 0.75 * shared + 0.25 * spelling), 4)


def best_similarity(names: Iterable[str], others: Iterable[str]) -> float:
    """The similarity of the two most alike names of two sets of aliases."""
    rest = tuple(others)
    return max((name_similarity(one, other) for one in names for other in rest), default=0.0)


def keyword_share(keywords: Iterable[str], names: Iterable[str]) -> float:
    """The share of an input's keywords that occur in the names of an output, from 0 to 1."""
    wanted = frozenset().union(*(words(keyword) for keyword in keywords))
    found = frozenset().union(*(words(name) for name in names))
    return round(len(wanted & found) / len(wanted), 4) if wanted else 0.0


def confidence(type_score: float, name_score: float, keyword_score: float) -> float:
    """The weighted sum of the three scores, from 0 to 1."""
    return round(TYPE_WEIGHT * type_score + NAME_WEIGHT * name_score + KEYWORD_WEIGHT * keyword_score, 4)
