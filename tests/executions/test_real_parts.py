"""Executions against moto's server: what it has of pipelines, and S3 behind the values of outputs; and one code for both kinds of run."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import boto3
import pytest
from run.pipelines import Sketch, json_get

from fluentpipe.aws import Account
from fluentpipe.errors import FluentpipeError, NoValue, SourceError
from fluentpipe.executions import find, list_executions, start
from fluentpipe.outcome.shape import PipelineRun
from fluentpipe.run import run as run_definition

from .conftest import ROLE, churn
from .service import Frame, Service, all_succeeded

pytestmark = pytest.mark.xdist_group("moto")

REPORT = {"metrics": {"auc": 0.91}, "rows": 3}


@pytest.fixture(scope="session")
def real(moto_server: str) -> Iterator[Account]:
    """An account of moto's, with a bucket."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", moto_server)
        for name in ("AWS_ENDPOINT_URL_SAGEMAKER", "AWS_ENDPOINT_URL_CLOUDWATCH_LOGS"):
            patch.delenv(name, raising=False)
        account = Account("us-east-1", session=boto3.Session("nobody", "nothing"))
        for service in ("sagemaker", "s3", "sts"):
            account.client(service)
        account.client("s3").create_bucket(Bucket="my-bucket")
    yield account
    account.close()


