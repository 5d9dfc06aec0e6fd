"""Mistakes with scripts and other services."""

from fluentpipe import Pipeline, RawData, TestData

loaded = Pipeline("churn").load_data("s3://my-bucket/churn.csv", label="churn")
loaded.process(image_uri="a/b:1", outputs={"rows": TestData}).train_xgboost()  # mypy: misc; pyright: reportAttributeAccessIssue; ty: invalid-argument-type; pyrefly: bad-argument-type
loaded.process(image_uri="a/b:1", inputs={"raw": 3})  # mypy: dict-item; pyright: reportArgumentType; ty: invalid-argument-type; pyrefly: no-matching-overload
loaded.train(image_uri="a/b:1", hyperparameters=3)  # mypy: arg-type; pyright: reportArgumentType; ty: invalid-argument-type; pyrefly: bad-argument-type
loaded.invoke_lambda(outputs={"a": str})  # mypy: call-arg; pyright: reportCallIssue; ty: missing-argument; pyrefly: missing-argument
loaded.spark("tests/programs/spark/thin_out.py", outputs={"rows": TestData}).train_xgboost()  # mypy: misc; pyright: reportAttributeAccessIssue; ty: invalid-argument-type; pyrefly: bad-argument-type
loaded.spark("tests/programs/spark/thin_out.py", access="ftp")  # mypy: call-overload; pyright: reportArgumentType; ty: invalid-argument-type; pyrefly: no-matching-overload
loaded.emr(cluster_id="j-1", outputs={"rows": TestData}).train_xgboost()  # mypy: misc; pyright: reportAttributeAccessIssue; ty: invalid-argument-type; pyrefly: bad-argument-type
loaded.emr_serverless("s3://b-cket/a.py", application_id="1")  # mypy: call-overload; pyright: reportCallIssue; ty: no-matching-overload; pyrefly: missing-argument
loaded.notebook("explore.ipynb")  # mypy: call-arg; pyright: reportCallIssue; ty: missing-argument; pyrefly: missing-argument
loaded.notebook("explore.ipynb", image_uri="a/b:1", inputs={"rows": 3})  # mypy: dict-item; pyright: reportArgumentType; ty: invalid-argument-type; pyrefly: bad-assignment
