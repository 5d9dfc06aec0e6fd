"""References behave well everywhere: each row of the design's table."""

from __future__ import annotations

import copy
import gc
import json
import logging
import math
import os
import pickle
import string
import subprocess
import sys
import urllib.parse
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from fluentpipe import ExecutionVariable, Join, JsonGet, Parameter, Pipeline, PropertyReference
from fluentpipe.check import check
from fluentpipe.errors import MangledToken, ReferenceMisuse, SettingError
from fluentpipe.expression import Condition, Expression, as_text, lift
from fluentpipe.kinds import ModelArtifacts
from fluentpipe.reference import LocalPath, data_source

MODEL: Any = PropertyReference("xgboost_training", "ModelArtifacts.S3ModelArtifacts", "model_artifacts", ModelArtifacts)
REPORT: Any = PropertyReference(
    "model_evaluation", "ProcessingOutputConfig.Outputs['report'].S3Output.S3Uri", "report", json_file="evaluation.json"
)
COUNT: Any = Parameter("n", type=int)
WORD: Any = Parameter("w", type=str)
SECONDS: Any = PropertyReference("xgboost_training", "TrainingTimeInSeconds", value_type="int")
EXPRESSIONS: list[Any] = [
    MODEL,
    SECONDS,
    Parameter("depth", 6),
    Parameter("rows", LocalPath(Path("rows.csv"))),
    Parameter("ünusual".replace("ü", "u"), "tägliche Läufe"),
    ExecutionVariable("PipelineExecutionId"),
    REPORT.json("metrics.auc"),
    REPORT.json('$["a/b"].{c}~\n\\ü'),
    MODEL.join("model.tar.gz"),
    Join("-", (Parameter("depth", 6), "x", 1)),
]
each_expression = pytest.mark.parametrize(
    "ref", EXPRESSIONS, ids=lambda ref: ref.label().encode("ascii", "replace").decode()
)


# ---- repr, text, tokens ----------------------------------------------------------------------------------------------


def test_a_reference_says_what_it_is() -> None:
    assert repr(MODEL) == "<reference xgboost_training.model_artifacts>"
    assert MODEL._repr_html_() == "<code>&lt;reference xgboost_training.model_artifacts&gt;</code>"
    assert repr(REPORT.json("metrics.auc")) == "<reference model_evaluation.report.json('metrics.auc')>"
    assert repr(SECONDS) == "<reference xgboost_training.TrainingTimeInSeconds>"


@each_expression
def test_a_token_is_printable_ascii_that_uris_and_json_leave_alone(ref: Any) -> None:
    token = str(ref)
    assert token.isascii()
    assert token.isprintable()
    assert not set(token) & set('/:\\"')
    assert json.dumps(token) == f'"{token}"'
    assert token == f"{ref}" == "%s" % ref == "{}".format(ref)  # noqa: UP031, UP032  every way that people write


@each_expression
def test_a_token_alone_is_the_reference_again(ref: Any) -> None:
    assert lift(f"{ref}") is ref


@each_expression
def test_text_around_a_token_makes_a_join(ref: Any) -> None:
    joined = lift(f"a/{ref}/b{ref}")
    assert isinstance(joined, Join)
    assert joined.to_request() == {"Std:Join": {"On": "", "Values": ["a/", ref.to_request(), "/b", ref.to_request()]}}
    assert lift("x" + ref + "y") is lift(f"x{ref}y")
    assert lift(ref + ref) is lift(f"{ref}{ref}")


def test_the_token_of_the_design() -> None:
    assert str(MODEL).startswith("${xgboost_training.model_artifacts~")
    assert len(str(MODEL)) == len("${xgboost_training.model_artifacts~d330e5c0}")


def test_tokens_in_the_parts_of_a_join_are_found() -> None:
    joined = Join("/", (f"{MODEL}", "x"))
    assert joined is Join("/", (MODEL, "x"))
    assert joined.to_request() == {"Std:Join": {"On": "/", "Values": [MODEL.to_request(), "x"]}}


