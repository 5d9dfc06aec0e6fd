"""The definition: the same bytes everywhere, and sound for whatever chain the resolver accepts."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from fluentpipe import Parameter, Pipeline, RawData, TrainingData
from fluentpipe.definition import Definition
from fluentpipe.errors import DefinitionError, FluentpipeError, SettingError, SourceError
from fluentpipe.target import local_files, refuse_placeholders, source_archive

from .own import declare, yields

ROLE = "arn:aws:iam::111122223333:role/SageMakerRole"
HERE = {"role": ROLE, "bucket": "my-bucket", "region": "us-east-1"}


def design_chain() -> Pipeline[Any]:
    """The design's chain, as it stands there."""
    return (
        Pipeline("churn")
        .load_data("s3://my-bucket/churn.csv", label="churn", validation_split=0.2)
        .preprocess()
        .train_xgboost(max_depth=8, n_estimators=200)
        .evaluate_performance()
        .require(min_auc=0.80, max_training_time="4 hours")
        .register("churn-models")
    )


def named(document: Any) -> dict[str, Any]:
    """Every step of a definition, also those under conditions, by name."""
    found: dict[str, Any] = {}
    waiting = list(document["Steps"])
    while waiting:
        step = waiting.pop(0)
        found[step["Name"]] = step
        for branch in ("IfSteps", "ElseSteps"):
            waiting += step.get("Arguments", {}).get(branch, [])
    return found


def nested(value: Any) -> Iterator[Any]:
    """A JSON value and all inside it."""
    yield value
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from nested(each)


def masked(definition: Definition, parts: Any) -> str:
    """Parts of a definition as JSON; hashes of our own programs change with every edit of them, what matters is where they stand."""
    text = json.dumps(parts, indent=2) + "\n"
    for number, asset in enumerate((each for each in definition.assets if each.sha256 in text), start=1):
        text = text.replace(asset.sha256, f"<sha256 of asset {number}>")
    return text


def test_the_definition_of_the_design(golden: Callable[[str, str], None]) -> None:
    # Hashes of our own programs change with every edit of them; what matters is where they stand.
    definition = design_chain().materialize(**HERE)
    text = json.dumps(definition.document, indent=2) + "\n"
    for number, asset in enumerate(sorted(definition.assets, key=lambda each: text.index(each.sha256)), start=1):
        text = text.replace(asset.sha256, f"<sha256 of asset {number}>")
    golden("churn.json", text)


_BYTES = """
import socket, sys
def blocked(*args, **kwargs): raise AssertionError("a socket was opened")
socket.socket.connect = socket.create_connection = socket.getaddrinfo = blocked
from core.test_materialize import design_chain, HERE
sys.stdout.write(design_chain().materialize(**HERE).to_json())
assert not {"boto3", "sagemaker"} & set(sys.modules)
"""


def test_the_bytes_are_the_same_in_every_process_without_network_or_account(tmp_path: Path) -> None:
    expected = design_chain().materialize(**HERE).to_json()
    assert design_chain().materialize(**HERE).to_json() == expected
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "PYTEST", "SAGEMAKER"))}
    tests, root = Path(__file__).parent.parent, Path(__file__).parent.parent.parent
    seed = "4711" if os.environ.get("PYTHONHASHSEED") != "4711" else "0"
    done = subprocess.run(
        [sys.executable, "-c", _BYTES],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**clean, "HOME": str(tmp_path), "PYTHONHASHSEED": seed, "PYTHONPATH": f"{tests}{os.pathsep}{root}"},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == expected


@pytest.mark.parametrize("environment", [None, {}])
def test_what_was_not_set_is_absent(churn: Any, environment: Any) -> None:
    pipe = churn.train_xgboost(name="second", environment=environment).require(min_auc=0.5)
    steps = named(pipe.materialize().document)
    assert "Environment" not in steps["second"]["Arguments"]
    assert "IfSteps" not in steps["quality_gate"]["Arguments"]


def test_what_the_requirement_says_is_in_the_definition() -> None:
    steps = named(design_chain().materialize(**HERE).document)
    assert steps["xgboost_training"]["Arguments"]["StoppingCondition"] == {"MaxRuntimeInSeconds": 14400}
    assert "auc >= 0.8" in steps["quality_gate_failed"]["Arguments"]["ErrorMessage"]


