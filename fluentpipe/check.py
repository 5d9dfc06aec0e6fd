"""What is wrong with a pipeline definition, whoever made it: every fault at once, none raised.

The passes, in their order: the document and its parameters (here), the steps and their conditions
(`check_steps`), references, scopes and cycles (`check_references`), and the jobs' requests
(`check_jobs`). Any JSON value may be given; what is no definition at all gets its diagnostics too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from fluentpipe.check_conditions import check_are_steps
from fluentpipe.check_jobs import check_jobs, check_texts
from fluentpipe.check_references import check_references
from fluentpipe.check_steps import check_steps
from fluentpipe.diagnostic import Diagnostic, Findings, described
from fluentpipe.document import walk_steps, write_key
from fluentpipe.errors import did_you_mean
from fluentpipe.shapes import (
    MAX_DEFINITION,
    MAX_ENUM_VALUES,
    MAX_PARAMETER_NAME,
    MAX_PARAMETER_VALUE,
    MAX_PARAMETERS,
    MAX_PIPELINE_NAME,
    MAX_STEPS,
    PARAMETER_NAME,
    PIPELINE_NAME,
)

__all__ = ["Diagnostic", "check", "check_pipeline_name"]

MAX_DEPTH = 400  # containers in one another; a level of conditions takes three, a request about ten
VERSION = "2020-12-01"  # the only version there is
MEMBERS = frozenset(("Version", "Metadata", "Parameters", "PipelineExperimentConfig", "Steps", "MlflowConfig"))
PARAMETER_MEMBERS = frozenset(("Name", "Type", "DefaultValue", "Description", "EnumValues"))
PARAMETER_TYPES: Mapping[str, tuple[type, ...]] = {
    "String": (str,),
    "Integer": (int,),
    "Float": (int, float),
    "Boolean": (bool,),
}


def check(
    document: object,
    *,
    max_steps: int | None = MAX_STEPS,
    max_parameters: int | None = MAX_PARAMETERS,
    max_characters: int | None = MAX_DEFINITION,
) -> tuple[Diagnostic, ...]:
    """Find every fault of a pipeline definition.

    Args:
        document: The definition as JSON data.
        max_steps: Quota of the account; None lifts it.
        max_parameters: The same for parameters.
        max_characters: Of the definition as sent; None lifts it.

    Returns:
        Errors and warnings in the order of the definition; empty for a sound one.
    """
    findings = Findings()
    if not isinstance(document, Mapping):
        findings.error("wrong-type", "$", f"A definition is an object, not {described(document)}.")
        return findings.sorted()
    if _too_deep(document):
        message = f"Values lie deeper in one another than {MAX_DEPTH} levels; nothing was checked."
        findings.error("nested-too-deep", "$", message)
        return findings.sorted()
    _check_document(document, findings)
    parameters = _check_parameters(document.get("Parameters", []), max_parameters, findings)
    entries = list(walk_steps(document))
    if max_steps is not None and len(entries) > max_steps:
        message = f"{len(entries)} steps are more than the quota of {max_steps}."
        findings.error("too-many-steps", "$.Steps", message, "ask AWS for a higher quota and pass max_steps=")
    check_steps(entries, findings)
    check_references(document, entries, parameters, findings)
    check_jobs(entries, findings)
    check_texts(document, entries, findings)
    _check_size(document, max_characters, findings)
    return findings.sorted()


def check_pipeline_name(name: str) -> tuple[Diagnostic, ...]:
    """The faults of a pipeline's name, which is no part of its definition."""
    findings = Findings()
    if not re.fullmatch(PIPELINE_NAME, name, re.ASCII):
        suggestion = re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")
        fix = f"name it {suggestion!r}" if suggestion else ""
        message = f"The pipeline's name {described(name)} may hold only letters, digits and '-' between them."
        findings.error("pipeline-name", "$", message, fix)
    elif len(name) > MAX_PIPELINE_NAME:
        message = f"The pipeline's name has {len(name)} characters; the service takes {MAX_PIPELINE_NAME}."
        findings.error("pipeline-name", "$", message)
    return findings.sorted()


def _too_deep(document: Mapping[str, Any]) -> bool:
    """Whether containers nest beyond MAX_DEPTH: without it paths could be made long enough to take forever."""
    level: list[Any] = [document]
    for _ in range(MAX_DEPTH):
        level = [
            inner
            for each in level
            for inner in (each.values() if isinstance(each, dict | Mapping) else each)
            if isinstance(inner, dict | list | tuple | Mapping)
        ]
        if not level:
            return False
    return True


def _check_document(document: Mapping[str, Any], findings: Findings) -> None:
    for member in document:
        if member not in MEMBERS:
            message = f"A definition has no member {member!r}.{did_you_mean(str(member), MEMBERS)}"
            findings.error("unknown-member", f"${write_key(member)}", message)
    if "Version" not in document:
        findings.error("version", "$", "'Version' is missing.", f'write "Version": "{VERSION}"')
    elif document["Version"] != VERSION:
        message = f"There is no version {described(document['Version'])} of definitions."
        findings.error("version", "$.Version", message, f"write {VERSION!r}")
    for member in ("Metadata", "PipelineExperimentConfig"):
        if not isinstance(document.get(member, {}), Mapping):
            findings.error("wrong-type", f"$.{member}", f"It must be an object, not {described(document[member])}.")
    experiment = document.get("PipelineExperimentConfig")
    for member in experiment if isinstance(experiment, Mapping) else ():
        if member not in ("ExperimentName", "TrialName"):
            message = f"PipelineExperimentConfig has no member {member!r}."
            findings.error("unknown-member", f"$.PipelineExperimentConfig{write_key(member)}", message)
    steps = document.get("Steps")
    if "Steps" not in document:
        findings.error("missing-member", "$", "'Steps' is missing: a pipeline is made of steps.")
    elif not isinstance(steps, list | tuple):
        findings.error("wrong-type", "$.Steps", f"It must be a list, not {described(steps)}.")
    elif not steps:
        findings.error("no-steps", "$.Steps", "A pipeline needs at least one step.")
    else:
        check_are_steps(steps, "$.Steps", findings)


