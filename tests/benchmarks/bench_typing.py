"""What mypy takes for a script of 30 lines, beside an empty one: `python tests/benchmarks/bench_typing.py`.

CPU seconds (user and system) of mypy in this environment, cold (no cache) and warm; the median of several rounds. In each round
the two scripts take turns, so that other work on the machine weighs on both.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

SCRIPT = '''"""A pipeline, as a user writes it."""

from __future__ import annotations

from fluentpipe import ModelArtifacts, Parameter, Pipeline, PropertyReference

ROLE = "arn:aws:iam::111122223333:role/SageMakerRole"
depth = Parameter("depth", 6)

pipe = (
    Pipeline("churn")
    .load_data("s3://my-bucket/churn.csv", label="churn", validation_split=0.2)
    .preprocess(min_frequency=5)
    .train_xgboost(max_depth=depth, n_estimators=200)
    .evaluate_performance()
    .require(min_auc=0.80, max_training_time="4 hours")
    .register("churn-models")
)
model: PropertyReference[ModelArtifacts] = pipe.outputs.xgboost_training.model_artifacts


def main() -> None:
    definition = pipe.materialize(role=ROLE, bucket="my-bucket", region="us-east-1")
    print(definition.to_json())
    run = pipe.run(data="churn.csv")
    print(run.metrics["auc"], pipe.explain())


if __name__ == "__main__":
    main()
'''
SCRIPTS = {"empty": "", "script": SCRIPT}


def seconds(script: Path) -> float:
    """CPU seconds of mypy on one script, whose cache lies beside it."""
    words = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--cache-dir=cache", script.name]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(words, cwd=script.parent, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    taken: dict[tuple[str, str], list[float]] = {(state, name): [] for state in ("cold", "warm") for name in SCRIPTS}
    with tempfile.TemporaryDirectory() as folder:
        for name, text in SCRIPTS.items():
            (Path(folder) / name).mkdir()
            (Path(folder) / name / f"{name}.py").write_text(text, "utf-8")
        for _ in range(rounds):
            for name in SCRIPTS:
                shutil.rmtree(Path(folder) / name / "cache", ignore_errors=True)
                for state in ("cold", "warm"):
                    taken[state, name].append(seconds(Path(folder) / name / f"{name}.py"))
    for state in ("cold", "warm"):
        empty, script = (statistics.median(taken[state, name]) for name in SCRIPTS)
        print(f"{state}: empty {empty:.2f} s, script {script:.2f} s, {script / empty:.2f} times")


if __name__ == "__main__":
    main()
