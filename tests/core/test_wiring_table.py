"""What each verb is wired to without explicit inputs, in its natural chain, and what it must not be wired to."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fluentpipe import (
    Baseline,
    DependencySpec,
    Hyperparameters,
    ModelArtifacts,
    Parameter,
    Pipeline,
    RawData,
    TestData,
    TrainingData,
    ValidationData,
)
from fluentpipe.errors import (
    AmbiguousInput,
    ConnectionMismatch,
    ContractError,
    MixedLineage,
    SettingError,
    UnwiredInput,
)
from fluentpipe.stubgen.files import documented

from .own import declare, takes, yields
from .test_materialize import HERE, masked, named

SCRIPTS = Path(__file__).parents[1] / "programs" / "pytorch"


def loaded() -> Any:
    return Pipeline("churn").load_data("s3://my-bucket/churn.csv", label="churn")


def prepared() -> Any:
    return loaded().preprocess()


def with_pytorch(pipe: Any = None, **settings: Any) -> Any:
    """A script stands for the user's; nothing reads what is in it."""
    pipe = prepared() if pipe is None else pipe
    return pipe.train_pytorch("fit.py", source_dir=str(SCRIPTS), **settings)


def checked() -> Any:
    """Everything that the service checks."""
    pipe = prepared().check_quality().check_bias("gender", positive="No").train_xgboost().evaluate_performance()
    pipe = pipe.check_model_quality("binary").create_model().check_model_bias("gender", positive="No")
    return pipe.check_explainability()


SERVERLESS = {
    "execution_role": "arn:aws:iam::111122223333:role/Spark",
    "application_id": "00f1",
    "inputs": {"train": TrainingData},
    "outputs": {"rows": TrainingData},
}


def thinned() -> Any:
    raw, words = {"raw": RawData}, ["spark-submit", "s3://b-cket/thin.py"]
    return loaded().emr(arguments=words, inputs=raw, outputs={"rows": RawData}, cluster_id="j-1", name="spark")


def sparked(pipe: Any = None, **outputs: Any) -> Any:
    script = Path(__file__).parents[1] / "programs" / "spark" / "thin_out.py"
    return (pipe or loaded()).spark(script, inputs={"raw": RawData}, outputs=outputs or {"rows": RawData})


def with_notebook() -> Any:
    file = Path(__file__).parents[1] / "programs" / "notebook" / "explore.ipynb"
    return loaded().notebook(file, image_uri="a.dkr.ecr.b/c:1", inputs={"rows": RawData})


def raw_model_given() -> Any:
    pipe = prepared().train_xgboost().calibrate()
    return pipe.evaluate_performance(model_artifacts=pipe.outputs.xgboost_training.model_artifacts)


def beside_a_calibrated_branch() -> Any:
    trained = prepared().train_xgboost()
    trained.calibrate()
    return trained.evaluate_performance()


def one_branch_calibrated() -> Any:
    trained = prepared().train_xgboost()
    return trained.calibrate().merge(trained.evaluate_performance(name="raw"))


def calibrated_on_test_rows() -> Any:
    pipe = prepared().train_xgboost()
    return pipe.calibrate(calibration_data=pipe.outputs.tabular_preprocessing.test_data)


IMAGE = "111122223333.dkr.ecr.us-east-1.amazonaws.com/own:1"
ARN = "arn:aws:lambda:us-east-1:111122223333:function:ask"
QUEUE = "https://sqs.us-east-1.amazonaws.com/111122223333/people"


def raw(pipe: Any, **takes: Any) -> Any:
    request = {"Type": "Lambda", "FunctionArn": ARN, "Arguments": {name: {"Input": name} for name in takes}}
    return pipe.raw_step(request, takes=[DependencySpec(name, kind) for name, kind in takes.items()], name="raw")


def branched() -> Any:
    pipe = prepared().train_xgboost().evaluate_performance()
    auc = pipe.outputs.model_evaluation.evaluation_report.json("metrics.auc")
    held = pipe.when(auc >= 0.8).then(lambda p: p.calibrate().evaluate_performance(name="again").register("champions"))
    return held.otherwise(lambda p: p.fail(f"auc {auc} is too low")).register("always", name="always")


def wired(pipe: Any, step: str) -> dict[str, str]:
    return {each.input: each.label for each in pipe.explain() if each.step == step}


PREPARED = {
    "training_data": "tabular_preprocessing.train_data",
    "validation_data": "tabular_preprocessing.validation_data",
    "preprocessing_model": "tabular_preprocessing.preprocessing_model",
}

