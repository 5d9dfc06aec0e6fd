"""Laws of difference: none to itself, mirror images, and no change of meaning that is not seen."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from fluentpipe.difference import difference
from fluentpipe.difference.facts import DEFAULTS

from .definitions import FOLDER, Document, document, loaded

DOCUMENTS = {
    "ours": document(),
    **{path.stem: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))},
    **{
        path.stem: json.loads(path.read_text())
        for path in sorted((FOLDER.parent / "sdk" / "fixtures").glob("*v[23]*.json"))
        if "Steps" in json.loads(path.read_text())
    },
}
Path = tuple[Any, ...]
# Members whose absence says what the service would take anyway.
DEFAULTED = {place[-1] for place in DEFAULTS}


def leaves(value: Any, path: Path = ()) -> Iterator[Path]:
    """The path of every value that holds no others."""
    children: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if children is None:
        yield path
        return
    for key, each in children:
        yield from leaves(each, (*path, key))


def at(value: Any, path: Path) -> Any:
    for key in path:
        value = value[key]
    return value


def mutated(document: Document, path: Path, how: str) -> Document | None:
    """The document with one value changed in meaning; None where that change would mean nothing."""
    changed = copy.deepcopy(document)
    parent, key = at(changed, path[:-1]), path[-1]
    value = parent[key]
    if key == "On" and len(parent.get("Values", ())) == 1:
        return None  # nothing is between
    if how == "other":
        parent[key] = (
            value + "x" if isinstance(value, str) else not value if isinstance(value, bool) else (value or 0) + 1
        )
    elif how == "retyped":
        parent[key] = [value] if isinstance(value, str) else str(value)
    elif key in DEFAULTED or value is None or (isinstance(value, str) and not value):
        return None  # it may be the default
    else:
        del parent[key]
    return None if changed == document else changed


@pytest.mark.parametrize(
    "name", ["small", *(pytest.param(name, marks=pytest.mark.slow) for name in DOCUMENTS if name != "small")]
)
@pytest.mark.parametrize("how", ["other", "retyped", "removed"])
def test_no_change_of_a_value_goes_unseen(name: str, how: str) -> None:
    original = loaded(DOCUMENTS[name])
    unseen = []
    for path in leaves(DOCUMENTS[name]):
        changed = mutated(DOCUMENTS[name], path, how)
        if changed is not None and not difference(original, loaded(changed)):
            unseen.append(path)
    assert unseen == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_definition_does_not_differ_from_itself(name: str) -> None:
    assert not difference(loaded(DOCUMENTS[name]), loaded(copy.deepcopy(DOCUMENTS[name])))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["", "a", "Get", "s3://b/x", "DependsOn"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["Name", "Type", "Steps", "Arguments", "IfSteps", "Conditions", "Parameters", "Get", "Std:Join", "Values",
             "DependsOn", "Tags", "Key", "InputDataConfig", "ChannelName", "LeftValue", "RightValue", "Std:JsonGet"]
        ),
        inner,
        max_size=4,
    ),
    max_leaves=25,
)  # fmt: skip
STEPS = st.lists(
    st.fixed_dictionaries(
        {"Name": st.sampled_from("abc"), "Type": st.sampled_from(["Training", "Fail", "Condition"])},
        optional={"Arguments": JSON, "DependsOn": JSON, "Other": JSON},
    ),
    max_size=4,
)
WILD = st.fixed_dictionaries({"Steps": STEPS | JSON}, optional={"Parameters": JSON, "Metadata": JSON})


@settings(max_examples=25, deadline=None)
@given(WILD)
def test_anything_that_is_json_is_equal_to_itself_in_another_order_of_members(wild: Document) -> None:
    backwards = json.loads(json.dumps(wild), object_pairs_hook=lambda pairs: dict(reversed(pairs)))
    assert not difference(loaded(wild), loaded(backwards))


@settings(max_examples=25, deadline=None)
@given(WILD, WILD)
def test_from_the_other_side_everything_is_mirrored(one: Document, other: Document) -> None:
    forth, back = difference(loaded(one), loaded(other)), difference(loaded(other), loaded(one))
    assert bool(forth) == bool(back)
    assert sorted(str(each.mirrored()) for each in forth) == sorted(str(each) for each in back)


@settings(max_examples=10, deadline=None)
@given(st.data())
def test_several_changes_are_mirrored_too(data: st.DataObject) -> None:
    original = DOCUMENTS["ours"]
    changed = original
    for _ in range(data.draw(st.integers(1, 4))):
        path = data.draw(st.sampled_from(list(leaves(changed))))
        changed = mutated(changed, path, data.draw(st.sampled_from(["other", "retyped", "removed"]))) or changed
    forth, back = difference(loaded(original), loaded(changed)), difference(loaded(changed), loaded(original))
    assert {each.mirrored() for each in forth} == set(back)


def test_what_is_nested_without_end_is_refused_and_no_crash() -> None:
    deep: Any = "x"
    for _ in range(200):
        deep = {"Std:Join": {"On": "", "Values": [deep]}}
    wild = {"Steps": [{"Name": "a", "Type": "Fail", "Arguments": {"ErrorMessage": deep}}]}
    assert not difference(loaded(wild), loaded(wild))
