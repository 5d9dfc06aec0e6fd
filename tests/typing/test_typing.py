"""What the type checkers accept and reject of users' scripts: mypy on the library as it lies here.

`test_checkers.py` has all four, on an installed wheel and on an editable install.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from corpus import HERE, expected, findings, laid_out, planted

from fluentpipe import stubgen
from fluentpipe.errors import FluentpipeError
from fluentpipe.stubgen.files import documented

STUBS = HERE.parent.parent / "stubs"
RIGHT = sorted(path for path in HERE.glob("right/*.py") if path.stem != "own_steps")
WRONG = sorted(path for path in HERE.glob("wrong/*.py") if path.stem != "own_steps_misused")


def test_mypy_accepts_the_right_scripts_and_finds_each_planted_mistake(tmp_path: Path) -> None:
    found = findings("mypy", Path(sys.executable).parent, Path(sys.executable), laid_out(tmp_path), path=str(STUBS))
    assert found == expected("mypy")


def test_mypy_reads_no_other_library_for_a_script_but_attrs(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text("from fluentpipe import Pipeline\n", "utf-8")
    command = [sys.executable, "-m", "mypy", "--verbose", "--cache-dir=cache", "script.py"]
    said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stderr
    modules = set(re.findall(r"^LOG: +Parsing \S+ \(([\w.]+)\)$", said, re.MULTILINE))
    assert "fluentpipe.pipeline" in modules
    foreign = {name.partition(".")[0] for name in modules} - {*sys.stdlib_module_names, "_typeshed", "script"}
    assert foreign == {"fluentpipe", "fluentpipe_project", "attr", "attrs", "typing_extensions"}
    source = {name for name in modules if name.startswith("fluentpipe.")} - {path_name(path) for path in stubs()}
    packages = {name for name in source if (STUBS.parent / name.replace(".", "/")).is_dir()}  # a docstring each
    assert source - packages <= {"fluentpipe._properties", "fluentpipe._run_outputs"}  # types alone


def stubs() -> list[Path]:
    folder = STUBS / "fluentpipe-stubs"
    return [path.relative_to(folder) for path in folder.rglob("*.pyi")]


def path_name(stub: Path) -> str:
    return ".".join(("fluentpipe", *stub.with_suffix("").parts)).removesuffix(".__init__")


def verbs_called(script: Path, *, rejected: bool = False) -> set[str]:
    """The methods that a script calls; or those alone in the lines that a type checker is to reject."""
    lines = script.read_text("utf-8").splitlines()
    calls = [each for each in ast.walk(ast.parse("\n".join(lines))) if isinstance(each, ast.Call)]
    wanted = [each for each in calls if not rejected or "  # mypy: " in lines[each.lineno - 1]]
    return {each.func.attr for each in wanted if isinstance(each.func, ast.Attribute)}


def test_every_verb_is_in_a_script_that_is_accepted_and_in_a_line_that_is_rejected() -> None:
    verbs = {name for cls in documented() for name in cls.contract.verbs}
    accepted = {name for script in RIGHT for name in verbs_called(script)}
    rejected = {name for script in WRONG for name in verbs_called(script, rejected=True)}
    assert {"accepted": verbs - accepted, "rejected": verbs - rejected} == {"accepted": set(), "rejected": set()}


def test_there_are_enough_planted_mistakes() -> None:
    assert planted() >= 25


@pytest.mark.parametrize("script", RIGHT, ids=lambda path: path.stem)
def test_what_the_type_checkers_accept_is_accepted_when_it_runs(script: Path) -> None:
    exec(compile(script.read_text("utf-8"), str(script), "exec"), {"__name__": "script"})


@pytest.mark.parametrize("script", WRONG, ids=lambda path: path.stem)
def test_what_the_type_checkers_reject_is_refused_when_it_runs(script: Path) -> None:
    lines = script.read_text("utf-8").splitlines()
    scope: dict[str, object] = {"__name__": "script"}
    for node in ast.parse("\n".join(lines)).body:
        code = compile(ast.Module([node], []), str(script), "exec")
        if "  # mypy: " not in lines[node.lineno - 1] or lines[node.lineno - 2].startswith("# at run time: fine"):
            exec(code, scope)
        else:
            with pytest.raises((FluentpipeError, TypeError, AttributeError)):
                exec(code, scope)
                pytest.fail(f"line {node.lineno} is accepted")


def test_the_generated_stub_of_a_projects_own_steps_has_not_changed(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "fluentpipe", "stubs", "shop.steps", "--out", "stubs", "--check"]
    done = subprocess.run(command, cwd=laid_out(tmp_path), capture_output=True, text=True)
    assert done.returncode == 0, f"{done.stderr}\n(in tests/typing/project)"


def test_generating_twice_gives_the_same_bytes_whatever_the_hash_seed() -> None:
    code = "from fluentpipe import stubgen; print(*stubgen.generated().values(), end='')"
    seed = "1" if os.environ.get("PYTHONHASHSEED") != "1" else "2"
    command, environment = [sys.executable, "-c", code], {"PYTHONHASHSEED": seed, "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(command, env=environment, capture_output=True, check=True)
    assert done.stdout.decode() == " ".join(stubgen.generated().values())


def test_the_first_line_of_a_generated_file_says_the_version_and_the_command() -> None:
    for text in stubgen.generated().values():
        assert text.startswith("# Generated by fluentpipe 0.1.0: python -m fluentpipe.stubgen; do not edit.\n")
