"""Any estimator of scikit-learn, by its import path: made for preprocessed rows, kept, and read again.

A fitted estimator is kept as a pickle, as scikit-learn has no other form for all of them. It is read by an unpickler that makes
objects of scikit-learn, NumPy and SciPy, and of the package that the reader names, and calls nothing else: a model
archive is data, and must not run what somebody put into it.
"""

from __future__ import annotations

import importlib
import inspect
import io
import pickle
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING or __package__:
    from .job import JobError, did_you_mean
else:  # beside its siblings, as the jobs run it
    from job import JobError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy.typing as npt

DEFAULTS = {
    "binary": "sklearn.ensemble.HistGradientBoostingClassifier",
    "multiclass": "sklearn.ensemble.HistGradientBoostingClassifier",
    "regression": "sklearn.ensemble.HistGradientBoostingRegressor",
}
PACKAGES = ("sklearn", "numpy", "scipy")
# What puts objects of NumPy, Python and scikit-learn together, or is held by them, and is no class of theirs.
FUNCTIONS = frozenset((
    "numpy._core.multiarray._reconstruct", "numpy.core.multiarray._reconstruct", "numpy._core.multiarray.scalar",
    "numpy.core.multiarray.scalar", "numpy._core.numeric._frombuffer", "numpy.core.numeric._frombuffer",
    "numpy.random._pickle.__randomstate_ctor", "numpy.random._pickle.__bit_generator_ctor",
    "numpy.random._pickle.__generator_ctor", "copyreg._reconstructor",
    "collections.OrderedDict", "collections.defaultdict", "functools.partial", "sklearn.utils.validation.check_array",
))  # fmt: skip
BUILTINS = frozenset(
    (
        "object",
        "set",
        "frozenset",
        "slice",
        "complex",
        "bytearray",
        "int",
        "float",
        "bool",
        "str",
        "list",
        "dict",
        "tuple",
    )
)
_OF_CYTHON = "__pyx_unpickle_"  # by which compiled classes are put together


def build(path: str, task: str, parameters: Mapping[str, Any], types: Sequence[str], seed: int) -> Any:
    """An estimator that takes preprocessed rows: categories as codes, missing values as NaN.

    Gradient boosting by histograms takes them as they are. For all others numbers are imputed by the median and scaled, and
    categories become one column each.

    Args:
        path: Such as `sklearn.linear_model.LogisticRegression`; empty for the default of the task.
        task: binary, multiclass or regression.
        parameters: Of the estimator.
        types: Of the columns: `q` for numbers, `c` for categories.
        seed: For estimators that take `random_state`.

    Raises:
        JobError: There is no such estimator, it does not fit the task, or a parameter is none of its own.
    """
    made = _class(path or DEFAULTS[task])
    known = inspect.signature(made).parameters
    given = {**({"random_state": seed} if "random_state" in known else {}), **parameters}
    takes_any = any(each.kind is each.VAR_KEYWORD for each in known.values())
    wrong = [name for name in given if name not in known and not takes_any]
    if wrong:
        msg = f"{made.__name__} has no parameter {wrong[0]!r}.{did_you_mean(wrong[0], known)}"
        raise JobError(msg)
    is_histogram = made.__name__.startswith("HistGradientBoosting")
    if is_histogram:
        given.setdefault("categorical_features", [kind == "c" for kind in types])
    estimator = made(**given)
    _check_task(estimator, made.__name__, task)
    return estimator if is_histogram else _with_columns(estimator, types)


def _class(path: str) -> Any:
    module, _, name = path.rpartition(".")
    try:
        home = importlib.import_module(module)
    except (ImportError, ValueError) as fault:
        msg = f"there is no estimator {path!r}: {fault}; write it as sklearn.linear_model.LogisticRegression"
        raise JobError(msg) from None
    if not hasattr(home, name):
        msg = f"there is no estimator {path!r}: {module} has no {name!r}.{did_you_mean(name, dir(home))}"
        raise JobError(msg)
    found = getattr(home, name)
    if not inspect.isclass(found) or not hasattr(found, "fit") or not hasattr(found, "predict"):
        msg = f"{path!r} is no estimator: it is no class with fit and predict"
        raise JobError(msg)
    return found


