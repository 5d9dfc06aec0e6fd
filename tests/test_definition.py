"""A definition is loaded from anywhere, walked, compared, and written as a bundle that runs anywhere."""

import copy
import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from fluentpipe.definition import Asset, Definition, references, tree_sha256
from fluentpipe.errors import DefinitionError, FluentpipeError, InvalidS3Uri

FOLDER = Path(__file__).parent / "definitions"
FILES = {"train.py": b"print('learn')\n", "parts/columns.py": b"COLUMNS = []\n"}


def document(name="small"):
    return json.loads((FOLDER / f"{name}.json").read_text())


def with_code(prefix="s3://forest-bucket/code", files=FILES):
    """A sound definition whose code is an asset, and that asset."""
    asset = Asset.of(prefix, files)
    found = document()
    found["Steps"][0]["Arguments"]["ProcessingInputs"][0]["S3Input"]["S3Uri"] = asset.uri
    return Definition("forest", found, (asset,))


# --- loading ----------------------------------------------------------------------------------------------------


def test_a_file_a_text_a_mapping_and_a_bundle_load_the_same_definition(tmp_path):
    path = FOLDER / "canonical.json"
    from_file = Definition.load(path)
    bundle = from_file.write(tmp_path / "bundle")
    same = [Definition.load(str(path)), Definition.load(path.read_text()), Definition.load(document("canonical"))]
    assert all(each == from_file and hash(each) == hash(from_file) for each in [*same, Definition.load(bundle)])
    assert from_file != Definition.load(FOLDER / "small.json")


def test_the_name_is_the_one_given_or_comes_from_the_file_or_the_bundle(tmp_path):
    path = tmp_path / "my churn_v2.json"
    path.write_text(json.dumps(document()))
    assert Definition.load(path).name == "my-churn-v2"
    assert Definition.load(path, name="other").name == "other"
    assert Definition.load(document()).name == "pipeline"
    assert Definition.load(with_code().write(tmp_path / "bundle")).name == "forest"


def test_a_mapping_changed_after_loading_does_not_change_the_definition():
    source = document()
    loaded = Definition.load(source)
    source["Steps"].clear()
    assert len(list(loaded.steps())) == 1


def test_errors_raise_with_every_fault_on_a_line_of_its_own():
    broken = document("canonical")
    broken["Version"] = "1"
    broken["Steps"][1]["Name"] = "Train it"
    with pytest.raises(DefinitionError, match="4 errors") as caught:
        Definition.load(broken, name="forest")
    lines = str(caught.value).splitlines()
    assert "error version at $.Version: There is no version '1' of definitions. fix: write '2020-12-01'" in lines[-1]
    assert any("step-name at $.Steps[1].Name (step 'Train it')" in line for line in lines)
    assert len(lines) == 1 + len(caught.value.diagnostics) == 5


def test_errors_are_kept_as_diagnostics_when_that_is_asked_for():
    loaded = Definition.load({"Steps": []}, strict=False)
    assert {each.code for each in loaded.diagnostics} == {"version", "no-steps"}
    with pytest.raises(DefinitionError):
        loaded.raise_on_errors()


def test_warnings_do_not_raise():
    warned = document()
    warned["Parameters"] = [{"Name": "Spare", "Type": "String"}]
    loaded = Definition.load(warned)
    assert [each.code for each in loaded.diagnostics] == ["unused-parameter"]
    assert loaded.raise_on_errors() is loaded


def test_a_name_that_the_service_refuses_is_a_fault():
    with pytest.raises(DefinitionError, match="name it 'my-churn'"):
        Definition.load(document(), name="my churn")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"Steps": [}', "is no JSON"),
        ('{"Steps": [], "Steps": []}', "the key 'Steps' twice"),
        ('{"Steps": NaN}', "NaN is no JSON number"),
        ('{"a":' * 100_000, "too deeply"),
        ("{}]", "is no JSON"),
    ],
)
def test_text_that_is_no_json_is_refused_with_the_reason(text, words):
    with pytest.raises(DefinitionError, match=words) as caught:
        Definition.load(text)
    assert caught.value.diagnostics == ()


def test_json_that_is_no_object_is_refused(tmp_path):
    path = tmp_path / "list.json"
    path.write_text("[]")
    with pytest.raises(DefinitionError, match="no object"):
        Definition.load(path)
    path.write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(DefinitionError, match="is no JSON"):
        Definition.load(path)


