"""Files that did not change are not read again; those that did always are."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from fluentpipe import Pipeline, stamps
from fluentpipe.stamps import file_sha256, sha256_once

LONG_AGO = 1_700_000_000  # seconds


class Counting:
    def __init__(self) -> None:
        self.read: list[Path] = []

    def __call__(self, path: Path) -> bytes:
        self.read.append(path)
        return file_sha256(path)


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file counts as left alone as soon as it is written."""
    monkeypatch.setattr(stamps, "_SETTLED_NS", 0)


@pytest.mark.usefixtures("settled")
def test_a_file_that_did_not_change_is_read_once(tmp_path: Path) -> None:
    file, count = tmp_path / "rows.csv", Counting()
    file.write_text("a,b\n1,2\n")
    assert sha256_once(file, count) == sha256_once(file, count) == hashlib.sha256(b"a,b\n1,2\n").digest()
    assert count.read == [file]


def test_a_file_of_this_moment_is_read_every_time(tmp_path: Path) -> None:
    file, count = tmp_path / "rows.csv", Counting()
    file.write_text("a")
    sha256_once(file, count)
    sha256_once(file, count)
    assert len(count.read) == 2


@pytest.mark.usefixtures("settled")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])  # it stays as it is
@given(st.lists(st.tuples(st.binary(max_size=2), st.booleans()), min_size=1, max_size=8))
def test_the_hash_is_that_of_the_content_whatever_happens_to_the_file(
    tmp_path_factory: pytest.TempPathFactory, states: list[tuple[bytes, bool]]
) -> None:
    file = tmp_path_factory.getbasetemp() / "states"
    for content, is_old in states:
        file.write_bytes(content)
        time.sleep(0.005)  # longer than the clock of the file system stands still
        if is_old:  # whatever time it is given
            os.utime(file, (LONG_AGO, LONG_AGO))
        for _ in range(2):
            assert sha256_once(file) == hashlib.sha256(content).digest()


@pytest.mark.usefixtures("settled")
def test_the_memory_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stamps, "_KEPT", 3)
    monkeypatch.setattr(stamps, "_known", {})
    for number in range(10):
        file = tmp_path / str(number)
        file.write_text(str(number))
        sha256_once(file)
    assert 0 < len(stamps._known) <= 3


def test_a_local_source_that_changed_is_another_asset(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text("a,b\n")
    pipe = Pipeline("churn").load_data(file, label="b")

    def asset(text: str, moment: int) -> str:
        file.write_text(text)
        os.utime(file, (moment, moment))
        return next(each.uri for each in pipe.materialize().assets if "/data/" in each.uri)

    first, second = asset("a,b\n1,2\n", LONG_AGO), asset("a,b\n1,3\n", LONG_AGO + 1)
    assert first != second
    assert asset("a,b\n1,2\n", LONG_AGO + 2) == first
