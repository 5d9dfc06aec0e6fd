"""How long it takes to import, to define and to materialize: `python tests/benchmarks/bench_chain.py`.

Times are CPU seconds (user and system) of one process, so that other work on the machine counts little; each is the median
of several repeats. Every number of a chain includes all checks; quotas and the limit of size are lifted.
"""

from __future__ import annotations

import argparse
import gc
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

CACHE = tempfile.TemporaryDirectory()
ENVIRONMENT = {key: text for key, text in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
ENVIRONMENT["PYTHONPYCACHEPREFIX"] = CACHE.name
IMPORTS = (
    "pass",
    "import fluentpipe",
    "from fluentpipe import Pipeline",
    "import attrs",
    "import numpy",
    "import botocore.session",
)

SEVEN_STEPS = """
import sys
from fluentpipe import Pipeline
pipe = (
    Pipeline("churn").load_data("s3://my-bucket/churn.csv", label="churn").preprocess().train_xgboost()
    .evaluate_performance().require(min_auc=0.8, max_training_time="4 hours").register("churn-models")
)
definition = pipe.materialize(role="arn:aws:iam::111122223333:role/SageMakerRole", bucket="my-bucket")
definition.write(sys.argv[1])
"""


def process_seconds(code: str, *arguments: str) -> float:
    """CPU seconds of a new Python process, which finds compiled modules as an installed package has them."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", code, *arguments], check=True, env=ENVIRONMENT)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def repeated(repeats: int, measure: Callable[[], float]) -> float:
    """The median of some measurements, after one that fills caches."""
    measure()
    return statistics.median(measure() for _ in range(repeats))


def define_and_materialize(steps: int) -> tuple[float, float]:
    """CPU seconds to define a chain of a project's own steps, and to materialize it."""
    from fluentpipe import Pipeline, RawData

    gc.collect()
    start = time.process_time()
    pipe = Pipeline("bench").provide(RawData, "s3://bucket/rows")
    for number in range(steps):
        pipe = pipe.refine(name=f"refine{number}", strength=number)  # type: ignore[attr-defined]  # declared below
    defined = time.process_time()
    pipe.materialize(max_steps=None, max_characters=None)
    return defined - start, time.process_time() - defined


def declare(script: Path) -> None:
    """The step class of the long chains: one input, one output, one setting."""
    from fluentpipe import DependencySpec, OutputSpec, ProcessingStep, RawData, StepContract, setting

    script.write_text("print()\n", "utf-8")
    path = "ProcessingOutputConfig.Outputs['rows'].S3Output.S3Uri"
    contract = StepContract(
        "Refinement",
        "refine",
        (DependencySpec("rows", RawData, aliases=("rows_in",)),),
        (OutputSpec("rows", RawData, path),),
    )
    body = {"contract": contract, "script": script, "strength": setting(0), "__annotations__": {"strength": int}}
    type("Refinement", (ProcessingStep,), {"__module__": __name__, "__qualname__": "Refinement", **body})


def chains(sizes: Sequence[int], repeats: int) -> None:
    """Print a line for each size, and how much more it cost than the one before."""
    print(f"\n{'steps':>7}  {'define':>10}  {'materialize':>11}  {'together':>10}  growth")
    previous = 0.0
    define_and_materialize(3)  # loads the model of the service
    for steps in sizes:
        times = [define_and_materialize(steps) for _ in range(repeats if steps < 5000 else min(repeats, 3))]
        define, materialize = (statistics.median(column) for column in zip(*times, strict=True))
        total = define + materialize
        growth = f"x {total / previous:.1f}" if previous else ""
        print(f"{steps:>7}  {1e3 * define:>7.1f} ms  {1e3 * materialize:>8.1f} ms  {1e3 * total:>7.1f} ms  {growth}")
        previous = total


def main() -> None:
    """Run the benchmarks and print their figures."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--repeats", type=int, default=5, help="measurements of each figure; the median is printed")
    parser.add_argument("--sizes", type=int, nargs="+", default=[10, 100, 1000, 10000], help="steps of the chains")
    options = parser.parse_args()
    print(f"Python {sys.version.split()[0]}, median of {options.repeats}, CPU time")
    bare = repeated(options.repeats, lambda: process_seconds("pass"))
    for code in IMPORTS[1:]:
        seconds = repeated(options.repeats, lambda code=code: process_seconds(code))  # type: ignore[misc]  # a bound default
        print(f"{code:<34}  {1e3 * (seconds - bare):>7.1f} ms over a bare process")
    with tempfile.TemporaryDirectory() as folder:
        numbers = iter(range(10**6))
        seconds = repeated(
            options.repeats, lambda: process_seconds(SEVEN_STEPS, str(Path(folder) / f"bundle{next(numbers)}"))
        )
        print(f"{'cold process to 7 steps on disk':<34}  {1e3 * seconds:>7.1f} ms in all")
        declare(Path(folder) / "refine.py")
        chains(options.sizes, options.repeats)


if __name__ == "__main__":
    main()
