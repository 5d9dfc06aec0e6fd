"""Plugins: step classes of installed distributions, good and broken ones side by side."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

STEP = """
from fluentpipe import DependencySpec, OutputSpec, ProcessingStep, StepContract, TrainingData, setting

class {step_type}(ProcessingStep):
    '''Keep every n-th row.'''

    contract = StepContract(
        step_type="{step_type}",
        verb="{verb}",
        dependencies=(DependencySpec("rows", TrainingData, description="Rows to draw from."),),
        outputs=(OutputSpec("thinned", TrainingData, "{path}", "The rows kept."),),
    )
    script = "thin.py"

    every: int = setting(2, ge=1, doc="Which rows are kept.")
"""
SCRIPT = """
import argparse, pathlib
parser = argparse.ArgumentParser()
for name in ("--rows", "--thinned"):
    parser.add_argument(name, type=pathlib.Path)
parser.add_argument("--every", type=int)
given = parser.parse_args()
for file in given.rows.rglob("*.csv"):
    (given.thinned / file.name).write_text("".join(file.read_text().splitlines(keepends=True)[:: given.every]))
"""
PATH = "ProcessingOutputConfig.Outputs['thinned'].S3Output.S3Uri"


def install(site: Path, name: str, source: str) -> None:
    """A distribution with one module of steps, as pip lays it out."""
    package = name.replace("-", "_")
    (site / package).mkdir(parents=True)
    (site / package / "__init__.py").touch()
    (site / package / "steps.py").write_text(source, "utf-8")
    (site / package / "thin.py").write_text(SCRIPT, "utf-8")
    info = site / f"{package}-2.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 2.1\n", "utf-8")
    (info / "entry_points.txt").write_text(f"[fluentpipe.steps]\n{name} = {package}.steps\n", "utf-8")


def step(step_type: str, verb: str, path: str = PATH) -> str:
    return STEP.format(step_type=step_type, verb=verb, path=path)


def python(site: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """What an interpreter says that has these distributions installed."""
    environment = {**os.environ, "PYTHONPATH": str(site)}
    return subprocess.run([sys.executable, *words], capture_output=True, text=True, env=environment, cwd=site)


USE = """
from fluentpipe import Pipeline, TrainingData
pipe = Pipeline("thin").provide(TrainingData, "rows").thin(every=3)
print(pipe)
print(pipe.outputs.thinning.thinned)
print(pipe.explain())
print((pipe.run(echo=None).steps["thinning"].outputs["thinned"] / "rows.csv").read_text())
"""


def test_the_steps_of_an_installed_distribution_have_all_that_built_in_ones_have(tmp_path: Path) -> None:
    install(tmp_path, "acme-shop", step("Thinning", "thin"))
    (tmp_path / "rows").mkdir()
    (tmp_path / "rows" / "rows.csv").write_text("".join(f"row {number}\n" for number in range(7)), "utf-8")
    done = python(tmp_path, "-W", "error", "-c", USE)
    assert done.returncode == 0, done.stderr
    assert "thinning(rows) -> thinned" in done.stdout
    assert "rows <- rows  0.71  provided TrainingData" in done.stdout
    assert "${thinning.thinned~" in done.stdout
    assert done.stdout.endswith("row 0\nrow 3\nrow 6\n\n")
    stubs = python(tmp_path, "-m", "fluentpipe", "stubs", "--out", "stubs")
    assert stubs.returncode == 0, stubs.stderr
    stub = (tmp_path / "stubs" / "fluentpipe_project.pyi").read_text("utf-8")
    assert "def thin(" in stub
    assert "every: int | Deferred[int] = 2" in stub
    assert "class ThinningOutputs(" in stub


BROKEN = {
    "import": ("import no_such_module\n", "ModuleNotFoundError: No module named 'no_such_module'"),
    "syntax": ("def thin(:\n", "SyntaxError: invalid syntax"),
    "contract": (step("Odd", "odd", "ProcessingOutputConfig.Outputz"), "ContractError: step class Odd cannot work."),
    "built-in verb": (step("Mine", "preprocess"), "verb 'preprocess' belongs to fluentpipe.steps.preprocess."),
    "method of Pipeline": (step("Mine", "merge"), "verb 'merge' is a method of Pipeline already"),
    "verb of another plugin": (step("Other", "thin"), "verb 'thin' belongs to acme_shop.steps.Thinning"),
}
THIN = (
    "from fluentpipe import Pipeline, TrainingData; print(Pipeline('a').provide(TrainingData, 's3://bucket/x').thin())"
)


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_plugin_is_named_and_the_others_work(fault: str, tmp_path: Path) -> None:
    source, said = BROKEN[fault]
    install(tmp_path, "acme-shop", step("Thinning", "thin"))
    install(tmp_path, "broken-steps", source)
    done = python(tmp_path, "-c", THIN)
    assert done.returncode == 0, done.stderr
    assert "thinning(" in done.stdout
    assert (
        "RuntimeWarning: the steps of plugin 'broken-steps' (broken_steps.steps) of broken-steps 2.1 cannot be"
        in done.stderr
    )
    assert said in done.stderr
    assert "acme-shop" not in done.stderr
