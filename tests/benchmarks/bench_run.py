"""How long runs on this machine take: `python tests/benchmarks/bench_run.py [telco] [steps] [million]`.

Wall time, as that is what one waits for; the load of the machine is printed beside, and matters. `million` compares with
one Python process that does the same with bare XGBoost. `steps` has kfp's local subprocess runner beside it where
KFP_PYTHON names an interpreter that has kfp installed.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
ROUNDS, DEPTH, ETA = 100, 6, 0.1
ROWS, COLUMNS = 1_000_000, 20
EMPTY_STEPS = 8

BARE = f"""
import json, resource, sys, time
start = time.perf_counter()
import numpy as np, pyarrow.csv as csv, xgboost
table = csv.read_csv(sys.argv[1])
labels = table["label"].to_numpy()
rows = np.column_stack([table[name].to_numpy().astype(np.float32) for name in table.column_names if name != "label"])
parts = np.random.default_rng(0).permutation(len(labels))
test, validation, train = np.split(parts, [len(parts) // 5, len(parts) // 5 + len(parts) * 16 // 100])
learned = xgboost.QuantileDMatrix(rows[train], labels[train])
watched = xgboost.DMatrix(rows[validation], labels[validation])
parameters = {{"objective": "binary:logistic", "eval_metric": "logloss", "max_depth": {DEPTH}, "eta": {ETA},
    "subsample": 0.8, "colsample_bytree": 0.6, "min_child_weight": 2, "tree_method": "hist"}}
booster = xgboost.train(parameters, learned, {ROUNDS}, evals=[(watched, "v")], verbose_eval=False)
scores = booster.predict(xgboost.DMatrix(rows[test]))
order = np.argsort(scores)
ranks = np.empty(len(scores)); ranks[order] = np.arange(1, len(scores) + 1)
positive = labels[test] == 1
auc = (ranks[positive].sum() - positive.sum() * (positive.sum() + 1) / 2) / (positive.sum() * (~positive).sum())
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps([time.perf_counter() - start, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, auc]))
"""
KFP = f"""
import sys, tempfile, time
from kfp import dsl, local
@dsl.component
def empty(before: str) -> str:
    return before
@dsl.pipeline
def chain():
    task = empty(before="x")
    for _ in range({EMPTY_STEPS - 1}):
        task = empty(before=task.output)
local.init(runner=local.SubprocessRunner(use_venv=False), pipeline_root=tempfile.mkdtemp())
start = time.perf_counter()
chain()
print("seconds", time.perf_counter() - start)
"""


def say(what: str, seconds: float, more: str = "") -> None:
    """Print a figure with the load of the machine."""
    print(f"{what:<46}{seconds:9.3f} s   {more}(load {os.getloadavg()[0]:.1f})", flush=True)


def timed(call: Callable[[], object]) -> float:
    """Wall seconds of a call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def telco(folder: Path) -> None:
    """The demo: as a command, and in a process that goes on."""
    from fluentpipe.demo import demo_pipeline

    command = [sys.executable, "-m", "fluentpipe", "demo", "--quiet"]

    def cold() -> None:
        home = tempfile.mkdtemp(dir=folder)
        subprocess.run([*command, "--home", home], check=True, stdout=subprocess.DEVNULL)

    def run(**options: bool) -> None:
        demo_pipeline().run(home=folder / "warm", echo=None, **options)

    say("telco, cold command", statistics.median(timed(cold) for _ in range(3)))
    say("telco, first run in a process", timed(run))
    say("telco, imports warm, nothing cached", statistics.median(timed(lambda: run(cache=False)) for _ in range(5)))
    say("telco, all cached", statistics.median(timed(run) for _ in range(25)))
    again = timed(lambda: subprocess.run([*command, "--home", folder / "warm"], check=True, stdout=subprocess.DEVNULL))
    say("telco, command, all cached", again)


def empty_steps() -> object:
    """A definition whose steps do nothing, one after the other."""
    sys.path.insert(0, str(REPOSITORY))
    from tests.run.pipelines import Sketch

    sketch = Sketch("empty")
    for number in range(EMPTY_STEPS):
        sketch.processing(f"S{number}", f"x = {number}", depends=(f"S{number - 1}",) if number else ())
    return sketch.definition()


def steps(folder: Path) -> None:
    """What a step costs beside its script."""
    from fluentpipe.definition import Definition
    from fluentpipe.run import run

    definition = empty_steps()
    assert isinstance(definition, Definition)
    for name, options in {
        "warm": {"cache": False},
        "warm, results kept": {},
        "new interpreter": {"cache": False, "isolation": "process"},
    }.items():

        def start(options: dict[str, object] = options) -> None:
            home = tempfile.mkdtemp(dir=folder)
            run(definition, home=home, echo=None, **options)  # type: ignore[arg-type]

        start()
        say(f"an empty step of {EMPTY_STEPS}, {name}", statistics.median(timed(start) for _ in range(5)) / EMPTY_STEPS)
    script = folder / "empty.py"
    script.write_text("x = 1")
    bare = statistics.median(timed(lambda: subprocess.run([sys.executable, script], check=True)) for _ in range(9))
    say("the bare script in a new interpreter", bare)
    if python := os.environ.get("KFP_PYTHON"):
        chain = folder / "chain.py"
        chain.write_text(KFP)
        said = subprocess.run([python, chain], check=True, capture_output=True, text=True).stdout
        seconds = next(float(line.split()[1]) for line in said.splitlines() if line.startswith("seconds "))
        say(f"an empty step of {EMPTY_STEPS}, kfp SubprocessRunner", seconds / EMPTY_STEPS)


def synthetic(file: Path) -> None:
    """Rows whose label depends on some columns, as CSV."""
    import numpy as np
    import pyarrow as pa
    from pyarrow import csv

    draw = np.random.default_rng(0)
    columns = {f"x{number}": draw.normal(size=ROWS).astype(np.float32) for number in range(COLUMNS)}
    score = columns["x0"] + columns["x1"] * columns["x2"] + 0.5 * draw.normal(size=ROWS)
    csv.write_csv(pa.table({**columns, "label": (score > 0).astype(np.int8)}), file)


def million(folder: Path) -> None:
    """The whole chain on a large table against one bare process."""
    from fluentpipe import Pipeline

    file = folder / "rows.csv"
    synthetic(file)
    program = [sys.executable, "-c", BARE, str(file)]
    pipe = (
        Pipeline("large")
        .load_data(file, label="label", validation_split=0.2, test_split=0.2)
        .preprocess()
        .train_xgboost(n_estimators=ROUNDS, max_depth=DEPTH, learning_rate=ETA, early_stopping_rounds=0, n_folds=0)
        .evaluate_performance()
    )
    for number in range(2):
        bare, cpu, memory, auc = json.loads(subprocess.run(program, check=True, capture_output=True, text=True).stdout)
        say(f"{ROWS:,} x {COLUMNS}, bare", bare, f"CPU {cpu:.1f} s, {memory:.0f} MiB, auc {auc:.4f} ")
        start, own = time.perf_counter(), time.process_time()
        run = pipe.run(home=folder / "home", echo=None, cache=False)
        ours = time.perf_counter() - start
        own = time.process_time() - own + sum(step.cpu_seconds or 0 for step in run.steps.values())
        say(
            f"{ROWS:,} x {COLUMNS}, chain, {'warm' if number else 'cold'}",
            ours,
            f"{ours / bare:.2f}x, CPU {own:.1f} s {own / cpu:.2f}x ",
        )
        for step in run.steps.values():
            print(f"    {step.name:<24}{step.seconds or 0:8.2f} s {step.peak_memory_mb or 0:8.0f} MiB")
        print(f"    auc {run.metrics['auc']:.4f}")


def main() -> None:
    """Run what was asked for, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="*", default=["telco", "steps", "million"])
    parts = {"telco": telco, "steps": steps, "million": million}
    for name in parser.parse_args().what:
        with tempfile.TemporaryDirectory() as folder:
            parts[name](Path(folder))


if __name__ == "__main__":
    main()
