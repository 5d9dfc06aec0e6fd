"""The state survives rebinding, loops and branches of the program."""

from fluentpipe import Pipeline

pipe = Pipeline("churn")
pipe = pipe.load_data("s3://my-bucket/churn.csv", label="churn")
pipe = pipe.preprocess()
pipe = pipe.train_xgboost()
pipe = pipe.evaluate_performance()
pipe = pipe.require(min_auc=0.8)
pipe = pipe.register("churn-models")

base = Pipeline("depths").load_data("s3://my-bucket/churn.csv", label="churn").preprocess()
candidates = [base.train_xgboost(name=f"depth_{depth}", max_depth=depth) for depth in (2, 4, 8)]
scored = [each.evaluate_performance() for each in candidates]

many = base.train_xgboost(name="depth_2", max_depth=2)
for depth in (4, 8):
    many = many.train_xgboost(name=f"depth_{depth}", max_depth=depth)
best = many.evaluate_performance(model_artifacts=many.outputs.get("depth_8", "model_artifacts"))

careful = len(candidates) > 2
gated = scored[0].require(min_auc=0.8) if careful else scored[0]
final = gated.register("churn-models")
