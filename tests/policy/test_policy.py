"""Policies: valid for IAM, no wider than they need to be, and growing with what the definition uses."""

from __future__ import annotations

import copy
import fnmatch
import json
import os
import pathlib
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given, settings, strategies as st

from fluentpipe import Pipeline
from fluentpipe.cli import main
from fluentpipe.definition import Definition
from fluentpipe.errors import DefinitionError, SettingError
from fluentpipe.policy import Policies, policies
from fluentpipe.policy.document import MAX_CHARACTERS, Statement, size, split

HERE = pathlib.Path(__file__).parent
ROLE = "arn:aws:iam::111122223333:role/SageMakerRole"
SPARK = "arn:aws:iam::111122223333:role/Spark"
PLACES = {"role": ROLE, "bucket": "my-bucket", "region": "us-east-1"}
SUBMITTED: dict[str, Any] = {
    "AppSpecification": {
        "ContainerEntrypoint": ["smspark-submit", "/opt/ml/processing/input/code/a.py"],
        "ContainerArguments": ["--raw", "s3://my-raw/rows", "--clean", "s3://my-bucket/clean"],
    },
    "ProcessingOutputConfig": {"Outputs": [{"OutputName": "clean", "S3Output": {"S3Uri": "s3://my-bucket/clean"}}]},
}
SETTINGS: dict[str, dict[str, Any]] = {
    "CheckpointConfig": {"S3Uri": "s3://my-bucket/checkpoints"},
    "VpcConfig": {"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1", "subnet-2"]},
}


@lru_cache(maxsize=4)
def chain(region: str = "us-east-1") -> Definition:
    pipe = (
        Pipeline("churn")
        .load_data("s3://my-data/churn.csv", label="churn", validation_split=0.2)
        .preprocess()
        .train_xgboost(max_depth=8, n_estimators=200)
        .evaluate_performance()
        .require(min_auc=0.80, max_training_time="4 hours")
        .register("churn-models")
    )
    partition = {"cn-north-1": "aws-cn", "us-gov-west-1": "aws-us-gov"}.get(region, "aws")
    return pipe.materialize(role=ROLE.replace("aws", partition, 1), bucket="my-bucket", region=region)


def step(kind: str, name: str, **members: Any) -> dict[str, Any]:
    return {"Name": name, "Type": kind, **members}


def everything() -> Definition:
    """The chain with a step of each type, keys and a network."""
    document = copy.deepcopy(dict(chain().document))
    training = next(each for each in document["Steps"] if each["Name"] == "xgboost_training")
    training["Arguments"] |= SETTINGS
    training["Arguments"]["OutputDataConfig"]["KmsKeyId"] = "alias/models"
    training["Arguments"]["ResourceConfig"]["VolumeKmsKeyId"] = "arn:aws:kms:us-east-1:111122223333:key/1"
    model = {
        "ExecutionRoleArn": ROLE,
        "PrimaryContainer": {"Image": "repo/own:1", "ModelDataUrl": "s3://my-bucket/m.tar.gz"},
    }
    document["Steps"] += [
        step("Model", "model", Arguments=model),
        step("Tuning", "tune", Arguments={"TrainingJobDefinition": copy.deepcopy(training["Arguments"])}),
        step("Transform", "score", Arguments={"TransformOutput": {"S3OutputPath": "s3://my-bucket/scores"}}),
        step("AutoML", "auto", Arguments={"AutoMLJobName": "Mine"}),
        step("Lambda", "call", FunctionArn="arn:aws:lambda:us-east-1:111122223333:function:tell"),
        step("Callback", "wait", SqsQueueUrl="https://sqs.us-east-1.amazonaws.com/111122223333/answers"),
        step("EMR", "spark", Arguments={"ClusterId": "j-1", "ExecutionRoleArn": SPARK}),
        step("EMRServerless", "serverless", Arguments={"ApplicationId": "00f1", "ExecutionRoleArn": SPARK}),
        step(
            "EMR",
            "spark",
            Arguments={"ClusterConfig": {"Tags": [{"Key": "team", "Value": "x"}], "AutoScalingRole": "Scaling"}},
        ),
        step(
            "EMRServerless",
            "serverless",
            Arguments={"ApplicationConfig": {}, "ExecutionRoleArn": SPARK, "JobConfig": {"tags": {"a": "b"}}},
        ),
        step("QualityCheck", "quality", Arguments={}, ModelPackageGroupName="churn-models"),
        step("ClarifyCheck", "bias", Arguments={}, ModelName="churn"),
        step("Endpoint", "serve", Arguments={}),
        step("Processing", "features", Arguments=SUBMITTED),
    ]
    return Definition("churn", document, diagnostics=())


