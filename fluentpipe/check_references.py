"""The references of a definition: do they name something, and may they see it?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fluentpipe.check_cycles import Graph, check_cycles
from fluentpipe.check_steps import declared_names, property_files
from fluentpipe.diagnostic import Findings, described
from fluentpipe.document import GET, JOIN, Reference, StepEntry, at, is_reference, references
from fluentpipe.errors import UnknownOutput, did_you_mean
from fluentpipe.shapes import SCALARS, Leaf, step_types, walk

# The SDK's ExecutionVariables; the last two are known only inside a job of that kind.
EXECUTION_VARIABLES = frozenset(
    (
        "CurrentDateTime",
        "PipelineArn",
        "PipelineExecutionArn",
        "PipelineExecutionId",
        "PipelineName",
        "StartDateTime",
        "ProcessingJobName",
        "TrainingJobName",
    )
)
ROOTS = ("Parameters", "Execution", "Steps")
# Lists of a step's properties whose keys the step itself declares: path -> the member that names an entry.
NAMED_LISTS = {
    "ProcessingOutputConfig.Outputs": "OutputName",
    "ProcessingInputs": "InputName",
    "InputDataConfig": "ChannelName",
    "OutputParameters": "OutputName",
}
NO_PROPERTIES = frozenset(("Fail",))


def check_references(
    document: Mapping[str, Any],
    entries: Sequence[StepEntry],
    parameters: Mapping[str, Mapping[str, Any]],
    findings: Findings,
) -> None:
    """Check every reference and every DependsOn of a definition, report cycles and unused parameters."""
    graph = Graph.of(entries)
    used: set[str] = set()
    for entry in entries:
        _check_depends_on(entry, graph, findings)
        for reference in entry.references():
            _check_reference(reference, entry, graph, parameters, used, findings)
    rest = {member: value for member, value in document.items() if member != "Steps"}
    for reference in references(rest):
        _check_reference(reference, None, graph, parameters, used, findings)
    check_cycles(graph, findings)
    for index, declared in enumerate(_listed(document.get("Parameters"))):
        name = declared.get("Name") if isinstance(declared, Mapping) else None
        if isinstance(name, str) and parameters.get(name) is declared and name not in used:
            findings.warning("unused-parameter", f"$.Parameters[{index}]", f"Parameter {name!r} is used nowhere.")


def _listed(value: object) -> Sequence[Any]:
    return value if isinstance(value, list | tuple) else ()


def _check_depends_on(entry: StepEntry, graph: Graph, findings: Findings) -> None:
    if "DependsOn" not in entry.request:
        return
    names, path = entry.request["DependsOn"], f"{entry.path}.DependsOn"
    if not isinstance(names, list | tuple):
        findings.error("depends-on", path, "DependsOn is a list of names of steps.", "", entry.name)
        return
    for index, name in enumerate(names):
        if isinstance(name, str):
            _producer(name, entry, graph, f"{path}[{index}]", findings)
        else:
            findings.error("depends-on", f"{path}[{index}]", f"{described(name)} is no name of a step.", "", entry.name)


def _check_reference(
    reference: Reference,
    entry: StepEntry | None,
    graph: Graph,
    parameters: Mapping[str, Mapping[str, Any]],
    used: set[str],
    findings: Findings,
) -> None:
    step = entry.name if entry else ""
    if reference.kind == JOIN:
        _check_join(reference, step, findings)
    elif reference.kind != GET:
        _check_json_get(reference, step, findings)
    elif not isinstance(reference.value, str):
        findings.error("reference", reference.path, f"Get takes text, not {described(reference.value)}.", "", step)
    else:
        root, _, name = reference.text.partition(".")
        if root == "Parameters":
            _check_parameter(name, parameters, used, reference.path, step, findings)
        elif root == "Execution":
            if name not in EXECUTION_VARIABLES:
                message = f"There is no execution variable {name!r}.{did_you_mean(name, EXECUTION_VARIABLES)}"
                findings.error("unknown-variable", reference.path, message, "", step)
        elif root == "Steps" and entry is not None:
            _check_step_property(name, entry, graph, reference.path, findings)
        elif root == "Steps":
            message = "Outside of the steps only parameters and execution variables can be used."
            findings.error("reference", reference.path, message)
        else:
            message = f"{described(reference.text)} begins with none of {', '.join(ROOTS)}.{did_you_mean(root, ROOTS)}"
            findings.error("reference", reference.path, message, "", step)


def _check_parameter(
    name: str, parameters: Mapping[str, Any], used: set[str], path: str, step: str, findings: Findings
) -> None:
    used.add(name)
    if name not in parameters:
        fix = f"declare it, or use one of: {', '.join(sorted(parameters)[:20])}" if parameters else "declare it"
        message = f"There is no parameter {name!r}.{did_you_mean(name, parameters)}"
        findings.error("unknown-parameter", path, message, fix, step)


def _check_join(reference: Reference, step: str, findings: Findings) -> None:
    value, path = reference.value, f"{reference.path}['Std:Join']"
    values = value.get("Values") if isinstance(value, Mapping) else None
    if not isinstance(value, Mapping) or not set(value) <= {"On", "Values"} or not isinstance(values, list | tuple):
        message = "Std:Join takes an object with the list 'Values' and the text 'On', and nothing else."
        findings.error("join", path, message, "", step)
        return
    if not isinstance(value.get("On", ""), str):
        findings.error("join", f"{path}.On", f"It must be text, not {described(value['On'])}.", "", step)
    if not values:
        findings.error("join", f"{path}.Values", "There is nothing to join.", "", step)
    for index, each in enumerate(values):
        if not is_reference(each) and not isinstance(each, str | int | float | bool):
            message = f"Only texts, numbers, booleans and references can be joined, not {described(each)}."
            findings.error("join", f"{path}.Values[{index}]", message, "", step)


def _check_json_get(reference: Reference, step: str, findings: Findings) -> None:
    value, path = reference.value, f"{reference.path}['Std:JsonGet']"
    if (
        not isinstance(value, Mapping)
        or set(value) not in ({"PropertyFile", "Path"}, {"S3Uri", "Path"})
        or not isinstance(value["Path"], str)
        or not value["Path"]
    ):
        message = "Std:JsonGet takes an object with the text 'Path' and either 'PropertyFile' or 'S3Uri'."
        findings.error("json-get", path, message, "", step)
        return
    file = value.get("PropertyFile")
    target = file.get(GET) if isinstance(file, Mapping) else None
    if "PropertyFile" in value and not (isinstance(target, str) and ".PropertyFiles." in target):
        message = 'PropertyFile is {"Get": "Steps.<step>.PropertyFiles.<name>"}.'
        findings.error("json-get", f"{path}.PropertyFile", message, "", step)


def _producer(name: str, entry: StepEntry, graph: Graph, path: str, findings: Findings) -> StepEntry | None:
    """The step of a name as this step may see it; notes that the one waits for the other."""
    producer = graph.steps.get(name)
    if producer is None:
        message = f"There is no step {described(name)}.{did_you_mean(name, graph.steps)}"
        findings.error("unknown-step", path, message, "", entry.name)
        return None
    depth = len(producer.scope)
    if entry.scope[:depth] != producer.scope:
        condition, branch = next(
            theirs
            for theirs, ours in zip(producer.scope, (*entry.scope, *[None] * depth), strict=False)
            if theirs != ours
        )
        message = (
            f"Step {name!r} runs only in the {branch} branch of condition {condition!r}, and this step lies outside it."
        )
        fix = f"move {entry.name!r} into {condition}'s {branch}Steps, or {name!r} out of it"
        findings.error("out-of-scope", path, message, fix, entry.name)
    else:
        graph.waits_for[entry.name][name] = None
    return producer


def _check_step_property(text: str, entry: StepEntry, graph: Graph, path: str, findings: Findings) -> None:
    name, dot, rest = text.partition(".")
    producer = _producer(name, entry, graph, path, findings)
    if producer is None:
        return
    if not dot or not rest:
        message = f"A reference needs a property of step {name!r} after its name."
        findings.error("unknown-property", path, message, f"Steps.{name}.<property>", entry.name)
    elif rest.startswith("PropertyFiles."):
        _check_property_file(rest.partition(".")[2], producer, entry.name, path, findings)
    elif producer.type in NO_PROPERTIES:
        message = f"Step {name!r} is of type {producer.type}, which has no properties."
        findings.error("unknown-property", path, message, "", entry.name)
    elif producer.type in step_types():
        _check_property(rest, producer, entry.name, path, findings)


def _check_property_file(name: str, producer: StepEntry, step: str, path: str, findings: Findings) -> None:
    declared = property_files(producer)
    if not path.endswith("['Std:JsonGet'].PropertyFile"):
        message = "A property file has no value of its own; one value in it is read with Std:JsonGet."
        findings.error("property-file", path, message, "", step)
    elif name not in declared:
        message = f"Step {producer.name!r} declares no property file {name!r}.{did_you_mean(name, declared)}"
        fix = f"property files: {', '.join(sorted(declared))}" if declared else "declare it in PropertyFiles"
        findings.error("unknown-property-file", path, message, fix, step)


def _check_property(text: str, producer: StepEntry, step: str, path: str, findings: Findings) -> None:
    try:
        leaf = walk(producer.type, text)
    except UnknownOutput as error:
        message = f"Step {producer.name!r}: {str(error).splitlines()[0]}"
        findings.error("unknown-property", path, message, "", step)
        return
    if leaf.type not in SCALARS:
        message = f"{text!r} of step {producer.name!r} is a {leaf.type}; a reference stands for one value."
        findings.error("not-a-value", path, message, "go on to one of its members", step)
    for where, key in leaf.keys:
        _check_key(where, key, leaf, producer, step, path, findings)


def _check_key(
    where: str, key: str | int, leaf: Leaf, producer: StepEntry, step: str, path: str, findings: Findings
) -> None:
    """A key of a list must be one that the producing step declares."""
    if where not in NAMED_LISTS:
        return
    found = at(producer.request if where == "OutputParameters" else producer.arguments, where.split("."))
    names = declared_names(found, NAMED_LISTS[where])
    if isinstance(key, int):
        if key >= len(_listed(found)):
            message = f"Step {producer.name!r} declares {len(_listed(found))} entries of {where}; there is no [{key}]."
            findings.error("unknown-output", path, message, "", step)
    elif names is not None and key not in names:
        message = f"Step {producer.name!r} declares no {key!r} in {where}, as {leaf.path} needs."
        fix = f"declared: {', '.join(sorted(names))}" if names else "declare it"
        findings.error("unknown-output", path, message + did_you_mean(key, names), fix, step)
