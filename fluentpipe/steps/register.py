"""`register`: a version in a model package group, with its metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from typing_extensions import override

from fluentpipe.contract import DependencySpec, OutputSpec, StepContract
from fluentpipe.errors import SettingError
from fluentpipe.images import DEFAULT_XGBOOST, SERVING_SCRIPT
from fluentpipe.jobs import RetriedStep
from fluentpipe.kinds import (
    DataBias,
    DataQuality,
    EvaluationReport,
    Explainability,
    Kind,
    ModelArtifacts,
    ModelBias,
    ModelPackage,
    ModelQuality,
)
from fluentpipe.reference import PropertyReference
from fluentpipe.settings import setting
from fluentpipe.step import Inputs
from fluentpipe.steps.model_sources import SERVED

if TYPE_CHECKING:
    from fluentpipe.target import Target


def _check(name: str, kind: type[Kind], source: str, what: str) -> DependencySpec:
    return DependencySpec(
        name, kind, required=False, compatible_sources=(source,), semantic_keywords=("constraints",),
        description=f"What a check of {what} found.",
    )  # fmt: skip


_CHECKS = (
    _check("data_quality", DataQuality, "DataQualityCheck", "the quality of data"),
    _check("model_quality", ModelQuality, "ModelQualityCheck", "the quality of the model"),
    _check("data_bias", DataBias, "DataBiasCheck", "the bias of data"),
    _check("model_bias", ModelBias, "ModelBiasCheck", "the bias of the model"),
    _check("explainability", Explainability, "ExplainabilityCheck", "what counts for the model"),
)
# Input -> family and member of its constraints in ModelMetrics and in DriftCheckBaselines; CreateModelPackage.
_MEMBERS: Mapping[str, tuple[str, str, str]] = {
    "data_quality": ("ModelDataQuality", "Constraints", "Constraints"),
    "model_quality": ("ModelQuality", "Constraints", "Constraints"),
    "data_bias": ("Bias", "PreTrainingReport", "PreTrainingConstraints"),
    "model_bias": ("Bias", "PostTrainingReport", "PostTrainingConstraints"),
    "explainability": ("Explainability", "Report", "Constraints"),
}


class ModelRegistration(RetriedStep):
    """Register the model as a new version of a model package group; the metrics of its evaluation go with it.

    The archive already holds the preprocessing and the inference code, so the registered model serves raw rows. What the service's
    checks found goes with it, too, as its metrics, and as the baselines with which the checks of later executions compare.

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
                compatible_sources=SERVED,
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
            *_CHECKS,
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
    image_uri: str | None = setting(
        None, doc="Serving image; by default SageMaker's, of the framework that trained the model."
    )
    framework_version: str = setting(
        DEFAULT_XGBOOST, reference=False, doc="Version of SageMaker's image, where no image is given."
    )

    @override
    def arguments(self, inputs: Inputs, target: Target) -> dict[str, Any]:
        arguments = {
            "ModelPackageGroupName": self.group,
            "ModelPackageDescription": self.description,
            "InferenceSpecification": {
                "Containers": [
                    {
                        "Image": target.image_for(self, DEFAULT_XGBOOST) if self.image_uri is None else self.image_uri,
                        "ModelDataUrl": target.location(inputs["model_artifacts"]),
                        "Environment": SERVING_SCRIPT,
                    }
                ],
                "SupportedContentTypes": ["text/csv", "application/json", "application/jsonlines"],
                "SupportedResponseMIMETypes": ["text/csv", "application/json"],
                "SupportedRealtimeInferenceInstanceTypes": list(self.inference_instance_types),
                "SupportedTransformInstanceTypes": list(self.transform_instance_types),
            },
            "ModelApprovalStatus": self.approval_status,
        }
        metrics, baselines = _found(inputs)
        if "evaluation_report" in inputs:
            metrics.setdefault("ModelQuality", {})["Statistics"] = _json(
                target.below(inputs["evaluation_report"], "evaluation.json")
            )
        return {**arguments, "ModelMetrics": metrics, "DriftCheckBaselines": baselines}


_Families = dict[str, dict[str, Any]]


def _found(inputs: Inputs) -> tuple[_Families, _Families]:
    """What checks found: as the metrics of the version, and as the baselines of later checks."""
    metrics: _Families = {}
    baselines: _Families = {}
    for name, (family, report, constraints) in _MEMBERS.items():
        if name not in inputs:
            continue
        step = _step_of(name, inputs[name])
        with_statistics = report == "Constraints"
        for into, member, path in (
            (metrics, report, "CalculatedBaseline"),
            (baselines, constraints, "BaselineUsedForDriftCheck"),
        ):
            found = into.setdefault(family, {})
            found[member] = _json(PropertyReference(step, f"{path}Constraints"))
            if with_statistics:
                found["Statistics"] = _json(PropertyReference(step, f"{path}Statistics"))
    return metrics, baselines


def _step_of(name: str, given: Any) -> str:
    """The step of a check, by one of its outputs.

    Raises:
        SettingError: Something else was given, such as a URI: a check has several files.
    """
    if not isinstance(given, PropertyReference) or given.path != "CalculatedBaselineConstraints":
        verb = _VERBS[name]
        raise SettingError(
            f"register takes {name} from a step of {verb}, not {given!r}.", fix=f".{verb}(…) before it, or leave it out"
        )
    return given.step


_VERBS = {
    "data_quality": "check_quality",
    "model_quality": "check_model_quality",
    "data_bias": "check_bias",
    "model_bias": "check_model_bias",
    "explainability": "check_explainability",
}


def _json(uri: Any) -> dict[str, Any]:
    return {"ContentType": "application/json", "S3Uri": uri}
