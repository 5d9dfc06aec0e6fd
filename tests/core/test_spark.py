"""The step of PySpark: what it emits, ships and refuses."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fluentpipe import Parameter, Pipeline, RawData, TrainingData
from fluentpipe.errors import SettingError

from .test_materialize import HERE, masked, named


@pytest.fixture(autouse=True)
def scripts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with programs, which is the working directory."""
    monkeypatch.chdir(tmp_path)
    for name in (
        "features.py",
        "alone.py",
        "ratio.py",
        "pack/__init__.py",
        "pack/deep/mod.py",
        "codec.jar",
        "other/ratio.py",
    ):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("import ratio\n" if name == "features.py" else "")
    return tmp_path


def loaded() -> Any:
    return Pipeline("churn").load_data("s3://my-bucket/churn.csv", label="churn")


def prepared(script: str = "features.py", **facts: Any) -> Any:
    return loaded().spark(script, inputs={"raw": RawData}, outputs={"train": TrainingData}, **facts)


def emitted(pipe: Any, step: str = "features") -> dict[str, Any]:
    found: dict[str, Any] = named(pipe.materialize(**HERE).document)[step]["Arguments"]
    return found


def test_the_definition_of_a_script_of_spark(golden: Callable[[str, str], None]) -> None:
    pipe = prepared(
        arguments={"months": Parameter("months", 12)},
        jars=["s3://my-bucket/jars/library.jar", "codec.jar"],
        configuration={"Classification": "spark-defaults", "Properties": {"spark.sql.shuffle.partitions": 64}},
        spark_event_logs_uri="s3://my-bucket/events",
        instance_count=4,
    )
    definition = pipe.train_xgboost().materialize(**HERE)
    golden("spark.json", masked(definition, named(definition.document)["features"]))


def test_what_it_makes_is_learned_from() -> None:
    pipe = prepared().train_xgboost()
    bound = {each.input: each.label for each in pipe.explain() if each.step == "xgboost_training"}
    assert bound["training_data"] == "features.train"
    source = emitted(pipe, "xgboost_training")["InputDataConfig"][0]["DataSource"]["S3DataSource"]["S3Uri"]
    assert source == {"Get": "Steps.features.ProcessingOutputConfig.Outputs['train'].S3Output.S3Uri"}
    assert prepared().outputs.features.train.kind is TrainingData


def test_a_script_by_itself_is_submitted_without_options() -> None:
    request = emitted(prepared("alone.py"), "alone")
    assert request["AppSpecification"]["ContainerEntrypoint"] == [
        "smspark-submit",
        "/opt/ml/processing/input/code/alone.py",
    ]
    assert [each["InputName"] for each in request["ProcessingInputs"]] == ["code"]


def test_a_folder_among_the_modules_is_shipped_as_a_package() -> None:
    definition = prepared(
        "alone.py", py_files=["pack", "s3://my-bucket/more.zip", Parameter("egg", "s3://my-bucket/an.egg")]
    ).materialize(**HERE)
    entry = named(definition.document)["alone"]["Arguments"]["AppSpecification"]["ContainerEntrypoint"]
    values = ["s3://my-bucket/more.zip", {"Get": "Parameters.egg"}, "/opt/ml/processing/input/py-files"]
    assert entry[1:3] == ["--py-files", {"Std:Join": {"On": ",", "Values": values}}]
    (content,) = (asset.files["pack.zip"] for asset in definition.assets if "pack.zip" in asset.files)
    assert zipfile.ZipFile(io.BytesIO(content)).namelist() == ["pack/__init__.py", "pack/deep/mod.py"]


def test_numbers_and_truth_values_of_a_configuration_are_texts_as_emr_wants_them() -> None:
    properties = {"spark.speculation": True, "spark.sql.shuffle.partitions": 8, "spark.memory.fraction": 0.5}
    entries = [
        {"Classification": "spark-defaults", "Properties": properties},
        {"Classification": "spark-env", "Properties": {},
         "Configurations": [{"Classification": "export", "Properties": {"A": "b"}}]},
    ]  # fmt: skip
    definition = prepared(configuration=entries).materialize(**HERE)
    (content,) = (each.files["configuration.json"] for each in definition.assets if "configuration.json" in each.files)
    first, second = json.loads(content)
    assert first["Properties"] == {
        "spark.speculation": "true",
        "spark.sql.shuffle.partitions": "8",
        "spark.memory.fraction": "0.5",
    }
    assert second["Configurations"][0]["Properties"] == {"A": "b"}


