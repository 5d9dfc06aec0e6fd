"""The program of `faults` in the classes of the SageMaker SDK, version 2."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import offline
import sagemaker.telemetry.telemetry_logging as telemetry
from faults import BUCKET, IMAGE, INSTANCE, PLACE, ROLE, Program
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


def definition(program: Program, script: pathlib.Path) -> dict[str, Any]:
    """The definition that the SDK writes of a program; raises what the SDK raises."""
    telemetry._send_telemetry_request = lambda *_, **__: None
    session = PipelineSession(offline.session(), sagemaker_config={}, default_bucket=BUCKET)
    parameter = ParameterString(program.parameter, default_value=program.default)
    source: Any = program.source or parameter
    if len(set(program.channels)) < len(program.channels):
        raise CannotBeWritten("channels are the keys of a dict")

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

    paths = [program.output_path, *(f"{PLACE}/{name}{index or ''}" for index, name in enumerate(program.outputs[1:]))]
    report = PropertyFile(name="Report", output_name=program.report_output, path="report.json")
    prepare = ProcessingStep(
        name=program.prepare,
        step_args=processor(program.environment, program.instances).run(
            code=str(script),
            inputs=[
                ProcessingInput(source=source, destination=f"{PLACE}/input{index}", input_name=f"input{index}")
                for index in range(program.inputs)
            ],
            outputs=[
                ProcessingOutput(source=path, output_name=name, destination=f"s3://{BUCKET}/{name}")
                for name, path in zip(program.outputs, paths, strict=True)
            ],
            arguments=list(program.arguments),
        ),
        property_files=[report] if program.report_declared else None,
        cache_config=CacheConfig(enable_caching=True, expire_after=program.expire),
        depends_on=list(program.prepare_after) or None,
    )
    estimator = Estimator(
        image_uri=IMAGE,
        role=ROLE,
        instance_count=1,
        instance_type=INSTANCE,
        output_path=program.model_to,
        hyperparameters=dict(program.hyperparameters),
        sagemaker_session=session,
    )
    channels = {name: TrainingInput(program.train_from(prepare)) for name in program.channels}
    train = TrainingStep(name="Train", step_args=estimator.fit(channels))
    model = train.properties.ModelArtifacts.S3ModelArtifacts
    evaluate = ProcessingStep(
        name="Evaluate",
        step_args=processor().run(
            code=str(script),
            inputs=[ProcessingInput(source=model, destination=f"{PLACE}/model", input_name="model")],
            outputs=[
                ProcessingOutput(source=f"{PLACE}/scores", output_name="scores", destination=f"s3://{BUCKET}/scores")
            ],
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
