"""fluentpipe: one fluent chain, checked while it is written, run here and on Amazon SageMaker.

How a pipeline flows through the modules, in their order::

    contract, step, steps   what each step type takes and yields; one class each
    reference, proxy        lazy references to outputs
    resolve                 every input tied to one output
    plan                    the ordered graph
    materialize             the SageMaker pipeline definition, checked
    run                     the definition executed here
    pipeline                the fluent face of it all
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from fluentpipe._verbs import (
        BatchTransformOutputs,
        DataBaselineOutputs,
        DataBiasCheckOutputs,
        DataLoadingOutputs,
        DataQualityCheckOutputs,
        DriftCheckOutputs,
        ExplainabilityCheckOutputs,
        HyperparameterPreparationOutputs,
        LightgbmTrainingOutputs,
        ModelBiasCheckOutputs,
        ModelCalibrationOutputs,
        ModelCreationOutputs,
        ModelEvaluationOutputs,
        ModelQualityCheckOutputs,
        ModelRegistrationOutputs,
        ModelScoringOutputs,
        PytorchTrainingOutputs,
        QualityGateOutputs,
        SklearnTrainingOutputs,
        TabularPreprocessingOutputs,
        XGBoostTrainingOutputs,
        XGBoostTuningOutputs,
    )
    from fluentpipe.connection import check_connection
    from fluentpipe.contract import DependencySpec, OutputSpec, StepContract
    from fluentpipe.definition import Definition
    from fluentpipe.errors import (
        DefinitionError,
        FluentpipeError,
        GateFailed,
        ResolveError,
        RunError,
        SettingError,
        StepFailed,
    )
    from fluentpipe.expression import Condition, Join
    from fluentpipe.function import step
    from fluentpipe.jobs import ProcessingStep, TrainingStep
    from fluentpipe.kinds import (
        Baseline,
        CalibrationReport,
        CheckFile,
        CustomProperty,
        DataBias,
        DataQuality,
        DependencyType,
        DriftReport,
        EvaluationReport,
        ExecutedNotebook,
        Explainability,
        Figures,
        Hyperparameters,
        JobName,
        Kind,
        ModelArtifacts,
        ModelBias,
        ModelName,
        ModelPackage,
        ModelQuality,
        Predictions,
        PreprocessingModel,
        ProcessingOutput,
        RawData,
        TestData,
        TrainingData,
        ValidationData,
    )
    from fluentpipe.network import Vpc
    from fluentpipe.pipeline import Pipeline
    from fluentpipe.ranges import Categorical, Continuous, Integer
    from fluentpipe.reference import ExecutionVariable, JsonGet, Parameter, PropertyReference
    from fluentpipe.retry import Retry
    from fluentpipe.serving import predict
    from fluentpipe.settings import setting
    from fluentpipe.step import Step

_HOMES = {
    "_verbs": (
        "BatchTransformOutputs", "DataBaselineOutputs", "DataLoadingOutputs", "DriftCheckOutputs", "HyperparameterPreparationOutputs", "LightgbmTrainingOutputs", "ModelCalibrationOutputs", "ModelCreationOutputs", "ModelEvaluationOutputs", "ModelRegistrationOutputs", "ModelScoringOutputs", "PytorchTrainingOutputs", "QualityGateOutputs",
        "DataBiasCheckOutputs", "DataQualityCheckOutputs", "ExplainabilityCheckOutputs", "ModelBiasCheckOutputs", "ModelQualityCheckOutputs",
        "SklearnTrainingOutputs", "TabularPreprocessingOutputs", "XGBoostTrainingOutputs", "XGBoostTuningOutputs",
    ),
    "connection": ("check_connection",),
    "contract": ("DependencySpec", "OutputSpec", "StepContract"),
    "definition": ("Definition",),
    "expression": ("Condition", "Join"),
    "errors": (
        "DefinitionError", "FluentpipeError", "GateFailed", "ResolveError", "RunError", "SettingError", "StepFailed",
    ),
    "function": ("step",),
    "jobs": ("ProcessingStep", "TrainingStep"),
    "kinds": (
        "CheckFile", "DataBias", "DataQuality", "Explainability", "ModelBias", "ModelQuality",
        "Baseline", "CalibrationReport", "CustomProperty", "DependencyType", "DriftReport", "EvaluationReport", "ExecutedNotebook", "Figures", "Hyperparameters", "JobName", "Kind", "ModelArtifacts",
        "ModelName", "ModelPackage", "Predictions", "PreprocessingModel", "ProcessingOutput", "RawData", "TestData", "TrainingData",
        "ValidationData",
    ),
    "network": ("Vpc",),
    "pipeline": ("Pipeline",),
    "ranges": ("Categorical", "Continuous", "Integer"),
    "reference": ("ExecutionVariable", "JsonGet", "Parameter", "PropertyReference"),
    "retry": ("Retry",),
    "serving": ("predict",),
    "settings": ("setting",),
    "step": ("Step",),
}  # fmt: skip
_HOME = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "Baseline",
    "BatchTransformOutputs",
    "CalibrationReport",
    "Categorical",
    "CheckFile",
    "Condition",
    "Continuous",
    "CustomProperty",
    "DataBaselineOutputs",
    "DataBias",
    "DataBiasCheckOutputs",
    "DataLoadingOutputs",
    "DataQuality",
    "DataQualityCheckOutputs",
    "Definition",
    "DefinitionError",
    "DependencySpec",
    "DependencyType",
    "DriftCheckOutputs",
    "DriftReport",
    "EvaluationReport",
    "ExecutedNotebook",
    "ExecutionVariable",
    "Explainability",
    "ExplainabilityCheckOutputs",
    "Figures",
    "FluentpipeError",
    "GateFailed",
    "HyperparameterPreparationOutputs",
    "Hyperparameters",
    "Integer",
    "JobName",
    "Join",
    "JsonGet",
    "Kind",
    "LightgbmTrainingOutputs",
    "ModelArtifacts",
    "ModelBias",
    "ModelBiasCheckOutputs",
    "ModelCalibrationOutputs",
    "ModelCreationOutputs",
    "ModelEvaluationOutputs",
    "ModelName",
    "ModelPackage",
    "ModelQuality",
    "ModelQualityCheckOutputs",
    "ModelRegistrationOutputs",
    "ModelScoringOutputs",
    "OutputSpec",
    "Parameter",
    "Pipeline",
    "Predictions",
    "PreprocessingModel",
    "ProcessingOutput",
    "ProcessingStep",
    "PropertyReference",
    "PytorchTrainingOutputs",
    "QualityGateOutputs",
    "RawData",
    "ResolveError",
    "Retry",
    "RunError",
    "SettingError",
    "SklearnTrainingOutputs",
    "Step",
    "StepContract",
    "StepFailed",
    "TabularPreprocessingOutputs",
    "TestData",
    "TrainingData",
    "TrainingStep",
    "ValidationData",
    "Vpc",
    "XGBoostTrainingOutputs",
    "XGBoostTuningOutputs",
    "check_connection",
    "predict",
    "setting",
    "step",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'fluentpipe' has no attribute {name!r}")
    from importlib import import_module

    found = getattr(import_module(f"fluentpipe.{_HOME[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
