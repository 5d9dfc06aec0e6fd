"""A pipeline against a file, a bundle, another pipeline, and what is deployed; from Python and from the command line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from click.testing import CliRunner, Result

from fluentpipe import Pipeline, against
from fluentpipe.cli import main
from fluentpipe.definition import Definition
from fluentpipe.errors import NoSuchPipeline, SourceError

from .definitions import ROLE

PLACES = {"role": ROLE, "bucket": "my-bucket", "region": "eu-west-1"}
SCRIPT = """
from fluentpipe import Pipeline

def chain(depth):
    loaded = Pipeline("churn").load_data("s3://my-bucket/churn.csv", label="churn")
    return loaded.preprocess().train_xgboost(max_depth=depth).evaluate_performance()

pipe, other = chain(8), chain(6)
"""


def chain(depth: int) -> Pipeline[Any]:
    loaded = Pipeline("churn").load_data("s3://my-bucket/churn.csv", label="churn")
    return loaded.preprocess().train_xgboost(max_depth=depth).evaluate_performance()


def told(found: Any) -> list[str]:
    return [str(each) for each in found]


DEEPER = ["xgboost_training: max_depth: 6 → 8"]


def test_a_pipeline_against_another_one() -> None:
    assert told(chain(8).diff(chain(6))) == DEEPER
    assert not chain(8).diff(chain(8))


def test_role_bucket_and_region_of_the_other_side_are_taken(tmp_path: Path) -> None:
    definition = chain(6).materialize(**PLACES)
    assert told(chain(8).diff(definition)) == DEEPER
    bundle = definition.write(tmp_path / "bundle")
    assert told(chain(8).diff(bundle)) == DEEPER
    assert told(chain(8).diff(str(bundle / "definition.json"))) == DEEPER
    assert told(chain(8).diff(definition.to_json())) == DEEPER


def test_places_that_are_given_are_compared() -> None:
    found = chain(6).diff(chain(6).materialize(**PLACES), region="us-east-1")
    assert {(each.kind, each.place) for each in found} == {("image", "ImageUri"), ("image", "TrainingImage")}


def test_the_places_of_a_definition_are_read_from_it() -> None:
    assert against.places_in(chain(6).materialize(**PLACES)) == PLACES
    assert against.places_in(Definition("a", {"Version": "2020-12-01", "Steps": []}, diagnostics=())) == {}


def test_a_file_that_is_not_there_is_said_so() -> None:
    with pytest.raises(SourceError, match=r"no definition or bundle 'nothing\.json'"):
        chain(6).diff("nothing.json")


@pytest.fixture
def account(moto_server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """An account on moto's server, empty in this region, to which the environment leads."""
    for name, value in {
        "AWS_ENDPOINT_URL": moto_server,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "eu-west-1",
    }.items():
        monkeypatch.setenv(name, value)
    client = boto3.client("sagemaker")
    yield client
    client.close()


@pytest.mark.xdist_group("moto")
def test_what_is_deployed_is_the_other_side_by_default(account: Any, tmp_path: Path) -> None:
    with pytest.raises(NoSuchPipeline, match=r"no pipeline 'churn' in .* to compare with"):
        chain(8).diff()
    text = chain(6).materialize(**PLACES).to_json()
    account.create_pipeline(
        PipelineName="churn",
        PipelineDefinition=text,
        RoleArn=ROLE,
        ClientRequestToken="one-token-of-at-least-32-characters",
    )
    assert told(chain(8).diff()) == DEEPER
    assert not chain(6).diff()
    script = tmp_path / "train.py"
    script.write_text(SCRIPT)
    assert "max_depth: 6 → 8" in asked(f"{script}:pipe", status=1).output
    assert "mean the same" in asked(f"{script}:other", status=0).output
    bundle = chain(6).materialize(**PLACES).write(tmp_path / "bundle")
    assert "mean the same" in asked(str(bundle), status=0).output


def asked(*words: str, status: int) -> Result:
    done = CliRunner().invoke(main, ["diff", *words])
    assert done.exit_code == status, done.output
    return done


def test_the_exit_status_is_that_of_diff(tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(SCRIPT)
    bundle = str(chain(6).materialize(**PLACES).write(tmp_path / "bundle"))
    asked(bundle, f"{script}:other", status=0)
    asked(f"{script}:other", bundle, status=0)
    different = asked(f"{script}:other", f"{script}:pipe", status=1)
    assert different.output == "churn → churn: 1 difference\n  xgboost_training\n    max_depth: 6 → 8\n"
    asked(bundle, f"{script}:nothing", status=2)
    asked(bundle, str(tmp_path / "nothing.json"), status=2)
    faulty = tmp_path / "faulty.py"
    faulty.write_text("1 / 0")
    asked(bundle, f"{faulty}:pipe", status=2)


def test_it_can_be_had_as_data(tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(SCRIPT)
    found = json.loads(asked(f"{script}:other", f"{script}:pipe", "--json", status=1).output)
    assert [(each["place"], each["old"], each["new"]) for each in found["changes"]] == [("max_depth", "6", "8")]


def test_a_terminal_gets_colours_and_a_pipe_does_not(tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(SCRIPT)
    words = ["diff", f"{script}:other", f"{script}:pipe"]
    assert "\x1b[" not in CliRunner().invoke(main, words).output
    assert (
        "\x1b[33m    max_depth: 6 → 8\x1b[0m"
        in CliRunner(env={"FORCE_COLOR": "1", "TERM": "xterm"}).invoke(main, words).output
    )
