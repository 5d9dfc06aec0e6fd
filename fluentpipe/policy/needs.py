"""What a definition touches: buckets, images, keys, roles, networks, functions; read off its own content."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from fluentpipe.bundle import asset_uris
from fluentpipe.check_baselines import CHECK_TYPES
from fluentpipe.definition import Definition
from fluentpipe.document import GET, JOIN, StepEntry, at, is_reference, strings
from fluentpipe.policy.document import literal
from fluentpipe.policy.emr import EMR_TYPES, ROLES, EmrNeeds, take_emr

# Members whose value is where a job writes to; every other S3 URI is read.
WRITTEN = frozenset(("S3OutputPath", "OutputS3Uri", "S3UploadPath"))
WRITTEN_IN = frozenset(
    ("S3Output", "OutputDataConfig", "CheckpointConfig", "TensorBoardOutputConfig", "DebugHookConfig")
)
IMAGES = frozenset(("ImageUri", "TrainingImage", "Image"))
_IMAGE = re.compile(r"(\d{12})\.dkr\.ecr(?:-fips)?\.([a-z0-9-]+)\.[a-z0-9.-]+/([^:@]+)(?:[:@].*)?")
_ROLE = re.compile(r"arn:(aws[a-z\-]*):iam::(\d{12}):role/\S+")
_NAMES = (
    "ProcessingJobName",
    "TrainingJobName",
    "TransformJobName",
    "HyperParameterTuningJobName",
    "AutoMLJobName",
    "ModelName",
)


@attrs.frozen
class Location:
    """A prefix in S3: all of it that is known before the run."""

    bucket: str
    key: str  # without what follows the first part that is known only in the run; "" for the whole bucket
    exact: bool = False  # the key is the name of a folder, not the beginning of a longer name

    def covers(self, other: Location) -> bool:
        """Whether who may use this one may use the other."""
        if self.bucket != other.bucket:
            return False
        if self.exact and self.key:
            return other.key == self.key or other.key.startswith(self.key + "/")
        return other.key.startswith(self.key)


@attrs.frozen
class Image:
    """A repository of ECR."""

    account: str
    region: str
    repository: str


@attrs.define
class Needs:
    """All that the steps of a definition use."""

    types: set[str] = attrs.field(factory=set)
    roles: set[str] = attrs.field(factory=set)
    reads: set[Location] = attrs.field(factory=set)
    writes: set[Location] = attrs.field(factory=set)
    deletes: set[Location] = attrs.field(factory=set)  # what Spark replaces: it writes to temporary names first
    assets: set[Location] = attrs.field(factory=set)
    images: set[Image] = attrs.field(factory=set)
    keys: set[str] = attrs.field(factory=set)  # of KMS, as the definition names them
    subnets: set[str] = attrs.field(factory=set)
    security_groups: set[str] = attrs.field(factory=set)
    groups: set[str] = attrs.field(factory=set)  # model package groups
    compared: set[str] = attrs.field(factory=set)  # those whose newest version holds a baseline that is compared with
    asked_by_clarify: bool = False  # whether Clarify makes an endpoint of a model
    functions: set[str] = attrs.field(factory=set)  # ARNs of Lambda functions
    queues: set[str] = attrs.field(factory=set)  # URLs of SQS queues
    job_names: set[str] = attrs.field(factory=set)  # beginnings of names that the definition gives itself
    emr: EmrNeeds = attrs.field(factory=EmrNeeds)
    notes: set[str] = attrs.field(factory=set)


def needs_of(definition: Definition) -> Needs:
    """Walk a definition once and gather what it needs."""
    needs = Needs()
    values = _Values(definition.parameters, needs)
    for uri in asset_uris(definition.document):
        needs.assets.add(_location(literal(uri), exact=True))
    for entry in definition.steps():
        needs.types.add(entry.type)
        for place, value in _leaves(entry.own()):
            if not (entry.type in EMR_TYPES and ROLES & {*place}):  # handed to another service
                _take(needs, values, place, value)
        _take_step(needs, values, entry)
    needs.notes |= needs.emr.notes
    needs.reads |= needs.writes | needs.assets  # the next step reads what one writes, and property files are read
    return needs


def _take(needs: Needs, values: _Values, place: tuple[str, ...], value: Any) -> None:
    member = place[-1] if place else ""
    if member in ROLES:
        needs.roles |= {text for text in values.texts(value, place) if _ROLE.fullmatch(text)}
    elif member in IMAGES:
        for text in values.texts(value, place):
            _take_image(needs, text)
    elif member.endswith(("KmsKeyId", "KmsKey")):
        needs.keys |= set(values.texts(value, place))
    elif "VpcConfig" in place or "NetworkConfig" in place:
        held = needs.subnets if "Subnets" in place else needs.security_groups if "SecurityGroupIds" in place else set()
        held |= set(values.texts(value, place))
    else:
        written = member in WRITTEN or any(each in WRITTEN_IN for each in place)
        for text, exact in values.uris(value, place):
            # What is read is a prefix to S3, the beginning of names; what is written lies below it as below a folder.
            where = needs.writes if written else needs.reads
            where.add(_location(text, exact=exact and written))


def _take_image(needs: Needs, text: str) -> None:
    if match := _IMAGE.fullmatch(text):
        needs.images.add(Image(match[1], match[2], match[3]))
    else:
        needs.notes.add(
            f"image {text} is in no registry of ECR; what it takes to pull it is not among these permissions"
        )


def _take_step(needs: Needs, values: _Values, entry: StepEntry) -> None:
    groups = entry.arguments.get("ModelPackageGroupName")
    needs.groups |= set(values.texts(groups, ("ModelPackageGroupName",))) if groups is not None else set()
    if entry.type in CHECK_TYPES:
        _take_check(needs, values, entry)
    needs.functions |= set(values.texts(entry.request.get("FunctionArn", ""), ("FunctionArn",))) - {""}
    needs.queues |= set(values.texts(entry.request.get("SqsQueueUrl", ""), ("SqsQueueUrl",))) - {""}
    for member in _NAMES:
        name = entry.arguments.get(member)
        if isinstance(name, str) and name:
            needs.job_names.add(literal(name.lower()))
    if _submits_to_spark(entry):
        outputs = at(entry.arguments, ("ProcessingOutputConfig", "Outputs"))
        for output in outputs if isinstance(outputs, list | tuple) else ():
            for text, exact in values.uris(at(output, ("S3Output", "S3Uri")), ("S3Uri",)):
                needs.deletes.add(_location(text, exact=exact))
    if entry.type in EMR_TYPES:
        take_emr(needs.emr, entry, values.texts)
    if entry.type not in KNOWN_TYPES:
        needs.notes.add(f"steps of type {entry.type} need permissions that are not, or not all, worked out here")


def _submits_to_spark(entry: StepEntry) -> bool:
    program = at(entry.arguments, ("AppSpecification", "ContainerEntrypoint", 0))
    return isinstance(program, str) and program.rpartition("/")[2] == "smspark-submit"


def _take_check(needs: Needs, values: _Values, entry: StepEntry) -> None:
    group = entry.request.get("ModelPackageGroupName")
    needs.compared |= set(values.texts(group, ("ModelPackageGroupName",))) if group is not None else set()
    if entry.request.get("ModelName") is not None:
        needs.asked_by_clarify = True
        needs.notes.add("Clarify names the endpoints itself that it makes of models; all of the account are allowed")


# Of the others, AutoML starts jobs of several kinds, and endpoints and the like are no jobs at all.
KNOWN_TYPES = frozenset((
    *EMR_TYPES, *CHECK_TYPES, "Callback", "Condition", "Fail", "Lambda", "Model", "Processing", "RegisterModel", "Training", "Transform", "Tuning",
))  # fmt: skip


def _location(uri: str, *, exact: bool) -> Location:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return Location(bucket, key.rstrip("/") if exact else key, exact)


def _leaves(value: Any, place: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every value that holds no others, references whole, with the members around it."""
    pending: list[tuple[tuple[str, ...], Any]] = [(place, value)]
    while pending:
        at, found = pending.pop()
        if is_reference(found) or not isinstance(found, Mapping | list | tuple):
            yield at, found
        elif isinstance(found, Mapping):
            pending.extend(((*at, str(key)), each) for key, each in found.items())
        else:
            pending.extend((at, each) for each in found)


