"""Step contracts: what a step type takes and what it yields, declared once."""

from __future__ import annotations

import keyword
from collections.abc import Iterable, Iterator

import attrs

from fluentpipe.errors import ContractError
from fluentpipe.kinds import DependencyType, Kind, general_kind, kind_fits, snake_case

DATA_TYPES = ("S3Uri", "String", "Integer", "Float", "Boolean")

RESERVED_VERBS = frozenset({
    "alarm", "auto_train_xgboost", "callback", "data_parameter", "defaults", "diff", "emr", "emr_serverless", "explain", "for_each", "from_sagemaker", "from_steps", "invoke_lambda",
    "materialize", "merge", "name", "notebook", "otherwise", "outputs", "parameters", "process", "provide", "raw_step", "run", "schedule", "sdk_step", "spark",
    "step", "steps", "to_mermaid", "to_sagemaker", "train", "upsert", "when",
})  # fmt: skip
"""Names that `Pipeline` has for itself, and no verb can have."""


def _kinds(value: type[Kind] | tuple[type[Kind], ...] | None) -> tuple[type[Kind], ...]:
    return value if isinstance(value, tuple) else () if value is None else (value,)


def _path(value: str) -> str:
    return value.removeprefix("properties.")


def _dependencies(value: Iterable[DependencySpec]) -> tuple[DependencySpec, ...]:
    return tuple(value)


def _outputs(value: Iterable[OutputSpec]) -> tuple[OutputSpec, ...]:
    return tuple(value)


