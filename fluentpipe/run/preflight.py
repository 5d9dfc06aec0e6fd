"""Everything that can be known to fail before anything starts, all of it at once."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs

from fluentpipe.definition import Definition, Diagnostic, StepEntry, references
from fluentpipe.document import steps_used
from fluentpipe.errors import FluentpipeError, RunError
from fluentpipe.run.execution import execution_variables
from fluentpipe.run.job import training_of
from fluentpipe.run.parameters import settle
from fluentpipe.run.registry import group_name
from fluentpipe.run.spark import faults_of_processing
from fluentpipe.run.stand_in import StandIn, stand_in_faults
from fluentpipe.run.storage import Storage
from fluentpipe.run.submission import uri_in, words_read
from fluentpipe.run.toolkit import read_hyperparameters
from fluentpipe.run.training import training_faults
from fluentpipe.run.transform import container_of, transform_faults
from fluentpipe.run.tuning import tuning_faults
from fluentpipe.run.values import Values, as_text

RUNS_HERE = frozenset(("Processing", "Training", "Tuning", "Transform", "Condition", "Fail", "Model", "RegisterModel"))
_FAULTS_OF = {"Processing": faults_of_processing, "Training": training_faults, "Tuning": tuning_faults}
_STEP_NAME = re.compile(r"[A-Za-z0-9\-_]{1,64}")  # the service's; here it is a folder's name, too


def preflight(
    definition: Definition,
    given: Mapping[str, object],
    storage: Storage,
    stand_ins: Mapping[str, StandIn] | None = None,
) -> dict[str, Any]:
    """Check the definition, the parameters, and that every step can run here and finds its files.

    Args:
        definition: What is to be run.
        given: Values of parameters.
        storage: Where the files are looked for.
        stand_ins: Step -> the function in place of it.

    Returns:
        The value of every parameter.

    Raises:
        DefinitionError: The definition itself has errors.
        RunError: Lists every other fault, one a line; also as `faults`.
    """
    if any(each.severity == "error" for each in definition.diagnostics):
        # The numbers of steps and parameters are quotas of an account, not of this machine.
        found = definition.check(max_steps=None, max_parameters=None)
        diagnostics = tuple(each for each in found if not _may_be_local(each))
        attrs.evolve(definition, diagnostics=diagnostics).raise_on_errors()
    values, faults = settle(definition.parameters, given)
    entries = {entry.name: entry for entry in definition.steps()}
    faults += stand_in_faults(entries, stand_ins or {}, RUNS_HERE)
    faults += _types(definition, stand_ins or {})
    models = {entry.name: entry.arguments for entry in definition.steps() if entry.type == "Model"}
    for entry in definition.steps():
        faults += (f"step {entry.name!r}: {fault}" for fault in _step_faults(entry, models))
    if not faults:
        faults += _missing_files(definition, values, storage)
    if faults:
        count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
        raise RunError(
            f"Pipeline {definition.name!r} cannot run here: {count}.", *faults, faults=tuple(faults), run=None
        )
    return values


def _may_be_local(diagnostic: Diagnostic) -> bool:
    """Whether the fault is only that a local path stands where the service wants an S3 URI."""
    return diagnostic.code == "pattern" and diagnostic.path.endswith((".S3Uri", ".ModelDataUrl"))


def _types(definition: Definition, stand_ins: Mapping[str, StandIn]) -> Iterator[str]:
    others = [each for each in definition.steps() if each.type not in RUNS_HERE and each.name not in stand_ins]
    if others:
        listed = ", ".join(f"{entry.name} ({entry.type})" for entry in others)
        yield (
            f"step types that do not run here yet: {listed}; these do: {', '.join(sorted(RUNS_HERE))}; "
            f"a function may stand in: run(stand_ins={{{others[0].name!r}: lambda inputs: {{…}}}})"
        )


def _step_faults(entry: StepEntry, models: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    if not _STEP_NAME.fullmatch(entry.name):
        yield "its name must have 1 to 64 letters, digits, '-' or '_'"
    if find := _FAULTS_OF.get(entry.type):
        yield from find(entry.arguments)
    elif entry.type == "Transform":
        yield from transform_faults(entry.arguments, models)


def _missing_files(definition: Definition, parameters: Mapping[str, Any], storage: Storage) -> Iterator[str]:
    """Inputs that nothing stands for: no earlier output, no asset, no map, no local file."""
    values = _values_before(definition, parameters)
    made = tuple(
        as_text(values.resolve(uri)).rstrip("/")
        for entry in definition.steps()
        for uri in _outputs(entry)
        if not any(steps_used(uri))
    )
    for entry in definition.steps():
        words = dict(words_read(entry.arguments)) if entry.type == "Processing" else {}
        for name, written in (*_inputs(entry), *words.items()):
            if any(steps_used(written)):
                continue  # known only when that step has run
            try:
                uri = as_text(values.resolve(written))
                if name in words and not (uri := uri_in(uri)):
                    continue  # a word that is no place
                if not _is_made(uri.rstrip("/"), made):
                    storage.find(uri)
            except FluentpipeError as error:
                headline, *rest = str(error).split("\n")
                origin = "".join(f" (the value of parameter {each!r})" for each in sorted(set(_parameters_in(written))))
                yield f"step {entry.name!r}, {name}{origin}: {headline}" + "".join(
                    f"\n    {line.strip()}" for line in rest
                )
        if entry.type == "RegisterModel" and not any(steps_used(entry.arguments.get("ModelPackageGroupName"))):
            try:
                group_name(values.resolve(entry.arguments.get("ModelPackageGroupName")))
            except FluentpipeError as error:
                yield f"step {entry.name!r}: {error}".replace("\n", "\n  ")


def _values_before(definition: Definition, parameters: Mapping[str, Any]) -> Values:
    def no_file(*_: str) -> Path:
        raise RunError("No step has run yet.")

    return Values(parameters, execution_variables(definition.name, "0" * 12, ""), no_file, no_file)


def _is_made(uri: str, made: tuple[str, ...]) -> bool:
    return any(f"{uri}/".startswith(f"{each}/") or f"{each}/".startswith(f"{uri}/") for each in made)


def _parameters_in(written: object) -> Iterator[str]:
    for reference in references(written):
        if reference.kind == "Get" and reference.text.startswith("Parameters."):
            yield reference.text.partition(".")[2]


def _outputs(entry: StepEntry) -> Iterator[Any]:
    """Where a step will write: URIs and prefixes, as they are written in the definition."""
    arguments = entry.arguments
    if entry.type == "Processing":
        for output in arguments.get("ProcessingOutputConfig", {}).get("Outputs", ()):
            yield output["S3Output"]["S3Uri"]
    elif entry.type in ("Training", "Tuning"):
        yield training_of(arguments)["OutputDataConfig"]["S3OutputPath"]
    elif entry.type == "Transform":
        yield arguments["TransformOutput"]["S3OutputPath"]


def _inputs(entry: StepEntry) -> Iterator[tuple[str, Any]]:
    """(what it is, URI as it is written) of everything that a step reads."""
    arguments = entry.arguments
    if entry.type == "Processing":
        for each in arguments.get("ProcessingInputs", ()):
            yield f"input {each['InputName']!r}", each["S3Input"]["S3Uri"]
    elif entry.type in ("Training", "Tuning"):
        arguments = training_of(arguments)
        for channel in arguments.get("InputDataConfig", ()):
            yield f"channel {channel['ChannelName']!r}", channel["DataSource"]["S3DataSource"]["S3Uri"]
        code = arguments.get("HyperParameters", {}).get("sagemaker_submit_directory")
        if code is not None and not arguments["AlgorithmSpecification"].get("ContainerEntrypoint"):
            yield "the code", read_hyperparameters({"at": code})["at"] if isinstance(code, str) else code
    elif entry.type == "Transform":
        yield "the rows", arguments["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"]
    elif entry.type == "Model" and "ModelDataUrl" in (container := container_of(arguments)):
        yield "the model", container["ModelDataUrl"]
    elif entry.type == "RegisterModel":
        for container in arguments.get("InferenceSpecification", {}).get("Containers", ()):
            if "ModelDataUrl" in container:
                yield "the model", container["ModelDataUrl"]
        for family, members in arguments.get("ModelMetrics", {}).items():
            for member, source in members.items():
                yield f"metrics {family}.{member}", source["S3Uri"]
