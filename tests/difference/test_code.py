"""Code that changed: which program of which step, and which of its lines."""

from __future__ import annotations

import gzip
import io
import tarfile
from pathlib import Path

import pytest

from fluentpipe import Pipeline
from fluentpipe.assets import Asset
from fluentpipe.definition import Definition
from fluentpipe.difference import code, difference
from fluentpipe.target import source_archive

from .definitions import ROLE

PREFIX = "s3://my-bucket/churn/code"


def training(files: dict[str, Path | bytes], bucket: str = "my-bucket") -> Definition:
    """A definition of one step that brings these files along."""
    asset = Asset.of(f"s3://{bucket}/churn/code", files)
    directory = f'"{asset.uri}/sourcedir.tar.gz"' if "sourcedir.tar.gz" in files else asset.uri
    step = {"Name": "fit", "Type": "Training", "Arguments": {"HyperParameters": {"directory": directory}}}
    return Definition("churn", {"Version": "2020-12-01", "Steps": [step]}, (asset,), ())


def packed(files: dict[str, bytes], level: int = 9) -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return gzip.compress(raw.getvalue(), level, mtime=7)


def test_the_lines_that_changed_are_shown_below_the_file() -> None:
    old = training({"train.py": b"a = 1\nb = 2\nc = 3\n", "gone.py": b""})
    new = training({"train.py": b"a = 1\nb = 4\nc = 3\n", "more.py": b""})
    found = difference(old, new)
    (change,) = found
    assert (change.kind, change.step, change.place) == ("code", "fit", "directory")
    assert change.detail == (
        "removed gone.py",
        "added more.py",
        "changed train.py",
        "  @@ -1,3 +1,3 @@",
        "   a = 1",
        "  -b = 2",
        "  +b = 4",
        "   c = 3",
    )
    assert "      -b = 2" in str(found)


def test_an_archive_is_looked_into() -> None:
    old, new = (training({"sourcedir.tar.gz": packed({"train.py": text})}) for text in (b"x = 1\n", b"x = 2\n"))
    (change,) = difference(old, new)
    assert change.detail[0] == "changed sourcedir.tar.gz/train.py"
    assert "  +x = 2" in change.detail


def test_the_same_files_packed_otherwise_are_the_same_code() -> None:
    files = {"train.py": b"x = 1\n" * 100, "more.py": b""}
    old, new = (training({"sourcedir.tar.gz": packed(files, level)}) for level in (1, 9))
    assert old.document != new.document
    assert not difference(old, new)


def test_code_that_is_not_at_hand_differs_by_its_hash() -> None:
    old, new = (training({"train.py": text}) for text in (b"x = 1\n", b"x = 2\n"))
    (change,) = difference(Definition(old.name, old.document, (), ()), new)
    assert change.kind == "code"
    assert not change.detail
    assert change.old != change.new
    assert not difference(Definition(old.name, old.document, (), ()), old), "the same hash is the same code"


def test_a_long_difference_is_cut() -> None:
    old = training({"train.py": b"".join(b"x = %d\n" % number for number in range(500))})
    new = training({"train.py": b"".join(b"y = %d\n" % number for number in range(500))})
    (change,) = difference(old, new)
    assert len(change.detail) == code.MAX_LINES + 2
    assert change.detail[-1].endswith("more lines")


def test_what_is_no_text_is_told_by_its_size() -> None:
    (change,) = difference(training({"model": b"\x00\x01"}), training({"model": b"\xff\xfe\xfd"}))
    assert change.detail == ("changed model", "  2 bytes -> 3 bytes")


def test_a_large_file_is_told_by_its_own_size(tmp_path: Path) -> None:
    for name, size in (("old", 1), ("new", 2)):
        with (tmp_path / name).open("wb") as file:
            file.truncate(code.MAX_ARCHIVE + size)
    (change,) = difference(training({"model": tmp_path / "old"}), training({"model": tmp_path / "new"}))
    assert change.detail == ("changed model", f"  {code.MAX_ARCHIVE + 1} bytes -> {code.MAX_ARCHIVE + 2} bytes")


def bomb() -> bytes:
    return gzip.compress(b"\0" * (code.MAX_ARCHIVE + 10), 9)


def sparse() -> bytes:
    """An archive of a few bytes whose one member is a hole larger than any archive may be, as GNU tar writes it."""
    header = bytearray(tarfile.TarInfo("zeros").tobuf(tarfile.GNU_FORMAT))
    size = b"%011o\0" % (code.MAX_ARCHIVE + 1)
    header[156:157] = tarfile.GNUTYPE_SPARSE
    header[386:410] = size + b"%011o\0" % 0  # offset and length of the one part that is not a hole
    header[483:495] = size
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return gzip.compress(bytes(header) + bytes(1024))


def link() -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w:gz") as tar:
        member = tarfile.TarInfo("train.py")
        member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(member)
    return raw.getvalue()


@pytest.mark.parametrize(
    "hostile",
    [b"", b"no archive", bomb(), sparse(), link(), packed({"../x": b""}), packed({"a": b"1"})[:-20]],
    ids=["empty", "no archive", "a bomb", "a hole", "a link", "a way out", "cut off"],
)
def test_an_archive_that_cannot_be_trusted_is_a_file_like_any_other(hostile: bytes) -> None:
    old, new = training({"sourcedir.tar.gz": hostile}), training({"sourcedir.tar.gz": packed({"a": b"2"})})
    (change,) = difference(old, new)
    assert change.kind == "code"
    assert not difference(old, training({"sourcedir.tar.gz": hostile}))


@pytest.mark.parametrize("hostile", [bomb(), sparse()], ids=["a bomb", "a hole"])
def test_an_archive_that_would_be_too_large_is_not_unpacked(hostile: bytes) -> None:
    assert list(code.unpacked({"sourcedir.tar.gz": hostile})) == ["sourcedir.tar.gz"]


def test_a_program_of_ours_that_was_edited_shows_where(tmp_path: Path) -> None:
    for name, text in (("old", "rate = 1\n"), ("new", "rate = 2\n")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "train.py").write_text(text)
    archives = [source_archive({"train.py": tmp_path / name / "train.py"}) for name in ("old", "new")]
    (change,) = difference(*(training({"sourcedir.tar.gz": each}) for each in archives))
    assert "  +rate = 2" in change.detail


def test_the_same_chain_in_another_bucket_has_the_same_code() -> None:
    pipe = Pipeline("churn").load_data("s3://data/churn.csv", label="churn").preprocess()
    here, there = (pipe.materialize(role=ROLE, bucket=bucket, region="us-east-1") for bucket in ("here", "there"))
    assert {each.place.split()[0] for each in difference(here, there)} == {"output"}
