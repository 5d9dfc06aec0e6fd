"""Train XGBoost from the channels, told by SM_* variables and by arguments alone."""

import argparse
import os
import pathlib

import numpy as np
import xgboost

parser = argparse.ArgumentParser()
parser.add_argument("--num_round", type=int, required=True)
parser.add_argument("--max_depth", type=int, default=6)
parser.add_argument("--eta", type=float, default=0.3)
parser.add_argument("--objective", required=True)
arguments = parser.parse_args()


def channel(name: str) -> xgboost.DMatrix:
    """The rows of a channel."""
    table = np.loadtxt(next(pathlib.Path(os.environ[f"SM_CHANNEL_{name}"]).glob("*.csv")), delimiter=",")
    return xgboost.DMatrix(table[:, 1:], label=table[:, 0])


train = channel("TRAIN")
booster = xgboost.train(
    {"max_depth": arguments.max_depth, "eta": arguments.eta, "objective": arguments.objective, "eval_metric": "auc"},
    train,
    arguments.num_round,
    evals=[(train, "train"), (channel("VALIDATION"), "validation")],
)
booster.save_model(pathlib.Path(os.environ["SM_MODEL_DIR"], "xgboost-model"))
