"""Making room: what is kept, and old runs, are removed, never what a registered model or a running run needs."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Literal

import attrs

from fluentpipe.run.alive import collect_leftovers, living, remove
from fluentpipe.run.cache import Cache, files_below
from fluentpipe.run.mirror import alone, objects

Kind = Literal["results", "objects", "environments"]
KINDS: Mapping[Kind, str] = {
    "results": "results of jobs",
    "objects": "objects of S3",
    "environments": "environments of requirements.txt",
}


@attrs.frozen
class Kept:
    """Something that can be made again."""

    kind: Kind
    path: Path
    size: int  # bytes
    used: float  # seconds since the epoch, the last time
    run: str = ""  # id of the run that made it


@attrs.frozen
class Part:
    """How much of a kind."""

    count: int = 0
    size: int = 0  # bytes

    @classmethod
    def of(cls, kept: Iterable[Kept], kind: Kind) -> Part:
        """Those of a kind together."""
        sizes = [each.size for each in kept if each.kind == kind]
        return cls(len(sizes), sum(sizes))


@attrs.frozen
class Cleaned:
    """What was removed, or would be, and what stays."""

    removed: Mapping[Kind, Part]
    left: Mapping[Kind, Part]
    runs: int
    size: int  # bytes that are free again; files that a run and a kept result share count once

    @property
    def results(self) -> int:
        """How many results of jobs were removed."""
        return self.removed["results"].count


def clean(
    home: Path, *, max_age: float | None = None, max_size: int | None = None, runs: bool = False, dry: bool = False
) -> Cleaned:
    """Remove what is kept, the least recently used first, and on request runs.

    Kept are results of jobs, objects of S3 in the mirror, and environments made from a requirements.txt.

    Args:
        home: Folder of the runs, the registry and the cache.
        max_age: Seconds since its last use after which something kept, or a run, goes.
        max_size: Bytes that all that is kept may have together.
        runs: Whether runs go as well: those older than `max_age`, or all where no limit is given.
        dry: Whether nothing is removed and only the answer given.

    Without a limit everything goes that is not needed. What a model registered from a run was made from stays, and so
    does the run; a run that is alive keeps what it may be using.
    """
    if not dry:
        collect_leftovers(home)
    with alone(home / "s3") as unused:
        registered = _registered_runs(home)
        alive = living(home)
        needed = registered | _origins(home, registered) | alive
        kept = _kept(home)
        # A run that is alive may be about to take any of it.
        free = [each for each in kept if each.run not in needed and (unused or each.kind != "objects") and not alive]
        going = list(_going(free, kept, max_age, max_size))
        old_runs = [path for path in _old_runs(home, max_age) if path.name not in needed] if runs else []
        doomed = [*(each.path for each in going), *old_runs]
        size = _freed(doomed)
        if not dry:
            for path in doomed:
                hidden = path.with_name(f".tmp-clean-{secrets.token_hex(4)}")
                path.rename(hidden)
                remove(hidden)
    left = [each for each in kept if each not in going]
    return Cleaned(_parts(going), _parts(left), len(old_runs), size)


def _parts(kept: list[Kept]) -> dict[Kind, Part]:
    return {kind: Part.of(kept, kind) for kind in KINDS}


def _kept(home: Path) -> list[Kept]:
    """All that is kept, the least recently used first."""
    found = [Kept("results", entry.path, entry.size, entry.used, entry.run) for entry in Cache(home, "clean").entries()]
    for path in objects(home / "s3"):
        status = path.stat()
        found.append(Kept("objects", path, status.st_size, status.st_atime))
    for path in (home / "environments").glob("[!.]*/"):
        if path.is_dir():
            size = sum(file.lstat().st_size for file in path.rglob("*"))
            found.append(Kept("environments", path, size, path.stat().st_mtime))
    return sorted(found, key=lambda each: each.used)


def _going(free: list[Kept], kept: list[Kept], max_age: float | None, max_size: int | None) -> Iterator[Kept]:
    total = sum(each.size for each in kept)
    for each in free:
        is_old = max_age is not None and each.used < time.time() - max_age
        is_too_much = max_size is not None and total > max_size
        if is_old or is_too_much or (max_age is None and max_size is None):
            total -= each.size
            yield each


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


def _freed(doomed: list[Path]) -> int:
    """Bytes of the files that are linked from nowhere else than these files and folders."""
    links: dict[tuple[int, int], list[int]] = {}
    for place in doomed:
        for path in files_below(place) if place.is_dir() else [place]:
            status = path.lstat()
            links.setdefault((status.st_dev, status.st_ino), [status.st_nlink, status.st_size, 0])[2] += 1
    return sum(size for count, size, found in links.values() if found >= count)