TOKEN = str(MODEL)
MANGLED = {
    "upper": TOKEN.upper(),
    "title": TOKEN.title(),
    "swapcase": TOKEN.swapcase(),
    "strip": TOKEN.strip("${}"),
    "lstrip": TOKEN.lstrip("${"),
    "rstrip": TOKEN.rstrip("}"),
    "replace dots": TOKEN.replace(".", "-"),
    "replace underscores": TOKEN.replace("_", "-"),
    "replace tilde": TOKEN.replace("~", "-"),
    "replace dollar": TOKEN.replace("$", ""),
    "replace braces": TOKEN.replace("{", "").replace("}", ""),
    "reversed case of the sum": TOKEN[:-9] + TOKEN[-9:].upper()
    if any(c.isalpha() for c in TOKEN[-9:-1])
    else TOKEN.upper(),
    "quote": urllib.parse.quote(TOKEN),
    "quote_plus": urllib.parse.quote_plus(TOKEN),
    "repr of the reference": f"{MODEL!r}",
    "repr of a condition": f"{MODEL == 1}",
    "first half": TOKEN[: len(TOKEN) // 2],
    "first half with a suffix": TOKEN[: len(TOKEN) // 2] + "/model.tar.gz",
    "second half": TOKEN[len(TOKEN) // 2 :],
    "stem": os.path.splitext(TOKEN)[0],
    "suffix": os.path.splitext(TOKEN)[1],
    "another sum": TOKEN[:-9] + "00000000}",
    "sum left out": TOKEN[:-9] + "}",
}


@pytest.mark.parametrize("mangled", MANGLED.values(), ids=MANGLED)
@pytest.mark.parametrize("frame", ["{}", "s3://bucket/{}/x", '{{"a": "{}"}}'])
def test_what_is_left_of_a_token_is_an_error(mangled: str, frame: str) -> None:
    str(MODEL)  # issue it
    with pytest.raises(MangledToken, match="left of a reference") as caught:
        lift(frame.format(mangled))
    assert caught.value.remnant  # type: ignore[attr-defined]  # facts are attributes
    assert "f-string" in caught.value.fix


def test_every_cut_that_can_be_told_is_an_error() -> None:
    token = str(MODEL)
    for cut in range(5, len(token)):  # `${x` and less could be anything
        with pytest.raises(MangledToken):
            lift(token[:cut])
    for cut in range(1, len(token) - 1):
        piece = token[cut:]
        if "~" in piece or len(piece) == 9:  # the sum, whole or with its sign; less is no more than a number
            with pytest.raises(MangledToken):
                lift(piece)


def test_a_token_survives_quotes_and_json_around_it() -> None:
    assert lift(json.dumps({"a": [str(MODEL)]})) is lift('{"a": ["' + MODEL + '"]}')
    assert isinstance(lift(f"'{MODEL}'"), Join)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "plain",
        "${HOME}/x",
        "${HOME",
        "a ~ b",
        "~/data",
        "s3://bucket/20240131/x",
        "{}",
        "<b>bold</b>",
        "deadbeef",
        "a < b > c",
        "$",
        "${}",
    ],
)
def test_ordinary_text_is_left_alone(text: str) -> None:
    str(MODEL)
    assert lift(text) == text


@given(st.text(string.printable, max_size=60))
def test_lift_gives_any_text_back_or_says_why_not(text: str) -> None:
    try:
        assert lift(text) == text
    except MangledToken as error:
        assert error.remnant  # type: ignore[attr-defined]  # noqa: PT017  an error is one of two right answers


@given(st.lists(st.sampled_from([*EXPRESSIONS, "a", "/", " b "]), min_size=1, max_size=6))
def test_lift_finds_the_parts_of_any_f_string(parts: list[Any]) -> None:
    lifted = lift("".join(f"{part}" for part in parts))
    alone = isinstance(lifted, str) or any(lifted is each for each in EXPRESSIONS)
    found = [lifted] if alone else list(lifted.values)  # type: ignore[union-attr]  # else it is a Join
    assert "".join(str(part) for part in found) == "".join(str(part) for part in parts)


@pytest.mark.parametrize("spec", [">10", ".2f", "s", "d"])
def test_a_format_spec_is_refused(spec: str) -> None:
    with pytest.raises(ReferenceMisuse, match="format spec"):
        format(MODEL, spec)


def test_proxies_and_properties_in_text_are_an_error(churn: Pipeline) -> None:
    training = churn.outputs.xgboost_training
    for part in (training, training.properties.ModelArtifacts, churn.outputs):
        with pytest.raises(MangledToken):
            lift(f"{part}/x")


def test_logging_a_reference_is_safe(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        logging.getLogger("x").info("model %s and %r", MODEL, MODEL)
    assert str(MODEL) in caplog.text


# ---- comparison and conditions ---------------------------------------------------------------------------------------

COMPARISONS = {
    "Equals": lambda ref: ref == 1,
    "LessThan": lambda ref: ref < 1,
    "LessThanOrEqualTo": lambda ref: ref <= 1,
    "GreaterThan": lambda ref: ref > 1,
    "GreaterThanOrEqualTo": lambda ref: ref >= 1,
}


@pytest.mark.parametrize(("kind", "compare"), COMPARISONS.items(), ids=COMPARISONS)
def test_comparisons_make_conditions(kind: str, compare: Any) -> None:
    expected = {"Type": kind, "LeftValue": SECONDS.to_request(), "RightValue": 1}
    assert compare(SECONDS).to_request() == expected


def test_conditions_combine_with_and_or_not() -> None:
    one, two = SECONDS > 1, SECONDS < 9
    a, b = one.to_request(), two.to_request()
    assert (one | two).to_request() == {"Type": "Or", "Conditions": [a, b]}
    assert (~one).to_request() == {"Type": "Not", "Condition": a}
    assert (SECONDS != 1).to_request()["Type"] == "Not"
    assert (~~one).to_request() == a
    assert (one & two).conditions() == (one, two)
    assert one.conditions() == (one,)
    both = {"Type": "Not", "Condition": {"Type": "Or", "Conditions": [(~one).to_request(), (~two).to_request()]}}
    assert (one & two).to_request() == both
    assert len((one & two & one).operands) == 3
    assert len((one | two | one).operands) == 3
    assert [each.label() for each in (one & ~(two | one)).expressions()] == [SECONDS.label()] * 3


def test_membership_is_asked_with_is_in() -> None:
    expected = {"Type": "In", "QueryValue": SECONDS.to_request(), "Values": [1, 2]}
    assert SECONDS.is_in([1, 2]).to_request() == expected
    with pytest.raises(ReferenceMisuse, match="never hold"):
        SECONDS.is_in([])


def test_text_in_a_condition_may_hold_references() -> None:
    condition = Parameter("x", "a") == f"{MODEL}/y"
    assert condition.to_request()["RightValue"] == (MODEL + "/y" and lift(MODEL + "/y")).to_request()


MISUSES = {
    "bool": bool,
    "not": lambda x: not x,
    "if": lambda x: 1 if x else 2,
    "and": lambda x: x and 1,
    "or": lambda x: x or 1,
    "any": lambda x: any([x]),
}
VALUE_MISUSES = {
    "in a reference": lambda x: 1 in x,
    "iter": iter,
    "for": lambda x: [each for each in x],  # noqa: C416  a loop is meant
    "unpack": lambda x: [*x],
    "list": list,
    "len": len,
    "int": int,
    "float": float,
    "complex": complex,
    "index": lambda x: [1, 2][x],
    "range": range,
    "item": lambda x: x[0],
    "slice": lambda x: x[:3],
    "neg": lambda x: -x,
    "pos": lambda x: +x,
    "abs": abs,
    "round": round,
    "floor": math.floor,
    "sub": lambda x: x - 1,
    "rsub": lambda x: 1 - x,
    "mul": lambda x: 2 * x,
    "div": lambda x: x / 2,
    "rdiv": lambda x: Path("a") / x,
    "floordiv": lambda x: x // 2,
    "mod": lambda x: x % 2,
    "divmod": lambda x: divmod(x, 2),
    "pow": lambda x: x**2,
    "matmul": lambda x: x @ 2,
    "shift": lambda x: 1 << x,
    "sum": lambda x: sum([x]),
    "add a number": lambda x: x + 1,
    "&": lambda x: x & 1,
    "|": lambda x: 1 | x,
    "^": lambda x: x ^ 1,
    "~": lambda x: ~x,
    "chained comparison": lambda x: 0 < x < 1,
    "in a list of others": lambda x: x in [ExecutionVariable("PipelineName")],  # noqa: FURB171  membership is meant
}


@pytest.mark.parametrize("misuse", [*MISUSES.values(), *VALUE_MISUSES.values()], ids=[*MISUSES, *VALUE_MISUSES])
def test_a_reference_used_as_a_value_says_what_to_do(misuse: Any) -> None:
    with pytest.raises(ReferenceMisuse, match="no value before the run") as caught:
        misuse(SECONDS)
    assert caught.value.fix


@pytest.mark.parametrize("misuse", MISUSES.values(), ids=MISUSES)
def test_a_condition_used_as_a_truth_value_says_what_to_do(misuse: Any) -> None:
    with pytest.raises(ReferenceMisuse, match="combine conditions with") as caught:
        misuse(SECONDS > 1)
    assert ".is_in" in caught.value.fix
    assert ".require" in caught.value.fix


def test_an_unknown_attribute_of_a_reference_says_that_it_has_no_value() -> None:
    with pytest.raises(AttributeError, match=r"no value before the run, so there is no 'split'"):
        MODEL.split("/")
    with pytest.raises(AttributeError, match="Did you mean 'same_as'"):
        _ = MODEL.same_a
    for name in ("_x", "__x__", "shape", "item", "tolist"):
        assert not hasattr(MODEL, name)


def test_json_says_the_way() -> None:
    for ref in EXPRESSIONS:
        with pytest.raises(TypeError, match=r"a path to a value that only the run has.*str\(reference\)"):
            json.dumps({"a": ref})


# ---- identity --------------------------------------------------------------------------------------------------------


@each_expression
def test_copies_are_the_same_object(ref: Any) -> None:
    assert copy.copy(ref) is ref
    assert copy.deepcopy([ref])[0] is ref
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        assert pickle.loads(pickle.dumps(ref, protocol)) is ref
    assert ref.same_as(copy.copy(ref))
    assert not ref.same_as(ExecutionVariable("CurrentDateTime"))


def test_equal_facts_are_one_reference_and_different_ones_are_not() -> None:
    assert PropertyReference("a", "TrainingJobName") is PropertyReference("a", "TrainingJobName")
    assert PropertyReference("a", "TrainingJobName") is not PropertyReference("b", "TrainingJobName")
    assert Parameter("n", 1) is not Parameter("n", 1.0)
    assert Parameter("n", 1) is not Parameter("n", True)
    assert Join("/", (1, 2)) is not Join("/", (1.0, 2))


def test_references_serve_as_keys_and_members() -> None:
    table = {MODEL: 1, SECONDS: 2}
    assert table[pickle.loads(pickle.dumps(MODEL))] == 1
    assert MODEL in {MODEL, SECONDS}
    assert len({MODEL, SECONDS, copy.copy(MODEL)}) == 2
    assert MODEL in [SECONDS, MODEL][1:]


def test_references_that_nobody_holds_are_forgotten() -> None:
    from fluentpipe.expression import _interned

    key = (PropertyReference, "gone", "TrainingJobName", "", None, "str", "")
    PropertyReference("gone", "TrainingJobName")
    gc.collect()
    assert key not in _interned
    assert PropertyReference("gone", "TrainingJobName") is PropertyReference("gone", "TrainingJobName")


def test_a_token_keeps_its_reference_alive() -> None:
    token = str(PropertyReference("kept", "TrainingJobName"))
    gc.collect()
    assert isinstance(lift(token), PropertyReference)


@each_expression
def test_a_reference_is_frozen(ref: Any) -> None:
    for name in ("key", "name", "anything"):
        with pytest.raises(AttributeError, match="frozen"):
            setattr(ref, name, 1)
    with pytest.raises(AttributeError, match="frozen"):
        del ref.key


_THERE = """
import pickle, sys
from fluentpipe.expression import lift
refs = pickle.load(sys.stdin.buffer)
assert all(lift(str(ref)) is ref for ref in refs)
sys.stdout.buffer.write(pickle.dumps(([str(ref) for ref in refs], refs)))
"""


@pytest.mark.parametrize("seed", ["0", "4711"])
def test_references_and_tokens_are_the_same_in_another_process(seed: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _THERE],
        input=pickle.dumps(EXPRESSIONS),
        capture_output=True,
        check=True,
        env={**os.environ, "PYTHONHASHSEED": seed},
    )
    tokens, refs = pickle.loads(done.stdout)
    assert tokens == [str(ref) for ref in EXPRESSIONS]
    assert all(one is two for one, two in zip(refs, EXPRESSIONS, strict=True))


# ---- parameters and the rest -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "service_type"),
    [
        ({"default": "x"}, "String"),
        ({"default": 6}, "Integer"),
        ({"default": 0.5}, "Float"),
        ({"default": True}, "Boolean"),
        ({"type": float}, "Float"),
        ({"default": 1, "type": float}, "Float"),
        ({"default": Path("rows.csv")}, "String"),
        ({"default": "b", "choices": ("a", "b")}, "String"),
    ],
)
def test_the_type_of_a_parameter_follows_its_default(arguments: Any, service_type: str) -> None:
    parameter: Any = Parameter("p", **arguments)
    assert parameter.service_type == service_type
    assert parameter.to_request() == {"Get": "Parameters.p"}
    assert repr(parameter) == "<reference parameters.p>"


