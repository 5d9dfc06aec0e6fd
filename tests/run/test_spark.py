"""Jobs of smspark-submit, carried out here: what Spark is called with, whoever wrote the job.

A stand-in for PySpark writes down how it was called and runs the script, which is no Spark: PySpark is 300 MB.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from sdk import spark_step

from fluentpipe import Parameter, Pipeline, RawData
from fluentpipe.definition import Definition
from fluentpipe.errors import RunError
from fluentpipe.run import run
from fluentpipe.run.spark_properties import configured
from fluentpipe.run.submission import uri_in

FIXTURES = Path(__file__).parents[1] / "sdk" / "fixtures"
SUBMIT = f"""#!{sys.executable}
import json, os, pathlib, runpy, sys
options, words = {{}}, sys.argv[1:]
while words[0].startswith("--"):
    name = words.pop(0)
    options[name] = words.pop(0) if name != "--verbose" else ""
told = pathlib.Path(__file__).parents[1] / "told.json"
names = ("MASTER", "JAVA_HOME", "SPARK_HOME", "SPARK_LOCAL_IP", "PYSPARK_PYTHON")
conf = pathlib.Path(os.environ["SPARK_CONF_DIR"], "spark-defaults.conf").read_text()
told.write_text(json.dumps({{
    "root": os.environ["SAGEMAKER_BASE_DIR"], "options": options, "words": words, "env": {{name: os.environ[name] for name in names}},
    "conf": dict(line.split(" ", 1) for line in conf.splitlines()),
}}))
for file in options.get("--py-files", "").split(","):
    sys.path.append(os.path.dirname(file) if file.endswith(".py") else file)
sys.argv = words
runpy.run_path(words[0], run_name="__main__")
"""
SCRIPT = """
import argparse, pathlib, urllib.parse
import ratio
parser = argparse.ArgumentParser()
for name in ("raw", "clean", "months"):
    parser.add_argument("--" + name)
given = parser.parse_args()
raw, clean = (pathlib.Path(urllib.parse.urlsplit(each).path) for each in (given.raw, given.clean))
files = [raw] if raw.is_file() else sorted(raw.iterdir())
clean.mkdir(exist_ok=True)
(clean / "part-0.csv").write_text(str(ratio.of(sum(len(each.read_text()) for each in files), int(given.months))))
"""


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a script, which is the working directory; PySpark and Java seem to be there."""
    folder = tmp_path / "with a space"  # which Spark does not read as %20
    pyspark, java = folder / "site" / "pyspark", folder / "java" / "bin" / "java"
    for file, text in {pyspark / "__init__.py": "", pyspark / "bin" / "spark-submit": SUBMIT, java: ""}.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(0o755)
    monkeypatch.syspath_prepend(str(pyspark.parent))
    monkeypatch.setenv("JAVA_HOME", str(java.parents[1]))
    monkeypatch.chdir(folder)
    Path("features.py").write_text(SCRIPT)
    Path("ratio.py").write_text(spark_step.FILES["ratio.py"])
    Path("rows.csv").write_text("a,b\n1,2\n")
    return folder


def told(place: Path) -> dict[str, Any]:
    """What the stand-in was called with; the job's folder, which is gone, as the container's."""
    text = (place / "site" / "pyspark" / "told.json").read_text()
    found: dict[str, Any] = json.loads(text.replace(json.loads(text)["root"], "/opt/ml"))
    return found


def features(**facts: Any) -> Any:
    pipe = Pipeline("own").provide(RawData, "rows.csv")
    given = {"inputs": {"raw": RawData}, "outputs": {"clean": RawData}, "arguments": {"months": 3}, **facts}
    return pipe.spark("features.py", **given)


def made(done: Any) -> float:
    return float((done.steps["features"].outputs["clean"] / "part-0.csv").read_text())


def test_the_uris_of_a_step_are_folders_here(place: Path) -> None:
    codec = place / "codec.jar"
    codec.write_text("")
    done = features(
        jars=[codec],
        configuration=[
            {"Classification": "spark-defaults", "Properties": {"spark.sql.shuffle.partitions": 4, "spark.master": "yarn"}},
            {"Classification": "core-site", "Properties": {"io.file.buffer.size": "65536"}},
            {"Classification": "yarn-site", "Properties": {"yarn.nodemanager.vmem-check-enabled": False}},
        ],
        spark_event_logs_uri="s3://my-bucket/events",
    ).run(echo=None)  # fmt: skip
    assert made(done) == len("a,b\n1,2\n") / 3
    assert (done.steps["features"].outputs["spark-event-logs"]).is_dir()
    found = told(place)
    assert found["options"] == {
        "--py-files": "/opt/ml/processing/input/py-files/ratio.py",
        "--jars": "/opt/ml/processing/input/jars/codec.jar",
    }
    script, *words = found["words"]
    assert script == "/opt/ml/processing/input/code/features.py"
    assert words[0::2] == ["--raw", "--clean", "--months"]
    assert words[1::2] == ["file:///opt/ml/spark/1/rows.csv", "file:///opt/ml/processing/output/clean", "3"]
    assert found["env"]["SPARK_LOCAL_IP"] == "127.0.0.1"
    assert found["env"]["PYSPARK_PYTHON"] == sys.executable
    assert re.fullmatch(r"local\[\d+\]", found["env"]["MASTER"])
    conf = found["conf"]
    assert conf["spark.sql.shuffle.partitions"] == "4"
    assert conf["spark.hadoop.io.file.buffer.size"] == "65536"
    assert conf["spark.eventLog.enabled"] == "true"
    assert conf["spark.driver.bindAddress"] == "127.0.0.1"
    assert conf["spark.eventLog.dir"] == "/opt/ml/processing/spark-events"
    assert not {"spark.master", "yarn.nodemanager.vmem-check-enabled"} & set(conf)


