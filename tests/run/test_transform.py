"""Transform jobs here: what the model's script is called with, and what becomes of its answers."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xgboost
from hypothesis import given, strategies as st

from fluentpipe.errors import RunError, StepFailed
from fluentpipe.run import Run
from fluentpipe.run.builtin.channel_tables import UserError
from fluentpipe.run.builtin.json_path import FilterError, parse, select
from fluentpipe.run.builtin.model_server import algorithm_server
from fluentpipe.run.builtin.transform_records import Processing

from .pipelines import IMAGE, ROLE, RUN, XGBOOST, Sketch, join, packed

SCRIPT_MODE = {"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"}
# Sums the numbers of each row and says what it was called with.
SUMS = """
import json, os
def model_fn(model_dir):
    return float(open(os.path.join(model_dir, "factor")).read())
def input_fn(body, content_type):
    print("request", type(body).__name__, content_type)
    if content_type == "application/jsonlines":
        return [json.loads(line)["x"] for line in body.decode().splitlines()]
    if content_type == "application/json":
        return [json.loads(body)["x"]]
    return [[float(each) for each in line.split(",")] for line in body.splitlines()]
def predict_fn(rows, model):
    return [sum(row) * model for row in rows]
def output_fn(found, accept):
    if accept == "application/json":
        return json.dumps({"sums": found})
    return "".join(json.dumps({"sum": each}) + "\\n" for each in found) if "json" in accept else "".join(f"{each},ok\\n" for each in found)
