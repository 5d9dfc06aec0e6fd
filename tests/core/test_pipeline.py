"""`Pipeline`: frozen, branching, merging; names, outputs and messages."""

from __future__ import annotations

import copy
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given, strategies as st
from typing_extensions import Self

from fluentpipe import Kind, ModelArtifacts, Parameter, Pipeline, PropertyReference, RawData, TrainingData
from fluentpipe._verbs import TabularPreprocessingOutputs, XGBoostTrainingOutputs
from fluentpipe.chain import Chain
from fluentpipe.errors import DuplicateName, SettingError, UnknownOutput, UnwiredInput
from fluentpipe.proxy import StepOutputProxy

from .own import declare, yields


def loaded() -> Any:
    return Pipeline("churn").load_data("s3://my-bucket/churn.csv", label="churn")


def names(pipe: Any) -> list[str]:
    return [step.name for step in pipe.steps]


@pytest.mark.parametrize("name", ["", "-a", "a--", "a b", "a_b", "x" * 83, 5, None, "a.b", "ä"])
def test_a_name_that_the_service_would_refuse_is_refused(name: Any) -> None:
    with pytest.raises(SettingError, match="a pipeline cannot be named"):
        Pipeline(name)


def test_a_pipeline_is_frozen(churn: Any) -> None:
    for change in (lambda: setattr(churn, "name", "x"), lambda: delattr(churn, "name"), lambda: setattr(churn, "y", 1)):
        with pytest.raises(AttributeError, match="frozen; a verb gives a new one"):
            change()
    with pytest.raises(AttributeError, match="frozen"):
        churn.steps[0].name = "x"


class TestVerbs:
    def test_an_unknown_verb_suggests_the_right_one(self) -> None:
        with pytest.raises(AttributeError, match=r"no verb 'preproces'. Did you mean 'preprocess'"):
            loaded().preproces()
        assert not hasattr(loaded(), "preproces")
        assert not hasattr(loaded(), "_private")

    def test_settings_are_given_by_name(self) -> None:
        with pytest.raises(SettingError, match="train_xgboost takes nothing by position, but 1 values were given"):
            loaded().preprocess().train_xgboost(8)
        with pytest.raises(SettingError, match="takes source by position, but 2 values were given"):
            Pipeline("a").load_data("s3://bucket/x", "churn")
        with pytest.raises(SettingError, match=r"name the settings: load_data\(…, label=…\)"):
            Pipeline("a").load_data("s3://bucket/x", "churn")
        with pytest.raises(SettingError, match="was given 'source' twice"):
            Pipeline("a").load_data("s3://bucket/x", source="s3://bucket/x")
        assert Pipeline("a").load_data(source="s3://bucket/x", label="y").steps == (
            Pipeline("a").load_data("s3://bucket/x", label="y").steps
        )

    def test_the_verb_with_defaults_takes_no_settings(self) -> None:
        assert names(loaded().preprocess_with_defaults(name="prep")) == ["data_loading", "prep"]
        with pytest.raises(SettingError, match=r"takes no settings, but was given seed\.\n.*\.preprocess\(seed=3\)"):
            loaded().preprocess_with_defaults(seed=3)

    def test_a_second_use_of_a_verb_needs_a_name(self) -> None:
        pipe = loaded().preprocess()
        with pytest.raises(DuplicateName) as caught:
            pipe.preprocess()
        assert caught.value.fix == ".preprocess(…, name='tabular_preprocessing_2')"
        assert names(pipe.preprocess(name="tabular_preprocessing_2"))[-1] == "tabular_preprocessing_2"

    def test_live_completion_sees_that_a_verb_gives_what_it_was_called_on(self) -> None:
        assert Pipeline.train_xgboost.__annotations__["return"] is Self
        assert "max_depth" in (Pipeline.train_xgboost.__doc__ or "")


