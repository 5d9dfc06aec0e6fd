"""Standalone: the source of a function as a module of its own, with all that it needs of the place where it was written.

The function may stand in a module, in a script that makes a pipeline, or in a notebook cell. What its code names is looked up where
the function would look it up; imports and assignments are taken as they were written, other functions and classes with all that they
need themselves. Nothing is pickled, and nothing else of that place is run.
"""

from __future__ import annotations
import __future__

import ast
import builtins
import dis
import inspect
import math
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import CodeType
from typing import Any

from fluentpipe.errors import ContractError
from fluentpipe.program import program_files

_LITERALS = (type(None), bool, int, float, complex, str, bytes)
_LOADS = frozenset(("LOAD_GLOBAL", "LOAD_NAME"))
_FIRST_LINE = "from __future__ import annotations\n"


def standalone(function: Callable[..., Any]) -> str:
    """The text of a module that defines the function and imports nothing of ours.

    Raises:
        ContractError: Its source is not there, or it needs what cannot be taken along; lists all of that.
    """
    home = _Home(function)
    home.define(function)
    if home.faults:
        raise ContractError(
            f"{function.__name__} cannot be sent to a job as it is.",
            *home.faults,
            fix="give it as a parameter, or make it inside of the function",
            faults=tuple(home.faults),
        )
    return (
        _FIRST_LINE
        + "\n"
        + "".join(f"{line}\n" for line in home.imports)
        + "".join(f"\n\n{each}" for each in home.parts)
    )


def modules_beside(text: str, function: Callable[..., Any]) -> dict[str, Path]:
    """The modules that a text imports and that lie beside the function, and those that they import; none in a package."""
    folder = Path(inspect.getsourcefile(function) or "").absolute().parent
    if not folder.is_dir() or function.__module__.partition(".")[0] != function.__module__:
        folder = Path.cwd()
    found: dict[str, Path] = {}
    for module in _imported(ast.parse(text)):
        script = folder / f"{module}.py"
        if script.is_file():
            found.update(program_files(script))
    return found


def _imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").partition(".")[0]


