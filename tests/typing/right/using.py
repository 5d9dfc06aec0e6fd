"""What a pipeline is used for has types too."""

from collections.abc import Mapping

from fluentpipe import Definition, Pipeline

pipe = Pipeline("churn").load_data("s3://my-bucket/churn.csv", label="churn").preprocess_with_defaults().train_xgboost()
definition: Definition = pipe.materialize(region="us-east-1")
names: tuple[str, ...] = pipe.outputs.tabular_preprocessing.list_outputs()
everything: Mapping[str, tuple[str, ...]] = pipe.outputs.list_outputs()
steps = [step.name for step in pipe.steps]
why = str(pipe.explain())


def train() -> Mapping[str, float | None]:
    return pipe.run(data="churn.csv").metrics