@pytest.mark.parametrize(
    ("name", "arguments", "fault"),
    [
        ("", {"default": 1}, "1 to 64 letters"),
        ("a b", {"default": 1}, "1 to 64 letters"),
        ("x" * 65, {"default": 1}, "1 to 64 letters"),
        (5, {"default": 1}, "1 to 64 letters"),
        ("p", {}, "the type is str, int, float or bool"),
        ("p", {"default": [1]}, "the type is str, int, float or bool"),
        ("p", {"default": "1", "type": int}, "the default '1' is no int"),
        ("p", {"default": True, "type": int}, "the default True is no int"),
        ("p", {"default": "x" * 1025}, "1025 characters"),
        ("p", {"default": math.nan}, "no finite number"),
        ("p", {"default": str(MODEL)}, "not a reference"),
        ("p", {"default": 1, "choices": range(17)}, "17 choices"),
        ("p", {"default": 3, "choices": (1, 2)}, "none of the choices"),
        ("p", {"default": 1, "choices": (1, 2.0)}, "the choice 2.0 is no int"),
    ],
)
def test_a_parameter_that_the_service_would_refuse_cannot_be_declared(name: Any, arguments: Any, fault: str) -> None:
    with pytest.raises(SettingError, match=fault):
        Parameter(name, **arguments)


