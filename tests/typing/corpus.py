"""The corpus of typed scripts, what each type checker is expected to find in it, and what it finds."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

HERE = Path(__file__).parent
CHECKERS = ("mypy", "pyright", "ty", "pyrefly")

Findings = Mapping[tuple[str, int], str]
"""(file, line) -> the codes found there, sorted, with `+` between them."""

CONFIGURATION = """
[tool.mypy]
strict = true
enable_error_code = ["truthy-bool"]
mypy_path = "stubs"

[tool.pyright]
stubPath = "stubs"

[tool.ty.environment]
extra-paths = ["stubs"]
"""


def laid_out(folder: Path) -> Path:
    """A user's project: the scripts of the corpus, a package with steps of its own, its stub, and the settings."""
    for script in [*HERE.glob("right/*.py"), *HERE.glob("wrong/*.py")]:
        shutil.copy(script, folder)
    shutil.copytree(HERE / "project", folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "pyproject.toml").write_text(CONFIGURATION, "utf-8")
    return folder


def expected(checker: str) -> Findings:
    """What the comments in the scripts say: `# mypy: misc; pyright: …; ty: …; pyrefly: …`, `-` for nothing."""
    found = {}
    for script in [*HERE.glob("right/*.py"), *HERE.glob("wrong/*.py")]:
        for number, line in enumerate(script.read_text("utf-8").splitlines(), 1):
            _, mark, results = line.partition("  # mypy: ")
            said = dict(part.split(": ") for part in f"mypy: {results}".split("; ")) if mark else {}
            codes = said.get(checker, "-")
            if codes != "-":
                found[script.name, number] = codes
    return found


def planted() -> int:
    """How many mistakes there are, each found by at least one type checker."""
    return len({place for checker in CHECKERS for place in expected(checker)})


def findings(
    checker: str, tools: Path, python: Path, folder: Path, *, path: str = "", stubs: Path | None = None
) -> Findings:
    """What a type checker reports in a folder.

    Args:
        checker: One of `CHECKERS`.
        tools: Folder of the programs.
        python: Interpreter of the environment that has fluentpipe.
        folder: From `laid_out`.
        path: The PYTHONPATH.
        stubs: Folder of the library's stubs, where it is installed editable; pyrefly has to be told.
    """
    scripts = sorted(script.name for script in folder.glob("*.py"))
    command, read = _COMMANDS[checker]
    place = {"python": str(python), "environment": str(python.parent.parent)}
    places = ("stubs", stubs, stubs.parent) if checker == "pyrefly" and stubs is not None else ()
    told = [f"--search-path={each}" for each in places]
    words = [str(tools / checker), *(word.format(**place) for word in command), *told, *scripts]
    done = subprocess.run(words, capture_output=True, text=True, cwd=folder, env={**os.environ, "PYTHONPATH": path})
    assert done.returncode in {0, 1}, done.stdout + done.stderr
    return _collected(read(done.stdout))


def _collected(found: Iterable[tuple[str, int, str]]) -> Findings:
    codes: dict[tuple[str, int], set[str]] = {}
    for file, line, code in found:
        codes.setdefault((Path(file).name, line), set()).add(code)
    return {place: "+".join(sorted(each)) for place, each in codes.items()}


def _lines(pattern: str, text: str) -> Iterable[tuple[str, int, str]]:
    return [(file, int(line), code) for file, line, code in re.findall(pattern, text, re.MULTILINE)]


def _mypy(text: str) -> Iterable[tuple[str, int, str]]:
    return _lines(r"^(\S+?):(\d+): error: .*\[([a-z-]+)\]$", text)


def _pyright(text: str) -> Iterable[tuple[str, int, str]]:
    for each in json.loads(text)["generalDiagnostics"]:
        if each["severity"] == "error":
            yield each["file"], each["range"]["start"]["line"] + 1, each.get("rule", "syntax")


def _ty(text: str) -> Iterable[tuple[str, int, str]]:
    return _lines(r"^(\S+?):(\d+):\d+: error\[([a-z-]+)\]", text)


def _pyrefly(text: str) -> Iterable[tuple[str, int, str]]:
    return _lines(r"^ERROR (\S+?):(\d+):.*\[([a-z-]+)\]$", text)


_COMMANDS = {
    "mypy": (["--python-executable={python}", "--cache-dir=.mypy_cache"], _mypy),
    "pyright": (["--outputjson", "--pythonpath={python}"], _pyright),
    "ty": (["check", "--output-format=concise", "--python={environment}"], _ty),
    # Settings do not reach what pyrefly reads from the environment; options do.
    "pyrefly": (
        [
            "check",
            "--output-format=min-text",
            "--python-interpreter-path={python}",
            "--site-package-path=stubs",
            "--preset=default",
        ],
        _pyrefly,
    ),
}
