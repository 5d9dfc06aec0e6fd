"""The program of `faults` in the classes of the SageMaker SDK, version 2."""

from __future__ import annotations

import pathlib
import types
from typing import Any

import offline
import sagemaker.telemetry.telemetry_logging as telemetry
from faults import BUCKET, IMAGE, INSTANCE, PLACE, ROLE, Program, written
from sagemaker.estimator import Estimator
from sagemaker.inputs import TrainingInput
from sagemaker.processing import ProcessingInput, ProcessingOutput, ScriptProcessor
from sagemaker.workflow.condition_step import ConditionStep
from sagemaker.workflow.conditions import ConditionGreaterThanOrEqualTo
from sagemaker.workflow.execution_variables import ExecutionVariable
from sagemaker.workflow.fail_step import FailStep
from sagemaker.workflow.functions import Join, JsonGet
from sagemaker.workflow.parameters import ParameterString
from sagemaker.workflow.pipeline import Pipeline
from sagemaker.workflow.pipeline_context import PipelineSession
from sagemaker.workflow.properties import PropertyFile
from sagemaker.workflow.steps import CacheConfig, ProcessingStep, TrainingStep


class CannotBeWritten(Exception):
    """The SDK's own classes have no way to say this."""


def taken(name: str, uri: Any) -> ProcessingInput:
    return ProcessingInput(source=uri, destination=f"{PLACE}/{name}", input_name=name)


def made(name: str, path: str) -> ProcessingOutput:
    return ProcessingOutput(source=path, output_name=name, destination=f"s3://{BUCKET}/{name}")


def trained(program: Program, prepare: ProcessingStep, session: PipelineSession) -> Any:
    if len(set(program.channels)) < len(program.channels):
        raise CannotBeWritten("channels are the keys of a dict")
    estimator = Estimator(
        image_uri=IMAGE,
        role=ROLE,
        instance_count=1,
        instance_type=INSTANCE,
        output_path=program.model_to,
        hyperparameters=dict(program.hyperparameters),
        sagemaker_session=session,
    )
    return estimator.fit({name: TrainingInput(program.train_from(prepare)) for name in program.channels})


SDK = types.SimpleNamespace(
    CacheConfig=CacheConfig,
    ConditionGreaterThanOrEqualTo=ConditionGreaterThanOrEqualTo,
    ConditionStep=ConditionStep,
    ExecutionVariable=ExecutionVariable,
    FailStep=FailStep,
    Join=Join,
    JsonGet=JsonGet,
    ParameterString=ParameterString,
    Pipeline=Pipeline,
    ProcessingStep=ProcessingStep,
    PropertyFile=PropertyFile,
    ScriptProcessor=ScriptProcessor,
    TrainingStep=TrainingStep,
    made=made,
    taken=taken,
    trained=trained,
)


def definition(program: Program, script: pathlib.Path) -> dict[str, Any]:
    """The definition that the SDK writes of a program; raises what the SDK raises."""
    telemetry._send_telemetry_request = lambda *_, **__: None
    session = PipelineSession(offline.session(), sagemaker_config={}, default_bucket=BUCKET)
    return written(program, script, session, SDK)