def every_action() -> set[str]:
    """Every action that a policy of ours may name."""
    default = "sagemaker-us-east-1-111122223333"
    found = policies(everything(), bucket=default)
    return {action for each in found.statements.values() for statement in each for action in statement.actions}


def documents(found: Policies) -> Iterator[dict[str, Any]]:
    yield from (dict(each) for each in (*found.deployer, *found.execution, found.trust))


def rows(found: tuple[Statement, ...]) -> set[tuple[str, str]]:
    return {(action, resource) for each in found for action in each.actions for resource in each.resources}


def covered(row: tuple[str, str], allowed: set[tuple[str, str]]) -> bool:
    """Whether a pattern is among those allowed, or narrower than one of them."""
    return any(row[0] == action and fnmatch.fnmatchcase(row[1], resource) for action, resource in allowed)


@pytest.mark.parametrize("region", ["us-east-1", "cn-north-1", "us-gov-west-1"])
def test_the_policies_of_the_chain_are_those_on_record(region: str) -> None:
    found = policies(chain(region))
    told = {"deployer": found.deployer, "execution": found.execution, "trust": found.trust, "notes": found.notes}
    text = re.sub(r"\b[0-9a-f]{64}\b", "<sha256>", json.dumps(told, indent=1)) + "\n"
    golden = HERE / "golden" / f"{region}.json"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(text)
    assert text == golden.read_text()


SID = re.compile(r"[A-Za-z0-9]+")
ACTION = re.compile(r"[a-z0-9-]+:[A-Za-z0-9]+")
ARN = re.compile(r"arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9-]*:\d{0,12}:\S+")


@pytest.mark.parametrize("make", [chain, everything], ids=["the chain", "everything"])
def test_they_are_written_as_iam_reads_them(make: Any) -> None:
    for document in documents(policies(make())):
        assert set(document) == {"Version", "Statement"}
        assert document["Version"] == "2012-10-17"
        assert size(document) <= MAX_CHARACTERS
        sids = [each["Sid"] for each in document["Statement"] if "Sid" in each]
        assert len(sids) == len(set(sids))
        assert all(SID.fullmatch(sid) for sid in sids)
        for each in document["Statement"]:
            assert set(each) <= {"Sid", "Effect", "Action", "Resource", "Condition", "Principal"}
            assert each["Effect"] == "Allow"
            if "Principal" not in each:
                assert each["Action"]
                assert all(ACTION.fullmatch(action) for action in each["Action"])
                assert each["Resource"]
                assert all(resource == "*" or ARN.fullmatch(resource) for resource in each["Resource"])


def test_only_what_aws_cannot_narrow_is_allowed_everywhere() -> None:
    """The resource types of each action are AWS's own; see write_actions.py."""
    types: dict[str, list[str]] = json.loads((HERE / "actions.json").read_text())
    found = policies(everything(), bucket="sagemaker-us-east-1-111122223333")
    statements = [each for one in found.statements.values() for each in one]
    assert {action for each in statements for action in each.actions} == set(types), "run tests/policy/write_actions.py"
    wide = [each for each in statements if "*" in each.resources]
    assert all(each.reason and each.resources == ("*",) for each in wide)
    assert {action for each in wide for action in each.actions} == {action for action in types if not types[action]}


def kind_of(arn: str) -> str:
    """The resource type of an ARN of SageMaker."""
    name = arn.split(":")[5]
    return "pipeline-execution" if "/execution/" in name else name.partition("/")[0]


def test_actions_of_sagemaker_stand_beside_resources_that_they_work_on() -> None:
    types: dict[str, list[str]] = json.loads((HERE / "actions.json").read_text())
    for each in (each for one in policies(everything()).statements.values() for each in one):
        kinds = {kind_of(arn) for arn in each.resources if ":sagemaker:" in arn}
        if kinds:
            assert all(kinds & set(types[action]) for action in each.actions), each
            assert all(any(kind in types[action] for action in each.actions) for kind in kinds), each


