"""Lines and CPU time of one pipeline in four libraries: `python tests/benchmarks/bench_canonical.py --help`.

The pipeline: load, preprocess, train with XGBoost, evaluate, a gate, register. Each library has an interpreter of its own. The
time is the CPU time of a whole process, from its start to the definition on disk; the libraries take turns, and the median of
several rounds counts. Lines are those of the definition that hold code: no blank ones, no comments, no docstrings, and no programs of
the steps. fluentpipe brings the programs and checks the definition; nobody else does.
"""

from __future__ import annotations

import argparse
import ast
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).parent
CANONICAL, SDK = HERE / "canonical", HERE.parent / "sdk"
# Lines that are there for the benchmark or the fixtures alone.
ASIDE = ("offline", "telemetry", "write_programs", "json.loads(pipeline", "return written", "sys.argv")


def code_lines(file: Path) -> int:
    """Lines that hold code, but for those that are there for the benchmark."""
    text = file.read_text("utf-8")
    tree = ast.parse(text)
    skipped: set[int] = set()
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if (
            isinstance(body, list)
            and body
            and isinstance(body[0], ast.Expr)
            and isinstance(body[0].value, ast.Constant)
        ):
            skipped |= set(range(body[0].lineno, (body[0].end_lineno or 0) + 1))
        if isinstance(node, ast.FunctionDef) and node.name in {"write_programs", "definition"}:
            skipped |= set(range(node.lineno, (node.end_lineno or 0) + 1))
    lines = enumerate(text.splitlines(), 1)
    return sum(
        1
        for number, line in lines
        if line.strip()
        and not line.strip().startswith("#")
        and number not in skipped
        and not any(word in line for word in ASIDE)
    )


def seconds(words: Sequence[str]) -> float:
    """CPU seconds of a process and its children."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(words, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def main() -> None:
    """Measure in turns and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kfp", metavar="PYTHON", help="an interpreter that has kfp")
    parser.add_argument("--v2", metavar="PYTHON", help="one that has the SageMaker SDK, version 2")
    parser.add_argument("--v3", metavar="PYTHON", help="one that has version 3; tests/sdk/check_fixtures.sh makes both")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    files = {
        "fluentpipe": [CANONICAL / "with_fluentpipe.py"],
        "kfp 2": [CANONICAL / "with_kfp.py"],
        "SDK 2": [SDK / "chain_v2.py", SDK / "chain.py"],
        "SDK 3": [SDK / "chain_v3.py", SDK / "chain.py"],
    }
    sagemaker = str(CANONICAL / "with_sagemaker.py")
    with tempfile.TemporaryDirectory() as folder:
        place = str(Path(folder, "made"))
        commands = {
            "fluentpipe": [sys.executable, str(files["fluentpipe"][0]), place],
            "kfp 2": [given.kfp, str(files["kfp 2"][0]), place],
            "SDK 2": [given.v2, sagemaker, place, "2"],
            "SDK 3": [given.v3, sagemaker, place, "3"],
        }
        known = {name: [str(word) for word in words] for name, words in commands.items() if words[0]}
        rounds = [{name: seconds(words) for name, words in known.items()} for _ in range(given.rounds + 1)][1:]
    medians = {name: statistics.median(each[name] for each in rounds) for name in known}
    print(f"{'':12}{'lines':>8}{'CPU s':>9}{'times ours':>12}")
    for name, sources in files.items():
        lines = sum(map(code_lines, sources))
        if name in medians:
            print(f"{name:12}{lines:>8}{medians[name]:>9.2f}{medians[name] / medians['fluentpipe']:>12.1f}")
        else:
            print(f"{name:12}{lines:>8}  not measured: name an interpreter that has it")


if __name__ == "__main__":
    main()