class TestTimeLimits:
    def limit(self, pipe: Any, step: str = "xgboost_training") -> int:
        return int(named(pipe.materialize().document)[step]["Arguments"]["StoppingCondition"]["MaxRuntimeInSeconds"])

    def trained(self, **values: Any) -> Any:
        return Pipeline("a").load_data("s3://bucket/x", label="y").preprocess().train_xgboost(**values)

    def test_the_shorter_limit_holds(self) -> None:
        assert self.limit(self.trained(max_runtime=60).require(max_training_time="1h")) == 60
        assert self.limit(self.trained(max_runtime=7200).require(max_training_time="1h")) == 3600
        for one, two in (("2h", "1h"), ("1h", "2h")):
            twice = self.trained().require(max_training_time=one).require(max_training_time=two, name="second")
            assert self.limit(twice) == 3600

    def test_only_the_trainings_behind_the_report_are_limited(self) -> None:
        pipe = self.trained().evaluate_performance().train_xgboost(name="other")
        gated = pipe.require(min_auc=0.5, max_training_time="1h")
        assert self.limit(gated) == 3600
        assert self.limit(gated, "other") == 86400

    def test_a_limit_alone_makes_no_step(self) -> None:
        assert (
            list(named(self.trained().require(max_training_time="1h").materialize().document))[-1] == "xgboost_training"
        )

    def test_a_limit_decided_by_the_run_is_said_to_be_in_the_way(self) -> None:
        with pytest.raises(SettingError, match="cannot limit 'xgboost_training', whose max_runtime is <reference"):
            self.trained(max_runtime=Parameter("t", 60)).require(max_training_time="1h").materialize()


class TestParameters:
    def test_those_used_are_declared_with_type_default_and_choices(self) -> None:
        word = Parameter("method", "hist", choices=("hist", "approx"))
        pipe = (
            Pipeline("a")
            .load_data("s3://bucket/x", label="y")
            .preprocess()
            .train_xgboost(max_depth=Parameter("depth", type=int), tree_method=word)
        )
        assert pipe.materialize().document["Parameters"] == [
            {"Name": "data", "Type": "String", "DefaultValue": "s3://bucket/x"},
            {"Name": "depth", "Type": "Integer"},
            {"Name": "method", "Type": "String", "DefaultValue": "hist", "EnumValues": ["hist", "approx"]},
        ]

    def test_two_of_one_name_that_differ_are_an_error(self) -> None:
        pipe = Pipeline("a").load_data("s3://bucket/x", label="y").preprocess(seed=Parameter("seed", 1))
        with pytest.raises(DefinitionError, match=r"'seed' is declared twice, differently.\n.*default 1, once with 2"):
            pipe.train_xgboost(seed=Parameter("seed", 2)).materialize()


class TestLocalSources:
    def test_a_local_file_becomes_an_asset_under_its_content_hash(self, tmp_path: Path) -> None:
        rows = tmp_path / "rows.csv"
        rows.write_text("a,y\n1,2\n")
        pipe = Pipeline("a").load_data(rows, label="y")
        definition = pipe.materialize(**HERE)
        default = definition.document["Parameters"][0]["DefaultValue"]
        asset = next(each for each in definition.assets if "rows.csv" in each.files)
        assert default == f"{asset.uri}/rows.csv" == f"s3://my-bucket/a/data/{asset.sha256}/rows.csv"
        assert pipe.materialize(**HERE).to_json() == definition.to_json()
        rows.write_text("a,y\n1,3\n")
        assert pipe.materialize(**HERE).document["Parameters"][0]["DefaultValue"] != default

    def test_a_local_default_of_a_parameter_does_too(self, tmp_path: Path) -> None:
        (tmp_path / "rows.csv").write_text("a,y\n1,2\n")
        pipe = Pipeline("a").load_data(Parameter("rows", str(tmp_path / "rows.csv")), label="y")
        assert pipe.materialize(**HERE).document["Parameters"][0]["DefaultValue"].startswith("s3://my-bucket/a/data/")

    def test_a_local_folder_is_uploaded_whole_without_hidden_files(self, tmp_path: Path) -> None:
        for name in ("a.csv", "b/c.csv", ".hidden", "b/.git/x", "__pycache__/x.pyc"):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text("x,y\n1,2\n")
        assert list(local_files(tmp_path)) == ["a.csv", "b/c.csv"]

    def test_an_input_may_be_local_too(self, tmp_path: Path) -> None:
        (tmp_path / "rows.csv").write_text("a,y\n1,2\n")
        pipe = Pipeline("a").provide(TrainingData, tmp_path).train_xgboost()
        channel = named(pipe.materialize(**HERE).document)["xgboost_training"]["Arguments"]["InputDataConfig"][0]
        assert channel["DataSource"]["S3DataSource"]["S3Uri"].startswith("s3://my-bucket/a/data/")

    def test_what_is_not_there_is_said_with_the_nearest_name(self, tmp_path: Path) -> None:
        (tmp_path / "churn.csv").write_text("a\n1\n")
        with pytest.raises(SourceError, match=r"no file or folder .*churn\.cvs.*Did you mean 'churn.csv'"):
            Pipeline("a").load_data(tmp_path / "churn.cvs", label="y")
        (tmp_path / "empty").mkdir()
        with pytest.raises(SourceError, match="has no files"):
            local_files(tmp_path / "empty")


def test_the_archive_of_a_program_is_the_same_whatever_its_dates(tmp_path: Path) -> None:
    file = tmp_path / "train.py"
    file.write_text("1")
    first = source_archive({"train.py": file})
    os.utime(file, (1, 1))
    assert source_archive({"train.py": file}) == first