def test_a_role_is_passed_to_sagemaker_alone() -> None:
    found = policies(chain())
    for each in (*found.statements["deployer"], *found.statements["execution"]):
        if "iam:PassRole" in each.actions:
            assert each.resources == (ROLE,)
            assert each.condition == {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}


def of_emr(*added: dict[str, Any]) -> set[tuple[str, str]]:
    document = {**chain().document, "Steps": [*chain().document["Steps"], *added]}
    found = rows(policies(Definition("churn", document, diagnostics=())).statements["execution"])
    return found - rows(policies(chain()).statements["execution"])


def test_emr_on_a_cluster_that_is_there_needs_that_cluster_and_the_rule_that_watches_it() -> None:
    found = of_emr(step("EMR", "spark", Arguments={"ClusterId": "j-1", "ExecutionRoleArn": SPARK}))
    on, rule = (
        "arn:aws:elasticmapreduce:us-east-1:111122223333:cluster/j-1",
        "SageMakerPipelineExecutionEMRStepStatusUpdateRule",
    )
    actions = ("AddJobFlowSteps", "CancelSteps", "DescribeCluster", "DescribeStep", "ListSteps")
    watched = {
        (f"events:{each}", f"arn:aws:events:us-east-1:111122223333:rule/{rule}")
        for each in ("DescribeRule", "PutRule", "PutTargets")
    }
    assert found == {*((f"elasticmapreduce:{each}", on) for each in actions), *watched}


def test_a_new_cluster_and_an_application_are_handed_their_roles_and_nobody_else_is() -> None:
    cluster = {"ServiceRole": "arn:aws:iam::111122223333:role/Emr", "JobFlowRole": "Machines"}
    serverless = {"ApplicationId": {"Get": "Steps.a.OutputParameters['b']"}, "ExecutionRoleArn": SPARK}
    added = (
        step("EMR", "spark", Arguments={"ClusterConfig": cluster}),
        step("EMRServerless", "s", Arguments=serverless),
    )
    document = {**chain().document, "Steps": [*chain().document["Steps"], *added]}
    handed = {
        str(each.condition["StringEquals"]["iam:PassedToService"]): each.resources
        for each in policies(Definition("churn", document, diagnostics=())).statements["execution"]
        if "iam:PassRole" in each.actions and each.condition
    }
    assert handed == {
        "sagemaker.amazonaws.com": (ROLE,),
        "ec2.amazonaws.com": ("arn:aws:iam::111122223333:role/Machines",),
        "elasticmapreduce.amazonaws.com": ("arn:aws:iam::111122223333:role/Emr",),
        "emr-serverless.amazonaws.com": (SPARK,),
    }
    found = of_emr(*added)
    assert ("emr-serverless:StartJobRun", "arn:aws:emr-serverless:us-east-1:111122223333:/applications/*") in found
    assert ("elasticmapreduce:RunJobFlow", "*") in found


def test_only_the_default_bucket_may_be_made() -> None:
    plain = policies(chain())
    assert not [each for each in plain.statements["deployer"] if "s3:CreateBucket" in each.actions]
    default = policies(chain(), bucket="sagemaker-us-east-1-111122223333")
    (making,) = [each for each in default.statements["deployer"] if "s3:CreateBucket" in each.actions]
    assert making.resources == ("arn:aws:s3:::sagemaker-us-east-1-111122223333",)


def test_what_is_not_known_before_the_run_is_noted() -> None:
    assert policies(chain()).notes == (
        "parameter 'data' is taken as its default, 's3://my-data/churn.csv'; another value needs more",
    )
    notes = "\n".join(policies(everything()).notes)
    assert "steps of type Endpoint need permissions" in notes
    assert "the EventBridge rule by which Pipelines watches EMR Serverless has no published name" in notes
    assert "image repo/own:1 is in no registry of ECR" in notes


def test_data_is_read_and_outputs_are_written_and_nothing_else() -> None:
    allowed = rows(policies(chain()).statements["execution"])
    assert {resource for action, resource in allowed if action == "s3:PutObject"} == {"arn:aws:s3:::my-bucket/churn/*"}
    assert {resource for action, resource in allowed if action == "s3:GetObject"} == {
        "arn:aws:s3:::my-bucket/churn/*",
        "arn:aws:s3:::my-data/churn.csv*",
    }


