from __future__ import annotations

from pathlib import Path

import pytest

from .chain import Chain


@pytest.fixture(scope="session")
def churn(tmp_path_factory: pytest.TempPathFactory) -> Chain:
    """The whole chain on the churn data, run once; tests only read it."""
    chain = Chain(tmp_path_factory.mktemp("churn"))
    chain.whole()
    return chain


@pytest.fixture
def chain(tmp_path: Path) -> Chain:
    return Chain(tmp_path)
