"""Notebook jobs: trainings whose entry point is the scheduler of SageMaker's images, which executes a notebook.

Here a program of ours does what that does, in a kernel of this machine; see `builtin/notebook_job.py`.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs

from fluentpipe.errors import did_you_mean
from fluentpipe.run.storage import Storage

SCHEDULER = "amazon_sagemaker_scheduler"  # SageMaker SDK, NotebookJobStep: the container's entry point
PROGRAM = Path(__file__).parent / "builtin" / "notebook_job.py"
_NEEDED = ("nbclient", "nbformat", "ipykernel")


def is_notebook(request: Mapping[str, Any]) -> bool:
    """Whether a training executes a notebook; false for what is no training."""
    entry = request.get("AlgorithmSpecification", {}).get("ContainerEntrypoint")
    return isinstance(entry, list | tuple) and list(entry[:1]) == [SCHEDULER]


@attrs.frozen
class Notebook:
    """The notebook of a request, executed by a program of ours."""

    def prepare(self, root: Path, storage: Storage) -> None:
        """Nothing: the notebook is in a channel like any other data."""

    def argv(self, root: Path) -> tuple[str, ...]:  # noqa: ARG002 - it is told the root by the environment
        """Our program in place of the image's."""
        return (sys.executable, str(PROGRAM))

    def cwd(self, root: Path) -> Path:
        """The root; the notebook itself is executed in its folder."""
        return root

    def environment(self, root: Path, job: str, channels: Mapping[str, Any], threads: int) -> dict[str, str]:  # noqa: ARG002
        """None but those of the request."""
        return {}


def notebook_faults(arguments: Mapping[str, Any]) -> Iterator[str]:
    """What lets a notebook not be executed here, known before anything starts."""
    environment = arguments.get("Environment", {})
    for name in ("SM_INPUT_NOTEBOOK_NAME", "SM_OUTPUT_NOTEBOOK_NAME", "SM_KERNEL_NAME", "SM_EXECUTION_INPUT_PATH"):
        if name not in environment:
            yield f"the environment of a notebook job says {name}, which is missing"
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        yield (
            f"a notebook is executed here by {', '.join(_NEEDED)}; not installed: {', '.join(missing)}. "
            "Install them: pip install 'fluentpipe[notebook]'"
        )
        return
    kernel = environment.get("SM_KERNEL_NAME", "")
    if isinstance(kernel, str) and kernel and (known := _kernels()) and kernel not in known:
        yield (
            f"there is no kernel {kernel!r} here.{did_you_mean(kernel, known)} There are: {', '.join(sorted(known))}; "
            "`python -m ipykernel install --sys-prefix --name …` makes one of this Python"
        )


def _kernels() -> set[str]:
    from jupyter_client.kernelspec import KernelSpecManager  # heavy, and of the extra `notebook`

    return set(KernelSpecManager().find_kernel_specs())
