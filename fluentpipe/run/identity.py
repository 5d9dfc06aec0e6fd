"""What makes the result of a job what it is: the job as far as it matters, the content of its inputs, the runtime.

Two jobs of one identity give one result. Where things lie does not enter: execution ids, job names, buckets, roles
and regions differ between runs, and between here and there, while the result does not.
"""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import chain
from typing import Any

import attrs

from fluentpipe.run.environment import Mask
from fluentpipe.run.hashing import Hashes, combined
from fluentpipe.run.job import JobInput, JobRequest, find_input, training_of
from fluentpipe.run.record import versions
from fluentpipe.run.requirements import NAME
from fluentpipe.run.storage import Found, Storage
from fluentpipe.run.toolkit import read_hyperparameters
from fluentpipe.run.training_program import own_programs

_FORMAT = 1  # of identities; a change of what the runner does for a program makes it another
# Members of requests, at any depth, that say where, on what or by whom, and not what is computed.
_PLACES = frozenset(
    (
        "RoleArn", "S3Uri", "S3OutputPath", "KmsKeyId", "VolumeKmsKeyId", "OutputKmsKeyId", "Tags", "ExperimentConfig",
        "NetworkConfig", "VpcConfig", "ResourceConfig", "ProcessingResources", "StoppingCondition", "CheckpointConfig",
        "ProfilerConfig", "ProfilerRuleConfigurations", "DebugHookConfig", "TensorBoardOutputConfig", "RetryStrategy",
        "EnableManagedSpotTraining", "EnableNetworkIsolation", "EnableInterContainerTrafficEncryption",
        "ProcessingJobName", "TrainingJobName", "HyperParameterTuningJobName", "TransformJobName", "TransformResources",
        "ModelDataUrl", "ExecutionRoleArn",
    )
)  # fmt: skip
_OF_THE_PROGRAM = frozenset(("Environment", "HyperParameters"))  # whatever their names, the program reads them
_IMAGES = frozenset(("ImageUri", "TrainingImage"))
SUBMIT_DIRECTORY = "sagemaker_submit_directory"
# Hyperparameters that the SDK adds; they hold job names, buckets and regions.
_OF_THE_SDK = frozenset(("sagemaker_job_name", "sagemaker_region", "sagemaker_s3_output"))
_CODE_CHANNELS = frozenset(("code", "sm_drivers", "sagemaker_headless_execution_pipelinestep"))  # the last: notebooks
_ARCHIVES = (".tar.gz", ".tgz", ".tar")
_SHOWN = 60  # characters of a value
_SHOWN_CHANGES = 3


@attrs.frozen
class Identity:
    """The identity of a job: a key, and its parts in words, to tell two of them apart."""

    key: str  # SHA-256 in hexadecimal
    parts: Mapping[str, str]  # such as "setting max_depth" -> "8"; secrets are masked


