"""Branches and shared settings that cannot be."""

from fluentpipe import Pipeline

loaded = Pipeline("churn").load_data("s3://my-bucket/churn.csv", label="churn")
scored = loaded.preprocess().train_xgboost().evaluate_performance()
good = scored.outputs.model_evaluation.evaluation_report.json("metrics.auc") >= 0.8

loaded.otherwise(lambda p: p.fail("never"))  # mypy: misc; pyright: reportAttributeAccessIssue; ty: invalid-argument-type; pyrefly: bad-argument-type
scored.when(good).register("too early")  # mypy: attr-defined; pyright: reportAttributeAccessIssue; ty: missing-attribute; pyrefly: missing-attribute
scored.when(True).then(lambda p: p)  # mypy: arg-type; pyright: reportArgumentType; ty: invalid-argument-type; pyrefly: bad-argument-type
scored.when(good).then(lambda p: p.register(group=8))  # mypy: arg-type; pyright: reportArgumentType; ty: invalid-argument-type; pyrefly: bad-argument-type
scored.when(good).then(lambda p: p.train_xgbost())  # mypy: attr-defined; pyright: reportAttributeAccessIssue; ty: missing-attribute; pyrefly: missing-attribute
scored.when(good).then(lambda p: None)  # mypy: arg-type+return-value; pyright: reportArgumentType; ty: invalid-argument-type; pyrefly: bad-argument-type
loaded.when(good).then(lambda p: p.register("none"))  # mypy: misc; pyright: reportAttributeAccessIssue; ty: invalid-argument-type; pyrefly: bad-argument-type
loaded.when(good).then(lambda p: p.fail("no")).otherwise(lambda p: p.train_xgboost())  # mypy: misc; pyright: reportAttributeAccessIssue; ty: invalid-argument-type; pyrefly: bad-argument-type
loaded.for_each([4, 8], lambda p, depth: p.train_xgboost(name=f"depth_{depth}"))  # mypy: misc; pyright: reportAttributeAccessIssue; ty: invalid-argument-type; pyrefly: bad-argument-type
loaded.preprocess().for_each([4, 8], lambda p, depth: p.train_xgboost(name=f"depth_{depth}")).require(min_auc=0.8)  # mypy: arg-type; pyright: reportArgumentType; ty: no-matching-overload; pyrefly: no-matching-overload
loaded.preprocess(job_type="calibraton")  # mypy: arg-type; pyright: reportArgumentType; ty: invalid-argument-type; pyrefly: bad-argument-type
loaded.preprocess(depends_on=4)  # mypy: arg-type; pyright: reportArgumentType; ty: invalid-argument-type; pyrefly: bad-argument-type
Pipeline("churn").defaults(instance_typ="ml.m5.large")  # mypy: call-arg; pyright: reportCallIssue; ty: unknown-argument; pyrefly: unexpected-keyword
Pipeline("churn").defaults(use_spot="yes")  # mypy: arg-type; pyright: reportArgumentType; ty: invalid-argument-type; pyrefly: bad-argument-type
scored.fail()  # mypy: call-arg; pyright: reportCallIssue; ty: missing-argument; pyrefly: missing-argument
