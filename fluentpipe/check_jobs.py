"""The jobs of a definition: their requests against the service's model, paths in containers, S3 URIs, tokens."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fluentpipe.check_emr import emr_faults
from fluentpipe.diagnostic import Diagnostic, Findings, described
from fluentpipe.document import StepEntry, strings, write_trail
from fluentpipe.errors import InvalidS3Uri
from fluentpipe.s3uri import check_s3_uri
from fluentpipe.shapes import (
    MAX_PROCESSING_INPUTS,
    MAX_PROCESSING_OUTPUTS,
    PROCESSING_ROOT,
    check_request,
    operation_for,
)

PROCESSING_TYPES = frozenset(("Processing", "QualityCheck", "ClarifyCheck"))
# Members whose literal value is an S3 URI. A text inside Std:Join is only a part of one, and is left alone.
S3_MEMBERS = frozenset(("S3Uri", "S3OutputPath", "OutputS3Uri", "ModelDataUrl", "ManifestS3Uri", "DefaultValue"))
# A reference in an f-string is `${step.output~d330e5c0}`; this finds it, its tail and its head.
_TOKEN = re.compile(r"~[0-9A-Fa-f]{8}\}|\$\{[\w.\-\[\]'\"]+~")


def check_jobs(entries: Sequence[StepEntry], findings: Findings) -> None:
    """Check the Arguments of every step that is a job of SageMaker or of EMR."""
    for entry in entries:
        operation = operation_for(entry.type, entry.arguments)
        if not isinstance(entry.request.get("Arguments"), Mapping):
            continue
        for fault in check_request(operation, entry.arguments) if operation else emr_faults(entry):
            path = f"{entry.path}.Arguments{write_trail(fault.trail)}"
            message = f"{fault.message}." if fault.message[-1] not in ".?" else fault.message
            findings.found.append(Diagnostic(fault.severity, fault.code, path, entry.name, message, fault.fix))
        if entry.type in PROCESSING_TYPES:
            _check_processing(entry, findings)
        elif entry.type == "Training":
            _check_unique(entry, entry.arguments.get("InputDataConfig"), "ChannelName", ".InputDataConfig", findings)


def check_texts(document: Mapping[str, Any], entries: Sequence[StepEntry], findings: Findings) -> None:
    """Check every text of a definition: literal S3 URIs, and references lost in text."""
    _check_strings({key: value for key, value in document.items() if key != "Steps"}, "$", "", findings)
    for entry in entries:
        _check_strings(entry.own(), entry.path, entry.name, findings)


def _check_strings(value: Mapping[str, Any], path: str, step: str, findings: Findings) -> None:
    for trail, text in strings(value):
        if "~" in text and _TOKEN.search(text):
            message = f"{described(text)} holds what is left of a reference that was altered or never replaced."
            fix = "put the reference into the text unaltered: no slicing, no upper() or lower(), no replace()"
            findings.error("mangled-token", path + write_trail(trail), message, fix, step)
        elif text.startswith("s3://") and trail[1] in S3_MEMBERS:
            _check_uri(text, path + write_trail(trail), step, findings)


def _check_uri(text: str, path: str, step: str, findings: Findings) -> None:
    try:
        check_s3_uri(text)
    except InvalidS3Uri as error:
        # A trailing slash is legal and works for a prefix; joined to another name it makes a double one.
        report = findings.warning if vars(error)["reason"] == "trailing-slash" else findings.error
        report("s3-uri", path, str(error).splitlines()[0], error.fix, step)


def _check_processing(entry: StepEntry, findings: Findings) -> None:
    inputs = entry.arguments.get("ProcessingInputs")
    config = entry.arguments.get("ProcessingOutputConfig")
    outputs = config.get("Outputs") if isinstance(config, Mapping) else None
    sides = (
        (inputs, "InputName", ".ProcessingInputs", MAX_PROCESSING_INPUTS, ("S3Input", "DatasetDefinition")),
        (outputs, "OutputName", ".ProcessingOutputConfig.Outputs", MAX_PROCESSING_OUTPUTS, ("S3Output",)),
    )
    for items, name, tail, most, holders in sides:
        if isinstance(items, list | tuple) and len(items) > most:
            message = f"It has {len(items)} entries; the service takes at most {most}."
            findings.error("too-many", f"{entry.path}.Arguments{tail}", message, "", entry.name)
        _check_unique(entry, items, name, tail, findings)
        _check_local_paths(entry, items, tail, holders, findings)


def _check_unique(entry: StepEntry, items: object, member: str, tail: str, findings: Findings) -> None:
    seen: set[str] = set()
    for index, item in _objects(items):
        name = item.get(member)
        if isinstance(name, str) and name in seen:
            path = f"{entry.path}.Arguments{tail}[{index}].{member}"
            findings.error("duplicate-name", path, f"{member} {name!r} is used twice.", "", entry.name)
        elif isinstance(name, str):
            seen.add(name)


def _check_local_paths(
    entry: StepEntry, items: object, tail: str, holders: tuple[str, ...], findings: Findings
) -> None:
    seen: set[str] = set()
    for index, item in _objects(items):
        for holder in holders:
            inside = item.get(holder)
            local = inside.get("LocalPath") if isinstance(inside, Mapping) else None
            if not isinstance(local, str):
                continue
            path = f"{entry.path}.Arguments{tail}[{index}].{holder}.LocalPath"
            if not local.startswith(PROCESSING_ROOT) or ".." in local.split("/"):
                message = f"{described(local)} does not lie below {PROCESSING_ROOT}, as every path of such a job must."
                findings.error("local-path", path, message, "", entry.name)
            elif local.rstrip("/") in seen:
                message = f"LocalPath {described(local)} is used twice: one would hide the other."
                findings.error("duplicate-path", path, message, "", entry.name)
            seen.add(local.rstrip("/"))


def _objects(items: object) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for index, item in enumerate(items if isinstance(items, list | tuple) else ()):
        if isinstance(item, Mapping):
            yield index, item
