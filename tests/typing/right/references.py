"""Outputs, parameters and values from JSON files go where a value of their type goes; text and conditions too."""

from pathlib import Path

from fluentpipe import Condition, ExecutionVariable, JsonGet, ModelArtifacts, Parameter, Pipeline, PropertyReference

depth = Parameter("depth", 6)
rate = Parameter("rate", type=float)
pipe = (
    Pipeline("churn")
    .load_data(Parameter("rows", "s3://my-bucket/churn.csv"), label="churn", test_split=Parameter("share", 0.2))
    .preprocess(min_frequency=Parameter("least", 5), drop_id_columns=Parameter("drop_ids", True))
    .train_xgboost(max_depth=depth, eta=rate, tree_method="hist", environment={"DEPTH": depth.name})
    .evaluate_performance()
)
local = Pipeline("local").load_data(Path("tests/data"), label="churn") if Path("tests/data").is_dir() else None

training = pipe.outputs.xgboost_training
model: PropertyReference[ModelArtifacts] = training.model_artifacts
again = pipe.evaluate_performance(name="again", model_artifacts=model)
tuned = pipe.train_xgboost(
    name="tuned", max_depth=training.properties.TrainingTimeInSeconds, environment={"BEFORE": model}
)
named = pipe.register("churn-models", description=training.training_job_name)
below = model.join("extra", "notes.txt")
text: str = f"{model}/notes" + str(ExecutionVariable("PipelineExecutionId"))
auc: JsonGet = pipe.outputs.model_evaluation.evaluation_report.json("metrics.auc")
good: Condition = (auc >= 0.8) & ~(auc == 1.0) | auc.is_in([0.9, 0.95])
same: bool = model.same_as(training.model_artifacts)
