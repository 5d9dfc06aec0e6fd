"""The label that a local file tells is looked for once, and again when the file is another one."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from fluentpipe import Pipeline, stamps
from fluentpipe.containers import reading


def test_a_file_that_did_not_change_is_looked_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[Any] = []
    sample = reading.sample

    def noted(path: Any, rows: int = 1000) -> Any:
        looked.append(path)
        return sample(path, rows)

    monkeypatch.setattr(reading, "sample", noted)
    monkeypatch.setattr(stamps, "_SETTLED_NS", 0)
    file = tmp_path / "rows.csv"

    def looks(header: str = "") -> int:
        if header:
            file.write_text(f"{header}\n" + "1,a\n2,b\n" * 30)
            time.sleep(0.01)
        Pipeline("a").load_data(file)
        return len(looked)

    assert [looks("x,churn"), looks(), looks("x,label"), looks()] == [1, 1, 2, 2]
    monkeypatch.setattr(stamps, "_SETTLED_NS", 10**12)  # of this moment: looked at each time
    assert [looks(), looks()] == [3, 4]
