"""To and from the SageMaker Python SDK, versions 2 and 3; the only importer of `sagemaker`, and only when it is used."""

from __future__ import annotations

import sys

from fluentpipe.sdk.installed import Sdk, installed
from fluentpipe.sdk.inward import Member, Takes, Yields, members, wrapped
from fluentpipe.sdk.native import accept_references
from fluentpipe.sdk.outward import DEFAULTED, Defaulted, differences, sdk_pipeline
from fluentpipe.sdk.sessions import offline_session
from fluentpipe.sdk.wrapped import SdkStep

__all__ = [
    "DEFAULTED", "Defaulted", "Member", "Sdk", "SdkStep", "Takes", "Yields", "accept_references", "differences", "installed",
    "members", "offline_session", "sdk_pipeline", "wrapped",
]  # fmt: skip

if "sagemaker" in sys.modules:
    accept_references(installed())
