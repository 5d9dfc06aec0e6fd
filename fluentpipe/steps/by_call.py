"""What the steps share whose inputs and outputs are declared by the call that adds them: `process`, `emr`, `notebook` and others."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from os import PathLike
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import attrs
from typing_extensions import override

from fluentpipe.contract import DependencySpec, OutputSpec, StepContract
from fluentpipe.errors import ContractError, FluentpipeError, SettingError, SourceError, did_you_mean
from fluentpipe.files import local_files
from fluentpipe.jobs import JobStep
from fluentpipe.kinds import Kind, ProcessingOutput
from fluentpipe.program import program_files
from fluentpipe.reference import PropertyReference, data_source
from fluentpipe.settings import setting
from fluentpipe.step import Step
from fluentpipe.steps.train_sklearn import DEFAULT_SKLEARN

if TYPE_CHECKING:
    from fluentpipe.target import Target

STARTED_BY: Mapping[str, tuple[str, ...]] = {".py": ("python3",), ".sh": ("/bin/sh",)}
SHARDED = "ShardedByS3Key"  # botocore: S3DataDistributionType


def as_path(value: Any) -> str:
    """A path as text."""
    if not isinstance(value, (str, PathLike)) or not str(value):
        raise ValueError(f"must be a path, not {value!r}")
    return str(value)


def as_mapping(value: Any) -> dict[str, Any]:
    """A mapping with names as its keys."""
    if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
        raise ValueError(f"must be a mapping with names as keys, not {value!r}")
    return dict(value)


class DeclaredByCall(Step):
    """A step whose contract is made of what the call says."""

    @override
    def validate(self) -> None:
        super().validate()
        if faults := [*self._faults()]:
            raise self._refused(faults)
        declared = type(self).contract
        own_name = re.sub(r"\W", "_", self.name)  # each is of a family of its own, whatever it runs
        family = f"{declared.step_type}_{own_name}"
        dependencies = tuple(self._dependencies())
        outputs = tuple(self._placed(dependencies))
        try:
            contract = StepContract(family, declared.verb, dependencies, outputs, own_method=True)
        except ContractError as fault:
            raise self._refused(vars(fault)["faults"]) from fault
        object.__setattr__(self, "contract", contract)

    def _faults(self) -> Iterator[str]:
        """What is wrong with the call."""
        yield from ()

    def _dependencies(self) -> Iterable[DependencySpec]:
        """The inputs that the call declares."""
        raise NotImplementedError

    def _made(self) -> tuple[OutputSpec, ...]:
        """The outputs that the call declares."""
        return type(self).contract.outputs

    def _placed(self, dependencies: tuple[DependencySpec, ...]) -> Iterable[OutputSpec]:  # noqa: ARG002  for subclasses
        """The outputs as the contract has them."""
        return self._made()

    def _refused(self, faults: Any) -> SettingError:
        verb = self.contract.verb
        return SettingError(f"{verb} was given what it does not take.", *faults, verb=verb, faults=tuple(faults))


class InputsByCall(DeclaredByCall):
    """One that takes data by name."""

    takes: Any = setting(
        MappingProxyType({}), job=True, reference=False, convert=as_mapping,
        doc="Inputs by name: a kind, which is wired by itself, or what the input is.",
    )  # fmt: skip

    reserved: ClassVar[frozenset[str]] = frozenset()
    """Names that no input may have."""

    @override
    def validate(self) -> None:
        super().validate()
        given = {name: value for name, value in self.takes.items() if not is_wired(value)}
        object.__setattr__(self, "inputs", MappingProxyType(given))

    @override
    def _dependencies(self) -> Iterator[DependencySpec]:
        return (dependency(name, value) for name, value in self.takes.items())

    @override
    def _faults(self) -> Iterator[str]:
        for name, value in self.takes.items():
            if name in self.reserved:
                yield f"inputs: {name!r} is where the program lies; name the input otherwise"
            if not is_wired(value):
                try:
                    data_source(value)
                except (ValueError, FluentpipeError) as fault:
                    yield f"inputs: {name} {str(fault).splitlines()[0]}, or a kind such as RawData"

    @override
    def limited(self, seconds: int) -> Step:
        return type(self)(self.name, **{**self.given, "max_runtime": seconds})

    @override
    def __reduce__(self) -> tuple[Any, ...]:
        return _again, (type(self), self.name, dict(self.given))


def _again(cls: type[InputsByCall], name: str, given: dict[str, Any]) -> InputsByCall:
    return cls(name, **given)


class OwnScript(JobStep):
    """A step that runs a script of the user's."""

    script: str | None = setting(  # type: ignore[assignment, misc]  # here the call says which, elsewhere the class
        None, positional=True, job=True, reference=False, convert=as_path,
        doc="The program: a .py or .sh file; in source_dir, if that is given. Without one the image's own program runs.",
    )  # fmt: skip
    source_dir: str | None = setting(
        None, job=True, reference=False, convert=as_path,
        doc="Folder that is shipped as a whole. Without it: the script and the modules beside it that it imports.",
    )  # fmt: skip

    def _program_faults(self) -> Iterator[str]:
        if self.script is None:
            if self.image_uri is None:
                yield f"script: must be given, or image_uri of an image with a program of its own: {self.contract.verb}('clean.py')"
            if self.source_dir is not None:
                yield "source_dir: it is the folder of a script, and none is given"
            return
        if Path(self.script).suffix not in STARTED_BY:
            yield f"script: must be a .py or .sh file, not {self.script!r}"
            return
        try:
            files = self.files()
        except (SourceError, OSError) as fault:
            yield f"script: {str(fault).splitlines()[0]}"
            return
        if self.entry not in files:
            yield f"script: there is no {self.entry!r} in {self.source_dir!r}.{did_you_mean(self.entry, files)}"

    @property
    def entry(self) -> str:
        """The script among the files that are shipped."""
        script = Path(self.script or "")
        return script.as_posix() if self.source_dir is not None else script.name

    def files(self) -> dict[str, Path]:
        """The files to ship, by name."""
        if self.source_dir is not None:
            return local_files(Path(self.source_dir).expanduser().absolute())
        return program_files(Path(self.script or "").expanduser().absolute())

    @override
    def program_files(self, target: Target) -> Mapping[str, Path]:
        return self.files()

    @property
    def interpreter(self) -> tuple[str, ...]:
        """What starts the script."""
        return STARTED_BY[Path(self.entry).suffix]


