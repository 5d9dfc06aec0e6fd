"""Outlines: the stub of a module of the library, which is its source without what type checkers need not read.

A type checker that meets `from fluentpipe import Pipeline` reads whatever that imports, and what this imports in turn. A stub
says the same and imports less: no body of a function is in it, and so nothing that only bodies need.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from fluentpipe.stubgen.cut import Cut, Import, declared_by, is_private

_ANY = ast.ImportFrom("typing", [ast.alias("Any")], 0)
_LIGHT = {*sys.stdlib_module_names, "attrs", "typing_extensions", "fluentpipe", "fluentpipe_project"}


def outlines(package: Path, leaving: Mapping[Path, str]) -> dict[Path, str]:
    """The outlines of a package's `__init__` and of every module that its outline imports, and so on: source -> text.

    Args:
        package: Folder of the package.
        leaving: Modules that need none, because they have stubs of their own or are types alone: their source -> text.

    Raises:
        ContractError: Something public has no type that the source says.
    """
    sources = {_module_name(package, path): path for path in package.rglob("*.py")}
    found: dict[Path, str] = {}
    waiting = {package.name}
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in sources and name not in seen:
            seen.add(name)
            path = sources[name]
            text = leaving[path] if path in leaving else found.setdefault(path, outline(name, path))
            waiting.update(_imported(text))
    return dict(sorted(found.items()))


def _module_name(package: Path, path: Path) -> str:
    words = path.relative_to(package.parent).with_suffix("").parts
    return ".".join(words[:-1] if words[-1] == "__init__" else words)


def outline(name: str, source: Path) -> str:
    """The outline of one module.

    Args:
        name: Of the module.
        source: Its file.

    Raises:
        ContractError: Something public has no type that the source says.
    """
    tree = ast.parse(source.read_text("utf-8"), type_comments=True)  # with the comments `type: ignore`
    body = Cut(name).block(tree.body)
    imports = [node for node in body if isinstance(node, Import)]
    kept = _needed([_WithoutForeign(imports).visit(node) for node in body if not isinstance(node, Import)])
    exported = frozenset(_exported(tree))
    needed = _used(imports, exported.union(*map(_words, kept)), exported)
    text = ast.unparse(ast.Module([_ANY, *needed, *kept], tree.type_ignores))
    text = text.replace("lambda :", "lambda:")  # as Python 3.10 writes it
    return re.sub(r"\n\n(?= )", "\n", re.sub(r":\n\s+\.\.\.(?=\n|$)", ": ...", text)) + "\n"


class _WithoutForeign(ast.NodeTransformer):
    """The types of other libraries as `Any`: to read one library takes a type checker longer than to read all of this one."""

    def __init__(self, imports: Sequence[Import]) -> None:
        self._names = {
            (each.asname or each.name).partition(".")[0]
            for node in imports
            for each in node.names
            if not _is_light(node.module or "" if isinstance(node, ast.ImportFrom) else each.name)
        }

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.Name("Any", node.ctx) if node.id in self._names else node

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        inside = self.visit(node.value)
        return inside if ast.unparse(inside) == "Any" else node


def _is_light(module: str) -> bool:
    """Whether a type checker may read a module for our sake; not the programs of the jobs, which are made of other libraries."""
    return module.partition(".")[0] in _LIGHT and not f"{module}.".startswith("fluentpipe.containers.")


def _exported(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            yield from ast.literal_eval(node.value)


def _needed(body: Sequence[ast.stmt]) -> list[ast.stmt]:
    """What is public, and what that mentions."""
    kept = [node for node in body if all(map(_is_public, declared_by(node)))]
    while True:
        used: set[str] = set().union(*map(_words, kept))
        more = [node for node in body if node not in kept and declared_by(node) & used]
        if not more:
            return [node for node in body if node in kept]
        kept += more


def _words(node: ast.stmt) -> set[str]:
    """The names that a statement mentions, also in a type that is written as text."""
    found = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
    texts = [each.value for each in ast.walk(node) if isinstance(each, ast.Constant) and isinstance(each.value, str)]
    return found.union(*(re.findall(r"[A-Za-z_]\w*", text) for text in texts if "[" in text))


def _used(imports: Sequence[Import], used: frozenset[str], exported: frozenset[str]) -> Iterator[ast.stmt]:
    """The imports that are needed; a stub says `as` of what can be imported from it in turn."""
    for node in imports:
        node.names = [each for each in node.names if (each.asname or each.name).partition(".")[0] in used]
        if isinstance(node, ast.ImportFrom) and node.module == "typing":
            node.names = [each for each in node.names if each.name != "Any"]
        for each in node.names:
            each.asname = each.name if each.name in exported else each.asname
        if node.names:
            yield node


def _imported(text: str) -> Iterator[str]:
    """The names that an outline imports, and the modules they are in; some of either are modules of the library."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{each.name}" for each in node.names)


def _is_public(name: str) -> bool:
    return not is_private(name) and name not in {"__getattr__", "__dir__"}
