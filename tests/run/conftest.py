from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fluentpipe.run import Run, run as run_definition

from .pipelines import Sketch


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    file = tmp_path / "rows.csv"
    file.write_text("1\n2\n3\n")
    return file


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Run]:
    """Runs a sketch in a home of its own; silent unless told otherwise."""

    def start(sketch: Sketch, **options: Any) -> Run:
        return run_definition(sketch.definition(), **{"home": tmp_path / "home", "echo": None, "grace": 0.5, **options})

    return start
