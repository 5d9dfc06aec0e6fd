"""Branches, repetition, defaults and job types keep the state."""

from typing import TypeVar

from fluentpipe import (
    CustomProperty,
    EvaluationReport,
    ModelArtifacts,
    OutputSpec,
    Parameter,
    Pipeline,
    PropertyReference,
    Retry,
    TrainingData,
    Vpc,
)

S = TypeVar("S")
shared = Pipeline("churn").defaults(
    instance_type="ml.m5.large",
    tags={"team": "ml"},
    cache="P30D",
    retry=Retry("SageMaker.CAPACITY_ERROR", attempts=3),
    vpc=Vpc(["subnet-0a1b2c3d"], ["sg-0a1b2c3d"]),
    training={"instance_type": "ml.c5.4xlarge"},
)
prepared = shared.load_data("s3://my-bucket/churn.csv", label="churn").preprocess(job_type="training")
scored = prepared.train_xgboost(use_spot=True, depends_on="data_loading", retry=2).evaluate_performance(cache=False)
report: PropertyReference[EvaluationReport] = scored.outputs.model_evaluation.evaluation_report

branched = (
    scored.when((report.json("metrics.auc") >= 0.8) & ~report.json("task").is_in(["regression"]))
    .then(lambda p: p.require(min_f1=0.5).register("champions"))
    .otherwise(
        lambda p: (
            p.when(Parameter("strict", default=True) == True, name="strict")  # noqa: E712  a condition of the run
            .then(lambda q: q.fail(f"no champion: {report.json('metrics.auc')}"))
            .otherwise(lambda q: q.train_xgboost(name="second").evaluate_performance(name="again"))
        )
    )
)
branched.register("always", name="always")
half = scored.when(report.json("rows") > 100).then(lambda p: p.register("large", name="large"))
half.register("any", name="any")

depths = prepared.for_each([4, 8], lambda p, depth: p.train_xgboost(name=f"depth_{depth}", max_depth=depth))
best = depths.evaluate_performance(model_artifacts=depths.outputs.get("depth_4", "model_artifacts"))
calibration = prepared.outputs.tabular_preprocessing_training.train_data


def challenged(pipe: Pipeline[TrainingData]) -> Pipeline[ModelArtifacts]:
    return pipe.train_xgboost(name="challenger", depends_on=[calibration, prepared.outputs.data_loading])


best.for_each(["only"], lambda p, _: challenged(p))

notified = scored.raw_step(
    {"Type": "Lambda", "FunctionArn": "arn:aws:lambda:us-east-1:111122223333:function:tell"},
    outputs=[OutputSpec("ticket", CustomProperty, "OutputParameters['ticket']")],
    name="notify",
)
ticket = notified.outputs.get("notify", "ticket")
