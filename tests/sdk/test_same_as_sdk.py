"""The canonical chain compared, step by step, with what the SageMaker SDK's own classes write for it.

The fixtures are written by write_fixtures.py where the SDK is installed; check_fixtures.sh tells whether they still hold.
"""

from __future__ import annotations

import copy
import json
import pathlib
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import pytest

from fluentpipe import Pipeline

from .differences import ABSENT, DIFFERENCES, Difference, apply

FIXTURES = pathlib.Path(__file__).parent / "fixtures"
MAJORS = ("2", "3")
STEPS = (
    "data_loading",
    "tabular_preprocessing",
    "xgboost_training",
    "model_evaluation",
    "quality_gate",
    "model_registration",
    "quality_gate_failed",
)
each_major = pytest.mark.parametrize("major", MAJORS, ids=lambda major: f"v{major}")


@lru_cache(maxsize=1)
def our_document() -> Mapping[str, Any]:
    """The chain of the README, typed as it stands."""
    pipe = (
        Pipeline("churn")
        .load_data("s3://my-bucket/churn.csv", label="churn", validation_split=0.2)
        .preprocess()
        .train_xgboost(max_depth=8, n_estimators=200)
        .evaluate_performance()
        .require(min_auc=0.80, max_training_time="4 hours")
        .register("churn-models")
    )
    role = "arn:aws:iam::111122223333:role/SageMakerRole"
    return pipe.materialize(role=role, bucket="my-bucket", region="us-east-1").document


@lru_cache(maxsize=2)
def sdk_document(major: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads((FIXTURES / f"v{major}.json").read_text())
    return found


def comparable(value: Any) -> Any:
    """Joins of S3 URIs as one text, in which a reference is `${…}`; content hashes as `<sha256>`; all else as it is.

    Both sides go through it: how a URI is cut into pieces, and the hash of different programs, say nothing.
    """
    if isinstance(value, Mapping):
        if set(value) == {"Std:Join"} and set(value["Std:Join"]) == {"On", "Values"} and value["Std:Join"]["On"] == "/":
            return "/".join(_piece(each) for each in value["Std:Join"]["Values"])
        return {key: comparable(each) for key, each in value.items()}
    if isinstance(value, list):
        return [comparable(each) for each in value]
    return re.sub(r"\b[0-9a-f]{64}\b", "<sha256>", value) if isinstance(value, str) else value


def _piece(value: Any) -> str:
    return value if isinstance(value, str) else f"${{{value['Get']}}}"


def flat(document: Mapping[str, Any]) -> dict[str, Any]:
    """Name of a step -> the step, those of branches too, which leave their names behind; `""` -> what is around them."""
    found: dict[str, Any] = {"": {key: value for key, value in document.items() if key != "Steps"}}

    def visit(steps: list[Any]) -> list[str]:
        for step in steps:
            arguments = dict(step["Arguments"])
            for branch in {"IfSteps", "ElseSteps"} & set(arguments):
                arguments[branch] = visit(arguments[branch])
            found[step["Name"]] = {**step, "Arguments": arguments}
        return [step["Name"] for step in steps]

    visit(document["Steps"])
    return found


@lru_cache(maxsize=4)
def expected(major: str, without: Difference | None = None) -> dict[str, Any]:
    """The SDK's steps after the listed differences, by the names that we give them."""
    document = comparable(sdk_document(major))
    for difference in DIFFERENCES:
        if major in difference.sdk and difference is not without:
            document = _applied(difference, document)
    return flat(document)


def _applied(difference: Difference, document: Mapping[str, Any]) -> dict[str, Any]:
    if difference.type == "":
        return apply(difference, document)

    def visit(steps: list[Any]) -> list[Any]:
        changed = []
        for step in steps:
            arguments = dict(step["Arguments"])
            for branch in {"IfSteps", "ElseSteps"} & set(arguments):
                arguments[branch] = visit(arguments[branch])
            own = {**step, "Arguments": arguments}
            changed.append(apply(difference, own) if step["Type"] == difference.type else own)
        return changed

    return {**document, "Steps": visit(document["Steps"])}


def canonical_text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, indent=1)


@lru_cache(maxsize=2)
def expected_text(major: str) -> str:
    return canonical_text(expected(major))


def ours(document: Mapping[str, Any]) -> dict[str, Any]:
    return flat(comparable(document))


@each_major
@pytest.mark.parametrize("name", STEPS)
def test_a_step_is_what_the_sdk_writes_after_the_listed_differences(name, major):
    assert canonical_text(ours(our_document())[name]) == canonical_text(expected(major)[name])


@each_major
def test_what_is_around_the_steps_is_what_the_sdk_writes(major):
    assert canonical_text(ours(our_document())[""]) == canonical_text(expected(major)[""])


