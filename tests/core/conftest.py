from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from fluentpipe import Pipeline

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture
def golden() -> Callable[[str, str], None]:
    """Compares text with a golden file; `UPDATE_GOLDEN=1 pytest tests/core` writes the files anew."""

    def compare(name: str, text: str) -> None:
        file = GOLDEN / name
        if os.environ.get("UPDATE_GOLDEN"):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, "utf-8")
        assert file.is_file(), f"no golden file {name}; UPDATE_GOLDEN=1 pytest -n0 tests/core writes it"
        assert text == file.read_text("utf-8"), f"{name} differs; UPDATE_GOLDEN=1 pytest -n0 tests/core writes it anew"

    return compare


@pytest.fixture(scope="session")
def churn() -> Pipeline:
    """The usual chain up to the evaluation."""
    loaded = Pipeline("churn").load_data("s3://my-bucket/churn.csv", label="churn")
    return loaded.preprocess().train_xgboost().evaluate_performance()