@pytest.mark.parametrize("value", [{"Steps": {1, 2}}, {"Steps": float("nan")}, {"Steps": Path("x")}])
def test_a_mapping_that_is_no_json_data_is_refused(value):
    with pytest.raises(DefinitionError, match="no plain JSON data"):
        Definition.load(value)


# --- walking ----------------------------------------------------------------------------------------------------


def test_steps_are_walked_in_the_order_of_the_json_with_their_scopes():
    walked = [(step.name, step.type, step.scope, step.path) for step in Definition.load(FOLDER / "tuned.json").steps()]
    branch = "$.Steps[0].Arguments.IfSteps"
    assert walked[:5] == [
        ("Score", "Condition", (), "$.Steps[0]"),
        ("Keep", "Model", (("Score", "If"),), f"{branch}[0]"),
        ("Predict", "Transform", (("Score", "If"),), f"{branch}[1]"),
        ("Again", "Condition", (("Score", "If"),), f"{branch}[2]"),
        ("Stop", "Fail", (("Score", "If"), ("Again", "If")), f"{branch}[2].Arguments.IfSteps[0]"),
    ]
    assert [name for name, *_ in walked[5:]] == ["Tune", "Split", "Ask", "Tell"]


def test_references_are_found_wherever_they_are_an_outer_one_before_its_parts():
    value = {
        "a": [{"Std:Join": {"On": "/", "Values": ["x", {"Get": "Parameters.P"}]}}],
        "odd key": {"Get": "Steps.A.B"},
    }
    assert [tuple(each)[:3] for each in references(value, "$.x")] == [
        ("$.x.a[0]", "Std:Join", "/"),
        ("$.x.a[0]['Std:Join'].Values[1]", "Get", "Parameters.P"),
        ("$.x['odd key']", "Get", "Steps.A.B"),
    ]


def test_the_references_of_a_condition_are_its_own_and_not_those_of_its_branches():
    gate = next(step for step in Definition.load(FOLDER / "canonical.json").steps() if step.name == "GoodEnough")
    assert [each.text for each in gate.references()] == [
        "binary_classification_metrics.auc.value",
        "Steps.Evaluate.PropertyFiles.Report",
        "Parameters.LowestAuc",
    ]


def test_parameters_are_found_by_name_in_their_order():
    found = Definition.load(FOLDER / "canonical.json").parameters
    assert list(found) == ["Role", "Source", "Instance", "Rounds", "LowestAuc", "Spot"]
    assert found["Rounds"]["DefaultValue"] == 300
    assert Definition.load({"Parameters": 3}, strict=False).parameters == {}


def test_the_repr_is_short_and_says_what_there_is():
    assert repr(Definition.load(FOLDER / "canonical.json")) == "<definition canonical: 6 steps, 0 assets>"
    assert repr(with_code()) == "<definition forest: 1 step, 1 asset>"


# --- text and bundles -------------------------------------------------------------------------------------------

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
documents = st.dictionaries(st.text(), json_values, max_size=5)


@given(documents, st.randoms())
def test_what_is_sent_is_ascii_equal_for_equal_documents_and_loads_to_the_same(value, random):
    made = Definition.load(value, strict=False)
    keys = list(value)
    random.shuffle(keys)
    shuffled = Definition.load({key: value[key] for key in keys}, strict=False)
    assert made.to_json().isascii()
    assert made == shuffled
    assert made.to_json() == shuffled.to_json() == Definition.load(made.to_json(), strict=False).to_json()


