"""Outputs, steps and properties that do not exist, and references used as if they were values."""

from fluentpipe import DataLoadingOutputs, Pipeline

pipe = (
    Pipeline("churn")
    .load_data("s3://my-bucket/churn.csv", label="churn")
    .preprocess()
    .train_xgboost()
    .evaluate_performance()
)
training = pipe.outputs.xgboost_training
auc = pipe.outputs.model_evaluation.evaluation_report.json("metrics.auc")

training.model_artifact  # mypy: attr-defined; pyright: reportAttributeAccessIssue; ty: missing-attribute; pyrefly: missing-attribute
pipe.outputs.xgboost_trainings  # mypy: attr-defined; pyright: reportAttributeAccessIssue; ty: missing-attribute; pyrefly: missing-attribute
training.properties.ModelArtifacts.S3ModelArtifact  # mypy: attr-defined; pyright: reportAttributeAccessIssue; ty: missing-attribute; pyrefly: missing-attribute
training.properties.ModelArtifact  # mypy: attr-defined; pyright: reportAttributeAccessIssue; ty: missing-attribute; pyrefly: missing-attribute
pipe.outputs.tabular_preprocessing.properties.ProcessingOutputConfig.Outputs["train_data"].S3Output.Uri  # mypy: attr-defined; pyright: reportAttributeAccessIssue; ty: missing-attribute; pyrefly: missing-attribute
pipe.train_xgboost(name="b", max_depth=training.properties.ModelArtifacts.S3ModelArtifacts)  # mypy: arg-type; pyright: reportArgumentType; ty: invalid-argument-type; pyrefly: bad-argument-type
pipe.step("data_loading", DataLoadingOutputs).model_artifacts  # mypy: attr-defined; pyright: reportAttributeAccessIssue; ty: missing-attribute; pyrefly: missing-attribute

if training.model_artifacts:  # mypy: truthy-bool; pyright: reportGeneralTypeIssues; ty: unsupported-bool-conversion; pyrefly: invalid-argument
    print("a reference has no truth value")
if auc >= 0.8:  # mypy: -; pyright: reportGeneralTypeIssues; ty: unsupported-bool-conversion; pyrefly: invalid-argument
    print("neither has a condition")
print(auc > 0.8 and auc < 0.9)  # mypy: -; pyright: -; ty: unsupported-bool-conversion; pyrefly: not-callable
print(not auc)  # mypy: truthy-bool; pyright: reportGeneralTypeIssues; ty: unsupported-bool-conversion; pyrefly: invalid-argument
for each in pipe.outputs.tabular_preprocessing.properties.ProcessingOutputConfig.Outputs:  # mypy: misc; pyright: reportGeneralTypeIssues; ty: not-iterable; pyrefly: -
    print(each)
print(len(training.model_artifacts))  # mypy: arg-type; pyright: reportArgumentType; ty: invalid-argument-type; pyrefly: bad-argument-type
print(auc * 100)  # mypy: operator; pyright: reportOperatorIssue; ty: unsupported-operator; pyrefly: unsupported-operation
print(int(auc))  # mypy: call-overload; pyright: reportArgumentType; ty: invalid-argument-type; pyrefly: bad-argument-type
print((auc >= 0.8) & True)  # mypy: operator; pyright: reportOperatorIssue; ty: unsupported-operator; pyrefly: unsupported-operation
for letter in training.model_artifacts:  # mypy: attr-defined; pyright: reportGeneralTypeIssues; ty: not-iterable; pyrefly: not-iterable
    print(letter)
pipe.outputs.xgboost_training = training  # mypy: misc; pyright: reportAttributeAccessIssue; ty: invalid-assignment; pyrefly: read-only