# Chain -> the step that is looked at, and every input that it has.
WIRED: dict[str, tuple[Any, str, dict[str, str]]] = {
    "tune": (lambda: prepared().tune_xgboost(), "xgboost_tuning", PREPARED),
    "tune, on rows alone": (
        lambda: Pipeline("a").provide(TrainingData, "s3://bucket/t").tune_xgboost(),
        "xgboost_tuning",
        {"training_data": "s3://bucket/t"},
    ),
    "tune never takes hyperparameters, which would go over its ranges": (
        lambda: Pipeline("a").provide(TrainingData, "s3://bucket/t").provide(Hyperparameters, "s3://bucket/h").tune_xgboost(),
        "xgboost_tuning",
        {"training_data": "s3://bucket/t"},
    ),
    "evaluate what was tuned": (
        lambda: prepared().tune_xgboost().evaluate_performance(),
        "model_evaluation",
        {"model_artifacts": "xgboost_tuning.model_artifacts", "test_data": "tabular_preprocessing.test_data"},
    ),
    "register what was tuned": (
        lambda: prepared().tune_xgboost().evaluate_performance().register("g"),
        "model_registration",
        {
            "model_artifacts": "xgboost_tuning.model_artifacts",
            "evaluation_report": "model_evaluation.evaluation_report",
        },
    ),
    "prepare hyperparameters": (
        lambda: prepared().prepare_hyperparameters(),
        "hyperparameter_preparation",
        {"training_data": "tabular_preprocessing.train_data"},
    ),
    "hyperparameters of what was tuned": (
        lambda: prepared().tune_xgboost().prepare_hyperparameters(),
        "hyperparameter_preparation",
        {"training_data": "tabular_preprocessing.train_data", "tuned_model": "xgboost_tuning.model_artifacts"},
    ),
    "hyperparameters are not those of any model": (
        lambda: prepared().train_xgboost().prepare_hyperparameters(),
        "hyperparameter_preparation",
        {"training_data": "tabular_preprocessing.train_data"},
    ),
    "train with prepared hyperparameters": (
        lambda: prepared().prepare_hyperparameters().train_xgboost(),
        "xgboost_training",
        {**PREPARED, "hyperparameters": "hyperparameter_preparation.hyperparameters"},
    ),
    "train with scikit-learn": (lambda: prepared().train_sklearn(), "sklearn_training", PREPARED),
    "scikit-learn never takes XGBoost's hyperparameters": (
        lambda: prepared().prepare_hyperparameters().train_sklearn(),
        "sklearn_training",
        PREPARED,
    ),
    "evaluate what scikit-learn trained": (
        lambda: prepared().train_sklearn().calibrate().evaluate_performance(),
        "model_evaluation",
        {"model_artifacts": "model_calibration.calibrated_model", "test_data": "tabular_preprocessing.test_data"},
    ),
    "train with LightGBM": (lambda: prepared().train_lightgbm(), "lightgbm_training", PREPARED),
    "train with LightGBM, on rows alone": (
        lambda: Pipeline("a").provide(TrainingData, "s3://bucket/t").train_lightgbm(),
        "lightgbm_training",
        {"training_data": "s3://bucket/t"},
    ),
    "LightGBM never takes XGBoost's hyperparameters": (
        lambda: prepared().prepare_hyperparameters().train_lightgbm(),
        "lightgbm_training",
        PREPARED,
    ),
    "evaluate what LightGBM trained": (
        lambda: prepared().train_lightgbm().calibrate().evaluate_performance(),
        "model_evaluation",
        {"model_artifacts": "model_calibration.calibrated_model", "test_data": "tabular_preprocessing.test_data"},
    ),
    "train with PyTorch": (lambda: with_pytorch(), "pytorch_training", PREPARED),
    "PyTorch never takes XGBoost's hyperparameters": (
        lambda: with_pytorch(prepared().prepare_hyperparameters()),
        "pytorch_training",
        PREPARED,
    ),
    "register what PyTorch trained": (
        lambda: with_pytorch().register("g"),
        "model_registration",
        {"model_artifacts": "pytorch_training.model_artifacts"},
    ),
    "calibrate": (
        lambda: prepared().train_xgboost().calibrate(),
        "model_calibration",
        {"model_artifacts": "xgboost_training.model_artifacts", "calibration_data": "tabular_preprocessing.validation_data"},
    ),
    "calibrate what was tuned": (
        lambda: prepared().tune_xgboost().calibrate(),
        "model_calibration",
        {"model_artifacts": "xgboost_tuning.model_artifacts", "calibration_data": "tabular_preprocessing.validation_data"},
    ),
    "evaluate what was calibrated": (
        lambda: prepared().train_xgboost().calibrate().evaluate_performance(),
        "model_evaluation",
        {
            "model_artifacts": "model_calibration.calibrated_model",
            "test_data": "tabular_preprocessing.test_data",
        },
    ),
    "register what was calibrated": (
        lambda: prepared().train_xgboost().calibrate().evaluate_performance().require(min_auc=0.8).register("g"),
        "model_registration",
        {
            "model_artifacts": "model_calibration.calibrated_model",
            "evaluation_report": "model_evaluation.evaluation_report",
        },
    ),
    "what was calibrated twice takes the place of both": (
        lambda: prepared().train_xgboost().calibrate().calibrate(name="again").evaluate_performance(),
        "model_evaluation",
        {"model_artifacts": "again.calibrated_model", "test_data": "tabular_preprocessing.test_data"},
    ),
    "a model of what was calibrated": (
        lambda: prepared().train_xgboost().calibrate().create_model(),
        "model_creation",
        {"model_artifacts": "model_calibration.calibrated_model"},
    ),
    "a model of what was tuned": (
        lambda: prepared().tune_xgboost().create_model(),
        "model_creation",
        {"model_artifacts": "xgboost_tuning.model_artifacts"},
    ),
    "transform the test rows of the raw data, which the model preprocesses": (
        lambda: prepared().train_xgboost().create_model().batch_transform(),
        "batch_transform",
        {"model_name": "model_creation.model_name", "rows": "data_loading.raw_data"},
    ),
    "transform preprocessed test rows where there are no others": (
        lambda: Pipeline("a").provide(ModelArtifacts, "s3://bucket/m").provide(TestData, "s3://bucket/t.csv").create_model().batch_transform(),
        "batch_transform",
        {"model_name": "model_creation.model_name", "rows": "s3://bucket/t.csv"},
    ),
    "transform rows that are given": (
        lambda: prepared().train_xgboost().create_model().batch_transform(rows="s3://bucket/new.csv"),
        "batch_transform",
        {"model_name": "model_creation.model_name", "rows": "s3://bucket/new.csv"},
    ),
    "score with what was calibrated": (
        lambda: prepared().train_xgboost().calibrate().score(),
        "model_scoring",
        {"model_artifacts": "model_calibration.calibrated_model", "rows": "data_loading.raw_data"},
    ),
    "score rows that come from outside": (
        lambda: Pipeline("a").provide(ModelArtifacts, "s3://bucket/m").provide(RawData, "s3://bucket/new").score(),
        "model_scoring",
        {"model_artifacts": "s3://bucket/m", "rows": "s3://bucket/new"},
    ),
    "the model from before may be given": (
        lambda: raw_model_given(),
        "model_evaluation",
        {"model_artifacts": "xgboost_training.model_artifacts", "test_data": "tabular_preprocessing.test_data"},
    ),
    "the baseline of raw data": (
        lambda: prepared().baseline(),
        "data_baseline",
        {"rows": "data_loading.raw_data"},
    ),
    "rows to check, and what with": (
        lambda: prepared().baseline().check_drift(),
        "drift_check",
        {"rows": "data_loading.raw_data", "baseline": "data_baseline.baseline"},
    ),
    "quality of raw data": (lambda: prepared().check_quality(), "data_quality_check", {"rows": "data_loading.raw_data"}),
    "quality of raw data, and what with": (
        lambda: prepared().baseline().check_quality(),
        "data_quality_check",
        {"rows": "data_loading.raw_data", "baseline": "data_baseline.baseline"},
    ),
    "quality of training rows where there are no others": (
        lambda: Pipeline("a").provide(TrainingData, "s3://bucket/t").check_quality(),
        "data_quality_check",
        {"rows": "s3://bucket/t"},
    ),
    "quality of a model, by what was evaluated": (
        lambda: prepared().train_xgboost().evaluate_performance().check_model_quality("binary"),
        "model_quality_check",
        {"predictions": "model_evaluation.predictions"},
    ),
    "a baseline of data is none of a model": (
        lambda: prepared().baseline().train_xgboost().evaluate_performance().check_model_quality("binary"),
        "model_quality_check",
        {"predictions": "model_evaluation.predictions"},
    ),
    "bias of raw data": (
        lambda: prepared().check_bias("gender", positive="No"),
        "data_bias_check",
        {"rows": "data_loading.raw_data"},
    ),
    "bias of a model on raw rows, which it preprocesses": (
        lambda: prepared().train_xgboost().create_model().check_model_bias("gender", positive="No"),
        "model_bias_check",
        {"model_name": "model_creation.model_name", "rows": "data_loading.raw_data"},
    ),
    "what counts for a model": (
        lambda: prepared().train_xgboost().create_model().check_explainability(),
        "explainability_check",
        {"model_name": "model_creation.model_name", "rows": "data_loading.raw_data"},
    ),
    "register with what checks found": (
        lambda: checked().register("g"),
        "model_registration",
        {
            "model_artifacts": "xgboost_training.model_artifacts",
            "evaluation_report": "model_evaluation.evaluation_report",
            "data_quality": "data_quality_check.constraints",
            "model_quality": "model_quality_check.constraints",
            "data_bias": "data_bias_check.constraints",
            "model_bias": "model_bias_check.constraints",
            "explainability": "explainability_check.constraints",
        },
    ),
    "new rows to check against a baseline from outside": (
        lambda: Pipeline("a").provide(Baseline, "s3://bucket/b").check_drift(rows="s3://bucket/new"),
        "drift_check",
        {"rows": "s3://bucket/new", "baseline": "s3://bucket/b"},
    ),
    "a notebook looks at raw data, and what it leaves is nobody's input": (
        lambda: with_notebook().preprocess(),
        "explore",
        {"rows": "data_loading.raw_data"},
    ),
    "raw data is not what a notebook left": (
        lambda: with_notebook().preprocess(),
        "tabular_preprocessing",
        {"raw_data": "data_loading.raw_data"},
    ),
    "Spark takes raw data": (lambda: sparked(), "thin_out", {"raw": "data_loading.raw_data"}),
    "what Spark made of raw data takes its place": (
        lambda: sparked().preprocess(),
        "tabular_preprocessing",
        {"raw_data": "thin_out.rows"},
    ),
    "train on the rows that Spark made": (
        lambda: sparked(train_data=TrainingData, validation_data=ValidationData).train_xgboost(),
        "xgboost_training",
        {"training_data": "thin_out.train_data", "validation_data": "thin_out.validation_data"},
    ),
    "EMR takes raw data": (lambda: thinned().preprocess(), "spark", {"raw": "data_loading.raw_data"}),
    "what EMR made of raw data takes its place": (
        lambda: thinned().preprocess(),
        "tabular_preprocessing",
        {"raw_data": "spark.rows"},
    ),
    "EMR Serverless takes training rows": (
        lambda: prepared().emr_serverless("s3://b-cket/a.py", **SERVERLESS),
        "emr_serverless_job",
        {"train": "tabular_preprocessing.train_data"},
    ),
    "what EMR Serverless made of training rows takes their place": (
        lambda: prepared().emr_serverless("s3://b-cket/a.py", **SERVERLESS).train_xgboost(),
        "xgboost_training",
        {**PREPARED, "training_data": "emr_serverless_job.rows"},
    ),
    "a branch without calibration keeps its model": (
        lambda: beside_a_calibrated_branch(),
        "model_evaluation",
        {"model_artifacts": "xgboost_training.model_artifacts", "test_data": "tabular_preprocessing.test_data"},
    ),
}  # fmt: skip

