"""EMR steps, for which a function stands in, and notebooks, which are executed in a kernel of this machine."""

from __future__ import annotations

import importlib.util
import json
import tarfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from fluentpipe import Parameter, Pipeline, RawData
from fluentpipe.errors import RunError, StepFailed
from fluentpipe.run import notebook as notebooks
from fluentpipe.run.builtin import notebook_job

PROGRAMS = Path(__file__).parents[1] / "programs" / "notebook"
ROLE = "arn:aws:iam::111122223333:role/Spark"
TABLES: Mapping[str, Any] = {"inputs": {"raw": RawData}, "outputs": {"rows": RawData}}


@pytest.fixture(autouse=True)
def rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working directory with rows and a program that copies a folder."""
    monkeypatch.chdir(tmp_path)
    Path("rows.csv").write_text("a\n" + "1\n" * 100)
    Path("copy.sh").write_text('cp "$2"/* "$4"\n')


def options(inputs: dict[str, Any]) -> dict[str, str]:
    if "StepConfig" in inputs:
        words = inputs["StepConfig"]["HadoopJarStep"]["Args"]
    else:
        words = inputs["JobConfig"]["jobDriver"]["sparkSubmit"]["entryPointArguments"]
    return dict(zip(words[::2], words[1::2], strict=True))


def halve(inputs: dict[str, Any]) -> None:
    given = options(inputs)
    raw = Path(given["--raw"])
    lines = (raw if raw.is_file() else raw / "rows.csv").read_text().splitlines(keepends=True)
    Path(given["--rows"], "rows.csv").write_text("".join(lines[: 1 + len(lines) // 2]))


def quartered() -> Any:
    pipe: Any = (
        Pipeline("own").provide(RawData, "rows.csv").emr("s3://b-cket/a.jar", **TABLES, cluster_id="j-1", name="one")
    )
    return pipe.emr_serverless("s3://b-cket/a.py", **TABLES, execution_role=ROLE, application_id="00f1", name="two")


def test_what_stands_in_for_emr_writes_outputs_that_later_steps_take() -> None:
    pipe = quartered().process("copy.sh", inputs={"rows": RawData}, outputs={"same": RawData})
    run = pipe.run(echo=None, stand_ins={"one": halve, "two": halve})
    assert (run.steps["copy"].outputs["same"] / "rows.csv").read_text().count("1") == 25
    assert run.outputs.get("one", "rows").value() == str(run.steps["one"].outputs["rows"])
    assert Path(run.outputs.get("two", "rows").value(), "rows.csv").is_file()
    again = pipe.run(echo=None, stand_ins={"one": halve, "two": halve})
    assert again.steps["copy"].cached == run.id  # the rows are the same


def test_steps_that_another_wrote_are_stood_in_for_likewise() -> None:
    """As version 3 of the SDK has outputs: arguments that say a place, which later steps take by their index."""
    words = {"StepConfig": {"HadoopJarStep": {"Jar": "a", "Args": ["--out", "s3://b-cket/out"]}}, "ClusterId": "j-1"}
    pipe: Any = Pipeline("own").raw_step({"Type": "EMR", "Arguments": words}, name="spark")
    pipe = pipe.process("copy.sh", inputs={"rows": pipe.outputs.spark.properties.Config.Args[1]}, outputs=["same"])
    run = pipe.run(echo=None, stand_ins={"spark": lambda inputs: Path(options(inputs)["--out"], "a").touch()})
    assert (run.steps["copy"].outputs["same"] / "a").is_file()
    assert set(run.steps["spark"].outputs) == {"out"}


WRONG: dict[str, tuple[Any, str]] = {
    "nothing stands in": ({}, r"do not run here yet: one \(EMR\), two \(EMRServerless\); .*stand_ins=\{'one': lambda inputs"),
    "nothing is written": ({"one": print, "two": halve}, r"stands in for step 'one' wrote nothing as rows"),
    "an error": ({"one": lambda inputs: 1 / 0, "two": halve}, "raised ZeroDivisionError: division by zero"),
}  # fmt: skip


@pytest.mark.parametrize(("stand_ins", "said"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_with_what_stands_in_is_told(stand_ins: Any, said: str) -> None:
    with pytest.raises(RunError, match=said):
        quartered().run(echo=None, stand_ins=stand_ins)


def explored(**settings: Any) -> Any:
    pipe: Any = Pipeline("own").provide(RawData, "rows.csv")
    usual = {
        "image_uri": "a.dkr.ecr.b/c:1", "inputs": {"rows": RawData}, "parameters": {"least": Parameter("least", 50)},
        "files": [PROGRAMS / "beside.py"], "environment": {"WHO": "me", "OUT": "/opt/ml/output/data"},
    }  # fmt: skip
    return pipe.notebook(settings.pop("notebook", PROGRAMS / "explore.ipynb"), **{**usual, **settings})


@pytest.mark.slow
@pytest.mark.xdist_group("notebook")
def test_a_notebook_is_executed_with_its_parameters_and_kept() -> None:
    said: list[str] = []
    run = explored(init_script=PROGRAMS / "init.sh").run(echo=said.append)
    assert "[explore] rows: 100 least: '50' greeting: hello who: me" in said
    with tarfile.open(run.outputs.get("explore", "executed_notebook").value()) as archive:
        files = {name: archive.extractfile(name).read() for name in archive.getnames()}  # type: ignore[union-attr]
    assert set(files) == {"explore.ipynb", "explore-executed.ipynb", "count.txt"}
    assert files["count.txt"] == b"100"
    assert files["explore.ipynb"] == (PROGRAMS / "explore.ipynb").read_bytes()
    cells = json.loads(files["explore-executed.ipynb"])["cells"]
    assert [cell["metadata"].get("tags") for cell in cells][:3] == [None, ["parameters"], ["injected-parameters"]]
    assert "least = '50'" in "".join(cells[2]["source"])
    assert cells[-1]["outputs"][0]["data"]["text/plain"] in ("100", ["100"])
    assert explored(init_script=PROGRAMS / "init.sh").run(echo=None).steps["explore"].cached == run.id
    with pytest.raises(StepFailed, match="ValueError: only 100 rows"):
        explored(init_script=PROGRAMS / "init.sh").run(echo=None, parameters={"least": 500})


@pytest.mark.slow
@pytest.mark.xdist_group("notebook")
def test_a_notebook_that_takes_too_long_is_ended_with_its_kernel(tmp_path: Path) -> None:
    cell = "import os, time; from pathlib import Path; Path(os.environ['PID']).write_text(str(os.getpid())); time.sleep(600)"
    written("slow.ipynb", cell)
    pid = tmp_path / "pid"
    with pytest.raises(StepFailed, match="took longer than"):
        explored(notebook="slow.ipynb", max_runtime=10, environment={"PID": str(pid)}, inputs={}).run(echo=None)
    for _ in range(50):
        if not Path("/proc", pid.read_text()).exists():
            break
        time.sleep(0.1)
    else:
        pytest.fail("the kernel still runs")


def written(name: str, *sources: str, **metadata: Any) -> None:
    cells = [
        {"cell_type": "code", "source": each, "metadata": {}, "outputs": [], "execution_count": None}
        for each in sources
    ]
    Path(name).write_text(json.dumps({"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 4}))


def test_without_the_packages_it_is_told_before_anything_starts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    there = importlib.util.find_spec
    monkeypatch.setattr(
        notebooks.importlib.util, "find_spec", lambda name: None if name in ("nbclient", "ipykernel") else there(name)
    )
    said = r"not installed: nbclient, ipykernel\. Install them: pip install 'fluentpipe\[notebook\]'"
    with pytest.raises(RunError, match=said):
        explored().run(echo=None, home=tmp_path / "home")
    assert not (tmp_path / "home" / "runs").exists()


def test_a_kernel_that_is_not_here_is_told_before_anything_starts() -> None:
    with pytest.raises(RunError, match=r"there is no kernel 'pyhton3' here\. Did you mean 'python3'\?"):
        explored(kernel="pyhton3").run(echo=None)


TAGGED = [("a", []), ("b", ["parameters"]), ("c", [])]
INJECTED: dict[str, tuple[list[tuple[str, list[str]]], list[str]]] = {
    "after the cell that is tagged": (TAGGED, ["a", "b", "# Parameters", "c"]),
    "at the top without one": ([("a", []), ("b", [])], ["# Parameters", "a", "b"]),
    "in the place of an earlier one": ([*TAGGED, ("d", ["injected-parameters"])], ["a", "b", "c", "# Parameters"]),
}


@pytest.mark.parametrize(("cells", "expected"), INJECTED.values(), ids=INJECTED)
def test_parameters_stand(cells: list[tuple[str, list[str]]], expected: list[str]) -> None:
    import nbformat

    made = [nbformat.v4.new_code_cell(text, metadata={"tags": tags}) for text, tags in cells]
    notebook = nbformat.v4.new_notebook(cells=made)
    notebook_job.inject(notebook, {"a": 'it\'s "5"\n'}, "python3")
    nbformat.validate(notebook)
    assert [each.source.splitlines()[0] for each in notebook.cells] == expected
    scope: dict[str, str] = {}
    exec(next(each.source for each in notebook.cells if each.source.startswith("# Parameters")), scope)
    assert scope["a"] == 'it\'s "5"\n'


REFUSED: dict[str, tuple[dict[str, str], dict[str, Any], str]] = {
    "a notebook in R": ({"a": "1"}, {"language_info": {"name": "R"}}, "this one is in R"),
    "a name that is none": ({"a-b": "1"}, {}, "no variables can be named 'a-b'"),
}


@pytest.mark.parametrize(("parameters", "metadata", "said"), REFUSED.values(), ids=REFUSED)
def test_parameters_that_cannot_stand_are_refused(parameters: Any, metadata: Any, said: str) -> None:
    import nbformat

    with pytest.raises(ValueError, match=said):
        notebook_job.inject(nbformat.v4.new_notebook(metadata=metadata), parameters, "kernel")
