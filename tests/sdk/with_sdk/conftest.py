"""Tests that need the SageMaker SDK, version 2 or 3; check_fixtures.sh runs them in an environment of each.

    python -m pytest -n 2 -o python_files='check_*.py' -o filterwarnings=ignore tests/sdk/with_sdk

The SDK warns of itself, so warnings are no errors here. Where there is no SDK these files are not collected.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import logging
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

MAJOR = ""  # pytest reads this file in the project's own environment, too
with contextlib.suppress(importlib.metadata.PackageNotFoundError):
    MAJOR = importlib.metadata.version("sagemaker").partition(".")[0]
if MAJOR:
    sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2])]
    os.environ |= {"AWS_DEFAULT_REGION": "us-east-1", "SAGEMAKER_SUPPRESS_V2_WARNING": "1"}
    logging.disable(logging.WARNING)  # the SDK's, of what it leaves out of every request


@pytest.fixture(scope="session")
def major() -> str:
    """Of the SDK, `2` or `3`."""
    return MAJOR


@pytest.fixture(scope="session")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What stands for the bucket of the pipelines that were written by hand."""
    return tmp_path_factory.mktemp("by-hand")


@pytest.fixture(scope="session")
def by_hand(bucket: Path) -> ModuleType:
    """The module with the pipeline that a user of this SDK wrote by hand; one session for all, as it takes a second."""
    os.environ["SAGEMAKER_VALIDATE_ROLE"] = "false"
    found = __import__(f"runnable_v{MAJOR}")
    session = found.PipelineSession(found.offline.session(bucket), sagemaker_config={}, default_bucket="my-bucket")
    found.PipelineSession = lambda *_, **__: session
    return found


@pytest.fixture(autouse=True)
def telemetry(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the SDK would have told its makers; nothing may."""
    if MAJOR == "2":
        import sagemaker.telemetry.telemetry_logging as module
    else:
        import sagemaker.core.telemetry.telemetry_logging as module
    sent: list[Any] = []
    monkeypatch.setattr(module, "_send_telemetry_request", lambda *given, **_: sent.append(given))
    return sent


@pytest.fixture(scope="session")
def session(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A session that reaches nothing; one for all, since the SDK takes a second to make its clients."""
    from fluentpipe.sdk import offline_session

    return offline_session(tmp_path_factory.mktemp("bucket"), bucket="my-bucket")
