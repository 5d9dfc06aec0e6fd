"""The training program on several hosts: processes here, each with a `/opt/ml` and a resourceconfig.json of its own."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fluentpipe.containers import train

PROGRAMS = Path(train.__file__).parent
LIMIT = 60  # seconds in which every host has to end, however
# As `python -m train`, without what XGBoost and Arrow would import if it is there: it is not needed, and takes seconds.
START = """
import importlib.abc, runpy, sys
class Without(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name in ("pandas", "sklearn"):
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Without())
runpy.run_module("train", run_name="__main__", alter_sys=True)
"""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@dataclass
class Hosts:
    """Hosts of one job. Their names are addresses of this machine; only that of the first is ever asked for."""

    folder: Path
    count: int
    data: Path  # with train, validation and the preprocessing, from `Chain`
    wait: float = 30
    changed: dict[int, dict[str, str]] = field(default_factory=dict)  # per place: variables of this host alone
    processes: dict[int, subprocess.Popen[bytes]] = field(default_factory=dict)
    port: int = field(default_factory=free_port)

    @property
    def names(self) -> list[str]:
        return [f"127.0.0.{place + 1}" for place in range(self.count)]

    def start(self, *words: str, without: tuple[int, ...] = ()) -> Hosts:
        for place, name in enumerate(self.names):
            if place not in without:
                self.processes[place] = self._started(place, name, words)
        return self

    def _started(self, place: int, name: str, words: tuple[str, ...]) -> subprocess.Popen[bytes]:
        root = self.folder / name
        config = root / "input" / "config"
        config.mkdir(parents=True)
        (config / "resourceconfig.json").write_text(json.dumps({"current_host": name, "hosts": self.names}))
        channels = {"TRAIN": "train", "VALIDATION": "validation", "PREPROCESSING": "model"}
        variables = {
            **os.environ,
            **{f"SM_CHANNEL_{channel}": str(self.data / part) for channel, part in channels.items()},
            "SAGEMAKER_BASE_DIR": str(root), "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1",
            "FLUENTPIPE_CLUSTER_PORT": str(self.port), "FLUENTPIPE_CLUSTER_WAIT": str(self.wait),
            **self.changed.get(place, {}),
        }  # fmt: skip
        with (root / "log").open("wb") as log:
            return subprocess.Popen(
                [sys.executable, "-c", START, *words], cwd=PROGRAMS, env=variables, stdout=log, stderr=log
            )

    def wait_for(self, line: str) -> None:
        """Until the first host has printed it."""
        deadline = time.monotonic() + LIMIT
        while line not in self.log(0):
            if time.monotonic() > deadline or self.processes[0].poll() is not None:
                raise AssertionError(f"{self.end()}: {self.log(0)}")
            time.sleep(0.05)

    def end(self) -> list[int]:
        """Exit statuses; every host ends by itself."""
        deadline = time.monotonic() + LIMIT
        try:
            return [process.wait(max(deadline - time.monotonic(), 0)) for process in self.processes.values()]
        finally:
            for process in self.processes.values():
                process.kill()
                process.wait()

    def log(self, place: int) -> str:
        return (self.folder / self.names[place] / "log").read_text(errors="replace")

    def model(self, place: int = 0) -> Path:
        return self.folder / self.names[place] / "model"

    def facts(self) -> Any:
        return json.loads((self.model() / "model.json").read_text())

    def reason(self, place: int) -> str:
        return (self.folder / self.names[place] / "output" / "failure").read_text()
