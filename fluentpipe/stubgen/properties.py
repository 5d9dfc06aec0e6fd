"""The types of `properties`: a class for each structure of the service's API model, with its members as references."""

from __future__ import annotations

import re

from fluentpipe import shapes

_HEAD = '''"""The properties of SageMaker's jobs, as type checkers and editors see them: references all the way down.

No program imports this; at run time `properties` walks the same table of paths.
"""

from __future__ import annotations

from typing import Generic, TypeVar

from fluentpipe.reference import PropertyReference

_P = TypeVar("_P", covariant=True)


class PropertyList(Generic[_P]):
    """A list that only the run knows; name an element by its name or position."""

    __iter__: None

    def __getitem__(self, key: int | str, /) -> _P:
        raise NotImplementedError


class PropertyMap(Generic[_P]):
    """A mapping that only the run knows; name an element by its key."""

    def __getitem__(self, key: str, /) -> _P:
        raise NotImplementedError
'''

_LEAVES = {"str": "str", "timestamp": "str", "int": "int", "float": "float", "bool": "bool"}  # a timestamp is text


def class_name(name: str) -> str:
    """The class for a structure of the API model, or for the properties of a type of step."""
    return "".join(word[:1].upper() + word[1:] for word in re.split(r"\W+", name)) + "Properties"


def properties_source() -> str:
    """The text of `_properties.py`, without its first line."""
    roots, structures = shapes.structures()
    parts = [_HEAD]
    parts += [_structure(class_name(step_type), structures[root]) for step_type, root in sorted(roots.items())]
    reached = sorted(_reached(list(roots.values()), structures) - {*roots.values()})
    parts += [_structure(class_name(name), structures[name]) for name in reached]
    return "".join(parts)


def _structure(name: str, members: shapes.Members) -> str:
    fields = [f"    {member}: {_type(kind)}\n" for member, kind in sorted(members.items())]
    return f"\n\nclass {name}:\n" + ("".join(fields) or "    pass\n")


def _type(kind: str) -> str:
    if kind[:2] in ("[]", "{}"):
        return f"{'PropertyList' if kind[:2] == '[]' else 'PropertyMap'}[{_type(kind[2:])}]"
    return f"PropertyReference[{_LEAVES[kind]}]" if kind in _LEAVES else class_name(kind)


def _reached(names: list[str], structures: shapes.Structures) -> set[str]:
    """The structures that can be walked to from those named."""
    found: set[str] = set()
    while names:
        name = names.pop()
        if name not in found:
            found.add(name)
            kinds = (re.sub(r"^(\[\]|\{\})+", "", kind) for kind in structures[name].values())
            names += [kind for kind in kinds if kind not in _LEAVES]
    return found
