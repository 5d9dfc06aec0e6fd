"""Judge a trained model by the test rows.

Reads the model (`model.tar.gz` or unpacked) and test data (preprocessed, or raw rows with the label) and writes
`evaluation.json`, `curves.json` and every prediction.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

if TYPE_CHECKING or __package__:
    from . import archive, curves, job, labels, matrices, metrics, model_folder, model_quality, reading
    from .preprocessing import LABEL
else:  # beside its siblings, as the jobs run it
    import archive
    import curves
    import job
    import labels
    import matrices
    import metrics
    import model_folder
    import model_quality
    import reading
    from preprocessing import LABEL

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt


def main(arguments: Sequence[str]) -> None:
    """Read, predict, judge, write."""
    parser = job.Arguments(__doc__)
    parser.add_argument("--model", type=Path, default=job.processing_dir("input", "model_artifacts"))
    parser.add_argument("--test", type=Path, default=job.processing_dir("input", "test_data"))
    parser.add_argument("--output", type=Path, default=job.processing_dir("output", "evaluation_report"))
    parser.add_argument("--predictions", type=Path, default=job.processing_dir("output", "predictions"))
    options = parser.parse_args(arguments)
    model = open_model(options.model)
    features, actual, warnings = test_rows(options.test, model)
    scores = model.scores(features)
    report = evaluation(model, actual, scores, warnings)
    classes = [str(name) for name in model.target.classes]
    drawn = {"version": 1, "task": model.target.task, **curves.of_task(model.target.task, classes, actual, scores)}
    job.write_json(options.output / "curves.json", drawn)
    job.write_json(options.output / "evaluation.json", report)
    reading.write_parquet(_predictions(model, actual, scores), options.predictions / "predictions.parquet")
    for warning in report["warnings"]:
        print(f"warning: {warning}")
    print(
        f"test rows: {report['rows']}; "
        + ", ".join(f"{name} {metrics.shown(value)}" for name, value in report["metrics"].items())
    )


def open_model(folder: Path) -> model_folder.Model:
    """The model in a folder, unpacked first if it lies there as `model.tar.gz`."""
    archives = [folder] if folder.is_file() else sorted(folder.glob("*.tar.gz"))
    if (folder / model_folder.MODEL).is_file():
        return model_folder.load(folder)
    if len(archives) != 1:
        msg = f"there is no model in {folder}: neither {model_folder.MODEL} nor one model.tar.gz"
        raise job.JobError(msg)
    with tempfile.TemporaryDirectory() as unpacked:
        archive.unpack(archives[0], Path(unpacked))
        return model_folder.load(Path(unpacked))


def test_rows(
    folder: Path, model: model_folder.Model
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float64], list[str]]:
    """Features and labels of the test rows, preprocessed here if they are not yet.

    Raises:
        JobError: No rows, other features than the model's, no label.
    """
    nested = folder / "test" if (folder / "test" / "data.parquet").is_file() else folder  # as load_data lays it out
    if _is_preprocessed(nested):
        rows = matrices.read(nested)
        matrices.check_same_features(rows.names, model.names, "test rows", "model")
        features, actual = rows.features, rows.labels
        warnings: list[str] = []
    else:
        features, actual, warnings = _raw_rows(nested, model)
    if not len(actual):
        msg = f"there are no test rows in {folder}; was the data split with a test split of 0?"
        raise job.JobError(msg)
    return features, actual, warnings


def _is_preprocessed(folder: Path) -> bool:
    file = folder / "data.parquet"
    return file.is_file() and LABEL in reading.peek_columns(file)


def _raw_rows(
    path: Path, model: model_folder.Model
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float64], list[str]]:
    if model.preprocessing is None:
        msg = "the test rows are raw, and the model carries no preprocessing; give preprocessed test data"
        raise job.JobError(msg)
    source = reading.read_table(path, text_columns=model.preprocessing.input_columns)
    labels.check_label(model.target.label, source.table.column_names)
    actual = model.target.numbers(source.table.column(model.target.label))
    features = model.preprocessing.transform(source.table)
    unknown = np.isnan(actual)
    warnings = [*source.warnings]
    if unknown.any():
        warnings.append(f"{int(unknown.sum())} test rows without a known label were left out")
    return features[~unknown], actual[~unknown], warnings


def evaluation(
    model: model_folder.Model, actual: npt.NDArray[np.float64], scores: npt.NDArray[np.float32], warnings: list[str]
) -> dict[str, Any]:
    """The contents of evaluation.json: the task-neutral block that gates read, and the service's own layout."""
    target = model.target
    classes = [str(name) for name in target.classes]
    figures = metrics.of_task(target.task, actual, scores, model.threshold)
    absent = sorted(set(range(len(classes))) - set(actual.astype(np.int64).tolist())) if classes else []
    if absent:
        names = job.quoted([classes[code] for code in absent], 5)
        warnings = [
            *warnings,
            f"the test rows have no row of class {names}; what needs it is absent or covers the others",
        ]
    return {
        "version": 1,
        "task": target.task,
        "rows": len(actual),
        "label": target.label,
        "classes": list(target.classes),
        "positive_class": target.positive_class,
        **({} if model.threshold is None else {"threshold": model.threshold}),
        "metrics": figures,
        **model_quality.of_task(target.task, classes, actual, scores, model.threshold),
        "warnings": warnings,
    }


def _predictions(
    model: model_folder.Model, actual: npt.NDArray[np.float64], scores: npt.NDArray[np.float32]
) -> pa.Table:
    """Row number, label, prediction, and the probability (of every class where there are several)."""
    target = model.target
    known = actual.tolist() if target.task == "regression" else [target.classes[int(code)] for code in actual]
    found = {"row": pa.array(range(len(known)), pa.int64()), "label": known, "prediction": model.predictions(scores)}
    if target.task == "binary":
        found["probability"] = scores.astype(np.float64)
    if target.task == "multiclass":
        found.update(
            {f"probability_{name}": scores[:, code].astype(np.float64) for code, name in enumerate(target.classes)}
        )
    return pa.table(found)


if __name__ == "__main__":
    job.run(main)
