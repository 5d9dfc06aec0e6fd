"""The corpus before all four type checkers: on a wheel in a fresh environment, and on an editable install."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from corpus import CHECKERS, HERE, expected, findings, laid_out
from language_server import Session

from fluentpipe import jobs
from fluentpipe.step import Step
from fluentpipe.stubgen.files import STUBS

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
    stubs = STUBS.parent if how == "editable" else None
    found = findings(checker, tools, installed[how], laid_out(tmp_path), stubs=stubs)
    assert found == expected(checker)


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
    settings = (
        tmp_path / "settings.txt"
    )  # on a class a setting is its declaration; on a step, as in the stub, its value
    settings.write_text("".join(f"fluentpipe.jobs.{line}\n" for line in declared_settings()), "utf-8")
    words = ["fluentpipe", "fluentpipe_project", "--concise", "--ignore-unused-allowlist"]
    words += ["--allowlist", str(HERE / "stubtest.txt"), "--allowlist", str(settings)]
    done = subprocess.run(
        [str(installed["editable"]), "-m", "mypy.stubtest", *words],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={**os.environ, "MYPYPATH": str(only_stubs(tmp_path / "stubs"))},
    )
    said = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    unread = modules_without_stub()  # of which mypy reads some as they are
    assert not [line for line in said if not {*prefixes(line.split()[0])} & unread]
    assert "fluentpipe.pipeline" not in unread


def modules_without_stub() -> set[str]:
    files = {path.relative_to(ROOT).with_suffix("") for path in (ROOT / "fluentpipe").rglob("*.py")}
    stubs = {"fluentpipe" / path.relative_to(STUBS).with_suffix("") for path in STUBS.rglob("*.pyi")}
    return {".".join(path.parts).removesuffix(".__init__") for path in files - stubs} - {"fluentpipe"}


def prefixes(name: str) -> list[str]:
    """`fluentpipe.run.s3.read`, `fluentpipe.run.s3`: a name, and the module that it may be in."""
    return [name, name.rpartition(".")[0], name.rpartition(".")[0].rpartition(".")[0]]


def declared_settings() -> list[str]:
    """`JobStep.instance_type` and so on: the settings that the base classes of jobs declare."""
    classes = [cls for cls in vars(jobs).values() if isinstance(cls, type) and issubclass(cls, Step)]
    return [f"{cls.__name__}.{name}" for cls in classes for name in cls.settings]


def only_stubs(folder: Path) -> Path:
    """The stubs, and as stubs those modules that they import and that have none, in a package of their own."""
    shutil.copytree(STUBS, folder / "fluentpipe")
    shutil.copytree(ROOT / "fluentpipe_project", folder / "fluentpipe_project")
    for module in ("__init__", "_properties", "_run_outputs"):
        shutil.copy(ROOT / "fluentpipe" / f"{module}.py", folder / "fluentpipe" / f"{module}.pyi")
    return folder


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