class TestOutputs:
    def test_what_there_is_can_be_listed(self, churn: Any) -> None:
        listed = churn.outputs.list_outputs()
        assert list(listed) == names(churn) == list(churn.outputs)
        assert listed["xgboost_training"] == ("model_artifacts", "training_job_name")
        assert dir(churn.outputs) == sorted([*names(churn), "get", "list_outputs"])
        assert dir(churn.outputs.xgboost_training) == sorted(
            ["list_outputs", "model_artifacts", "properties", "step_name", "training_job_name"]
        )
        assert len(churn.outputs) == 4

    def test_outputs_are_reached_by_attribute_and_by_name(self, churn: Any) -> None:
        model = churn.outputs.xgboost_training.model_artifacts
        assert churn.outputs.get("xgboost_training", "model_artifacts") is model
        assert isinstance(model, PropertyReference)
        assert model.path == "ModelArtifacts.S3ModelArtifacts"

    @pytest.mark.parametrize(
        ("step", "output", "message"),
        [
            ("xgboost_trainin", "model_artifacts", "no step 'xgboost_trainin'. Did you mean 'xgboost_training'"),
            ("xgboost_training", "model_artifact", "no output 'model_artifact'. Did you mean 'model_artifacts'"),
            ("xgboost_training", "properties", "no output 'properties'"),
            ("xgboost_training", "list_outputs", "no output 'list_outputs'"),
            ("xgboost_training", "_x", "no output '_x'"),
            ("get", "model_artifacts", "no step 'get'"),
            ("list_outputs", "x", "no step 'list_outputs'"),
        ],
    )
    def test_a_typo_says_what_there_is(self, churn: Any, step: str, output: str, message: str) -> None:
        with pytest.raises(UnknownOutput, match=message):
            churn.outputs.get(step, output)

    def test_hasattr_is_honest(self, churn: Any) -> None:
        assert hasattr(churn.outputs, "xgboost_training")
        assert not hasattr(churn.outputs, "xgboost_trainin")
        assert not hasattr(churn.outputs.xgboost_training, "model_artifact")
        assert not hasattr(churn.outputs.xgboost_training.properties, "ModelArtifact")
        for name in ("_x", "__x", "_repr_png_"):
            assert not hasattr(churn.outputs.xgboost_training, name)

    def test_deep_paths_are_walked_through_the_api_model(self, churn: Any) -> None:
        properties = churn.outputs.xgboost_training.properties
        assert properties.ModelArtifacts.S3ModelArtifacts.path == "ModelArtifacts.S3ModelArtifacts"
        assert properties.BillableTimeInSeconds.value_type == "int"
        assert properties.FinalMetricDataList[0].Value.to_request() == {
            "Get": "Steps.xgboost_training.FinalMetricDataList[0].Value"
        }
        with pytest.raises(AttributeError, match="Did you mean 'ModelArtifacts'"):
            _ = properties.ModelArtifact.S3ModelArtifacts
        assert "ModelArtifacts" in dir(properties)

    def test_list_keys_are_checked_against_the_declared_outputs(self, churn: Any) -> None:
        outputs = churn.outputs.tabular_preprocessing.properties.ProcessingOutputConfig.Outputs
        assert outputs["train_data"].S3Output.S3Uri.path == churn.outputs.tabular_preprocessing.train_data.path
        with pytest.raises(AttributeError, match=r"declares no 'trian_data'.*Did you mean 'train_data'"):
            _ = outputs["trian_data"]
        with pytest.raises(TypeError, match=r"no iteration.\n.*\['train'\] by its name, \[0\] by its position"):
            list(outputs)

    def test_proxies_cannot_be_changed(self, churn: Any) -> None:
        for thing in (churn.outputs, churn.outputs.xgboost_training, churn.outputs.xgboost_training.properties):
            with pytest.raises(AttributeError, match="cannot be set"):
                thing.x = 1

    def test_a_renamed_step_has_a_typed_proxy_by_name(self) -> None:
        pipe = loaded().preprocess(name="prep")
        proxy = pipe.step("prep", TabularPreprocessingOutputs)
        assert isinstance(proxy, TabularPreprocessingOutputs)
        assert proxy.train_data is pipe.outputs.prep.train_data
        with pytest.raises(SettingError, match="step 'prep' is a TabularPreprocessing; its outputs are no XGBoost"):
            pipe.step("prep", XGBoostTrainingOutputs)
        with pytest.raises(UnknownOutput, match="Did you mean 'prep'"):
            pipe.step("pre", StepOutputProxy)

    def test_steps_with_hyphens_are_reached_by_name(self) -> None:
        pipe = loaded().preprocess(name="my-prep")
        assert pipe.outputs.get("my-prep", "train_data").step == "my-prep"
        assert "my-prep" not in dir(pipe.outputs)

    @pytest.mark.usefixtures("registry")
    def test_many_steps_have_outputs_too(self) -> None:
        declare("Own", "own", (), (yields("raw_data", RawData),))
        pipe = loaded()
        for i in range(250):
            pipe = pipe.own(name=f"own{i}")
        assert pipe.outputs.own249.raw_data.step == "own249"
        assert pipe.outputs.get("own3", "raw_data").step == "own3"
        assert "own3" in dir(pipe.outputs)


