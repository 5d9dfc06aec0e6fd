"""URIs to local files, names to paths, archives in and out."""

from __future__ import annotations

import contextlib
import io
import os
import tarfile
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from fluentpipe.definition import Asset, Definition
from fluentpipe.errors import FluentpipeError, RunError, SourceError
from fluentpipe.run.archive import pack, unpack
from fluentpipe.run.linking import replace_links
from fluentpipe.run.paths import folder_name, inside, private_path, relocated
from fluentpipe.run.placing import Placed
from fluentpipe.run.registry import group_name, register
from fluentpipe.run.storage import Maps, Storage

from .pipelines import Sketch

ROOT = Path("/root-of-it")


def storage_of(*assets: Asset, **maps: Path) -> Storage:
    definition = Definition("p", {}, assets, ())
    return Storage.of(definition, Maps.of({f"s3://{bucket}": path for bucket, path in maps.items()}))


def names(storage: Storage, uri: str) -> list[str]:
    return sorted(storage.find(uri).files)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("tree/a.txt", "tree/deep/b.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    return tmp_path / "tree"


def test_outputs_come_before_assets_and_assets_before_maps(tree, tmp_path):
    asset = Asset.of("s3://data/code", {"a.txt": b"asset"})
    mapped = tmp_path / "mapped"
    (mapped / "code" / asset.sha256).mkdir(parents=True)
    (mapped / "code" / asset.sha256 / "a.txt").write_text("mapped")
    uri = f"{asset.uri}/a.txt"
    assert storage_of(data=mapped).find(uri).path.read_text() == "mapped"
    storage = storage_of(asset, data=mapped)
    assert storage.find(uri).files == {"a.txt": b"asset"}
    storage.outputs.publish(asset.uri, tree)
    assert storage.find(uri).path == tree / "a.txt"


def test_the_longest_prefix_wins_among_outputs_and_among_maps(tree):
    storage = storage_of()
    storage.outputs.publish("s3://b/x", tree)
    storage.outputs.publish("s3://b/x/deep", tree / "deep")
    assert storage.find("s3://b/x/deep/b.txt").path == tree / "deep" / "b.txt"
    assert names(storage, "s3://b/x/deep") == ["b.txt"]
    maps = Maps.of({"s3://b": tree, "s3://b/inner": tree / "deep"})
    assert sorted(maps.find("s3://b/inner").files) == ["b.txt"]


def test_a_prefix_ends_at_a_slash(tree):
    storage = storage_of(b=tree)
    storage.outputs.publish("s3://b/out", tree)
    with pytest.raises(SourceError, match="to stand for 's3://b/output'"):
        storage.find("s3://b/output")


@pytest.mark.parametrize("end", ["", "/", "//"])
def test_a_trailing_slash_makes_no_difference_here(end, tree):
    asset = Asset.of("s3://my-bucket/code", {"src/x.py": b"1"})
    storage = storage_of(asset, b=tree)
    storage.outputs.publish("s3://b/out/", tree)
    assert names(storage, f"s3://b/deep{end}") == ["b.txt"]
    assert names(storage, f"s3://b/out/deep{end}") == ["b.txt"]
    assert names(storage, f"{tree}/deep{end}") == ["b.txt"]
    assert names(storage, f"{asset.uri}/src{end}") == ["x.py"]


def test_a_name_that_is_too_long_for_a_file_is_not_there(tree):
    for uri in (f"s3://b/{'n' * 300}", f"s3://b/{'n' * 300}/x", f"{tree}/{'n' * 300}"):
        with pytest.raises(SourceError, match="There is no "):
            storage_of(b=tree).find(uri)


def test_a_link_in_a_mapped_folder_that_leads_nowhere_is_told_before_anything_starts(tree, run):
    (tree / "deep" / "gone.csv").symlink_to("nowhere.csv")
    sketch = Sketch(data="s3://my-bucket/deep")
    sketch.processing("P", "print(1)", inputs={"data": {"Get": "Parameters.data"}})
    with pytest.raises(
        RunError, match=r"gone\.csv' cannot be read: it is a link that leads nowhere -> nowhere.csv"
    ) as caught:
        run(sketch, maps={"s3://my-bucket": tree})
    assert caught.value.run is None


def test_a_folder_of_an_asset_is_found_by_its_part_of_the_names():
    asset = Asset.of("s3://my-bucket/code", {"src/x.py": b"1", "src/y/z.py": b"2", "main.py": b"3"})
    assert names(storage_of(asset), f"{asset.uri}/src") == ["x.py", "y/z.py"]
    assert names(storage_of(asset), asset.uri) == ["main.py", "src/x.py", "src/y/z.py"]


@pytest.mark.parametrize(
    "key", ["..", "a/../b", "./a", "/etc/passwd", "a//b", "a\\..\\b", "C:/x", "a/\x00", "a/..", "a/\nb", "."]
)
def test_a_key_that_could_leave_its_folder_is_refused(key, tree):
    with pytest.raises(RunError, match="is no safe path below a folder"):
        inside(ROOT, key)
    with pytest.raises(RunError):
        storage_of(b=tree).find(f"s3://b/{key}")
    with pytest.raises(RunError):
        private_path(ROOT, f"/opt/ml/processing/{key}")


@given(st.text(max_size=40))
def test_no_key_whatever_leaves_its_folder(key):
    try:
        path = inside(ROOT, key)
    except RunError:
        return
    assert Path(os.path.normpath(path)).is_relative_to(ROOT)


@given(st.text(max_size=40))
def test_no_name_whatever_becomes_a_folder_elsewhere(name):
    assert Path(os.path.normpath(ROOT / folder_name(name, "output-0"))).parent == ROOT


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/opt/ml/model", "/r/model"), ("/opt/ml", "/r"), ("--a=/opt/ml/b", "--a=/r/b"), ("/opt/mlx", "/opt/mlx"),
        ("x/opt/ml/y", "x/opt/ml/y"), ("text /opt/ml/y", "text /opt/ml/y"),
    ],
)  # fmt: skip
def test_only_paths_at_the_beginning_of_a_word_or_of_a_value_are_moved(text, expected):
    assert relocated(text, Path("/r")) == expected


