"""The canonical pipeline in fluentpipe."""

import sys

from fluentpipe import Pipeline

pipe = (
    Pipeline("churn")
    .load_data("s3://my-bucket/churn.csv", label="churn")
    .preprocess()
    .train_xgboost(max_depth=8)
    .evaluate_performance()
    .require(min_auc=0.8, max_training_time="4 hours")
    .register("churn-models")
)
definition = pipe.materialize(
    role="arn:aws:iam::111122223333:role/SageMakerRole", bucket="my-bucket", region="us-east-1"
)
definition.write(sys.argv[1])
