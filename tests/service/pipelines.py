"""Pipelines whose requests are shown to the service: the canonical chain, and ones that use every setting there is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fluentpipe import (
    CustomProperty,
    DependencySpec,
    Integer,
    ModelArtifacts,
    OutputSpec,
    Parameter,
    Pipeline,
    Predictions,
    RawData,
    Retry,
    TrainingData,
    ValidationData,
    Vpc,
)
from fluentpipe.definition import Definition
from fluentpipe.settings import Setting
from fluentpipe.step import Step
from fluentpipe.steps import (
    BatchTransform,
    Branch,
    Callback,
    DataBaseline,
    DataBiasCheck,
    DataLoading,
    DataQualityCheck,
    DriftCheck,
    EmrProgram,
    EmrServerlessJob,
    ExplainabilityCheck,
    Failure,
    HyperparameterPreparation,
    LambdaInvocation,
    LightgbmTraining,
    ModelBiasCheck,
    ModelCalibration,
    ModelCreation,
    ModelEvaluation,
    ModelQualityCheck,
    ModelRegistration,
    ModelScoring,
    NotebookExecution,
    PytorchTraining,
    QualityGate,
    RawStep,
    ScriptProcessing,
    ScriptTraining,
    SklearnTraining,
    SparkProcessing,
    TabularPreprocessing,
    XGBoostTraining,
    XGBoostTuning,
)

ROLE = "arn:aws:iam::111122223333:role/SageMakerRole"
LAMBDA = "arn:aws:lambda:us-east-1:111122223333:function:tell"
IMAGE = "111122223333.dkr.ecr.us-east-1.amazonaws.com/ours:1.0"

SCRIPTS = Path(__file__).parents[1] / "programs" / "pytorch"

# Of the job, the same for every step that runs one.
_JOB: Mapping[str, Any] = {
    "instance_type": "ml.c5.2xlarge",
    "instance_count": 1,  # their programs refuse several
    "volume_size_gb": 50,
    "max_runtime": 7200,
    "image_uri": IMAGE,
    "framework_version": "1.7-1",
    "environment": {"LOG_LEVEL": "debug", "EMPTY": ""},
    "cache": "P30D",
    "retry": 3,
    "tags": {"team": "ml", "cost center": "12/34"},
    "vpc": Vpc(["subnet-0a1b2c3d"], ["sg-0a1b2c3d", "sg-4e5f6a7b"]),
    "volume_kms_key": "alias/volumes",
    "output_kms_key": "arn:aws:kms:us-east-1:111122223333:key/1234abcd",
    "network_isolation": True,
    "encrypt_traffic": True,
}
# Of a processing job; the role is the usual one, so that the names of the steps are.
_PROCESSING: Mapping[str, Any] = {**_JOB, "job_type": None}
_TRAINING: Mapping[str, Any] = {
    **_JOB,
    "use_spot": True,
    "max_wait": 10_000,
    "checkpoint_s3_uri": "s3://my-bucket/checkpoints",
}
EVERY_SETTING: Mapping[type[Step], Mapping[str, Any]] = {
    DataLoading: {
        **_PROCESSING,
        "depends_on": None,
        "source": "s3://my-bucket/tables/churn.csv",
        "label": "churn",
        "task": "binary",
        "validation_split": 0.25,
        "test_split": 0.1,
        "seed": 7,
        "time_column": "signed_at",
        "format": "csv",
        "drop_columns": ["customer id", "phone"],
    },
    TabularPreprocessing: {
        **_PROCESSING,
        "depends_on": "data_loading",
        "min_frequency": 0.01,
        "max_categories": 40,
        "drop_columns": ["phone"],
        "keep_columns": ["plan"],
        "drop_id_columns": False,
        "label": "churn",
        "task": "binary",
        "validation_split": 0.25,
        "test_split": 0.1,
        "seed": 7,
        "time_column": "signed_at",
    },
    XGBoostTraining: {
        **_TRAINING,
        "depends_on": ["data_loading", "tabular_preprocessing"],
        "num_round": 100,
        "n_folds": 3,
        "early_stopping_rounds": 10,
        "max_depth": 8,
        "eta": 0.1,
        "min_child_weight": 1.5,
        "subsample": 0.5,
        "colsample_bytree": 0.5,
        "colsample_bylevel": 0.5,
        "colsample_bynode": 0.5,
        "gamma": 0.1,
        "reg_lambda": 2,
        "reg_alpha": 0.5,
        "max_delta_step": 1,
        "max_leaves": 31,
        "max_bin": 128,
        "max_cat_to_onehot": 8,
        "max_cat_threshold": 16,
        "grow_policy": "lossguide",
        "tree_method": "hist",
        "booster": "dart",
        "rate_drop": 0.1,
        "skip_drop": 0.5,
        "num_parallel_tree": 2,
        "sampling_method": "uniform",
        "scale_pos_weight": 3,
        "monotone_constraints": {"tenure": -1, "monthly charges": 1},
        "interaction_constraints": [["tenure", "plan"], ["age"]],
        "objective": "binary:logistic",
        "eval_metric": "aucpr",
        "base_score": 0.5,
        "tweedie_variance_power": 1.5,
        "huber_slope": 1.0,
        "seed": 7,
        "nthread": 4,
        "parameters": {"normalize_type": "forest"},
    },
    HyperparameterPreparation: {
        **_PROCESSING,
        "depends_on": "data_loading",
        "values": {"max_depth": 3, "learning_rate": 0.1},
    },
    SklearnTraining: {
        **_TRAINING,
        "depends_on": "data_loading",
        "framework_version": "1.2-1",
        "estimator": "sklearn.linear_model.LogisticRegression",
        "parameters": {"C": 0.3, "max_iter": 500},
        "validation_split": 0.25,
        "seed": 7,
    },
    LightgbmTraining: {
        **_TRAINING,
        "depends_on": "data_loading",
        "framework_version": "1.2-1",
        "num_iterations": 100,
        "early_stopping_rounds": 10,
        "learning_rate": 0.1,
        "num_leaves": 15,
        "max_depth": 6,
        "min_data_in_leaf": 10,
        "min_sum_hessian_in_leaf": 0.1,
        "bagging_fraction": 0.5,
        "bagging_freq": 2,
        "feature_fraction": 0.5,
        "feature_fraction_bynode": 0.5,
        "lambda_l1": 0.5,
        "lambda_l2": 2,
        "min_gain_to_split": 0.1,
        "max_bin": 128,
        "max_cat_to_onehot": 8,
        "cat_smooth": 5,
        "cat_l2": 5,
        "scale_pos_weight": 3,
        "monotone_constraints": {"tenure": -1, "monthly charges": 1},
        "objective": "binary",
        "metric": "auc",
        "validation_split": 0.25,
        "seed": 7,
        "num_threads": 4,
        "parameters": {"path_smooth": 2},
    },
    PytorchTraining: {
        **_TRAINING,
        "depends_on": "data_loading",
        "framework_version": "2.3.0",
        "py_version": "py311",
        "script": "fit.py",
        "source_dir": str(SCRIPTS),
        "hyperparameters": {"epochs": 3},
        "metric_definitions": {"loss": "loss=([0-9.]+)"},
    },
    ModelCalibration: {**_PROCESSING, "depends_on": "data_loading", "method": "beta", "seed": 7},
    ModelEvaluation: {**_PROCESSING, "depends_on": "data_loading"},
    QualityGate: {
        "depends_on": "data_loading",
        "condition": Parameter("open", default=True) == True,  # noqa: E712  a condition of the run, not a comparison
        "min_auc": 0.8,
        "min_pr_auc": 0.6,
        "min_accuracy": 0.7,
        "min_precision": 0.6,
        "min_recall": 0.6,
        "min_f1": 0.6,
        "min_r2": 0.1,
        "max_log_loss": 0.5,
        "max_brier": 0.2,
        "max_rmse": 4,
        "max_mse": 16,
        "max_mae": 3,
        "max_mape": 0.2,
        "max_training_time": "4 hours",
    },
    ModelRegistration: {
        "depends_on": "data_loading",
        "retry": Retry("SageMaker.RESOURCE_LIMIT", within="2 hours", interval=30, backoff=1.5),
        "group": "churn-models",
        "approval_status": "Approved",
        "description": "Who will leave, and when.",
        "inference_instance_types": ["ml.m5.large", "ml.c5.xlarge"],
        "transform_instance_types": ["ml.m5.xlarge"],
        "image_uri": IMAGE,
        "framework_version": "1.7-1",
    },
    DataBaseline: {**_PROCESSING, "depends_on": "data_loading", "split": "all", "comparison_threshold": 0.2},
    DriftCheck: {
        **_PROCESSING,
        "depends_on": "data_loading",
        "split": "validation",
        "alpha": 0.05,
        "min_psi": 0.2,
        "min_missing_change": 0.02,
        "ignore_columns": ["signed at"],
        "fail_on_drift": True,
    },
    Branch: {"condition": Parameter("told", default="no") == "yes", "depends_on": "data_loading"},
    Failure: {"message": "told so", "depends_on": "data_loading"},
    RawStep: {
        "request": {"Type": "Lambda", "FunctionArn": LAMBDA, "Arguments": {"model": {"Input": "model_artifacts"}}},
        "outputs": [OutputSpec("ticket", CustomProperty, "OutputParameters['ticket']")],
        "takes": [DependencySpec("model_artifacts", ModelArtifacts)],
        "depends_on": "data_loading",
    },
}
EVERY_SETTING = {
    **EVERY_SETTING,
    XGBoostTuning: {
        **EVERY_SETTING[XGBoostTraining],
        "max_depth": None,  # has a range instead
        "eta": 0.1,
        "ranges": {"max_depth": Integer(3, 10), "reg_alpha": (0.01, 1.0, "log"), "grow_policy": ["depthwise", "lossguide"]},
        "reg_alpha": None,
        "grow_policy": None,
        "strategy": "Hyperband",
        "metric": "gain",
        "direction": "Maximize",
        "metric_regex": "gain=([0-9.]+)",
        "max_trials": 30,
        "max_parallel_trials": 3,
        "max_trial_runtime": 600,
        "early_stopping": False,
        "min_resource": 2,
        "max_resource": 20,
        "target_value": 0.9,
        "patience": 5,
        "search_seed": 7,
    },
}  # fmt: skip

_CODE = str(Path(__file__).parent.parent / "sdk" / "code")
_BY_CALL: Mapping[str, Any] = {
    "source_dir": _CODE,
    "takes": {"rows": "s3://my-bucket/rows", "model": ModelArtifacts},
    "framework": "sklearn",
    "sharded": ["rows"],
    "instance_count": 2,
    "depends_on": None,
}
_ASKED: Mapping[str, Any] = {
    "takes": {"model": ModelArtifacts, "who": ["me", 3]},
    "outputs": {"ticket": str, "open": int},
    "cache": "P1D",
    "depends_on": None,
}
EVERY_SETTING = {
    **EVERY_SETTING,
    ScriptProcessing: {
        **_PROCESSING,
        **_BY_CALL,
        "script": "preprocess.py",
        "arguments_given": {"share": 0.5, "names": ["a", "b"]},
        "outputs": {"train": TrainingData},
        "requirements": ["shap>=0.45"],
        "network_isolation": False,  # without a network nothing is installed
    },
    SparkProcessing: {
        **_PROCESSING,
        "instance_count": 3,
        "framework_version": "3.5",
        "network_isolation": False,  # Spark itself reads S3
        "source_dir": _CODE,
        "script": "preprocess.py",
        "takes": {"model": ModelArtifacts, "rows": "s3://my-bucket/rows"},
        "outputs": {"held_out": ValidationData},
        "arguments_given": {"share": 0.5},
        "depends_on": None,
        "access": "s3",
        "py_version": "py312",
        "container_version": "1.0",
        "py_files": [f"{_CODE}/train.py", "s3://my-bucket/more.zip"],
        "jars": ["s3://my-bucket/library.jar"],
        "configuration": [{"Classification": "spark-defaults", "Properties": {"spark.speculation": True}}],
        "spark_event_logs_uri": "s3://my-bucket/events",
    },
    ScriptTraining: {
        **_TRAINING,
        **_BY_CALL,
        "script": "train.py",
        "hyperparameters": {"depth": 3},
        "metric_definitions": {"auc": "auc=([0-9.]+)"},
    },
    LambdaInvocation: {**_ASKED, "function_arn": LAMBDA},
    Callback: {**_ASKED, "queue_url": "https://sqs.us-east-1.amazonaws.com/111122223333/people"},
}  # fmt: skip

EVERY_SETTING = {
    **EVERY_SETTING,
    ModelCreation: {
        **{name: _JOB[name] for name in ("image_uri", "framework_version", "environment", "vpc", "tags", "retry")},
        "depends_on": None,
        "network_isolation": False,  # moto says so of every model
    },
    BatchTransform: {
        **{name: _JOB[name] for name in ("instance_type", "instance_count", "environment", "volume_kms_key", "output_kms_key")},
        **{name: _JOB[name] for name in ("cache", "retry", "tags")},
        "depends_on": "model_creation",
        "content_type": "text/csv",
        "accept": "application/json",
        "split_type": "Line",
        "assemble_with": "Line",
        "batch_strategy": "MultiRecord",
        "max_payload_mb": 5,
        "max_concurrent": 2,
        "input_filter": "$[1:]",
        "output_filter": "$.prediction",
        "join_source": "Input",
    },
    ModelScoring: {**_PROCESSING, "depends_on": None, "id_columns": ["customer id"], "output_format": "csv"},
}  # fmt: skip


_CHECKED: Mapping[str, Any] = {
    **{name: value for name, value in _JOB.items() if name not in ("retry", "framework_version")},
    "depends_on": None,
    "group": "churn-models",
    "baseline_constraints": "s3://my-bucket/before/constraints.json",
    "skip_check": False,
    "register_new_baseline": True,
    "fail_on_violation": False,
}
_QUALITY: Mapping[str, Any] = {
    **_CHECKED,
    "framework_version": "1.7-1",
    "baseline_statistics": "s3://my-bucket/before/statistics.json",
}
_CLARIFY: Mapping[str, Any] = {
    **_CHECKED,
    "framework_version": "1.0",
    "label": "churn",
    "split": "validation",
    "dataset_type": "text/csv",
    "headers": ["gender", "tenure", "churn"],
}
_BIAS: Mapping[str, Any] = {"facet": {"gender": ["Female"], "tenure": 40}, "positive": ["No"], "group_variable": "plan"}
_ASKING: Mapping[str, Any] = {
    "endpoint_instance_type": "ml.c5.xlarge",
    "endpoint_instance_count": 2,
    "network_isolation": False,  # with it no endpoint is reached
}
EVERY_SETTING = {
    **EVERY_SETTING,
    DataQualityCheck: {**_QUALITY, "split": "all"},
    ModelQualityCheck: {
        **_QUALITY,
        "task": "binary",
        "prediction_column": "guess",
        "probability_column": "share",
        "label_column": "truth",
        "threshold": 0.4,
        "positive_class": "Yes",
    },
    DataBiasCheck: {**_CLARIFY, **_BIAS, "metrics": ["CI", "DPL"]},
    ModelBiasCheck: {
        **_CLARIFY,
        **_BIAS,
        **_ASKING,
        "metrics": ["DPPL"],
        "prediction": None,
        "probability": 0,
        "threshold": 0.4,
        "label_headers": ["Yes"],
    },
    ExplainabilityCheck: {
        **_CLARIFY,
        **_ASKING,
        "score": 0,
        "num_samples": 100,
        "num_clusters": 2,
        "agg_method": "median",
        "use_logit": True,
        "save_local_values": True,
        "seed": 7,
    },
}


def as_parameters(cls: type[Step]) -> dict[str, Any]:
    """Every setting of a class; those that the run may decide are given as pipeline parameters."""
    return {name: _parameter(cls, name, value) for name, value in EVERY_SETTING[cls].items()}


def _parameter(cls: type[Step], name: str, value: Any) -> Any:
    each: Setting = cls.settings[name]
    takes_it = each.reference and type(value).__name__ in each.scalars
    return Parameter(f"{cls.contract.key}_{name}", value) if takes_it else value


def canonical() -> Definition:
    """The chain of the README, typed as it stands."""
    pipe = (
        Pipeline("churn")
        .load_data("s3://my-bucket/churn.csv", label="churn", validation_split=0.2)
        .preprocess()
        .train_xgboost(max_depth=8, n_estimators=200)
        .evaluate_performance()
        .require(min_auc=0.80, max_training_time="4 hours")
        .register("churn-models")
    )
    return pipe.materialize(role=ROLE, bucket="my-bucket", region="us-east-1")


def with_every_setting(*, parameters: bool = False) -> Definition:
    """The chain with every setting of every step given, as values or as pipeline parameters."""
    given = {cls: as_parameters(cls) if parameters else dict(values) for cls, values in EVERY_SETTING.items()}
    if parameters:
        del given[QualityGate]["max_training_time"]  # no limit can be set below one that only the run knows
    pipe = (
        Pipeline("churn")
        .load_data(**given[DataLoading])
        .preprocess(**given[TabularPreprocessing])
        .train_xgboost(hyperparameters="s3://my-bucket/tuned", **given[XGBoostTraining])
        .evaluate_performance(**given[ModelEvaluation])
        .require(**given[QualityGate])
        .register(**given[ModelRegistration])
        .when(**given[Branch])
        .then(lambda p: p.raw_step(**given[RawStep], name="raw"))
        .otherwise(lambda p: p.fail(**given[Failure]))
    )
    return pipe.materialize(role=ROLE, bucket="my-bucket", region="us-east-1")


def learning(*, parameters: bool = False) -> Definition:
    """What else there is to learn with, every setting given."""
    given = {cls: as_parameters(cls) if parameters else dict(values) for cls, values in EVERY_SETTING.items()}
    pipe = (
        Pipeline("churn")
        .load_data("s3://my-bucket/churn.csv", label="churn")
        .preprocess()
        .tune_xgboost(**{**given[XGBoostTuning], "depends_on": None})
        .prepare_hyperparameters(tuned_model="s3://my-bucket/model.tar.gz", **given[HyperparameterPreparation])
        .train_sklearn(**given[SklearnTraining])
        .train_lightgbm(**given[LightgbmTraining])
        .train_pytorch(**given[PytorchTraining])
    )
    model = pipe.outputs.sklearn_training.model_artifacts
    pipe = pipe.calibrate(model_artifacts=model, **given[ModelCalibration])
    return pipe.materialize(role=ROLE, bucket="my-bucket", region="us-east-1")


def serving(*, parameters: bool = False) -> Definition:
    """A model in use, every setting given."""
    given = {
        cls: as_parameters(cls) if parameters else dict(EVERY_SETTING[cls])
        for cls in (ModelCreation, BatchTransform, ModelScoring)
    }
    pipe = Pipeline("churn").provide(ModelArtifacts, "s3://my-bucket/model.tar.gz").create_model(**given[ModelCreation])
    pipe = pipe.batch_transform(rows="s3://my-bucket/new.csv", **given[BatchTransform])
    pipe = pipe.score(rows="s3://my-bucket/new.csv", **given[ModelScoring])
    return pipe.materialize(role=ROLE, bucket="my-bucket", region="us-east-1")


def monitoring(*, parameters: bool = False) -> Definition:
    """A baseline, and new rows compared with it, every setting given."""
    given = {cls: as_parameters(cls) if parameters else dict(EVERY_SETTING[cls]) for cls in (DataBaseline, DriftCheck)}
    pipe = Pipeline("churn").load_data("s3://my-bucket/churn.csv", label="churn").baseline(**given[DataBaseline])
    pipe = pipe.check_drift(rows=Parameter("rows", "s3://my-bucket/march"), **given[DriftCheck]).preprocess()
    return pipe.materialize(role=ROLE, bucket="my-bucket", region="us-east-1")


def checking(*, parameters: bool = False) -> Definition:
    """The service's own checks, every setting given, and a version that takes what they found."""
    classes = (DataQualityCheck, ModelQualityCheck, DataBiasCheck, ModelBiasCheck, ExplainabilityCheck)
    given = {cls: as_parameters(cls) if parameters else dict(EVERY_SETTING[cls]) for cls in classes}
    pipe = (
        Pipeline("churn").provide(ModelArtifacts, "s3://my-bucket/model.tar.gz").provide(RawData, "s3://my-bucket/rows")
    )
    pipe = pipe.provide(Predictions, "s3://my-bucket/predictions").create_model(name="model")
    pipe = pipe.check_quality(**given[DataQualityCheck]).check_model_quality(**given[ModelQualityCheck])
    pipe = pipe.check_bias(**given[DataBiasCheck]).check_model_bias(**given[ModelBiasCheck])
    pipe = pipe.check_explainability(**given[ExplainabilityCheck]).register("churn-models")
    return pipe.materialize(role=ROLE, bucket="my-bucket", region="us-east-1")