def test_for_programs_of_ours_large_files_are_linked_and_watched(tmp_path):
    small, large = tmp_path / "in" / "small", tmp_path / "in" / "large"
    small.parent.mkdir()
    small.write_bytes(b"s")
    large.write_bytes(bytes(8 << 20))
    placed = Placed()
    placed.place(storage_of().find(str(small.parent)), tmp_path / "copied")
    assert not (tmp_path / "copied" / "large").samefile(large)
    assert (tmp_path / "copied" / "large").read_bytes() == large.read_bytes()
    placed = Placed(is_shared=True)
    placed.place(storage_of().find(str(small.parent)), tmp_path / "job")
    assert not (tmp_path / "job" / "small").samefile(small)
    assert (tmp_path / "job" / "large").samefile(large)
    assert placed.changed() == []
    (tmp_path / "job" / "large").write_bytes(b"changed")
    assert placed.changed() == [large]


CONTENT = st.dictionaries(
    st.text("abc/", min_size=1, max_size=6).filter(lambda n: "//" not in n and n.strip("/") == n),
    st.binary(max_size=50),
)


def _write(folder: Path, files: dict[str, bytes]) -> bool:
    if any(other.startswith(f"{name}/") for name in files for other in files):
        return False  # one name is a folder in another
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return bool(files)


@given(files=CONTENT)
def test_what_is_packed_is_unpacked_again_and_packs_to_the_same_bytes(files, tmp_path_factory):
    root = tmp_path_factory.mktemp("pack")
    if not _write(root / "first", files):
        return
    pack(root / "first", root / "a.tar.gz")
    unpack(root / "a.tar.gz", root / "second")
    again = {
        path.relative_to(root / "second").as_posix(): path.read_bytes()
        for path in (root / "second").rglob("*")
        if path.is_file()
    }
    assert again == files
    os.utime(next(path for path in (root / "second").rglob("*") if path.is_file()), (1, 1))
    pack(root / "second", root / "b.tar.gz")
    assert (root / "a.tar.gz").read_bytes() == (root / "b.tar.gz").read_bytes()


def test_two_hard_links_to_one_file_are_packed_as_two_files(tmp_path):
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "a").write_text("x")
    os.link(tmp_path / "m" / "a", tmp_path / "m" / "b")
    pack(tmp_path / "m", tmp_path / "m.tar.gz")
    unpack(tmp_path / "m.tar.gz", tmp_path / "out")
    assert [(tmp_path / "out" / name).read_text() for name in "ab"] == ["x", "x"]


def test_a_link_to_a_folder_is_packed_as_the_folder(tmp_path):
    (tmp_path / "m" / "3").mkdir(parents=True)
    (tmp_path / "m" / "3" / "w").write_text("x")
    (tmp_path / "m" / "latest").symlink_to("3")
    pack(tmp_path / "m", tmp_path / "m.tar.gz")
    unpack(tmp_path / "m.tar.gz", tmp_path / "out")
    assert (tmp_path / "out" / "latest" / "w").read_text() == "x"


@pytest.mark.parametrize(
    ("make", "packing", "replacing"),
    [
        (
            lambda path: path.symlink_to(".."),
            "a link to a folder that it lies in",
            "a link to a folder that it lies in",
        ),
        (lambda path: path.symlink_to("gone"), "a link that leads nowhere", "leads out of the job or nowhere"),
        (lambda path: path.symlink_to(path.name), "a link that leads nowhere", "leads out of the job or nowhere"),
        (os.mkfifo, "neither a file nor a folder", None),
    ],
    ids=["round", "nowhere", "to itself", "a pipe"],
)
def test_what_would_never_end_or_is_not_there_is_told(make, packing, replacing, tmp_path):
    (tmp_path / "m" / "a").mkdir(parents=True)
    make(tmp_path / "m" / "a" / "x")
    with pytest.raises(RunError, match=rf"'x' cannot be packed: it is {packing}"):
        pack(tmp_path / "m", tmp_path / "m.tar.gz")
    if replacing:
        with pytest.raises(RunError, match=rf"{replacing}.*: m/a/x -> "):
            replace_links(tmp_path / "m", tmp_path)


