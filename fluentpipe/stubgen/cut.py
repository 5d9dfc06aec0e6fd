"""Statements without what a stub has no need of: the bodies of functions, docstrings, what is private in a class."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

from fluentpipe.errors import ContractError
from fluentpipe.stubgen.names import literal

Function = ast.FunctionDef | ast.AsyncFunctionDef
Import = ast.Import | ast.ImportFrom
_ELLIPSIS = ast.Expr(ast.Constant(...))


class Cut:
    """What is left of the statements of one module.

    Args:
        module: Its name; it is imported only where a value has to be known that its source does not spell out.
    """

    def __init__(self, module: str) -> None:
        self._module = module

    @cached_property
    def _values(self) -> dict[str, Any]:
        return vars(importlib.import_module(self._module))

    def block(self, body: Sequence[ast.stmt], owner: ast.ClassDef | None = None) -> list[ast.stmt]:
        """The statements of a module or of a class."""
        overloaded = {node.name for node in body if isinstance(node, Function) and _is_overload(node)}
        written = [node for node in body if not _implements(node, overloaded)]
        return [left for node in written for left in self._statement(node, owner)]

    def _statement(self, node: ast.stmt, owner: ast.ClassDef | None) -> Iterator[ast.stmt]:
        if isinstance(node, ast.If):
            yield from self._either(node, owner)
        elif isinstance(node, Function):
            if owner is None or not is_private(node.name):
                yield self._function(node)
        elif isinstance(node, ast.ClassDef):
            node.body = [*_attributes(node), *self.block(node.body, node)] or [_ELLIPSIS]
            yield node
        elif isinstance(node, Import):
            if not (isinstance(node, ast.ImportFrom) and node.module == "__future__"):
                yield node
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            yield from self._value(node, owner)

    def _either(self, node: ast.If, owner: ast.ClassDef | None) -> Iterator[ast.stmt]:
        test = ast.unparse(node.test)
        if test == "TYPE_CHECKING":
            yield from self.block(node.body, owner)
        elif test == "not TYPE_CHECKING":
            yield from self.block(node.orelse, owner)
        else:
            then, other = self.block(node.body, owner), self.block(node.orelse, owner)
            if then or other:
                node.body, node.orelse = then or [ast.Pass()], other
                yield node

    def _function(self, node: Function) -> Function:
        node.body = [_ELLIPSIS]
        node.decorator_list = [each for each in node.decorator_list if not _says_no_type(each)]
        node.args.defaults = [self._default(each) for each in node.args.defaults]
        node.args.kw_defaults = [each and self._default(each) for each in node.args.kw_defaults]
        return node

    def _default(self, node: ast.expr) -> ast.expr:
        """A default as its value, so that no name has to be imported for it."""
        try:
            ast.literal_eval(node)
        except ValueError:
            value = eval(compile(ast.Expression(node), self._module, "eval"), self._values)  # noqa: S307  the library's own
            return ast.parse(literal(value), mode="eval").body
        return node

    def _value(self, node: ast.Assign | ast.AnnAssign, owner: ast.ClassDef | None) -> Iterator[ast.stmt]:
        name = _target(node)
        field = owner is not None and _by_attrs(owner) and isinstance(node, ast.AnnAssign)
        if "." in name or (owner is not None and is_private(name) and not field):
            return
        if isinstance(node, ast.AnnAssign):
            said = ast.unparse(node.annotation)
            if not (field or said in {"TypeAlias", "Final"}):
                node.value = None
            yield node
        elif name == "__slots__":
            return
        elif "," in name or name.startswith("__") or _says_its_type(node.value) or _enumeration(owner):
            yield node
        elif not is_private(name):
            yield self._typed(node, name)

    def _typed(self, node: ast.Assign, name: str) -> ast.stmt:
        """A value as its type: the class that was called to make it, or a collection of plain values."""
        made = ast.unparse(node.value.func) if isinstance(node.value, ast.Call) else ""
        named = isinstance(self._values.get(made), type)
        said = made if named else _collection(self._values.get(name))
        if not said:
            raise ContractError(f"{self._module}.{name} has no type that a stub can give.", fix=f"{name}: int = …")
        return ast.AnnAssign(ast.Name(name), ast.parse(said, mode="eval").body, simple=1)


def _attributes(cls: ast.ClassDef) -> Iterator[ast.stmt]:
    """What a class has only because its `__init__` says so, with the type of the parameter that it is set from, if any."""
    declared = set().union(*map(declared_by, cls.body))
    for init in (node for node in cls.body if isinstance(node, Function) and node.name == "__init__"):
        types = {each.arg: each.annotation for each in [*init.args.args, *init.args.kwonlyargs]}
        values = {_attribute(target): node.value for node in _assignments(init) for target in node.targets}
        for name in sorted(each for each in values if each and each not in declared and not each.startswith("_")):
            value = values[name]
            said = types.get(value.id) if isinstance(value, ast.Name) else None
            yield ast.AnnAssign(ast.Name(name), said or ast.Name("Any"), simple=1)


def _assignments(function: Function) -> Iterator[ast.Assign]:
    return (node for node in ast.walk(function) if isinstance(node, ast.Assign))


def _target(node: ast.Assign | ast.AnnAssign) -> str:
    if isinstance(node, ast.AnnAssign):
        return ast.unparse(node.target)
    if isinstance(node.targets[0], ast.Tuple):  # one by one, since Python 3.10 writes the parentheses and 3.11 does not
        node.targets = [ast.Name(", ".join(ast.unparse(each) for each in node.targets[0].elts))]
    return ast.unparse(node.targets[0])


def _attribute(target: ast.expr) -> str:
    """`x` for a target `self.x`."""
    return ast.unparse(target).removeprefix("self.") if isinstance(target, ast.Attribute) else ""


def _is_overload(node: Function) -> bool:
    return any(ast.unparse(each) in {"overload", "typing.overload"} for each in node.decorator_list)


def _implements(node: ast.stmt, overloaded: set[str]) -> bool:
    """Whether it is what overloads stand for, which no stub has."""
    return isinstance(node, Function) and node.name in overloaded and not _is_overload(node)


def _collection(value: object) -> str:
    """The type of a collection of plain values, such as `frozenset[str]`; nothing for any other value."""
    if not isinstance(value, dict | frozenset | list | set | tuple) or not value:
        return ""
    sides = (value, value.values()) if isinstance(value, dict) else (value,)
    inside = [" | ".join(sorted({type(each).__name__ for each in side})) for side in sides]
    plain = all(type(each) in (str, int, float, bool) for side in sides for each in side)
    return f"{type(value).__name__}[{', '.join(inside)}{', ...' * isinstance(value, tuple)}]" if plain else ""


def declared_by(node: ast.stmt) -> set[str]:
    """The names that a statement of a module or of a class declares."""
    if isinstance(node, Function | ast.ClassDef):
        return {node.name}
    if isinstance(node, ast.Assign):
        return {each.id for target in node.targets for each in ast.walk(target) if isinstance(each, ast.Name)}
    return {ast.unparse(node.target)} if isinstance(node, ast.AnnAssign) else set()


def is_private(name: str) -> bool:
    """Whether a name begins with one underscore."""
    return name.startswith("_") and not name.startswith("__")


def _says_no_type(decorator: ast.expr) -> bool:
    """A decorator without which a function has the same type for those who call it."""
    name = decorator.func if isinstance(decorator, ast.Call) else decorator
    return ast.unparse(name).rpartition(".")[2] in {"override", "cache", "lru_cache"}


def _by_attrs(owner: ast.ClassDef) -> bool:
    return any(ast.unparse(each).startswith("attrs.") for each in owner.decorator_list)


def _enumeration(owner: ast.ClassDef | None) -> bool:
    return owner is not None and any("Enum" in ast.unparse(each) for each in owner.bases)


def _says_its_type(value: ast.expr) -> bool:
    """Whether a value stands for itself in a stub: a plain one, a type, a type variable."""
    if isinstance(value, ast.Tuple):
        return all(isinstance(each, ast.Constant) for each in value.elts)
    if isinstance(value, ast.Call):
        return ast.unparse(value.func) == "TypeVar"
    return isinstance(value, ast.Constant | ast.Subscript | ast.BinOp | ast.Name)