def test_execution_variables_are_those_there_are() -> None:
    assert ExecutionVariable("PipelineName").to_request() == {"Get": "Execution.PipelineName"}
    with pytest.raises(SettingError, match="Did you mean 'PipelineExecutionId'"):
        ExecutionVariable("PipelineExecutionID")


def test_values_in_json_files_are_read_where_a_file_is_declared() -> None:
    expected = {"PropertyFile": {"Get": "Steps.model_evaluation.PropertyFiles.report"}, "Path": "metrics.auc"}
    assert JsonGet(REPORT, "metrics.auc").to_request() == {"Std:JsonGet": expected}
    with pytest.raises(ReferenceMisuse, match="declares no JSON file"):
        MODEL.json("a")


def test_a_join_keeps_a_single_slash() -> None:
    assert MODEL.join("/a/", "b/").to_request() == {"Std:Join": {"On": "/", "Values": [MODEL.to_request(), "a", "b"]}}
    with pytest.raises(ReferenceMisuse, match="Join of nothing"):
        Join("/", ())


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("x", "x"),
        (1, "1"),
        (0.5, "0.5"),
        (True, "true"),
        (["a", "b"], '["a", "b"]'),
        ({"a": 1}, '{"a": 1}'),
    ],
)
def test_plain_values_become_text_as_json(value: Any, text: str) -> None:
    assert as_text(value) == text


