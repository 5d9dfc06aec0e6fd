"""One model on several instances: CPU time and memory of each, as processes of one thread here.

python tests/benchmarks/bench_instances.py [ROWS]
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa

sys.path.insert(0, str(Path(__file__).parents[2]))

from fluentpipe.containers import reading
from tests.containers.hosts import Hosts

COLUMNS = 20
WORDS = ("--num_round", "100", "--max_depth", "6", "--early_stopping_rounds", "0", "--n_folds", "0")


def write(folder: Path, rows: int, seed: int) -> None:
    """Preprocessed rows with something to learn in four columns."""
    random = np.random.RandomState(seed)
    values = random.rand(rows, COLUMNS).astype(np.float32)
    signal = 2 * values[:, 0] + values[:, 1] * values[:, 2] + np.sin(9 * values[:, 3])
    label = (signal + 0.5 * random.randn(rows) > 1.6).astype(np.int32)
    names = [f"column_{place}" for place in range(COLUMNS)]
    table = pa.table({**dict(zip(names, values.T, strict=True)), "__label__": label})
    reading.write_parquet(table, folder / "data.parquet")
    schema = {
        "features": names, "feature_types": ["q"] * COLUMNS, "label": "label", "task": "binary", "classes": [0, 1],
        "rows": rows, "sha256": str(seed),
    }  # fmt: skip
    (folder / "schema.json").write_text(json.dumps(schema))


def measure(data: Path, count: int) -> None:
    """Train once and print what each process used."""
    with tempfile.TemporaryDirectory() as folder:
        hosts = Hosts(Path(folder), count, data, wait=300).start(*WORDS)
        used = []
        for process in hosts.processes.values():
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            used.append(f"{usage.ru_utime + usage.ru_stime:.1f} s {usage.ru_maxrss // 1024} MiB")
        best = next((line for line in hosts.log(0).splitlines() if line.startswith("best round")), hosts.log(0))
    print(f"{count} instances: {', '.join(used)}; {best}", flush=True)


if __name__ == "__main__":
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as place:
        for seed, (part, size) in enumerate({"train": rows, "validation": rows // 10}.items()):
            write(Path(place) / part, size, seed)
        for count in (1, 2, 3):
            measure(Path(place), count)
