"""Verbs: the methods of `Pipeline` that add a step, one signature per step class.

A verb takes what its signature says. What it is given goes to the pipeline by name, so that a misspelt setting is answered
with the right one instead of Python's own error.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar, cast

from typing_extensions import Self

from fluentpipe.errors import SettingError
from fluentpipe.settings import Setting
from fluentpipe.step import Step

F = TypeVar("F", bound=Callable[..., Any])


class _Chained(Protocol):
    def _add(self, verb: str, values: dict[str, Any]) -> Any: ...


def verb(signature: F) -> F:
    """Make a method that only has a signature into one that adds the step."""
    name = signature.__name__
    positional = _positional(signature)

    @functools.wraps(signature)
    def call(self: _Chained, *args: Any, **values: Any) -> Any:
        if len(args) > len(positional):
            takes = f"takes {', '.join(positional)} by position" if positional else "takes nothing by position"
            raise SettingError(
                f"{name} {takes}, but {len(args)} values were given.", fix=_named(signature, positional), verb=name
            )
        for word, value in zip(positional, args, strict=False):
            if word in values:
                raise SettingError(f"{name} was given {word!r} twice.", verb=name)
            values[word] = value
        return self._add(name, values)

    return cast("F", call)


def _positional(signature: Callable[..., Any]) -> Sequence[str]:
    """The names of what is taken by position, after `self`; read from the code, since `inspect.signature` costs ten times that."""
    if hasattr(signature, "__signature__"):
        parameters = inspect.signature(signature).parameters.values()
        return [each.name for each in parameters if each.kind is each.POSITIONAL_OR_KEYWORD][1:]
    code = signature.__code__
    return code.co_varnames[1 : code.co_argcount]


def _named(signature: Callable[..., Any], positional: Sequence[str]) -> str:
    """How to write a call of a verb whose settings have no names."""
    first = next(iter(signature.__kwdefaults__ or ()), "name")  # the first that may not be given by position
    return f"name the settings: {signature.__name__}({', '.join(['…'] * len(positional) + [f'{first}=…'])})"


def verb_method(cls: type[Step], name: str) -> Callable[..., Any]:
    """The verb of a step class that was declared while the program runs: as real as the generated ones."""

    def method(self: _Chained, *args: Any, **values: Any) -> Any: ...

    method.__name__ = name
    method.__qualname__ = f"ProjectVerbs.{name}"
    method.__module__ = "fluentpipe_project"
    method.__doc__ = documentation(cls, name)
    method.__signature__ = _signature(cls, name)  # type: ignore[attr-defined]  # functions take any attribute
    return verb(method)


class LiveVerb:
    """The verb of a class that was declared while the program runs, as an attribute of `Pipeline`.

    Not a plain function, because for jedi a function that is in no source does not exist; of any other object it takes
    the signature and what it returns.
    """

    def __init__(self, cls: type[Step], name: str) -> None:
        self._method = verb_method(cls, name)

    def __get__(self, pipe: Any, owner: type) -> Any:
        return self._method if pipe is None else BoundVerb(self._method, pipe)


class BoundVerb:
    """A `LiveVerb` of one pipeline: callable, with the signature and the docs of the step class."""

    def __init__(self, method: Callable[..., Any], pipe: Any) -> None:
        signature = inspect.signature(method)
        self._call = functools.partial(method, pipe)
        self.__self__ = pipe
        self.__name__ = method.__name__
        self.__doc__ = method.__doc__
        self.__signature__ = signature.replace(
            parameters=list(signature.parameters.values())[1:], return_annotation=Self
        )

    def __call__(self, *args: Any, **values: Any) -> Any:
        """Add the step."""
        return self._call(*args, **values)


def settings_of(cls: type[Step], name: str) -> dict[str, Setting]:
    """The settings that a verb takes, in the order of its signature: by position, the step's own, those of its job."""
    if name == cls.contract.default_verb:
        return {word: each for word, each in cls.settings.items() if word in _LAST}
    return dict(sorted(cls.settings.items(), key=lambda item: (not item[1].positional, item[1].job, item[0] in _LAST)))


_LAST = ("depends_on",)
"""Settings that every step has: the last in each signature, and taken by the verbs that take no others."""


def _signature(cls: type[Step], name: str) -> inspect.Signature:
    kind = inspect.Parameter
    parameters = [kind("self", kind.POSITIONAL_OR_KEYWORD)]
    for word, each in settings_of(cls, name).items():
        default = kind.empty if each.required else each.default
        how = kind.POSITIONAL_OR_KEYWORD if each.positional else kind.KEYWORD_ONLY
        parameters.append(kind(word, how, default=default, annotation=each.annotation))
    inputs = [kind(spec.name, kind.KEYWORD_ONLY, default=None) for spec in cls.contract.dependencies]
    parameters += [*inputs, kind("name", kind.KEYWORD_ONLY, default=None, annotation="str | None")]
    ranked = sorted(
        parameters, key=lambda each: (each.kind, each.default is not kind.empty and each.kind != kind.KEYWORD_ONLY)
    )
    return inspect.Signature(ranked)


def documentation(cls: type[Step], name: str) -> str:
    """The docstring of a verb, from the contract and the settings of its class."""
    lines = [inspect.cleandoc(cls.__doc__ or f"Add a {cls.contract.step_type} step."), "", "Args:"]
    for word, each in settings_of(cls, name).items():
        unit = f" In {each.unit}." if each.unit else ""
        also = f" Also {', '.join(each.aliases)}." if each.aliases else ""
        lines.append(f"    {word}: {each.doc}{unit}{also}")
    for spec in cls.contract.dependencies:
        how = "Wired by itself" if spec.required else "Optional; wired by itself"
        lines.append(f"    {spec.name}: {spec.description} {how}; takes {spec.says()}.")
    lines.append(f"    name: Name of the step; {cls.contract.key!r} by default, another for a second use.")
    if cls.contract.outputs:
        lines += ["", "Outputs:"]
        lines += [f"    {spec.name} ({spec.kind.__name__}): {spec.description}" for spec in cls.contract.outputs]
    return "\n".join(lines)