def test_copies_of_files_are_for_one_instance() -> None:
    request = emitted(prepared(access="file"))
    assert request["ProcessingResources"]["ClusterConfig"]["InstanceCount"] == 1
    assert [each["InputName"] for each in request["ProcessingInputs"]] == ["raw", "py-files", "code"]
    assert request["AppSpecification"]["ContainerArguments"] == [
        "--raw", "file:///opt/ml/processing/input/raw", "--train", "file:///opt/ml/processing/output/train",
    ]  # fmt: skip
    given = prepared(access="file", arguments=["--in", "/opt/ml/processing/input/raw"])
    assert emitted(given)["AppSpecification"]["ContainerArguments"] == ["--in", "/opt/ml/processing/input/raw"]


def test_an_image_is_pinned_or_given() -> None:
    def image(**facts: Any) -> str:
        found: str = emitted(prepared(**facts))["AppSpecification"]["ImageUri"]
        return found.rpartition("/")[2]

    assert image() == "sagemaker-spark-processing:3.5-cpu"
    assert image(py_version="py312", container_version="1.0") == "sagemaker-spark-processing:3.5-cpu-py312-v1.0"
    assert image(image_uri="a.dkr.ecr.b/c:1") == "c:1"


def configured(*entries: Any) -> Callable[[], Any]:
    return lambda: prepared(configuration=list(entries))


MISTAKES: dict[str, tuple[Callable[[], Any], str]] = {
    "a script that is not there": (lambda: prepared("featrues.py"), r"Did you mean 'features\.py'"),
    "a program of another kind": (lambda: prepared("codec.jar"), r"script: must be a \.py file, not 'codec\.jar'"),
    "a module that is not there": (lambda: prepared(py_files=["ration.py"]), r"py_files: there is no file.*'ratio\.py'"),
    "modules that are no list": (lambda: prepared(py_files="ratio.py"), "py_files: must be a list of files and S3 URIs"),
    "two modules of one name": (lambda: prepared(py_files=["other/ratio.py"]), r"py_files: there are two files 'ratio\.py'"),
    "a malformed URI": (lambda: prepared(jars=["s3://My_Bucket/a.jar"]), "jars: "),
    "a comma": (lambda: prepared(jars=["a.jar,b.jar"]), "jars: has a comma"),
    "a classification that is none": (
        configured({"Classification": "spark-default", "Properties": {}}), "Did you mean 'spark-defaults'"),
    "a configuration without properties": (configured({"Classification": "spark-defaults"}), "must have Classification and"),
    "a configuration of another form": (lambda: prepared(configuration=3), "configuration: must be a classification"),
    "a member that is none": (
        configured({"Classification": "spark-defaults", "Properties": {}, "Property": {}}), "Did you mean 'Properties'"),
    "variables without export": (configured({"Classification": "yarn-env", "Properties": {"A": "b"}}), "'export'"),
    "a property that only the run knows": (
        configured({"Classification": "spark-defaults", "Properties": {"a": Parameter("a", "b")}}), "known now"),
    "logs that go nowhere": (lambda: prepared(spark_event_logs_uri="events"), "spark_event_logs_uri: must be an S3 URI"),
    "copies for several": (lambda: prepared(access="file", instance_count=2), "instance_count: with access='file' each"),
    "a list of arguments without places": (lambda: prepared(arguments=["--all"]), "a list leaves no place for the S3 URIs"),
    "S3 without a network": (lambda: prepared(network_isolation=True), "network_isolation: Spark itself reads and writes S3"),
    "an input in the place of the jars": (
        lambda: loaded().spark("features.py", inputs={"jars": RawData}), "'jars' is where the program lies"),
    "a setting that is none": (lambda: prepared(jar=["codec.jar"]), "Did you mean 'jars'"),
    "shards": (lambda: prepared(sharded=["raw"]), "sharded: there is no such setting"),
    "an image that is none": (lambda: emitted(prepared(framework_version="3.4")), "no image of version '3.4'"),
    "half of an image": (lambda: emitted(prepared(py_version="py312")), "give both or neither"),
}  # fmt: skip


@pytest.mark.parametrize(("call", "said"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_told(call: Callable[[], Any], said: str) -> None:
    with pytest.raises(SettingError, match=said):
        call()
