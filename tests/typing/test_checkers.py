"""The corpus before all four type checkers: on a wheel in a fresh environment, and on an editable install."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from corpus import CHECKERS, HERE, expected, findings, laid_out
from language_server import Session

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("checkers")]

ROOT = HERE.parent.parent


def environment(folder: Path, *arguments: str) -> Path:
    """A fresh environment with what is installed by these arguments of pip; its folder of programs."""
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, *arguments], check=True)
    return folder / "bin"


@pytest.fixture(scope="session")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The type checkers, in the versions that the corpus is about."""
    return environment(
        tmp_path_factory.mktemp("tools") / "env", *CHECKERS, "--constraint", str(HERE / "constraints.txt")
    )


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The interpreters of an environment with the wheel and of one with an editable install."""
    folder = tmp_path_factory.mktemp("installed")
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(ROOT)],
        check=True,
    )
    (wheel,) = folder.glob("*.whl")
    return {
        "wheel": environment(folder / "wheel", str(wheel)) / "python",
        "editable": environment(folder / "editable", "--editable", str(ROOT)) / "python",
    }


@pytest.mark.parametrize("how", ["wheel", "editable"])
@pytest.mark.parametrize("checker", CHECKERS)
def test_a_type_checker_finds_what_the_scripts_say(
    checker: str, how: str, tools: Path, installed: dict[str, Path], tmp_path: Path
) -> None:
    found = findings(checker, tools, installed[how], laid_out(tmp_path))
    assert found == expected(checker, editable=how == "editable")


def test_the_stub_installed_into_an_environment_types_a_projects_own_steps(
    tools: Path, installed: dict[str, Path], tmp_path: Path
) -> None:
    folder = laid_out(tmp_path)
    (folder / "stubs" / "fluentpipe_project.pyi").unlink()
    python = installed["wheel"]
    command = [str(python), "-m", "fluentpipe", "stubs", "shop.steps", "--install"]
    subprocess.run(command, check=True, cwd=folder)
    for checker in ("mypy", "pyright", "ty"):
        assert findings(checker, tools, python, folder) == expected(checker), checker
    subprocess.run([*command, "--check"], check=True, cwd=folder)


def test_stubs_and_modules_agree(installed: dict[str, Path], tmp_path: Path) -> None:
    pip = [str(installed["editable"]), "-m", "pip", "install", "--quiet", "mypy"]
    subprocess.run([*pip, "--constraint", str(HERE / "constraints.txt")], check=True)
    modules = [
        "fluentpipe._verbs",
        "fluentpipe_project",
        "fluentpipe.pipeline",
        "fluentpipe.proxy",
        "fluentpipe.expression",
    ]
    command = [str(installed["editable"]), "-m", "mypy.stubtest", *modules, "--allowlist", str(HERE / "stubtest.txt")]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


CHAIN = """from fluentpipe import Pipeline
pipe = Pipeline("churn").load_data("s3://my-bucket/churn.csv").preprocess().train_xgboost().evaluate_performance()
"""
FOURTEEN = (
    ".train_xgboost().evaluate_performance().require(min_auc=1).register('m')" * 3 + ".load_data('x').preprocess()"
)


@pytest.mark.parametrize("how", ["wheel", "editable"])
def test_an_editor_with_pyrights_language_server_completes(
    how: str, tools: Path, installed: dict[str, Path], tmp_path: Path
) -> None:
    session = Session(tools / "pyright-langserver", laid_out(tmp_path), installed[how])
    after = {
        "pipe.": {"preprocess", "train_xgboost", "evaluate_performance", "require", "register", "outputs", "run"},
        "pipe.outputs.": {"data_loading", "tabular_preprocessing", "xgboost_training", "model_evaluation"},
        "pipe.outputs.xgboost_training.": {"model_artifacts", "training_job_name", "properties"},
        "pipe.outputs.xgboost_training.properties.ModelArtifacts.": {"S3ModelArtifacts"},
        "pipe.train_xgboost(": {"max_depth=", "eta=", "n_estimators=", "training_data=", "name="},
        f"pipe{FOURTEEN}.": {"train_xgboost", "register"},
        "import shop.steps\npipe.": {"embed", "cluster"},
    }
    for number, (text, wanted) in enumerate(after.items()):
        assert wanted <= session.complete(f"case_{number}.py", CHAIN + text), text
    assert "max_depth: int | Deferred[int] | None" in session.signature("signature.py", CHAIN + "pipe.train_xgboost(")
    session.close()
