"""The runnable pipeline in the classes of the SageMaker SDK, version 3."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import offline
import runnable
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
)
from sagemaker.core.workflow.conditions import ConditionGreaterThanOrEqualTo
from sagemaker.core.workflow.functions import Join, JsonGet
from sagemaker.core.workflow.parameters import ParameterFloat, ParameterInteger, ParameterString
from sagemaker.core.workflow.pipeline_context import PipelineSession
from sagemaker.core.workflow.properties import PropertyFile
from sagemaker.mlops.workflow.condition_step import ConditionStep
from sagemaker.mlops.workflow.fail_step import FailStep
from sagemaker.mlops.workflow.model_step import ModelStep
from sagemaker.mlops.workflow.pipeline import Pipeline
from sagemaker.mlops.workflow.steps import CacheConfig, ProcessingStep, TrainingStep
from sagemaker.serve.model_builder import ModelBuilder
from sagemaker.train import ModelTrainer
from sagemaker.train.configs import Compute, InputData, SourceCode


def definition(mode: str, bucket: pathlib.Path) -> dict[str, Any]:
    """The definition that the SDK writes; what it uploads is put below a folder."""
    written: dict[str, Any] = json.loads(pipeline(mode, bucket).definition())
    return written


def pipeline(mode: str, bucket: pathlib.Path) -> Pipeline:
    """The pipeline; what the SDK uploads when it writes the definition is put below a folder.

    Args:
        mode: How the training names its program: `algorithm` or `drivers`.
        bucket: Stands for the bucket.
    """
    telemetry._send_telemetry_request = lambda *_, **__: None
    session = PipelineSession(offline.session(bucket), sagemaker_config={}, default_bucket=runnable.BUCKET)
    data = ParameterString("InputData", default_value=runnable.SOURCE)
    count = ParameterInteger("ProcessingInstanceCount", default_value=1)
    limit = ParameterFloat("AucThreshold", default_value=runnable.MIN_AUC)
    cache = CacheConfig(enable_caching=True, expire_after="P30D")

    def taken(name: str, uri: Any) -> ProcessingInput:
        place = ProcessingS3Input(
            s3_uri=uri, local_path=f"{runnable.PLACE}/{name}", s3_data_type="S3Prefix", s3_input_mode="File"
        )
        return ProcessingInput(input_name=name, s3_input=place)

    def made(name: str, step: str) -> ProcessingOutput:
        uri = f"s3://{runnable.BUCKET}/{runnable.NAME}/{step}/{name}"
        place = ProcessingS3Output(s3_uri=uri, local_path=f"{runnable.PLACE}/{name}", s3_upload_mode="EndOfJob")
        return ProcessingOutput(output_name=name, s3_output=place)

    def processor(image: str, instances: Any = 1) -> ScriptProcessor:
        return ScriptProcessor(
            image_uri=image,
            command=["python3"],
            role=runnable.ROLE,
            instance_type=runnable.INSTANCE,
            instance_count=instances,
            sagemaker_session=session,
        )

    sklearn = image_uris.retrieve(
        "sklearn", region=runnable.REGION, version=runnable.SKLEARN, py_version="py3", instance_type=runnable.INSTANCE
    )
    image = image_uris.retrieve("xgboost", region=runnable.REGION, version=runnable.XGBOOST)
    prepared = ProcessingStep(
        name="Prep",
        step_args=processor(sklearn, count).run(
            code=str(runnable.PROGRAMS / "preprocess.py"),
            inputs=[taken("input", data)],
            outputs=[made(part, "prep") for part in runnable.PARTS],
            arguments=runnable.PREPARE,
        ),
        cache_config=cache,
    )
    parts = prepared.properties.ProcessingOutputConfig.Outputs
    code = {"source_code": SourceCode(source_dir=str(runnable.PROGRAMS), entry_script="train.py")}
    trainer = ModelTrainer(
        training_image=image,
        role=runnable.ROLE,
        sagemaker_session=session,
        base_job_name=runnable.NAME,
        compute=Compute(instance_type=runnable.INSTANCE, instance_count=1),
        output_data_config=OutputDataConfig(s3_output_path=f"s3://{runnable.BUCKET}/models"),
        hyperparameters=dict(runnable.HYPERPARAMETERS),
        input_data_config=[
            InputData(channel_name=part, data_source=parts[part].S3Output.S3Uri, content_type="text/csv")
            for part in runnable.PARTS[:2]
        ],
        **(code if mode == "drivers" else {}),
    )
    trained = TrainingStep(name="Train", step_args=trainer.train(), cache_config=cache)
    model_data = trained.properties.ModelArtifacts.S3ModelArtifacts

    report = PropertyFile(name="EvalReport", output_name="evaluation", path="evaluation.json")
    evaluated = ProcessingStep(
        name="Evaluate",
        step_args=processor(image).run(
            code=str(runnable.PROGRAMS / "evaluate.py"),
            inputs=[taken("model", model_data), taken("test", parts["test"].S3Output.S3Uri)],
            outputs=[made("evaluation", "evaluate")],
            arguments=runnable.EVALUATE,
        ),
        property_files=[report],
        cache_config=cache,
    )
    place = evaluated.properties.ProcessingOutputConfig.Outputs["evaluation"].S3Output.S3Uri
    source = MetricsSource(s3_uri=Join(on="/", values=[place, "evaluation.json"]), content_type="application/json")
    builder = ModelBuilder(
        image_uri=image, role_arn=runnable.ROLE, sagemaker_session=session, s3_model_data_url=model_data
    )
    registered = ModelStep(
        name="Register",
        step_args=builder.register(model_metrics=ModelMetrics(model_statistics=source), **runnable.REGISTRATION),
    )
    auc = JsonGet(step_name=evaluated.name, property_file=report, json_path=runnable.JSON_PATH)
    gate = ConditionStep(
        name="CheckAuc",
        conditions=[ConditionGreaterThanOrEqualTo(left=auc, right=limit)],
        if_steps=[registered],
        else_steps=[FailStep(name="AucTooLow", error_message=Join(on=" ", values=["AUC below", limit]))],
    )
    return Pipeline(
        name=runnable.NAME,
        parameters=[data, count, limit],
        steps=[prepared, trained, evaluated, gate],
        sagemaker_session=session,
    )
