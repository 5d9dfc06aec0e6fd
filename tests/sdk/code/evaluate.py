"""The AUC of a model on the test rows."""

import argparse
import json
import pathlib
import tarfile
import tempfile

import numpy as np
import xgboost

parser = argparse.ArgumentParser()
for each in ("model", "test", "output"):
    parser.add_argument(f"--{each}", type=pathlib.Path, required=True)
arguments = parser.parse_args()

with tempfile.TemporaryDirectory() as folder, tarfile.open(arguments.model / "model.tar.gz") as tar:
    pathlib.Path(folder, "xgboost-model").write_bytes(tar.extractfile("xgboost-model").read())
    booster = xgboost.Booster(model_file=pathlib.Path(folder, "xgboost-model"))
table = np.loadtxt(next(arguments.test.glob("*.csv")), delimiter=",")
scores, label = booster.predict(xgboost.DMatrix(table[:, 1:])), table[:, 0]
yes, no = scores[label == 1], scores[label == 0]
auc = float(np.mean((yes[:, None] > no).astype(float) + 0.5 * (yes[:, None] == no)))
report = {"binary_classification_metrics": {"auc": {"value": auc, "standard_deviation": "NaN"}}}
(arguments.output / "evaluation.json").write_text(json.dumps(report))
print("auc", round(auc, 4))
