"""The notebooks run from top to bottom, in a kernel of their own."""

from pathlib import Path

import nbformat
import pytest

FOLDER = Path(__file__).parent.parent / "notebooks"


@pytest.mark.slow
@pytest.mark.enable_socket
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::RuntimeWarning")  # of the kernel's own packages
@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.ipynb")), ids=lambda path: path.name)
def test_a_notebook_runs_and_shows_what_it_is_stored_with(path: Path, tmp_path: Path) -> None:
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    stored = kinds(notebook)
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()
    assert kinds(notebook) == stored
    assert any("text/html" in each for each in stored)


def kinds(notebook: nbformat.NotebookNode) -> list[list[str]]:
    """The kinds of output of every cell: `text/html`, `stream`, …."""
    return [
        sorted(kind for output in cell.get("outputs", ()) for kind in output.get("data", {output.output_type: ""}))
        for cell in notebook.cells
    ]
