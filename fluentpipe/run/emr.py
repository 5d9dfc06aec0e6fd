"""EMR and EMRServerless steps here: a function stands in, gets folders to write its outputs into, and need answer nothing.

Which of its arguments are outputs is read off the definition: those that a later step takes, by the property of the step that
holds them, and those that lie below a folder of the execution.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs

from fluentpipe.definition import StepEntry
from fluentpipe.document import steps_used
from fluentpipe.errors import RunError
from fluentpipe.run.paths import folder_name

# Step type -> where its arguments stand in its request, and the property path of the same list.
_WORDS: Mapping[str, tuple[tuple[str, ...], str]] = {
    "EMR": (("StepConfig", "HadoopJarStep", "Args"), "Config.Args"),
    "EMRServerless": (
        ("JobConfig", "jobDriver", "sparkSubmit", "entryPointArguments"),
        "jobRun.jobDriver.sparkSubmit.entryPointArguments",
    ),
}
EMR_TYPES = frozenset(_WORDS)
_EXECUTION = "Execution.PipelineExecutionId"


@attrs.frozen
class Written:
    """An argument that says where the program writes."""

    index: int
    name: str  # that of its option, or of its place in the list
    uri: str


def written_places(entry: StepEntry, request: Mapping[str, Any], document: Mapping[str, Any]) -> tuple[Written, ...]:
    """The arguments of a step that are outputs.

    Args:
        entry: The step as it is written.
        request: Its Arguments, resolved.
        document: The whole definition.
    """
    path, place = _WORDS[entry.type]
    text = json.dumps(document)
    taken = f"Steps.{entry.name}.{place}"
    resolved = _at(request, path)
    found = []
    for index, (word, value) in enumerate(zip(_at(entry.arguments, path), resolved, strict=True)):
        own = _EXECUTION in json.dumps(word) and not any(steps_used(word))
        if isinstance(value, str) and value.startswith("s3://") and (own or f"{taken}[{index}]" in text):
            before = resolved[index - 1] if index else ""
            option = before.lstrip("-").replace("-", "_") if str(before).startswith("--") else ""
            found.append(Written(index, folder_name(option, f"output-{index}"), value.rstrip("/")))
    return tuple(found)


def with_folders(entry: StepEntry, inputs: dict[str, Any], places: tuple[Written, ...], out: Path) -> dict[str, Any]:
    """The inputs of the function, with a new folder in the place of each output."""
    words = _at(inputs, _WORDS[entry.type][0])
    for each in places:
        folder = out / each.name
        folder.mkdir(parents=True)
        words[each.index] = str(folder)
    return inputs


def check_written(entry: StepEntry, places: tuple[Written, ...], out: Path) -> None:
    """Refuse outputs into which nothing was written.

    Raises:
        RunError: Names them.
    """
    empty = [each for each in places if not any((out / each.name).iterdir())]
    if empty:
        names = ", ".join(each.name for each in empty)
        listed = ".".join(_WORDS[entry.type][0])
        raise RunError(
            f"What stands in for step {entry.name!r} wrote nothing as {names}.",
            fix="let it write into the folder that it is told: "
            + ", ".join(f"inputs{_keys(entry.type)}[{each.index}]" for each in empty)
            + f" ({listed})",
            step=entry.name,
        )


def _keys(step_type: str) -> str:
    return "".join(f"[{name!r}]" for name in _WORDS[step_type][0])


def step_document(entry: StepEntry, request: Mapping[str, Any]) -> dict[str, Any]:
    """What the service would say of the step: DescribeStep of EMR, GetJobRun of EMR Serverless."""
    if entry.type == "EMR":
        program = dict(request.get("StepConfig", {}).get("HadoopJarStep", {}))
        properties = {each.get("Key"): each.get("Value") for each in program.get("Properties", ())}
        cluster = request.get("ClusterId", "j-HERE")
        config = {**program, **({"Properties": properties} if properties else {})}
        return {
            "Id": "s-HERE", "Name": entry.name, "ClusterId": cluster, "Config": config, "Status": {"State": "COMPLETED"}
        }  # fmt: skip
    job = request.get("JobConfig", {})
    known = ("applicationId", "jobDriver", "configurationOverrides", "executionTimeoutMinutes", "tags")
    told = {name: job[name] for name in known if name in job}
    run = {"applicationId": "here", "jobRunId": "here", "name": entry.name, "state": "SUCCESS"}
    return {"jobRun": {**run, "executionRole": request.get("ExecutionRoleArn", ""), **told}}


def _at(value: Any, path: tuple[str, ...]) -> Any:
    """The list of arguments; empty where there is none."""
    for name in path:
        value = value.get(name, {}) if isinstance(value, Mapping) else {}
    return value if isinstance(value, list | tuple) else []


def uris(places: tuple[Written, ...]) -> Iterator[tuple[str, str]]:
    """(S3 URI, folder below the step's) of each output."""
    yield from ((each.uri, f"out/{each.name}") for each in places)
