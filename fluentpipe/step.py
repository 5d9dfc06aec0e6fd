"""Steps: one class per step type, which holds its contract, its settings and the request it makes; and their registry.

Declaring a subclass with a `contract` checks and registers it; nothing else does.
"""

from __future__ import annotations

import copy
import importlib
import inspect
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType, ModuleType
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from typing_extensions import override

from fluentpipe import shapes
from fluentpipe.adopt import adopted
from fluentpipe.contract import DependencySpec, StepContract
from fluentpipe.errors import ContractError, SettingError, UnknownOutput, did_you_mean
from fluentpipe.expression import Expression
from fluentpipe.proxy import StepOutputProxy
from fluentpipe.reference import PropertyReference
from fluentpipe.settings import REQUIRED, Setting
from fluentpipe.waiting import waiting

if TYPE_CHECKING:
    from fluentpipe.target import Target

Inputs = Mapping[str, Any]
"""Logical name of an input -> where its data is: an S3 URI, or an expression for one. Unwired inputs are absent."""

_by_type: dict[str, type[Step]] = {}
_by_verb: dict[str, type[Step]] = {}
on_declared: list[Callable[[type[Step], type[Step] | None], None]] = []
"""Called with each class that is declared and the one that it replaces."""


def _settings(cls: type[Step]) -> Mapping[str, Setting]:
    bases = reversed(cls.__mro__[1:])
    found = {name: each for base in bases for name, each in vars(base).items() if isinstance(each, Setting)}
    own = {name: each for name, each in vars(cls).items() if isinstance(each, Setting)}
    for name in [name for name in found if name in vars(cls) and name not in own]:
        found[name] = _with_default(cls, found[name], vars(cls)[name])
    if not own:
        return found
    texts = inspect.get_annotations(cls)
    untyped = [name for name in own if name not in texts]
    if untyped:
        raise ContractError(
            f"settings of {cls.__name__} have no type: {', '.join(untyped)}.", fix=f"{untyped[0]}: int = setting(…)"
        )
    for name, each in own.items():
        text = texts[name] if isinstance(texts[name], str) else inspect.formatannotation(texts[name])
        annotation = _type_of(cls, texts[name])
        try:
            each.bind(annotation, text)
        except TypeError as fault:
            raise ContractError(
                f"setting {name!r} of {cls.__name__} cannot have the type {text}.",
                fix="str, int, float, bool, Literal[…], Sequence[…], Mapping[str, …], or one of these | None",
            ) from fault
        _check_default(cls, each)
        found[name] = each
    return found


def _with_default(cls: type[Step], inherited: Setting, default: Any) -> Setting:
    """An inherited setting with the default that a class gives it: `instance_type = "ml.m5.4xlarge"`."""
    changed = copy.copy(inherited)
    changed.default = default
    _check_default(cls, changed)
    setattr(cls, changed.name, changed)
    return changed


def _type_of(cls: type[Step], annotation: Any) -> Any:
    if not isinstance(annotation, str):
        return annotation
    scope = {**vars(sys.modules["typing"]), **vars(sys.modules.get(cls.__module__, sys.modules["builtins"]))}
    try:
        return eval(annotation, scope)  # noqa: S307  the declaring module's own annotation, as typing.get_type_hints does
    except (NameError, AttributeError, SyntaxError) as error:
        raise ContractError(
            f"the type {annotation!r} of a setting of {cls.__name__} cannot be read: {error}."
        ) from error


def _check_default(cls: type[Step], each: Setting) -> None:
    if each.default is REQUIRED or each.default is None:
        return
    try:
        each.default = each.validated(each.default)
    except ValueError as fault:
        raise ContractError(f"the default of setting {each.name!r} of {cls.__name__} {fault}.") from fault


