"""Results of jobs, kept by identity: `cache/<key>/` with `entry.json`, `log.txt` and `out/`.

An entry appears in one rename and is never changed. Its files are hard links to those of the run that made them, and
so cost nothing until that run is removed; they are read-only, and an entry with a file that changed nevertheless is
dropped. What was last known of a step is kept beside, so that a miss can say why.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import shutil
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs

from fluentpipe.run.durable import appear, settle, write_atomically
from fluentpipe.run.hashing import Hashes
from fluentpipe.run.identity import Identity, difference
from fluentpipe.run.linking import link_tree

LIMIT_BYTES = 20 << 30  # of all entries; the least recently used go first
_FORMAT = 1


@attrs.frozen
class Result:
    """What a job left: its outputs, its log, and facts about it."""

    folder: Path  # holds out/ and log.txt
    run: str  # id of the run that made it
    outputs: Mapping[str, str]  # name -> path relative to the folder
    facts: Mapping[str, Any]  # seconds, cpu_seconds, peak_memory_mb, and the times of the Describe response


@attrs.frozen
class Entry:
    """An entry as `clean` sees it."""

    path: Path
    run: str
    size: int  # bytes
    used: float  # seconds since the epoch


@attrs.frozen
class Cache:
    """The results kept in a home. Any number of processes may use it at once."""

    home: Path
    owner: str  # id of the run; part of temporary names, so that what a dead run left can be told

    @property
    def folder(self) -> Path:
        """Where the entries are."""
        return self.home / "cache"

    def find(self, identity: Identity, hashes: Hashes, max_age: float | None) -> Result | None:
        """The result of an identity; None if there is none, or only one that is older (in seconds) or damaged."""
        path = self.folder / identity.key
        try:
            entry = json.loads((path / "entry.json").read_bytes())
            if entry["format"] != _FORMAT or (max_age is not None and time.time() - entry["time"] > max_age):
                return None
            for name, (digest, size, changed) in entry["files"].items():
                status = (path / name).stat()
                if (status.st_size, status.st_mtime_ns) != (size, changed):
                    raise ValueError(f"{name} was changed")
                hashes.know(path / name, digest)
            os.utime(path)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError):
            self.drop(path)
            return None
        return Result(path, entry["run"], entry["outputs"], entry["facts"])

    def keep(self, identity: Identity, result: Result, hashes: Hashes) -> None:
        """Keep a result; its files become read-only. That there is no space for it is no fault of the run.

        Raises:
            OSError: The files of the result itself cannot be read.
        """
        files: dict[str, tuple[str, int, int]] = {}
        for path in files_below(result.folder / "out"):
            if sys.platform != "win32":
                path.chmod(0o555 if path.stat().st_mode & 0o100 else 0o444)
            status = path.stat()
            name = path.relative_to(result.folder).as_posix()
            files[name] = hashes.file(path), status.st_size, status.st_mtime_ns
        entry = {
            "format": _FORMAT, "run": result.run, "time": time.time(), "size": sum(size for _, size, _ in files.values()),
            "outputs": dict(result.outputs), "facts": dict(result.facts), "files": files,
        }  # fmt: skip
        temporary = self.folder / f".tmp-{self.owner}-{secrets.token_hex(4)}"
        try:
            temporary.mkdir(parents=True)
            if (result.folder / "out").is_dir():  # a step may leave nothing but its log
                link_tree(result.folder / "out", temporary / "out")
            shutil.copyfile(result.folder / "log.txt", temporary / "log.txt")
            (temporary / "entry.json").write_text(json.dumps(entry), encoding="utf-8")
            settle(temporary)
            self._appear(temporary, self.folder / identity.key)
        except OSError:
            pass
        finally:
            shutil.rmtree(temporary, ignore_errors=True)

    def _appear(self, temporary: Path, final: Path) -> None:
        try:
            appear(temporary, final)
        except OSError:
            self.drop(final)  # of a run without the cache, or one at the same time: the newer is as good
            appear(temporary, final)

    def drop(self, entry: Path) -> None:
        """Remove an entry, all at once for whoever looks for it."""
        doomed = self.folder / f".tmp-{self.owner}-{secrets.token_hex(4)}"
        with contextlib.suppress(OSError):
            entry.rename(doomed)
            shutil.rmtree(doomed, ignore_errors=True)

    def why(self, pipeline: str, step: str, identity: Identity) -> str:
        """Why there is no result for an identity, told against what the step last was; nothing for its first time."""
        last = self._last(pipeline, step)
        try:
            before = json.loads(last.read_bytes())
        except (OSError, ValueError):
            return ""
        if before["key"] == identity.key:
            return "its result is not kept any more"
        return difference(before["parts"], identity.parts)

    def note(self, pipeline: str, step: str, identity: Identity) -> None:
        """Remember what a step is now."""
        last = self._last(pipeline, step)
        with contextlib.suppress(OSError):
            last.parent.mkdir(parents=True, exist_ok=True)
            content = json.dumps(
                {"key": identity.key, "pipeline": pipeline, "step": step, "parts": dict(identity.parts)}
            )
            if not last.exists() or last.read_text(encoding="utf-8") != content:
                write_atomically(last, content)

    def _last(self, pipeline: str, step: str) -> Path:
        name = hashlib.sha256(json.dumps([pipeline, step]).encode()).hexdigest()[:32]
        return self.folder / "steps" / f"{name}.json"

    def entries(self) -> list[Entry]:
        """Every entry, the least recently used first."""
        paths = self.folder.iterdir() if self.folder.is_dir() else ()
        return sorted(filter(None, map(_entry, paths)), key=lambda entry: entry.used)

    def shrink(self, limit: int = LIMIT_BYTES) -> None:
        """Drop the least recently used entries until the others fit."""
        entries = self.entries()
        total = sum(entry.size for entry in entries)
        for entry in entries:
            if total <= limit:
                break
            self.drop(entry.path)
            total -= entry.size


def _entry(path: Path) -> Entry | None:
    try:
        entry = json.loads((path / "entry.json").read_bytes())
        return Entry(path, entry["run"], entry["size"], path.stat().st_mtime)
    except (OSError, ValueError, KeyError):
        return None


def files_below(folder: Path) -> Iterator[Path]:
    """The files below a folder, sorted."""
    return (path for path in sorted(folder.rglob("*")) if path.is_file())
