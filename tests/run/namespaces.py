"""Tests that need user namespaces: where the system has none they are skipped, but not by the project's own check.

`.ci/run` sets FLUENTPIPE_CHECK, and there these tests run and fail, unless FLUENTPIPE_NO_NAMESPACES says outright that
the system cannot.
"""

from __future__ import annotations

import os

import pytest

from fluentpipe.errors import RunError
from fluentpipe.run.isolation import Isolation


def _can() -> bool:
    try:
        Isolation.of(paths=True, network=False)
    except RunError:
        return False
    return True


_CAN = _can()
_MUST = bool(os.environ.get("FLUENTPIPE_CHECK")) and not os.environ.get("FLUENTPIPE_NO_NAMESPACES")
needs_namespaces = pytest.mark.skipif(not (_CAN or _MUST), reason="this system lets users make no namespaces")
