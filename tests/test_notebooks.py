"""The notebooks run from top to bottom, in a kernel of their own, and show what they are stored with."""

import re
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
GALLERY = ROOT / "docs" / "gallery.md"
NUMBER = re.compile(r"\d+(\.\d+)?(e-?\d+)?")
MOST_BYTES = 60_000


@pytest.mark.slow
@pytest.mark.enable_socket
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::RuntimeWarning")  # of the kernel's own packages
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_runs_and_shows_what_it_is_stored_with(path: Path, tmp_path: Path) -> None:
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    stored = kinds(notebook), words(notebook)
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()
    assert (kinds(notebook), words(notebook)) == stored
    assert any("text/html" in each for each in stored[0])


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_is_stored_small_executed_and_without_places_of_a_machine(path: Path) -> None:
    text = path.read_text("utf-8")
    assert len(text) < MOST_BYTES
    assert not re.search(r"/tmp/|/home/|/Users/|\\\\Users|/work/", text)
    notebook = nbformat.read(path, as_version=4)
    counts = [cell.execution_count for cell in notebook.cells if cell.cell_type == "code"]
    assert counts == list(range(1, len(counts) + 1)), "run: python notebooks/execute.py"
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    assert not [output for output in outputs if output.output_type == "error" or output.get("name") == "stderr"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_links_of_a_notebook_lead_to_files(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", text)
    assert not [target for target in targets if not (path.parent / target).exists()]


def test_the_gallery_shows_every_notebook_and_what_stands_in_it() -> None:
    page = GALLERY.read_text("utf-8")
    sections = dict(re.findall(r"\(\.\./notebooks/([\w.]+)\)(.*?)(?=\n## |\Z)", page, re.DOTALL))
    assert set(sections) == {path.name for path in NOTEBOOKS}
    for path in NOTEBOOKS:
        printed = squeezed("\n".join(plain(nbformat.read(path, as_version=4))))
        shown = re.findall(r"```text\n(.*?)```", sections[path.name], re.DOTALL)
        assert shown, path.name
        assert [text for text in shown if squeezed(text) not in printed] == []


def kinds(notebook: nbformat.NotebookNode) -> list[list[str]]:
    """The kinds of output of every cell: `text/html`, `stream`, …."""
    return [
        sorted(kind for output in cell.get("outputs", ()) for kind in output.get("data", {output.output_type: ""}))
        for cell in notebook.cells
    ]


def plain(notebook: nbformat.NotebookNode) -> list[str]:
    """What every cell printed or returned, as text."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    return [output.get("text") or output.get("data", {}).get("text/plain", "") for output in outputs]


def words(notebook: nbformat.NotebookNode) -> list[str]:
    """The same without figures, which differ in their last digits from machine to machine."""
    return [squeezed(NUMBER.sub("0", text)) for text in plain(notebook)]


def squeezed(text: str) -> str:
    """With a single space wherever there is any, as columns are as wide as their figures."""
    return re.sub(r"\s+", " ", text).strip()
