"""Where a model comes from: what was set for each step, and the hashes and versions of all that went into it."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping

from fluentpipe.report.evidence import Evidence, items, mapping
from fluentpipe.report.words import plain

_CODE = re.compile(r"/code/([0-9a-f]{64})(?:/|$)")
_OF_PLATFORM = ("sagemaker_program", "sagemaker_submit_directory", "sagemaker_region")


def settings(evidence: Evidence) -> list[tuple[str, list[tuple[str, str]]]]:
    """What was set, for the pipeline, each job and each model: (title, (name, value) …)."""
    parameters = [(str(name), plain(value)) for name, value in mapping(evidence.manifest.get("parameters")).items()]
    found = [("Parameters of the pipeline", parameters)]
    for entry in evidence.entries:
        job = evidence.job(entry.name)
        given = mapping(job.get("HyperParameters"))
        found.append((entry.name, [(str(name), plain(given[name])) for name in given if name not in _OF_PLATFORM]))
        found.append((entry.name, list(_arguments(mapping(job.get("AppSpecification")).get("ContainerArguments")))))
    for model in evidence.models:
        used = mapping(model.facts.get("parameters"))
        found.append((f"{model.step}: as used", [(str(name), plain(value)) for name, value in used.items()]))
    return [(title, rows) for title, rows in found if rows]


def _arguments(words: object) -> Iterator[tuple[str, str]]:
    """`--name value` pairs, without the folders of the container."""
    found = [str(word) for word in items(words)]
    for name, value in itertools.pairwise(found):
        if name.startswith("--") and not value.startswith(("--", "/opt/ml/")):
            yield name.removeprefix("--"), value


def lineage(evidence: Evidence, definition_sha256: str) -> list[tuple[str, str, str]]:
    """(what, its name, its hash or version): all that made the model what it is."""
    rows = [("run", str(evidence.manifest.get("id", "")), ""), ("definition", "definition.json", definition_sha256)]
    for step, schema in evidence.schemas:
        source = mapping(schema.get("source"))
        files = ", ".join(plain(each) for each in items(source.get("files")))
        rows.append(("data", files or step, plain(source.get("sha256"))))
    for entry in evidence.entries:
        hashes = dict.fromkeys(_hashes(evidence.job(entry.name)))
        rows += [("code", entry.name, found) for found in hashes]
    for model in evidence.models:
        of_rows = mapping(mapping(model.facts.get("data")).get("sha256"))
        rows += [(f"{name} rows", model.step, plain(found)) for name, found in of_rows.items() if found]
        rows.append(("model", f"{model.step}: model.tar.gz", model.sha256))
    rows += [("version", str(name), plain(found)) for name, found in mapping(evidence.manifest.get("versions")).items()]
    return rows


def _hashes(value: object) -> Iterator[str]:
    """Content hashes of the code that a request names."""
    pending = [value]
    while pending:
        found = pending.pop()
        if isinstance(found, str):
            yield from _CODE.findall(found)
        elif isinstance(found, Mapping):
            pending.extend(found.values())
        elif isinstance(found, list | tuple):
            pending.extend(found)