# Scripts, other services, and control, whose verbs are methods written by hand.
WIRED |= {
    "load": (lambda: prepared(), "data_loading", {}),
    "preprocess": (lambda: prepared(), "tabular_preprocessing", {"raw_data": "data_loading.raw_data"}),
    "train": (lambda: prepared().train_xgboost(), "xgboost_training", PREPARED),
    "require": (
        lambda: prepared().train_xgboost().evaluate_performance().require(min_auc=0.8),
        "quality_gate",
        {"evaluation_report": "model_evaluation.evaluation_report"},
    ),
    "a script takes what its call says, in further forms": (
        lambda: (
            prepared()
            .process(image_uri=IMAGE, inputs={"rows": TrainingData}, outputs={"sampled": TrainingData}, name="sample")
            .process(image_uri=IMAGE, inputs={"rows": TrainingData, "model": RawData}, name="own")
        ),
        "own",
        {"rows": "sample.sampled", "model": "data_loading.raw_data"},
    ),
    "a script that says no inputs takes none": (lambda: prepared().process(image_uri=IMAGE, name="own"), "own", {}),
    "an optional input of a script takes no file of another name": (
        lambda: (
            Pipeline("a")
            .process(image_uri=IMAGE, outputs=["list"], name="own")
            .process(
                image_uri=IMAGE, inputs={"model": DependencySpec("model", ModelArtifacts, required=False)}, name="next"
            )
        ),
        "next",
        {},
    ),
    "train by a script": (
        lambda: prepared().train(
            image_uri=IMAGE, inputs={"rows": TrainingData, "held_out": ValidationData}, name="fit"
        ),
        "fit",
        {"rows": "tabular_preprocessing.train_data", "held_out": "tabular_preprocessing.validation_data"},
    ),
    "register what a script trained": (
        lambda: prepared().train(image_uri=IMAGE, inputs={"rows": TrainingData}, name="fit").register("g"),
        "model_registration",
        {"model_artifacts": "fit.model_artifacts"},
    ),
    "tell a function where the model is": (
        lambda: prepared().train_xgboost().invoke_lambda(ARN, inputs={"model": ModelArtifacts, "least": 0.8}),
        "lambda_invocation",
        {"model": "xgboost_training.model_artifacts"},
    ),
    "ask somebody about the model from after its calibration": (
        lambda: prepared().train_xgboost().calibrate().callback(QUEUE, inputs={"model": ModelArtifacts}),
        "callback",
        {"model": "model_calibration.calibrated_model"},
    ),
    "values alone are wired to nothing": (
        lambda: prepared().callback(QUEUE, inputs={"rows": "s3://bucket/rows"}),
        "callback",
        {},
    ),
    "a raw step takes what it says": (
        lambda: raw(prepared().train_xgboost(), model=ModelArtifacts, rows=TestData),
        "raw",
        {"model": "xgboost_training.model_artifacts", "rows": "tabular_preprocessing.test_data"},
    ),
    "a raw step that says nothing takes nothing": (lambda: raw(prepared()), "raw", {}),
    "a condition takes nothing": (lambda: branched(), "branch", {}),
    "nor does a failure": (lambda: branched(), "failure", {}),
    "in a branch, what the branch made": (
        lambda: branched(),
        "model_registration",
        {"model_artifacts": "model_calibration.calibrated_model", "evaluation_report": "again.evaluation_report"},
    ),
    "after a branch, what there was before it": (
        lambda: branched(),
        "always",
        {
            "model_artifacts": "xgboost_training.model_artifacts",
            "evaluation_report": "model_evaluation.evaluation_report",
        },
    ),
}


