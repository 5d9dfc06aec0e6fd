"""The program of `faults` in the classes of the SageMaker SDK, version 3."""

from __future__ import annotations

import pathlib
import types
from typing import Any

import offline
import sagemaker.core.telemetry.telemetry_logging as telemetry
from faults import BUCKET, IMAGE, INSTANCE, PLACE, ROLE, Program, written
from sagemaker.core.processing import ScriptProcessor
from sagemaker.core.shapes import (
    OutputDataConfig,
    ProcessingInput,
    ProcessingOutput,
    ProcessingS3Input,
    ProcessingS3Output,
)
from sagemaker.core.workflow.conditions import ConditionGreaterThanOrEqualTo
from sagemaker.core.workflow.execution_variables import ExecutionVariable
from sagemaker.core.workflow.functions import Join, JsonGet
from sagemaker.core.workflow.parameters import ParameterString
from sagemaker.core.workflow.pipeline_context import PipelineSession
from sagemaker.core.workflow.properties import PropertyFile
from sagemaker.mlops.workflow.condition_step import ConditionStep
from sagemaker.mlops.workflow.fail_step import FailStep
from sagemaker.mlops.workflow.pipeline import Pipeline
from sagemaker.mlops.workflow.steps import CacheConfig, ProcessingStep, TrainingStep
from sagemaker.train import ModelTrainer
from sagemaker.train.configs import Compute, InputData


def taken(name: str, uri: Any) -> ProcessingInput:
    place = ProcessingS3Input(s3_uri=uri, local_path=f"{PLACE}/{name}", s3_data_type="S3Prefix", s3_input_mode="File")
    return ProcessingInput(input_name=name, s3_input=place)


def made(name: str, path: str) -> ProcessingOutput:
    place = ProcessingS3Output(s3_uri=f"s3://{BUCKET}/{name}", local_path=path, s3_upload_mode="EndOfJob")
    return ProcessingOutput(output_name=name, s3_output=place)


def trained(program: Program, prepare: ProcessingStep, session: PipelineSession) -> Any:
    trainer = ModelTrainer(
        training_image=IMAGE,
        role=ROLE,
        sagemaker_session=session,
        base_job_name="faults",
        compute=Compute(instance_type=INSTANCE, instance_count=1),
        output_data_config=OutputDataConfig(s3_output_path=program.model_to),
        hyperparameters=dict(program.hyperparameters),
        input_data_config=[
            InputData(channel_name=name, data_source=program.train_from(prepare)) for name in program.channels
        ],
    )
    return trainer.train()


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
