"""A trained model on disk: what lies in `model.tar.gz`, and how it scores rows.

Trees of XGBoost are UBJSON, those of LightGBM its text, everything else JSON; an estimator of scikit-learn has no other form
than a pickle, and is read with care.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING or __package__:
    from .calibration import Calibration
    from .job import JobError, read_json, without_pandas
    from .preprocessing import Preprocessing
    from .tasks import Target
else:  # beside its siblings, as the jobs run it
    from calibration import Calibration
    from job import JobError, read_json, without_pandas
    from preprocessing import Preprocessing
    from tasks import Target

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt
    import xgboost

BOOSTER = "xgboost-model.ubj"
ESTIMATOR = "estimator.pickle"
LIGHTGBM = "lightgbm-model.txt"
MODEL = "model.json"
PREPROCESSING = "preprocessing.json"
CALIBRATION = "calibration.json"
HELD_OUT = "held_out.parquet"  # scores of rows that the model, or that member of it, did not learn from


@dataclass(frozen=True)
class Model:
    """A booster of XGBoost, or what another engine trained, and what its numbers mean."""

    booster: xgboost.Booster | None
    target: Target
    names: tuple[str, ...]  # of the features
    types: tuple[str, ...]
    threshold: float | None  # at or above it the positive class is predicted; binary only
    preprocessing: Preprocessing | None
    calibration: Calibration | None = None
    estimator: Any = None
    engine: str = "xgboost"

    def scores(self, features: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """What the model says of preprocessed rows, calibrated if it is.

        Returns:
            Probability of the positive class, shape (rows,); of every class, shape (rows, classes); or the value.
        """
        if not len(features):
            several = self.target.task == "multiclass"
            return np.empty((0, len(self.target.classes)) if several else (0,), dtype=np.float32)
        raw = self._raw_scores(features)
        return raw if self.calibration is None else self.calibration.apply(raw).astype(np.float32)

    def _raw_scores(self, features: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        if self.booster is None:
            engine, _ = _engine(self.engine)
            found = engine.scores(self.estimator, features, self.target.task, len(self.target.classes))
            return np.asarray(found, dtype=np.float32)
        import xgboost

        with without_pandas():
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
    try:
        names, types, threshold = tuple(facts["features"]), tuple(facts["feature_types"]), facts.get("threshold")
    except KeyError as fault:
        msg = f"the model in {folder} is damaged: {fault}"
        raise JobError(msg) from None
    engine = str(facts.get("engine", "xgboost"))
    booster, estimator = (_booster(folder), None) if engine == "xgboost" else (None, _estimator(folder, engine))
    file = folder / PREPROCESSING
    preprocessing = Preprocessing.from_json(file.read_text(encoding="utf-8")) if file.is_file() else None
    target, calibration = Target.from_dict(facts), None
    if (folder / CALIBRATION).is_file():
        calibration = Calibration.from_dict(read_json(folder / CALIBRATION), len(target.classes))
        threshold = calibration.threshold
    return Model(booster, target, names, types, threshold, preprocessing, calibration, estimator, engine)


def _booster(folder: Path) -> xgboost.Booster:
    import xgboost

    booster = xgboost.Booster()
    try:
        booster.load_model(folder / BOOSTER)
    except (xgboost.core.XGBoostError, OSError) as fault:
        msg = f"the model in {folder} is damaged: {str(fault).splitlines()[0]}"
        raise JobError(msg) from None
    return booster


def _estimator(folder: Path, engine: str) -> Any:
    module, file = _engine(engine)
    return module.load(folder / file)


def _engine(name: str) -> tuple[Any, str]:
    """The module that reads the models of an engine, and the file that it reads; most images lack what another one needs."""
    if name == "sklearn":
        if TYPE_CHECKING or __package__:
            from . import estimators
        else:  # beside its siblings, as the jobs run it
            import estimators
        return estimators, ESTIMATOR
    if name == "lightgbm":
        if TYPE_CHECKING or __package__:
            from . import lightgbm_model
        else:  # ditto
            import lightgbm_model
        return lightgbm_model, LIGHTGBM
    msg = f"the model was trained by {name!r}, which this program does not know"
    raise JobError(msg)
