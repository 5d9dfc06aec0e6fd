"""The canonical chain in the classes of the SageMaker SDK, version 2."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import chain
import offline
import sagemaker.telemetry.telemetry_logging as telemetry
from sagemaker import image_uris
from sagemaker.inputs import TrainingInput
from sagemaker.model import Model
from sagemaker.model_metrics import MetricsSource, ModelMetrics
from sagemaker.processing import ProcessingInput, ProcessingOutput, ScriptProcessor
from sagemaker.workflow.condition_step import ConditionStep
from sagemaker.workflow.conditions import ConditionGreaterThanOrEqualTo
from sagemaker.workflow.execution_variables import ExecutionVariables
from sagemaker.workflow.fail_step import FailStep
from sagemaker.workflow.functions import Join, JsonGet
from sagemaker.workflow.model_step import ModelStep
from sagemaker.workflow.parameters import ParameterString
from sagemaker.workflow.pipeline import Pipeline
from sagemaker.workflow.pipeline_context import PipelineSession
from sagemaker.workflow.properties import PropertyFile
from sagemaker.workflow.steps import ProcessingStep, TrainingStep
from sagemaker.xgboost import XGBoost

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
            inputs=[
                ProcessingInput(source=source, destination=f"{chain.IN}/{name}", input_name=name)
                for name, source in zip(job.inputs, sources, strict=True)
            ],
            outputs=[ProcessingOutput(source=f"{chain.OUT}/{name}", output_name=name) for name in job.outputs],
            arguments=list(job.words),
        )
        return ProcessingStep(name=job.step, step_args=arguments, property_files=files)

    def output(step: ProcessingStep, name: str) -> Any:
        return step.properties.ProcessingOutputConfig.Outputs[name].S3Output.S3Uri

    data = ParameterString("data", default_value=chain.SOURCE)
    load = processing(chain.LOAD, [data])
    prepared = processing(chain.PREPROCESS, [output(load, "raw_data")])
    estimator = XGBoost(
        entry_point="train.py",
        source_dir=str(programs),
        framework_version=chain.XGBOOST,
        hyperparameters=chain.HYPERPARAMETERS,
        role=chain.ROLE,
        instance_count=1,
        instance_type=chain.INSTANCE,
        max_run=chain.TRAINING_RUNTIME,
        output_path=Join(on="/", values=[f"s3://{chain.BUCKET}/{chain.PIPELINE}", EXECUTION_ID, "xgboost_training"]),
        sagemaker_session=session,
    )
    channels = {name: TrainingInput(output(prepared, source)) for name, source in chain.CHANNELS.items()}
    training = TrainingStep(name="xgboost_training", step_args=estimator.fit(channels))
    model_data = training.properties.ModelArtifacts.S3ModelArtifacts
    report = PropertyFile(name="evaluation_report", output_name="evaluation_report", path="evaluation.json")
    evaluation = processing(chain.EVALUATE, [model_data, output(prepared, "test_data")], [report])
    file = Join(on="/", values=[output(evaluation, "evaluation_report"), "evaluation.json"])
    metrics = ModelMetrics(model_statistics=MetricsSource(content_type="application/json", s3_uri=file))
    model = Model(
        image_uri=image, model_data=model_data, role=chain.ROLE, env=dict(chain.SERVING), sagemaker_session=session
    )
    registration = ModelStep(
        name="model_registration", step_args=model.register(model_metrics=metrics, **chain.REGISTRATION)
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
