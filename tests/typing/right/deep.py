"""Every property of a job is typed, down to its members."""

from fluentpipe import Pipeline, PropertyReference, XGBoostTrainingOutputs

pipe = Pipeline("churn").load_data("s3://my-bucket/churn.csv", label="churn").preprocess().train_xgboost(name="first")
first = pipe.step("first", XGBoostTrainingOutputs)
archive: PropertyReference[str] = first.properties.ModelArtifacts.S3ModelArtifacts
seconds: PropertyReference[int] = first.properties.TrainingTimeInSeconds
value: PropertyReference[float] = first.properties.FinalMetricDataList[0].Value
outputs = pipe.outputs.tabular_preprocessing.properties.ProcessingOutputConfig.Outputs
place: PropertyReference[str] = outputs["train_data"].S3Output.S3Uri
