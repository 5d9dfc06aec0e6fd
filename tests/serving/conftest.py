from __future__ import annotations

import csv
import random
from pathlib import Path

import pytest

from fluentpipe import Pipeline
from fluentpipe.run import Run

ROWS = 400


def write_rows(file: Path, label: str, rows: int = ROWS) -> Path:
    """Customers with a number, a category, a date, an identifier, holes, and a label of the kind asked for."""
    chance = random.Random(0)
    with file.open("w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["customer_id", "tenure", "plan", "since", "charge", "outcome"])
        for number in range(rows):
            tenure, plan = chance.randint(0, 72), chance.choice(["basic", "plus", "NA"])
            charge = "" if chance.random() < 0.1 else f"{chance.uniform(10, 99):.2f}"
            risk = 40 - tenure + (15 if plan == "basic" else 0) + chance.gauss(0, 12)
            found = {
                "binary": "Yes" if risk > 0 else "No",
                "multiclass": "high" if risk > 15 else "middle" if risk > -10 else "low",
                "regression": f"{risk:.3f}",
            }
            since = f"20{chance.randint(10, 24)}-{chance.randint(1, 12):02}-11"
            writer.writerow([f"C-{number:05}", tenure, plan, since, charge, found[label]])
    return file


def trained(folder: Path, label: str, *, calibrated: bool = False) -> Run:
    """A run that registers what it evaluated."""
    data = Pipeline("customers").load_data(write_rows(folder / "rows.csv", label), label="outcome").preprocess()
    pipe = data.train_xgboost(n_estimators=20, max_depth=3)
    pipe = pipe.calibrate(method="platt") if calibrated else pipe
    return pipe.evaluate_performance().register("customers").run(home=folder / "home", echo=None)


@pytest.fixture(scope="session")
def binary(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return trained(tmp_path_factory.mktemp("binary"), "binary", calibrated=True)
