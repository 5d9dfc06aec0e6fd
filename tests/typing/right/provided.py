"""Data from outside is declared with its kind."""

from pathlib import Path

from fluentpipe import ModelArtifacts, Parameter, Pipeline, RawData, TestData, TrainingData

raw = Pipeline("raw").provide(RawData, "s3://my-bucket/raw").preprocess(label="churn").train_xgboost()
ready = Pipeline("ready").provide(TrainingData, Parameter("train", "s3://my-bucket/train")).train_xgboost()
report = (
    Pipeline("report")
    .provide(ModelArtifacts, "s3://my-bucket/model.tar.gz")
    .provide(TestData, Path("test.csv"))
    .evaluate_performance()
    .require(max_log_loss=0.5)
)
auto = Pipeline("auto").auto_train_xgboost("s3://my-bucket/churn.csv", max_depth=3).require(min_auc=0.8)
early = (
    Pipeline("early").require(max_training_time="4 hours").provide(TrainingData, "s3://my-bucket/train").train_xgboost()
)
