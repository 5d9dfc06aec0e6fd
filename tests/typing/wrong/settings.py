"""Settings that do not exist, or that take another type."""

from fluentpipe import Parameter, Pipeline

prepared = Pipeline("churn").load_data("s3://my-bucket/churn.csv", label="churn").preprocess()
trained = prepared.train_xgboost()

prepared.train_xgboost(max_dept=8)  # mypy: call-arg; pyright: reportCallIssue; ty: unknown-argument; pyrefly: unexpected-keyword
prepared.train_xgboost(max_depth="deep")  # mypy: arg-type; pyright: reportArgumentType; ty: invalid-argument-type; pyrefly: bad-argument-type
prepared.train_xgboost(8)  # mypy: call-arg; pyright: reportCallIssue; ty: too-many-positional-arguments; pyrefly: bad-argument-count
prepared.train_xgboost(tree_method="histogram")  # mypy: arg-type; pyright: reportArgumentType; ty: invalid-argument-type; pyrefly: bad-argument-type
prepared.train_xgboost(max_depth=Parameter("depth", "six"))  # mypy: arg-type; pyright: reportArgumentType; ty: invalid-argument-type; pyrefly: bad-argument-type
prepared.train_xgboost(max_depth=trained.outputs.xgboost_training.training_job_name)  # mypy: arg-type; pyright: reportArgumentType; ty: invalid-argument-type; pyrefly: bad-argument-type
prepared.train_xgboost(n_estimators=100.5)  # mypy: arg-type; pyright: reportArgumentType; ty: invalid-argument-type; pyrefly: bad-argument-type
prepared.train_xgboost(monotone_constraints={"age": "up"})  # mypy: dict-item; pyright: reportArgumentType; ty: invalid-argument-type; pyrefly: bad-assignment
prepared.train_xgboost(framework_version=Parameter("version", "3.0-5"))  # mypy: arg-type; pyright: reportArgumentType; ty: invalid-argument-type; pyrefly: bad-argument-type
prepared.preprocess_with_defaults(max_categories=5)  # mypy: call-arg; pyright: reportCallIssue; ty: unknown-argument; pyrefly: unexpected-keyword
Pipeline("churn").load_data(label="churn")  # mypy: call-arg; pyright: reportCallIssue; ty: missing-argument; pyrefly: missing-argument
Pipeline("churn").load_data("s3://my-bucket/churn.csv", format="xls")  # mypy: arg-type; pyright: reportArgumentType; ty: invalid-argument-type; pyrefly: bad-argument-type
trained.register()  # mypy: call-arg; pyright: reportCallIssue; ty: missing-argument; pyrefly: missing-argument
trained.register("churn-models", approval_status="approved")  # mypy: arg-type; pyright: reportArgumentType; ty: invalid-argument-type; pyrefly: bad-argument-type
prepared.train_xgbost()  # mypy: attr-defined; pyright: reportAttributeAccessIssue; ty: missing-attribute; pyrefly: missing-attribute
prepared.train_xgboost().evaluate_performance().require(min_acu=0.8)  # mypy: call-overload; pyright: reportCallIssue; ty: no-matching-overload; pyrefly: no-matching-overload
