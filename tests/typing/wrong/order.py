"""Verbs in an order that leaves a step without what it needs."""

from typing import TypeVar, Union

from fluentpipe import ModelArtifacts, Pipeline, TrainingData

S = TypeVar("S")
loaded = Pipeline("churn").load_data("s3://my-bucket/churn.csv", label="churn")
prepared = loaded.preprocess()
trained = prepared.train_xgboost()

Pipeline("churn").preprocess()  # mypy: misc; pyright: reportAttributeAccessIssue; ty: invalid-argument-type; pyrefly: bad-argument-type
loaded.train_xgboost()  # mypy: misc; pyright: reportAttributeAccessIssue; ty: invalid-argument-type; pyrefly: bad-argument-type
loaded.train_xgboost(max_depth=4).evaluate_performance()  # mypy: misc; pyright: reportAttributeAccessIssue; ty: invalid-argument-type; pyrefly: bad-argument-type
prepared.evaluate_performance()  # mypy: misc; pyright: reportAttributeAccessIssue; ty: invalid-argument-type; pyrefly: bad-argument-type
Pipeline("no test data").provide(ModelArtifacts, "s3://my-bucket/model.tar.gz").evaluate_performance()  # mypy: misc; pyright: reportAttributeAccessIssue; ty: invalid-argument-type; pyrefly: bad-argument-type
trained.batch_transform()  # mypy: misc; pyright: reportAttributeAccessIssue; ty: invalid-argument-type; pyrefly: bad-argument-type
prepared.create_model()  # mypy: misc; pyright: reportAttributeAccessIssue; ty: invalid-argument-type; pyrefly: bad-argument-type
loaded.check_drift()  # mypy: misc; pyright: reportAttributeAccessIssue; ty: invalid-argument-type; pyrefly: bad-argument-type
trained.check_model_quality("binary")  # mypy: misc; pyright: reportAttributeAccessIssue; ty: invalid-argument-type; pyrefly: bad-argument-type
Pipeline("churn").check_quality()  # mypy: misc; pyright: reportAttributeAccessIssue; ty: invalid-argument-type; pyrefly: bad-argument-type
Pipeline("churn").check_bias("gender", positive="No")  # mypy: misc; pyright: reportAttributeAccessIssue; ty: invalid-argument-type; pyrefly: bad-argument-type
trained.check_explainability()  # mypy: misc; pyright: reportAttributeAccessIssue; ty: invalid-argument-type; pyrefly: bad-argument-type
trained.check_model_bias("gender", positive="No")  # mypy: misc; pyright: reportAttributeAccessIssue; ty: invalid-argument-type; pyrefly: bad-argument-type
loaded.score()  # mypy: misc; pyright: reportAttributeAccessIssue; ty: invalid-argument-type; pyrefly: bad-argument-type
loaded.register("churn-models")  # mypy: misc; pyright: reportAttributeAccessIssue; ty: invalid-argument-type; pyrefly: bad-argument-type
trained.require(min_auc=0.8)  # mypy: arg-type; pyright: reportArgumentType; ty: no-matching-overload; pyrefly: no-matching-overload
prepared.require(max_training_time="4 hours", max_log_loss=0.5)  # mypy: arg-type; pyright: reportArgumentType; ty: no-matching-overload; pyrefly: no-matching-overload
# at run time: fine; the type checkers ask for provide
Pipeline("raw").train_xgboost(training_data="s3://my-bucket/train")  # mypy: misc; pyright: reportAttributeAccessIssue; ty: invalid-argument-type; pyrefly: bad-argument-type
loaded.merge(Pipeline("other").load_data("s3://my-bucket/more.csv", label="churn", name="more")).train_xgboost()  # mypy: misc; pyright: reportAttributeAccessIssue; ty: invalid-argument-type; pyrefly: bad-argument-type

pipe = Pipeline("rebound").load_data("s3://my-bucket/churn.csv", label="churn")
pipe = pipe.train_xgboost()  # mypy: misc; pyright: reportAttributeAccessIssue; ty: invalid-argument-type; pyrefly: bad-argument-type


def unprepared(pipe: Pipeline[TrainingData]) -> Pipeline[Union[TrainingData, ModelArtifacts]]:
    return pipe.train_xgboost()


unprepared(loaded)  # mypy: arg-type; pyright: reportArgumentType; ty: invalid-argument-type; pyrefly: bad-argument-type
