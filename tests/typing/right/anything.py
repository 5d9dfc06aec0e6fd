"""Scripts and other services: what the call declares is what later steps find."""

from pathlib import Path

from fluentpipe import OutputSpec, Pipeline, RawData, TrainingData, ValidationData

loaded = Pipeline("churn").load_data("s3://my-bucket/churn.csv", label="churn")
one = loaded.process(image_uri="a/b:1", inputs={"raw": RawData}, outputs={"train": TrainingData}).train_xgboost()
two = loaded.process(image_uri="a/b:1", outputs={"train": TrainingData, "validation": ValidationData}).train_xgboost()
general = loaded.process(
    image_uri="a/b:1", outputs=["train"], arguments=["--all"], instance_type="ml.m5.large"
).train_xgboost()
full = loaded.process(outputs=[OutputSpec("train", TrainingData)], image_uri="a/b:1", name="own").train_xgboost()
trained = loaded.train(
    image_uri="a/b:1", inputs={"rows": "s3://my-bucket/rows"}, hyperparameters={"depth": 3}
).register("churn")
asked = loaded.invoke_lambda("arn:aws:lambda:us-east-1:111122223333:function:f", outputs={"ticket": str, "open": int})
answered = asked.callback("https://sqs.us-east-1.amazonaws.com/111122223333/q", inputs={"raw": RawData}).preprocess()
features = loaded.spark(
    "tests/programs/spark/thin_out.py", inputs={"raw": RawData}, outputs={"train": TrainingData}, arguments={"months": 3},
    py_files=["tests/sdk/code/train.py"], instance_count=4,
).train_xgboost()  # fmt: skip
several = loaded.spark("tests/programs/spark/thin_out.py", outputs=["train"], access="file").train_xgboost()
on_cluster = loaded.emr(
    arguments=["spark-submit", Path("tests/programs/notebook/beside.py"), "--share", 0.5], inputs={"raw": RawData},
    outputs={"train": TrainingData}, cluster_id="j-1",
).train_xgboost()  # fmt: skip
without = loaded.emr_serverless(
    "s3://my-bucket/a.py",
    execution_role="arn:aws:iam::111122223333:role/Spark",
    application_id="00f1",
    outputs=["train"],
).train_xgboost()
explored = loaded.notebook(
    Path("tests/programs/notebook/explore.ipynb"), image_uri="a/b:1", inputs={"rows": RawData}, parameters={"least": 5}
).preprocess()
