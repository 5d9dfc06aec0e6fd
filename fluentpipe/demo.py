"""The demo: the whole chain on real data, here and now."""

from __future__ import annotations

from pathlib import Path

from fluentpipe.kinds import ModelPackage
from fluentpipe.pipeline import Pipeline

DATA = Path(__file__).with_name("data") / "telco_churn.csv.gz"
"""7,043 customers of a telecommunications company; see data/README.md for the source."""

MIN_AUC = 0.80

CODE = f"""\
from fluentpipe import Pipeline
from fluentpipe.demo import DATA  # {DATA.name}

pipe = Pipeline("churn").load_data(DATA, label="churn").preprocess().train_xgboost()
pipe = pipe.evaluate_performance().require(min_auc={MIN_AUC:.2f}).register("churn-models")
run = pipe.run()
"""


def demo_pipeline() -> Pipeline[ModelPackage]:
    """Load, preprocess, train, evaluate; register the model if its AUC is at least 0.80."""
    return (
        Pipeline("churn")
        .load_data(DATA, label="churn")
        .preprocess()
        .train_xgboost()
        .evaluate_performance()
        .require(min_auc=MIN_AUC)
        .register("churn-models")
    )