def gated(*conditions: str, **settings: Any) -> Any:
    """A condition on the drift of the rows, beside a report that the gate may read."""
    pipe = prepared().train_xgboost().evaluate_performance().baseline().check_drift()
    report = pipe.outputs.drift_check.drift_report
    return pipe.require(*(report.json(each) <= 0.2 for each in conditions), **settings)


def two_models(*, joined: bool = True) -> Any:
    """Two trainings, each with its evaluation, side by side or one after the other, which shadows the first."""

    def both(pipe: Any, name: str) -> Any:
        trained = pipe.train_xgboost(name=name)
        model = trained.outputs.get(name, "model_artifacts")
        return trained.evaluate_performance(name=f"of_{name}", model_artifacts=model)

    return prepared().for_each(["a", "b"], both) if joined else both(both(prepared(), "a"), "b")


def registered(pipe: Any, name: str) -> Any:
    return pipe.register("g", model_artifacts=pipe.outputs.get(name, "model_artifacts"))


def before_its_calibration() -> Any:
    pipe = prepared().train_xgboost().evaluate_performance().calibrate().evaluate_performance(name="again")
    return registered(pipe, "xgboost_training")


def without_its_report() -> Any:
    pipe = prepared().train_xgboost(name="a").train_xgboost(name="b").evaluate_performance()
    return registered(pipe, "a")