def test_spark_reads_what_its_arguments_name_and_may_delete_what_it_writes() -> None:
    document = {**chain().document, "Steps": [*chain().document["Steps"], step("Processing", "a", Arguments=SUBMITTED)]}
    allowed = rows(policies(Definition("churn", document, diagnostics=())).statements["execution"])
    assert ("s3:GetObject", "arn:aws:s3:::my-raw/rows*") in allowed
    assert ("s3:PutObject", "arn:aws:s3:::my-bucket/clean/*") in allowed
    assert {resource for action, resource in allowed if action == "s3:DeleteObject"} == {
        "arn:aws:s3:::my-bucket/clean/*"
    }
    assert not {action for action, _ in rows(policies(chain()).statements["execution"])} & {"s3:DeleteObject"}


@pytest.mark.parametrize(
    "arguments",
    [
        {"AppSpecification": "x"},
        {"AppSpecification": {"ContainerEntrypoint": {"Get": "Parameters.x"}}},
        {**SUBMITTED, "ProcessingOutputConfig": None},
        {**SUBMITTED, "ProcessingOutputConfig": {"Outputs": ["x", {"S3Output": None}]}},
    ],
    ids=["no object", "a reference", "no outputs", "outputs that are none"],
)
def test_a_definition_that_is_none_of_ours_may_have_anything_where_spark_would_have_its_settings(
    arguments: Any,
) -> None:
    document = {**chain().document, "Steps": [*chain().document["Steps"], step("Processing", "a", Arguments=arguments)]}
    found = policies(Definition("churn", document, diagnostics=()))
    assert "ReplaceOutputs" not in {each.sid for each in found.statements["execution"]}


def test_a_check_may_read_the_baseline_of_its_group_and_clarify_may_make_an_endpoint() -> None:
    def more(*steps: dict[str, Any]) -> dict[str, tuple[str, ...]]:
        document = {**chain().document, "Steps": [*chain().document["Steps"], *steps]}
        found = policies(Definition("churn", document, diagnostics=())).statements["execution"]
        return {each.sid: each.resources for each in found}

    compared = more(step("QualityCheck", "quality", Arguments={}, ModelPackageGroupName="others"))
    assert compared["Baselines"] == ("arn:aws:sagemaker:us-east-1:111122223333:model-package/others/*",)
    assert "ClarifyEndpoint" not in compared
    assert "Baselines" not in more(step("ClarifyCheck", "bias", Arguments={}))
    assert "ClarifyEndpoint" in more(
        step("ClarifyCheck", "bias", Arguments={}, ModelName={"Get": "Steps.model.ModelName"})
    )


ADDED = [
    step("Processing", "more", Arguments={"AppSpecification": {"ImageUri": "111111111111.dkr.ecr.us-east-1.amazonaws.com/own:1"}}),
    step("Transform", "score", Arguments={"TransformOutput": {"S3OutputPath": "s3://scores/out"}}),
    step("Training", "fit", Arguments=SETTINGS),
    step("Tuning", "tune", Arguments={"HyperParameterTuningJobName": "mine"}),
    step("RegisterModel", "other", Arguments={"ModelPackageGroupName": "others"}),
    step("Lambda", "call", FunctionArn="arn:aws:lambda:us-east-1:111122223333:function:tell"),
    step("Callback", "wait", SqsQueueUrl="https://sqs.us-east-1.amazonaws.com/111122223333/answers"),
    step("EMR", "spark", Arguments={"ClusterId": "j-1", "ExecutionRoleArn": SPARK}),
    step("EMRServerless", "serverless", Arguments={"ApplicationId": "00f1", "ExecutionRoleArn": SPARK}),
    step("Model", "model", Arguments={"ExecutionRoleArn": "arn:aws:iam::111122223333:role/Other"}),
    step("QualityCheck", "quality", Arguments={}, ModelPackageGroupName="churn-models"),
    step("ClarifyCheck", "bias", Arguments={}, ModelName="churn"),
    step("Fail", "stop", Arguments={"ErrorMessage": "no"}),
]  # fmt: skip


@settings(max_examples=12, deadline=None)
@given(st.permutations(ADDED), st.integers(0, len(ADDED)))
def test_a_step_more_allows_more_and_never_less(added: list[dict[str, Any]], count: int) -> None:
    def made(steps: list[dict[str, Any]]) -> Policies:
        document = {**chain().document, "Steps": [*chain().document["Steps"], *steps]}
        return policies(Definition("churn", document, diagnostics=()))

    before, after = made(added[:count]), made(added[: count + 1])
    for whom in ("deployer", "execution"):
        more = rows(after.statements[whom])
        assert not [row for row in rows(before.statements[whom]) if not covered(row, more)]


