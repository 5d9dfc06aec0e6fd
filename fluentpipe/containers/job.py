"""What every job shares: its arguments, its JSON files, and how it fails.

SageMaker shows the text of `/opt/ml/output/message` (processing) or `/opt/ml/output/failure` (training) as the reason
of a failed job, at most 1024 characters of it.
"""

from __future__ import annotations

import argparse
import contextlib
import difflib
import json
import os
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

REASON_LIMIT = 1024  # characters; FailureReason and ExitMessage of the Describe calls


class JobError(Exception):
    """A fault that the user can mend: the job ends with its message alone, without a traceback."""


class Arguments(argparse.ArgumentParser):
    """A parser whose complaints are job errors, so that they reach the failure file too."""

    def __init__(self, description: str | None) -> None:
        super().__init__(description=(description or "").split("\n", maxsplit=1)[0], allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        """Refuse the command line."""
        msg = f"{self.prog}: {message}"
        raise JobError(msg)


def base_dir() -> Path:
    """The folder that stands for `/opt/ml`; `SAGEMAKER_BASE_DIR` moves it."""
    return Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml"))


def processing_dir(*parts: str) -> Path:
    """A folder under `/opt/ml/processing`, where processing jobs find inputs and leave outputs."""
    return base_dir().joinpath("processing", *parts)


def channel(name: str) -> Path:
    """The folder of a training channel: `SM_CHANNEL_<NAME>`, else SageMaker's path."""
    return Path(os.environ.get(f"SM_CHANNEL_{name.upper()}", base_dir() / "input" / "data" / name))


def run(main: Callable[[Sequence[str]], None], *, reason_file: str = "message") -> NoReturn:
    """Run a script's main function on the command line and exit: 0, or 1 with the reason told and kept.

    Args:
        main: Takes the arguments without the program's name.
        reason_file: Name under `output/`: `message` for processing, `failure` for training.
    """
    try:
        _let_arrow_find_no_pandas()
        main(sys.argv[1:])
    except JobError as fault:
        tell_reason(str(fault), reason_file)
        sys.exit(1)
    except Exception as fault:
        _keep_reason(f"{type(fault).__name__}: {fault}", reason_file)
        raise
    sys.exit(0)


class _NoPandas:
    """An import hook by which, for this thread, pandas is as if it were not installed."""

    def __init__(self) -> None:
        self.thread = threading.get_ident()

    def find_spec(self, name: str, *_: object) -> None:
        """Refuse pandas; leave everything else to the other finders."""
        if name == "pandas" and threading.get_ident() == self.thread:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


@contextlib.contextmanager
def without_pandas() -> Iterator[None]:
    """Let a library find no pandas that imports it just to see whether it was given a DataFrame.

    That import is a third of a second in every job; these programs make no DataFrame. What imported pandas before keeps it.
    """
    hook = _NoPandas()
    sys.meta_path.insert(0, hook)
    try:
        yield
    finally:
        sys.meta_path.remove(hook)


def _let_arrow_find_no_pandas() -> None:
    """Arrow looks once, at its first conversions from and to NumPy."""
    import pyarrow as pa

    with without_pandas():
        pa.chunked_array([pa.array(range(1)).to_numpy()]).to_numpy()


def tell_reason(reason: str, reason_file: str) -> None:
    """Say why this job fails, after all that it has printed, and keep it where the service looks for it."""
    sys.stdout.flush()
    sys.stderr.write(f"error: {reason}\n")
    sys.stderr.flush()
    _keep_reason(reason, reason_file)


def _keep_reason(reason: str, reason_file: str) -> None:
    """Write the failure file where there is a place for it; a job that fails must not fail to say why."""
    if not base_dir().is_dir():  # never make /opt/ml on somebody's machine
        return
    text = reason if len(reason) <= REASON_LIMIT else reason[: REASON_LIMIT - 1] + "…"
    path = base_dir() / "output" / reason_file
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as fault:
        sys.stderr.write(f"could not write {path}: {fault}\n")


def write_json(path: Path, value: object) -> None:
    """Write strict JSON (no NaN, no Infinity), readable and the same bytes for the same value."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        JobError: The file is missing, or is not a JSON object.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        msg = f"there is no {path.name} in {path.parent}"
        raise JobError(msg) from None
    except ValueError as fault:
        msg = f"{path} is not valid JSON: {fault}"
        raise JobError(msg) from None
    if not isinstance(value, dict):
        msg = f"{path} holds a {type(value).__name__} where a JSON object is needed"
        raise JobError(msg)
    return value


def name_list(text: str) -> list[str]:
    """A JSON list of column names, as an argument type.

    Raises:
        argparse.ArgumentTypeError: It is something else.
    """
    try:
        names = json.loads(text)
    except ValueError:
        names = None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        msg = f"{text!r} is not a JSON list of column names, such as '[\"id\"]'"
        raise argparse.ArgumentTypeError(msg)
    return names


def flag(text: str) -> bool:
    """`true` or `false`, as an argument type: hyperparameters and container arguments are always text."""
    words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    if text.lower() not in words:
        msg = f"{text!r} is neither true nor false"
        raise argparse.ArgumentTypeError(msg)
    return words[text.lower()]


def quoted(names: Iterable[str], limit: int = 20) -> str:
    """Names for a message: quoted, in their order, cut off when there are many."""
    every = list(names)
    shown = ", ".join(repr(name) for name in every[:limit])
    return f"{shown} and {len(every) - limit} more" if len(every) > limit else shown


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`" Did you mean 'churn'?"` for the nearest known word, or nothing."""
    names = {name.lower(): name for name in sorted(known, reverse=True)}
    near = difflib.get_close_matches(word.lower(), sorted(names), n=1, cutoff=0.6)
    return f" Did you mean {names[near[0]]!r}?" if near else ""
