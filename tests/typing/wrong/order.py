"""Mistakes that mypy --strict finds; each line ends in the code expected of it."""

from fluentpipe import Pipeline

loaded = Pipeline("churn").load_data("s3://my-bucket/churn.csv", label="churn")
loaded.train_xgboost()  # E: misc
Pipeline("churn").preprocess()  # E: misc
prepared = loaded.preprocess()
prepared.evaluate_performance()  # E: misc
prepared.train_xgboost(max_dept=8)  # E: call-arg
prepared.train_xgboost(max_depth="deep")  # E: arg-type
trained = prepared.train_xgboost()
trained.outputs.xgboost_training.model_artifact  # E: attr-defined
trained.evaluate_performance(test_data=trained.outputs.xgboost_training.model_artifacts)  # E: arg-type
if trained.outputs.xgboost_training.model_artifacts:  # E: truthy-bool
    print("a reference has no truth value")
