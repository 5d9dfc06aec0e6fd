"""A baseline, rows compared with it, what reads the report, and what happens by itself."""

from typing import TYPE_CHECKING

from fluentpipe import Baseline, DataQuality, DriftReport, Parameter, Pipeline, PropertyReference, RawData

loaded = Pipeline("churn").load_data("s3://my-bucket/churn.csv", label="churn")
checked = loaded.baseline().check_drift(rows=Parameter("month", "s3://my-bucket/march"), alpha=0.05, fail_on_drift=True)
trained = checked.preprocess().train_xgboost()
kept: PropertyReference[Baseline] = checked.outputs.data_baseline.baseline
report: PropertyReference[DriftReport] = checked.outputs.drift_check.drift_report
gated = loaded.baseline().check_drift().require(report.json("metrics.max_psi") <= 0.2)
rows = Parameter("month", "s3://my-bucket/march")
watch = Pipeline("watch").provide(Baseline, "s3://my-bucket/baseline").provide(RawData, rows).check_drift()

compared = loaded.check_quality(group="churn-models", skip_check=Parameter("first", default=True))
found: PropertyReference[DataQuality] = compared.outputs.data_quality_check.constraints
fair = compared.check_bias({"gender": "Female"}, positive="No").preprocess().train_xgboost().evaluate_performance()
asked = fair.check_model_quality("binary", threshold=0.4).create_model().check_model_bias("gender", positive=["No"])
known = asked.check_explainability(num_samples=100).register("churn-models", data_quality=found)

if TYPE_CHECKING:
    made = watch.schedule(
        "rate(1 day)", "SchedulerRole", timezone="Europe/Berlin", parameters={"month": "s3://my-bucket/april"}
    )
    expression: str = made.expression
    topic: str = watch.alarm("arn:aws:sns:us-east-1:111122223333:alarms", steps="drift_check_failed").topic
