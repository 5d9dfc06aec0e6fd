"""EMR, EMR Serverless and notebooks: what they emit, what is told at the call, copies."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from fluentpipe import Parameter, Pipeline, RawData
from fluentpipe.check import check
from fluentpipe.errors import SettingError

from .test_materialize import HERE, masked, named

NOTEBOOK = Path(__file__).parents[1] / "programs" / "notebook"
ROLE = "arn:aws:iam::111122223333:role/Spark"
RAW: Mapping[str, Any] = {"inputs": {"raw": RawData}, "outputs": {"rows": RawData}}
CLUSTER = {"ReleaseLabel": "emr-7.5.0", "Instances": {"InstanceGroups": [{"InstanceRole": "MASTER", "InstanceType": "m5.xlarge", "InstanceCount": 1}]}}  # fmt: skip
APPLICATION = {"releaseLabel": "emr-7.5.0", "type": "SPARK"}


def loaded() -> Any:
    return Pipeline("churn").load_data("s3://my-bucket/churn.csv", label="churn")


def every() -> Any:
    """A step of each, and of each that runs on what is made for it."""
    share = Parameter("share", 0.5)
    words = ["spark-submit", NOTEBOOK / "beside.py", "--share", share]
    job = {"execution_role": ROLE, "arguments": ["--share", share]}
    return (
        loaded()
        .emr(arguments=words, **RAW, cluster_id="j-1", execution_role=ROLE, properties={"a": "b"}, retry=2, name="on_cluster")
        .emr("s3://my-bucket/a.jar", main_class="a.B", cluster_config=CLUSTER, cache="P1D", name="new_cluster")
        .emr_serverless(NOTEBOOK / "beside.py", **job, **RAW, application_id="00f1", max_runtime=3600, tags={"team": "x"}, name="spark")
        .emr_serverless(hive={"query": "SELECT 1"}, execution_role=ROLE, application_config=APPLICATION, name="query")
        .notebook(
            NOTEBOOK / "explore.ipynb", image_uri="a.dkr.ecr.b/c:1", inputs={"rows": RawData},
            parameters={"least": share, "deep": {"a": [1]}}, files=[NOTEBOOK / "beside.py"], init_script=NOTEBOOK / "init.sh",
            environment={"WHO": "me"}, tags={"team": "x"}, vpc={"subnets": ["subnet-1"], "security_groups": ["sg-1"]},
        )
    )  # fmt: skip


STEPS = ("on_cluster", "new_cluster", "spark", "query", "explore")


def test_the_definition_of_each(golden: Callable[[str, str], None]) -> None:
    definition = every().materialize(**HERE)
    golden("engines.json", masked(definition, [named(definition.document)[name] for name in STEPS]))
    assert definition.diagnostics == ()


def test_an_output_is_the_argument_that_says_where_it_lies() -> None:
    steps = named(every().preprocess().materialize(**HERE).document)
    words = steps["on_cluster"]["Arguments"]["StepConfig"]["HadoopJarStep"]["Args"]
    assert words[words.index("--rows") + 1]["Std:Join"]["Values"][-3:] == ["on_cluster", "output", "rows"]
    taken = steps["spark"]["Arguments"]["JobConfig"]["jobDriver"]["sparkSubmit"]["entryPointArguments"][-1]
    assert taken == {"Get": f"Steps.on_cluster.Config.Args[{words.index('--rows') + 1}]"}


def test_copies_and_pickles_keep_what_the_call_declared() -> None:
    pipe = every()
    for twin in (copy.deepcopy(pipe), pickle.loads(pickle.dumps(pipe))):
        assert twin.steps == pipe.steps
        assert twin.materialize(**HERE).document == pipe.materialize(**HERE).document


def notebook(**values: Any) -> Any:
    return loaded().notebook(values.pop("file", NOTEBOOK / "explore.ipynb"), image_uri="a/b:1", **values)


def serverless(**values: Any) -> Any:
    return loaded().emr_serverless(**{"execution_role": ROLE, "application_id": "00f1", **values})


def test_a_shorter_time_keeps_what_the_call_declared() -> None:
    whole = serverless(script="s3://b-cket/a.py", inputs={"raw": "s3://b-cket/raw"}, max_runtime=600).steps[-1]
    shorter = whole.limited(120)
    assert (shorter.given["max_runtime"], shorter.inputs, shorter.contract) == (120, whole.inputs, whole.contract)


MISTAKES: dict[str, tuple[Callable[[], Any], str]] = {
    "nothing to run on": (lambda: loaded().emr(), "it needs one of ClusterId and ClusterConfig"),
    "two to run on": (lambda: loaded().emr(cluster_id="j-1", cluster_config=CLUSTER), "it needs one of ClusterId and ClusterConfig"),
    "a cluster with a name": (
        lambda: loaded().emr(cluster_config={**CLUSTER, "Name": "mine"}),
        r"ClusterConfig\.Name 'Name' is refused here: Pipelines names the cluster",
    ),
    "a cluster that stays": (
        lambda: loaded().emr(cluster_config={"Instances": {**CLUSTER["Instances"], "KeepJobFlowAliveWhenNoSteps": True}}),  # type: ignore[dict-item]
        r"ClusterConfig\.Instances\.KeepJobFlowAliveWhenNoSteps .* is refused here",
    ),
    "a cluster without machines": (lambda: loaded().emr(cluster_config={"Instances": {"Ec2KeyName": "a"}}), "one of InstanceGroups and InstanceFleets"),
    "a member with a typo": (lambda: loaded().emr(cluster_config={**CLUSTER, "ReleaseLable": "x"}), "Did you mean 'ReleaseLabel'"),
    "a role of a step on a new cluster": (
        lambda: loaded().emr(cluster_config=CLUSTER, execution_role=ROLE),
        "a step takes a role of its own on a cluster that is there",
    ),
    "no role": (lambda: loaded().emr(cluster_id="j-1", execution_role="Spark"), "execution_role: must be the ARN of a role"),
    "one text for the arguments": (lambda: loaded().emr(cluster_id="j-1", arguments="spark-submit a.py"), "must be a list of arguments"),
    "a file that is not here": (lambda: loaded().emr(cluster_id="j-1", arguments=[Path("a.py")]), "there is no file 'a.py' here"),
    "an input and an output of one name": (
        lambda: loaded().emr(cluster_id="j-1", inputs={"a": RawData}, outputs={"a": RawData}),
        "'a' is given twice among inputs and outputs",
    ),
    "an input that is nothing": (lambda: loaded().emr(cluster_id="j-1", inputs={"a": 3}), "inputs: a must be an s3:// URI"),
    "neither script nor query": (lambda: serverless(), "it takes one of script and hive"),
    "arguments of a query": (lambda: serverless(hive={"query": "a"}, arguments=["b"]), "a query of Hive has no arguments"),
    "no whole minutes": (lambda: serverless(script="s3://b-cket/a.py", max_runtime=90), "must be whole minutes"),
    "a driver with a typo": (lambda: serverless(hive={"qeury": "a"}), "Did you mean 'query'"),
    "no notebook": (lambda: notebook(file="explor.py"), r"must be an \.ipynb file"),
    "a notebook that is not here": (lambda: notebook(file=NOTEBOOK / "explor.ipynb"), r"Did you mean 'explore\.ipynb'"),
    "a file beside it that is not here": (lambda: notebook(files=["nothing.py"]), "files: there is no 'nothing.py'"),
    "a parameter that is no variable": (lambda: notebook(parameters={"a b": 1}), "'a b' is no name for a variable"),
    "one variable twice": (lambda: notebook(parameters={"a": 1}, inputs={"a": RawData}), "'a' is given twice among inputs and parameters"),
    "several machines": (lambda: notebook(instance_count=2), "a notebook is executed on one instance"),
}  # fmt: skip


@pytest.mark.parametrize(("call", "said"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_told_at_the_call(call: Callable[[], Any], said: str) -> None:
    with pytest.raises(SettingError, match=said):
        call()


def test_the_steps_of_others_are_checked_likewise() -> None:
    steps = [
        {"Name": "a", "Type": "EMR", "Arguments": {"ClusterId": "j-1", "StepConfig": {"HadoopJarStep": {"Jra": "x"}}}},
        {
            "Name": "b",
            "Type": "EMRServerless",
            "Arguments": {"ApplicationConfig": APPLICATION, "JobConfig": {}, "Roel": ""},
        },
    ]
    found = {each.path: each.message for each in check({"Version": "2020-12-01", "Steps": steps})}
    assert found["$.Steps[0].Arguments.StepConfig.HadoopJarStep.Jra"].endswith("Did you mean 'Jar'?")
    assert "'ExecutionRoleArn' is required" in found["$.Steps[1].Arguments"]
    assert "'executionRoleArn' is required" in found["$.Steps[1].Arguments.JobConfig"]
    assert "'Roel' is not known" in found["$.Steps[1].Arguments.Roel"]
