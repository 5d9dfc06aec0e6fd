"""Models that are served: a transform needs a model by name, scoring its artifacts."""

from fluentpipe import BatchTransformOutputs, ModelArtifacts, ModelName, Pipeline, PropertyReference, RawData

trained = Pipeline("churn").load_data("s3://my-bucket/churn.csv", label="churn").preprocess().train_xgboost()
served = trained.create_model(environment={"LOG_LEVEL": "20"}).batch_transform(
    rows="s3://my-bucket/new.jsonl", split_type="Line", join_source="Input", max_payload_mb=6
)
name: PropertyReference[ModelName] = served.outputs.model_creation.model_name
again = served.batch_transform(name="again", model_name=name)
answers = again.step("again", BatchTransformOutputs).predictions.join("data.parquet.out")
scored = trained.score(id_columns=["customer_id"], output_format="csv").outputs.model_scoring.predictions
alone = Pipeline("scoring").provide(ModelArtifacts, "s3://my-bucket/model.tar.gz").provide(RawData, "s3://my-bucket/x")
alone.score().create_model()
data = Pipeline("churn").load_data("s3://my-bucket/churn.csv", label="churn").preprocess()
leafwise = data.train_lightgbm(num_leaves=8, n_estimators=200, colsample_bytree=0.5, parameters={"path_smooth": 2})
model: PropertyReference[ModelArtifacts] = leafwise.outputs.lightgbm_training.model_artifacts
leafwise.calibrate().score()
script = "tests/programs/pytorch/fit.py"
network = data.train_pytorch(script, hyperparameters={"epochs": 3}, instance_type="ml.g5.xlarge", py_version="py312")
weights: PropertyReference[ModelArtifacts] = network.outputs.pytorch_training.model_artifacts