class TestMerge:
    def test_shared_steps_are_there_once_and_order_holds(self) -> None:
        base = loaded().preprocess()
        merged = base.train_xgboost(name="a").merge(base.train_xgboost(name="b"))
        assert names(merged) == ["data_loading", "tabular_preprocessing", "a", "b"]
        assert merged.materialize().check() == ()

    def test_a_pipeline_merged_with_its_own_beginning_or_itself_is_the_same(self) -> None:
        base = loaded()
        longer = base.preprocess()
        for merged in (base.merge(longer), longer.merge(base), longer.merge(longer)):
            assert names(merged) == names(longer)

    def test_equal_steps_built_apart_are_shared(self) -> None:
        one = loaded().preprocess().train_xgboost(name="a")
        two = loaded().preprocess().train_xgboost(name="b", max_depth=3)
        assert names(one.merge(two)) == ["data_loading", "tabular_preprocessing", "a", "b"]

    def test_different_steps_of_one_name_clash(self) -> None:
        base = loaded()
        with pytest.raises(DuplicateName, match="both pipelines have a step 'tabular_preprocessing'") as caught:
            base.preprocess().merge(base.preprocess(seed=3))
        assert "name='tabular_preprocessing_2'" in caught.value.fix

    def test_no_step_is_lost_where_merged_pipelines_end_alike(self) -> None:
        base = loaded()
        a, b, c = (base.preprocess(name=name) for name in "abc")
        assert sorted(names(a.merge(b).merge(c.merge(b)))) == ["a", "b", "c", "data_loading"]

    def test_what_was_provided_to_either_is_there(self) -> None:
        one = Pipeline("a").provide(RawData, "s3://bucket/x")
        two = Pipeline("a").provide(TrainingData, "s3://bucket/y")
        assert names(one.merge(two).preprocess(name="p").train_xgboost(training_data="s3://bucket/y"))
        assert "provided TrainingData s3://bucket/y" in repr(one.merge(two))


class TestProvide:
    def test_a_reference_to_a_step_that_is_not_there_is_refused(self, churn: Any) -> None:
        with pytest.raises(UnwiredInput, match="data for ModelArtifacts uses <reference xgboost"):
            Pipeline("a").provide(ModelArtifacts, churn.outputs.xgboost_training.model_artifacts)

    @pytest.mark.parametrize("kind", ["TrainingData", object, Kind, None, ["a"]])
    def test_only_kinds_are_provided(self, kind: Any) -> None:
        with pytest.raises(SettingError, match="is no kind of data"):
            Pipeline("a").provide(kind, "s3://bucket/x")

    def test_a_malformed_uri_is_refused_at_the_call(self) -> None:
        with pytest.raises(SettingError, match="s3://bucket//x"):
            Pipeline("a").provide(TrainingData, "s3://bucket//x")


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda pipe: pickle.loads(pickle.dumps(pipe))])
def test_a_copy_is_as_good_as_the_pipeline(duplicate: Any) -> None:
    pipe = (
        loaded().preprocess().train_xgboost(max_depth=Parameter("depth", 3)).evaluate_performance().require(min_auc=0.8)
    )
    same = duplicate(pipe)
    assert same.steps == pipe.steps
    assert repr(same) == repr(pipe)
    assert same.explain().bindings == pipe.explain().bindings
    assert same.register("g").materialize().to_json() == pipe.register("g").materialize().to_json()