@attrs.frozen
class _Values:
    """Values as far as they are known before the run: parameters as their defaults, with a note."""

    parameters: Mapping[str, Mapping[str, Any]]
    needs: Needs

    def texts(self, value: Any, place: tuple[str, ...]) -> Iterator[str]:
        """A text that is known whole; nothing where the run decides it, which is noted."""
        text, known = self._text(value, place)
        if known and text:
            yield text
        elif not known:
            self.needs.notes.add(f"{place[-1]} is known only while the pipeline runs; allow what it will be")

    def uris(self, value: Any, place: tuple[str, ...]) -> Iterator[tuple[str, bool]]:
        """Every S3 URI in a value, and whether it is known to its end."""
        if is_reference(value):
            text, known = self._text(value, place)
            if text.startswith("s3://"):
                yield text, known
            return
        for _, text in strings(value):
            for match in re.finditer(r"s3://[a-z0-9.\-]{3,63}(?:/[^\s'\"]*)?", text):
                yield literal(match[0]), True

    def _text(self, value: Any, place: tuple[str, ...]) -> tuple[str, bool]:
        """The beginning of a text up to what is not known, and whether that is all of it."""
        if isinstance(value, Mapping) and set(value) == {GET} and isinstance(value[GET], str):
            return self._got(value[GET], place)
        if isinstance(value, Mapping) and set(value) == {JOIN} and isinstance(value[JOIN], Mapping):
            return self._joined(value[JOIN], place)
        if isinstance(value, Mapping):
            return "", False
        return literal(str(value)), True

    def _joined(self, join: Mapping[str, Any], place: tuple[str, ...]) -> tuple[str, bool]:
        whole, on, values = "", str(join.get("On", "")), join.get("Values")
        for index, each in enumerate(values if isinstance(values, list | tuple) else ()):
            text, known = self._text(each, place)
            whole += (on if index else "") + text
            if not known:
                return whole, False
        return whole, True

    def _got(self, text: str, place: tuple[str, ...]) -> tuple[str, bool]:
        root, _, name = text.partition(".")
        if root != "Parameters":
            return "", False
        default = self.parameters.get(name, {}).get("DefaultValue")
        if default is None:
            self.needs.notes.add(
                f"parameter {name!r} has no default; allow what {place[-1] if place else 'it'} will be"
            )
            return "", False
        self.needs.notes.add(f"parameter {name!r} is taken as its default, {default!r}; another value needs more")
        return literal(str(default)), True
