"""Programs of ours are told from all others, whose inputs are copies and who find what they import as it is."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from fluentpipe import Pipeline, RawData, step
from fluentpipe.run import performing


@step
def counted(rows: RawData) -> int:
    """The files of some rows."""
    return len(list(Path(str(rows)).rglob("*.parquet")))


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> dict[str, bool]:
    """Step -> whether its program was taken for one of ours."""
    found: dict[str, bool] = {}

    def noted(job: Any, storage: Any) -> bool:
        found[job.step] = is_own(job, storage)
        return found[job.step]

    is_own = performing.is_own
    monkeypatch.setattr(performing, "is_own", noted)
    return found


def test_only_our_own_programs_share_their_inputs(told: dict[str, bool], tmp_path: Path) -> None:
    rows = tmp_path / "rows.csv"
    chosen = random.Random(0)
    rows.write_text("x,y\n" + "".join(f"{chosen.random()},{chosen.choice('ab')}\n" for _ in range(200)))
    script = tmp_path / "look.py"
    script.write_text("print('mine')")
    pipe = Pipeline("own").load_data(rows, label="y").preprocess().train_xgboost(n_estimators=2, n_folds=0)
    pipe = pipe.train_sklearn("sklearn.naive_bayes.GaussianNB", name="bayes").counted()  # type: ignore[attr-defined]
    pipe = pipe.evaluate_performance(model_artifacts=pipe.outputs.xgboost_training.model_artifacts)
    pipe.process(script, inputs={"rows": RawData}).run(home=tmp_path / "home", echo=None)
    assert told == {
        "data_loading": True, "tabular_preprocessing": True, "xgboost_training": True, "bayes": True,
        "model_evaluation": True, "counted": False, "look": False,
    }  # fmt: skip


def test_a_program_of_ours_that_was_edited_is_ours_no_more(
    told: dict[str, bool], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fluentpipe.run import own

    rows = tmp_path / "rows.csv"
    rows.write_text("x,y\n" + "1,a\n2,b\n" * 20)
    edited = {**own._ours(), "csv_text.py": b"# another version"}
    monkeypatch.setattr(own, "_ours", lambda: edited)
    Pipeline("own").load_data(rows, label="y").run(home=tmp_path / "home", echo=None)
    assert told == {"data_loading": False}