def _texts(value: str | Iterable[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


@attrs.frozen
class DependencySpec:
    """One input of a step type.

    Args:
        name: Logical name, an identifier; what a caller names to give the input explicitly.
        kind: What the data is; a tuple where several kinds will do.
        required: Whether the step cannot do without it.
        dependency_type: The family, where there is no particular kind.
        compatible_sources: Step types whose outputs are taken before those of others.
        semantic_keywords: Words that speak for an output in whose names they occur.
        aliases: Other logical names by which files and matching know it.
        required_by: Settings that make an optional input required when they are given.
        job_types: Of steps whose outputs are taken, the most wanted first; `""` is a step without one. None given: those of
            the step's own job type, then those without one.
        only_for: Job types of the step itself with which the input is wired; others take it only where it is given.
        only_with: Settings that use the input: without any of them it is taken only where it is given.
        data_type: `S3Uri`, `String`, `Integer`, `Float` or `Boolean`.
        description: One line.
    """

    name: str
    kind: tuple[type[Kind], ...] = attrs.field(default=None, converter=_kinds)
    required: bool = attrs.field(default=True, kw_only=True)
    dependency_type: DependencyType | None = attrs.field(default=None, kw_only=True)
    compatible_sources: tuple[str, ...] = attrs.field(default=(), kw_only=True, converter=_texts)
    semantic_keywords: tuple[str, ...] = attrs.field(default=(), kw_only=True, converter=_texts)
    aliases: tuple[str, ...] = attrs.field(default=(), kw_only=True, converter=_texts)
    required_by: tuple[str, ...] = attrs.field(default=(), kw_only=True, converter=_texts)
    job_types: tuple[str, ...] = attrs.field(default=(), kw_only=True, converter=_texts)
    only_for: tuple[str, ...] = attrs.field(default=(), kw_only=True, converter=_texts)
    only_with: tuple[str, ...] = attrs.field(default=(), kw_only=True, converter=_texts)
    data_type: str = attrs.field(default="", kw_only=True)
    description: str = attrs.field(default="", kw_only=True)

    def __attrs_post_init__(self) -> None:
        if not self.kind and self.dependency_type is not None:
            object.__setattr__(self, "kind", (general_kind(self.dependency_type),))
        if not self.data_type and _all_kinds(self.kind):
            object.__setattr__(self, "data_type", usual_data_type(self.kind[0]))

    @property
    def names(self) -> tuple[str, ...]:
        """The logical name and its aliases."""
        return (self.name, *self.aliases)

    def fit(self, kind: type[Kind]) -> float:
        """How well an output of `kind` fits: 1 a kind it names, 0.5 by a general kind of the family, 0 not at all."""
        return max((kind_fits(wanted, kind) for wanted in self.kind), default=0.0)

    def says(self) -> str:
        """The kinds in words: `TrainingData or RawData`."""
        return " or ".join(kind.__name__ for kind in self.kind)


@attrs.frozen
class OutputSpec:
    """One output of a step type.

    Args:
        name: Logical name, an identifier; the attribute under which the output is reached.
        kind: What the data is.
        path: Property path of the job, such as `ModelArtifacts.S3ModelArtifacts`; a leading `properties.` is dropped. A
            place that needs several has them in braces: `{ProcessingOutputConfig.Outputs['model'].S3Output.S3Uri}/model.tar.gz`.
        description: One line.
        output_type: The family, where there is no particular kind.
        data_type: `S3Uri`, `String`, `Integer`, `Float` or `Boolean`.
        aliases: Other logical names by which files and matching know it.
        property_file: Name of a JSON file among the output's files that conditions may read values from.
        replaces: Name of the input of which this is a further form, as of a model that was calibrated: later steps take it in
            place of what that input took. Both are of one kind.
    """

    name: str
    kind: type[Kind] = attrs.field(default=None)
    path: str = attrs.field(default="", converter=_path)
    description: str = ""
    output_type: DependencyType | None = attrs.field(default=None, kw_only=True)
    data_type: str = attrs.field(default="", kw_only=True)
    aliases: tuple[str, ...] = attrs.field(default=(), kw_only=True, converter=_texts)
    property_file: str = attrs.field(default="", kw_only=True)
    replaces: str = attrs.field(default="", kw_only=True)

    def __attrs_post_init__(self) -> None:
        if self.kind is None and self.output_type is not None:
            object.__setattr__(self, "kind", general_kind(self.output_type))
        if not self.data_type and _all_kinds((self.kind,)):
            object.__setattr__(self, "data_type", usual_data_type(self.kind))

    @property
    def names(self) -> tuple[str, ...]:
        """The logical name and its aliases."""
        return (self.name, *self.aliases)


@attrs.frozen
class StepContract:
    """What a step type takes and what it yields.

    Args:
        step_type: Such as `XGBoostTraining`; in snake case it is the default name of a step.
        verb: The method of `Pipeline` that adds such a step.
        dependencies: What it takes.
        outputs: What it yields.
        version: Of the contract, for those who keep pipelines in files.
        default_verb: A second verb that takes no settings, for those who want the defaults.
        own_method: Whether `Pipeline` has the verb as a method that is written by hand, so that none is generated.

    Raises:
        ContractError: The declaration cannot work; lists every fault.
    """

    step_type: str
    verb: str
    dependencies: tuple[DependencySpec, ...] = attrs.field(default=(), converter=_dependencies)
    outputs: tuple[OutputSpec, ...] = attrs.field(default=(), converter=_outputs)
    version: str = "1"
    default_verb: str = ""
    own_method: bool = False

    def __attrs_post_init__(self) -> None:
        faults = list(_faults(self))
        if faults:
            raise ContractError(f"contract of {self.step_type!r} cannot work.", *faults, faults=tuple(faults))

    @property
    def key(self) -> str:
        """The default name of a step of this type, and its attribute in `pipe.outputs`."""
        return snake_case(self.step_type)

    def key_for(self, job_type: str | None) -> str:
        """The default name of a step in a role: `tabular_preprocessing_calibration`."""
        return f"{self.key}_{job_type}" if job_type else self.key

    @property
    def verbs(self) -> tuple[str, ...]:
        """The verb, and the one without settings if there is one."""
        return (self.verb, self.default_verb) if self.default_verb else (self.verb,)

    def output(self, name: str) -> OutputSpec | None:
        """The output of that logical name or alias."""
        return next((spec for spec in self.outputs if name in spec.names), None)

    def dependency(self, name: str) -> DependencySpec | None:
        """The input of that logical name or alias."""
        return next((spec for spec in self.dependencies if name in spec.names), None)


def _all_kinds(kinds: Iterable[object]) -> bool:
    found = tuple(kinds)
    return bool(found) and all(isinstance(kind, type) and issubclass(kind, Kind) and kind is not Kind for kind in found)


def usual_data_type(kind: type[Kind]) -> str:
    """`String` for names and other properties, `S3Uri` for data."""
    """`String` for names and other properties, `S3Uri` for data."""
    return "String" if kind.family is DependencyType.CUSTOM_PROPERTY else "S3Uri"


def _is_name(text: object) -> bool:
    return isinstance(text, str) and text.isidentifier() and not keyword.iskeyword(text) and not text.startswith("_")


def _faults(contract: StepContract) -> Iterator[str]:
    if not _is_name(contract.step_type):
        yield f"step_type {contract.step_type!r} is no name; write it in capitals and small letters: XGBoostTraining"
    for verb in contract.verbs:
        if not _is_name(verb):
            yield f"verb {verb!r} is no name for a method; write it as train_xgboost"
        elif verb in RESERVED_VERBS and not contract.own_method:
            yield f"verb {verb!r} is a method of Pipeline already"
    for what, specs in (("input", contract.dependencies), ("output", contract.outputs)):
        yield from _name_faults(what, [name for spec in specs for name in spec.names])
        for spec in specs:
            yield from _spec_faults(what, spec)
    yield from _replacing_faults(contract)


def _replacing_faults(contract: StepContract) -> Iterator[str]:
    for spec in contract.outputs:
        taken = contract.dependency(spec.replaces) if spec.replaces else None
        if spec.replaces and (taken is None or spec.kind not in taken.kind):
            yield f"output {spec.name!r} replaces {spec.replaces!r}, which is no input of the kind {spec.kind.__name__}"


def _name_faults(what: str, names: list[str]) -> Iterator[str]:
    reserved = {"input": {"name", "job_type"}, "output": {"properties", "list_outputs", "step_name"}}[what]
    for name in dict.fromkeys(names):
        if not _is_name(name):
            yield f"{what} name {name!r} is empty or no identifier"
        elif name in reserved:
            yield f"{what} name {name!r} is taken by fluentpipe itself"
        if names.count(name) > 1:
            yield f"{what} name {name!r} is declared {names.count(name)} times"


def _spec_faults(what: str, spec: DependencySpec | OutputSpec) -> Iterator[str]:
    kinds: tuple[object, ...] = spec.kind if isinstance(spec.kind, tuple) else (spec.kind,)
    if not any(kind is not None for kind in kinds):
        yield f"{what} {spec.name!r} says no kind; give one, or its family as {_FAMILY_ARGUMENT[what]}"
    elif not _all_kinds(kinds):
        unknown = ", ".join(repr(kind) for kind in kinds if not _all_kinds((kind,)))
        yield f"{what} {spec.name!r} is of no known kind: {unknown}; use a class of fluentpipe.kinds, or a Kind of your own"
    if spec.data_type and spec.data_type not in DATA_TYPES:
        yield f"{what} {spec.name!r} has data type {spec.data_type!r}; there are {', '.join(DATA_TYPES)}"
    if isinstance(spec, OutputSpec) and not spec.path:
        yield f"output {spec.name!r} has no property path"


_FAMILY_ARGUMENT = {"input": "dependency_type=", "output": "output_type="}
