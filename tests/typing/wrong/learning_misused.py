"""Trainings without what they learn from, and with what they do not take."""

from fluentpipe import Pipeline, ValidationData

loaded = Pipeline("churn").load_data("s3://my-bucket/churn.csv", label="churn")
data = loaded.preprocess()
linear = data.train_sklearn()

loaded.tune_xgboost()  # mypy: misc; pyright: reportAttributeAccessIssue; ty: invalid-argument-type; pyrefly: bad-argument-type
data.tune_xgboost(strategy="Genetic")  # mypy: arg-type; pyright: reportArgumentType; ty: invalid-argument-type; pyrefly: bad-argument-type
loaded.prepare_hyperparameters()  # mypy: misc; pyright: reportAttributeAccessIssue; ty: invalid-argument-type; pyrefly: bad-argument-type
data.prepare_hyperparameters(tuned_model=data.outputs.tabular_preprocessing.train_data)  # mypy: arg-type; pyright: reportArgumentType; ty: invalid-argument-type; pyrefly: bad-argument-type
Pipeline("held out").provide(ValidationData, "s3://my-bucket/v").train_sklearn()  # mypy: misc; pyright: reportAttributeAccessIssue; ty: invalid-argument-type; pyrefly: bad-argument-type
data.train_sklearn(C=0.3)  # mypy: call-arg; pyright: reportCallIssue; ty: unknown-argument; pyrefly: unexpected-keyword
loaded.train_lightgbm()  # mypy: misc; pyright: reportAttributeAccessIssue; ty: invalid-argument-type; pyrefly: bad-argument-type
data.train_lightgbm(num_leafs=8)  # mypy: call-arg; pyright: reportCallIssue; ty: unknown-argument; pyrefly: unexpected-keyword
loaded.train_pytorch("fit.py")  # mypy: misc; pyright: reportAttributeAccessIssue; ty: invalid-argument-type; pyrefly: bad-argument-type
data.calibrate()  # mypy: misc; pyright: reportAttributeAccessIssue; ty: invalid-argument-type; pyrefly: bad-argument-type
linear.calibrate(method="spline")  # mypy: arg-type; pyright: reportArgumentType; ty: invalid-argument-type; pyrefly: bad-argument-type
linear.calibrate(calibration_data=linear.outputs.tabular_preprocessing.test_data)  # mypy: arg-type; pyright: reportArgumentType; ty: invalid-argument-type; pyrefly: bad-argument-type
data.baseline(rows=linear.outputs.sklearn_training.model_artifacts)  # mypy: arg-type; pyright: reportArgumentType; ty: invalid-argument-type; pyrefly: bad-argument-type
data.preprocess_with_defaults(raw_data=linear.outputs.sklearn_training.model_artifacts)  # mypy: arg-type; pyright: reportArgumentType; ty: invalid-argument-type; pyrefly: bad-argument-type
linear.raw_step(3)  # mypy: arg-type; pyright: reportArgumentType; ty: invalid-argument-type; pyrefly: bad-argument-type
linear.callback("https://sqs.us-east-1.amazonaws.com/111122223333/q", outputs=3)  # mypy: arg-type; pyright: reportArgumentType; ty: invalid-argument-type; pyrefly: bad-argument-type