def test_copies_of_files_are_where_the_image_has_them(place: Path) -> None:
    assert made(features(access="file").run(echo=None)) == len("a,b\n1,2\n") / 3
    assert told(place)["words"][1:5] == [
        "--raw", "file:///opt/ml/processing/input/raw", "--clean", "file:///opt/ml/processing/output/clean",
    ]  # fmt: skip


@pytest.mark.parametrize("major", ["2", "3"])
def test_a_step_of_the_sdk_runs_unchanged(major: str, place: Path) -> None:
    known = json.loads((FIXTURES / f"spark_v{major}.json").read_text())
    bucket = place / "bucket"
    files = {
        **known["uploaded"],
        f"{spark_step.RAW}/rows.csv": "a,b\n1,2\n",
        spark_step.LIBRARY: "",
    }
    for uri, text in files.items():
        file = bucket / uri.removeprefix("s3://my-bucket/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(SCRIPT if file.name == "features.py" else text)
    definition = Definition("churn", known["definition"], diagnostics=())
    done = run(definition, maps={"s3://my-bucket": bucket}, echo=None)
    assert made(done) == len("a,b\n1,2\n") / 3
    found = told(place)
    assert found["options"] == {
        "--py-files": "/opt/ml/processing/input/py-files/ratio.py",
        "--jars": "/opt/ml/spark/1/library.jar,/opt/ml/processing/input/jars/codec.jar",
    }
    assert found["conf"]["spark.sql.shuffle.partitions"] == "4"


def test_a_result_is_kept_as_long_as_what_spark_reads_stays_the_same(place: Path) -> None:
    pipe = features(inputs={"raw": Parameter("rows", "s3://my-bucket/rows.csv")})
    lines: list[str] = []
    for _ in range(2):
        pipe.run(echo=lines.append, parameters={"rows": "rows.csv"})
    assert lines[-1] == "features: cached"
    Path("rows.csv").write_text("a,b\n")
    again = pipe.run(echo=lines.append, parameters={"rows": "rows.csv"})
    assert "input --raw changed" in "\n".join(lines)
    assert made(again) == len("a,b\n") / 3


def submitted(entry: list[Any], arguments: list[Any]) -> Definition:
    request = {
        "ProcessingResources": {"ClusterConfig": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 9}},
        "AppSpecification": {"ImageUri": "a/b:1", "ContainerEntrypoint": entry, "ContainerArguments": arguments},
        "RoleArn": spark_step.ROLE,
    }  # fmt: skip
    steps = [{"Name": "one", "Type": "Processing", "Arguments": request}]
    return Definition("churn", {"Version": "2020-12-01", "Steps": steps}, diagnostics=())


APPLICATION = "/opt/ml/processing/input/code/a.py"
FAULTS: dict[str, tuple[list[Any], list[Any], str]] = {
    "an option that is none": (["smspark-submit", "--conf", "a=b", APPLICATION], [], r"has no option '--conf'"),
    "an option misspelt": (["smspark-submit", "--py_files", "/x", APPLICATION], [], r"Did you mean '--py-files'"),
    "no application": (["/usr/bin/smspark-submit", "-v"], [], "is told no application"),
    "data that is not here": (
        ["smspark-submit", APPLICATION], ["--raw", "s3://other/raw"], "argument 2: Nothing here stands for 's3://other/raw'"
    ),
}  # fmt: skip


@pytest.mark.parametrize(("entry", "arguments", "said"), FAULTS.values(), ids=FAULTS)
def test_what_cannot_run_is_told_before_anything_starts(entry: Any, arguments: Any, said: str, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=said):
        run(submitted(entry, arguments), echo=None, home=tmp_path / "home")
    assert not (tmp_path / "home" / "runs").exists()


def test_what_is_missing_is_told_before_anything_starts(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(place / "nowhere"))
    (place / "site" / "pyspark" / "bin" / "spark-submit").unlink()
    with pytest.raises(
        RunError, match=r"(?s)pip install 'fluentpipe\[spark\]'.*takes Java, JAVA_HOME=.*nowhere has no"
    ):
        features().run(echo=None)
    assert not Path(".fluentpipe", "runs").exists()


WORDS = {
    "s3://bucket/a/": "s3://bucket/a",
    "s3a://bucket/a": "s3://bucket/a",
    "--in=s3n://bucket/a": "s3://bucket/a",
    "rows.csv": "{here}/rows.csv",
    "folder/": "{here}/folder",
    "folder": "",
    "/": "",
    "..": "",
    ".": "",
    "0.5": "",
    "--raw": "",
    "/opt/ml/processing/input/raw": "",
    "a/" * 3000: "",
}


@pytest.mark.parametrize(("word", "uri"), WORDS.items(), ids=[word[:30] for word in WORDS])
def test_a_word_is_data_where_it_names_some(word: str, uri: str, place: Path) -> None:
    (place / "folder").mkdir()
    assert uri_in(word) == uri.format(here=place)


@pytest.mark.parametrize("text", ["{", "3", '[{"Classification": "spark-defaults"}]', '[{"Properties": {}}]', "[3]"])
def test_a_configuration_that_is_none_is_refused(text: str, tmp_path: Path) -> None:
    file = tmp_path / "processing" / "input" / "conf" / "configuration.json"
    file.parent.mkdir(parents=True)
    file.write_text(text)
    with pytest.raises(RunError, match="The configuration of Spark cannot be read"):
        configured(tmp_path)