file_names = st.lists(
    st.text("abä .-_", min_size=1, max_size=5).filter(lambda x: x not in (".", "..")), min_size=1, max_size=3
)
trees = st.dictionaries(file_names.map("/".join), st.binary(max_size=20), min_size=1, max_size=4).filter(
    lambda tree: not any(other.startswith(name + "/") for name in tree for other in tree)
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(trees)
def test_a_bundle_loads_to_what_was_written(tmp_path, files):
    written = with_code(files=files)
    loaded = Definition.load(written.write(tmp_path / "bundle"))
    assert loaded == written
    assert loaded.name == written.name
    assert [(each.uri, each.sha256) for each in loaded.assets] == [(each.uri, each.sha256) for each in written.assets]
    assert {name: path.read_bytes() for name, path in loaded.assets[0].files.items()} == files


def test_a_bundle_is_made_of_readable_files_and_leaves_nothing_beside_it(tmp_path):
    written = with_code()
    folder = written.write(tmp_path / "out" / "bundle")
    sha256 = written.assets[0].sha256
    assert sorted(str(each.relative_to(folder)) for each in folder.rglob("*") if each.is_file()) == [
        f"assets/{sha256}/parts/columns.py",
        f"assets/{sha256}/train.py",
        "bundle.json",
        "definition.json",
    ]
    assert json.loads((folder / "bundle.json").read_text()) == {"format": 1, "name": "forest"}
    assert (folder / "definition.json").read_text().startswith('{\n  "Version"')
    assert [each.name for each in folder.parent.iterdir()] == ["bundle"]


def test_a_bundle_is_replaced_by_the_next_one_and_an_empty_folder_is_taken(tmp_path):
    folder = tmp_path / "bundle"
    folder.mkdir()
    with_code().write(folder)
    Definition.load(FOLDER / "canonical.json").write(folder)
    assert Definition.load(folder).name == "canonical"
    assert not (folder / "assets").exists()
    assert [each.name for each in tmp_path.iterdir()] == ["bundle"]


def test_no_other_folder_file_or_link_is_ever_overwritten(tmp_path):
    mine, kept, file, link = (tmp_path / name for name in ("mine", "bundle", "file", "link"))
    mine.mkdir()
    (mine / "thesis.txt").write_text("years")
    with_code().write(kept)
    (kept / "thesis.txt").write_text("years")
    file.write_text("years")
    link.symlink_to(mine)
    for target in (mine, kept, file, link):
        with pytest.raises(FluentpipeError, match="left as it is"):
            with_code().write(target)
    assert {path.read_text() for path in (mine / "thesis.txt", kept / "thesis.txt", file)} == {"years"}
    assert len(list(tmp_path.iterdir())) == 4


def test_a_write_that_fails_leaves_the_bundle_that_was_there(tmp_path):
    source = tmp_path / "train.py"
    source.write_text("one")
    bundle = tmp_path / "bundle"
    definition = with_code(files={"train.py": source})
    definition.write(bundle)
    source.write_text("two")
    with pytest.raises(FluentpipeError, match="not those that were hashed"):
        definition.write(bundle)
    assert Definition.load(bundle) == definition
    assert sorted(each.name for each in tmp_path.iterdir()) == ["bundle", "train.py"]


def test_an_asset_that_nothing_uses_is_not_written(tmp_path):
    surplus = Definition("forest", document(), (Asset.of("s3://forest-bucket/code", FILES),))
    with pytest.raises(FluentpipeError, match="used nowhere"):
        surplus.write(tmp_path / "bundle")


def test_one_folder_of_files_serves_every_uri_that_ends_in_its_hash(tmp_path):
    here, there = Asset.of("s3://forest-bucket/code", FILES), Asset.of("s3://other-bucket/code", FILES)
    both = document()
    both["Metadata"] = {"a": here.uri, "b": f"{there.uri}/train.py"}
    loaded = Definition.load(Definition("forest", both, (here, there)).write(tmp_path / "bundle"))
    assert [each.uri for each in loaded.assets] == [here.uri, there.uri]


def test_an_asset_is_found_where_its_uri_stands_inside_a_text(tmp_path):
    asset = Asset.of("s3://forest-bucket/code", FILES)
    found = document()
    found["Metadata"] = {"sagemaker_submit_directory": json.dumps(f"{asset.uri}/train.py")}
    loaded = Definition.load(Definition("forest", found, (asset,)).write(tmp_path / "bundle"))
    assert [each.uri for each in loaded.assets] == [asset.uri]


def damage(tmp_path, how):
    bundle = with_code().write(tmp_path / "bundle")
    assets = next((bundle / "assets").iterdir())
    outside = tmp_path / "secret"
    outside.write_text("secret")
    if how == "changed":
        (assets / "train.py").write_text("print('mine')")
    elif how == "added":
        (assets / "more.py").write_text("")
    elif how == "removed":
        (assets / "train.py").unlink()
    elif how == "linked file":
        (assets / "train.py").unlink()
        (assets / "train.py").symlink_to(outside)
    elif how == "linked folder":
        (assets / "more").symlink_to(tmp_path)
    elif how == "linked asset":
        assets.rename(tmp_path / "moved")
        assets.symlink_to(tmp_path / "moved")
    elif how == "linked definition":
        (bundle / "definition.json").unlink()
        (bundle / "definition.json").symlink_to(outside)
    elif how == "pipe":
        os.mkfifo(assets / "pipe")
    elif how == "stray":
        (bundle / "assets" / ("0" * 64)).mkdir()
    elif how == "format":
        (bundle / "bundle.json").write_text('{"format": 2, "name": "x"}')
    elif how == "marker":
        (bundle / "bundle.json").write_text("[]")
    elif how == "no bundle":
        (bundle / "bundle.json").unlink()
    elif how == "backslash":
        (assets / "..\\x").write_text("")
    return bundle


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("changed", "other files than its hash says"),
        ("added", "other files than its hash says"),
        ("removed", "other files than its hash says"),
        ("linked file", "no plain file"),
        ("linked folder", "no plain file"),
        ("linked asset", "no plain folder"),
        ("linked definition", "no plain file"),
        ("pipe", "no plain file"),
        ("stray", "belongs to no URI"),
        ("format", "reads format 1"),
        ("marker", "damaged"),
        ("no bundle", "no bundle.json"),
        ("backslash", "unsafe name"),
    ],
)
def test_a_damaged_or_hostile_bundle_is_refused(tmp_path, how, words):
    with pytest.raises(DefinitionError, match=words):
        Definition.load(damage(tmp_path, how))


