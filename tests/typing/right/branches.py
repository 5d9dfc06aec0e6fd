"""Branches share a prefix; merge joins what both have."""

from fluentpipe import Pipeline, Predictions, PropertyReference

base = Pipeline("churn").load_data("s3://my-bucket/churn.csv", label="churn").preprocess()
deep, shallow = base.train_xgboost(name="deep", max_depth=8), base.train_xgboost(name="shallow", max_depth=2)
scored = deep.evaluate_performance()
both = scored.merge(shallow.evaluate_performance(name="second"))
gated = both.require(min_auc=0.8, evaluation_report=scored.outputs.model_evaluation.evaluation_report)
rows: PropertyReference[Predictions] = gated.outputs.model_evaluation.predictions