class _Home:
    """The place where a function was written, and what was taken of it so far."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.names: Mapping[str, Any] = function.__globals__
        self.module = function.__module__
        self.written = list(_written(self.names, self.module))
        self.imports: dict[str, None] = {}
        self.parts: list[str] = []
        self.faults: list[str] = []
        self._seen: set[str] = set()

    def define(self, thing: Any) -> None:
        """Take a function or class along, after all that it needs."""
        if thing.__name__ in self._seen:
            return
        self._seen.add(thing.__name__)
        try:
            text = source_of(thing)
        except (OSError, TypeError):
            text = self._class_of_a_cell(thing)
        if not text:
            self.faults.append(f"{thing.__name__}: its source cannot be found; write it into a file or a notebook cell")
            return
        self._need_all(text)
        self.parts.append(text)

    def _class_of_a_cell(self, thing: Any) -> str:
        """The source of a class that a notebook defines, which `inspect` looks for in a file; empty if there is none."""
        found = [each for each in self.written if isinstance(each, ast.ClassDef) and each.name == thing.__name__]
        return ast.unparse(found[-1]) + "\n" if found else ""

    def _need_all(self, text: str) -> None:
        code = compile(text, self.module, "exec", __future__.annotations.compiler_flag, dont_inherit=True)
        for name in dict.fromkeys(_loaded(code)):
            if name.startswith("__"):  # of every module or class
                continue
            if name in self.names and name not in self._seen:
                self._need(name, self.names[name])
            elif name not in self.names and name not in vars(builtins) and name not in _defined(code):
                self.faults.append(f"{name}: there is no such name where the function was written")

    def _need(self, name: str, value: Any) -> None:
        own = inspect.isfunction(value) or inspect.isclass(value)
        if own and value.__module__ == self.module:
            self.define(value)
            if value.__name__ != name:
                self._seen.add(name)
                self.parts.append(f"{name} = {value.__name__}\n")
            return
        self._seen.add(name)
        statements = [each for each in self.written if name in _bound(each)]
        imports = [each for each in statements if isinstance(each, (ast.Import, ast.ImportFrom))]
        if imports:
            self._import(name, imports)
        elif _is_literal(value):
            self.parts.append(f"{name} = {value!r}\n")
        elif statements:
            text = ast.unparse(statements[-1]) + "\n"
            self._need_all(text)
            self.parts.append(text)
        else:
            self.faults.append(f"{name}: it is a {type(value).__name__}, of which the source is not known")

    def _import(self, name: str, imports: list[ast.Import | ast.ImportFrom]) -> None:
        for statement in imports:
            if what := _not_there(statement):
                self.faults.append(f"{name}: it comes from {what}")
                return
            aliases = [each for each in statement.names if (each.asname or each.name.partition(".")[0]) == name]
            taken = ast.copy_location(type(statement)(**{**vars(statement), "names": aliases}), statement)
            self.imports[ast.unparse(taken)] = None


def _not_there(statement: ast.Import | ast.ImportFrom) -> str:
    """Why what is imported is not in the job; empty where it may be."""
    if isinstance(statement, ast.ImportFrom) and statement.level:
        return "a relative import, and a job has no packages of yours"
    modules = (
        [statement.module or ""] if isinstance(statement, ast.ImportFrom) else [each.name for each in statement.names]
    )
    ours = any(each.partition(".")[0] == "fluentpipe" for each in modules)
    return "fluentpipe, which is not in the job" if ours else ""


def source_of(thing: Any) -> str:
    """The source of a function or class, without the decorator that makes it a step."""
    text = textwrap.dedent(inspect.getsource(thing))
    node = ast.parse(text).body[0]
    if not isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        raise TypeError(f"{thing!r} is not written as a function or class")
    lines = text.splitlines(keepends=True)
    start = node.lineno
    if not hasattr(thing, STEP) and node.decorator_list:
        start = node.decorator_list[0].lineno
    return "".join(lines[start - 1 : node.end_lineno]).rstrip() + "\n"


STEP = "__fluentpipe_step__"
"""Attribute of a function that holds the step class that was made of it."""


def _written(names: Mapping[str, Any], module: str) -> Iterator[ast.stmt]:
    """The statements of a module or, of a notebook, of all its cells so far, in order; blocks at the top are looked into."""
    cells = names.get("In") if module == "__main__" and not names.get("__file__") else None
    texts = list(cells) if isinstance(cells, list) else []
    if not texts and module in sys.modules:
        try:
            texts = [inspect.getsource(sys.modules[module])]
        except (OSError, TypeError):
            texts = []
    for text in texts:
        try:
            yield from _statements(ast.parse(text).body)
        except (SyntaxError, ValueError):  # noqa: PERF203  a cell with a magic
            continue


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    for each in body:
        yield each
        for block in ("body", "orelse", "handlers", "finalbody"):
            if isinstance(each, (ast.If, ast.Try, ast.With, ast.ExceptHandler)):
                yield from _statements(getattr(each, block, []))


def _bound(statement: ast.stmt) -> set[str]:
    """The names that an import or an assignment gives a value."""
    if isinstance(statement, (ast.Import, ast.ImportFrom)):
        return {each.asname or each.name.partition(".")[0] for each in statement.names}
    targets: list[ast.expr] = []
    if isinstance(statement, ast.Assign):
        targets = statement.targets
    elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
        targets = [statement.target]
    return {node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)}


def _loaded(code: CodeType) -> Iterator[str]:
    """The names that code, and the code inside of it, looks up outside of functions."""
    for each in dis.get_instructions(code):
        if each.opname in _LOADS:
            yield str(each.argval)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _loaded(constant)


def _defined(code: CodeType) -> set[str]:
    """The names that code at the top level, or in the bodies of its classes, gives a value."""
    own = {str(each.argval) for each in dis.get_instructions(code) if each.opname in {"STORE_NAME", "STORE_GLOBAL"}}
    inner = [each for each in code.co_consts if isinstance(each, CodeType)]
    return own.union(*map(_defined, inner))


def _is_literal(value: Any) -> bool:
    if type(value) in {list, tuple, set, frozenset}:
        return all(map(_is_literal, value)) and value not in (set(), frozenset())
    if type(value) is dict:
        return all(_is_literal(each) for pair in value.items() for each in pair)
    return type(value) in _LITERALS and (not isinstance(value, float) or math.isfinite(value))


def refuse_closures(function: Callable[..., Any]) -> None:
    """Refuse what is no plain function, or needs variables of a function around it.

    Raises:
        ContractError: It is such a one.
    """
    if not inspect.isfunction(function) or inspect.iscoroutinefunction(function) or function.__name__ == "<lambda>":
        raise ContractError(f"a step is made of a plain function written with def, not of {function!r}.")
    if inspect.isgeneratorfunction(function):
        raise ContractError(f"{function.__name__} yields; a step returns what it makes.")
    if function.__code__.co_freevars:
        names = ", ".join(function.__code__.co_freevars)
        raise ContractError(
            f"{function.__name__} uses {names} of the function around it, which cannot be sent to a job.",
            fix="make it a parameter, or write the function at the top level",
        )
