"""A model behind the functions that SageMaker's XGBoost and scikit-learn images call, without the server around them.

Script mode calls `model_fn`, `input_fn`, `predict_fn`, `output_fn` (or `transform_fn`) of the script, and what the images have in
place of those that it lacks; algorithm mode, of XGBoost alone, reads the model file itself. As in the images' sources:
aws/sagemaker-xgboost-container (`handler_service.py`, `algorithm_mode/serve.py`), aws/sagemaker-inference-toolkit
(`transformer.py`), aws/sagemaker-scikit-learn-container (`serving.py`).
"""

from __future__ import annotations

import csv
import importlib
import io
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING or __package__:
    from .channel_tables import UserError
else:  # run beside its siblings
    from channel_tables import UserError

Server = Callable[[bytes], bytes]
_AS_TEXT = ("text/csv", "application/json")  # given to a script as text; whatever else, as bytes
_DELIMITERS = ",;\t|"


def script_server(framework: str, program: str, code: Path, model_dir: Path, content_type: str, accept: str) -> Server:
    """The answers of a model with a script.

    Args:
        framework: `xgboost` or `sklearn`.
        program: Name of the script in the folder of the code.
        code: That folder.
        model_dir: The unpacked model.
        content_type: Of the requests.
        accept: Content type that is asked for.

    Raises:
        UserError: The script is not there, or has no `model_fn`.
    """
    module = _module(program, code)
    if not hasattr(module, "model_fn"):
        raise UserError(f"{program} has no model_fn(model_dir), which the image calls to load the model")
    model = module.model_fn(str(model_dir))
    whole = getattr(module, "transform_fn", None)
    read = getattr(module, "input_fn", None) or _input_of(framework)
    predict = getattr(module, "predict_fn", None) or _predict_of(framework)
    write = getattr(module, "output_fn", None) or _encoded

    def answer(body: bytes) -> bytes:
        given: Any = body.decode("utf-8") if content_type.partition(";")[0].strip().lower() in _AS_TEXT else body
        if whole is not None:
            return _bytes(whole(model, given, content_type, accept))
        return _bytes(write(predict(read(given, content_type), model), accept))

    return answer


def algorithm_server(model_dir: Path, content_type: str) -> Server:
    """The answers of the algorithm inside the XGBoost image: a line for each row.

    Raises:
        UserError: There is not one model file, or the content type is not read.
    """
    import xgboost

    kind = content_type.partition(";")[0].strip().lower()
    if kind not in ("text/csv", "csv"):
        raise UserError(f"content type {content_type!r} is not read here by the algorithm; text/csv is")
    files = [file for file in sorted(model_dir.iterdir()) if file.is_file() and not file.name.startswith(".")]
    named = [file for file in files if file.name == "xgboost-model"] or files
    if len(named) != 1:
        raise UserError(f"the model has {len(files)} files where the algorithm takes one: xgboost-model")
    booster = xgboost.Booster()
    try:
        booster.load_model(named[0])
    except xgboost.core.XGBoostError as error:
        raise UserError(
            f"{named[0].name} is no model that XGBoost saved ({str(error).splitlines()[0]}); a pickle is not read here"
        ) from error
    best = booster.attributes().get("best_iteration")
    rounds = (0, int(best) + 1) if best is not None else (0, 0)

    def answer(body: bytes) -> bytes:
        table = _numbers(body.decode("utf-8"))
        if table.shape[1] != booster.num_features():
            raise UserError(
                f"the rows have {table.shape[1]} columns, the model {booster.num_features()} features; send no label"
            )
        found = booster.predict(xgboost.DMatrix(table), iteration_range=rounds, validate_features=False)
        return "".join(f"{each}\n" for each in found.tolist()).encode()

    return answer


def _module(program: str, code: Path) -> ModuleType:
    """The script as a module, its folder before all others."""
    script = code / program
    if not script.is_file():
        there = sorted(path.name for path in code.iterdir()) if code.is_dir() else []
        raise UserError(f"the script {program!r} is not there; beside it: {', '.join(there[:12]) or 'nothing'}")
    sys.path.insert(0, str(code))
    os.chdir(code)
    return importlib.import_module(program.removesuffix(".py").replace("/", "."))


def _input_of(framework: str) -> Callable[[Any, str], Any]:
    def read(body: Any, content_type: str) -> Any:
        import numpy as np

        kind = content_type.partition(";")[0].strip().lower()
        if kind == "text/csv" and framework == "xgboost":
            import xgboost

            return xgboost.DMatrix(_numbers(body))
        if kind == "text/csv":
            return np.genfromtxt(io.StringIO(body), dtype=np.float32, delimiter=",")
        if kind == "application/json" and framework == "sklearn":
            return np.array(json.loads(body), dtype=np.float32)
        raise UserError(f"the script has no input_fn, and the image itself does not read {content_type!r}")

    return read


def _predict_of(framework: str) -> Callable[[Any, Any], Any]:
    if framework == "xgboost":
        return lambda rows, model: model.predict(rows, validate_features=False)
    return lambda rows, model: model.predict(rows)


def _encoded(prediction: Any, accept: str) -> str:
    """What the images write of an array."""
    import numpy as np

    kind = accept.partition(";")[0].strip().lower()
    if kind == "text/csv":
        out = io.StringIO()
        np.savetxt(out, np.asarray(prediction), delimiter=",", fmt="%s")
        return out.getvalue()
    if kind in ("application/json", "*/*", ""):
        return json.dumps(np.asarray(prediction).tolist())
    raise UserError(f"the script has no output_fn, and the image itself does not write {accept!r}")


def _bytes(answer: Any) -> bytes:
    """The body of an answer: text, bytes, a pair of one of them and a type, or a response of the toolkit."""
    if isinstance(answer, (tuple, list)) and answer:
        answer = answer[0]
    if hasattr(answer, "get_data"):
        answer = answer.get_data()
    if isinstance(answer, str):
        return answer.encode("utf-8")
    if isinstance(answer, (bytes, bytearray)):
        return bytes(answer)
    raise UserError(f"output_fn returned a {type(answer).__name__}; the image takes text or bytes")


def _numbers(text: str) -> Any:
    """A table of float32 from CSV without a header; an empty field is a missing value."""
    import numpy as np

    lines = text.strip().splitlines()
    if not lines:
        raise UserError("the body has no rows")
    delimiter = max(_DELIMITERS, key=lines[0].count)
    rows = list(csv.reader(lines, delimiter=delimiter))
    try:
        return np.array([[float(field.strip() or "nan") for field in row] for row in rows], dtype=np.float32)
    except ValueError as error:
        raise UserError(f"the rows are no CSV of numbers without a header: {error}") from error