@settings(max_examples=12, deadline=None)
@given(st.integers(1, 400), st.integers(1, 6))
def test_a_large_policy_is_split_and_allows_the_same(resources: int, statements: int) -> None:
    names = [
        tuple(f"arn:aws:s3:::bucket-{index}-{number}/*" for number in range(resources)) for index in range(statements)
    ]
    given_ = [Statement(f"Read{index}", ("s3:GetObject",), each) for index, each in enumerate(names)]
    found = split(given_)
    assert all(size(each) <= MAX_CHARACTERS for each in found)
    parts = [part for each in found for part in each["Statement"]]
    assert {resource for part in parts for resource in part["Resource"]} == {each for one in names for each in one}
    assert len({part["Sid"] for part in parts}) == len(parts)


def test_names_of_a_definition_are_taken_to_the_letter() -> None:
    """A foreign definition may hold what IAM would read as a pattern for everything."""
    reading = {"ProcessingInputs": [{"S3Input": {"S3Uri": "s3://my-data/a*b/$c?"}}]}
    registering = {"ModelPackageGroupName": "g*"}
    answers = "https://sqs.eu-west-1.amazonaws.com/444455556666/q*"
    added = [
        step("Processing", "A", Arguments=reading),
        step("RegisterModel", "B", Arguments=registering),
        step("Callback", "C", SqsQueueUrl=answers),
    ]
    document = {**chain().document, "Steps": [*chain().document["Steps"], *added]}
    found = policies(Definition("churn", document, diagnostics=()))
    resources = {resource for _, resource in rows(found.statements["execution"])}
    assert "arn:aws:s3:::my-data/a${*}b/${$}c${?}*" in resources
    assert "arn:aws:sagemaker:us-east-1:111122223333:model-package/g${*}/*" in resources
    assert "arn:aws:sqs:eu-west-1:444455556666:q${*}" in resources


@given(st.integers(1, 300))
def test_a_long_condition_is_split_too(count: int) -> None:
    prefixes = [f"{index:04}/{'x' * 40}*" for index in range(count)]
    listing = Statement("List", ("s3:ListBucket",), ("arn:aws:s3:::b",), {"StringLike": {"s3:prefix": prefixes}})
    found = split([listing])
    assert all(size(each) <= MAX_CHARACTERS for each in found)
    said = [part["Condition"]["StringLike"]["s3:prefix"] for each in found for part in each["Statement"]]
    assert [each for part in said for each in part] == prefixes


def test_without_an_account_there_is_no_policy() -> None:
    plain = Definition("a", {"Version": "2020-12-01", "Steps": [step("Fail", "a", Arguments={})]}, diagnostics=())
    with pytest.raises(SettingError, match="no role is named, so no account\n  no image tells the region"):
        policies(plain)
    with pytest.raises(DefinitionError, match="made without role and bucket"):
        policies(Pipeline("a").load_data("s3://my-data/churn.csv", label="churn").materialize())


def test_the_command_prints_what_iam_takes(tmp_path: pathlib.Path) -> None:
    bundle = str(chain().write(tmp_path / "bundle"))
    both = CliRunner().invoke(main, ["policy", bundle])
    assert both.exit_code == 0, both.output
    assert set(json.loads(both.stdout)) == {"deployer", "execution", "trust"}
    assert "note: parameter 'data'" in both.stderr
    alone = CliRunner().invoke(main, ["policy", bundle, "--for", "execution"])
    assert json.loads(alone.stdout) == json.loads(both.stdout)["execution"]
    (tmp_path / "train.py").write_text(
        "from fluentpipe import Pipeline\npipe = Pipeline('a').load_data('s3://my-data/a.csv', label='y')"
    )
    script = CliRunner().invoke(main, ["policy", f"{tmp_path}/train.py:pipe", "--role", ROLE, "--region", "eu-west-1"])
    assert "arn:aws:s3:::sagemaker-eu-west-1-111122223333/a/code/*" in script.stdout
    refused = CliRunner().invoke(main, ["policy", f"{tmp_path}/train.py:pipe"])
    assert refused.exit_code == 2
    assert "made without role and bucket" in refused.output
