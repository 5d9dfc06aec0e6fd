"""The `requirements.txt` beside a script, which SageMaker's containers install before the script starts.

Here nothing is installed unless asked for: the user's environment is the user's. What the file asks for and is not there
is said; on request pip makes an environment of its own, kept by the content of the file, in which everything of the
user's environment is there as well.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from fluentpipe.errors import RunError
from fluentpipe.program import CODE, INSTALLER, REQUIREMENTS
from fluentpipe.run.alive import remove
from fluentpipe.run.paths import private_path

if TYPE_CHECKING:
    from packaging.requirements import Requirement

NAME = REQUIREMENTS
_READY = "ready"  # written last into an environment
_SHOWN = 15  # lines of what pip said
_LINK = "_from_the_environment_beside.pth"


@attrs.frozen
class Unmet:
    """Something that is asked for and not there."""

    wanted: str  # as it is written: "shap>=0.45"
    found: str | None  # the version that is installed instead; None for none

    def __str__(self) -> str:
        return f"{self.wanted} ({'not installed' if self.found is None else f'{self.found} is installed'})"


def requirements_of(request: Mapping[str, Any], root: Path) -> Path | None:
    """The file of a job that would be installed before its script starts, in a root that stands for /opt/ml.

    Trainings and models have one; a processing job has where it starts with the program that installs it.
    """
    if "TransformInput" in request:
        places = (root / "code" / NAME, root / "model" / "code" / NAME)
        return next((each for each in places if each.is_file()), None)
    if installs_first(request):
        return private_path(root, CODE) / NAME
    if "AlgorithmSpecification" not in request:
        return None
    is_script = "sagemaker_program" in request.get("HyperParameters", {})
    file = root / ("code" if is_script else "input/data/code") / NAME
    return file if file.is_file() else None


def installs_first(request: Mapping[str, Any]) -> bool:
    """Whether a processing job installs its requirements before it starts its program, in words that follow."""
    words = request.get("AppSpecification", {}).get("ContainerEntrypoint", ())
    return list(words[1:2]) == [f"{CODE}/{INSTALLER}"]


def asked_for(file: Path) -> tuple[str, ...]:
    """The lines of a requirements file that ask for something; comments and marks for other systems are left out."""
    lines = (line.split(" #")[0].strip() for line in file.read_text("utf-8", "replace").splitlines())
    return tuple(line for line in lines if line and not line.startswith("#") and _is_for_here(line))


def unmet(file: Path) -> tuple[Unmet, ...]:
    """What a requirements file asks for and the environment of this process does not have.

    Options (`-r other.txt`), paths and URLs are passed over: only pip can tell.
    """
    return tuple(each for line in asked_for(file) if (each := _compared(line)) is not None)


def said_of(file: Path, missing: tuple[Unmet, ...]) -> str:
    """A line for the log about what is asked for, where nothing is installed."""
    line = f"{NAME} asks for {', '.join(asked_for(file)) or 'nothing'}"
    if not missing:
        return line
    return f"{line}; not here: {', '.join(map(str, missing))}. Nothing is installed without --install-requirements."


def _read(line: str) -> Requirement | None:
    """A line as a requirement; None for what pip alone understands: options and paths."""
    from packaging.requirements import InvalidRequirement, Requirement  # not needed by most runs

    try:
        return Requirement(line)
    except InvalidRequirement:
        return None


def _compared(line: str) -> Unmet | None:
    wanted = _read(line)
    if wanted is None or wanted.url is not None:
        return None
    try:
        found = metadata.version(wanted.name)
    except metadata.PackageNotFoundError:
        return Unmet(line, None)
    return None if wanted.specifier.contains(found, prereleases=True) else Unmet(line, found)


def _is_for_here(line: str) -> bool:
    wanted = _read(line)
    return wanted is None or wanted.marker is None or wanted.marker.evaluate()


@attrs.frozen
class Environments:
    """Environments that pip made, below `environments/` of a home: `<hash>/bin/python`."""

    folder: Path

    def python(self, file: Path, say: Callable[[str], None]) -> Path:
        """The interpreter of the environment that has what a file asks for; made now if it is not there yet.

        Args:
            file: The requirements; relative paths in it are relative to its folder.
            say: Takes each line that pip says.

        Raises:
            RunError: pip could not install it; with its last lines.
        """
        place = self.folder / _key(file)
        python = place / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
        self.folder.mkdir(parents=True, exist_ok=True)
        with _alone(self.folder / f"{place.name}.lock"):
            if (place / _READY).is_file():
                os.utime(place)  # used
                return python
            remove(place)  # of a run that died while it was made: what pip writes cannot be renamed
            _checked([sys.executable, "-m", "venv", str(place)], file, say)
            _link_here(place)
            _checked([str(python), "-m", "pip", "install", "--requirement", str(file)], file, say)
            (place / _READY).touch()
        return python


def _key(file: Path) -> str:
    """The content of the file, and where it may name other files all of those beside it; the interpreter."""
    files = [file]
    if any((wanted := _read(line)) is None or wanted.url is not None for line in asked_for(file)):
        files = [path for path in sorted(file.parent.rglob("*")) if path.is_file()]
    digest = hashlib.sha256(f"{sys.version} {sys.prefix}".encode())
    for path in files:
        digest.update(f"{path.relative_to(file.parent).as_posix()}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:32]


def _link_here(place: Path) -> None:
    """Let the environment see the packages of this one, behind its own: `--system-site-packages` means another."""
    here = dict.fromkeys((sysconfig.get_path("purelib"), sysconfig.get_path("platlib")))
    lines = [f"import site; site.addsitedir({folder!r})\n" for folder in here]
    (packages,) = place.glob("[Ll]ib/**/site-packages")
    (packages / _LINK).write_text("".join(lines), encoding="utf-8")


def _checked(command: list[str], file: Path, say: Callable[[str], None]) -> None:
    lines: list[str] = []
    with subprocess.Popen(  # noqa: S603 - pip, asked for by the user
        command, cwd=file.parent, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, errors="replace", env={**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1"},
    ) as process:  # fmt: skip
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line.rstrip())
            say(line.rstrip())
    if process.returncode:
        raise RunError(
            f"What {NAME} asks for cannot be installed.",
            *(f"  | {line}" for line in lines[-_SHOWN:] if line),
            fix=f"correct {NAME}, or install it yourself and run without --install-requirements",
        )


@contextlib.contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """One run at a time, where the system has such locks."""
    with lock.open("w") as file:
        with contextlib.suppress(ImportError):
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)
        yield
