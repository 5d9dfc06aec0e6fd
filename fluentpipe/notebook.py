"""Completion in notebooks: what IPython has to be told to look at our objects."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable


def let_ipython_look(classes: Iterable[type]) -> None:
    """Let IPython's own completer (the one without jedi) read attributes of these classes.

    It refuses objects with a `__getattr__` of their own, since that may run anything. Ours only words the error. Nothing
    happens outside of IPython, or where its list of trusted classes has moved.
    """
    if "IPython.core.interactiveshell" not in sys.modules:
        return
    try:
        evaluation = importlib.import_module("IPython.core.guarded_eval")
    except ImportError:  # an IPython older than 8.6, which has no such list
        return
    policy = getattr(evaluation, "EVALUATION_POLICIES", {}).get("limited")
    trusted = getattr(policy, "allowed_getattr", None)
    if isinstance(trusted, set):
        trusted.update(classes)
