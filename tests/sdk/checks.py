"""The service's five checks in the classes of the SageMaker SDK, which have the same names in both versions."""

from __future__ import annotations

import importlib
import json
import pathlib
import tempfile
from typing import Any

import offline

BUCKET = "my-bucket"
ROLE = "arn:aws:iam::111122223333:role/SageMakerRole"
PREFIX = f"s3://{BUCKET}/churn"
ROWS, PREDICTIONS = f"s3://{BUCKET}/churn.csv", f"s3://{BUCKET}/predictions.csv"
# What compares with a baseline that is given, and what with that of the newest approved version of a group.
SUPPLIED = {"model_package_group_name": None, "register_new_baseline": False}
IN_GROUP = {"model_package_group_name": "churn-models", "register_new_baseline": True}


def definition(major: str) -> dict[str, Any]:
    """The steps that the SDK writes, and the configurations of Clarify that it uploads, by the step."""
    sdk = _Sdk(major)
    with tempfile.TemporaryDirectory() as temporary:
        bucket = pathlib.Path(temporary)
        session = sdk.session(bucket)
        written = json.loads(sdk.pipeline(session, list(_steps(sdk, session))).definition())
        return {"Steps": written["Steps"], "analysis": dict(_uploaded(bucket, written["Steps"]))}


def _uploaded(bucket: pathlib.Path, steps: list[Any]) -> Any:
    for step in steps:
        inputs = {each["InputName"]: each["S3Input"]["S3Uri"] for each in step["Arguments"]["ProcessingInputs"]}
        if uri := inputs.get("analysis_config"):
            yield step["Name"], json.loads((bucket / uri.removeprefix(f"s3://{BUCKET}/")).read_text())


class _Sdk:
    """The classes of a major version, wherever they lie in it."""

    def __init__(self, major: str) -> None:
        self.core, self.workflow = (
            ("sagemaker", "sagemaker.workflow") if major == "2" else ("sagemaker.core", "sagemaker.mlops.workflow")
        )

    def __getattr__(self, name: str) -> Any:
        return getattr(importlib.import_module(f"{self.core}.clarify"), name)

    def step(self, module: str, name: str) -> Any:
        return getattr(importlib.import_module(f"{self.workflow}.{module}"), name)

    def session(self, bucket: pathlib.Path) -> Any:
        telemetry = importlib.import_module(f"{self.core}.telemetry.telemetry_logging")
        telemetry._send_telemetry_request = lambda *_, **__: None
        made = importlib.import_module(f"{self.core}.workflow.pipeline_context").PipelineSession
        return made(offline.session(bucket), sagemaker_config={}, default_bucket=BUCKET)

    def pipeline(self, session: Any, steps: list[Any]) -> Any:
        return self.step("pipeline", "Pipeline")(name="churn", steps=steps, sagemaker_session=session)


def _steps(sdk: Any, session: Any) -> Any:
    job = sdk.step("check_job_config", "CheckJobConfig")(
        role=ROLE, max_runtime_in_seconds=86400, sagemaker_session=session
    )
    quality = [
        sdk.step("quality_check_step", name)
        for name in ("QualityCheckStep", "DataQualityCheckConfig", "ModelQualityCheckConfig")
    ]
    clarify = [
        sdk.step("clarify_check_step", name)
        for name in (
            "ClarifyCheckStep",
            "DataBiasCheckConfig",
            "ModelBiasCheckConfig",
            "ModelExplainabilityCheckConfig",
        )
    ]
    csv = {"csv": {"header": True}}
    yield quality[0](
        "data_quality_check",
        quality[1](baseline_dataset=ROWS, dataset_format=csv, output_s3_uri=f"{PREFIX}/data_quality_check"),
        job,
        supplied_baseline_statistics=f"{PREFIX}/statistics.json",
        supplied_baseline_constraints=f"{PREFIX}/constraints.json",
        **SUPPLIED,
    )
    yield quality[0](
        "model_quality_check",
        quality[2](
            baseline_dataset=PREDICTIONS,
            dataset_format=csv,
            output_s3_uri=f"{PREFIX}/model_quality_check",
            problem_type="BinaryClassification",
            inference_attribute="prediction",
            probability_attribute="probability",
            ground_truth_attribute="label",
            probability_threshold_attribute="0.4",
        ),
        job,
        **IN_GROUP,
    )

    def data(name: str) -> Any:
        return sdk.DataConfig(
            s3_data_input_path=ROWS, s3_output_path=f"{PREFIX}/{name}", label="churn", dataset_type="text/csv",
            headers=None if name == "data_bias_check" else ["gender", "tenure", "churn"],
        )  # fmt: skip

    bias = sdk.BiasConfig(
        label_values_or_threshold=["Yes"],
        facet_name="gender",
        facet_values_or_threshold=["Female"],
        group_name="contract",
    )
    model = sdk.ModelConfig(
        model_name="churn-model",
        instance_count=1,
        instance_type="ml.m5.xlarge",
        accept_type="text/csv",
        content_type="text/csv",
    )
    answer = sdk.ModelPredictedLabelConfig(label=0)
    yield clarify[0](
        "data_bias_check", clarify[1](data_config=data("data_bias_check"), data_bias_config=bias, methods=["CI", "DPL"]), job,
        supplied_baseline_constraints=f"{PREFIX}/constraints.json", **SUPPLIED,
    )  # fmt: skip
    yield clarify[0](
        "model_bias_check",
        clarify[2](
            data_config=data("model_bias_check"),
            data_bias_config=bias,
            model_config=model,
            model_predicted_label_config=answer,
        ),
        job,
        **IN_GROUP,
    )
    shap = sdk.SHAPConfig(num_samples=100, agg_method="mean_abs", save_local_shap_values=False, seed=1, num_clusters=3)
    yield clarify[0](
        "explainability_check",
        clarify[3](
            data_config=data("explainability_check"), model_config=model, explainability_config=shap, model_scores=1
        ),
        job,
        **IN_GROUP,
    )
