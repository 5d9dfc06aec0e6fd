"""The steps of a definition as such: names, members, caching, retries, property files."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from fluentpipe.check_baselines import MEMBERS, check_baselines
from fluentpipe.check_conditions import check_condition_step
from fluentpipe.diagnostic import Findings, described
from fluentpipe.document import StepEntry, is_reference, write_key
from fluentpipe.errors import did_you_mean
from fluentpipe.shapes import MAX_STEP_NAME, STEP_NAME

COMMON = frozenset(("Name", "Type", "DisplayName", "Description", "DependsOn", "Arguments"))
JOB = frozenset(("CacheConfig", "RetryPolicies"))
# Members by step type. A type that maps to None exists, but its grammar is not published: taken as it is.
STEP_TYPES: Mapping[str, frozenset[str] | None] = {
    "AutoML": COMMON | JOB,
    "Callback": None,
    "ClarifyCheck": COMMON | MEMBERS["ClarifyCheck"],
    "Condition": COMMON,
    "EMR": None,
    "EMRServerless": None,
    "Endpoint": None,
    "EndpointConfig": None,
    "Fail": COMMON,
    "InferenceComponent": None,
    "Lambda": None,
    "Lineage": None,
    "Model": COMMON | JOB,
    "Processing": COMMON | JOB | {"PropertyFiles"},
    "QualityCheck": COMMON | MEMBERS["QualityCheck"],
    "RegisterModel": COMMON | JOB,
    "Training": COMMON | JOB | {"PropertyFiles"},
    "Transform": COMMON | JOB | {"PropertyFiles"},
    "Tuning": COMMON | JOB | {"PropertyFiles"},
}
WITHOUT_ARGUMENTS = frozenset(("Callback", "Lambda"))  # types whose Arguments may be missing

# An ISO 8601 duration, as the SDK documents it for CacheConfig: "30d", "P30D", "P4DT12H".
_DURATION = re.compile(
    r"P(?=\d|T\d)(\d+Y)?(\d+M)?(\d+W)?(\d+D)?(T(?=\d)(\d+H)?(\d+M)?(\d+S)?)?", re.ASCII | re.IGNORECASE
)
RETRIED = frozenset(
    (
        "Step.SERVICE_FAULT",
        "Step.THROTTLING",
        "SageMaker.JOB_INTERNAL_ERROR",
        "SageMaker.CAPACITY_ERROR",
        "SageMaker.RESOURCE_LIMIT",
    )
)  # exception types of retry policies; developer guide, "Retry policy for pipeline steps"
MAX_ATTEMPTS, MAX_EXPIRE_MINUTES = 20, 14_400  # the same page; the SDK's retry policies
RETRY_MEMBERS = frozenset(("BackoffRate", "IntervalSeconds", "MaxAttempts", "ExpireAfterMin", "ExceptionType"))


def is_duration(text: str) -> bool:
    """Whether a text is an ISO 8601 duration as CacheConfig takes it."""
    return _DURATION.fullmatch(text) is not None


def check_steps(entries: Sequence[StepEntry], findings: Findings) -> None:
    """Check every step for itself, and the names of all against one another."""
    seen: dict[str, str] = {}
    for entry in entries:
        _check_name(entry, seen, findings)
        known = _check_type(entry, findings)
        if known is not None:
            _check_members(entry, known, findings)
        _check_cache(entry, findings)
        _check_retries(entry, findings)
        _check_property_files(entry, findings)
        check_baselines(entry, findings)
        if entry.type == "Condition":
            check_condition_step(entry, findings)
        elif entry.type == "Fail":
            _check_fail(entry, findings)


def _check_name(entry: StepEntry, seen: dict[str, str], findings: Findings) -> None:
    name = entry.request.get("Name")
    if not isinstance(name, str) or not name:
        findings.error("step-name", entry.path, f"A step needs a name; it has {described(name)}.")
        return
    path = f"{entry.path}.Name"
    if not re.fullmatch(STEP_NAME, name, re.ASCII):
        fix = f"name it {re.sub('[^A-Za-z0-9_-]+', '-', name).strip('-')!r}"
        message = f"The name {described(name)} may hold only letters, digits, '-' and '_'."
        findings.error("step-name", path, message, fix, name)
    elif len(name) > MAX_STEP_NAME:
        message = f"The name has {len(name)} characters; at most {MAX_STEP_NAME} are allowed."
        findings.error("step-name", path, message, "", name)
    if name in seen:
        message = f"Two steps are named {described(name)}; the other one is {seen[name]}."
        findings.error("duplicate-step", path, message, "names are unique over all branches", name)
    seen.setdefault(name, entry.path)


def _check_type(entry: StepEntry, findings: Findings) -> frozenset[str] | None:
    """The members that a step of this type may have; None if nothing is known of it."""
    if entry.type in STEP_TYPES:
        return STEP_TYPES[entry.type]
    kind = entry.request.get("Type")
    if not entry.type:
        findings.error("step-type", entry.path, f"A step needs a Type; it has {described(kind)}.", "", entry.name)
    elif near := did_you_mean(entry.type, STEP_TYPES):
        message = f"There is no step type {described(kind)}.{near}"
        findings.error("step-type", f"{entry.path}.Type", message, "", entry.name)
    else:
        message = f"The step type {described(kind)} is not known here; its Arguments are not checked."
        findings.warning("step-type", f"{entry.path}.Type", message, "", entry.name)
    return None


def _check_members(entry: StepEntry, known: frozenset[str], findings: Findings) -> None:
    for member in entry.request:
        if member not in known:
            message = f"A {entry.type} step has no member {member!r}.{did_you_mean(str(member), known)}"
            findings.error("unknown-member", entry.path + write_key(member), message, "", entry.name)
    for member in ("DisplayName", "Description"):
        if not isinstance(entry.request.get(member, ""), str):
            findings.error("wrong-type", f"{entry.path}.{member}", "It must be text.", "", entry.name)
    if "Arguments" not in entry.request and entry.type not in WITHOUT_ARGUMENTS:
        findings.error("missing-member", entry.path, "'Arguments' is missing.", "", entry.name)
    elif not isinstance(entry.request.get("Arguments", {}), Mapping):
        message = f"It must be an object, not {described(entry.request['Arguments'])}."
        findings.error("wrong-type", f"{entry.path}.Arguments", message, "", entry.name)


def _check_cache(entry: StepEntry, findings: Findings) -> None:
    if "CacheConfig" not in entry.request:
        return
    cache, path = entry.request["CacheConfig"], f"{entry.path}.CacheConfig"
    if not isinstance(cache, Mapping) or not isinstance(cache.get("Enabled"), bool):
        message = "CacheConfig is an object whose 'Enabled' is true or false."
        findings.error("cache-config", path, message, "", entry.name)
        return
    for member in cache:
        if member not in ("Enabled", "ExpireAfter"):
            message = f"CacheConfig has no member {member!r}.{did_you_mean(str(member), ('Enabled', 'ExpireAfter'))}"
            findings.error("cache-config", path + write_key(member), message, "", entry.name)
    expires = cache.get("ExpireAfter", "P1D")
    if not isinstance(expires, str) or not _DURATION.fullmatch(expires):
        message = f"{described(expires)} is no ISO 8601 duration."
        findings.error("cache-config", f"{path}.ExpireAfter", message, "write 'P30D' for thirty days", entry.name)


def _check_retries(entry: StepEntry, findings: Findings) -> None:
    if "RetryPolicies" not in entry.request:
        return
    policies, path = entry.request["RetryPolicies"], f"{entry.path}.RetryPolicies"
    if not isinstance(policies, list | tuple) or not policies:
        message = "RetryPolicies is a list of at least one policy."
        findings.error("retry-policy", path, message, "leave it out for none", entry.name)
        return
    for index, policy in enumerate(policies):
        if isinstance(policy, Mapping):
            for where, message in _retry_faults(policy):
                findings.error("retry-policy", f"{path}[{index}]{where}", message, "", entry.name)
        else:
            findings.error("retry-policy", f"{path}[{index}]", "A retry policy is an object.", "", entry.name)


def _retry_faults(policy: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(tail of the path, message) of everything wrong with a retry policy."""
    found = [
        (write_key(member), f"A retry policy has no member {member!r}.{did_you_mean(str(member), RETRY_MEMBERS)}")
        for member in policy
        if member not in RETRY_MEMBERS
    ]
    limits = {"IntervalSeconds": (0, None), "MaxAttempts": (1, MAX_ATTEMPTS), "ExpireAfterMin": (1, MAX_EXPIRE_MINUTES)}
    for member, (least, most) in limits.items():
        value = policy.get(member, least)
        whole = isinstance(value, int) and not isinstance(value, bool)
        if not whole or value < least or (most is not None and value > most):
            found.append((f".{member}", f"It is a whole number from {least}{f' to {most}' if most else ''}."))
    rate = policy.get("BackoffRate", 1)
    if not isinstance(rate, int | float) or isinstance(rate, bool) or rate < 0:
        found.append((".BackoffRate", "It is a number that is not negative."))
    if "MaxAttempts" in policy and "ExpireAfterMin" in policy:
        found.append(("", "MaxAttempts and ExpireAfterMin exclude one another."))
    types = policy.get("ExceptionType")
    if not isinstance(types, list | tuple) or not types:
        found.append(("", "'ExceptionType' is required: a list of at least one type of failure."))
        return found
    for index, name in enumerate(types):
        if not isinstance(name, str) or name not in RETRIED:
            near = did_you_mean(name, RETRIED) if isinstance(name, str) else ""
            found.append((f".ExceptionType[{index}]", f"{described(name)} is no type of failure.{near}"))
    return found