def _check_declaration(cls: type[Step]) -> None:
    contract = cls.contract
    faults = []
    inputs = {name for spec in contract.dependencies for name in spec.names}
    words = [word for name, each in cls.settings.items() for word in (name, *each.aliases)]
    taken = _taken(cls)
    for word in dict.fromkeys(words):
        if word in inputs:
            faults.append(f"{word!r} is both an input and a setting")
        if word in taken or words.count(word) > 1:
            faults.append(f"setting {word!r} is taken already")
    if not cls.sagemaker_type:
        faults.append(f"{cls.__name__} runs no SageMaker job; derive it from ProcessingStep or TrainingStep")
    for spec in contract.outputs:
        try:
            leaf = shapes.walk(cls.sagemaker_type, spec.path)
        except UnknownOutput as fault:
            faults.append(f"output {spec.name!r}: {fault}")
            continue
        if leaf.type in {"structure", "list", "map"}:
            faults.append(
                f"output {spec.name!r}: {spec.path} is a {leaf.type}; a reference stands for one value inside of it"
            )
    faults += [
        f"input {spec.name!r} is {how} the setting {word!r}, which does not exist"
        for spec in contract.dependencies
        for how, words in (("required by", spec.required_by), ("only for", spec.only_with))
        for word in words
        if word not in cls.settings
    ]
    if faults:
        raise ContractError(f"step class {cls.__name__} cannot work.", *faults, faults=tuple(faults))


def _taken(cls: type[Step]) -> frozenset[str]:
    """Names of what a step has besides settings, and of what a verb takes besides them."""
    held = {name for base in cls.__mro__[1:] for name, each in vars(base).items() if not isinstance(each, Setting)}
    # A class may leave to the call what others say themselves: the role of a step, its program, whose image runs it.
    return frozenset(
        held - {"job_type", "script", "framework"} | {"self", "name", "given", "inputs", "contract", "settings"}
    )


def _same_class(one: type[Step], other: type[Step]) -> bool:
    return (one.__module__, one.__qualname__) == (other.__module__, other.__qualname__)


def _register(cls: type[Step]) -> None:
    contract = cls.contract
    faults = []
    rival = _by_type.get(contract.step_type)
    if rival is not None and not _same_class(rival, cls):
        faults.append(f"step type {contract.step_type!r} is {rival.__module__}.{rival.__qualname__} already")
    for verb in contract.verbs:
        holder = _by_verb.get(verb)
        if holder is not None and not _same_class(holder, cls):
            faults.append(f"verb {verb!r} belongs to {holder.__module__}.{holder.__qualname__}")
    if faults:
        raise ContractError(f"step class {cls.__name__} clashes with another.", *faults, faults=tuple(faults))
    replaced = next((each for each in _by_type.values() if _same_class(each, cls)), None)
    if replaced is not None:
        del _by_type[replaced.contract.step_type]
        for verb in replaced.contract.verbs:
            del _by_verb[verb]
    _by_type[contract.step_type] = cls
    _by_verb.update(dict.fromkeys(contract.verbs, cls))
    for declared in on_declared:
        declared(cls, replaced)


def step_classes() -> tuple[type[Step], ...]:
    """Every step class there is, in the order of declaration."""
    return tuple(_by_type.values())


def step_class(step_type: str) -> type[Step]:
    """The class of a step type.

    Raises:
        ContractError: There is none of that name.
    """
    if step_type not in _by_type:
        raise ContractError(f"there is no step type {step_type!r}.{did_you_mean(step_type, _by_type)}")
    return _by_type[step_type]


def class_of_verb(verb: str) -> type[Step]:
    """The class whose steps a verb adds.

    Raises:
        ContractError: There is no such verb.
    """
    if verb not in _by_verb:
        raise ContractError(f"there is no verb {verb!r}.{did_you_mean(verb, _by_verb)}")
    return _by_verb[verb]


_STEP_NAME = re.compile(rf"(?!$){shapes.STEP_NAME}")
_OUTPUTS_OWN = frozenset({"get", "list_outputs"})  # methods of `pipe.outputs`, where steps are attributes


