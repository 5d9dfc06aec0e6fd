"""The chain, as a user would write it; mypy --strict accepts it as it stands."""

from fluentpipe import ModelArtifacts, Parameter, Pipeline, PropertyReference, RawData, TrainingData

pipe = (
    Pipeline("churn")
    .load_data("s3://my-bucket/churn.csv", label="churn", validation_split=0.2)
    .preprocess()
    .train_xgboost(max_depth=8, n_estimators=200)
    .evaluate_performance()
    .require(min_auc=0.80, max_training_time="4 hours")
    .register("churn-models", approval_status="Approved")
)
model: PropertyReference[ModelArtifacts] = pipe.outputs.xgboost_training.model_artifacts
condition = pipe.outputs.model_evaluation.evaluation_report.json("metrics.auc") >= 0.8

base = Pipeline("churn").load_data("s3://my-bucket/churn.csv", label="churn").preprocess()
deep = base.train_xgboost(name="deep", max_depth=Parameter("depth", 8))
shallow = base.train_xgboost(name="shallow", max_depth=2)
both = deep.merge(shallow).evaluate_performance(model_artifacts=deep.outputs.get("deep", "model_artifacts"))

provided = Pipeline("quick").provide(RawData, "s3://my-bucket/raw").preprocess(label="churn").train_xgboost()
given = Pipeline("given").provide(TrainingData, "s3://my-bucket/train").train_xgboost()
auto = Pipeline("auto").auto_train_xgboost("s3://my-bucket/churn.csv", max_depth=3)
