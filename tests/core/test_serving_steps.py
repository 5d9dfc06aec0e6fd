"""`create_model`, `batch_transform` and `score`: what they ask the service for, and what they refuse."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fluentpipe import ModelArtifacts, Parameter, Pipeline, RawData, TestData, Vpc
from fluentpipe.errors import SettingError

from .test_materialize import HERE, masked, named


def model() -> Any:
    return Pipeline("serving").provide(ModelArtifacts, "s3://my-bucket/model.tar.gz").create_model()


def request(pipe: Any, step: str = "batch_transform") -> Any:
    return named(pipe.materialize(**HERE).document)[step]["Arguments"]


def test_the_definitions_of_serving(golden: Callable[[str, str], None]) -> None:
    data = Pipeline("churn").load_data("s3://my-bucket/churn.csv", label="churn").preprocess()
    pipe = data.train_xgboost().create_model(
        environment={"LOG_LEVEL": "20"}, vpc=Vpc(["subnet-1"], ["sg-1"]), network_isolation=True, tags={"team": "a"}
    )
    pipe = pipe.batch_transform(
        rows="s3://my-bucket/new.jsonl", split_type="Line", join_source="Input", input_filter="$.features",
        output_filter="$['id','SageMakerOutput']", batch_strategy="SingleRecord", max_payload_mb=1, max_concurrent=4,
        instance_count=2, volume_kms_key="alias/a", output_kms_key="alias/b", tags={"team": "a"}, environment={"A": "b"},
        cache="P30D", retry=3,
    ).batch_transform(name="of_test_rows").score(id_columns=["customer"], output_format="csv")  # fmt: skip
    definition = pipe.materialize(**HERE)
    wanted = ("model_creation", "batch_transform", "of_test_rows", "model_scoring")
    golden("serving.json", masked(definition, [named(definition.document)[name] for name in wanted]))


# What is given as rows -> where they are, and of which content type.
ROWS: dict[str, tuple[Callable[[], Any], str]] = {
    "CSV": (lambda: "s3://my-bucket/new.csv", "text/csv"),
    "JSON": (lambda: "s3://my-bucket/new.JSON", "application/json"),
    "JSON lines": (lambda: "s3://my-bucket/new.jsonl", "application/jsonlines"),
    "Parquet": (lambda: "s3://my-bucket/new.parquet", "application/x-parquet"),
    "a parameter": (lambda: Parameter("rows", "s3://my-bucket/new.csv"), "text/csv"),
}


@pytest.mark.parametrize(("rows", "kind"), ROWS.values(), ids=ROWS)
def test_the_name_of_a_file_tells_its_content_type(rows: Callable[[], Any], kind: str) -> None:
    asked = request(model().batch_transform(rows=rows()))
    assert asked["TransformInput"]["ContentType"] == kind
    assert asked["TransformOutput"]["Accept"] == ("text/csv" if "parquet" in kind else kind)


def test_a_local_file_tells_it_too(tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text("a\n1\n")
    asked = request(model().provide(RawData, tmp_path / "new.csv").batch_transform())
    assert asked["TransformInput"]["ContentType"] == "text/csv"
    assert asked["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"].endswith("/new.csv")


@pytest.mark.parametrize("rows", ["s3://my-bucket/folder", Parameter("rows", "s3://my-bucket/folder")])
def test_where_nothing_tells_the_content_type_it_must_be_said(rows: Any) -> None:
    with pytest.raises(SettingError, match=r"(?s)cannot be told from .*fix: content_type='text/csv'"):
        model().batch_transform(rows=rows).materialize(**HERE)
    said = model().batch_transform(rows=rows, content_type="text/csv", name="said")
    assert request(said, "said")["TransformInput"]["ContentType"] == "text/csv"


def test_of_steps_before_the_test_rows_are_sent_and_no_schema() -> None:
    def place(pipe: Any) -> Any:
        source = request(pipe)["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"]
        return source["Std:Join"]["Values"][1:]

    pipe = Pipeline("a").load_data("s3://my-bucket/x", label="y").preprocess().train_xgboost().create_model()
    assert place(pipe.batch_transform()) == ["test", "data.parquet"]
    tested = pipe.outputs.tabular_preprocessing.test_data
    assert place(pipe.batch_transform(rows=tested)) == ["data.parquet"]


def test_a_whole_file_may_be_as_large_as_the_image_takes() -> None:
    pipe = model().batch_transform(rows="s3://my-bucket/new.csv")
    assert request(pipe)["MaxPayloadInMB"] == 20
    assert request(pipe, "model_creation")["PrimaryContainer"]["Environment"]["MAX_CONTENT_LENGTH"] == str(20 << 20)
    lines = model().batch_transform(rows="s3://my-bucket/new.jsonl", split_type="Line")
    assert "MaxPayloadInMB" not in request(lines)
    assert request(lines)["TransformOutput"]["AssembleWith"] == "Line"


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "joined whole files": ({"join_source": "Input"}, "join_source: answers are put beside records, so split_type='Line'"),
    "single records of whole files": ({"batch_strategy": "SingleRecord"}, "batch_strategy: without split_type"),
    "joined, not assembled": (
        {"join_source": "Input", "split_type": "Line", "assemble_with": "None"}, "assemble_with: joined records are lines",
    ),
    "filters of images": ({"content_type": "image/png", "output_filter": "$[0]"}, "output_filter: filters take CSV and JSON"),
    "lines of Parquet": ({"content_type": "application/x-parquet", "split_type": "Line"}, "split_type: Parquet has no lines"),
    "too much at once": ({"max_payload_mb": 20, "max_concurrent": 6}, "max_payload_mb times max_concurrent is 120"),
    "no JSONPath": ({"input_filter": "id"}, r"input_filter: must be a JSONPath .* such as '\$\[1:\]'"),
    "a long filter": ({"input_filter": "$" + "[0]" * 30}, "at most 63 characters"),
    "a typo": ({"split_typ": "Line"}, "Did you mean 'split_type'"),
}  # fmt: skip


@pytest.mark.parametrize(("given", "said"), REFUSED.values(), ids=REFUSED)
def test_settings_that_cannot_go_together_are_refused_by_name(given: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingError, match=said):
        model().batch_transform(rows="s3://my-bucket/new.csv", **given)


def test_parquet_by_its_name_is_not_split_either() -> None:
    pipe = model().provide(TestData, "s3://my-bucket/new.parquet").batch_transform(split_type="Line")
    with pytest.raises(SettingError, match="its rows are Parquet, which is sent whole"):
        pipe.materialize(**HERE)


def test_defaults_reach_the_serving_steps() -> None:
    pipe = Pipeline("a").defaults(tags={"team": "a"}, instance_type="ml.c5.xlarge", network_isolation=True)
    pipe = (
        pipe.provide(ModelArtifacts, "s3://my-bucket/m").create_model().batch_transform(rows="s3://my-bucket/new.csv")
    )
    assert request(pipe)["TransformResources"]["InstanceType"] == "ml.c5.xlarge"
    assert request(pipe)["Tags"] == [{"Key": "team", "Value": "a"}]
    assert request(pipe, "model_creation")["EnableNetworkIsolation"] is True


def test_a_model_that_is_named_is_no_file_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    pipe = (
        Pipeline("churn").load_data("s3://my-bucket/churn.csv", label="churn").batch_transform(model_name="churn-model")
    )
    (step,) = (each for each in pipe.materialize().document["Steps"] if each["Type"] == "Transform")
    assert step["Arguments"]["ModelName"] == "churn-model"