def _step_name_faults(name: Any) -> Iterator[str]:
    if name is None:
        return
    if not isinstance(name, str) or len(name) > shapes.MAX_STEP_NAME or not _STEP_NAME.fullmatch(name):
        yield f"name: a step's name has 1 to {shapes.MAX_STEP_NAME} letters, digits, '-' and '_', not {name!r}"
    elif name in _OUTPUTS_OWN or name.startswith("_"):
        yield f"name: {name!r} cannot be an attribute of pipe.outputs; give the step another name"


class Step:
    """One use of a step type in a pipeline: a name, explicit inputs and settings. Frozen.

    Args:
        name: Unique in the pipeline; the step type in snake case if none is given.
        **values: Settings and explicit inputs by name.

    Raises:
        SettingError: Lists every unknown name and every value that is not allowed.
    """

    contract: ClassVar[StepContract]
    sagemaker_type: ClassVar[str] = ""
    """The `Type` of the step in a definition, such as `Processing`."""
    settings: ClassVar[Mapping[str, Setting]] = {}

    depends_on: (
        str | StepOutputProxy | PropertyReference | Sequence[str | StepOutputProxy | PropertyReference] | None
    ) = waiting("Steps that this one comes after, though it takes nothing of them: their names or outputs.")

    name: str
    given: Mapping[str, Any]
    """The settings that were given, validated."""
    inputs: Mapping[str, Any]
    """The inputs that were given: references, URIs, local paths."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.settings = _settings(cls)
        if "contract" in vars(cls):
            _check_declaration(cls)
            _register(cls)

    def __init__(self, name: str | None = None, **values: Any) -> None:
        known, inputs = _names(type(self))
        given: dict[str, Any] = {}
        wired: dict[str, Any] = {}
        said: dict[str, str] = {}
        faults = []
        for word, value in adopted(values).items():
            if word in inputs:
                if value is not None:
                    wired[inputs[word]] = value
            elif word not in known:
                faults.append(f"{word}: there is no such setting.{did_you_mean(word, [*known, *inputs])}")
            elif known[word] in said:
                faults.append(f"{word}: {said[known[word]]} is the same setting, and is given too")
            else:
                said[known[word]] = word
                try:
                    given[known[word]] = self.settings[known[word]].validated(value)
                except ValueError as fault:
                    faults.append(f"{word}: {fault}")
        missing = [word for word, each in self.settings.items() if each.required and word not in said]
        faults += [f"{word}: must be given" for word in missing]
        faults += _step_name_faults(name)
        if faults:
            raise SettingError(
                f"{self.contract.verb} was given what it does not take.",
                *faults,
                verb=self.contract.verb,
                faults=tuple(faults),
            )
        set_now = object.__setattr__
        set_now(self, "given", MappingProxyType(given))
        set_now(self, "name", name or self.contract.key_for(given.get("job_type")))
        set_now(self, "inputs", MappingProxyType(wired))
        self.validate()

    @classmethod
    def assumed(cls, name: str) -> Step:
        """A step without settings or inputs that stands for a faulty one while a script is checked."""
        step = object.__new__(cls)
        for word, value in (("name", name), ("given", MappingProxyType({})), ("inputs", MappingProxyType({}))):
            object.__setattr__(step, word, value)
        return step

    @classmethod
    def at_call(cls, values: dict[str, Any]) -> dict[str, Any]:
        """What a verb was given, completed by what can only be told when it is called; for subclasses to override."""
        return values

    def validate(self) -> None:
        """Check what no single setting can tell by itself; for subclasses to override."""

    def arguments(self, inputs: Inputs, target: Target) -> dict[str, Any]:
        """The request of the SageMaker job as plain data; pure.

        Args:
            inputs: Where each wired input is.
            target: The role, bucket and registry; takes the program files.
        """
        raise NotImplementedError

    def requests(
        self,
        inputs: Inputs,
        target: Target,
        then: Sequence[dict[str, Any]],  # noqa: ARG002  only steps that make a condition have any
    ) -> list[dict[str, Any]]:
        """The steps of the definition that this step becomes.

        Args:
            inputs: Where each wired input is.
            target: Where the definition will run.
            then: The steps that lie under this one's condition; empty unless it makes one.
        """
        return [{"Name": self.name, "Type": self.sagemaker_type, "Arguments": self.arguments(inputs, target)}]

    @property
    def job_type(self) -> str | None:
        """The role of the step among others of its type, such as `calibration`; none for the usual one."""
        return None

    @property
    def after(self) -> tuple[str, ...]:
        """Names of the steps that it comes after, though it takes nothing of them."""
        return self.given.get("depends_on") or ()

    @property
    def opens_scope(self) -> bool:
        """Whether the steps after this one happen only on a condition of it."""
        return False

    def required(self) -> Iterator[DependencySpec]:
        """The inputs that this step cannot do without, with these settings."""
        for spec in self.contract.dependencies:
            if spec.required or any(self.given.get(word) is not None for word in spec.required_by):
                yield spec

    def looks_for(self, spec: DependencySpec) -> bool:
        """Whether an output is looked for where the input is not given, with this job type and these settings."""
        in_role = not spec.only_for or self.job_type in spec.only_for
        return in_role and (not spec.only_with or any(self.given.get(word) is not None for word in spec.only_with))

    def limited(self, seconds: int) -> Step:
        """The step with another `max_runtime`; asked only of steps that have one."""
        return type(self)(self.name, **{**self.given, "max_runtime": seconds}, **self.inputs)

    @property
    def key(self) -> tuple[Any, ...]:
        """What makes two steps the same: class, name, settings and explicit inputs, as hashable data."""
        return (type(self), self.name, _hashable(self.given), _hashable(self.inputs))

    @override
    def __eq__(self, other: object) -> bool:
        return self.key == other.key if isinstance(other, Step) else NotImplemented

    @override
    def __hash__(self) -> int:
        return hash(self.key)

    @override
    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (type(self), self.name, dict(self.given), dict(self.inputs))

    @override
    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"step {self.name!r} is frozen; {name!r} cannot be set.")

    @override
    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"step {self.name!r} is frozen; {name!r} cannot be deleted.")

    @override
    def __repr__(self) -> str:
        said = [f"{word}={value!r}" for word, value in {**self.inputs, **self.given}.items()]
        return f"{self.contract.step_type}({', '.join([repr(self.name), *said])})"


Step.settings = _settings(Step)  # no subclass, so nothing else gathers the settings that all steps have


def _restored(cls: type[Step], name: str, given: dict[str, Any], inputs: dict[str, Any]) -> Step:
    return cls(name, **given, **inputs)


def _hashable(value: Any) -> Any:
    if isinstance(value, Mapping):
        return tuple(sorted((key, _hashable(each)) for key, each in value.items()))
    if isinstance(value, (list, tuple)):
        return tuple(_hashable(each) for each in value)
    return (type(value), value.key) if isinstance(value, Expression) else (type(value).__name__, value)


def _names(cls: type[Step]) -> tuple[dict[str, str], dict[str, str]]:
    """Every name that a setting or an input may be given under -> its own name."""
    cached: tuple[dict[str, str], dict[str, str]] | None = vars(cls).get("_known_names")
    if cached is None:
        known = {word: name for name, each in cls.settings.items() for word in (name, *each.aliases)}
        inputs = {word: spec.name for spec in cls.contract.dependencies for word in spec.names}
        cached = (known, inputs)
        type.__setattr__(cls, "_known_names", cached)
    return cached


class _CalledAsDecorator(ModuleType):
    """This module. Once it is imported, `from fluentpipe import step` gives it, where the decorator of that name is meant."""

    def __call__(self, function: Any = None, /, **job: Any) -> Any:
        """Make a function a step; see `fluentpipe.function.step`."""
        decorate = importlib.import_module("fluentpipe.function").step  # above this module, so imported when it is used
        return decorate(**job) if function is None else decorate(function, **job)


sys.modules[__name__].__class__ = _CalledAsDecorator