def _check_task(estimator: Any, name: str, task: str) -> None:
    from sklearn.base import is_classifier

    if is_classifier(estimator) == (task == "regression"):
        msg = f"{name} does not fit the task {task!r}; take a {'regressor' if task == 'regression' else 'classifier'}"
        raise JobError(msg)
    if task != "regression" and not hasattr(estimator, "predict_proba"):
        msg = f"{name} gives no probabilities (predict_proba) with these parameters"
        raise JobError(msg)


def _with_columns(estimator: Any, types: Sequence[str]) -> Any:
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    numbers = [place for place, kind in enumerate(types) if kind != "c"]
    categories = [place for place, kind in enumerate(types) if kind == "c"]
    parts = [
        ("numbers", make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler()), numbers),
        ("categories", make_pipeline(SimpleImputer(strategy="constant", fill_value=-1), OneHotEncoder(handle_unknown="ignore")), categories),
    ]  # fmt: skip
    return make_pipeline(ColumnTransformer([part for part in parts if part[2]]), estimator)


def scores(estimator: Any, features: npt.NDArray[np.float32], task: str, classes: int) -> npt.NDArray[np.float64]:
    """What an estimator says of rows.

    Returns:
        Probability of the positive class, shape (rows,); of every class, shape (rows, classes); or the value.
    """
    if task == "regression":
        return np.asarray(estimator.predict(features), dtype=np.float64).reshape(-1)
    found = np.zeros((len(features), classes))
    found[:, np.asarray(estimator.classes_, dtype=np.int64)] = estimator.predict_proba(features)
    return found[:, 1] if task == "binary" else found


def save(estimator: Any, file: Path) -> None:
    """Keep an estimator.

    Raises:
        JobError: What it holds could not be read again.
    """
    content = pickle.dumps(estimator, protocol=5)
    file.write_bytes(content)
    load(file, (type(_last(estimator)).__module__.partition(".")[0],))


def _last(estimator: Any) -> Any:
    return estimator.steps[-1][1] if hasattr(estimator, "steps") else estimator


def load(file: Path, packages: Sequence[str] = ()) -> Any:
    """Read an estimator.

    Args:
        file: That `save` wrote.
        packages: Whose classes may be in it, beside those of scikit-learn, NumPy and SciPy.

    Raises:
        JobError: It is damaged, of another version of scikit-learn, or would make or call something else.
    """
    from sklearn.exceptions import InconsistentVersionWarning

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", InconsistentVersionWarning)
            return _Reader(io.BytesIO(file.read_bytes()), (*PACKAGES, *packages)).load()
    except InconsistentVersionWarning as fault:
        msg = f"the model was made by scikit-learn {fault.original_sklearn_version}, here is {fault.current_sklearn_version}"
        raise JobError(msg) from None
    except (pickle.UnpicklingError, EOFError, AttributeError, ImportError, IndexError, TypeError, ValueError) as fault:
        msg = f"{file.name} cannot be read: {fault}"
        raise JobError(msg) from None


class _Reader(pickle.Unpickler):
    """An unpickler that makes objects of a few packages only."""

    def __init__(self, content: io.BytesIO, packages: Sequence[str]) -> None:
        super().__init__(content)
        self._packages = frozenset(packages)

    def find_class(self, module: str, name: str) -> Any:
        """A class of these packages, or one of the functions that put their objects together."""
        path, package = f"{module}.{name}", module.partition(".")[0]
        if path in FUNCTIONS or (module == "builtins" and name in BUILTINS):
            return super().find_class(module, name)
        if "." not in name and package in self._packages:
            found = super().find_class(module, name)
            if inspect.isclass(found) or (package in PACKAGES and name.startswith(_OF_CYTHON)) or _is_ufunc(found):
                return found
        msg = f"it holds {path}, which is no class of {', '.join(sorted(self._packages))}"
        raise pickle.UnpicklingError(msg)


def _is_ufunc(found: Any) -> bool:
    return isinstance(found, np.ufunc)
