"""The README and the docs: their code runs, their links lead somewhere."""

import gzip
import re
import subprocess
import sys
from pathlib import Path

import pytest

from fluentpipe.stubgen.files import COMMAND, documented
from fluentpipe.stubgen.pages import pages

ROOT = Path(__file__).parent.parent
STEPS = ROOT / "docs" / "steps"
DOCS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
DATA = ROOT / "fluentpipe" / "data" / "telco_churn.csv.gz"
OUTPUT = "<!-- output -->"  # before what the code of a page prints
SAMPLE = """\
import argparse, shutil
parser = argparse.ArgumentParser()
for name in ("training-data", "sampled", "share"):
    parser.add_argument("--" + name)
shutil.copytree(parser.parse_args().training_data, parser.parse_args().sampled, dirs_exist_ok=True)
"""


def blocks(document: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", document.read_text("utf-8"), re.DOTALL)


def _page(document: Path) -> object:
    """The two pages that one changes most run while one works, the others in the check."""
    marks = [] if document.name in {"README.md", "how-it-works.md"} else [pytest.mark.slow]
    return pytest.param(document, id=document.name, marks=marks)


@pytest.mark.parametrize("document", [_page(doc) for doc in DOCS if blocks(doc, "python")])
def test_the_python_of_a_page_runs_and_prints_what_stands_below_it(document: Path, tmp_path: Path) -> None:
    (tmp_path / "churn.csv").write_bytes(gzip.decompress(DATA.read_bytes()))
    (tmp_path / "sample.py").write_text(SAMPLE)
    (tmp_path / "page.py").write_text("\n".join(blocks(document, "python")))
    done = subprocess.run([sys.executable, "-W", "error", "page.py"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    if shown := re.findall(rf"{OUTPUT}\n```(?:text|mermaid)\n(.*?)```", document.read_text("utf-8"), re.DOTALL):
        assert done.stdout == "".join(shown)


def test_the_pages_of_the_steps_say_what_the_classes_say() -> None:
    there = {path.name: path.read_text("utf-8") for path in STEPS.glob("*.md")}
    assert there == pages(documented()), f"run: {COMMAND}"


def test_every_page_of_a_step_has_an_example() -> None:
    assert not [path.stem for path in STEPS.glob("*.md") if path.stem != "README" and not blocks(path, "python")]


@pytest.mark.slow
@pytest.mark.parametrize("document", sorted(STEPS.glob("[a-z]*.md")), ids=lambda doc: doc.stem)
def test_the_example_of_a_step_runs(document: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "churn.csv").write_bytes(gzip.decompress(DATA.read_bytes()))
    monkeypatch.chdir(tmp_path)
    exec(compile("\n".join(blocks(document, "python")), document.name, "exec"), {})


@pytest.mark.parametrize("document", [*DOCS, *sorted(STEPS.glob("*.md"))], ids=lambda doc: doc.name)
def test_links_between_pages_lead_to_files(document: Path) -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", document.read_text("utf-8"))
    missing = [target for target in targets if not (document.parent / target).exists()]
    assert not missing


def test_the_index_leads_to_every_page() -> None:
    index = set(re.findall(r"\]\(([^)#]+)", (ROOT / "docs" / "README.md").read_text("utf-8")))
    missing = {path.name for path in (ROOT / "docs").glob("*.md")} - {"README.md"} - index
    assert not missing, f"add to docs/README.md: {', '.join(sorted(missing))}"


def test_the_readme_s_messages_are_the_real_ones(tmp_path: Path) -> None:
    from fluentpipe import FluentpipeError, Pipeline

    csv = tmp_path / "churn.csv"
    csv.write_text("age,churn\n1,Yes\n2,No\n")
    loaded = Pipeline("churn").load_data(str(csv), label="churn")
    trained = loaded.preprocess().train_xgboost()
    mistakes = [
        lambda: loaded.train_xgboost(),
        lambda: loaded.preprocess().train_xgboost(max_dept=8),
        lambda: trained.outputs.xgboost_training.model_artifact,
        lambda: bool(trained.outputs.xgboost_training.model_artifacts),
        lambda: Pipeline("churn").load_data(str(csv), label="chrun"),
    ]
    table = [
        row.split(" | ")[1].strip(" |`")
        for row in (ROOT / "README.md").read_text("utf-8").splitlines()
        if row.startswith("| `")
    ]
    assert len(table) == len(mistakes)
    for mistake, told in zip(mistakes, table, strict=True):
        with pytest.raises(FluentpipeError) as caught:
            mistake()
        for part in told.split(" … "):
            assert part in str(caught.value)