def declared_names(items: object, member: str) -> list[str] | None:
    """The literal names in a list of objects; None if one is a reference or missing, so that any may be meant."""
    if not isinstance(items, list | tuple):
        return []
    names = [item.get(member) if isinstance(item, Mapping) else None for item in items]
    return None if any(not isinstance(name, str) for name in names) else [str(name) for name in names]


def processing_outputs(entry: StepEntry) -> list[str] | None:
    """Names of the outputs that a processing job declares; None if they cannot be told."""
    config = entry.arguments.get("ProcessingOutputConfig")
    return declared_names(config.get("Outputs") if isinstance(config, Mapping) else None, "OutputName")


def property_files(entry: StepEntry) -> Mapping[str, Mapping[str, Any]]:
    """The property files that a step declares, by name."""
    files = entry.request.get("PropertyFiles")
    named = [each for each in files if isinstance(each, Mapping)] if isinstance(files, list | tuple) else []
    return {each["PropertyFileName"]: each for each in named if isinstance(each.get("PropertyFileName"), str)}


def _check_property_files(entry: StepEntry, findings: Findings) -> None:
    if "PropertyFiles" not in entry.request:
        return
    files, path = entry.request["PropertyFiles"], f"{entry.path}.PropertyFiles"
    if not isinstance(files, list | tuple):
        findings.error("property-file", path, "PropertyFiles is a list.", "", entry.name)
        return
    outputs = processing_outputs(entry) if entry.type == "Processing" else None
    seen: set[str] = set()
    needed = {"PropertyFileName", "OutputName", "FilePath"}
    for index, each in enumerate(files):
        place = f"{path}[{index}]"
        if not isinstance(each, Mapping) or set(each) != needed or not all(isinstance(x, str) for x in each.values()):
            message = "A property file has the texts PropertyFileName, OutputName and FilePath, and nothing else."
            findings.error("property-file", place, message, "", entry.name)
            continue
        name, output = each["PropertyFileName"], each["OutputName"]
        if name in seen:
            message = f"Two property files are named {described(name)}."
            findings.error("property-file", f"{place}.PropertyFileName", message, "", entry.name)
        seen.add(name)
        if outputs is not None and output not in outputs:
            message = f"The step declares no output {described(output)}.{did_you_mean(output, outputs)}"
            fix = f"outputs: {', '.join(sorted(outputs))}" if outputs else "declare it in ProcessingOutputConfig"
            findings.error("unknown-output", f"{place}.OutputName", message, fix, entry.name)


def _check_fail(entry: StepEntry, findings: Findings) -> None:
    for member, value in entry.arguments.items():
        path = f"{entry.path}.Arguments{write_key(member)}"
        if member != "ErrorMessage":
            message = f"The Arguments of a Fail step have no member {member!r}.{did_you_mean(member, ['ErrorMessage'])}"
            findings.error("unknown-member", path, message, "", entry.name)
        elif not isinstance(value, str) and not is_reference(value):
            findings.error("wrong-type", path, f"It must be text, not {described(value)}.", "", entry.name)