def reported_twice() -> Any:
    trained = prepared().train_xgboost()
    pipe = trained.for_each(["one", "two"], lambda p, name: p.evaluate_performance(name=name))
    return registered(pipe, "xgboost_training")


def scored_on_new_rows() -> Any:
    pipe = prepared().train_xgboost().load_data("s3://my-bucket/march.csv", label="churn", name="march")
    return pipe.score(model_artifacts=pipe.outputs.xgboost_training.model_artifacts)


# What a gate reads, and which report is the model's.
WIRED |= {
    "a condition alone reads no report": (lambda: gated("worst.psi"), "quality_gate", {}),
    "a condition with a figure does": (
        lambda: gated("worst.psi", min_auc=0.8),
        "quality_gate",
        {"evaluation_report": "model_evaluation.evaluation_report"},
    ),
    "the time limit is that of the trainings that led to the report": (
        lambda: gated(max_training_time="1 hour"),
        "quality_gate",
        {"evaluation_report": "model_evaluation.evaluation_report"},
    ),
    **{
        f"the report of the model that was given: {name}, {'side by side' if joined else 'one after the other'}": (
            lambda name=name, joined=joined: registered(two_models(joined=joined), name),
            "model_registration",
            {"model_artifacts": f"{name}.model_artifacts", "evaluation_report": f"of_{name}.evaluation_report"},
        )
        for name in ("a", "b")
        for joined in (True, False)
    },
    "the report of the model that was given, from before its calibration": (
        lambda: before_its_calibration(),
        "model_registration",
        {
            "model_artifacts": "xgboost_training.model_artifacts",
            "evaluation_report": "model_evaluation.evaluation_report",
        },
    ),
    "no report rather than that of another model": (
        lambda: without_its_report(),
        "model_registration",
        {"model_artifacts": "a.model_artifacts"},
    ),
    "rows that have nothing to do with the model that was given are the newest": (
        lambda: scored_on_new_rows(),
        "model_scoring",
        {"model_artifacts": "xgboost_training.model_artifacts", "rows": "march.raw_data"},
    ),
    "what a script makes of training rows is trained on": (
        lambda: (
            prepared()
            .process(image_uri=IMAGE, inputs={"rows": TrainingData}, outputs={"sampled": TrainingData}, name="sample")
            .train_xgboost()
        ),
        "xgboost_training",
        {**PREPARED, "training_data": "sample.sampled"},
    ),
}

