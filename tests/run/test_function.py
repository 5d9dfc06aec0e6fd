"""Functions as steps, carried out here."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from fluentpipe import Pipeline, RawData
from fluentpipe.errors import StepFailed

MODULE = """
import dataclasses
from pathlib import Path
from typing import Annotated

import pyarrow as pa
import pyarrow.csv

from fluentpipe import RawData, TestData, TrainingData, step


@dataclasses.dataclass
class Parts:
    low: Annotated[Path, TrainingData]
    high: Annotated[pa.Table, TestData]
    rows: int
    share: float
    said: str


def read(folder: Path) -> pa.Table:
    return pyarrow.csv.read_csv(next(folder.rglob("*.csv")))


@step
def divide(raw: Annotated[Path, RawData], at: float, words: list[str], said: str = "5") -> Parts:
    table = read(raw)
    cut = int(table.num_rows * at)
    low = Path("low")
    (low / "deep").mkdir(parents=True)
    pyarrow.csv.write_csv(table.slice(0, cut), low / "deep" / "rows.csv")
    return Parts(low, table.slice(cut), table.num_rows, at, said + words[0])


@step
def same(raw: Annotated[Path, RawData], test: Annotated[Path, TestData] | None = None) -> Annotated[Path, RawData]:
    print("test", test)
    return raw


@step
def wrong(raw: Annotated[Path, RawData]) -> Annotated[Path, TestData]:
    return 3


@step
def tell() -> None:
    print("told")
"""


@pytest.fixture(autouse=True)
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, registry: None) -> Any:
    """A module with functions, and rows, in the working directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "own_functions", raising=False)
    Path("own_functions.py").write_text(MODULE)
    Path("rows.csv").write_text("a\n" + "".join(f"{each}\n" for each in range(100)))
    return importlib.import_module("own_functions")


def test_files_tables_and_values_that_a_function_returns_are_its_outputs() -> None:
    pipe: Any = Pipeline("own").provide(RawData, "rows.csv")
    pipe = pipe.divide(at=0.25, words=["x y"]).same().tell()
    many = pipe.outputs.divide.values.json("rows") > 50
    pipe = pipe.when(many & (pipe.outputs.divide.values.json("said") == "5x y")).then(lambda p: p.tell(name="many"))
    run = pipe.run(echo=None)
    made = run.steps["divide"].outputs
    assert (made["low"] / "deep" / "rows.csv").read_text().count("\n") == 26
    assert [each.name for each in made["high"].iterdir()] == ["rows.parquet"]
    assert json.loads((made["values"] / "values.json").read_text()) == {"rows": 100, "share": 0.25, "said": "5x y"}
    assert (run.steps["same"].outputs["raw_data"] / "rows.csv").read_text() == Path("rows.csv").read_text()
    assert run.steps["many"].state == "Succeeded"


@pytest.mark.slow
def test_an_edit_of_another_function_does_not_run_it_again(own: Any) -> None:
    pipe: Any = Pipeline("own").provide(RawData, "rows.csv").same()  # type: ignore[attr-defined]  # declared above
    pipe.run(echo=None)
    Path("own_functions.py").write_text(MODULE.replace('print("told")', 'print("told again")'))
    importlib.reload(own)
    again: Any = Pipeline("own").provide(RawData, "rows.csv").same()  # type: ignore[attr-defined]  # ditto
    assert again.run(echo=None).steps["same"].cached


def test_what_is_returned_in_place_of_files_is_told() -> None:
    pipe: Any = Pipeline("own").provide(RawData, "rows.csv")
    with pytest.raises(StepFailed, match=r"wrong returned for test_data 3 \(int\); it must be a path, or a table"):
        pipe.wrong().run(echo=None)
