"""Settings that steps share, the requests that they become, and steps in several roles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from fluentpipe import Parameter, Pipeline, Retry, Vpc
from fluentpipe.check_steps import RETRIED
from fluentpipe.defaults import shared_settings
from fluentpipe.errors import FluentpipeError

VPC = {"subnets": ["subnet-0a1b2c3d"], "security_groups": ["sg-0a1b2c3d"]}


def chain(pipe: Any, **training: Any) -> Any:
    loaded = pipe.load_data("s3://my-bucket/churn.csv", label="churn")
    return loaded.preprocess_with_defaults().train_xgboost(**training).evaluate_performance()


def requests(pipe: Any) -> dict[str, dict[str, Any]]:
    definition = pipe.materialize()
    assert definition.diagnostics == ()
    return {entry.name: dict(entry.request) for entry in definition.steps()}


# setting, value -> what stands in the arguments of a Processing and of a Training job
SHARED: tuple[tuple[str, Any, dict[str, Any], dict[str, Any]], ...] = (
    ("network_isolation", True, {"NetworkConfig": {"EnableNetworkIsolation": True}}, {"EnableNetworkIsolation": True}),
    ("encrypt_traffic", True, {"NetworkConfig": {"EnableInterContainerTrafficEncryption": True}},
     {"EnableInterContainerTrafficEncryption": True}),
    ("vpc", VPC, {"NetworkConfig": {"VpcConfig": Vpc(**VPC).to_request()}}, {"VpcConfig": Vpc(**VPC).to_request()}),
    ("tags", {"team": "ml"}, {"Tags": [{"Key": "team", "Value": "ml"}]}, {"Tags": [{"Key": "team", "Value": "ml"}]}),
    ("environment", {"A": "1"}, {"Environment": {"A": "1"}}, {"Environment": {"A": "1"}}),
    ("max_runtime", 600, {"StoppingCondition": {"MaxRuntimeInSeconds": 600}}, {"StoppingCondition": {"MaxRuntimeInSeconds": 600}}),
    ("use_spot", True, {}, {"EnableManagedSpotTraining": True,
     "StoppingCondition": {"MaxRuntimeInSeconds": 86400, "MaxWaitTimeInSeconds": 172800}}),
    ("checkpoint_s3_uri", "s3://my-bucket/c", {}, {"CheckpointConfig": {"S3Uri": "s3://my-bucket/c"}}),
)  # fmt: skip


@pytest.mark.parametrize(("name", "value", "processing", "training"), SHARED, ids=[each[0] for each in SHARED])
def test_a_default_reaches_the_request_of_every_job_that_has_the_setting(
    name: str, value: Any, processing: dict[str, Any], training: dict[str, Any]
) -> None:
    plain = requests(chain(Pipeline("churn")))
    found = requests(chain(Pipeline("churn").defaults(**{name: value})))
    for step in ("data_loading", "tabular_preprocessing", "model_evaluation"):
        assert found[step]["Arguments"] == {**plain[step]["Arguments"], **processing}
    assert found["xgboost_training"]["Arguments"] == {**plain["xgboost_training"]["Arguments"], **training}


def test_keys_and_instances_stand_where_each_job_has_them() -> None:
    pipe = Pipeline("churn").defaults(
        volume_kms_key="alias/v", output_kms_key="alias/o", volume_size_gb=50,
        instance_type="ml.m5.large", training={"instance_type": "ml.c5.xlarge"}, processing={"volume_size_gb": 60},
    )  # fmt: skip
    found = requests(chain(pipe))
    processing, training = found["data_loading"]["Arguments"], found["xgboost_training"]["Arguments"]
    cluster = {"InstanceCount": 1, "VolumeKmsKeyId": "alias/v"}
    assert processing["ProcessingResources"]["ClusterConfig"] == {
        **cluster,
        "InstanceType": "ml.m5.large",
        "VolumeSizeInGB": 60,
    }
    assert training["ResourceConfig"] == {**cluster, "InstanceType": "ml.c5.xlarge", "VolumeSizeInGB": 50}
    assert processing["ProcessingOutputConfig"]["KmsKeyId"] == training["OutputDataConfig"]["KmsKeyId"] == "alias/o"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (True, {"Enabled": True}),
        (False, {"Enabled": False}),
        ("P30D", {"Enabled": True, "ExpireAfter": "P30D"}),
        ("30 days", {"Enabled": True, "ExpireAfter": "P30D"}),
        ("90 minutes", {"Enabled": True, "ExpireAfter": "PT5400S"}),
        (None, None),
    ],
)
def test_caching_is_said_as_the_service_has_it(given: Any, expected: Any) -> None:
    assert requests(chain(Pipeline("churn"), cache=given))["xgboost_training"].get("CacheConfig") == expected
    shared = requests(chain(Pipeline("churn").defaults(cache="P1D"), cache=given))["xgboost_training"]
    assert shared.get("CacheConfig") == expected  # None says: as without


def test_a_number_of_attempts_is_for_all_that_is_not_the_programs_doing() -> None:
    policies = requests(chain(Pipeline("churn").defaults(retry=3)).register("g"))["model_registration"]["RetryPolicies"]
    assert {kind for policy in policies for kind in policy["ExceptionType"]} == RETRIED
    assert {policy["MaxAttempts"] for policy in policies} == {3}


def test_a_policy_is_kept_as_it_is_given() -> None:
    policy = Retry("SageMaker.CAPACITY_ERROR", within="2 hours", interval="30 s", backoff=1.5)
    assert requests(chain(Pipeline("churn"), retry=policy))["xgboost_training"]["RetryPolicies"] == [
        {
            "ExceptionType": ["SageMaker.CAPACITY_ERROR"],
            "IntervalSeconds": 30,
            "BackoffRate": 1.5,
            "ExpireAfterMin": 120,
        }
    ]


def test_a_step_goes_its_own_way_and_variables_and_tags_come_together() -> None:
    shared = Pipeline("churn").defaults(
        environment={"A": "1", "B": "1"}, tags={"team": "ml"}, use_spot=True, max_wait=90_000
    )
    own = requests(chain(shared, environment={"B": "2"}, tags={"model": "x"}, use_spot=False))["xgboost_training"][
        "Arguments"
    ]
    assert own["Environment"] == {"A": "1", "B": "2"}
    assert own["Tags"] == [{"Key": "team", "Value": "ml"}, {"Key": "model", "Value": "x"}]
    assert "EnableManagedSpotTraining" not in own
    assert own["StoppingCondition"] == {"MaxRuntimeInSeconds": 86400}
    none = requests(chain(shared, environment=None))["xgboost_training"]["Arguments"]
    assert "Environment" not in none


def test_defaults_hold_for_what_follows_and_in_a_branch_for_the_branch() -> None:
    pipe = chain(Pipeline("churn")).defaults(max_runtime=600)
    pipe = pipe.when(Parameter("x", 1) == 1).then(lambda p: p.defaults(max_runtime=60).train_xgboost(name="inside"))
    pipe = pipe.otherwise(lambda p: p.train_xgboost(name="other")).train_xgboost(name="after")
    limits = {name: each["Arguments"].get("StoppingCondition", {}) for name, each in requests(pipe).items()}
    assert [limits[name].get("MaxRuntimeInSeconds") for name in ("xgboost_training", "inside", "other", "after")] == [
        86400,
        60,
        600,
        600,
    ]


def test_a_parameter_may_be_shared() -> None:
    pipe = chain(
        Pipeline("churn").defaults(
            instance_type=Parameter("instance", "ml.m5.large"), tags={"run": Parameter("run", "a")}
        )
    )
    assert set(pipe.parameters) == {"data", "instance", "run"}
    assert requests(pipe)["xgboost_training"]["Arguments"]["Tags"] == [
        {"Key": "run", "Value": {"Get": "Parameters.run"}}
    ]


def test_every_shared_setting_can_be_given_to_defaults() -> None:
    import inspect

    words = set(inspect.signature(Pipeline.defaults).parameters) - {"self", "processing", "training"}
    assert words == set(shared_settings())


MISTAKES: dict[str, Callable[[], Any]] = {
    "defaults": lambda: Pipeline("churn").defaults(
        instance_typ="ml.m5.large", max_depth=4, cache="soon", processing=5, training={"use_spott": True}, retry=99,
        vpc={"subnet": "x"}, network_isolation="yes",
    ),
    "max_wait_below_max_runtime": lambda: chain(Pipeline("churn"), use_spot=True, max_wait=10),
    "max_wait_without_spot": lambda: chain(Pipeline("churn"), max_wait=100_000),
    "spot_with_a_limit_of_the_run": lambda: chain(Pipeline("churn"), use_spot=True, max_runtime=Parameter("limit", 60)).materialize(),
    "retry": lambda: Retry("SageMaker.CAPACITY_EROR", attempts=3, within="20 days", interval="soon", backoff=-1),
    "vpc": lambda: Vpc([], "security"),
    "job_type": lambda: Pipeline("churn").load_data("s3://my-bucket/x.csv", job_type="calibraton"),
    "job_type_of_another_role": lambda: Pipeline("churn")
    .load_data("s3://my-bucket/x.csv", label="churn").preprocess(job_type="calibration").train_xgboost(),
    "two_roles_for_one_without": lambda: two_roles().preprocess(),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_says_what_where_and_what_to_do(mistake: str, golden: Callable[[str, str], None]) -> None:
    with pytest.raises(FluentpipeError) as caught:
        MISTAKES[mistake]()
    golden(f"defaults/{mistake}.txt", f"{type(caught.value).__name__}: {caught.value}\n")


def load(pipe: Any, job_type: str | None = None) -> Any:
    return pipe.load_data(f"s3://my-bucket/{job_type}.csv", label="churn", job_type=job_type)


def two_roles() -> Any:
    return load(load(Pipeline("churn"), "training"), "calibration")


PREPARED, OF_TRAINING = "tabular_preprocessing", "tabular_preprocessing_training"
ROLES: dict[str, tuple[Callable[[], Any], dict[str, str]]] = {
    "two branches": (
        lambda: two_roles().preprocess(job_type="training").preprocess(job_type="calibration").train_xgboost(),
        {
            f"{OF_TRAINING}.raw_data": "data_loading_training.raw_data",
            f"{PREPARED}_calibration.raw_data": "data_loading_calibration.raw_data",
            f"{PREPARED}_calibration.fitted_preprocessing": f"{OF_TRAINING}.preprocessing_model",
            "xgboost_training.training_data": f"{OF_TRAINING}.train_data",
            "xgboost_training.validation_data": f"{OF_TRAINING}.validation_data",
            "xgboost_training.preprocessing_model": f"{OF_TRAINING}.preprocessing_model",
        },
    ),
    "two branches feed training and calibration": (
        lambda: (
            two_roles()
            .preprocess(job_type="training")
            .preprocess(job_type="calibration")
            .train_xgboost()
            .calibrate()
            .evaluate_performance()
        ),
        {
            f"{OF_TRAINING}.raw_data": "data_loading_training.raw_data",
            f"{PREPARED}_calibration.raw_data": "data_loading_calibration.raw_data",
            f"{PREPARED}_calibration.fitted_preprocessing": f"{OF_TRAINING}.preprocessing_model",
            "xgboost_training.training_data": f"{OF_TRAINING}.train_data",
            "xgboost_training.validation_data": f"{OF_TRAINING}.validation_data",
            "xgboost_training.preprocessing_model": f"{OF_TRAINING}.preprocessing_model",
            "model_calibration.model_artifacts": "xgboost_training.model_artifacts",
            "model_calibration.calibration_data": f"{PREPARED}_calibration.validation_data",
            "model_evaluation.model_artifacts": "model_calibration.calibrated_model",
            "model_evaluation.test_data": f"{OF_TRAINING}.test_data",
        },
    ),
    "the other role first": (
        lambda: load(load(Pipeline("churn"), "calibration").preprocess(job_type="calibration"), "training")
        .preprocess(job_type="training").train_xgboost(),
        {
            f"{PREPARED}_calibration.raw_data": "data_loading_calibration.raw_data",
            f"{OF_TRAINING}.raw_data": "data_loading_training.raw_data",
            "xgboost_training.training_data": f"{OF_TRAINING}.train_data",
            "xgboost_training.validation_data": f"{OF_TRAINING}.validation_data",
            "xgboost_training.preprocessing_model": f"{OF_TRAINING}.preprocessing_model",
        },
    ),
    "one loading for all": (
        lambda: load(Pipeline("churn")).preprocess().preprocess(job_type="validation").preprocess(job_type="testing")
        .train_xgboost().evaluate_performance(),
        {
            f"{PREPARED}.raw_data": "data_loading.raw_data",
            f"{PREPARED}_validation.raw_data": "data_loading.raw_data",
            f"{PREPARED}_validation.fitted_preprocessing": f"{PREPARED}.preprocessing_model",
            f"{PREPARED}_testing.raw_data": "data_loading.raw_data",
            f"{PREPARED}_testing.fitted_preprocessing": f"{PREPARED}.preprocessing_model",
            "xgboost_training.training_data": f"{PREPARED}.train_data",
            "xgboost_training.validation_data": f"{PREPARED}_validation.validation_data",
            "xgboost_training.preprocessing_model": f"{PREPARED}.preprocessing_model",
            "model_evaluation.model_artifacts": "xgboost_training.model_artifacts",
            "model_evaluation.test_data": f"{PREPARED}_testing.test_data",
        },
    ),
    "an evaluation in a role": (
        lambda: load(Pipeline("churn")).preprocess().train_xgboost().preprocess(job_type="calibration")
        .evaluate_performance(job_type="calibration").evaluate_performance(),
        {
            f"{PREPARED}.raw_data": "data_loading.raw_data",
            "xgboost_training.training_data": f"{PREPARED}.train_data",
            "xgboost_training.validation_data": f"{PREPARED}.validation_data",
            "xgboost_training.preprocessing_model": f"{PREPARED}.preprocessing_model",
            f"{PREPARED}_calibration.raw_data": "data_loading.raw_data",
            f"{PREPARED}_calibration.fitted_preprocessing": f"{PREPARED}.preprocessing_model",
            "model_evaluation_calibration.model_artifacts": "xgboost_training.model_artifacts",
            "model_evaluation_calibration.test_data": f"{PREPARED}_calibration.test_data",
            "model_evaluation.model_artifacts": "xgboost_training.model_artifacts",
            "model_evaluation.test_data": f"{PREPARED}.test_data",
        },
    ),
    "a second preprocessing without a role learns its own": (
        lambda: load(Pipeline("churn")).preprocess().preprocess(name="again"),
        {f"{PREPARED}.raw_data": "data_loading.raw_data", "again.raw_data": "data_loading.raw_data"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", ROLES)
def test_steps_in_roles_are_wired_by_role(case: str) -> None:
    make, expected = ROLES[case]
    pipe = make()
    assert {f"{each.step}.{each.input}": each.label for each in pipe.explain()} == expected
    assert pipe.materialize().diagnostics == ()
