"""For every test: no account of the caller's, and threads that wait without burning the cores."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

# Few examples while one works; .ci/run looks at more of them (--hypothesis-profile=thorough).
settings.register_profile("quick", max_examples=25, deadline=None)
settings.register_profile("thorough", max_examples=200, deadline=None)
settings.load_profile("quick")

os.environ["OMP_WAIT_POLICY"] = "passive"  # read by OpenMP when XGBoost is first loaded
for name in [name for name in os.environ if name.startswith("AWS_")]:
    del os.environ[name]
# Nor of the machine's: no file with credentials, no service that gives them.
os.environ |= dict.fromkeys(("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"), os.devnull)
os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
os.environ.pop("FLUENTPIPE_HOME", None)


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Half as many again as cores: the tests wait for processes, servers and time-outs, too."""
    cores = os.cpu_count() or 1
    return cores + cores // 2


@pytest.fixture(scope="session")
def moto_server() -> Iterator[str]:
    """The URL of moto's server, which plays AWS over HTTP.

    All that is in its accounts is in the process, whatever the server: tests that would find each other's things there
    reset it, and are of a group of xdist of their own.
    """
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def registry() -> Iterator[None]:
    """Step classes and kinds declared by the test are gone after it."""
    from fluentpipe import kinds, step
    from fluentpipe_project import ProjectVerbs

    tables = [step._by_type, step._by_verb, kinds._known]
    before = [dict(table) for table in tables]
    verbs = set(vars(ProjectVerbs))
    yield
    for table, was in zip(tables, before, strict=True):
        table.clear()
        table.update(was)
    for name in set(vars(ProjectVerbs)) - verbs:
        delattr(ProjectVerbs, name)
