"""A trained model on disk: what lies in `model.tar.gz`, and how it scores rows. JSON and UBJSON, never pickle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import xgboost

if TYPE_CHECKING or __package__:
    from .job import JobError, read_json
    from .preprocessing import Preprocessing
    from .tasks import Target
else:  # beside its siblings, as the jobs run it
    from job import JobError, read_json
    from preprocessing import Preprocessing
    from tasks import Target

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

BOOSTER = "xgboost-model.ubj"
MODEL = "model.json"
PREPROCESSING = "preprocessing.json"


@dataclass(frozen=True)
class Model:
    """A booster and what its numbers mean."""

    booster: xgboost.Booster
    target: Target
    names: tuple[str, ...]  # of the features
    types: tuple[str, ...]
    threshold: float | None  # at or above it the positive class is predicted; binary only
    preprocessing: Preprocessing | None

    def scores(self, features: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """What the model says of preprocessed rows.

        Returns:
            Probability of the positive class, shape (rows,); of every class, shape (rows, classes); or the value.
        """
        if not len(features):
            several = self.target.task == "multiclass"
            return np.empty((0, len(self.target.classes)) if several else (0,), dtype=np.float32)
        rows = xgboost.DMatrix(
            features, feature_names=list(self.names), feature_types=list(self.types), enable_categorical=True
        )
        return np.asarray(self.booster.predict(rows), dtype=np.float32)

    def decisions(self, scores: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
        """The predicted class of each row as a position in `target.classes`; not for regression."""
        if self.target.task == "multiclass":
            return np.asarray(scores.argmax(axis=1), dtype=np.int64)
        return (scores.astype(np.float64) >= (self.threshold or 0.0)).astype(np.int64)

    def predictions(self, scores: npt.NDArray[np.float32]) -> list[Any]:
        """The predicted class, or value, of each row."""
        if self.target.task == "regression":
            return [float(score) for score in scores]
        return [self.target.classes[code] for code in self.decisions(scores)]


def load(folder: Path) -> Model:
    """Read a model that `train` wrote.

    Raises:
        JobError: The folder holds none, or it is damaged.
    """
    facts = read_json(folder / MODEL)
    booster = xgboost.Booster()
    try:
        booster.load_model(folder / BOOSTER)
        names, types, threshold = tuple(facts["features"]), tuple(facts["feature_types"]), facts.get("threshold")
    except (xgboost.core.XGBoostError, OSError, KeyError) as fault:
        msg = f"the model in {folder} is damaged: {str(fault).splitlines()[0]}"
        raise JobError(msg) from None
    file = folder / PREPROCESSING
    preprocessing = Preprocessing.from_json(file.read_text(encoding="utf-8")) if file.is_file() else None
    return Model(booster, Target.from_dict(facts), names, types, threshold, preprocessing)