def test_expressions_inside_collections_become_joins() -> None:
    number, word = Parameter("n", 3), Parameter("w", "x")
    written = as_text({"a": number, "b": [word, MODEL]})
    assert isinstance(written, Join)
    assert (
        "".join("<>" if isinstance(part, Expression) else part for part in written.values)
        == '{"a": <>, "b": ["<>", "<>"]}'
    )
    assert as_text(number).to_request() == {"Std:Join": {"On": "", "Values": [number.to_request()]}}
    assert as_text(word) is word


@pytest.mark.parametrize("place", ["s3://bucket/x", MODEL, f"{MODEL}/x", Path("a/b"), "a/b", LocalPath(Path("a"))])
def test_places_of_data_as_people_write_them(place: Any) -> None:
    assert isinstance(data_source(place), (str, Expression, LocalPath))
    assert repr(data_source(data_source(place))) == repr(data_source(place))


def test_a_local_default_of_a_parameter_is_a_local_path() -> None:
    source = data_source(Parameter("rows", "data/rows.csv"))
    assert source is Parameter("rows", LocalPath(Path("data/rows.csv")), type=str)
    kept = Parameter("rows", "s3://bucket/rows.csv")
    assert data_source(kept) is kept


def test_the_home_folder_may_be_written_with_a_tilde() -> None:
    assert data_source("~/rows.csv") == LocalPath(Path.home() / "rows.csv")


