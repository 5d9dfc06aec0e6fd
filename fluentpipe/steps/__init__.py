"""The built-in step types, one file per verb; importing this declares them all."""

# In the order of the flow, which is the order of declaration.
from fluentpipe.steps.load_data import DataLoading  # isort: skip
from fluentpipe.steps.preprocess import TabularPreprocessing  # isort: skip
from fluentpipe.steps.prepare_hyperparameters import HyperparameterPreparation  # isort: skip
from fluentpipe.steps.train_xgboost import XGBoostTraining  # isort: skip
from fluentpipe.steps.tune_xgboost import XGBoostTuning  # isort: skip
from fluentpipe.steps.train_sklearn import SklearnTraining  # isort: skip
from fluentpipe.steps.train_lightgbm import LightgbmTraining  # isort: skip
from fluentpipe.steps.calibrate import ModelCalibration  # isort: skip
from fluentpipe.steps.evaluate_performance import ModelEvaluation  # isort: skip
from fluentpipe.steps.require import QualityGate  # isort: skip
from fluentpipe.steps.register import ModelRegistration  # isort: skip
from fluentpipe.steps.create_model import ModelCreation  # isort: skip
from fluentpipe.steps.batch_transform import BatchTransform  # isort: skip
from fluentpipe.steps.score import ModelScoring  # isort: skip
from fluentpipe.steps.baseline import DataBaseline  # isort: skip
from fluentpipe.steps.check_drift import DriftCheck  # isort: skip
from fluentpipe.steps.check_quality import DataQualityCheck, ModelQualityCheck  # isort: skip
from fluentpipe.steps.check_bias import DataBiasCheck, ModelBiasCheck  # isort: skip
from fluentpipe.steps.check_explainability import ExplainabilityCheck  # isort: skip
from fluentpipe.steps.when import Branch  # isort: skip
from fluentpipe.steps.fail import Failure  # isort: skip
from fluentpipe.steps.raw_step import RawStep  # isort: skip
from fluentpipe.steps.process import ScriptProcessing  # isort: skip
from fluentpipe.steps.spark import SparkProcessing  # isort: skip
from fluentpipe.steps.train import ScriptTraining  # isort: skip
from fluentpipe.steps.invoke_lambda import Callback, LambdaInvocation  # isort: skip
from fluentpipe.steps.train_pytorch import PytorchTraining  # isort: skip
from fluentpipe.steps.emr import EmrProgram  # isort: skip
from fluentpipe.steps.emr_serverless import EmrServerlessJob  # isort: skip
from fluentpipe.steps.notebook import NotebookExecution  # isort: skip

__all__ = [
    "BatchTransform",
    "Branch",
    "Callback",
    "DataBaseline",
    "DataBiasCheck",
    "DataLoading",
    "DataQualityCheck",
    "DriftCheck",
    "EmrProgram",
    "EmrServerlessJob",
    "ExplainabilityCheck",
    "Failure",
    "HyperparameterPreparation",
    "LambdaInvocation",
    "LightgbmTraining",
    "ModelBiasCheck",
    "ModelCalibration",
    "ModelCreation",
    "ModelEvaluation",
    "ModelQualityCheck",
    "ModelRegistration",
    "ModelScoring",
    "NotebookExecution",
    "PytorchTraining",
    "QualityGate",
    "RawStep",
    "ScriptProcessing",
    "ScriptTraining",
    "SklearnTraining",
    "SparkProcessing",
    "TabularPreprocessing",
    "XGBoostTraining",
    "XGBoostTuning",
]