_WORDS = {"takes": "inputs", "arguments_given": "arguments"}


def anything(*, parameters: bool = False) -> Definition:
    """Scripts of the user's own and what other services do, every setting given."""
    given = {
        cls: {
            _WORDS.get(name, name): value
            for name, value in (as_parameters(cls) if parameters else EVERY_SETTING[cls]).items()
            if name != "job_type" or value is not None
        }
        for cls in (ScriptProcessing, SparkProcessing, ScriptTraining, LambdaInvocation, Callback)
    }
    pipe = Pipeline("churn").provide(ModelArtifacts, "s3://my-bucket/model.tar.gz").process(**given[ScriptProcessing])
    pipe = pipe.spark(name="features", **given[SparkProcessing])
    pipe = pipe.invoke_lambda(**given[LambdaInvocation]).callback(**given[Callback]).train(**given[ScriptTraining])
    return pipe.materialize(role=ROLE, bucket="my-bucket", region="us-east-1")


_NOTEBOOK = Path(__file__).parents[1] / "programs" / "notebook"
_SPARK = "arn:aws:iam::111122223333:role/Spark"
_ON_EMR: Mapping[str, Any] = {
    "arguments_given": ["--script", _NOTEBOOK / "beside.py", "--share", 0.5],
    "takes": {"model": ModelArtifacts},
    "outputs": {"rows": RawData},
    "execution_role": _SPARK,
    "cache": "P1D",
    "retry": 3,
    "depends_on": None,
}
EVERY_SETTING = {
    **EVERY_SETTING,
    EmrProgram: {
        **_ON_EMR,
        "jar": "s3://my-bucket/program.jar",
        "main_class": "com.example.Program",
        "properties": {"key": "value"},
        "cluster_id": "j-2AXXXXXXGAPLF",
        "cluster_config": None,  # or the cluster that is there
    },
    EmrServerlessJob: {
        **_ON_EMR,
        "script": "s3://my-bucket/program.py",
        "spark_parameters": "--conf spark.executor.memory=8g",
        "hive": None,  # or a script
        "application_id": None,  # or one to be made
        "application_config": {"releaseLabel": "emr-7.5.0", "type": "SPARK"},
        "configuration_overrides": {"monitoringConfiguration": {"s3MonitoringConfiguration": {"logUri": "s3://my-bucket/logs"}}},
        "max_runtime": 3600,
        "tags": {"team": "ml"},
    },
    NotebookExecution: {
        **_TRAINING,
        "checkpoint_s3_uri": None,  # notebooks have none
        "depends_on": None,
        "notebook": str(_NOTEBOOK / "explore.ipynb"),
        "kernel": "conda_python3",
        "parameters": {"least": 500, "names": ["a", "b"]},
        "takes": {"model": ModelArtifacts},
        "init_script": str(_NOTEBOOK / "init.sh"),
        "files": [str(_NOTEBOOK / "beside.py")],
    },
}  # fmt: skip


def engines(*, parameters: bool = False) -> Definition:
    """EMR, EMR Serverless and a notebook, every setting given."""
    given = {
        cls: {
            _WORDS.get(name, name): value
            for name, value in (as_parameters(cls) if parameters else EVERY_SETTING[cls]).items()
        }
        for cls in (EmrProgram, EmrServerlessJob, NotebookExecution)
    }
    pipe = Pipeline("churn").provide(ModelArtifacts, "s3://my-bucket/model.tar.gz").emr(**given[EmrProgram])
    pipe = pipe.emr_serverless(**given[EmrServerlessJob]).notebook(**given[NotebookExecution], name="explore")
    return pipe.materialize(role=ROLE, bucket="my-bucket", region="us-east-1")
