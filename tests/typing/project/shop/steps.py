"""The project's steps."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

from fluentpipe import (
    DependencySpec,
    DependencyType,
    Kind,
    OutputSpec,
    ProcessingStep,
    RawData,
    StepContract,
    TrainingData,
    setting,
    step,
)

PATH = "ProcessingOutputConfig.Outputs['{}'].S3Output.S3Uri"
PROGRAM = Path(__file__).parent / "embed.py"


class Embeddings(Kind, family=DependencyType.PROCESSING_OUTPUT):
    """Rows as vectors."""


class Embedding(ProcessingStep):
    """Turn rows into vectors."""

    contract = StepContract(
        step_type="Embedding",
        verb="embed",
        default_verb="embed_with_defaults",
        dependencies=(DependencySpec("rows", TrainingData, description="Rows to embed."),),
        outputs=(OutputSpec("embeddings", Embeddings, PATH.format("embeddings"), "One vector a row."),),
    )
    script = PROGRAM

    width: int = setting(64, ge=1, doc="Length of a vector.", aliases=("dimensions",))
    columns: Sequence[str] | None = setting(None, doc="Columns to take.")
    weights: Mapping[str, float] | None = setting(None, doc="Column -> weight.")
    distance: Literal["cosine", "euclidean"] = setting("cosine", doc="What near means.")


class Clustering(ProcessingStep):
    """Group vectors."""

    contract = StepContract(
        step_type="Clustering",
        verb="cluster",
        dependencies=(
            DependencySpec("embeddings", Embeddings, description="Vectors to group."),
            DependencySpec(
                "rows", TrainingData, required=False, required_by=("keep_rows",), description="Rows to carry along."
            ),
        ),
        outputs=(OutputSpec("groups", TrainingData, PATH.format("groups"), "Rows with their groups."),),
    )
    script = PROGRAM

    groups: int = setting(positional=True, ge=2, doc="How many groups.")
    keep_rows: bool | None = setting(None, doc="Whether the rows go along.")


class Kept(NamedTuple):
    """What `deduplicate` makes."""

    rows: int
    kept: Annotated[Path, RawData]


@step(instance_type="ml.c5.large")
def deduplicate(raw: Annotated[Path, RawData], columns: list[str] | None = None, first: bool = True) -> Kept:
    """Drop rows that are there twice."""
    return Kept(len(list(raw.iterdir())), raw)
