"""Functions that take and return pipelines say which kinds they need and which they add."""

from typing import Any, TypeVar, Union

from fluentpipe import EvaluationReport, ModelArtifacts, Pipeline, TestData, TrainingData

S = TypeVar("S")


def trained(pipe: Pipeline[TrainingData]) -> Pipeline[Union[TrainingData, ModelArtifacts]]:
    return pipe.train_xgboost(max_depth=4)


def evaluated(pipe: Pipeline[Union[ModelArtifacts, TestData]]) -> Pipeline[Union[ModelArtifacts, EvaluationReport]]:
    return pipe.evaluate_performance()


def in_time(pipe: Pipeline[S]) -> Pipeline[S]:
    return pipe.require(max_training_time="4 hours")


def whatever(pipe: Pipeline) -> Pipeline:  # bare, so anything goes: the escape hatch
    return pipe.evaluate_performance()


def anything(pipe: Pipeline[Any]) -> Pipeline[Any]:
    return pipe.register("churn-models")


prepared = Pipeline("churn").load_data("s3://my-bucket/churn.csv", label="churn").preprocess()
some = trained(prepared)
timed = in_time(prepared.train_xgboost())
full = evaluated(timed).register("churn-models")
loose = anything(whatever(timed))