def _check_parameters(declared: object, most: int | None, findings: Findings) -> dict[str, Mapping[str, Any]]:
    """Check the declarations; returns those that have a name, the first of each name."""
    if not isinstance(declared, list | tuple):
        findings.error("wrong-type", "$.Parameters", f"It must be a list, not {described(declared)}.")
        return {}
    if most is not None and len(declared) > most:
        message = f"{len(declared)} parameters are more than the quota of {most}."
        findings.error("too-many-parameters", "$.Parameters", message, "ask AWS for a higher quota")
    known: dict[str, Mapping[str, Any]] = {}
    for index, each in enumerate(declared):
        path = f"$.Parameters[{index}]"
        if not isinstance(each, Mapping):
            findings.error("wrong-type", path, f"A parameter is an object, not {described(each)}.")
            continue
        name = each.get("Name")
        _check_parameter_name(name, path, findings)
        _check_parameter_values(each, path, findings)
        if isinstance(name, str) and name in known:
            findings.error("duplicate-parameter", f"{path}.Name", f"Parameter {name!r} is declared twice.")
        elif isinstance(name, str):
            known[name] = each
    return known


def _check_parameter_name(name: object, path: str, findings: Findings) -> None:
    if not isinstance(name, str) or not name:
        findings.error("parameter-name", path, f"A parameter needs a name; it has {described(name)}.")
    elif not re.fullmatch(PARAMETER_NAME, name, re.ASCII):
        message = f"The parameter name {described(name)} may hold only letters, digits, '-' and '_'."
        fix = f"name it {re.sub('[^A-Za-z0-9_-]+', '_', name)!r}"
        findings.error("parameter-name", f"{path}.Name", message, fix)
    elif len(name) > MAX_PARAMETER_NAME:
        message = f"The parameter name has {len(name)} characters; at most {MAX_PARAMETER_NAME} are allowed."
        findings.error("parameter-name", f"{path}.Name", message)


def _check_parameter_values(declared: Mapping[str, Any], path: str, findings: Findings) -> None:
    for member in declared:
        if member not in PARAMETER_MEMBERS:
            message = f"A parameter has no member {member!r}.{did_you_mean(str(member), PARAMETER_MEMBERS)}"
            findings.error("unknown-member", path + write_key(member), message)
    kind = declared.get("Type", "String")  # as in the published JSON schema of definitions
    if not isinstance(kind, str) or kind not in PARAMETER_TYPES:
        near = did_you_mean(kind, PARAMETER_TYPES) if isinstance(kind, str) else ""
        message = f"{described(kind)} is no type of a parameter.{near}"
        findings.error("parameter-type", f"{path}.Type", message, f"one of {', '.join(PARAMETER_TYPES)}")
        return
    if "DefaultValue" in declared:
        _check_parameter_value(kind, declared["DefaultValue"], f"{path}.DefaultValue", findings)
    if "EnumValues" not in declared:
        return
    allowed = declared["EnumValues"]
    if not isinstance(allowed, list | tuple) or not 1 <= len(allowed) <= MAX_ENUM_VALUES:
        message = f"EnumValues is a list of 1 to {MAX_ENUM_VALUES} values."
        findings.error("parameter-enum", f"{path}.EnumValues", message)
        return
    for index, value in enumerate(allowed):
        _check_parameter_value(kind, value, f"{path}.EnumValues[{index}]", findings)
    if "DefaultValue" in declared and declared["DefaultValue"] not in allowed:
        message = f"The default {described(declared['DefaultValue'])} is none of the EnumValues."
        findings.error("parameter-enum", f"{path}.DefaultValue", message)


def _check_parameter_value(kind: str, value: object, path: str, findings: Findings) -> None:
    if not isinstance(value, PARAMETER_TYPES[kind]) or (isinstance(value, bool) and kind != "Boolean"):
        findings.error("parameter-value", path, f"{described(value)} is no value of type {kind}.")
    elif isinstance(value, str) and len(value) > MAX_PARAMETER_VALUE:
        message = f"A value has at most {MAX_PARAMETER_VALUE} characters; this one has {len(value)}."
        findings.error("parameter-value", path, message)


def _check_size(document: Mapping[str, Any], most: int | None, findings: Findings) -> None:
    if most is None:
        return
    try:
        size = len(json.dumps(document, separators=(",", ":")))
    except (TypeError, ValueError, RecursionError) as error:
        findings.error("not-json", "$", f"The definition cannot be written as JSON: {error}.")
        return
    if size > most:
        message = f"The definition has {size} characters; the service takes {most}."
        findings.error("too-large", "$", message, "split the pipeline, or move long texts into files")
