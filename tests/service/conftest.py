from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer


@pytest.fixture(scope="session")
def endpoint() -> Iterator[str]:
    """The URL of moto's server, which plays the service over HTTP."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="session")
def client(endpoint: str) -> Iterator[Any]:
    session = boto3.Session("dummy", "dummy", region_name="us-east-1")
    sagemaker = session.client("sagemaker", endpoint_url=endpoint)
    yield sagemaker
    sagemaker.close()
