"""Which jobs run nothing but programs of ours.

Those change none of their inputs, so that large files need not be copied for them, and make do without pandas and
scikit-learn, so that they start sooner. Of anybody else's program nothing is assumed.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from fluentpipe.run.archive import UNREADABLE
from fluentpipe.run.identity import SUBMIT_DIRECTORY
from fluentpipe.run.job import JobRequest, find_input
from fluentpipe.run.storage import Storage
from fluentpipe.run.toolkit import read_hyperparameters
from fluentpipe.run.training_program import has_algorithm

_PROGRAMS = Path(__file__).parents[1] / "containers"
_LARGEST = 1 << 20  # bytes of an archive that may be ours
_RUNS_OTHERS = frozenset(("call_function.py", "with_requirements.py"))  # what the user wrote, in the same process


def is_own(job: JobRequest, storage: Storage) -> bool:
    """Whether the program of a job, and every file that was sent along with it, is one of ours, unchanged."""
    if has_algorithm(job.request):
        return True
    files = _code(job, storage)
    return bool(files) and all(_is_ours(name, content) for name, content in files.items())


def _is_ours(name: str, content: Path | bytes) -> bool:
    if name not in _ours() or name in _RUNS_OTHERS:
        return False
    return _ours()[name] == (content if isinstance(content, bytes) else content.read_bytes())


@cache
def _ours() -> Mapping[str, bytes]:
    return {file.name: file.read_bytes() for file in _PROGRAMS.iterdir() if file.is_file()}


def _code(job: JobRequest, storage: Storage) -> Mapping[str, Path | bytes]:
    """The files of the folder that the program lies in; none where that cannot be told."""
    request = job.request
    if (written := request.get("HyperParameters", {}).get(SUBMIT_DIRECTORY)) is not None:
        found = storage.find(str(read_hyperparameters({SUBMIT_DIRECTORY: written})[SUBMIT_DIRECTORY]))
        return _members(next(iter(found.files.values()))) if found.is_object else found.files
    application = request.get("AppSpecification", {})
    words = [*application.get("ContainerEntrypoint", ()), *application.get("ContainerArguments", ())][:2]
    for each in job.inputs:
        if any(str(word).startswith(f"{each.folder}/") for word in words):
            return find_input(storage, each).files
    return {}


def _members(archive: Path | bytes) -> Mapping[str, bytes]:
    content = (
        archive if isinstance(archive, bytes) else archive.read_bytes() if archive.stat().st_size <= _LARGEST else b""
    )
    try:
        with tarfile.open(fileobj=io.BytesIO(content)) as tar:
            return {
                member.name.removeprefix("./"): read.read()
                for member in tar
                if member.size <= _LARGEST and (read := tar.extractfile(member)) is not None
            }
    except UNREADABLE:
        return {}
