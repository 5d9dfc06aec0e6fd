"""References, conditions and parameters, without any process."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from fluentpipe.errors import RunError
from fluentpipe.run.conditions import judge
from fluentpipe.run.parameters import settle
from fluentpipe.run.paths import look_up, parse_path
from fluentpipe.run.values import Values, as_text

from .pipelines import join, json_get

DOCUMENT = {
    "ModelArtifacts": {"S3ModelArtifacts": "s3://b/model.tar.gz"},
    "ProcessingOutputConfig": {"Outputs": [{"OutputName": "train", "S3Output": {"S3Uri": "s3://b/train"}}]},
    "FinalMetricDataList": [{"MetricName": "auc", "Value": 0.5}],
    "HyperParameters": {"max.depth": "8"},
}


@pytest.fixture
def values(tmp_path: Path) -> Values:
    report = tmp_path / "evaluation.json"
    report.write_text(json.dumps({"metrics": {"auc": 0.8123, "n": 12}, "a.b": [{"c d": True}], "groups": [1, 2]}))
    parameters = {"limit": 0.9, "bucket": "b", "on": True, "n": 3}
    return Values(parameters, {"PipelineName": "churn"}, lambda *_: report, lambda _: report, {"Train": DOCUMENT})


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ({"Get": "Parameters.limit"}, 0.9),
        ({"Get": "Execution.PipelineName"}, "churn"),
        ({"Get": "Steps.Train.ModelArtifacts.S3ModelArtifacts"}, "s3://b/model.tar.gz"),
        ({"Get": "Steps.Train.ProcessingOutputConfig.Outputs['train'].S3Output.S3Uri"}, "s3://b/train"),
        ({"Get": 'Steps.Train.ProcessingOutputConfig.Outputs["train"].S3Output.S3Uri'}, "s3://b/train"),
        ({"Get": "Steps.Train.ProcessingOutputConfig.Outputs[0].S3Output.S3Uri"}, "s3://b/train"),
        ({"Get": "Steps.Train.FinalMetricDataList['auc'].Value"}, 0.5),
        ({"Get": "Steps.Train.HyperParameters['max.depth']"}, "8"),
        (join("s3:/", {"Get": "Parameters.bucket"}, {"Get": "Parameters.n"}), "s3://b/3"),
        (join({"Get": "Parameters.on"}, 0.5, join("a", "b", on="-"), on=","), "true,0.5,a-b"),
        (json_get("E", "metrics.auc"), 0.8123),
        (json_get("E", "$.metrics['n']"), 12),
        (json_get("E", "['a.b'][0]['c d']"), True),
        ({"Std:JsonGet": {"S3Uri": "s3://b/x.json", "Path": "groups[1]"}}, 2),
        (
            {"a": [{"Get": "Parameters.n"}, {"b": 1, "Get": "Parameters.n"}]},
            {"a": [3, {"b": 1, "Get": "Parameters.n"}]},
        ),
        ("plain", "plain"),
    ],
)
def test_a_reference_stands_for_its_value(written, expected, values):
    assert values.resolve(written) == expected


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ({"Get": "Parameters.limt"}, r"no pipeline parameter 'limt'\. Did you mean 'limit'\?"),
        ({"Get": "Execution.Name"}, r"no execution variable 'Name'"),
        ({"Get": "Steps.Trian.X"}, r"no finished step 'Trian'\. Did you mean 'Train'\?"),
        ({"Get": "Steps.Train.ModelArtifacts.S3"}, r"Step 'Train' has no 'ModelArtifacts\.S3'\.\n  at ModelArtifacts there is: S3ModelArtifacts\."),
        ({"Get": "Steps.Train.ProcessingOutputConfig.Outputs['trian'].S3Output"}, r"at ProcessingOutputConfig\.Outputs there is: 0, train\. Did you mean 'train'"),
        ({"Get": "Nothing"}, r"none of Parameters\.x"),
        (json_get("E", "metrics.*"), r"cannot be read at '\*'|cannot be read"),
        (json_get("E", "metrics.auc.value"), r"at metrics\.auc there is: 0\.8123"),
        (json_get("E", "groups[2]"), r"at groups there is: 0, 1"),
        ({"Std:JsonGet": {"PropertyFile": "report", "Path": "x"}}, r"is no property file"),
    ],
)  # fmt: skip
def test_a_reference_without_a_value_says_what_there_is(written, message, values):
    with pytest.raises(RunError, match=message):
        values.resolve(written)


def _compare(kind: str, left: Any, right: Any) -> dict[str, Any]:
    return {"Type": kind, "LeftValue": left, "RightValue": right}


AUC = json_get("E", "metrics.auc")


@pytest.mark.parametrize(
    ("condition", "holds", "line"),
    [
        (_compare("GreaterThanOrEqualTo", AUC, {"Get": "Parameters.limit"}), False, "metrics.auc: 0.8123 is not >= 0.9"),
        (_compare("GreaterThanOrEqualTo", AUC, 0.8123), True, "metrics.auc: 0.8123 is >= 0.8123"),
        (_compare("GreaterThan", AUC, 0.8123), False, "metrics.auc: 0.8123 is not > 0.8123"),
        (_compare("LessThan", "9", "10"), True, "9 is < 10"),
        (_compare("LessThan", "b", "a"), False, "b is not < a"),
        (_compare("LessThanOrEqualTo", {"Get": "Parameters.n"}, "3.0"), True, "Parameters.n: 3 is <= 3.0"),
        (_compare("Equals", "1.0", 1), True, "1.0 is == 1"),
        (_compare("Equals", {"Get": "Parameters.on"}, "True"), True, "Parameters.on: true is == True"),
        (_compare("Equals", True, 1), False, "true is not == 1"),
        (_compare("Equals", "9007199254740993", 9007199254740992), False, "9007199254740993 is not == 9007199254740992"),
        ({"Type": "In", "QueryValue": {"Get": "Parameters.n"}, "Values": ["1", "3"]}, True, "Parameters.n: 3 is in [1, 3]"),
        ({"Type": "Not", "Condition": _compare("Equals", 1, 1)}, False, "not (1 is == 1)"),
        ({"Type": "Or", "Conditions": [_compare("Equals", 1, 2), _compare("Equals", 1, 1)]}, True, "(1 is not == 2) or (1 is == 1)"),
    ],
)  # fmt: skip
def test_a_condition_is_judged_and_put_into_words(condition, holds, line, values):
    verdict = judge(condition, values)
    assert (verdict.holds, verdict.line) == (holds, line)


@given(st.floats(allow_nan=False), st.floats(allow_nan=False))
def test_numbers_compare_as_numbers_however_they_are_written(left, right):
    nothing = Values({}, {}, None, None)
    for a in (left, repr(left)):
        for b in (right, repr(right)):
            assert judge(_compare("LessThan", a, b), nothing).holds == (left < right)
            assert judge(_compare("Equals", a, b), nothing).holds == (left == right)


KEYS = st.text(st.characters(codec="ascii", exclude_characters="'\"[]\\", exclude_categories=["Cc"]), min_size=1)


@given(st.lists(KEYS | st.integers(0, 99), min_size=1, max_size=5))
def test_every_path_that_is_written_is_read_back_and_finds_its_value(parts):
    path = "$" + "".join(f"[{part}]" if isinstance(part, int) else f"['{part}']" for part in parts)
    assert parse_path(path) == tuple(parts)
    document: Any = "found"
    for part in reversed(parts):
        document = [None] * part + [document] if isinstance(part, int) else {part: document}
    assert look_up(document, path, "it") == "found"


@given(
    st.text(max_size=20), st.recursive(st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x))
)
def test_any_path_into_any_document_is_found_or_refused_in_words(path, document):
    with contextlib.suppress(RunError):
        look_up(document, path, "it")


@pytest.mark.parametrize(
    ("kind", "given_value", "expected"),
    [
        ("Integer", "5", 5), ("Integer", 5.0, 5), ("Integer", True, None), ("Integer", "5.5", None), ("Integer", 5.5, None),
        ("Float", "1e-3", 0.001), ("Float", 2, 2.0), ("Float", "nan", None), ("Float", float("inf"), None),
        ("Boolean", "True", True), ("Boolean", False, False), ("Boolean", 1, None), ("Boolean", "yes", None),
        ("String", "x", "x"), ("String", Path("a/b"), "a/b"), ("String", 1, None), ("String", None, None),
    ],
)  # fmt: skip
def test_a_parameter_is_read_as_the_type_that_is_declared(kind, given_value, expected):
    values, faults = settle({"p": {"Name": "p", "Type": kind}}, {"p": given_value})
    if expected is None:
        assert f"but its type is {kind}." in faults[0]
    else:
        assert (values["p"], type(values["p"]), faults) == (expected, type(expected), [])


def test_all_faults_of_the_parameters_are_told_at_once():
    declared = {"a": {"Type": "Integer"}, "b": {"Type": "String", "DefaultValue": "x", "EnumValues": ["x", "y"]}}
    _, faults = settle(declared, {"b": "z", "c": 1})
    assert faults == [
        "parameter 'c' is unknown. There are: a, b.",
        "parameter 'a' has no default and was not given.",
        "parameter 'b' is 'z', which is none of 'x', 'y'.",
    ]


@given(st.integers() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False))
def test_a_value_in_a_text_is_written_as_json(value):
    assert json.loads(as_text(value)) == value
