"""References of a kind that an input does not take."""

from fluentpipe import ModelArtifacts, Pipeline, PropertyReference, TrainingData

pipe = (
    Pipeline("churn")
    .load_data("s3://my-bucket/churn.csv", label="churn")
    .preprocess()
    .train_xgboost()
    .evaluate_performance()
)
outputs = pipe.outputs

pipe.evaluate_performance(name="b", test_data=outputs.xgboost_training.model_artifacts)  # mypy: arg-type; pyright: reportArgumentType; ty: invalid-argument-type; pyrefly: bad-argument-type
pipe.train_xgboost(name="b", training_data=outputs.data_loading.raw_data)  # mypy: arg-type; pyright: reportArgumentType; ty: invalid-argument-type; pyrefly: bad-argument-type
pipe.train_xgboost(name="b", validation_data=outputs.tabular_preprocessing.test_data)  # mypy: arg-type; pyright: reportArgumentType; ty: invalid-argument-type; pyrefly: bad-argument-type
pipe.register("churn-models", model_artifacts=outputs.model_evaluation.evaluation_report)  # mypy: arg-type; pyright: reportArgumentType; ty: invalid-argument-type; pyrefly: bad-argument-type
pipe.register("churn-models", evaluation_report=outputs.xgboost_training.training_job_name)  # mypy: arg-type; pyright: reportArgumentType; ty: invalid-argument-type; pyrefly: bad-argument-type
pipe.require(min_auc=0.8, evaluation_report=outputs.model_evaluation.predictions)  # mypy: arg-type; pyright: reportArgumentType+reportCallIssue; ty: no-matching-overload; pyrefly: no-matching-overload
pipe.train_xgboost(name="b", training_data=7)  # mypy: arg-type; pyright: reportArgumentType; ty: invalid-argument-type; pyrefly: bad-argument-type
# at run time: fine
model: PropertyReference[TrainingData] = outputs.xgboost_training.model_artifacts  # mypy: assignment; pyright: reportAssignmentType; ty: invalid-assignment; pyrefly: bad-assignment
pipe.provide(ModelArtifacts, outputs.tabular_preprocessing.train_data)  # mypy: arg-type; pyright: reportArgumentType; ty: invalid-argument-type; pyrefly: bad-argument-type
pipe.provide("TrainingData", "s3://my-bucket/train")  # mypy: arg-type; pyright: reportArgumentType; ty: invalid-argument-type; pyrefly: bad-argument-type
