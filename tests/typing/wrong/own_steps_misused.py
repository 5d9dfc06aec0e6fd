"""Mistakes with the project's own verbs."""

import shop.steps  # noqa: F401  declares the steps
from shop.steps import Embeddings

from fluentpipe import Pipeline

base = Pipeline("shop").load_data("s3://my-bucket/shop.csv", label="sold").preprocess()
grouped = base.embed().cluster(3)

base.cluster(3)  # mypy: misc; pyright: reportAttributeAccessIssue; ty: no-matching-overload; pyrefly: no-matching-overload
base.embed(widht=8)  # mypy: call-arg; pyright: reportCallIssue; ty: unknown-argument; pyrefly: unexpected-keyword
base.embed(distance="manhattan")  # mypy: arg-type; pyright: reportArgumentType; ty: invalid-argument-type; pyrefly: bad-argument-type
base.embed().cluster()  # mypy: call-overload; pyright: reportCallIssue; ty: no-matching-overload; pyrefly: no-matching-overload
grouped.outputs.embedding.embedings  # mypy: attr-defined; pyright: reportAttributeAccessIssue; ty: missing-attribute; pyrefly: missing-attribute
grouped.cluster(3, name="b", embeddings=grouped.outputs.clustering.groups)  # mypy: arg-type; pyright: reportArgumentType+reportCallIssue; ty: no-matching-overload; pyrefly: no-matching-overload
Pipeline("given").provide(Embeddings, "s3://my-bucket/vectors").cluster(2, keep_rows=True)  # mypy: arg-type; pyright: reportArgumentType; ty: no-matching-overload; pyrefly: no-matching-overload
Pipeline("once").deduplicate()  # mypy: misc; pyright: reportAttributeAccessIssue; ty: invalid-argument-type; pyrefly: bad-argument-type
Pipeline("once").load_data("s3://b-cket/x", label="y").deduplicate(first="yes")  # mypy: arg-type; pyright: reportArgumentType; ty: invalid-argument-type; pyrefly: bad-argument-type
