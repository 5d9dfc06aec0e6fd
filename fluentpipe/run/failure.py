"""What is said when a step does not succeed."""

from __future__ import annotations

import errno
import re
import shlex
import signal
from pathlib import Path

from fluentpipe.errors import FluentpipeError, RunError, StepFailed
from fluentpipe.run.environment import Mask
from fluentpipe.run.job import Job
from fluentpipe.run.paths import as_in_container
from fluentpipe.run.process import Exit
from fluentpipe.run.requirements import NAME, Unmet

_MESSAGE = 1024  # characters of the failure file that count, as on the service
_SHOWN = 10  # lines of the log
_LINE = 300  # characters of a line
_NO_MODULE = re.compile(r"No module named '?([\w.]+)")
_NO_IMPORT = re.compile(r"(ModuleNotFound|Import)Error\b")
_NOT_INSTALLED = re.compile(r"No matching distribution found for ([\w.\-]+)")
_NO_SPACE = re.compile(r"\[Errno 28\]|No space left on device")
_NO_MEMORY = re.compile(r"MemoryError|std::bad_alloc|(?i:out of memory|cannot allocate memory)")
_FULL = (errno.ENOSPC, errno.EDQUOT)
_MAKE_ROOM = "make room, with `fluentpipe clean` for instance, or give another folder: --home"
_BROUGHT = frozenset(("xgboost", "pyarrow", "numpy"))  # by the extra `local`


def job_failed(
    job: Job, ended: Exit, root: Path, log: Path, mask: Mask, limit: float | None, missing: tuple[Unmet, ...] = ()
) -> StepFailed:
    """The error for a program that ended otherwise than with 0.

    Args:
        job: Whose program it was.
        ended: How it ended.
        root: Its folders, still in place.
        log: Where its log will be found.
        mask: Of its secrets.
        limit: Seconds that it was allowed to take.
        missing: What its requirements.txt asks for and was not there.
    """
    how = _how(ended, limit)
    lines = [as_in_container(mask.text(line), root)[:_LINE] for line in ended.tail if line.strip()]
    own = as_in_container(mask.text(_own_message(root / job.failure_file)), root) or (lines[-1] if lines else "")
    shown = [f"  | {line}" for line in lines[-_SHOWN:]]
    return StepFailed(
        f"Step {job.step!r} {how}{': ' + own if own else '; it wrote no message.'}",
        *(["last lines of its log:", *shown] if shown else []),
        f"log: {log}",
        fix=_advice(ended, lines, missing),
        step=job.step,
        exit_code=ended.code,
        log=str(log),
    )


def not_carried_out(step: str, error: BaseException) -> RunError:
    """The error for a step that no program of its own let fail: an input that is missing, a full disk."""
    if isinstance(error, OSError) and error.errno in _FULL:
        where = f" for {error.filename}" if error.filename else ""
        return RunError(f"Step {step!r}: there is no space left{where}.", fix=_MAKE_ROOM, step=step)
    said = f"{type(error).__name__}: {error}" if not isinstance(error, FluentpipeError) else str(error)
    headline, *lines = said.split("\n")
    return RunError(f"Step {step!r}: {headline}", *(line.strip() for line in lines), step=step)


def cannot_begin(folder: Path, error: OSError) -> RunError:
    """The error for a run whose folder cannot be made; nothing was started."""
    if error.errno in _FULL:
        return RunError(f"There is no space for the folder of the run, {folder}.", fix=_MAKE_ROOM, run=None)
    return RunError(
        f"The folder of the run cannot be made: {error}.",
        fix="give another folder: home=… or FLUENTPIPE_HOME (--home)",
        run=None,
    )


def _how(ended: Exit, limit: float | None) -> str:
    if ended.timed_out:
        return f"took longer than its limit of {limit:g} s and was ended"
    if ended.code < 0:
        name = signal.Signals(-ended.code).name if -ended.code in set(signal.Signals) else str(-ended.code)
        return f"was ended by signal {name}"
    return f"failed with exit code {ended.code}"


def _own_message(file: Path) -> str:
    try:
        with file.open("rb") as content:
            return content.read(4 * _MESSAGE).decode("utf-8", "replace")[:_MESSAGE].strip()
    except OSError:
        return ""


def _advice(ended: Exit, lines: list[str], missing: tuple[Unmet, ...]) -> str:
    if ended.timed_out:
        return "raise MaxRuntimeInSeconds of the step, or give it less to do"
    if ended.code in (-signal.SIGKILL, 128 + signal.SIGKILL):
        return "the system may have run out of memory: give the step less data, or run fewer steps at once"
    for line in reversed(lines):
        if _NO_SPACE.search(line):
            return _MAKE_ROOM
        if _NO_MEMORY.search(line):
            return "give the step less data, or run fewer steps at once: --max-parallel 1"
        if missing and _NO_IMPORT.search(line):
            wanted = " ".join(shlex.quote(each.wanted) for each in missing)
            return (
                f"let what {NAME} asks for be installed: --install-requirements (install_requirements=True); or do it "
                f"yourself: pip install {wanted}"
            )
        if found := _NO_MODULE.search(line):
            module = found.group(1).partition(".")[0]
            what = "'fluentpipe[local]'" if module in _BROUGHT else module
            return f"install what the script imports: pip install {what}"
        if found := _NOT_INSTALLED.search(line):
            return f"a step installs nothing here (PIP_NO_INDEX); do it yourself: pip install {found.group(1)}"
    return "correct what the message says and run again; the log has the rest"
