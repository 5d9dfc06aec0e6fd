"""Run here, unchanged, what the SageMaker SDK wrote and uploaded.

    python run_written.py BUCKETS

BUCKETS is the folder that write_fixtures.py filled, one bucket for each pipeline. In v3_drivers the drivers are the
SDK's own; test_runs_what_sdk_writes.py, which needs no SDK, has stand-ins in their place.
"""

from __future__ import annotations

import pathlib
import random
import sys
import tempfile

from fluentpipe.definition import Definition
from fluentpipe.run import Run, run

ROWS = 600

PIPELINES = 7  # those of runnable.MODES


def write_rows(folder: pathlib.Path) -> pathlib.Path:
    """A table that can be learned: `churn` follows from the sum of two columns, with some noise."""
    chance = random.Random(4)
    lines = ["calls,churn,minutes,noise"]
    for _ in range(ROWS):
        calls, minutes, noise = (chance.gauss(0, 1) for _ in range(3))
        churn = int(calls + minutes + 0.3 * chance.gauss(0, 1) > 0)
        lines.append(f"{calls:.4f},{churn},{minutes:.4f},{noise:.4f}")
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "rows.csv"
    file.write_text("\n".join(lines) + "\n")
    return folder


def run_written(file: pathlib.Path, bucket: pathlib.Path, home: pathlib.Path) -> Run:
    """Run a definition whose bucket is a folder; its data are made here."""
    source = {"s3://my-bucket/raw": write_rows(home / "raw"), "s3://my-bucket": bucket}
    return run(Definition.load(file), maps=source, home=home, echo=None)


def main(buckets: pathlib.Path) -> None:
    """Run them all; the first that does not end with a registered model raises."""
    pipelines = sorted(buckets.glob("*/definition.json"))
    assert len(pipelines) == PIPELINES, f"{len(pipelines)} pipelines in {buckets}, not {PIPELINES}"
    for file in pipelines:
        with tempfile.TemporaryDirectory() as home:
            result = run_written(file, file.parent, pathlib.Path(home))
            (model,) = result.models
            report = result.steps["Evaluate"].log.read_text().splitlines()[-1]
            print(f"{file.parent.name}: {report}, {model.group} version {model.version}")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