def identify(
    job: JobRequest, neutral: Mapping[str, Any], storage: Storage, hashes: Hashes, mask: Mask, *, installs: bool = False
) -> Identity:
    """The identity of a job.

    Args:
        job: As it is to be carried out.
        neutral: Its request with the same words in every run where ids and names of the run stand.
        storage: Finds its inputs.
        hashes: Of their content.
        mask: Of its secrets.
        installs: Whether what its requirements.txt asks for is installed for it.

    Raises:
        SourceError: An input is not there.
        RunError: An input is empty.
    """
    neutral = _as_training(neutral)
    inputs = {each.name: hashes.found(find_input(storage, each)) for each in job.inputs}
    code_names = {each.name for each in job.inputs if _is_code(each, neutral)}
    code = {name: digest for each in sorted(code_names) for name, digest in inputs[each].items()}
    code |= _submitted(job, storage, hashes)
    relevant = _relevant(neutral)
    contents = {name: combined(files) for name, files in inputs.items()}
    runtime = {**_runtime(), **({NAME: "installed"} if installs and NAME in code else {})}
    whole = [_FORMAT, type(job).__name__, relevant, contents, combined(code), runtime]
    key = hashlib.sha256(json.dumps(whole, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
    parts = {
        **dict(_words(mask.data(relevant))),
        **{f"input {name}": digest for name, digest in contents.items() if name not in code_names},
        **{f"code {name}": digest for name, digest in code.items()},
        **{f"version of {name}": version for name, version in runtime.items()},
    }
    return Identity(key, parts)


def _as_training(request: Mapping[str, Any]) -> Mapping[str, Any]:
    """A tuning's request as that of its trainings, and how it searches."""
    if "TrainingJobDefinition" not in request:
        return request
    others = {name: value for name, value in request.items() if name != "TrainingJobDefinition"}
    return {**training_of(request), **others}


def difference(before: Mapping[str, str], now: Mapping[str, str]) -> str:
    """What is new, in a user's words: `setting max_depth 6 -> 8; code train.py changed`."""
    changes = [_change(name, before.get(name), now.get(name)) for name in sorted({*before, *now}, key=_rank)]
    found = [each for each in changes if each]
    if len(found) > _SHOWN_CHANGES:
        found = [*found[:_SHOWN_CHANGES], f"and {len(found) - _SHOWN_CHANGES} more"]
    return "; ".join(found) or "the order of its arguments, or a secret value, changed"


def _change(name: str, before: str | None, now: str | None) -> str:
    if before == now:
        return ""
    if name.startswith(("code ", "input ")):
        return f"{name} {'is new' if before is None else 'is gone' if now is None else 'changed'}"
    return f"{name} {_shown(before)} -> {_shown(now)}"


def _shown(value: str | None) -> str:
    if value is None:
        return "unset"
    return value if len(value) <= _SHOWN else f"{value[:_SHOWN]}…"


def _rank(name: str) -> tuple[int, str]:
    order = ("setting ", "argument ", "variable ", "code ", "input ")
    return next((place for place, start in enumerate(order) if name.startswith(start)), len(order)), name


def _relevant(value: Any) -> Any:
    """The request without places, of images only the name and the tag."""
    if isinstance(value, Mapping):
        found = {
            key: item if key in _OF_THE_PROGRAM else _relevant(item)
            for key, item in value.items()
            if key not in _PLACES
        }
        for key in _IMAGES & found.keys():
            found[key] = str(found[key]).rpartition("/")[2]
        if isinstance(found.get("HyperParameters"), Mapping):
            kept = found["HyperParameters"].items()
            found["HyperParameters"] = {k: v for k, v in kept if k != SUBMIT_DIRECTORY and k not in _OF_THE_SDK}
        return found
    return [_relevant(item) for item in value] if isinstance(value, list | tuple) else value


def _words(relevant: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Everything that is said in a request, by the names that people know it by."""
    for name, value in relevant.items():
        if name == "HyperParameters":
            yield from ((f"setting {key}", str(item)) for key, item in value.items())
        elif name == "Environment":
            yield from ((f"variable {key}", str(item)) for key, item in value.items())
        elif name == "HyperParameterTuningJobConfig":
            yield from _search(value)
        elif name == "AppSpecification":
            yield from _arguments(value.get("ContainerArguments", ()))
            yield from ((f"{name}.{key}", _text(item)) for key, item in value.items() if key != "ContainerArguments")
        else:
            yield name, _text(value)


def _search(config: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """How a tuning searches: its ranges by name, and the rest member by member."""
    for ranges in config.get("ParameterRanges", {}).values():
        yield from ((f"range {each.get('Name')}", _text(each)) for each in ranges)
    for name, value in config.items():
        if name != "ParameterRanges":
            parts = value.items() if isinstance(value, Mapping) else [(name, value)]
            yield from ((part, _text(item)) for part, item in parts)


def _arguments(words: Sequence[Any]) -> Iterator[tuple[str, str]]:
    values: list[str] = []
    name, counted = "", 0
    for word in [*map(str, words), "--"]:
        if word.startswith("--"):
            if name:
                yield f"argument {name}", " ".join(values)
            name, values = word, []
        elif name:
            values.append(word)
        else:
            counted += 1
            yield f"argument {counted}", word


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def _is_code(job_input: JobInput, request: Mapping[str, Any]) -> bool:
    application = request.get("AppSpecification") or request.get("AlgorithmSpecification") or {}
    words = chain(application.get("ContainerEntrypoint", ()), application.get("ContainerArguments", ())[:1])
    return job_input.name in _CODE_CHANNELS or any(str(word).startswith(f"{job_input.folder}/") for word in words)


def _submitted(job: JobRequest, storage: Storage, hashes: Hashes) -> Mapping[str, str]:
    """The files of the directory that a training in script mode names, or ours that stand for an image's algorithm."""
    request = training_of(job.request)
    written = request.get("HyperParameters", {})
    if SUBMIT_DIRECTORY not in written:
        return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in own_programs(request)}
    found: Found = storage.find(
        str(read_hyperparameters({SUBMIT_DIRECTORY: written[SUBMIT_DIRECTORY]})[SUBMIT_DIRECTORY])
    )
    name, content = next(iter(found.files.items()), ("", b""))
    if not found.is_object or not name.endswith(_ARCHIVES):
        return hashes.found(found)
    return hashes.archive(content)


@cache
def _runtime() -> dict[str, str]:
    """What else decides about a result: the interpreter, the libraries, the kind of machine."""
    known = {name: version for name, version in versions().items() if name not in ("fluentpipe", "platform")}
    return {**known, "machine": f"{platform.system()} {platform.machine()}"}
