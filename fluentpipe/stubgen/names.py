"""The names that a generated file uses, and the imports that they need."""

from __future__ import annotations

import sys
import types
import typing
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, get_args, get_origin

from fluentpipe.errors import ContractError
from fluentpipe.kinds import Kind

WIDTH = 120


class Names:
    """The names of one generated file.

    Args:
        own: Names that the file defines itself, so that no import takes them.
    """

    def __init__(self, own: Iterable[str] = ()) -> None:
        self._homes: dict[str, tuple[str, str]] = dict.fromkeys(own, ("", ""))

    def use(self, module: str, name: str) -> str:
        """The name by which the file knows what a module calls `name`."""
        here = name
        while self._homes.setdefault(here, (module, name)) != (module, name):
            here = f"{module.rpartition('.')[2]}_{here}"
        return here

    def of(self, cls: type) -> str:
        """The name of a class.

        Raises:
            ContractError: It cannot be imported.
        """
        if cls.__module__ == "builtins":
            return cls.__name__
        if not cls.__qualname__.isidentifier() or cls.__module__ == "__main__":
            raise ContractError(
                f"{cls.__qualname__} of {cls.__module__} cannot be imported, so no stub can name it.",
                fix="declare it at the top level of a module",
            )
        return self.use(cls.__module__, cls.__name__)

    def imports(self, *, of: Sequence[str] = (), leaving: Sequence[str] = ()) -> str:
        """The import statements, sorted; those from the modules `of` alone, or all but those `leaving` says."""
        by_module: dict[str, list[str]] = {}
        for here, (module, name) in self._homes.items():
            if module and module not in leaving and (not of or module in of):
                by_module.setdefault(module, []).append(name if here == name else f"{name} as {here}")
        standard = {module for module in by_module if module.partition(".")[0] in sys.stdlib_module_names}
        groups = (sorted(standard), sorted(by_module.keys() - standard))
        return "\n".join("".join(_import(module, by_module[module]) for module in group) for group in groups if group)

    # ---- types -------------------------------------------------------------------------------------------------------

    def spelled(self, annotation: Any, *, deferred: bool, optional: bool = False) -> str:
        """A type of a setting as it stands in a signature.

        Args:
            annotation: What the class declares.
            deferred: Whether the run may decide the value, or a text or number inside of it.
            optional: Whether None is taken, whatever the annotation says.
        """
        parts = [part for part in _union(annotation) if part is not types.NoneType]
        optional = optional or len(parts) < len(_union(annotation))
        words = [self._part(part, deferred=deferred) for part in parts]
        scalars = list(dict.fromkeys(word for part in parts for word in self._scalars(part))) if deferred else []
        if "float" in scalars:
            scalars = [word for word in scalars if word != "int"]  # for type checkers an int is a float
        if scalars:
            words.append(f"{self.use('fluentpipe.reference', 'Deferred')}[{' | '.join(scalars)}]")
        return " | ".join([*words, "None"] if optional else words)

    def _part(self, part: Any, *, deferred: bool) -> str:
        origin, args = get_origin(part), get_args(part)
        if part is Any:
            return self.use("typing", "Any")
        if origin is Literal:
            return f"{self.use('typing', 'Literal')}[{', '.join(map(literal, args))}]"
        if isinstance(origin, type) and issubclass(origin, Sequence):
            return f"{self.use('collections.abc', 'Sequence')}[{self.spelled(args[0], deferred=deferred)}]"
        if isinstance(origin, type) and issubclass(origin, Mapping):
            words = f"{self.spelled(args[0], deferred=False)}, {self.spelled(args[1], deferred=deferred)}"
            return f"{self.use('collections.abc', 'Mapping')}[{words}]"
        return self.of(origin or part)

    def _scalars(self, part: Any) -> Iterator[str]:
        if get_origin(part) is Literal:
            yield from sorted({type(value).__name__ for value in get_args(part)} & {"str", "int", "bool"})
        elif part is str:
            yield from ("str", self.of(Kind))  # a reference to data is the text of its URI
        elif part in (int, float, bool):
            yield part.__name__


def literal(value: object) -> str:
    """A value as Python source, or `...` where it has no plain one."""
    if isinstance(value, str):
        return repr(value) if '"' in value or "\\" in value or not value.isprintable() else f'"{value}"'
    if isinstance(value, tuple):
        return f"({', '.join(map(literal, value))}{',' if len(value) == 1 else ''})"
    return repr(value) if value is None or type(value) in (bool, int, float) else "..."


def _union(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation) if get_origin(annotation) in (typing.Union, types.UnionType) else (annotation,)


def _import(module: str, names: list[str]) -> str:
    line = f"from {module} import {', '.join(sorted(names))}\n"
    if len(line) <= WIDTH:
        return line
    return f"from {module} import (\n" + "".join(f"    {name},\n" for name in sorted(names)) + ")\n"