@each_major
def test_neither_has_a_step_that_the_other_lacks(major):
    assert sorted(ours(our_document())) == sorted(expected(major)) == sorted(["", *STEPS])


USED = [(major, difference) for difference in DIFFERENCES for major in difference.sdk]


@pytest.mark.parametrize(
    ("major", "difference"),
    USED,
    ids=[f"v{major}-{each.type}-{each.path}-{number}" for number, (major, each) in enumerate(USED)],
)
def test_no_difference_is_listed_that_is_none(major, difference):
    """A row that is not needed any more would hide a later change."""
    assert canonical_text(expected(major, difference)) != canonical_text(expected(major))


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value inside, containers too."""
    if path:
        yield path
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from leaves(each, (*path, key))
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from leaves(each, (*path, index))


def mutated(document: Mapping[str, Any], path: tuple[Any, ...], change: str) -> dict[str, Any] | None:
    """The document with one value other than it is; None where the change makes no sense there."""
    changed: dict[str, Any] = copy.deepcopy(dict(document))
    parent: Any = changed
    for key in path[:-1]:
        parent = parent[key]
    value = parent[path[-1]]
    if change == "removed":
        del parent[path[-1]]
    elif change == "other" and not isinstance(value, (dict, list)):
        parent[path[-1]] = value + "x" if isinstance(value, str) else value + 1
    elif change == "quoted" and isinstance(value, str):
        parent[path[-1]] = json.dumps(value)
    elif change == "retyped" and not isinstance(value, (dict, list)):
        parent[path[-1]] = float(value) if isinstance(value, int) else [value]
    elif change == "added" and isinstance(value, dict) and "Get" not in value and "Std:Join" not in value:
        value["Tags"] = "x"
    else:
        return None
    return changed


def _seen(document: Mapping[str, Any]) -> bool:
    """Whether the comparison fails, with either version of the SDK."""
    try:
        text = canonical_text(ours(document))
    except (KeyError, TypeError, AttributeError):
        return True  # no longer a definition that can be read
    return all(text != expected_text(major) for major in MAJORS)


@pytest.mark.parametrize(
    "change",
    ["removed", *(pytest.param(each, marks=pytest.mark.slow) for each in ("other", "quoted", "retyped", "added"))],
)
def test_no_change_of_any_of_our_values_goes_unseen(change):
    """From S3InputMode to the quotes of a hyperparameter, each value of the definition changed by itself."""
    document = our_document()
    tried = {path: made for path in leaves(document) if (made := mutated(document, path, change)) is not None}
    assert len(tried) > 40
    assert [path for path, made in tried.items() if not _seen(made)] == []


MISTAKES = {
    "a channel is cut into shards": (
        "xgboost_training",
        "S3DataDistributionType",
        "FullyReplicated",
        "ShardedByS3Key",
    ),
    "a channel has another name": ("xgboost_training", "ChannelName", "validation", "valid"),
    "a number among the hyperparameters is quoted": ("xgboost_training", "max_depth", "8", '"8"'),
    "an input is a pipe": ("tabular_preprocessing", "S3InputMode", "File", "Pipe"),
    "a path in the container is another": (
        "data_loading",
        "LocalPath",
        "/opt/ml/processing/input/data",
        "/opt/ml/processing/data",
    ),
    "there are two instances": ("model_evaluation", "InstanceCount", 1, 2),
    "the archive is not quoted": (
        "xgboost_training",
        "sagemaker_program",
        '"train.py"',
        "train.py",
    ),
}


def _set(value: Any, key: str, old: Any, new: Any) -> int:
    """Replace a value wherever it stands under a key; how often."""
    if isinstance(value, list):
        return sum(_set(each, key, old, new) for each in value)
    if not isinstance(value, dict):
        return 0
    count = sum(_set(each, key, old, new) for each in value.values())
    if key in value and value[key] == old:
        value[key] = new
        count += 1
    return count


@each_major
@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_seen_in_its_step_and_nowhere_else(mistake, major):
    name, key, old, new = MISTAKES[mistake]
    steps = copy.deepcopy(ours(our_document()))
    assert _set(steps[name], key, old, new)
    wrong = [step for step in STEPS if canonical_text(steps[step]) != canonical_text(expected(major)[step])]
    assert wrong == [name]


def test_a_difference_applies_only_where_exactly_its_value_stands():
    difference = Difference("2", "Training", "Arguments.Channels[].Mode", "File", ABSENT, "")
    step = {"Arguments": {"Channels": [{"Mode": "File"}, {"Mode": "Pipe"}, {}]}}
    assert apply(difference, step) == {"Arguments": {"Channels": [{}, {"Mode": "Pipe"}, {}]}}


def test_false_is_not_taken_for_zero():
    difference = Difference("2", "Training", "Arguments.Flag", False, ABSENT, "")
    assert apply(difference, {"Arguments": {"Flag": 0}}) == {"Arguments": {"Flag": 0}}
