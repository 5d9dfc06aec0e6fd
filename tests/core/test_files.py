"""The files behind a local path: links are followed, and nothing is left out in silence."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from fluentpipe import Pipeline
from fluentpipe.errors import SourceError
from fluentpipe.files import files_below, local_files


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """`data/a.csv`, and outside of it `far/b.csv` and `far/deep/c.csv`."""
    for name in ("data/a.csv", "far/b.csv", "far/deep/c.csv"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"id,churn\n{name},1\n")
    return tmp_path / "data"


@pytest.mark.parametrize("read", [local_files, lambda path: dict(files_below(path))])
def test_folders_and_files_behind_links_belong_to_a_folder(read: Callable[[Path], dict[str, Path]], tree: Path) -> None:
    (tree / "more").symlink_to(Path("..") / "far")
    (tree / "again").symlink_to(tree / "more")
    (tree / "one.csv").symlink_to(tree / ".." / "far" / "b.csv")
    found = read(tree)
    assert list(found) == ["a.csv", "again/b.csv", "again/deep/c.csv", "more/b.csv", "more/deep/c.csv", "one.csv"]
    assert found["more/deep/c.csv"].read_text().endswith("far/deep/c.csv,1\n")


def test_hidden_names_are_left_out_wherever_a_link_leads(tree: Path) -> None:
    (tree / ".loop").symlink_to(tree)
    (tree / ".gone").symlink_to("nowhere")
    (tree / "more").symlink_to(tree.parent / "far")
    (tree.parent / "far" / ".git").mkdir()
    (tree.parent / "far" / ".git" / "x").touch()
    assert list(local_files(tree)) == ["a.csv", "more/b.csv", "more/deep/c.csv"]


@pytest.mark.parametrize(
    ("place", "target", "what"),
    [
        ("x", ".", "a link to a folder that it lies in"),
        ("x", "..", "a link to a folder that it lies in"),
        ("x", "/", "a link to a folder that it lies in"),
        ("sub/x", "..", "a link to a folder that it lies in"),
        ("../far/back", "../data/sub", "a link to a folder that it lies in"),
        ("x", "x", "a link that leads nowhere"),
        ("x", "gone.csv", "a link that leads nowhere"),
    ],
)
def test_a_link_that_never_ends_or_leads_nowhere_is_refused_by_its_name(
    place: str, target: str, what: str, tree: Path
) -> None:
    (tree / "sub").mkdir()
    (tree / "sub" / "far").symlink_to(tree.parent / "far")
    (tree / place).symlink_to(target)
    with pytest.raises(SourceError, match=rf"{Path(place).name}' cannot be read: it is {what} -> ") as caught:
        dict(files_below(tree))
    assert os.path.realpath(caught.value.path.parent) == os.path.realpath((tree / place).parent)  # type: ignore[attr-defined]


def test_what_is_neither_a_file_nor_a_folder_is_refused(tree: Path) -> None:
    os.mkfifo(tree / "pipe.csv")
    with pytest.raises(SourceError, match=r"pipe\.csv' cannot be read: it is neither a file nor a folder\.\n  fix: "):
        local_files(tree)


def test_a_folder_that_may_not_be_read_is_told(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: object) -> None:  # as the system does, but not to root
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(SourceError, match=r"The folder '.*data' cannot be read: Permission denied"):
        local_files(tree)


@settings(max_examples=50, deadline=None)
@given(links=st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), max_size=4))
def test_however_folders_are_linked_the_walk_ends(
    links: list[tuple[str, str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = tmp_path_factory.mktemp("linked")
    for name in "abc":
        (root / name).mkdir()
        (root / name / "file").touch()
    for number, (where, to) in enumerate(links):
        (root / where / f"to{number}").symlink_to(root / to)
    try:
        found = dict(files_below(root))
    except SourceError:
        return
    assert {"a/file", "b/file", "c/file"} <= set(found)
    assert all(path.is_file() for path in found.values())


def test_rows_behind_a_link_are_in_the_definition_and_give_the_columns(tree: Path) -> None:
    (tree / "a.csv").unlink()
    (tree / "more").symlink_to(tree.parent / "far")
    pipe = Pipeline("a").load_data(tree, label="churn")
    (asset,) = [each for each in pipe.materialize(bucket="my-bucket").assets if "more/b.csv" in each.files]
    assert sorted(asset.files) == ["more/b.csv", "more/deep/c.csv"]
    with pytest.raises(SourceError, match="chorn"):
        Pipeline("a").load_data(tree, label="chorn")
