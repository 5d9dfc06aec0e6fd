"""Kinds: marker classes for what data *is*.

An input names the kinds it takes and an output the kind it is; only then do names and keywords count. Kinds are final and
unrelated to each other, because the type checkers carry them through the chain as the state of a `Pipeline`.

Declare one of your own with its family::

    class Embeddings(Kind, family=DependencyType.PROCESSING_OUTPUT): ...
"""

from __future__ import annotations

import enum
import re
from typing import ClassVar, final

from fluentpipe.errors import ContractError


class DependencyType(enum.Enum):
    """The coarse family of what passes between steps."""

    PROCESSING_OUTPUT = "processing_output"
    """Files that a processing job wrote; an S3 prefix."""
    MODEL_ARTIFACTS = "model_artifacts"
    """The archive that a training job wrote; an S3 URI of `model.tar.gz`."""
    CUSTOM_PROPERTY = "custom_property"
    """Any other property of a job: a name, an ARN, a number."""


_known: dict[tuple[str, str], type[Kind]] = {}


class Kind:
    """The root of all kinds; never itself the kind of anything."""

    family: ClassVar[DependencyType]
    general: ClassVar[bool]
    """Whether this is the kind of a family's members that have no kind of their own."""

    def __init_subclass__(cls, *, family: DependencyType | None = None, general: bool = False) -> None:
        if Kind not in cls.__bases__:
            parent = cls.__bases__[0].__name__
            raise ContractError(
                f"kind {cls.__name__!r} derives from kind {parent!r}; kinds are unrelated to each other.",
                fix=f"class {cls.__name__}(Kind, family=…)",
            )
        if not isinstance(family, DependencyType):
            raise ContractError(
                f"kind {cls.__name__!r} says no family.",
                f"families: {', '.join(f'DependencyType.{member.name}' for member in DependencyType)}",
                fix=f"class {cls.__name__}(Kind, family=DependencyType.PROCESSING_OUTPUT)",
            )
        cls.family = family
        cls.general = general
        _known[cls.__module__, cls.__qualname__] = cls


@final
class ProcessingOutput(Kind, family=DependencyType.PROCESSING_OUTPUT, general=True):
    """Files of no more particular kind."""


@final
class RawData(Kind, family=DependencyType.PROCESSING_OUTPUT):
    """Rows as they came, split or not: `train/`, `validation/`, `test/` in Parquet with `schema.json`, or plain files."""


@final
class TrainingData(Kind, family=DependencyType.PROCESSING_OUTPUT):
    """Rows to learn from, ready for a learner."""


@final
class ValidationData(Kind, family=DependencyType.PROCESSING_OUTPUT):
    """Rows for early stopping and for choosing a decision threshold."""


@final
class TestData(Kind, family=DependencyType.PROCESSING_OUTPUT):
    """Rows that nothing has learned from."""

    __test__ = False  # pytest: not a test class, whatever its name


@final
class PreprocessingModel(Kind, family=DependencyType.PROCESSING_OUTPUT):
    """A learned transformation of raw rows, as JSON."""


@final
class Hyperparameters(Kind, family=DependencyType.PROCESSING_OUTPUT):
    """Settings of a learner, as JSON, decided during the run."""


@final
class EvaluationReport(Kind, family=DependencyType.PROCESSING_OUTPUT):
    """`evaluation.json` with the metrics of a model, and `curves.json`."""


@final
class CalibrationReport(Kind, family=DependencyType.PROCESSING_OUTPUT):
    """`calibration.json`: how reliable a model's probabilities are before and after calibration."""


@final
class Baseline(Kind, family=DependencyType.PROCESSING_OUTPUT):
    """What rows looked like: `statistics.json` and `constraints.json`, in Model Monitor's layout."""


@final
class DriftReport(Kind, family=DependencyType.PROCESSING_OUTPUT):
    """`drift.json`: how far rows have moved from a baseline, and `constraint_violations.json`."""


@final
class DataQuality(Kind, family=DependencyType.PROCESSING_OUTPUT):
    """What the service's check of data quality suggests as constraints: a JSON file in Model Monitor's layout."""


@final
class ModelQuality(Kind, family=DependencyType.PROCESSING_OUTPUT):
    """What the service's check of model quality suggests as constraints: a JSON file in Model Monitor's layout."""


@final
class DataBias(Kind, family=DependencyType.PROCESSING_OUTPUT):
    """The bias of data that the service's check found: a JSON file in Clarify's layout."""


@final
class ModelBias(Kind, family=DependencyType.PROCESSING_OUTPUT):
    """The bias of a model that the service's check found: a JSON file in Clarify's layout."""


@final
class Explainability(Kind, family=DependencyType.PROCESSING_OUTPUT):
    """How much each feature counts, as the service's check found: a JSON file in Clarify's layout."""


@final
class CheckFile(Kind, family=DependencyType.PROCESSING_OUTPUT):
    """Another file of one of the service's checks: statistics, or what a check compared with."""


@final
class Figures(Kind, family=DependencyType.PROCESSING_OUTPUT):
    """`values.json`: plain values that a function returned, for conditions to read."""


@final
class ExecutedNotebook(Kind, family=DependencyType.PROCESSING_OUTPUT):
    """`output.tar.gz` of a notebook job: the executed notebook, and what it wrote."""


@final
class Predictions(Kind, family=DependencyType.PROCESSING_OUTPUT):
    """Scored rows."""


@final
class ModelArtifacts(Kind, family=DependencyType.MODEL_ARTIFACTS, general=True):
    """A trained model: `model.tar.gz`."""


@final
class CustomProperty(Kind, family=DependencyType.CUSTOM_PROPERTY, general=True):
    """A property of no more particular kind."""


@final
class JobName(Kind, family=DependencyType.CUSTOM_PROPERTY):
    """The name of a SageMaker job."""


@final
class ModelName(Kind, family=DependencyType.CUSTOM_PROPERTY):
    """The name of a SageMaker model, which a transform job or an endpoint serves."""


@final
class ModelPackage(Kind, family=DependencyType.CUSTOM_PROPERTY):
    """The ARN of a version in a model package group."""


def known_kinds() -> tuple[type[Kind], ...]:
    """Every kind that has been declared."""
    return tuple(_known.values())


def general_kind(family: DependencyType) -> type[Kind]:
    """The kind for members of a family that have none of their own."""
    kinds: dict[DependencyType, type[Kind]] = {
        DependencyType.PROCESSING_OUTPUT: ProcessingOutput,
        DependencyType.MODEL_ARTIFACTS: ModelArtifacts,
        DependencyType.CUSTOM_PROPERTY: CustomProperty,
    }
    return kinds[family]


def kind_fits(wanted: type[Kind], given: type[Kind]) -> float:
    """How well an output's kind fits an input's: 1 the kind itself, 0.5 a general kind of the family, 0 not at all."""
    # By name too: a kind declared anew, as in a notebook cell run again, is still that kind.
    if wanted is given or (wanted.__qualname__ == given.__qualname__ and wanted.__module__ == given.__module__):
        return 1.0
    return 0.5 if wanted.family is given.family and (wanted.general or given.general) else 0.0


def snake_case(name: str) -> str:
    """`XGBoostTraining` as `xgboost_training`, `TabularPreprocessing` as `tabular_preprocessing`.

    A run of capitals belongs to the word it starts (`XGBoost` is one word), as people write the name.
    """
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