@pytest.fixture
def bucket(real: Account, shared_account: Account, monkeypatch: pytest.MonkeyPatch, moto_server: str) -> Any:
    """moto's S3, where the executions of the scripted service find it as well."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", moto_server)
    shared_account.client("s3")
    return lambda key, body: real.client("s3").put_object(Bucket="my-bucket", Key=key, Body=body)


def deployed(real: Account, name: str) -> None:
    real.client("sagemaker").create_pipeline(
        PipelineName=name, PipelineDefinition=churn().to_json(), RoleArn=ROLE, ClientRequestToken="t" * 32
    )


# ---- moto's pipelines ------------------------------------------------------------------------------------------------------


def test_a_pipeline_is_started_listed_and_described(real):
    deployed(real, "real")
    execution = start(real, "real", parameters={"depth": 9}, display_name="nightly")
    assert execution.describe()["PipelineExecutionDisplayName"] == "nightly"
    assert execution.parameters == {"data": "s3://my-bucket/churn.csv", "depth": 9, "booster": "gbtree"}
    assert [*execution.step_types] == [entry.name for entry in churn().steps()]
    again = start(real, "real")
    assert {each.arn for each in list_executions(real, "real")} == {execution.arn, again.arn}
    assert find(real, f"real/{execution.id}").arn == execution.arn


def test_local_data_is_uploaded_under_its_hash_once_and_its_size_is_said(real, tmp_path):
    deployed(real, "with-data")
    (tmp_path / "rows.csv").write_bytes(b"a,b\n1,2\n")
    said: list[str] = []
    execution = start(real, "with-data", data=tmp_path / "rows.csv", bucket="my-bucket", say=said.append)
    uri = execution.parameters["data"]
    assert uri.startswith("s3://my-bucket/with-data/data/")
    assert uri.endswith("/rows.csv")
    stored = real.client("s3").get_object(Bucket="my-bucket", Key=uri.removeprefix("s3://my-bucket/"))
    assert stored["Body"].read() == b"a,b\n1,2\n"
    assert "1 file, 8 B" in said[0]
    assert (
        start(real, "with-data", data=tmp_path / "rows.csv", bucket="my-bucket", say=said.append).parameters["data"]
        == uri
    )
    assert len(said) == 1


# ---- artifacts -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def done(service: Service, begin: Any, bucket: Any) -> Any:
    """A finished execution, and in S3 what its jobs wrote."""
    service.frames = [Frame("Succeeded", dict(all_succeeded(churn())))]
    execution = begin()
    outputs = execution.outputs
    for value, name, body in (
        (outputs.xgboost_training.model_artifacts, "", b"a model"),
        (outputs.model_evaluation.evaluation_report, "/evaluation.json", json.dumps(REPORT).encode()),
        (outputs.model_evaluation.evaluation_report, "/curves.json", b"{}"),
        (outputs.tabular_preprocessing.train_data, "/part/1.parquet", b"one"),
    ):
        bucket(value.value().removeprefix("s3://my-bucket/") + name, body)
    return execution


def test_a_file_is_downloaded_to_where_it_is_kept_or_to_a_folder(done, tmp_path):
    model = done.outputs.xgboost_training.model_artifacts
    kept = model.download()
    assert (
        kept
        == Path(os.environ["FLUENTPIPE_HOME"]) / f"executions/{done.id}/xgboost_training/model_artifacts/model.tar.gz"
    )
    assert model.download(tmp_path / "there") == tmp_path / "there" / "model.tar.gz"
    assert (tmp_path / "there" / "model.tar.gz").read_bytes() == kept.read_bytes() == b"a model"


def test_a_prefix_is_downloaded_as_a_folder(done, tmp_path):
    found = done.outputs.tabular_preprocessing.train_data.download(tmp_path / "train")
    assert found == tmp_path / "train"
    assert (found / "part" / "1.parquet").read_bytes() == b"one"


def test_the_json_of_an_output_is_read_and_walked(done):
    report = done.outputs.model_evaluation.evaluation_report
    assert report.json() == REPORT
    assert report.json("metrics.auc") == 0.91


def test_a_value_of_a_property_file_is_what_the_condition_read(done):
    file = {"Get": "Steps.model_evaluation.PropertyFiles.evaluation_report"}
    assert done.value({"Std:JsonGet": {"PropertyFile": file, "Path": "metrics.auc"}}) == 0.91


@pytest.mark.parametrize("key", ["../out", "a/../../out", "/abs", "a//b", "c\\d"])
def test_no_name_of_an_object_leads_out_of_the_folder(done, bucket, tmp_path, key):
    data = done.outputs.tabular_preprocessing.test_data
    bucket(f"{data.value().removeprefix('s3://my-bucket/')}/{key}", b"out")
    with pytest.raises(SourceError, match="no safe relative name"):
        data.download(tmp_path / "in" / "here")
    assert not [*tmp_path.rglob("out"), *tmp_path.rglob("abs")]


@pytest.mark.parametrize(
    ("name", "ask"),
    [
        ("nothing_there", lambda outputs: outputs.data_loading.raw_data.download()),
        ("no_place", lambda outputs: outputs.xgboost_training.training_job_name.download()),
        ("no_json", lambda outputs: outputs.tabular_preprocessing.train_data.json()),
        ("json_path", lambda outputs: outputs.model_evaluation.evaluation_report.json("metrics.acu")),
        ("not_json", lambda outputs: outputs.xgboost_training.model_artifacts.json()),
    ],
)
def test_what_cannot_be_had_says_why(done, golden, name, ask):
    with pytest.raises(FluentpipeError) as caught:
        ask(done.outputs)
    golden(f"artifact_{name}.txt", str(caught.value))


# ---- one code for both ---------------------------------------------------------------------------------------------------


def sketch() -> Sketch:
    """Two jobs and a gate that stops the third."""
    made = Sketch("churn", limit=0.5, label="churned")
    made.processing(
        "evaluate",
        "import json, pathlib\n"
        "out = pathlib.Path('/opt/ml/processing/output/report')\n"
        "print('writing'); print('wrote')\n"
        f"(pathlib.Path(__import__('sys').argv[1]) / 'evaluation.json').write_text({json.dumps(json.dumps(REPORT))})",
        outputs=("report",),
        arguments=("/opt/ml/processing/output/report",),
        report="report",
    )
    limit = {"Get": "Parameters.limit"}
    yes, no = made.condition(
        "gate", {"Type": "LessThan", "LeftValue": json_get("evaluate", "metrics.auc"), "RightValue": limit}
    )
    made.processing("publish", "print('never')", into=yes)
    made.processing("mourn", "print('mourning')", into=no)
    return made


def story(run: PipelineRun) -> dict[str, Any]:
    """What a user's code asks of a run, wherever it is."""
    lines: list[str] = []
    run = run.watch(0.001, echo=lines.append).wait(0.001)
    report = run.outputs.get("evaluate", "report")
    with pytest.raises(NoValue) as caught:
        run.outputs["publish"].at("ProcessingJobName").value()
    assert isinstance(run.outputs["evaluate"].at("ProcessingJobName").value(), str)
    assert report.value().endswith("report")
    return {
        "name": run.name,
        "status": run.status,
        "states": {name: step.state for name, step in run.steps.items()},
        "types": [step.type for step in run.steps.values()],
        "failures": [step.failure for step in run.steps.values()],
        "cached": [step.cached for step in run.steps.values()],
        "timed": run.steps["evaluate"].seconds is not None and run.steps["publish"].seconds is None,
        "parameters": dict(run.parameters),
        "log": run.logs("evaluate", 2),
        "auc": report.json("metrics.auc"),
        "read": run.value(json_get("evaluate", "metrics.auc")),
        "file": sorted(path.name for path in report.download().iterdir()),
        "gate": run.outputs.get("gate", "outcome").value(),
        "missing": (type(caught.value).__name__, caught.value.step, caught.value.state),
        "last": lines[-1].split(" ", maxsplit=1)[0],
    }


def test_the_same_code_runs_on_a_run_here_and_on_an_execution_there(service, account, bucket, tmp_path):
    definition = sketch().definition()
    here = run_definition(definition, home=tmp_path / "runs", echo=None)
    service.definition = attrs.evolve(definition, name="churn")
    steps = {"evaluate": "Succeeded", "gate": "Succeeded", "mourn": "Succeeded"}
    service.frames = [
        Frame("Executing", {"evaluate": "Executing"}),
        Frame("Succeeded", steps, more={"gate": {"Metadata": {"Condition": {"Outcome": "False"}}}}),
    ]
    service.logs = {
        "/aws/sagemaker/ProcessingJobs": {"pipelines-exec00000000-evaluate/algo-1-1": ["starting", "writing", "wrote"]}
    }
    there = start(account, "churn")
    bucket(f"{there.id}/evaluate/report/evaluation.json", json.dumps(REPORT).encode())
    told = story(here)
    assert told == story(there)
    assert list(told["states"].items()) == [
        ("evaluate", "Succeeded"), ("gate", "Succeeded"), ("publish", "NotExecuted"), ("mourn", "Succeeded"),
    ]  # fmt: skip
    assert (told["auc"], told["gate"], told["log"]) == (0.91, False, ["writing", "wrote"])
