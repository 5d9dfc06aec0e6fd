"""What the type checker accepts and rejects of users' scripts."""

import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def findings(folder: Path, cache: Path) -> set[tuple[str, int, str]]:
    """(file, line, code) of every error that mypy reports."""
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--enable-error-code",
        "truthy-bool",
        "--config-file=",
        f"--cache-dir={cache}",
    ]
    done = subprocess.run([*command, str(folder)], capture_output=True, text=True, cwd=HERE)
    assert done.returncode in {0, 1}, done.stderr
    found = re.findall(r"^(\S+?):(\d+): error: .*\[([a-z-]+)\]$", done.stdout, re.MULTILINE)
    return {(Path(file).name, int(line), code) for file, line, code in found}


def expected(folder: Path) -> set[tuple[str, int, str]]:
    """What the comments `# E: code` of the scripts say."""
    return {
        (script.name, number, match.group(1))
        for script in folder.glob("*.py")
        for number, line in enumerate(script.read_text("utf-8").splitlines(), 1)
        if (match := re.search(r"# E: ([a-z-]+)$", line))
    }


def test_right_scripts_are_accepted_and_each_planted_mistake_is_found(tmp_path: Path) -> None:
    assert findings(HERE / "right", tmp_path) == set()
    wrong = expected(HERE / "wrong")
    assert len(wrong) >= 8
    assert findings(HERE / "wrong", tmp_path) == wrong