@pytest.mark.parametrize("place", ["", "http://x/y", "file:///x", 5, None, ["s3://bucket/x"], MODEL == 1])
def test_what_is_no_place_of_data_is_refused(place: Any) -> None:
    with pytest.raises(ValueError, match="must be an s3:// URI"):
        data_source(place)


@given(st.recursive(st.sampled_from([COUNT > 1, WORD == "a", COUNT.is_in([1])]), lambda inner: st.one_of(
    st.tuples(inner, inner).map(lambda pair: pair[0] & pair[1]),
    st.tuples(inner, inner).map(lambda pair: pair[0] | pair[1]),
    inner.map(lambda one: ~one),
), max_leaves=12))  # fmt: skip
def test_any_condition_has_the_form_of_the_service(condition: Condition) -> None:
    fail = {"Name": "no", "Type": "Fail", "Arguments": {"ErrorMessage": "no"}}
    arguments = {"Conditions": [condition.to_request()], "IfSteps": [], "ElseSteps": [fail]}
    parameters = [{"Name": "n", "Type": "Integer"}, {"Name": "w", "Type": "String"}]
    gate = {"Name": "gate", "Type": "Condition", "Arguments": arguments}
    found = check({"Version": "2020-12-01", "Parameters": parameters, "Steps": [gate]})
    assert [each for each in found if each.code != "unused-parameter"] == []
    assert "<condition " in repr(condition)