@pytest.mark.parametrize(
    ("place", "error"),
    [
        ({"role": "me"}, "is no role ARN"),
        ({"bucket": "My_Bucket"}, "no usable S3 URI"),
        ({"region": "us-east1"}, "Did you mean 'us-east-1'"),
    ],
)
def test_a_place_that_cannot_be_is_refused(place: Any, error: str) -> None:
    with pytest.raises(ValueError, match=error):
        design_chain().materialize(**{**HERE, **place})


def test_a_definition_with_placeholders_is_not_for_deploying() -> None:
    with pytest.raises(DefinitionError, match="without role and bucket"):
        refuse_placeholders(design_chain().materialize().to_json())
    refuse_placeholders(design_chain().materialize(**HERE).to_json())


@pytest.mark.usefixtures("registry")
def test_the_quotas_are_checked_and_can_be_lifted() -> None:
    declare("Own", "own", (), (yields("rows", RawData),))
    pipe: Any = Pipeline("a")
    for i in range(51):
        pipe = pipe.own(name=f"own{i}")
    with pytest.raises(DefinitionError, match="51 steps are more than the quota of 50"):
        pipe.materialize()
    assert pipe.materialize(max_steps=None).check(max_steps=None) == ()
    with pytest.raises(DefinitionError, match="too-large"):
        pipe.materialize(max_steps=None, max_characters=1000)


@pytest.mark.usefixtures("registry")
def test_a_token_in_a_place_that_takes_no_reference_is_an_error(churn: Any) -> None:
    model = churn.outputs.xgboost_training.model_artifacts
    with pytest.raises(DefinitionError, match="mangled-token"):
        churn.register("g", inference_instance_types=["ml.m5.large"], name="r").preprocess(
            name="p", environment={f"{model}": "x"}
        ).materialize()


# ---- laws: for any chain that the resolver accepts -------------------------------------------------------------------

VERBS = st.sampled_from(["preprocess", "train", "evaluate", "gate", "limit", "register", "branch"])


def grown(moves: list[tuple[str, int]]) -> Any:
    """A chain of verbs in any order; those that do not fit are left out."""
    pipe: Any = Pipeline("a").load_data("s3://bucket/x", label="y")
    add: dict[str, Callable[[Any, str, int], Any]] = {
        "preprocess": lambda p, name, n: p.preprocess(name=name, seed=n, min_frequency=Parameter("rare", 0.1)),
        "train": lambda p, name, n: p.train_xgboost(
            name=name, max_depth=n, environment={"A": f"{Parameter('word', 'w')}-{n}"}
        ),
        "evaluate": lambda p, name, n: p.evaluate_performance(name=name),
        "gate": lambda p, name, n: p.require(name=name, min_auc=0.5, max_rmse=Parameter("rmse", 0.5)),
        "limit": lambda p, name, n: p.require(name=name, max_training_time=3600 + n),
        "register": lambda p, name, n: p.register("group", name=name),
        "branch": lambda p, name, n: p.merge(p.preprocess(name=name)),
    }
    for position, (move, number) in enumerate(moves):
        with contextlib.suppress(FluentpipeError):
            pipe = add[move](pipe, f"{move}{position}", number)
    return pipe


@given(st.lists(st.tuples(VERBS, st.integers(0, 9)), max_size=9))
def test_any_chain_that_fits_makes_a_sound_definition(moves: list[tuple[str, int]]) -> None:
    pipe = grown(moves)
    definition = pipe.materialize(**HERE)
    assert definition.check() == ()
    assert definition.to_json() == grown(moves).materialize(**HERE).to_json()
    steps = named(definition.document)
    order = list(_written(definition.document["Steps"]))
    places = {name: index for index, name in enumerate(order)}
    declared = {each["Name"] for each in definition.document["Parameters"]}
    for name, step in steps.items():
        own = {key: value for key, value in step["Arguments"].items() if key not in {"IfSteps", "ElseSteps"}}
        assert all(each is not None and each not in ({}, []) for each in nested(own))
        for each in nested(own):
            target = each.get("Get") if isinstance(each, dict) and len(each) == 1 else None
            if isinstance(target, str) and target.startswith("Steps."):
                assert places[target.split(".")[1]] < places[name]
            elif isinstance(target, str) and target.startswith("Parameters."):
                assert target.split(".")[1] in declared
    for binding in pipe.explain():
        source = getattr(binding.source, "step", None)
        if source and binding.step in places:
            assert places[source] < places[binding.step]


def _written(steps: list[Any]) -> Iterator[str]:
    """Names in the order in which the definition has them."""
    for step in steps:
        yield step["Name"]
        for branch in ("IfSteps", "ElseSteps"):
            yield from _written(step.get("Arguments", {}).get(branch, []))


def test_gates_inside_gates_are_refused_before_they_are_too_many(churn: Any) -> None:
    pipe = churn
    for number in range(400):
        pipe = pipe.require(min_auc=0.5, name=f"gate{number}")
        if number in (10, 399):
            with contextlib.nullcontext() if number == 10 else pytest.raises(DefinitionError, match="nested-too-deep"):
                pipe.materialize(max_steps=None)