class ScriptByCall(InputsByCall, OwnScript):
    """A step that runs any script; what it makes of an input may take the place of it."""

    @override
    def _faults(self) -> Iterator[str]:
        yield from self._program_faults()
        yield from super()._faults()

    @override
    def _placed(self, dependencies: tuple[DependencySpec, ...]) -> Iterator[OutputSpec]:
        return (further_form(spec, dependencies, self._made()) for spec in self._made())


class StepByCall(ScriptByCall):
    """One in any image of SageMaker's, or of somebody else's."""

    sharded: Sequence[str] = setting(
        (), job=True, reference=False, doc="Inputs whose files are divided among several instances; others go to each."
    )
    framework: Literal["xgboost", "sklearn"] = setting(  # type: ignore[misc]  # as for the script
        "xgboost", job=True, reference=False, doc="Whose image of SageMaker's runs the script, where no image is given."
    )

    @classmethod
    @override
    def at_call(cls, values: dict[str, Any]) -> dict[str, Any]:
        return {"framework_version": DEFAULT_SKLEARN, **values} if values.get("framework") == "sklearn" else values

    @override
    def _faults(self) -> Iterator[str]:
        yield from super()._faults()
        for name in self.sharded:
            if name not in self.takes:
                yield f"sharded: there is no input {name!r}.{did_you_mean(name, self.takes)}"


def is_wired(value: Any) -> bool:
    """Whether what was given for an input says only what it takes, so that an output is looked for."""
    return isinstance(value, DependencySpec) or (isinstance(value, type) and issubclass(value, Kind))


def dependency(name: str, value: Any) -> DependencySpec:
    """The input of a contract for what was given."""
    if isinstance(value, DependencySpec):
        return attrs.evolve(value, name=name)
    if is_wired(value):
        return DependencySpec(name, value)
    source = data_source(value)
    known = source.kind if isinstance(source, PropertyReference) else None
    return DependencySpec(name, known or ProcessingOutput)


def further_form(
    spec: OutputSpec, dependencies: tuple[DependencySpec, ...], outputs: tuple[OutputSpec, ...]
) -> OutputSpec:
    """The output, which takes the place of the input of its kind if there is just one of each: data in, the same data out."""
    same = [each for each in dependencies if each.kind == (spec.kind,)]
    alone = len(same) == 1 and sum(each.kind is spec.kind for each in outputs) == 1
    if spec.replaces or not alone or getattr(spec.kind, "general", True):
        return spec
    return attrs.evolve(spec, replaces=same[0].name)
