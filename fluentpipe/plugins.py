"""Plugins: step classes that installed packages bring, by entry points of the group `fluentpipe.steps`.

An entry point names a module; importing it declares its step classes.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.metadata import Distribution

GROUP = "fluentpipe.steps"


def load_plugins() -> tuple[str, ...]:
    """Import what the installed packages name as their steps; gives the names of the modules.

    A plugin that cannot be imported, or whose steps cannot be declared, is a warning that names the distribution: whatever
    does not use it works. Of two that clash, the one whose module comes first in the alphabet stays.
    """
    if not _any_declared():
        return ()
    from importlib.metadata import entry_points

    loaded = []
    for each in sorted(entry_points(group=GROUP), key=lambda each: (each.value, each.name)):
        try:
            each.load()
        except Exception as error:  # noqa: BLE001, PERF203  whatever a foreign module raises; there are few
            warnings.warn(
                f"the steps of plugin {each.name!r} ({each.value}){_from(each.dist)} cannot be loaded: "
                f"{type(error).__name__}: {error}",
                RuntimeWarning,
                stacklevel=2,
            )
        else:
            loaded.append(each.module)
    return tuple(loaded)


def _from(distribution: Distribution | None) -> str:
    return f" of {distribution.name} {distribution.version}" if distribution is not None else ""


def _any_declared() -> bool:
    """Whether a package declares the group at all; told from the files, since `importlib.metadata` costs 40 ms."""
    for place in dict.fromkeys(sys.path):
        for pattern in ("*.dist-info/entry_points.txt", "*.egg-info/entry_points.txt"):
            if any(f"[{GROUP}]" in file.read_text("utf-8", "replace") for file in Path(place).glob(pattern)):
                return True
    return False
