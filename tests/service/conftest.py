from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest


@pytest.fixture(scope="session")
def client(moto_server: str) -> Iterator[Any]:
    session = boto3.Session("dummy", "dummy", region_name="us-east-1")
    sagemaker = session.client("sagemaker", endpoint_url=moto_server)
    yield sagemaker
    sagemaker.close()
