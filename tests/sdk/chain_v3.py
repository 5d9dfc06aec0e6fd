"""The canonical chain in the classes of the SageMaker SDK, version 3."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import chain
import offline
import sagemaker.core.telemetry.telemetry_logging as telemetry
from sagemaker.core import image_uris
from sagemaker.core.model_metrics import MetricsSource, ModelMetrics
from sagemaker.core.processing import ScriptProcessor
from sagemaker.core.shapes import (
    OutputDataConfig,
    ProcessingInput,
    ProcessingOutput,
    ProcessingS3Input,
    ProcessingS3Output,
    StoppingCondition,
)
from sagemaker.core.workflow.conditions import ConditionGreaterThanOrEqualTo
from sagemaker.core.workflow.execution_variables import ExecutionVariables
from sagemaker.core.workflow.functions import Join, JsonGet
from sagemaker.core.workflow.parameters import ParameterString
from sagemaker.core.workflow.pipeline_context import PipelineSession
from sagemaker.core.workflow.properties import PropertyFile
from sagemaker.mlops.workflow.condition_step import ConditionStep
from sagemaker.mlops.workflow.fail_step import FailStep
from sagemaker.mlops.workflow.model_step import ModelStep
from sagemaker.mlops.workflow.pipeline import Pipeline
from sagemaker.mlops.workflow.steps import ProcessingStep, TrainingStep
from sagemaker.serve.model_builder import ModelBuilder
from sagemaker.train import ModelTrainer
from sagemaker.train.configs import Compute, InputData, SourceCode

EXECUTION_ID = ExecutionVariables.PIPELINE_EXECUTION_ID


def definition(programs: pathlib.Path) -> dict[str, Any]:
    """The definition that the SDK writes."""
    written: dict[str, Any] = json.loads(pipeline(programs).definition())
    return written


def pipeline(programs: pathlib.Path) -> Pipeline:
    """The pipeline, whose programs lie in a folder."""
    telemetry._send_telemetry_request = lambda *_, **__: None
    session = PipelineSession(offline.session(), sagemaker_config={}, default_bucket=chain.BUCKET)
    image = image_uris.retrieve("xgboost", region=offline.REGION, version=chain.XGBOOST)

    def destination(*segments: str) -> Join:
        prefix = f"s3://{chain.BUCKET}/{chain.PIPELINE}"
        return Join(on="/", values=[prefix, EXECUTION_ID, *segments])

    def processing_input(name: str, source: Any) -> ProcessingInput:
        place = ProcessingS3Input(
            s3_uri=source, local_path=f"{chain.IN}/{name}", s3_data_type="S3Prefix", s3_input_mode="File"
        )
        return ProcessingInput(input_name=name, s3_input=place)

    def processing_output(step: str, name: str) -> ProcessingOutput:
        place = ProcessingS3Output(
            s3_uri=destination(step, "output", name), local_path=f"{chain.OUT}/{name}", s3_upload_mode="EndOfJob"
        )
        return ProcessingOutput(output_name=name, s3_output=place)

    def processing(job: chain.Job, sources: list[Any], files: list[PropertyFile] | None = None) -> ProcessingStep:
        processor = ScriptProcessor(
            role=chain.ROLE,
            image_uri=image,
            command=["python3"],
            instance_count=1,
            instance_type=chain.INSTANCE,
            max_runtime_in_seconds=chain.MAX_RUNTIME,
            sagemaker_session=session,
        )
        arguments = processor.run(
            code=str(programs / job.script),
            inputs=[processing_input(name, source) for name, source in zip(job.inputs, sources, strict=True)],
            outputs=[processing_output(job.step, name) for name in job.outputs],
            arguments=list(job.words),
        )
        return ProcessingStep(name=job.step, step_args=arguments, property_files=files)

    def output(step: ProcessingStep, name: str) -> Any:
        return step.properties.ProcessingOutputConfig.Outputs[name].S3Output.S3Uri

    data = ParameterString("data", default_value=chain.SOURCE)
    load = processing(chain.LOAD, [data])
    prepared = processing(chain.PREPROCESS, [output(load, "raw_data")])
    trainer = ModelTrainer(
        training_image=image,
        source_code=SourceCode(source_dir=str(programs), entry_script="train.py"),
        hyperparameters=dict(chain.HYPERPARAMETERS),
        role=chain.ROLE,
        compute=Compute(instance_type=chain.INSTANCE, instance_count=1),
        stopping_condition=StoppingCondition(max_runtime_in_seconds=chain.TRAINING_RUNTIME),
        output_data_config=OutputDataConfig(s3_output_path=destination("xgboost_training")),
        input_data_config=[
            InputData(channel_name=name, data_source=output(prepared, source))
            for name, source in chain.CHANNELS.items()
        ],
        base_job_name="xgboost-training",
        sagemaker_session=session,
    )
    training = TrainingStep(name="xgboost_training", step_args=trainer.train())
    model_data = training.properties.ModelArtifacts.S3ModelArtifacts
    report = PropertyFile(name="evaluation_report", output_name="evaluation_report", path="evaluation.json")
    evaluation = processing(chain.EVALUATE, [model_data, output(prepared, "test_data")], [report])
    file = Join(on="/", values=[output(evaluation, "evaluation_report"), "evaluation.json"])
    metrics = ModelMetrics(model_statistics=MetricsSource(content_type="application/json", s3_uri=file))
    builder = ModelBuilder(
        image_uri=image,
        s3_model_data_url=model_data,
        role_arn=chain.ROLE,
        env_vars=dict(chain.SERVING),
        sagemaker_session=session,
    )
    registration = ModelStep(
        name="model_registration", step_args=builder.register(model_metrics=metrics, **chain.REGISTRATION)
    )
    gate = ConditionStep(
        name="quality_gate",
        conditions=[
            ConditionGreaterThanOrEqualTo(
                left=JsonGet(step_name=evaluation.name, property_file=report, json_path="metrics.auc"),
                right=chain.MIN_AUC,
            )
        ],
        if_steps=[registration],
        else_steps=[FailStep(name="quality_gate_failed", error_message=chain.FAILURE)],
    )
    return Pipeline(
        name=chain.PIPELINE,
        parameters=[data],
        steps=[load, prepared, training, evaluation, gate],
        sagemaker_session=session,
    )
