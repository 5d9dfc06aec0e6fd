"""Everything that learns, each with what it may be given."""

from fluentpipe import Hyperparameters, ModelArtifacts, Pipeline, PropertyReference, TrainingData

data = Pipeline("churn").load_data("s3://my-bucket/churn.csv", label="churn").preprocess()
tuned = data.tune_xgboost(ranges={"max_depth": (2, 8), "eta": (0.01, 0.3)}, max_trials=8, strategy="Random")
best: PropertyReference[ModelArtifacts] = tuned.outputs.xgboost_tuning.model_artifacts
decided = tuned.prepare_hyperparameters({"n_folds": 0})
chosen: PropertyReference[Hyperparameters] = decided.outputs.hyperparameter_preparation.hyperparameters
retrained = decided.train_xgboost(num_round=100)
retrained.register("churn-models", model_artifacts=retrained.outputs.xgboost_training.model_artifacts)
own = tuned.prepare_hyperparameters(name="own", tuned_model=best).train_xgboost()
given = decided.train_xgboost(hyperparameters=chosen)
linear = data.train_sklearn("sklearn.linear_model.LogisticRegression", parameters={"C": 0.3, "max_iter": 500})
fitted: PropertyReference[ModelArtifacts] = linear.outputs.sklearn_training.model_artifacts
judged = linear.calibrate(method="beta").evaluate_performance()
rows = Pipeline("rows").provide(TrainingData, "s3://my-bucket/train")
rows.train_sklearn()
rows.tune_xgboost().create_model()
