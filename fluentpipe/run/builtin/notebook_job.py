"""What the scheduler of SageMaker's images does with a notebook job, where nbclient and ipykernel are installed.

    SAGEMAKER_BASE_DIR=folder SM_EXECUTION_INPUT_PATH=… SM_INPUT_NOTEBOOK_NAME=… … python notebook_job.py

The notebook is executed in its own folder, in the kernel SM_KERNEL_NAME, with the hyperparameters as its parameters: a cell of
assignments after the one that is tagged `parameters`, else at the top, as papermill has it. As hyperparameters are texts, so are
they. In output/data lie afterwards the notebook as it came and SM_OUTPUT_NOTEBOOK_NAME, which was executed, as far as it went.
What the image does is in the package sagemaker-headless-execution-driver.
"""

from __future__ import annotations

import json
import keyword
import os
import re
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

_ROOT = "/opt/ml/"
_INJECTED, _PARAMETERS = "injected-parameters", "parameters"
_INIT = "FLUENTPIPE_INIT_SCRIPT_IS_DONE"
_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_LONGEST_LINE = 2000  # characters of a line of output that are shown in the log


def main() -> None:
    """Execute the notebook, or write why not."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    root = Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml"))
    _run_init_script()
    try:
        execute(root)
    except CellExecutionError as error:
        text = _ANSI.sub("", str(error.traceback)).strip()
        print(text, file=sys.stderr)
        _fail(root, f"{error.ename}: {error.evalue}")
    except (OSError, ValueError, RuntimeError) as error:
        _fail(root, f"{type(error).__name__}: {error}")


def _fail(root: Path, message: str) -> None:
    (root / "output").mkdir(parents=True, exist_ok=True)
    (root / "output" / "failure").write_text(message, encoding="utf-8")
    print(message, file=sys.stderr)
    sys.exit(1)


def _run_init_script() -> None:
    """Source SM_INIT_SCRIPT in a shell and start again in its environment, so that what it exports is there."""
    script = os.environ.get("SM_INIT_SCRIPT")
    if not script or os.environ.get(_INIT):
        return
    folder = os.environ["SM_EXECUTION_INPUT_PATH"]
    os.environ[_INIT] = "1"
    program = 'cd "$0" && . "./$1" && shift && exec "$@"'
    os.execv("/bin/sh", ["/bin/sh", "-ec", program, folder, script, sys.executable, __file__])  # noqa: S606 - the user's


def execute(root: Path) -> None:
    """Run all cells; the executed copy is written in any case.

    Raises:
        CellExecutionError: A cell raised an error.
        ValueError: The notebook cannot take its parameters.
    """
    folder, name = Path(os.environ["SM_EXECUTION_INPUT_PATH"]), os.environ["SM_INPUT_NOTEBOOK_NAME"]
    out = root / "output" / "data"
    out.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(folder / name, out / name)
    notebook = nbformat.read(folder / name, as_version=4)  # type: ignore[no-untyped-call]  # it has no types
    told = json.loads((root / "input" / "config" / "hyperparameters.json").read_text("utf-8"))
    inject(notebook, {key: _here(value, root) for key, value in told.items()}, os.environ["SM_KERNEL_NAME"])
    if formats := os.environ.get("SM_OUTPUT_FORMATS"):
        print(f"SM_OUTPUT_FORMATS {formats}: here the executed notebook is written, and no other format.")
    try:
        with tempfile.TemporaryDirectory(prefix="nb") as runtime:
            _client(notebook, folder, Path(runtime)).execute()
    finally:
        nbformat.write(notebook, out / _output_name(os.environ["SM_OUTPUT_NOTEBOOK_NAME"]))  # type: ignore[no-untyped-call]  # ditto


def _client(notebook: Any, folder: Path, runtime: Path) -> NotebookClient:
    """Through files, not ports, where the system has such: a job may have no network, and ports are anybody's."""
    os.environ |= {"JUPYTER_RUNTIME_DIR": str(runtime), "IPYTHONDIR": str(runtime / "ipython")}
    kernel = os.environ["SM_KERNEL_NAME"]
    manager = AsyncKernelManager(kernel_name=kernel)
    if sys.platform != "win32":
        manager.transport, manager.ip = "ipc", str(runtime / "k")
    return NotebookClient(
        notebook, km=manager, kernel_name=kernel, timeout=None, resources={"metadata": {"path": str(folder)}},
        on_cell_executed=_show,
    )  # fmt: skip


def _show(cell: Any, cell_index: int, execute_reply: Any) -> None:  # noqa: ARG001 - as nbclient calls it
    """What a cell printed, for the log."""
    for output in cell.get("outputs", ()):
        if output.get("output_type") == "stream":
            for line in str(output["text"]).splitlines():
                print(line[:_LONGEST_LINE], flush=True)


def inject(notebook: Any, parameters: dict[str, str], kernel: str) -> None:
    """Put a cell with the parameters into a notebook, in the place of one that an earlier run put there.

    Raises:
        ValueError: The notebook is not in Python, or a parameter has a name that no variable can have.
    """
    if not parameters:
        return
    language = notebook.metadata.get("language_info", {}).get("name") or notebook.metadata.get("kernelspec", {}).get(
        "language", "python"
    )
    if language.lower() not in ("python", "ipython"):
        raise ValueError(f"parameters are put into notebooks in Python here; this one is in {language} ({kernel})")
    wrong = [name for name in parameters if not name.isidentifier() or keyword.iskeyword(name)]
    if wrong:
        raise ValueError(f"no variables can be named {', '.join(map(repr, wrong))}")
    lines = ["# Parameters", *(f"{name} = {value!r}" for name, value in parameters.items())]
    cell = nbformat.v4.new_code_cell("\n".join(lines), metadata={"tags": [_INJECTED]})  # type: ignore[no-untyped-call]  # ditto
    tagged = {
        tag: place for place, each in enumerate(notebook.cells) for tag in reversed(each.metadata.get("tags", []))
    }
    if _INJECTED in tagged:
        notebook.cells[tagged[_INJECTED]] = cell
    else:
        notebook.cells.insert(tagged.get(_PARAMETERS, -1) + 1, cell)
    if notebook.nbformat_minor < 5:  # cells have had ids since 4.5
        cell.pop("id", None)


def _here(value: str, root: Path) -> str:
    """A path of the container as the one here."""
    return f"{root}/{value.removeprefix(_ROOT)}" if value.startswith(_ROOT) else value


def _output_name(name: str) -> str:
    """As the image has it: no points and colons but the one before the ending."""
    return re.sub(r"-*ipynb$", ".ipynb", re.sub(r"[.:]", "-", Path(name).name))


if __name__ == "__main__":
    main()