# --- assets -----------------------------------------------------------------------------------------------------


@given(trees, st.randoms())
def test_the_hash_of_a_tree_depends_on_names_and_contents_and_not_on_the_order(files, random):
    names = list(files)
    random.shuffle(names)
    assert tree_sha256({name: files[name] for name in names}) == tree_sha256(files)
    assert tree_sha256({**files, names[0]: files[names[0]] + b"x"}) != tree_sha256(files)
    assert tree_sha256({**files, names[0] + "x": b""}) != tree_sha256(files)
    assert tree_sha256({"a": b"bc"}) != tree_sha256({"ab": b"c"})


def test_a_local_file_counts_as_its_content(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"a" * 3_000_000)
    assert tree_sha256({"x": path}) == tree_sha256({"x": b"a" * 3_000_000})


@pytest.mark.parametrize("name", ["", "/x", "../x", "a/../x", "a//x", "./x", "x/", "a\\x", "C:x", "a\nb", "\udc80"])
def test_a_name_that_could_leave_its_folder_is_refused(name):
    with pytest.raises(FluentpipeError, match="no safe name"):
        Asset.of("s3://forest-bucket/code", {name: b""})
    with pytest.raises(FluentpipeError, match="no safe name"):
        Asset("s3://forest-bucket/" + "0" * 64, "0" * 64, {name: b""})


def test_a_file_that_is_also_a_folder_is_refused():
    with pytest.raises(FluentpipeError, match="is a file of the asset itself"):
        Asset.of("s3://forest-bucket/code", {"a": b"", "a/b": b""})


def test_the_uri_of_an_asset_ends_in_its_hash():
    with pytest.raises(FluentpipeError, match="ends in its content hash"):
        Asset("s3://forest-bucket/code", "0" * 64, {})
    with pytest.raises(InvalidS3Uri):
        Asset.of("s3://forest-bucket/code/", FILES)


def test_a_uri_leads_to_its_asset_and_to_the_name_in_it():
    definition = with_code()
    (asset,) = definition.assets
    assert definition.asset_for(asset.uri) == (asset, "")
    assert definition.asset_for(f"{asset.uri}/") == (asset, "")
    assert definition.asset_for(f"{asset.uri}/train.py") == (asset, "train.py")
    assert definition.asset_for(f"{asset.uri}/parts") == (asset, "parts")
    for other in (f"{asset.uri}/none.py", f"{asset.uri}x", "s3://forest-bucket/code", f"{asset.uri}/../x"):
        assert definition.asset_for(other) is None


def test_writing_never_changes_the_definition(tmp_path):
    definition = with_code()
    before = copy.deepcopy(definition.document)
    definition.write(tmp_path / "bundle")
    assert definition.document == before


def test_an_asset_that_is_named_inside_a_text_is_written_to_the_bundle(tmp_path: Path) -> None:
    files: dict[str, Path | bytes] = {"sourcedir.tar.gz": b"packed"}
    uri = f"s3://bucket/churn/code/{tree_sha256(files)}"
    document = {
        "Version": "2020-12-01",
        "Steps": [{"Name": "note", "Type": "Fail", "Arguments": {"ErrorMessage": f'"{uri}/sourcedir.tar.gz"'}}],
    }
    asset = Asset(uri, tree_sha256(files), files)
    bundle = Definition("churn", document, (asset,)).write(tmp_path / "bundle")
    assert Definition.load(bundle).assets[0].uri == uri