"""


def transform(
    files: Mapping[str, str | bytes],
    *,
    model: bytes | None = None,
    image: str = XGBOOST,
    environment: Mapping[str, str] = SCRIPT_MODE,
    content: str = "text/csv",
    accept: str | None = None,
    given: Mapping[str, Any] | None = None,
    split: str = "Line",
    assemble: str = "Line",
    data: Mapping[str, Any] | None = None,
    name: Any = None,
) -> Sketch:
    """A model and a transform job on it."""
    sketch = Sketch()
    archive = model if model is not None else packed({"factor": "2", "code/inference.py": SUMS})
    where = sketch.asset({"model.tar.gz": archive})
    container = {"Image": image, "ModelDataUrl": f"{where}/model.tar.gz", "Environment": dict(environment)}
    container = {key: value for key, value in container.items() if value}
    sketch.steps.append(
        {"Name": "model", "Type": "Model", "Arguments": {"ExecutionRoleArn": ROLE, "PrimaryContainer": container}}
    )
    request: dict[str, Any] = {
        "ModelName": {"Get": "Steps.model.ModelName"} if name is None else name,
        "TransformInput": {
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": sketch.asset(files)}},
            "ContentType": content,
            "SplitType": split,
        },
        "TransformOutput": {
            "S3OutputPath": join("s3://my-bucket", RUN, "answers"),
            "Accept": accept or content,
            "AssembleWith": assemble,
        },
        "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
        **(given or {}),
    }
    if data:
        request["DataProcessing"] = dict(data)
    sketch.steps.append({"Name": "answers", "Type": "Transform", "Arguments": request})
    return sketch


def answers(run: Run) -> dict[str, str]:
    folder = run.steps["answers"].outputs["transform_output"]
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}


Start = Callable[..., Run]
LINES = '{"id": "a", "x": [1, 2]}\n{"id": "b", "x": [3]}\n'

# What is asked for -> files, and the answers to them.
ASKED: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, str]]] = {
    "each file has its answer, in the same folder": (
        {"a.csv": "1,2\n3,4\n", "b/c.csv": "5,5\n"}, {}, {"a.csv.out": "6.0,ok\n14.0,ok\n", "b/c.csv.out": "20.0,ok\n"},
    ),
    "a file without a last line break": ({"a.csv": "1,2\r\n3,4"}, {}, {"a.csv.out": "6.0,ok\n14.0,ok\n"}),
    "whole files": ({"a.csv": "1,2\n3,4\n"}, {"split": "None", "assemble": "None"}, {"a.csv.out": "6.0,ok\n14.0,ok\n"}),
    "an empty file": ({"a.csv": "", "b.csv": "1\n"}, {}, {"a.csv.out": "", "b.csv.out": "2.0,ok\n"}),
    "one record at a time": ({"a.csv": "1\n2\n"}, {"given": {"BatchStrategy": "SingleRecord"}}, {"a.csv.out": "2.0,ok\n4.0,ok\n"}),
    "rows beside their answers": (
        {"a.csv": "1,2\n3,4\n"}, {"data": {"JoinSource": "Input"}}, {"a.csv.out": "1,2,6.0,ok\n3,4,14.0,ok\n"},
    ),
    "an identifier is kept from the model, and beside its answer": (
        {"a.csv": '"x, y",1,2\nq,3,4\n'},
        {"data": {"InputFilter": "$[1:]", "JoinSource": "Input", "OutputFilter": "$[0,-2]"}},
        {"a.csv.out": '"x, y",6.0\nq,14.0\n'},
    ),
    "columns of an answer": ({"a.csv": "1,2\n"}, {"data": {"OutputFilter": "$[0]"}}, {"a.csv.out": "6.0\n"}),
    "JSON lines": ({"a.jsonl": LINES}, {"content": "application/jsonlines"}, {"a.jsonl.out": '{"sum": 6.0}\n{"sum": 6.0}\n'}),
    "JSON lines joined": (
        {"a.jsonl": LINES},
        {"content": "application/jsonlines", "data": {"JoinSource": "Input", "OutputFilter": "$['id','SageMakerOutput']"}},
        {"a.jsonl.out": '{"id": "a", "SageMakerOutput": {"sum": 6.0}}\n{"id": "b", "SageMakerOutput": {"sum": 6.0}}\n'},
    ),
    "only the answers of joined lines": (
        {"a.jsonl": LINES},
        {"content": "application/jsonlines", "data": {"JoinSource": "Input", "OutputFilter": "$['SageMakerOutput'].sum"}},
        {"a.jsonl.out": "6.0\n6.0\n"},
    ),
    "a JSON document": (
        {"a.json": '{"deep": {"x": [1, 2]}, "id": 7}'},
        {
            "content": "application/json", "split": "None", "assemble": "None",
            "data": {"InputFilter": "$.deep", "JoinSource": "Input", "OutputFilter": "$['id','SageMakerOutput']"},
        },
        {"a.json.out": '{"id": 7, "SageMakerOutput": {"sums": [6.0]}}'},
    ),
    "gzipped rows": (
        {"a.csv.gz": gzip.compress(b"1,2\n")}, {"gzipped": True}, {"a.csv.gz.out": "6.0,ok\n"},
    ),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("files", "asked", "expected"), ASKED.values(), ids=ASKED)
def test_files_are_answered_as_batch_transform_answers_them(
    files: dict[str, Any], asked: dict[str, Any], expected: dict[str, str], run: Start
) -> None:
    gzipped = asked.pop("gzipped", False) if (asked := dict(asked)) else False
    sketch = transform(files, **asked)
    if gzipped:
        sketch.steps[1]["Arguments"]["TransformInput"]["CompressionType"] = "Gzip"
    assert answers(run(sketch)) == expected


def test_a_script_gets_csv_as_text_and_lines_of_json_as_bytes(run: Start) -> None:
    assert "request str text/csv" in run(transform({"a.csv": "1\n"})).logs("answers")
    lines = transform({"a.jsonl": LINES}, content="application/jsonlines")
    assert "request bytes application/jsonlines" in run(lines).logs("answers")


def test_a_step_after_a_transform_runs_alone_on_its_past_answers(run: Start) -> None:
    sketch = transform({"a.csv": "1,2\n"})
    place = {"Get": "Steps.answers.TransformOutput.S3OutputPath"}
    sketch.processing("After", "print('after')", inputs={"answers": place})
    first = run(sketch)
    alone = run(sketch, only="After", cache=False)
    assert (alone.steps["answers"].cached, alone.logs("After")) == (first.id, ["after"])


def test_values_of_the_steps_and_the_cache(run: Start) -> None:
    sketch = transform({"a.csv": "1,2\n"})
    first, second = run(sketch), run(sketch)
    assert second.steps["answers"].cached == first.id
    assert answers(second) == {"a.csv.out": "6.0,ok\n"}
    assert Path(first.outputs.get("answers", "predictions").value()).name == "transform"
    assert first.value({"Get": "Steps.answers.TransformJobStatus"}) == "Completed"
    assert first.value({"Get": "Steps.model.ModelName"}).endswith("-model")
    other = packed({"factor": "3", "code/inference.py": SUMS})
    changed = run(transform({"a.csv": "1,2\n"}, model=other))
    assert (answers(changed), changed.steps["answers"].reason) == ({"a.csv.out": "9.0,ok\n"}, "input model changed")


def test_what_a_script_lacks_the_images_have(run: Start) -> None:
    code = "class Model:\n    def predict(self, rows, **_):\n        return rows.sum(axis=1)\ndef model_fn(model_dir):\n    return Model()\n"
    sketch = transform({"a.csv": "1,2\n3,4\n"}, model=packed({"code/inference.py": code}), image=IMAGE)
    assert answers(run(sketch)) == {"a.csv.out": "3.0\n7.0\n"}
    whole = "def model_fn(model_dir):\n    return 1\ndef transform_fn(model, body, content, accept):\n    return body.upper(), accept\n"
    sketch = transform({"a.csv": "x\n"}, model=packed({"code/inference.py": whole}))
    assert answers(run(sketch)) == {"a.csv.out": "X\n"}


def test_code_beside_the_archive(run: Start) -> None:
    sketch = transform({"a.csv": "1\n"}, model=packed({"factor": "5"}))
    code = sketch.asset({"sourcedir.tar.gz": packed({"inference.py": SUMS})})
    container = sketch.steps[0]["Arguments"]["PrimaryContainer"]
    container["Environment"]["SAGEMAKER_SUBMIT_DIRECTORY"] = f"{code}/sourcedir.tar.gz"
    assert answers(run(sketch)) == {"a.csv.out": "5.0,ok\n"}


def boosted(tmp_path: Path) -> tuple[xgboost.Booster, bytes]:
    rows = np.random.default_rng(0).normal(size=(80, 3)).astype(np.float32)
    booster = xgboost.train({"nthread": 1}, xgboost.DMatrix(rows, label=rows[:, 0]), 3)
    booster.save_model(tmp_path / "model.ubj")
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        tar.add(tmp_path / "model.ubj", "xgboost-model")
    return booster, stream.getvalue()


def test_the_algorithms_own_model_answers_without_a_script(run: Start, tmp_path: Path) -> None:
    booster, archive = boosted(tmp_path)
    found = answers(run(transform({"a.csv": "0.5,1,\n-1,0,2\n"}, model=archive, environment={})))
    table = np.array([[0.5, 1, np.nan], [-1, 0, 2]], dtype=np.float32)
    expected = booster.predict(xgboost.DMatrix(table))
    assert [float(line) for line in found["a.csv.out"].split()] == pytest.approx(expected.tolist(), abs=1e-7)


FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "a model on SageMaker": ({"name": "churn-model"}, "'churn-model' is of no Model step of this pipeline"),
    "another image": ({"image": "1.dkr.ecr.us-east-1.amazonaws.com/mine:1"}, "brings its own server, which is not here"),
    "scikit-learn without a script": ({"image": IMAGE, "environment": {}}, "needs SAGEMAKER_PROGRAM"),
    "a filter of another kind": ({"data": {"InputFilter": "$..id"}}, r"cannot be read at '\.\.id'"),
    "filters of Parquet": ({"content": "application/x-parquet", "data": {"InputFilter": "$[0]"}}, "here: application/x-parquet"),
    "records of another kind": ({"split": "RecordIO"}, "SplitType RecordIO does not run here"),
}  # fmt: skip


@pytest.mark.parametrize(("asked", "said"), FAULTS.values(), ids=FAULTS)
def test_what_does_not_run_here_is_said_before_anything_starts(
    asked: dict[str, Any], said: str, run: Start, tmp_path: Path
) -> None:
    with pytest.raises(RunError, match=said) as caught:
        run(transform({"a.csv": "1\n"}, **asked))
    assert getattr(caught.value, "run", None) is None
    assert not (tmp_path / "home" / "runs").exists()


BROKEN: dict[str, tuple[dict[str, Any], str]] = {
    "a header among joined rows": (
        {"model": packed({"factor": "1", "code/inference.py": SUMS.replace("splitlines()]\n", "splitlines()][1:]\n")}), "data": {"JoinSource": "Input"}},
        "answered 1 records to 2, so they cannot be joined; is the first line a header",
    ),
    "a filter beyond the columns": ({"data": {"InputFilter": "$[5]"}}, r"filter '\$\[5\]' finds nothing in a record; there is: 2 values"),
    "no model_fn": ({"model": packed({"code/inference.py": ""})}, r"has no model_fn\(model_dir\)"),
    "no script": ({"model": packed({"code/other.py": ""})}, "'inference.py' is not there; beside it: other.py"),
    "a script that fails": ({"model": packed({"code/inference.py": "def model_fn(d):\n    raise LookupError('no weights')"})}, "LookupError: no weights"),
    "a record beyond the payload": ({"given": {"MaxPayloadInMB": 1}, "rows": "1" * (1 << 20) + "1\n"}, "MaxPayloadInMB allows 1 MB"),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("asked", "said"), BROKEN.values(), ids=BROKEN)
def test_a_job_that_fails_says_why(asked: dict[str, Any], said: str, run: Start) -> None:
    rows = asked.get("rows", "1,2\n3,4\n")
    with pytest.raises(StepFailed, match=said):
        run(transform({"a.csv": rows}, **{key: value for key, value in asked.items() if key != "rows"}))


@given(st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=5), max_size=30), st.booleans())
def test_every_record_is_sent_once_and_in_order(rows: list[list[int]], single: bool) -> None:
    lines = [",".join(map(str, row)).encode() for row in rows]
    asked: list[bytes] = []

    def answer(body: bytes) -> bytes:
        asked.append(body)
        return body

    processing = Processing("text/csv", "text/csv", True, single, 6, True)
    assert processing.run(b"\n".join(lines), answer) == b"".join(line + b"\n" for line in lines)
    assert b"".join(asked).split() == lines
    assert len(asked) == (len(lines) if single else bool(lines))


def test_requests_stay_within_the_payload() -> None:
    line = b"1" * (300 << 10)
    asked: list[int] = []

    def answer(body: bytes) -> bytes:
        asked.append(len(body))
        return b"x\n" * body.count(b"\n")

    processing = Processing("text/csv", "text/csv", True, False, 1, True, joined=True, output_filter="$[1]")
    assert processing.run(b"\n".join([line] * 7), answer) == b"x\n" * 7
    assert asked == [3 * (len(line) + 1)] * 2 + [len(line) + 1]


@pytest.mark.parametrize(
    ("text", "value", "found"),
    [
        ("$", [1, 2], [1, 2]),
        ("$[0]", ["a", "b"], "a"),
        ("$[1:]", [1, 2, 3], [2, 3]),
        ("$[:-1]", [1, 2, 3], [1, 2]),
        ("$[0,2]", [1, 2, 3], [1, 3]),
        ("$['SageMakerOutput']", {"SageMakerOutput": 5}, 5),
        ('$["a","b"]', {"a": 1, "b": 2, "c": 3}, {"a": 1, "b": 2}),
        ("$.a.b[0]", {"a": {"b": [7]}}, 7),
    ],
)
def test_filters_find_what_the_services_find(text: str, value: Any, found: Any) -> None:
    assert select(value, parse(text), text) == found


@pytest.mark.parametrize("text", ["a", "$[", "$[*]", "$..a", "$[?(@.a>1)]", "$.a[", "$['a]"])
def test_filters_of_another_kind_are_refused(text: str) -> None:
    with pytest.raises(FilterError):
        parse(text)


@given(
    st.recursive(
        st.integers(), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner)
    )
)
def test_a_filter_finds_something_or_says_what_there_is(value: Any) -> None:
    for text in ("$.a", "$[0]", "$[1:]", "$['a','b']", "$[0,1]"):
        with contextlib.suppress(FilterError):
            json.dumps(select(value, parse(text), text))


def test_the_algorithm_refuses_what_it_cannot_read(tmp_path: Path) -> None:
    (tmp_path / "pickle").mkdir()
    (tmp_path / "pickle" / "xgboost-model").write_bytes(b"\x80\x04K\x01.")
    with pytest.raises(UserError, match="no model that XGBoost saved"):
        algorithm_server(tmp_path / "pickle", "text/csv")
    with pytest.raises(UserError, match="the model has 0 files"):
        algorithm_server(tmp_path / "pickle" / "..", "text/csv")
    with pytest.raises(UserError, match="'text/libsvm' is not read here"):
        algorithm_server(tmp_path, "text/libsvm")
    _, archive = boosted(tmp_path)
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(tmp_path / "model", filter="data")
    serve = algorithm_server(tmp_path / "model", "text/csv")
    with pytest.raises(UserError, match="have 4 columns, the model 3 features; send no label"):
        serve(b"1,2,3,4\n")
    with pytest.raises(UserError, match="no CSV of numbers without a header"):
        serve(b"a,b,c\n")
    with pytest.raises(UserError, match="the body has no rows"):
        serve(b" \n")
