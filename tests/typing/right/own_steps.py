"""A pipeline of the project; its own verbs are typed like the built-in ones."""

from pathlib import Path

import shop.steps  # noqa: F401  declares the steps
from shop.steps import Embeddings, deduplicate

from fluentpipe import Parameter, Pipeline, PropertyReference, RawData
from fluentpipe_project import EmbeddingOutputs

base = Pipeline("shop").load_data("s3://my-bucket/shop.csv", label="sold").preprocess()
grouped = base.embed(width=8, distance="euclidean", weights={"age": 0.5}).cluster(Parameter("groups", 3))
vectors: PropertyReference[Embeddings] = grouped.outputs.embedding.embeddings
again = base.embed_with_defaults(name="again").step("again", EmbeddingOutputs).embeddings
written = grouped.outputs.clustering.properties.ProcessingOutputConfig.Outputs
place: PropertyReference[str] = written["groups"].S3Output.S3Uri
trained = grouped.train_xgboost(training_data=grouped.outputs.clustering.groups)
given = Pipeline("given").provide(Embeddings, "s3://my-bucket/vectors").cluster(2)
loaded = Pipeline("once").load_data("s3://my-bucket/shop.csv", label="sold").deduplicate(columns=["id"], first=False)
kept: PropertyReference[RawData] = loaded.outputs.deduplicate.kept
many = loaded.outputs.deduplicate.values.json("rows") > 100
after = loaded.preprocess().embed()
alone: int = deduplicate(Path("rows")).rows