# Chain -> what must not be wired in silence.
REFUSED: dict[str, tuple[Any, type[Exception], str]] = {
    "tune on raw data": (
        lambda: Pipeline("churn").load_data("s3://b-cket/x", label="y").tune_xgboost(),
        UnwiredInput,
        r"tune_xgboost needs TrainingData .*Did you mean `.preprocess\(\)`",
    ),
    "tune on validation rows": (
        lambda: Pipeline("a").provide(ValidationData, "s3://bucket/v").tune_xgboost(),
        UnwiredInput,
        "needs TrainingData",
    ),
    "train with LightGBM on raw data": (
        lambda: Pipeline("churn").load_data("s3://b-cket/x", label="y").train_lightgbm(),
        UnwiredInput,
        r"train_lightgbm needs TrainingData .*Did you mean `.preprocess\(\)`",
    ),
    "train with PyTorch on raw data": (
        lambda: with_pytorch(Pipeline("churn").load_data("s3://b-cket/x", label="y")),
        UnwiredInput,
        "train_pytorch needs TrainingData",
    ),
    "train with PyTorch without a script": (lambda: prepared().train_pytorch(), SettingError, "script: must be given"),
    "train with PyTorch by a script that is not there": (
        lambda: prepared().train_pytorch("fti.py", source_dir=str(SCRIPTS)),
        SettingError,
        "there is no 'fti.py' in .* Did you mean 'fit.py'",
    ),
    "evaluate what PyTorch trained": (
        lambda: with_pytorch().evaluate_performance().materialize(**HERE),
        SettingError,
        "evaluate_performance reads models of the other trainings",
    ),
    "train in an image of PyTorch that is not there": (
        lambda: with_pytorch(framework_version="2.6").materialize(**HERE),
        SettingError,
        "no training image of version '2.6'",
    ),
    "train with another Python than the image's": (
        lambda: with_pytorch(py_version="py310").materialize(**HERE),
        SettingError,
        "has the Python 'py312', not 'py310'",
    ),
    "serve a version of PyTorch that has no image for it": (
        lambda: with_pytorch(framework_version="2.8.0").register("g").materialize(**HERE),
        SettingError,
        "no inference image of version '2.8.0'",
    ),
    "an image by an instance type that only the run knows": (
        lambda: with_pytorch(instance_type=Parameter("instances", "ml.m5.xlarge")).materialize(**HERE),
        SettingError,
        "needs image_uri where only the run knows the instance type",
    ),
    "evaluate one of two models": (
        lambda: prepared().train_xgboost().tune_xgboost().evaluate_performance(),
        AmbiguousInput,
        "'model_artifacts' of step 'model_evaluation' fits 2 outputs equally well",
    ),
    "calibrate without rows held out": (
        lambda: Pipeline("a").provide(TrainingData, "s3://bucket/t").train_xgboost().calibrate(),
        UnwiredInput,
        "calibrate needs ValidationData",
    ),
    "calibrate on test rows": (
        lambda: Pipeline("a").provide(ModelArtifacts, "s3://bucket/m").provide(TestData, "s3://bucket/t").calibrate(),
        UnwiredInput,
        "calibrate needs ValidationData",
    ),
    "test rows given to calibrate": (
        lambda: calibrated_on_test_rows(),
        ConnectionMismatch,
        "test_data is TestData, ModelCalibration.calibration_data takes ValidationData",
    ),
    "drift without a baseline": (
        lambda: prepared().check_drift(),
        UnwiredInput,
        r"check_drift needs Baseline .*Did you mean `.baseline\(\)`",
    ),
    "a report is no baseline": (
        lambda: (
            prepared()
            .baseline()
            .check_drift()
            .check_drift(name="again", baseline=prepared().baseline().check_drift().outputs.drift_check.drift_report)
        ),
        ConnectionMismatch,
        "drift_report is DriftReport, DriftCheck.baseline takes Baseline",
    ),
    "drift of training data": (
        lambda: Pipeline("a").provide(Baseline, "s3://bucket/b").provide(TrainingData, "s3://bucket/t").check_drift(),
        UnwiredInput,
        "check_drift needs RawData or TestData",
    ),
    "quality of test rows": (
        lambda: Pipeline("a").provide(TestData, "s3://bucket/t").check_quality(),
        UnwiredInput,
        "check_quality needs RawData or TrainingData",
    ),
    "quality of a model without predictions": (
        lambda: prepared().train_xgboost().check_model_quality("binary"),
        UnwiredInput,
        r"check_model_quality needs Predictions .*Did you mean `.(evaluate_performance|score)\(\)`",
    ),
    "bias of a model that is none yet": (
        lambda: prepared().train_xgboost().check_model_bias("gender", positive="No"),
        UnwiredInput,
        r"check_model_bias needs ModelName .*Did you mean `.create_model\(\)`",
    ),
    "bias of validation rows": (
        lambda: Pipeline("a").provide(ValidationData, "s3://bucket/v").check_bias("gender", positive="No"),
        UnwiredInput,
        "check_bias needs RawData or TrainingData",
    ),
    "statistics of a check as its constraints": (
        lambda: checked().register("g", data_quality=checked().outputs.data_quality_check.statistics),
        ConnectionMismatch,
        "statistics is CheckFile, ModelRegistration.data_quality takes DataQuality",
    ),
    "what a check found, from outside": (
        lambda: prepared().train_xgboost().register("g", data_quality="s3://bucket/constraints.json").materialize(),
        SettingError,
        "register takes data_quality from a step of check_quality",
    ),
    "the report of the model from before": (
        lambda: prepared().train_xgboost().evaluate_performance().calibrate().register("g"),
        MixedLineage,
        "'model_artifacts' and 'evaluation_report' of step 'model_registration' descend from different",
    ),
    "Spark on data that is not there": (
        lambda: sparked(Pipeline("a").provide(TestData, "s3://bucket/t")),
        UnwiredInput,
        "spark needs RawData",
    ),
    "train on raw rows that Spark made": (
        lambda: sparked().train_xgboost(),
        UnwiredInput,
        "train_xgboost needs TrainingData",
    ),
    "EMR on data that is not there": (
        lambda: loaded().emr(inputs={"train": TrainingData}, cluster_id="j-1"),
        UnwiredInput,
        "emr needs TrainingData",
    ),
    "evaluate by a notebook without a report": (
        lambda: with_notebook().register("g"),
        UnwiredInput,
        "register needs ModelArtifacts",
    ),
    "transform without a model": (
        lambda: prepared().train_xgboost().batch_transform(),
        UnwiredInput,
        r"batch_transform needs ModelName .*Did you mean `.create_model\(\)`",
    ),
    "transform training rows": (
        lambda: (
            Pipeline("a")
            .provide(ModelArtifacts, "s3://b-cket/m")
            .provide(TrainingData, "s3://b-cket/t")
            .create_model()
            .batch_transform()
        ),
        UnwiredInput,
        "batch_transform needs RawData or TestData",
    ),
    "a model of nothing": (lambda: prepared().create_model(), UnwiredInput, "create_model needs ModelArtifacts"),
    "score by one of two models": (
        lambda: prepared().train_xgboost().tune_xgboost().score(),
        AmbiguousInput,
        "'model_artifacts' of step 'model_scoring' fits 2 outputs equally well",
    ),
    "score validation rows": (
        lambda: Pipeline("a").provide(ModelArtifacts, "s3://bucket/m").provide(ValidationData, "s3://bucket/v").score(),
        UnwiredInput,
        "score needs RawData or TestData",
    ),
    "a script on training rows where there are only raw ones": (
        lambda: (
            Pipeline("churn")
            .load_data("s3://b-cket/x", label="y")
            .process(image_uri=IMAGE, inputs={"rows": TrainingData})
        ),
        UnwiredInput,
        r"process needs TrainingData .*Did you mean `.preprocess\(\)`",
    ),
    "train by a script on test rows": (
        lambda: Pipeline("a").provide(TestData, "s3://bucket/t").train(image_uri=IMAGE, inputs={"rows": TrainingData}),
        UnwiredInput,
        "train needs TrainingData",
    ),
    "score by what one of two scripts trained": (
        lambda: (
            prepared()
            .train(image_uri=IMAGE, inputs={"rows": TrainingData}, name="one")
            .train(image_uri=IMAGE, inputs={"rows": TrainingData}, name="two")
            .create_model()
        ),
        AmbiguousInput,
        "'model_artifacts' of step 'model_creation' fits 2 outputs equally well",
    ),
    "which of two reports of one model": (
        lambda: reported_twice(),
        AmbiguousInput,
        "'evaluation_report' of step 'model_registration' fits 2 outputs equally well",
    ),
    "which of two models": (
        lambda: two_models().register("g"),
        AmbiguousInput,
        "'model_artifacts' of step 'model_registration' fits 2 outputs equally well",
    ),
    "tell a function of a model that there is not": (
        lambda: prepared().invoke_lambda(ARN, inputs={"model": ModelArtifacts}),
        UnwiredInput,
        "invoke_lambda needs ModelArtifacts",
    ),
    "ask somebody about a model that there is not": (
        lambda: prepared().callback(QUEUE, inputs={"model": ModelArtifacts}),
        UnwiredInput,
        "callback needs ModelArtifacts",
    ),
    "a raw step on what there is not": (
        lambda: raw(prepared(), model=ModelArtifacts),
        UnwiredInput,
        "raw_step needs ModelArtifacts",
    ),
    "two branches, one of them calibrated": (
        lambda: one_branch_calibrated().evaluate_performance(),
        AmbiguousInput,
        "'model_artifacts' of step 'model_evaluation'",
    ),
    "evaluate one of two models, the later one of LightGBM": (
        lambda: prepared().train_xgboost().train_lightgbm().evaluate_performance(),
        AmbiguousInput,
        "'model_artifacts' of step 'model_evaluation' fits 2 outputs equally well",
    ),
    "register one of two models, the later one of a script": (
        lambda: (
            prepared().train_xgboost().train(image_uri=IMAGE, inputs={"rows": TrainingData}, name="own").register("g")
        ),
        AmbiguousInput,
        "'model_artifacts' of step 'model_registration' fits 2 outputs equally well",
    ),
    "register one of two models, the later one of PyTorch": (
        lambda: with_pytorch(prepared().train_sklearn()).register("g"),
        AmbiguousInput,
        "'model_artifacts' of step 'model_registration' fits 2 outputs equally well",
    ),
}


