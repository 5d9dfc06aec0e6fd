"""The runnable pipeline in the classes of the SageMaker SDK, version 2."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import offline
import runnable
import sagemaker.telemetry.telemetry_logging as telemetry
from sagemaker import image_uris
from sagemaker.estimator import Estimator
from sagemaker.inputs import TrainingInput
from sagemaker.model import Model
from sagemaker.model_metrics import MetricsSource, ModelMetrics
from sagemaker.processing import ProcessingInput, ProcessingOutput, ScriptProcessor
from sagemaker.sklearn.estimator import SKLearn
from sagemaker.sklearn.processing import SKLearnProcessor
from sagemaker.transformer import Transformer
from sagemaker.tuner import ContinuousParameter, HyperparameterTuner, IntegerParameter
from sagemaker.workflow.condition_step import ConditionStep
from sagemaker.workflow.conditions import ConditionGreaterThanOrEqualTo
from sagemaker.workflow.fail_step import FailStep
from sagemaker.workflow.functions import Join, JsonGet
from sagemaker.workflow.model_step import ModelStep
from sagemaker.workflow.parameters import ParameterFloat, ParameterInteger, ParameterString
from sagemaker.workflow.pipeline import Pipeline
from sagemaker.workflow.pipeline_context import PipelineSession
from sagemaker.workflow.properties import PropertyFile
from sagemaker.workflow.steps import CacheConfig, ProcessingStep, TrainingStep, TransformStep, TuningStep
from sagemaker.xgboost import XGBoost, XGBoostModel


def definition(mode: str, bucket: pathlib.Path) -> dict[str, Any]:
    """The definition that the SDK writes; what it uploads is put below a folder."""
    written: dict[str, Any] = json.loads(pipeline(mode, bucket).definition())
    return written


def pipeline(mode: str, bucket: pathlib.Path) -> Pipeline:
    """The pipeline; what the SDK uploads when it writes the definition is put below a folder.

    Args:
        mode: How the training names its program: `algorithm`, `xgboost` or `sklearn`; `tuning` searches the first,
            `serving` has a batch transform by its model besides.
        bucket: Stands for the bucket.
    """
    telemetry._send_telemetry_request = lambda *_, **__: None
    session = PipelineSession(offline.session(bucket), sagemaker_config={}, default_bucket=runnable.BUCKET)
    data = ParameterString("InputData", default_value=runnable.SOURCE)
    count = ParameterInteger("ProcessingInstanceCount", default_value=1)
    limit = ParameterFloat("AucThreshold", default_value=runnable.MIN_AUC)
    cache = CacheConfig(enable_caching=True, expire_after="P30D")
    common = {"role": runnable.ROLE, "instance_type": runnable.INSTANCE, "sagemaker_session": session}

    prepared = ProcessingStep(
        name="Prep",
        step_args=SKLearnProcessor(framework_version=runnable.SKLEARN, instance_count=count, **common).run(
            code=str(runnable.PROGRAMS / "preprocess.py"),
            inputs=[ProcessingInput(source=data, destination=f"{runnable.PLACE}/input")],
            outputs=[ProcessingOutput(output_name=x, source=f"{runnable.PLACE}/{x}") for x in runnable.PARTS],
            arguments=runnable.PREPARE,
        ),
        cache_config=cache,
    )
    parts = prepared.properties.ProcessingOutputConfig.Outputs
    image = image_uris.retrieve("xgboost", region=runnable.REGION, version=runnable.XGBOOST)
    common |= {"instance_count": 1}
    training = {
        "hyperparameters": dict(runnable.HYPERPARAMETERS),
        "output_path": f"s3://{runnable.BUCKET}/models",
        **common,
    }
    script = {"entry_point": "train.py", "source_dir": str(runnable.PROGRAMS)}
    estimator: Any = {
        "algorithm": lambda: Estimator(image_uri=image, **training),
        "tuning": lambda: Estimator(image_uri=image, **training),
        "serving": lambda: Estimator(image_uri=image, **training),
        "xgboost": lambda: XGBoost(framework_version=runnable.XGBOOST, **script, **training),
        "sklearn": lambda: SKLearn(framework_version=runnable.SKLEARN, **script, **training),
    }[mode]()
    channels = {x: TrainingInput(parts[x].S3Output.S3Uri, content_type="text/csv") for x in runnable.PARTS[:2]}
    if mode == "tuning":
        ranges = {"max_depth": IntegerParameter(2, 4), "eta": ContinuousParameter(0.1, 0.5, "Logarithmic")}
        tuner = HyperparameterTuner(estimator, "validation:auc", ranges, max_jobs=3, max_parallel_jobs=2, random_seed=1)
        trained = TuningStep(name="Tune", step_args=tuner.fit(channels), cache_config=cache)
        model_data = trained.get_top_model_s3_uri(0, runnable.BUCKET, "models")
    else:
        trained = TrainingStep(name="Train", step_args=estimator.fit(channels), cache_config=cache)
        model_data = trained.properties.ModelArtifacts.S3ModelArtifacts

    report = PropertyFile(name="EvalReport", output_name="evaluation", path="evaluation.json")
    evaluated = ProcessingStep(
        name="Evaluate",
        step_args=ScriptProcessor(image_uri=image, command=["python3"], **common).run(
            code=str(runnable.PROGRAMS / "evaluate.py"),
            inputs=[
                ProcessingInput(source=model_data, destination=f"{runnable.PLACE}/model"),
                ProcessingInput(source=parts["test"].S3Output.S3Uri, destination=f"{runnable.PLACE}/test"),
            ],
            outputs=[ProcessingOutput(output_name="evaluation", source=f"{runnable.PLACE}/evaluation")],
            arguments=runnable.EVALUATE,
        ),
        property_files=[report],
        cache_config=cache,
    )
    place = evaluated.properties.ProcessingOutputConfig.Outputs["evaluation"].S3Output.S3Uri
    source = MetricsSource(s3_uri=Join(on="/", values=[place, "evaluation.json"]), content_type="application/json")
    model = Model(image_uri=image, model_data=model_data, role=runnable.ROLE, sagemaker_session=session)
    registered = ModelStep(
        name="Register",
        step_args=model.register(model_metrics=ModelMetrics(model_statistics=source), **runnable.REGISTRATION),
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
        steps=[prepared, trained, evaluated, gate, *(served(model_data, parts, session) if mode == "serving" else ())],
        sagemaker_session=session,
    )


def served(model_data: Any, parts: Any, session: PipelineSession) -> tuple[ModelStep, TransformStep]:
    """A model with a script of its own, and a batch transform of the test rows, of which the label comes first."""
    model = XGBoostModel(
        model_data=model_data, role=runnable.ROLE, entry_point=str(runnable.PROGRAMS / "inference.py"),
        framework_version=runnable.XGBOOST, name="serving", code_location=f"s3://{runnable.BUCKET}/{runnable.NAME}",
        sagemaker_session=session,
    )  # fmt: skip
    made = ModelStep(name="Make", step_args=model.create(instance_type=runnable.INSTANCE))
    transformer = Transformer(
        model_name=made.properties.ModelName, instance_count=1, instance_type=runnable.INSTANCE, accept="text/csv",
        output_path=f"s3://{runnable.BUCKET}/answers", assemble_with="Line", sagemaker_session=session,
    )  # fmt: skip
    asked = transformer.transform(
        data=parts["test"].S3Output.S3Uri, content_type="text/csv", split_type="Line", input_filter="$[1:]",
        join_source="Input", output_filter="$[0,-1]",
    )  # fmt: skip
    return made, TransformStep(name="Score", step_args=asked)
