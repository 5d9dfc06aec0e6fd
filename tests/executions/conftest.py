from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path

import boto3
import pytest

from fluentpipe import Parameter, Pipeline
from fluentpipe.aws import Account
from fluentpipe.definition import Definition
from fluentpipe.executions import Execution, start

from .service import REGION, Frame, Server, Service, all_succeeded, serve

GOLDEN = Path(__file__).parent / "golden"
ROLE = "arn:aws:iam::111122223333:role/SageMakerRole"


@lru_cache(maxsize=1)
def churn() -> Definition:
    pipe = (
        Pipeline("churn")
        .load_data("s3://my-bucket/churn.csv", label="churn")
        .preprocess()
        .train_xgboost(
            max_depth=Parameter("depth", 6), booster=Parameter("booster", "gbtree", choices=("gbtree", "dart"))
        )
        .evaluate_performance()
        .require(min_auc=0.80)
        .register("churn-models")
    )
    return pipe.materialize(role=ROLE, bucket="my-bucket", region="us-east-1")


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """One server, and one account with its clients, for all tests: making a client takes most of a second."""
    served = serve(Service(churn(), []))
    yield next(served)
    next(served, None)


@pytest.fixture(scope="session")
def shared_account(server: Server) -> Iterator[Account]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in _settings(server).items():
            patch.setenv(name, value)
        made = Account(region=REGION, session=boto3.Session())
        for service in ("sagemaker", "logs"):
            made.client(service)
    yield made
    made.close()


def _settings(server: Server) -> dict[str, str]:
    """Credentials of nobody, one try, and the way to the server."""
    return {
        "AWS_ACCESS_KEY_ID": "nobody", "AWS_SECRET_ACCESS_KEY": "nothing", "AWS_MAX_ATTEMPTS": "1",
        "AWS_DEFAULT_REGION": REGION, "AWS_ENDPOINT_URL_SAGEMAKER": server.url,
        "AWS_ENDPOINT_URL_CLOUDWATCH_LOGS": server.url,
    }  # fmt: skip


@pytest.fixture(autouse=True)
def environment(server: Server, shared_account: Account, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """For commands, whose session has read the service's model already, and a home of its own."""
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", shared_account.session)
    for name, value in {**_settings(server), "FLUENTPIPE_HOME": str(tmp_path / "home")}.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def service(server: Server) -> Iterator[Service]:
    """The service, with the pipeline deployed; whatever does not fit its shapes fails the test."""
    definition = churn()
    frames = [
        Frame("Executing", {"data_loading": "Starting"}),
        Frame("Executing", {"data_loading": "Succeeded", "tabular_preprocessing": "Executing"}),
        Frame("Succeeded", dict(all_succeeded(definition))),
    ]
    server.service = found = Service(definition, frames, models=server.service.models, url=server.url)
    yield found
    assert not found.faults, "\n".join(found.faults)


@pytest.fixture
def account(service: Service, shared_account: Account) -> Account:
    return shared_account


@pytest.fixture
def begin(account: Account) -> Callable[..., Execution]:
    """Starts the pipeline."""
    return lambda **options: start(account, "churn", **options)


@pytest.fixture
def golden() -> Callable[[str, str], None]:
    """Compares text with a golden file; `UPDATE_GOLDEN=1 pytest -n0 tests/executions` writes the files anew."""

    def compare(name: str, text: str) -> None:
        file = GOLDEN / name
        if os.environ.get("UPDATE_GOLDEN"):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, "utf-8")
        assert file.is_file(), f"no golden file {name}; UPDATE_GOLDEN=1 pytest -n0 tests/executions writes it"
        assert text == file.read_text("utf-8"), f"{name} differs from what is said now"

    return compare