@pytest.mark.parametrize(("chain", "step", "expected"), WIRED.values(), ids=WIRED)
def test_a_step_takes_what_it_should_and_nothing_else(chain: Any, step: str, expected: dict[str, str]) -> None:
    pipe = chain()
    assert wired(pipe, step) == expected
    pipe.materialize()


def test_every_verb_has_a_row() -> None:
    looked_at = {each.contract.verb for chain, step, _ in WIRED.values() for each in chain().steps if each.name == step}
    assert looked_at == {cls.contract.verb for cls in documented()}


@pytest.mark.parametrize(("chain", "error", "said"), REFUSED.values(), ids=REFUSED)
def test_what_does_not_fit_is_refused(chain: Any, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        chain()


def test_the_model_of_every_trainer_is_as_good_as_that_of_any_other() -> None:
    trainers = {
        cls.contract.step_type
        for cls in documented()
        if any(spec.kind is ModelArtifacts for spec in cls.contract.outputs)
    }
    taken = {
        cls.contract.verb: set(spec.compatible_sources)
        for cls in documented()
        for spec in cls.contract.dependencies
        if spec.name == "model_artifacts"
    }
    readable = trainers - {"PytorchTraining", "ScriptTraining"}  # the code in their models is the user's
    assert taken == {
        "register": trainers,
        "create_model": trainers,
        "evaluate_performance": readable,
        "score": readable,
        "calibrate": readable - {"ModelCalibration"},
    }


def images(pipe: Any) -> dict[str, str]:
    """Step -> its image without the registry."""
    found = {}
    for name, step in named(pipe.materialize(**HERE).document).items():
        uris = [text for text in json.dumps(step).split('"') if ".dkr.ecr." in text]
        found.update({name: uris[0].rpartition("/")[2]} if uris and step["Type"] != "Condition" else {})
    return found


def test_a_model_runs_in_the_image_of_the_framework_that_trained_it() -> None:
    sklearn = images(prepared().train_sklearn().calibrate().evaluate_performance().require(min_auc=0.5).register("g"))
    models = ("sklearn_training", "model_calibration", "model_evaluation", "model_registration")
    assert {sklearn[name] for name in models} == {"sagemaker-scikit-learn:1.4-2-py312-cpu-py3"}
    assert sklearn["data_loading"] == sklearn["tabular_preprocessing"] == "sagemaker-xgboost:3.0-5"
    older = images(prepared().train_xgboost(framework_version="1.7-1").evaluate_performance().register("g"))
    assert {older[name] for name in ("xgboost_training", "model_evaluation", "model_registration")} == {
        "sagemaker-xgboost:1.7-1"
    }
    said = images(
        prepared()
        .train_sklearn()
        .evaluate_performance(framework_version="1.2-1")
        .register("g", image_uri="a.dkr.ecr.b/c:1")
    )
    assert said["model_evaluation"].startswith("sagemaker-scikit-learn:1.2-1")
    assert said["model_registration"] == "c:1"


@pytest.mark.parametrize("path", ["LogisticRegression", "sklearn.linear model.Ridge", "", ".Ridge", "os; import x"])
def test_what_is_no_import_path_is_no_estimator(path: str) -> None:
    with pytest.raises(SettingError, match="is no import path"):
        prepared().train_sklearn(path)


@pytest.mark.usefixtures("registry")
@pytest.mark.parametrize(("name", "kind"), [("modle", ModelArtifacts), ("model", TestData)])
def test_an_output_replaces_an_input_of_its_own_kind(name: str, kind: Any) -> None:
    with pytest.raises(ContractError, match=f"output 'better' replaces '{name}', which is no input of the kind"):
        declare("Distil", "distil", (takes("model", ModelArtifacts),), (yields("better", kind, replaces=name),))


def test_the_definition_of_a_training_with_scikit_learn(golden: Callable[[str, str], None]) -> None:
    pipe = prepared().train_sklearn("sklearn.linear_model.LogisticRegression", parameters={"C": 0.3, "max_iter": 500})
    definition = pipe.materialize(**HERE)
    golden("sklearn.json", masked(definition, named(definition.document)["sklearn_training"]))


def test_the_definition_of_a_training_with_lightgbm(golden: Callable[[str, str], None]) -> None:
    settings = {"n_estimators": 200, "monotone_constraints": {"tenure": -1}, "parameters": {"path_smooth": 2}}
    pipe = prepared().train_lightgbm(**settings).evaluate_performance().register("churn-models")
    definition = pipe.materialize(**HERE)
    steps = [named(definition.document)[each] for each in ("lightgbm_training", "model_registration")]
    golden("lightgbm.json", masked(definition, steps))
    assets = [each for each in definition.assets if each.sha256 in json.dumps(steps)]
    with tarfile.open(fileobj=io.BytesIO(assets[0].files["sourcedir.tar.gz"])) as archive:
        assert {"requirements.txt", "train_lightgbm.py", "inference.py", "lightgbm_model.py"} <= {*archive.getnames()}


def test_a_model_of_lightgbm_runs_in_the_image_of_scikit_learn_which_can_install_it() -> None:
    found = images(prepared().train_lightgbm().calibrate().evaluate_performance().register("g"))
    models = ("lightgbm_training", "model_calibration", "model_evaluation", "model_registration")
    assert {found[name] for name in models} == {"sagemaker-scikit-learn:1.4-2-py312-cpu-py3"}


def test_the_definition_of_a_training_with_pytorch(golden: Callable[[str, str], None]) -> None:
    pipe = with_pytorch(hyperparameters={"epochs": 3, "width": None}, metric_definitions={"loss": "loss=([0-9.]+)"})
    definition = pipe.materialize(**HERE)
    golden("pytorch.json", masked(definition, named(definition.document)["pytorch_training"]))


def test_pytorch_trains_in_the_image_of_its_instances_and_is_served_in_that_for_inference() -> None:
    on_cpu, on_gpu = images(with_pytorch().register("g")), images(with_pytorch(instance_type="ml.g5.xlarge"))
    assert on_cpu["pytorch_training"] == "pytorch-training:2.6.0-cpu-py312"
    assert on_cpu["model_registration"] == "pytorch-inference:2.6.0-cpu-py312"
    assert on_gpu["pytorch_training"] == "pytorch-training:2.6.0-gpu-py312"


def test_a_setting_of_lightgbm_is_not_also_a_further_parameter() -> None:
    with pytest.raises(
        SettingError, match=r"(?s)'eta' is the setting learning_rate.*\.train_lightgbm\(learning_rate=0\.1\)"
    ):
        prepared().train_lightgbm(parameters={"eta": 0.1})


def test_the_definition_of_a_calibration(golden: Callable[[str, str], None]) -> None:
    pipe = prepared().train_xgboost().calibrate(method="beta").register("churn-models")
    definition = pipe.materialize(**HERE)
    steps = [named(definition.document)[name] for name in ("model_calibration", "model_registration")]
    golden("calibration.json", masked(definition, steps))
