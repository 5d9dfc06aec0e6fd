"""Making room: kept results and old runs are removed, never what a registered model or a running run needs."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterator
from pathlib import Path

import attrs

from fluentpipe.run.alive import collect_leftovers, living, remove
from fluentpipe.run.cache import Cache, files_below


@attrs.frozen
class Cleaned:
    """What was removed, or would be."""

    results: int
    runs: int
    size: int  # bytes that are free again; files that a run and a kept result share count once


def clean(
    home: Path, *, max_age: float | None = None, max_size: int | None = None, runs: bool = False, dry: bool = False
) -> Cleaned:
    """Remove kept results, the least recently used first, and on request runs.

    Args:
        home: Folder of the runs, the registry and the cache.
        max_age: Seconds since its last use after which a result, or a run, goes.
        max_size: Bytes that the kept results may have together.
        runs: Whether runs go as well: those older than `max_age`, or all where no limit is given.
        dry: Whether nothing is removed and only the answer given.

    Without a limit everything goes that is not needed. What a model registered from a run was made from stays, and so
    does the run; a run that is alive keeps what it may be using.
    """
    if not dry:
        collect_leftovers(home)
    needed = _registered_runs(home) | _origins(home, _registered_runs(home)) | living(home)
    doomed = _doomed_results(home, needed, max_age, max_size)
    doomed_runs = [path for path in _old_runs(home, max_age) if path.name not in needed] if runs else []
    size = _freed([*doomed, *doomed_runs])
    if not dry:
        for path in (*doomed, *doomed_runs):
            hidden = path.with_name(f".tmp-clean-{secrets.token_hex(4)}")
            path.rename(hidden)
            remove(hidden)
    return Cleaned(len(doomed), len(doomed_runs), size)


def _doomed_results(home: Path, needed: frozenset[str], max_age: float | None, max_size: int | None) -> list[Path]:
    if living(home):  # it may be about to take any of them
        return []
    entries = Cache(home, "clean").entries()
    total, found = sum(entry.size for entry in entries), []
    for entry in entries:
        is_old = max_age is not None and entry.used < time.time() - max_age
        is_too_much = max_size is not None and total > max_size
        if entry.run not in needed and (is_old or is_too_much or (max_age is None and max_size is None)):
            found.append(entry.path)
            total -= entry.size
    return found


def _old_runs(home: Path, max_age: float | None) -> Iterator[Path]:
    for path in sorted((home / "runs").glob("[!.]*")):
        if max_age is None or path.stat().st_mtime < time.time() - max_age:
            yield path


def _registered_runs(home: Path) -> frozenset[str]:
    """The runs that registered a version."""
    packages = (home / "registry").glob("*/*/package.json")
    return frozenset(str(json.loads(each.read_bytes()).get("Source", {}).get("run", "")) for each in packages)


def _origins(home: Path, runs: frozenset[str]) -> frozenset[str]:
    """The runs whose results these took."""
    manifests = [path for run in runs if (path := home / "runs" / run / "run.json").is_file()]
    steps = (step for path in manifests for step in json.loads(path.read_bytes())["steps"].values())
    return frozenset(str(step.get("cached", "")) for step in steps)


def _freed(folders: list[Path]) -> int:
    """Bytes of the files that are linked from nowhere else than these folders."""
    links: dict[tuple[int, int], list[int]] = {}
    for folder in folders:
        for path in files_below(folder):
            status = path.stat()
            links.setdefault((status.st_dev, status.st_ino), [status.st_nlink, status.st_size, 0])[2] += 1
    return sum(size for count, size, found in links.values() if found >= count)