def test_parameters_are_those_that_steps_use() -> None:
    depth = Parameter("depth", 3)
    pipe = loaded().preprocess().train_xgboost(max_depth=depth, environment={"A": f"x{Parameter('word', 'w')}"})
    assert set(pipe.parameters) == {"data", "depth", "word"}
    assert pipe.parameters["depth"] is depth
    assert pipe.data_parameter() == "data"
    with pytest.raises(SettingError, match=r"has 2.*\n.*'data': …, 'more_data': …"):
        pipe.load_data("s3://bucket/y", label="y", name="more").data_parameter()


def test_a_pipeline_prints_as_an_outline(churn: Any) -> None:
    assert repr(churn.require(min_auc=0.8).register("g")).split("\n")[-1] == (
        "    model_registration(xgboost_training.model_artifacts, model_evaluation.evaluation_report) -> model_package_arn"
    )
    assert repr(Pipeline("a")) == "Pipeline('a'), no steps yet"
    assert churn._repr_html_().count("<rect") == 4
    assert "<pre " in Pipeline("a")._repr_html_()


# ---- laws ------------------------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.integers(0, 50), st.sampled_from(["preprocess", "merge", "provide"])), max_size=14))
def test_adding_to_a_pipeline_never_changes_it(moves: list[tuple[int, str]]) -> None:
    grown: list[Any] = [loaded()]
    seen = [(names(grown[0]), repr(grown[0]))]
    for position, (at, move) in enumerate(moves):
        pipe = grown[at % len(grown)]
        if move == "preprocess":
            new = pipe.preprocess(name=f"step{position}")
        elif move == "merge":
            new = pipe.merge(grown[(at + position) % len(grown)])
        else:
            new = pipe.provide(TrainingData, f"s3://bucket/{position}")
        grown.append(new)
        seen.append((names(new), repr(new)))
        assert set(names(pipe)) <= set(names(new))
    assert [(names(pipe), repr(pipe)) for pipe in grown] == seen


def test_threads_may_branch_from_one_pipeline_at_once() -> None:
    base = loaded().preprocess()
    start = threading.Barrier(8)

    def branch(worker: int) -> list[str]:
        start.wait()
        pipe = base
        for i in range(30):
            pipe = pipe.train_xgboost(name=f"t{worker}_{i}")
        return names(pipe)

    with ThreadPoolExecutor(8) as pool:
        grown = list(pool.map(branch, range(8)))
    for worker, found in enumerate(grown):
        assert found == [*names(base), *(f"t{worker}_{i}" for i in range(30))]
    assert names(base) == ["data_loading", "tabular_preprocessing"]


def test_a_chain_shares_its_beginning_and_keeps_every_prefix() -> None:
    nodes = loaded().preprocess()._chain.nodes
    chain = Chain().added(nodes[0])
    longer, other = chain.added(nodes[1]), chain.added(nodes[1])
    assert list(chain) == ["data_loading"]
    assert "tabular_preprocessing" not in chain
    with pytest.raises(KeyError):
        _ = chain["tabular_preprocessing"]
    assert longer._nodes is chain._nodes
    assert other._nodes is not chain._nodes
    assert longer.starts_with(chain)
    assert not chain.starts_with(longer)
