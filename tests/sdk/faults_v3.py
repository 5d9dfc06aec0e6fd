"""The program of `faults` in the classes of the SageMaker SDK, version 3."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import offline
import sagemaker.core.telemetry.telemetry_logging as telemetry
from faults import BUCKET, IMAGE, INSTANCE, PLACE, ROLE, Program
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


def definition(program: Program, script: pathlib.Path) -> dict[str, Any]:
    """The definition that the SDK writes of a program; raises what the SDK raises."""
    telemetry._send_telemetry_request = lambda *_, **__: None
    session = PipelineSession(offline.session(), sagemaker_config={}, default_bucket=BUCKET)
    parameter = ParameterString(program.parameter, default_value=program.default)
    source: Any = program.source or parameter

    def processor(environment: Any = None, instances: int = 1) -> ScriptProcessor:
        return ScriptProcessor(
            role=ROLE,
            image_uri=IMAGE,
            command=["python3"],
            instance_count=instances,
            instance_type=INSTANCE,
            env=dict(environment) if environment else None,
            sagemaker_session=session,
        )

    def taken(name: str, uri: Any) -> ProcessingInput:
        place = ProcessingS3Input(
            s3_uri=uri, local_path=f"{PLACE}/{name}", s3_data_type="S3Prefix", s3_input_mode="File"
        )
        return ProcessingInput(input_name=name, s3_input=place)

    def made(name: str, path: str) -> ProcessingOutput:
        place = ProcessingS3Output(s3_uri=f"s3://{BUCKET}/{name}", local_path=path, s3_upload_mode="EndOfJob")
        return ProcessingOutput(output_name=name, s3_output=place)

    paths = [program.output_path, *(f"{PLACE}/{name}{index or ''}" for index, name in enumerate(program.outputs[1:]))]
    report = PropertyFile(name="Report", output_name=program.report_output, path="report.json")
    prepare = ProcessingStep(
        name=program.prepare,
        step_args=processor(program.environment, program.instances).run(
            code=str(script),
            inputs=[taken(f"input{index}", source) for index in range(program.inputs)],
            outputs=[made(name, path) for name, path in zip(program.outputs, paths, strict=True)],
            arguments=list(program.arguments),
        ),
        property_files=[report] if program.report_declared else None,
        cache_config=CacheConfig(enable_caching=True, expire_after=program.expire),
        depends_on=list(program.prepare_after) or None,
    )
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
    train = TrainingStep(name="Train", step_args=trainer.train())
    model = train.properties.ModelArtifacts.S3ModelArtifacts
    evaluate = ProcessingStep(
        name="Evaluate",
        step_args=processor().run(
            code=str(script), inputs=[taken("model", model)], outputs=[made("scores", f"{PLACE}/scores")]
        ),
    )
    cited: list[Any] = [ExecutionVariable(program.variable)]
    if program.cites_branch:
        cited.append(evaluate.properties.ProcessingJobName)
    auc = JsonGet(step_name=prepare.name, property_file="Report", json_path="metrics.auc")
    gate = ConditionStep(
        name="Check",
        conditions=[ConditionGreaterThanOrEqualTo(left=auc, right=program.limit)],
        if_steps=[evaluate],
        else_steps=[FailStep(name="AucTooLow", error_message=Join(on=" ", values=["too low in", *cited]))],
    )
    pipeline = Pipeline(
        name="faults",
        parameters=[parameter] if program.declared else [],
        steps=[prepare, train, gate],
        sagemaker_session=session,
    )
    written: dict[str, Any] = json.loads(pipeline.definition())
    return written
