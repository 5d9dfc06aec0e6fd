"""The faults that people meet, each with the whole message that they are given, in `golden/`."""

from __future__ import annotations

import gzip
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fluentpipe.errors import RunError
from fluentpipe.run import Run, run as run_definition

from .namespaces import needs_namespaces
from .pipelines import OUT, Sketch, packed
from .test_canonical import SCRIPTS, telco
from .test_faults import DURING, SAY, _bomb, _one, _train

GOLDEN = Path(__file__).parent / "golden"
ROOT = Path(__file__).parents[2]
OUTPUT = f"pathlib.Path(os.environ['SAGEMAKER_BASE_DIR'] + '{OUT}/data'.removeprefix('/opt/ml'))"
MEMORY = "import resource\nresource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))\nx = b'x' * (2 << 30)"


def check(name: str, message: str, home: Path) -> None:
    """Compare with the golden file; `UPDATE_GOLDEN=1` writes it anew."""
    text = message.replace(str(home), "HOME")
    text = re.sub(r"runs/[0-9-]+-[0-9a-f]{12}", "runs/ID", text)
    text = re.sub(r"my-bucket/[0-9a-f]{12}/", "my-bucket/ID/", text)
    text = re.sub(r"/\.tmp-A-[0-9a-f]{8}", "/.tmp-A", text)
    text = re.sub(r"\n *\| *[~^]+(?=\n)", "", text)  # the marks of Python 3.11 and later
    text = re.sub(r'File "[^"]*/(?=(opt|fluentpipe|lib))[^"]*", line \d+', 'File "…"', text) + "\n"
    file = GOLDEN / f"{name.replace(' ', '-')}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")


def container(script: str, *arguments: str, **inputs: object) -> Sketch:
    """One step with a script of the library."""
    sketch = Sketch()
    entry = ["python3", f"/opt/ml/processing/input/code/{script}"]
    step = sketch.processing("A", "", inputs=inputs, outputs=("data",), arguments=arguments, entry=entry)
    step["Arguments"]["ProcessingInputs"][0]["S3Input"]["S3Uri"] = sketch.asset(SCRIPTS)
    return sketch


MADE: dict[str, Callable[[], Sketch]] = {
    "a script error": _one("def load():\n    raise KeyError('label')\nload()"),
    "an exit code": _one("print('no rows'); raise SystemExit(7)"),
    "a message of its own": _one(SAY.format("message")),
    "a signal": _one("import os; os.kill(os.getpid(), 11)"),
    "out of memory": _one(MEMORY),
    "killed for want of memory": _one("import os; os.kill(os.getpid(), 9)"),
    "a time-out": _train("import time; time.sleep(60)", seconds=1),
    "a missing output": _one(f"import os, pathlib; os.rmdir({OUTPUT})", outputs=("data",)),
    "a bomb": _train(code=_bomb()),
    "a path that climbs": _train(code=packed({"../../evil.py": "x"})),
    "a link that leads out": DURING["a link that leads out"][0],
}


@pytest.mark.parametrize("name", MADE)
def test_a_fault_is_told_in_these_words(name, run, tmp_path):
    with pytest.raises(RunError) as caught:
        run(MADE[name]())
    check(name, str(caught.value), tmp_path / "home")


# (name of the file, its content)
UNREADABLE = {
    "a corrupt Parquet file": ("rows.parquet", b"PAR1" + b"\0" * 100 + b"PAR1"),
    "a zip that is cut off": ("rows.csv.gz", gzip.compress(b"a,churn\n1,no\n2,yes\n" * 99)[:40]),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_an_input_that_cannot_be_read_is_told_with_its_name(name, run, tmp_path):
    file, content = UNREADABLE[name]
    (tmp_path / file).write_bytes(content)
    sketch = container(
        "load_data.py", "--input", "/opt/ml/processing/input/rows", "--output", f"{OUT}/data", "--label", "churn",
        rows=str(tmp_path / file),
    )  # fmt: skip
    with pytest.raises(RunError) as caught:
        run(sketch)
    check(name, str(caught.value), tmp_path / "home")


@pytest.fixture
def learned(tmp_path: Path) -> Run:
    """A run of the canonical chain on a few rows."""
    rows = "\n".join(f"{i % 7},{'ab'[i % 2]},{'yes' if i % 3 else 'no'}" for i in range(120))
    (tmp_path / "rows.csv").write_text(f"calls,plan,churn\n{rows}\n")
    data = {"data": str(tmp_path / "rows.csv")}
    return run_definition(telco(0.0), parameters=data, home=tmp_path / "home", echo=None, check=False)


def test_a_column_that_is_missing_at_evaluation_is_named(learned, run, tmp_path):
    test = shutil.copytree(learned.steps["Preprocess"].outputs["test_data"], tmp_path / "test")
    (file,) = test.rglob("*.parquet")
    table = pq.read_table(file)
    file.chmod(0o644)
    pq.write_table(table.drop_columns(["calls"]), file)
    sketch = container(
        "evaluate.py", "--model", "/opt/ml/processing/input/model", "--test", "/opt/ml/processing/input/test",
        "--output", f"{OUT}/data", model=str(learned.steps["Train"].outputs["model"]), test=str(test),
    )  # fmt: skip
    with pytest.raises(RunError) as caught:
        run(sketch)
    assert pa.types.is_floating(table.schema.field("calls").type)
    check("a missing column at evaluation", str(caught.value), tmp_path / "home")


NO_SPACE = """
import sys
from fluentpipe.errors import RunError
from tests.run.pipelines import OUT, Sketch
from fluentpipe.run import run
sketch = Sketch()
sketch.processing("A", sys.argv[2], outputs=("data",))
try:
    run(sketch.definition(), home=sys.argv[1], echo=None)
except RunError as error:
    print(error)
    print(error.run.status, error.run.steps["A"].status)
"""
FILLING = {
    "no space for the program": f"import os, pathlib; ({OUTPUT} / 'x').write_bytes(b'x' * (4 << 20))",
    "no space for its log": "print('x' * 1000 + '\\n', end='', flush=True)\nfor _ in range(4000): print('x' * 1000)",
}


@needs_namespaces
@pytest.mark.slow
@pytest.mark.parametrize("name", FILLING)
def test_a_full_disk_is_told_and_the_run_says_that_it_failed(name, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    mount = 'mount -t tmpfs -o size=2m none "$0" && exec "$@"'
    program = [sys.executable, "-c", NO_SPACE, str(home), FILLING[name]]
    command = ["unshare", "-Urm", "sh", "-c", mount, str(home), *program]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    check(name, done.stdout.rstrip(), home)
