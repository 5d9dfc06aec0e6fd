"""A loss of power at any moment: what has a name is whole, as the files, folders and names went to the disk in that order.

A disk may keep any of the changes that were not synced and lose any other. So at each rename that publishes something,
every file and folder below must have been synced after its last change; and before the manifest says that the run
succeeded, every folder that holds a published name must have been. A step whose result is linked from the cache may
come later than its name: what it could lose is kept in the cache.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fluentpipe.run import Run, durable, execution, record, registry

from .pipelines import canonical

PUBLISHED = ("runs/*/steps/*", "cache/*", "registry/*/*")
_active: list[Disk] = []


class Disk:
    """What is on the disk for certain."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.files: dict[int, tuple[int, int]] = {}  # inode -> size and time of change, when it was synced
        self.folders: dict[int, frozenset[str]] = {}  # inode -> names in it, when it was synced
        self.published: list[Path] = []
        self.faults: list[str] = []
        self.are_linked = False  # whether the results of the steps are those of the cache

    def sync(self, descriptor: int) -> None:
        status = os.fstat(descriptor)
        path = Path(os.readlink(f"/proc/self/fd/{descriptor}"))
        if path.is_dir():
            self.folders[status.st_ino] = frozenset(os.listdir(path))
        else:
            self.files[status.st_ino] = status.st_size, status.st_mtime_ns

    def rename(self, source: Path, target: Path) -> None:
        if target.name.startswith(".tmp-") or not target.is_relative_to(self.home):
            return
        name = target.relative_to(self.home)
        if (
            any(name.match(pattern) and len(name.parts) == pattern.count("/") + 1 for pattern in PUBLISHED)
            and source.is_dir()
        ):
            if not (self.are_linked and name.match(PUBLISHED[0])):
                self.faults += [f"{name}: {each}" for each in self.unsettled(source)]
            self.published.append(target)
        if name.match("runs/*/run.json") and json.loads(source.read_bytes())["status"] == "Succeeded":
            self.faults += [f"{name}: the manifest was not synced"] * (not self.has_file(source))
            for each in self.published:
                if each.match("steps/*"):
                    self.faults += [f"{name}: {each.name}: {said}" for said in self.unsettled(each)]
                if each.exists() and each.name not in self.folders.get(each.parent.stat().st_ino, ()):
                    self.faults.append(f"{name}: the name {each.relative_to(self.home)} was not synced")

    def unsettled(self, folder: Path) -> Iterator[str]:
        for path in (folder, *folder.rglob("*")):
            if path.is_dir():
                if self.folders.get(path.stat().st_ino) != frozenset(os.listdir(path)):
                    yield f"the folder {path.relative_to(folder)} was not synced"
            elif not self.has_file(path):
                yield f"the file {path.relative_to(folder)} was not synced"

    def has_file(self, path: Path) -> bool:
        status = path.stat()
        return self.files.get(status.st_ino) == (status.st_size, status.st_mtime_ns)


def _hook(event: str, arguments: tuple) -> None:
    if event == "os.rename" and _active:
        _active[0].rename(Path(arguments[0]), Path(arguments[1]))


@pytest.fixture(scope="module", autouse=True)
def hooked() -> None:
    sys.addaudithook(_hook)  # for good; it does nothing without a disk


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
    made, fsync = Disk(tmp_path / "home"), os.fsync

    def sync(descriptor: int) -> None:
        fsync(descriptor)
        made.sync(descriptor)

    monkeypatch.setattr(os, "fsync", sync)
    _active.append(made)
    yield made
    _active.clear()


pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="descriptors are looked up in /proc")


def test_what_is_published_is_on_the_disk_before_its_name_and_the_name_before_the_success(disk, run, rows):
    first = run(canonical(), parameters={"data": rows})
    assert len(disk.published) == 3 + 3 + 1  # steps, entries of the cache, a version
    disk.are_linked = True
    second = run(canonical(), parameters={"data": rows})  # all of it is linked from the cache
    assert second.steps["Train"].cached == first.id
    assert len(disk.published) == 7 + 3
    assert disk.faults == []


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ((record, "settle"), "steps/Split: the f"),
        ((registry, "settle"), "registry/churn-models/1: the file model.tar.gz was not synced"),
        ((durable, "sync_folder"), "the name registry/churn-models/1 was not synced"),
        ((os, "fsync"), "the manifest was not synced"),
    ],
    ids=["steps", "versions", "names", "manifest"],
)  # fmt: skip
def test_each_sync_that_is_left_out_is_noticed(part, said, disk, run, rows, monkeypatch):
    nothing: Callable[..., None] = lambda *_, **__: None
    monkeypatch.setattr(*part, nothing)
    run(canonical(), parameters={"data": rows}, cache=False)
    assert [fault for fault in disk.faults if said in fault]


def test_linked_results_that_are_never_synced_are_noticed(disk, run, rows, monkeypatch):
    run(canonical(), parameters={"data": rows})
    disk.are_linked = True
    monkeypatch.setattr(record, "settle", lambda *_, **__: None)
    run(canonical(), parameters={"data": rows})
    assert {fault.split(": ")[1] for fault in disk.faults} == {"Split", "Train", "Evaluate"}


def test_a_file_that_cannot_be_synced_for_want_of_space_fails_its_step(run, rows, monkeypatch, tmp_path):
    def full(folder: Path, *, linked: bool = False) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(record, "settle", full)
    with pytest.raises(execution.RunError, match="Step 'Split': there is no space left"):
        run(canonical(), parameters={"data": rows})
    assert not list((tmp_path / "home" / "runs").glob("*/steps/*"))


def test_a_run_whose_linked_results_cannot_be_synced_says_so_and_still_has_its_end(run, rows, monkeypatch):
    run(canonical(), parameters={"data": rows})

    def full(folder: Path, *, linked: bool = False) -> None:
        raise OSError(28, "No space left on device", str(folder))

    monkeypatch.setattr(record, "settle", full)
    said: list[str] = []
    result = run(canonical(), parameters={"data": rows}, echo=said.append)
    assert [step.cached != "" for step in result.steps.values()][:3] == [True] * 3
    assert Run.load(result.path).status == result.status == "Succeeded"
    (line,) = (line for line in said if "loss of power" in line)
    assert line.endswith(f"[Errno 28] No space left on device: '{result.path}/steps/Split'")


def test_a_run_whose_end_cannot_be_written_says_so_and_returns_it(run, rows, monkeypatch):
    write = record.write_atomically

    def full_at_last(path: Path, text: str, *, durable: bool = False) -> None:
        if durable:
            raise OSError(28, "No space left on device")
        write(path, text)

    monkeypatch.setattr(record, "write_atomically", full_at_last)
    said: list[str] = []
    result = run(canonical(), parameters={"data": rows}, echo=said.append)
    assert "the end of the run could not be written: [Errno 28] No space left on device" in said
    assert (result.status, Run.load(result.path).status) == ("Succeeded", "Died")
