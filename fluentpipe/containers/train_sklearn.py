"""Train any estimator of scikit-learn on preprocessed data.

The estimator is named by its import path. The model folder holds what `train.py` writes for trees, with `estimator.pickle` in
their place, so that evaluation, calibration and serving take it alike.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import sklearn

if TYPE_CHECKING or __package__:
    from . import estimators, job, model_folder, trained_model
else:  # beside its siblings, as the jobs run it
    import estimators
    import job
    import model_folder
    import trained_model

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str]) -> None:
    """Read, train, write."""
    parser = job.Arguments(__doc__)
    for name in ("train", "validation", "preprocessing"):
        parser.add_argument(f"--{name}", type=Path, default=job.channel(name))
    standard = os.environ.get("SM_MODEL_DIR", job.base_dir() / "model")
    parser.add_argument("--model-dir", "--model_dir", type=Path, default=standard)
    parser.add_argument("--estimator", default="")
    # By the environment, as the images' toolkit would write a mapping on the command line as a=1,b=2.
    said = _object(os.environ.get("SM_HP_PARAMETERS", "{}"))
    parser.add_argument("--estimator-parameters", dest="parameters", type=_object, default=said)
    parser.add_argument("--validation_split", type=float, default=0.15)
    parser.add_argument("--seed", type=int, default=0)
    options, _ = parser.parse_known_args(arguments)

    rows, held_out = trained_model.parts(options.train, options.validation, options.validation_split, options.seed)
    trained_model.check_preprocessing(options.preprocessing, rows)
    target = rows.target
    estimator = estimators.build(options.estimator, target.task, options.parameters, rows.types, options.seed)
    named = options.estimator or estimators.DEFAULTS[target.task]
    print(f"training rows: {len(rows.labels)}, features: {len(rows.names)}, task: {target.task}, estimator: {named}")
    print(f"scikit-learn {sklearn.__version__}")
    labels = rows.labels if target.task == "regression" else rows.labels.astype(np.int64)
    estimator.fit(rows.features, labels)
    scores = estimators.scores(estimator, held_out.features, target.task, len(target.classes))
    facts = trained_model.facts("sklearn", rows, held_out, scores, ("scikit-learn",))
    facts["parameters"] = {"estimator": named, **dict(sorted(options.parameters.items()))}
    trained_model.write(options.model_dir, facts, options.preprocessing, held_out.labels, scores, ("estimators.py",))
    estimators.save(estimator, options.model_dir / model_folder.ESTIMATOR)
    trained_model.tell(target.task, facts["held_out_metrics"])


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        msg = f"the parameters of the estimator are no JSON object: {text!r}"
        raise job.JobError(msg)
    return found


if __name__ == "__main__":
    job.run(main, reason_file="failure")
