"""`create_model`: a model that transform jobs and endpoints can serve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from fluentpipe.contract import DependencySpec, OutputSpec, StepContract
from fluentpipe.images import DEFAULT_XGBOOST, SERVING_SCRIPT
from fluentpipe.jobs import RetriedStep
from fluentpipe.kinds import ModelArtifacts, ModelName
from fluentpipe.network import Vpc, vpc
from fluentpipe.settings import setting
from fluentpipe.step import Inputs
from fluentpipe.steps.model_sources import SERVED

if TYPE_CHECKING:
    from fluentpipe.target import Target

LARGEST_REQUEST_MB = 20  # that the XGBoost image takes, and only where MAX_CONTENT_LENGTH says so (its serving_mms.py)


class ModelCreation(RetriedStep):
    """Make a SageMaker model of the model's artifacts and the image that serves them, for `batch_transform` or an endpoint.

    The archive already holds the preprocessing and the inference code, so the model serves raw rows as CSV, JSON, JSON lines or
    Parquet. Requests may have 20 MB, the most that SageMaker's XGBoost image takes.

    Example:
        from fluentpipe import Pipeline

        pipe = Pipeline("churn").load_data("churn.csv", label="churn").preprocess().train_xgboost()
        run = pipe.create_model().run()
        print(run.outputs.model_creation.model_name.value())
    """

    contract = StepContract(
        step_type="ModelCreation",
        verb="create_model",
        dependencies=(
            DependencySpec(
                "model_artifacts",
                ModelArtifacts,
                compatible_sources=SERVED,
                semantic_keywords=("model", "artifacts"),
                description="The model, with its inference code in it.",
            ),
        ),
        outputs=(OutputSpec("model_name", ModelName, "ModelName", "Name of the SageMaker model."),),
    )
    sagemaker_type = "Model"
    framework = ""  # that of the model

    image_uri: str | None = setting(
        None, doc="Serving image; by default SageMaker's, of the framework that trained the model."
    )
    framework_version: str = setting(
        DEFAULT_XGBOOST, reference=False, doc="Version of SageMaker's image, where no image is given."
    )
    environment: Mapping[str, str] | None = setting(None, shared=True, doc="Environment variables of the server.")
    vpc: Vpc | Mapping[str, Sequence[str]] | None = setting(
        None, shared=True, reference=False, convert=vpc, doc="Network of the model: Vpc(subnets, security_groups)."
    )
    network_isolation: bool | None = setting(None, shared=True, doc="Whether the server has no network.")
    tags: Mapping[str, str] | None = setting(None, shared=True, doc="Tags of the model; at most 50.")

    @override
    def arguments(self, inputs: Inputs, target: Target) -> dict[str, Any]:
        image = target.image_for(self, DEFAULT_XGBOOST) if self.image_uri is None else self.image_uri
        largest = {"MAX_CONTENT_LENGTH": str(LARGEST_REQUEST_MB << 20)}
        return {
            "PrimaryContainer": {
                "Image": image,
                "ModelDataUrl": target.location(inputs["model_artifacts"]),
                "Environment": {**SERVING_SCRIPT, **largest, **(self.environment or {})},
            },
            "ExecutionRoleArn": target.role,
            "VpcConfig": self.vpc.to_request() if isinstance(self.vpc, Vpc) else None,
            "EnableNetworkIsolation": self.network_isolation,
            "Tags": [{"Key": key, "Value": value} for key, value in (self.tags or {}).items()],
        }
