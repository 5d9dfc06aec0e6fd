"""The layers, made executable: who may import whom, and what importing the library may cost."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import fluentpipe
from fluentpipe import stubgen

ROOT = Path(fluentpipe.__file__).parent

# From the bottom up: a module imports only from those before it. Packages are one layer each.
ORDER = (
    "errors", "terminal", "aws_faults", "aws", "diagnostic", "kinds", "match", "document", "comparing", "s3uri", "stamps", "assets", "upload", "request", "_property_table", "shapes",
    "check_baselines", "check_conditions", "check_cycles", "check_steps", "check_references", "check_emr", "check_jobs", "check", "flowchart", "bundle", "definition", "deployed", "difference",
    "expression", "reference", "adopt", "_properties", "contract", "settings", "retry", "network", "caching", "objective", "ranges", "proxy", "_image_table", "images", "files", "program", "target", "waiting", "step", "conditional", "plugins", "notebook", "jobs", "defaults",
    "containers", "steps", "standalone", "function_shape", "function_step", "function", "suggest", "offers", "order", "connection", "node", "lineage", "reach", "resolve", "chain", "plan", "frameworks", "labels", "materialize",
    "verb", "_state", "stubgen", "report", "progress", "live", "outcome", "_run_outputs", "run", "serving", "executions", "deploy", "schedule_expression", "schedules", "alarms", "against", "policy", "checking", "show", "_verbs", "control", "engines", "spark", "anything", "sdk", "exchange", "here", "on_sagemaker", "pipeline", "script", "demo",
    "cli_options", "cli_runs", "cli_executions", "cli_deploy", "cli_compare", "cli_predict", "cli_schedule", "cli", "__main__", "__init__",
)  # fmt: skip

# What is imported where it is used: heavy things, and the face reaching down to what it seldom needs.
LAZY = {
    "pipeline": {"show"},
    "here": {"materialize", "target", "run", "live"},
    "on_sagemaker": {"deploy", "against", "schedules", "alarms"},
}
BANNED = (
    "boto3", "botocore", "click", "lightgbm", "numpy", "pandas", "pyarrow", "rich", "sagemaker", "sklearn", "xgboost", "yaml",
)  # fmt: skip


def layer(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imports(path: Path) -> Iterator[tuple[str, bool]]:
    """Modules of fluentpipe that a file imports, and whether it does so inside a function; types alone do not count."""
    tree = ast.parse(path.read_text("utf-8"))
    for node, lazy in _statements(tree.body, lazy=False):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "fluentpipe":
            below = (node.module or "").split(".")[1:]
            yield from ((name, lazy) for name in ([below[0]] if below else [alias.name for alias in node.names]))
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.startswith("fluentpipe."):
                    yield alias.name.split(".")[1], lazy


def _statements(body: list[ast.stmt], *, lazy: bool) -> Iterator[tuple[ast.stmt, bool]]:
    for node in body:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            yield from _statements(node.orelse, lazy=lazy)
            if ast.unparse(node.test) == "not TYPE_CHECKING":
                yield from _statements(node.body, lazy=lazy)
            continue
        yield node, lazy
        inner = lazy or isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        for name in ("body", "orelse", "finalbody"):
            yield from _statements(getattr(node, name, []), lazy=inner)
        for handler in getattr(node, "handlers", []):
            yield from _statements(handler.body, lazy=inner)


FILES = sorted(path for path in ROOT.rglob("*.py") if layer(path) in ORDER and layer(path) != "containers")


def test_every_module_has_its_place() -> None:
    homeless = {layer(path) for path in ROOT.rglob("*.py")} - {"data", *ORDER}
    assert not homeless, f"put {', '.join(sorted(homeless))} into ORDER, above all that they import"
    assert len(set(ORDER)) == len(ORDER)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_module_imports_only_from_those_below_it(path: Path) -> None:
    mine = ORDER.index(layer(path))
    for name, _lazy in imports(path):
        if layer(path) != name and name in ORDER:
            assert ORDER.index(name) < mine, f"{layer(path)} imports {name}, which is above it"


def test_the_face_lists_its_lazy_imports() -> None:
    found = {face: {name for name, lazy in imports(ROOT / f"{face}.py") if lazy} for face in LAZY}
    assert found == LAZY
    words = ast.get_docstring(ast.parse((ROOT / "pipeline.py").read_text("utf-8"))) or ""
    assert all(f"`{name}`" in words for names in LAZY.values() for name in names)


def test_only_the_modules_that_talk_to_aws_import_boto3() -> None:
    pattern = re.compile(r"^\s*(import|from) boto3\b", re.MULTILINE)
    found = {
        path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*.py") if pattern.search(path.read_text("utf-8"))
    }
    assert found <= {"run/s3.py", "aws.py", "aws_faults.py", "sdk/sessions.py"}


def test_the_programs_of_the_jobs_never_import_the_library() -> None:
    for path in (ROOT / "containers").glob("*.py"):
        assert not [name for name, _ in imports(path)], path.name
        assert "import fluentpipe" not in path.read_text("utf-8")


def loaded(code: str) -> set[str]:
    code += "; import sys; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())


CHAIN = "Pipeline('a').load_data('s3://bucket/x', label='y').preprocess().train_xgboost().evaluate_performance()"


def test_importing_and_chaining_load_nothing_heavy() -> None:
    assert not loaded(f"from fluentpipe import Pipeline; {CHAIN}.require(min_auc=0.8)") & set(BANNED)


def test_importing_leaves_packing_to_who_materializes() -> None:
    found = loaded("from fluentpipe import Pipeline")
    assert "inspect" in found
    assert not found & {"tarfile", "zipfile", "gzip", "hashlib", "html"}


def test_materializing_loads_the_model_of_the_service_but_no_client() -> None:
    found = loaded(f"from fluentpipe import Pipeline; {CHAIN}.materialize()")
    assert "botocore" in found
    assert not found & (set(BANNED) - {"botocore", "yaml"})


def test_the_generated_files_are_up_to_date() -> None:
    assert not [*stubgen.stale(stubgen.generated()), *stubgen.surplus()], f"run: {stubgen.COMMAND}"
