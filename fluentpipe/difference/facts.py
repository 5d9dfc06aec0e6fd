"""What a step says, one fact a place: `Arguments.InputDataConfig['train'].DataSource.S3DataSource.S3Uri` -> its value.

Left out is what means nothing: the order of members and of named entries, members that hold the service's default,
empty containers of the kinds listed here, null. Everything else of the JSON is in one fact or another.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

import attrs

from fluentpipe.check_conditions import CONDITIONS
from fluentpipe.difference.value import Comparison, Ordered, Reader, Scalar, Text, Unordered, Value
from fluentpipe.document import BRANCHES, MAX_NESTING, StepEntry, is_reference, walk_steps


@attrs.frozen
class Named:
    """An entry of a list that goes by its name."""

    name: str


Place: TypeAlias = tuple[str | int | Named, ...]
Facts: TypeAlias = Mapping[Place, Value]

SCOPE: Place = ("scope",)
CONDITIONS_AT: Place = ("Arguments", "Conditions")
PROGRAM_ARGUMENTS: Place = ("Arguments", "AppSpecification", "ContainerArguments")
MAX_DEPTH = 60  # levels that are taken apart; what lies deeper is one value

# Lists whose entries have a name of their own, so that their order means nothing -> the member that names one.
NAMED = {
    ("Parameters",): "Name",
    ("PropertyFiles",): "PropertyFileName",
    ("OutputParameters",): "OutputName",
    ("Arguments", "ProcessingInputs"): "InputName",
    ("Arguments", "ProcessingOutputConfig", "Outputs"): "OutputName",
    ("Arguments", "InputDataConfig"): "ChannelName",
    ("Arguments", "Tags"): "Key",
    ("Arguments", "AlgorithmSpecification", "MetricDefinitions"): "Name",
}
# The last member of lists that are sets. Maps with keys of the user's hold texts, never lists.
SETS = frozenset(("DependsOn", "EnumValues", "ExceptionType", "SecurityGroupIds", "Subnets"))
# Empty, these say the same as missing. Elsewhere an empty object may choose a variant.
EMPTY_IS_MISSING = frozenset((
    "Bias", "ContainerArguments", "DependsOn", "ElseSteps", "Environment", "Explainability", "HyperParameters", "IfSteps",
    "InputDataConfig", "Metadata", "MetadataProperties", "MetricDefinitions", "Outputs", "Parameters", "ProcessingInputs",
    "PropertyFiles", "RetryPolicies", "SecurityGroupIds", "Steps", "Subnets", "Tags",
))  # fmt: skip
_INPUT, _OUTPUT = ("Arguments", "ProcessingInputs", "*"), ("Arguments", "ProcessingOutputConfig", "Outputs", "*")
_CHANNEL = ("Arguments", "InputDataConfig", "*")
# What the service takes where nothing is said; API reference of CreateProcessingJob, CreateTrainingJob and CreateModelPackage.
DEFAULTS: Mapping[Place, Any] = {
    (*_INPUT, "AppManaged"): False,
    (*_OUTPUT, "AppManaged"): False,
    (*_INPUT, "S3Input", "S3CompressionType"): "None",
    (*_INPUT, "S3Input", "S3DataDistributionType"): "FullyReplicated",
    (*_CHANNEL, "CompressionType"): "None",
    (*_CHANNEL, "RecordWrapperType"): "None",
    (*_CHANNEL, "DataSource", "S3DataSource", "S3DataDistributionType"): "FullyReplicated",
    ("Arguments", "EnableNetworkIsolation"): False,
    ("Arguments", "EnableInterContainerTrafficEncryption"): False,
    ("Arguments", "EnableManagedSpotTraining"): False,
    ("Arguments", "SkipModelValidation"): "None",
    ("Parameters", "*", "Type"): "String",
}


def step_facts(entry: StepEntry, reader: Reader) -> dict[Place, Value]:
    """Everything a step says but its name and type; the steps in its branches are steps of their own."""
    own = dict(entry.own() if isinstance(entry.request.get("Arguments"), Mapping) else entry.request)
    own.pop("Name" if entry.name else "", None)
    own.pop("Type" if entry.type else "", None)
    facts: dict[Place, Value] = {}
    if entry.type == "Condition" and isinstance(own.get("Arguments"), Mapping):
        arguments = dict(own["Arguments"])
        listed = arguments.get("Conditions")
        if isinstance(listed, list | tuple) and listed:
            del arguments["Conditions"]
            facts[CONDITIONS_AT] = Unordered(frozenset(comparison(each, reader) for each in listed))
        own["Arguments"] = arguments
        _add_odd_branches(entry, facts)
    _flatten(own, (), reader, facts)
    names = own.get("DependsOn")
    if isinstance(names, list | tuple) and names and all(isinstance(each, str) for each in names):
        facts[("DependsOn",)] = Unordered(frozenset(Text((reader.step(each),)) for each in names))
    if entry.scope:
        inner_first = [f"the {branch} branch of {reader.step(gate)}" for gate, branch in reversed(entry.scope)]
        facts[SCOPE] = Ordered(
            tuple(Text((f"in {each}" if index else each,)) for index, each in enumerate(inner_first))
        )
    return facts


def document_facts(document: Mapping[str, Any], reader: Reader) -> dict[Place, Value]:
    """Everything a definition says outside of its steps."""
    facts: dict[Place, Value] = {}
    _flatten({member: value for member, value in document.items() if member != "Steps"}, (), reader, facts)
    _add_odd_steps(document.get("Steps"), ("Steps",), facts)
    return facts


def comparison(condition: object, reader: Reader, depth: int = 0) -> Value:
    """A condition in one form; one that is malformed is the JSON that it is."""
    kind = condition.get("Type") if isinstance(condition, Mapping) else None
    needed = CONDITIONS.get(kind) if isinstance(kind, str) else None
    if not isinstance(condition, Mapping) or needed is None or depth > MAX_DEPTH or set(condition) != needed | {"Type"}:
        return Scalar(json.dumps(condition, sort_keys=True))
    operands: dict[str, Value] = {}
    for member in sorted(needed):
        value = condition[member]
        if member == "Condition":
            operands[member] = comparison(value, reader, depth + 1)
        elif member in ("Conditions", "Values") and isinstance(value, list | tuple):
            inner = (
                comparison(each, reader, depth + 1) if member == "Conditions" else reader.number(each) for each in value
            )
            operands[member] = Unordered(frozenset(inner))
        else:
            operands[member] = reader.number(value)
    return Comparison(str(kind), tuple(sorted(operands.items())))


def _flatten(value: Any, place: Place, reader: Reader, facts: dict[Place, Value]) -> None:
    if value is None or _is_default(value, place) or (value in ({}, []) and place and place[-1] in EMPTY_IS_MISSING):
        return
    if is_reference(value) or not isinstance(value, Mapping | list | tuple) or not value or len(place) > MAX_DEPTH:
        if place:
            facts[place] = reader.value(value)
    elif isinstance(value, Mapping):
        for member, each in value.items():
            _flatten(each, (*place, str(member)), reader, facts)
    else:
        _flatten_list(value, place, reader, facts)


def _flatten_list(items: list[Any] | tuple[Any, ...], place: Place, reader: Reader, facts: dict[Place, Value]) -> None:
    leaves = all(is_reference(each) or not isinstance(each, Mapping | list | tuple) for each in items)
    if leaves:
        values = tuple(reader.value(each) for each in items)
        facts[place] = Unordered(frozenset(values)) if place[-1] in SETS else Ordered(values)
        return
    for key, each in _entries(items, place):
        inner: Place = (*place, key)
        if isinstance(key, Named) and not each:
            facts[inner] = Scalar("{}")  # an entry that says no more than its name
        elif each is None:
            facts[inner] = Scalar("null")  # what comes after it has a place
        else:
            _flatten(each, inner, reader, facts)


def _entries(items: list[Any] | tuple[Any, ...], place: Place) -> Iterator[tuple[Named | int, Any]]:
    """The entries of a list by their names, if all have one, as literal text and of their own; else by number."""
    member = NAMED.get(tuple(each for each in place if isinstance(each, str)))
    names = [each.get(member) if isinstance(each, Mapping) else None for each in items]
    if member is None or not all(isinstance(name, str) for name in names) or len(set(names)) < len(names):
        yield from enumerate(items)
        return
    for name, each in zip(names, items, strict=True):
        yield Named(str(name)), {key: value for key, value in each.items() if key != member}


def _is_default(value: object, place: Place) -> bool:
    pattern = tuple("*" if isinstance(each, Named | int) else each for each in place)
    return pattern in DEFAULTS and value == DEFAULTS[pattern] and type(value) is type(DEFAULTS[pattern])


def _add_odd_branches(entry: StepEntry, facts: dict[Place, Value]) -> None:
    for member in BRANCHES.values():
        branch = entry.arguments.get(member)
        if branch and len(entry.scope) >= MAX_NESTING:  # nobody walks into it
            facts[("Arguments", member)] = Scalar(json.dumps(branch, sort_keys=True))
        else:
            _add_odd_steps(branch, ("Arguments", member), facts)


def _add_odd_steps(steps: object, place: Place, facts: dict[Place, Value]) -> None:
    """What stands where steps should and is none: no walk over steps finds it."""
    if not isinstance(steps, list | tuple):
        if steps is not None:
            facts[place] = Scalar(json.dumps(steps, sort_keys=True))
        return
    odd = [json.dumps(each, sort_keys=True) for each in steps if not isinstance(each, Mapping)]
    if odd:
        facts[place] = Ordered(tuple(Scalar(each) for each in odd))


def entries_by_name(document: Mapping[str, Any]) -> dict[str, StepEntry]:
    """The steps by name; one without a name, or with the name of an earlier one, by its path as well."""
    found: dict[str, StepEntry] = {}
    for entry in walk_steps(document):
        key = entry.name if entry.name and entry.name not in found else f"{entry.name}@{entry.path}"
        found[key] = entry
    return found
