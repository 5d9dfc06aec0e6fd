"""Names from a definition that become paths here, and paths into JSON; neither may lead out.

A container path (`/opt/ml/…`), a key of S3, the name of an output or of a group are all text that
somebody else wrote. Each is turned into a path by one function of this module, which refuses what climbs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fluentpipe.errors import RunError, did_you_mean

CONTAINER_ROOT = "/opt/ml"

_DRIVE = re.compile(r"[A-Za-z]:")
_UNSAFE = re.compile("[\x00-\x1f\x7f\\\\]")
_CONTAINER_PATH = re.compile(r"((?:^|=)(?:file://)?)/opt/ml(?=/|$)")
_ANYWHERE = re.compile(r"(?<![\w./-])/opt/ml(?![\w.-])")
_FOLDER_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-]{0,127}")
_PART = re.compile(r"""\.?([^.*\[\]'"]+)|\[(\d+)\]|\['([^']*)'\]|\["([^"]*)"\]""")
# Lists of the Describe responses whose items a property path may call by a name, and the member that holds it.
_NAMING_MEMBERS = ("OutputName", "InputName", "ChannelName", "MetricName", "Name", "VariantName")


def inside(root: Path, key: str) -> Path:
    """The path of a relative key (parts separated by `/`) below a root; an empty key is the root itself.

    Raises:
        RunError: The key is absolute, has an empty, `.` or `..` part, a backslash, a drive letter or a
            control character.
    """
    if not key:
        return root
    parts = key.split("/")
    if _UNSAFE.search(key) or any(part in ("", ".", "..") or _DRIVE.match(part) for part in parts):
        raise RunError(
            f"{key!r} is no safe path below a folder.",
            fix="use relative names with single '/' between them, without '.' and '..'",
        )
    return root.joinpath(*parts)


def private_path(root: Path, container_path: str) -> Path:
    """Where a path below `/opt/ml` lies here, `root` standing for `/opt/ml`.

    Raises:
        RunError: The path is not below `/opt/ml`, or climbs.
    """
    below = container_path.rstrip("/").removeprefix(CONTAINER_ROOT)
    if not container_path.startswith(CONTAINER_ROOT) or not below.startswith("/"):
        raise RunError(
            f"The path {container_path!r} is not below {CONTAINER_ROOT}/.",
            fix="use a LocalPath under /opt/ml/processing/",
        )
    return inside(root, below[1:])


def relocated(text: str, root: Path) -> str:
    """Text with a leading `/opt/ml` (or one after `=` or `file://`, as in `--out=/opt/ml/x`) replaced by the root."""
    return _CONTAINER_PATH.sub(lambda found: found.group(1) + str(root), text)


def relocated_everywhere(text: str, root: Path) -> str:
    """Text of a shell or a program with the root in place of each `/opt/ml` that begins a path."""
    return _ANYWHERE.sub(lambda _: str(root), text)


def as_in_container(text: str, root: Path) -> str:
    """Text in which the root is `/opt/ml` again: the root is gone when somebody reads it."""
    return text.replace(str(root), CONTAINER_ROOT)


def folder_name(name: str, otherwise: str) -> str:
    """The name itself where it is a plain name for a folder, else the other one."""
    return name if _FOLDER_NAME.fullmatch(name) else otherwise


def parse_path(text: str) -> tuple[str | int, ...]:
    """Take a property path or the JSONPath of a Std:JsonGet apart: `$.a.b['c'][0]` -> `("a", "b", "c", 0)`.

    Raises:
        RunError: It is no such path; wildcards, filters and slices are none.
    """
    rest = text.removeprefix("$")
    parts: list[str | int] = []
    position = 0
    while position < len(rest):
        found = _PART.match(rest, position)
        if found is None:
            raise RunError(
                f"The path {text!r} cannot be read at {rest[position:]!r}.",
                fix="write members with dots, ['x'] or [0], such as metrics.auc or $.groups[0]['a b']",
            )
        name, index, single, double = found.groups()
        parts.append(int(index) if index is not None else next(x for x in (name, single, double) if x is not None))
        position = found.end()
    return tuple(parts)


def look_up(document: object, path: str, where: str) -> Any:
    """The value at a path; items of a list are found by position, or by the name that they carry.

    Raises:
        RunError: Nothing is there; it names what is there instead.
    """
    value = document
    walked = ""
    for part in parse_path(path):
        known = _members(value)
        if part not in known:
            raise RunError(
                f"{where} has no {path!r}.",
                f"at {walked or 'the top'} there is: {_listed(value, known)}."
                + did_you_mean(str(part), map(str, known)),
                path=path,
            )
        value = known[part]
        walked += f"[{part}]" if isinstance(part, int) else f".{part}" if walked else part
    return value


def _members(value: object) -> dict[str | int, Any]:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        known: dict[str | int, Any] = dict(enumerate(value))
        for item in value:
            for member in _NAMING_MEMBERS if isinstance(item, Mapping) else ():
                if isinstance(item.get(member), str):
                    known.setdefault(item[member], item)
        return known
    return {}


def _listed(value: object, known: Mapping[str | int, Any]) -> str:
    if not known:
        return f"{value!r}"[:80]
    names = [str(name) for name in known]
    return ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")