def _member(name: str, **fields: object) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    for field, value in fields.items():
        setattr(member, field, value)
    return member


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ([_member("../x")], "its member '../x' is no safe path"),
        ([_member("/etc/x")], "its member '/etc/x' is no safe path"),
        ([_member("a/../../x")], "its member 'a/../../x' is no safe path"),
        ([_member("l", type=tarfile.SYMTYPE, linkname="/etc/passwd")], "is neither a file nor a folder"),
        ([_member("l", type=tarfile.LNKTYPE, linkname="../x")], "is neither a file nor a folder"),
        ([_member("d", type=tarfile.CHRTYPE)], "is neither a file nor a folder"),
        ([_member("p", type=tarfile.FIFOTYPE)], "is neither a file nor a folder"),
        ([_member(str(i)) for i in range(11)], "unpacks to more than 10 members or 1000 bytes"),
        ([_member("big", size=1001)], "unpacks to more than 10 members or 1000 bytes"),
        ([_member("a"), _member("a/b")], "cannot be read"),
    ],
)
def test_an_archive_that_could_do_harm_is_refused(members, message, tmp_path):
    with tarfile.open(tmp_path / "x.tar.gz", "w:gz") as tar:
        for member in members:
            tar.addfile(member, io.BytesIO(bytes(member.size)))
    with pytest.raises(
        RunError, match=rf"The archive 'x.tar.gz' is refused: (.|\n)*{message}(.|\n)*archive: .*x.tar.gz"
    ):
        unpack(tmp_path / "x.tar.gz", tmp_path / "inner" / "out", max_members=10, max_bytes=1000)
    assert list(tmp_path.rglob("x")) == []


@given(st.binary(max_size=2000))
def test_no_bytes_whatever_break_the_unpacking(tmp_path_factory, content):
    root = tmp_path_factory.mktemp("junk")
    (root / "x.tar.gz").write_bytes(content)
    with contextlib.suppress(RunError):
        unpack(root / "x.tar.gz", root / "out")


@given(st.text(max_size=70))
def test_no_group_name_whatever_leaves_the_registry(text):
    try:
        name = group_name(text)
    except RunError:
        return
    assert Path(os.path.normpath(ROOT / name)).parent == ROOT


def test_a_group_may_be_given_as_its_arn():
    assert group_name("arn:aws:sagemaker:us-east-1:111122223333:model-package-group/churn") == "churn"
    with pytest.raises(RunError):
        group_name("arn:aws:sagemaker:us-east-1:111122223333:model-package-group/../churn")


def test_versions_go_on_after_the_highest_and_a_stranger_in_the_folder_does_not_disturb(tmp_path):
    (tmp_path / "registry" / "g" / "7").mkdir(parents=True)
    (tmp_path / "registry" / "g" / "7" / "package.json").write_text("{}")
    (tmp_path / "registry" / "g" / "notes").mkdir()
    model = tmp_path / "model.tar.gz"
    model.write_bytes(b"m")
    request = {"ModelPackageGroupName": "g", "InferenceSpecification": {"Containers": [{"ModelDataUrl": str(model)}]}}
    version = register(tmp_path, request, storage_of(), run="r", step="s")
    assert (version.number, version.path.name) == (8, "8")
    assert (version.path / "model.tar.gz").read_bytes() == b"m"


def test_a_model_that_is_missing_leaves_nothing_behind(tmp_path):
    request = {"ModelPackageGroupName": "g", "InferenceSpecification": {"Containers": [{"ModelDataUrl": "s3://b/m"}]}}
    with pytest.raises(FluentpipeError):
        register(tmp_path, request, storage_of(), run="r", step="s")
    assert list((tmp_path / "registry" / "g").iterdir()) == []


NAMES = st.lists(
    st.sampled_from(["..", ".", "", "a", "b", "/", "C:", "\\", "\n", "~", "é"]), min_size=1, max_size=5
).map("/".join)
KINDS = st.sampled_from([tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE])


@given(members=st.lists(st.tuples(NAMES, KINDS, NAMES), min_size=1, max_size=4))
def test_no_archive_writes_outside_its_folder_or_leaves_a_link(members):
    with tempfile.TemporaryDirectory() as folder:
        archive, inner = Path(folder, "x.tar"), Path(folder, "deep", "in", "here")
        with tarfile.open(archive, "w") as tar:
            for name, kind, target in members:
                tar.addfile(
                    _member(name, type=kind, linkname=target if kind in (tarfile.SYMTYPE, tarfile.LNKTYPE) else "")
                )
        with contextlib.suppress(RunError):
            unpack(archive, inner)
        made = [path for path in Path(folder).rglob("*") if path != archive and not inner.is_relative_to(path)]
        assert all(path.is_relative_to(inner) and not path.is_symlink() for path in made)
