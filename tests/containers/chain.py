"""The four scripts one after another, in this process."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from fluentpipe.containers import evaluate, load_data, preprocess, train

TELCO = Path(__file__).parents[2] / "fluentpipe" / "data" / "telco_churn.csv.gz"


@dataclass(frozen=True)
class Chain:
    """Where the parts of one run of the chain lie."""

    folder: Path

    @property
    def evaluation(self) -> dict:
        return json.loads((self.folder / "report" / "evaluation.json").read_text())

    def load(self, source: Path, *arguments: str) -> dict:
        load_data.main(["--input", str(source), "--output", str(self.folder / "raw"), *arguments])
        return json.loads((self.folder / "raw" / "schema.json").read_text())

    def preprocess(self, *arguments: str, source: Path | None = None) -> None:
        outputs = [f"--{part}-output={self.folder / part}" for part in ("train", "validation", "test", "model")]
        preprocess.main(["--input", str(source or self.folder / "raw"), *outputs, *arguments])

    def train(self, *arguments: str, model: str = "trained") -> Path:
        parts = {"train": "train", "validation": "validation", "preprocessing": "model", "hyperparameters": "hyper"}
        channels = [f"--{name}={self.folder / part}" for name, part in parts.items()]
        outputs = [f"--model-dir={self.folder / model}", f"--output-data-dir={self.folder / 'data'}"]
        train.main([*channels, *outputs, "--nthread", "1", *arguments])
        return self.folder / model

    def evaluate(self, model: str = "trained", test: str = "test") -> dict:
        outputs = [f"--output={self.folder / 'report'}", f"--predictions={self.folder / 'predictions'}"]
        evaluate.main([f"--model={self.folder / model}", f"--test={self.folder / test}", *outputs])
        return self.evaluation

    def whole(self, source: Path = TELCO, *split: str, hyperparameters: tuple[str, ...] = ()) -> dict:
        self.load(source, *split)
        self.preprocess()
        self.train(*hyperparameters)
        return self.evaluate()
