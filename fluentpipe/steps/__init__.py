"""The built-in step types, one file per verb; importing this declares them all."""

# In the order of the flow, which is the order of declaration.
from fluentpipe.steps.load_data import DataLoading  # isort: skip
from fluentpipe.steps.preprocess import TabularPreprocessing  # isort: skip
from fluentpipe.steps.train_xgboost import XGBoostTraining  # isort: skip
from fluentpipe.steps.evaluate_performance import ModelEvaluation  # isort: skip
from fluentpipe.steps.require import QualityGate  # isort: skip
from fluentpipe.steps.register import ModelRegistration  # isort: skip

__all__ = [
    "DataLoading",
    "ModelEvaluation",
    "ModelRegistration",
    "QualityGate",
    "TabularPreprocessing",
    "XGBoostTraining",
]
