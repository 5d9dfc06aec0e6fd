"""`register`: a version in a model package group, with its metrics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from typing_extensions import override

from fluentpipe.contract import DependencySpec, OutputSpec, StepContract
from fluentpipe.expression import Join
from fluentpipe.images import DEFAULT_XGBOOST
from fluentpipe.jobs import RetriedStep
from fluentpipe.kinds import EvaluationReport, ModelArtifacts, ModelPackage
from fluentpipe.s3uri import join_s3
from fluentpipe.settings import setting
from fluentpipe.step import Inputs

if TYPE_CHECKING:
    from fluentpipe.target import Target


class ModelRegistration(RetriedStep):
    """Register the model as a new version of a model package group; the metrics of its evaluation go with it.

    The archive already holds the preprocessing and the inference code, so the registered model serves raw rows.

    Example:
        from fluentpipe import Pipeline

        data = Pipeline("churn").load_data("churn.csv", label="churn").preprocess()
        pipe = data.train_xgboost().evaluate_performance().require(min_auc=0.8).register("churn-models")
        run = pipe.run()
        print(run.models[0])
    """

    contract = StepContract(
        step_type="ModelRegistration",
        verb="register",
        dependencies=(
            DependencySpec(
                "model_artifacts",
                ModelArtifacts,
                compatible_sources=("XGBoostTraining", "XGBoostTuning", "SklearnTraining", "ModelCalibration"),
                semantic_keywords=("model", "artifacts"),
                description="The model.",
            ),
            DependencySpec(
                "evaluation_report",
                EvaluationReport,
                required=False,
                compatible_sources=("ModelEvaluation",),
                semantic_keywords=("evaluation", "report"),
                description="The report whose metrics the version carries.",
            ),
        ),
        outputs=(OutputSpec("model_package_arn", ModelPackage, "ModelPackageArn", "ARN of the registered version."),),
    )
    sagemaker_type = "RegisterModel"
    framework = ""  # that of the model

    group: str = setting(positional=True, doc="Name of the model package group; made if it does not exist.")
    approval_status: Literal["PendingManualApproval", "Approved", "Rejected"] = setting(
        "PendingManualApproval", aliases=("approval",), doc="Approval status of the new version."
    )
    description: str | None = setting(None, doc="Of the version.")
    inference_instance_types: Sequence[str] = setting(("ml.m5.large",), doc="Instance types for real-time endpoints.")
    transform_instance_types: Sequence[str] = setting(("ml.m5.large",), doc="Instance types for batch transform.")
    image_uri: str | None = setting(None, doc="Serving image; by default SageMaker's XGBoost image.")
    framework_version: str = setting(
        DEFAULT_XGBOOST, reference=False, doc="Version of SageMaker's XGBoost image, where no image is given."
    )

    @override
    def arguments(self, inputs: Inputs, target: Target) -> dict[str, Any]:
        arguments: dict[str, Any] = {
            "ModelPackageGroupName": self.group,
            "ModelPackageDescription": self.description,
            "InferenceSpecification": {
                "Containers": [
                    {
                        "Image": target.image_for(self, DEFAULT_XGBOOST) if self.image_uri is None else self.image_uri,
                        "ModelDataUrl": target.location(inputs["model_artifacts"]),
                        # Where the serving container of SageMaker's framework images looks for the script.
                        "Environment": {
                            "SAGEMAKER_PROGRAM": "inference.py",
                            "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
                        },
                    }
                ],
                "SupportedContentTypes": ["text/csv", "application/json", "application/jsonlines"],
                "SupportedResponseMIMETypes": ["text/csv", "application/json"],
                "SupportedRealtimeInferenceInstanceTypes": list(self.inference_instance_types),
                "SupportedTransformInstanceTypes": list(self.transform_instance_types),
            },
            "ModelApprovalStatus": self.approval_status,
        }
        if "evaluation_report" in inputs:
            report = target.location(inputs["evaluation_report"])
            file = (
                join_s3(report, "evaluation.json")
                if isinstance(report, str)
                else Join("/", (report, "evaluation.json"))
            )
            statistics = {"ContentType": "application/json", "S3Uri": file}
            arguments["ModelMetrics"] = {"ModelQuality": {"Statistics": statistics}}
        return arguments
