"""A program for `test_full_disk`: runs the canonical chain on disks that are too small, then on the same with room.

    unshare -Urm python -m tests.run.filling HOME ROWS PAGES|STEP...

HOME becomes a file system of so many pages, or one that gets full when the step starts. For each, a line of JSON tells what happened: the
error, what is unfinished or half-published, and what the same run made once the disk was larger.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from fluentpipe.errors import RunError
from fluentpipe.run import Run, run
from fluentpipe.run.events import Event

from .pipelines import canonical

PAGE = 4096  # bytes
ROOM = 64 << 20


def mounted(home: Path, size: int, *options: str) -> None:
    """Make the home a file system of that size, or change its size."""
    words = ",".join((*options, f"size={size}"))
    subprocess.run(["mount", "-t", "tmpfs", "-o", words, "none", str(home)], check=True)


def made(home: Path, rows: str, full_at: str = "") -> tuple[Run | None, str]:
    """A run, and what was said of it."""

    def fill(event: Event) -> None:
        if (event["event"], event.get("step")) == ("step Running", full_at):
            with contextlib.suppress(OSError), (home / "ballast").open("wb", buffering=0) as file:
                while file.write(bytes(PAGE)):
                    pass

    try:
        return run(canonical().definition(), parameters={"data": rows}, home=home, echo=None, listener=fill), ""
    except RunError as error:
        return getattr(error, "run", None), str(error)


def unfinished(home: Path) -> list[str]:
    """What has no name yet, and runs that are taken for alive."""
    hidden = [path for path in home.rglob("*") if path.name.startswith((".tmp-", ".new-"))]
    return sorted(str(path.relative_to(home)) for path in (*hidden, *home.glob("running/*")))


def published(home: Path) -> dict[str, Any]:
    """Name -> hashes of the files of everything that has its name: versions, and entries of the cache."""
    folders = [*home.glob("registry/*/[0-9]*"), *(path for path in home.glob("cache/*") if len(path.name) == 64)]
    return {folder.relative_to(home).as_posix(): _hashes(folder) for folder in sorted(folders)}


def _hashes(folder: Path) -> dict[str, str]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    told = ("package.json", "entry.json", "log.txt")  # with times and ids of runs
    return {
        path.relative_to(folder).as_posix(): "" if path.name in told else hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


def main(home: Path, rows: str, *plans: str) -> None:
    for plan in plans:
        mounted(home, int(plan) * PAGE if plan.isdigit() else ROOM >> 3)
        result, said = made(home, rows, plan)
        told = {"plan": plan, "said": said, "status": result and result.status, "unfinished": unfinished(home)}
        told["published"] = published(home)
        told["recorded"] = [Run.load(path).status for path in sorted(home.glob("runs/*"))]
        mounted(home, ROOM, "remount")
        again, said_again = made(home, rows)
        told |= {"again": (again and again.status, said_again), "whole": published(home), "left": unfinished(home)}
        print(json.dumps(told), flush=True)
        subprocess.run(["umount", "-l", str(home)], check=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
