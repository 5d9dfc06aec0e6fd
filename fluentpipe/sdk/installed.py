"""Which SageMaker SDK is installed, and its classes, wherever that version keeps them."""

from __future__ import annotations

import contextlib
import functools
import os
import warnings
from collections.abc import Iterator, Mapping
from importlib import import_module, metadata
from typing import Any

from fluentpipe.errors import MissingExtra

# Name of a class -> the module that has it below `sagemaker`, in version 2 and in version 3. Read off releases 2.257.7 and
# 3.27.0, which the tests in tests/sdk run with.
_HOMES: Mapping[str, tuple[str, str]] = {
    "Pipeline": ("workflow.pipeline", "mlops.workflow.pipeline"),
    "PipelineDefinitionConfig": ("workflow.pipeline_definition_config", "core.workflow.pipeline_definition_config"),
    "PipelineExperimentConfig": ("workflow.pipeline_experiment_config", "mlops.workflow.pipeline_experiment_config"),
    "PipelineSession": ("workflow.pipeline_context", "core.workflow.pipeline_context"),
    "PipelineVariable": ("workflow.entities", "core.helper.pipeline_variable"),
    "StepsCompiler": ("workflow._steps_compiler", "mlops.workflow._steps_compiler"),
    "MlflowConfig": ("", "core.shapes"),
    "load_sagemaker_config": ("config", "core.config.config"),
    # steps
    "Step": ("workflow.steps", "mlops.workflow.steps"),
    "StepTypeEnum": ("workflow.steps", "mlops.workflow.steps"),
    "ConfigurableRetryStep": ("workflow.steps", "mlops.workflow.steps"),
    "CacheConfig": ("workflow.steps", "mlops.workflow.steps"),
    "RetryPolicy": ("workflow.retry", "mlops.workflow.retry"),
    "StepDependency": ("", "mlops.workflow.step_dependency"),
    "TriggerCondition": ("", "mlops.workflow.step_dependency"),
    "ProcessingStep": ("workflow.steps", "mlops.workflow.steps"),
    "TrainingStep": ("workflow.steps", "mlops.workflow.steps"),
    "TransformStep": ("workflow.steps", "mlops.workflow.steps"),
    "TuningStep": ("workflow.steps", "mlops.workflow.steps"),
    "ConditionStep": ("workflow.condition_step", "mlops.workflow.condition_step"),
    "FailStep": ("workflow.fail_step", "mlops.workflow.fail_step"),
    "LambdaStep": ("workflow.lambda_step", "mlops.workflow.lambda_step"),
    "LambdaOutput": ("workflow.lambda_step", "mlops.workflow.lambda_step"),
    "LambdaOutputTypeEnum": ("workflow.lambda_step", "mlops.workflow.lambda_step"),
    "CallbackStep": ("workflow.callback_step", "mlops.workflow.callback_step"),
    "CallbackOutput": ("workflow.callback_step", "mlops.workflow.callback_step"),
    "CallbackOutputTypeEnum": ("workflow.callback_step", "mlops.workflow.callback_step"),
    "EMRStep": ("workflow.emr_step", "mlops.workflow.emr_step"),
    "QualityCheckStep": ("workflow.quality_check_step", "mlops.workflow.quality_check_step"),
    "ClarifyCheckStep": ("workflow.clarify_check_step", "mlops.workflow.clarify_check_step"),
    "AutoMLStep": ("workflow.automl_step", "mlops.workflow.automl_step"),
    "ModelStep": ("workflow.model_step", "mlops.workflow.model_step"),
    "CreateModelStep": ("workflow.steps", ""),
    "_RegisterModelStep": ("workflow._utils", ""),
    # what may stand in a request
    "Join": ("workflow.functions", "core.workflow.functions"),
    "JsonGet": ("workflow.functions", "core.workflow.functions"),
    "Properties": ("workflow.properties", "core.workflow.properties"),
    "PropertyFile": ("workflow.properties", "core.workflow.properties"),
    "ExecutionVariable": ("workflow.execution_variables", "core.workflow.execution_variables"),
    "Parameter": ("workflow.parameters", "core.workflow.parameters"),
    "ParameterBoolean": ("workflow.parameters", "core.workflow.parameters"),
    "ParameterFloat": ("workflow.parameters", "core.workflow.parameters"),
    "ParameterInteger": ("workflow.parameters", "core.workflow.parameters"),
    "ParameterString": ("workflow.parameters", "core.workflow.parameters"),
    "ConditionEquals": ("workflow.conditions", "core.workflow.conditions"),
    "ConditionGreaterThan": ("workflow.conditions", "core.workflow.conditions"),
    "ConditionGreaterThanOrEqualTo": ("workflow.conditions", "core.workflow.conditions"),
    "ConditionIn": ("workflow.conditions", "core.workflow.conditions"),
    "ConditionLessThan": ("workflow.conditions", "core.workflow.conditions"),
    "ConditionLessThanOrEqualTo": ("workflow.conditions", "core.workflow.conditions"),
    "ConditionNot": ("workflow.conditions", "core.workflow.conditions"),
    "ConditionOr": ("workflow.conditions", "core.workflow.conditions"),
}
_FIX = "pip install 'fluentpipe[sagemaker]'; version 2 works as well: pip install 'sagemaker<3'"


class Sdk:
    """An installed SDK: its classes as attributes, imported when they are asked for."""

    def __init__(self, version: str) -> None:
        self.version = version
        self.major = int(version.partition(".")[0])

    def has(self, name: str) -> bool:
        """Whether this major has the class."""
        return name in _HOMES and bool(_HOMES[name][self.major - 2])

    def __getattr__(self, name: str) -> Any:
        if not self.has(name):
            raise AttributeError(name)
        with _quietly():
            found = getattr(import_module(f"sagemaker.{_HOMES[name][self.major - 2]}"), name)
        vars(self)[name] = found
        return found

    def __repr__(self) -> str:
        return f"<SageMaker SDK {self.version}>"


def installed() -> Sdk:
    """The SDK of this environment.

    Raises:
        MissingExtra: There is none, or of a major that is not known.
    """
    version = _version()
    major = version.partition(".")[0]
    if not version:
        raise MissingExtra("The SageMaker Python SDK is not installed.", fix=_FIX)
    if major not in {"2", "3"}:
        raise MissingExtra(
            f"The SageMaker Python SDK {version} is installed; fluentpipe knows versions 2 and 3.", fix=_FIX
        )
    return _sdk(version)


@functools.lru_cache(maxsize=2)
def _sdk(version: str) -> Sdk:
    return Sdk(version)


def _version() -> str:
    """Of the package, or of the part of version 3 that defines pipelines, which can be installed alone."""
    with contextlib.suppress(metadata.PackageNotFoundError):
        return metadata.version("sagemaker")
    with contextlib.suppress(metadata.PackageNotFoundError):
        metadata.version("sagemaker-mlops")
        return "3"
    return ""


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Import without the warnings of the SDK's dependencies, and with a region: version 3 makes a client on import."""
    region = os.environ.get("AWS_DEFAULT_REGION")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
        try:
            yield
        finally:
            if region is None:
                del os.environ["AWS_DEFAULT_REGION"]
