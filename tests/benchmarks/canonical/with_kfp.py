"""The canonical pipeline in kfp 2; the bodies of the components are the programs, which no count includes."""

import sys

from kfp import compiler, dsl

IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.0-5"


@dsl.component(base_image=IMAGE)
def load_data(source: str, label: str, raw_data: dsl.Output[dsl.Dataset]):
    print("a stand-in")


@dsl.component(base_image=IMAGE)
def preprocess(
    raw_data: dsl.Input[dsl.Dataset],
    train_data: dsl.Output[dsl.Dataset],
    validation_data: dsl.Output[dsl.Dataset],
    test_data: dsl.Output[dsl.Dataset],
    preprocessing_model: dsl.Output[dsl.Artifact],
):
    print("a stand-in")


@dsl.component(base_image=IMAGE)
def train_xgboost(
    train_data: dsl.Input[dsl.Dataset],
    validation_data: dsl.Input[dsl.Dataset],
    preprocessing_model: dsl.Input[dsl.Artifact],
    max_depth: int,
    num_round: int,
    model: dsl.Output[dsl.Model],
):
    print("a stand-in")


@dsl.component(base_image=IMAGE)
def evaluate(model: dsl.Input[dsl.Model], test_data: dsl.Input[dsl.Dataset], report: dsl.Output[dsl.Metrics]) -> float:
    return 0.0


@dsl.component(base_image=IMAGE)
def register(model: dsl.Input[dsl.Model], report: dsl.Input[dsl.Metrics], group: str):
    print("a stand-in")


@dsl.component(base_image=IMAGE)
def fail(message: str):
    raise SystemExit(message)


@dsl.pipeline(name="churn")
def churn(data: str = "s3://my-bucket/churn.csv"):
    loaded = load_data(source=data, label="churn")
    prepared = preprocess(raw_data=loaded.outputs["raw_data"])
    trained = train_xgboost(
        train_data=prepared.outputs["train_data"],
        validation_data=prepared.outputs["validation_data"],
        preprocessing_model=prepared.outputs["preprocessing_model"],
        max_depth=8,
        num_round=200,
    )
    evaluated = evaluate(model=trained.outputs["model"], test_data=prepared.outputs["test_data"])
    with dsl.If(evaluated.outputs["Output"] >= 0.8):
        register(model=trained.outputs["model"], report=evaluated.outputs["report"], group="churn-models")
    with dsl.Else():
        fail(message="Quality gate failed; required: auc >= 0.8")


compiler.Compiler().compile(churn, f"{sys.argv[1]}.yaml")
