"""Branches, repetition, order without data, raw steps: where steps lie, what they see, and what is refused."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from fluentpipe import (
    CustomProperty,
    DependencySpec,
    JobName,
    ModelArtifacts,
    OutputSpec,
    Parameter,
    Pipeline,
    TestData,
    TrainingData,
)
from fluentpipe.check import check
from fluentpipe.errors import AmbiguousInput, CycleError, FluentpipeError
from fluentpipe.steps import DataLoading, Failure, TabularPreprocessing

LAMBDA = {"Type": "Lambda", "FunctionArn": "arn:aws:lambda:us-east-1:111122223333:function:tell"}
PLACES = {"role": "arn:aws:iam::111122223333:role/SageMakerRole", "bucket": "my-bucket", "region": "us-east-1"}


def loaded() -> Any:
    return Pipeline("churn").load_data("s3://my-bucket/churn.csv", label="churn")


def scored() -> Any:
    return loaded().preprocess().train_xgboost().evaluate_performance()


def figure(pipe: Any, path: str = "metrics.auc") -> Any:
    return pipe.outputs.model_evaluation.evaluation_report.json(path)


def nested() -> Any:
    pipe = scored()
    return (
        pipe.when((figure(pipe) >= Parameter("least", 0.8)) & ~figure(pipe, "task").is_in(["regression"]))
        .then(lambda p: p.require(min_f1=0.5).register("champions"))
        .otherwise(
            lambda p: (
                p.when(p.outputs.xgboost_training.properties.TrainingTimeInSeconds > 3600, name="slow")
                .then(lambda q: q.fail(f"{figure(pipe)} after more than an hour"))
                .otherwise(lambda q: q.train_xgboost(name="second").evaluate_performance(name="again"))
            )
        )
        .register("always", name="always")
    )


def places(pipe: Any) -> dict[str, list[str]]:
    """Name of each step of the definition -> the branches it lies in."""
    return {
        entry.name: [f"{gate} {branch}" for gate, branch in entry.scope] for entry in pipe.materialize(**PLACES).steps()
    }


def test_the_definition_of_nested_branches_is_the_golden_one(golden: Callable[[str, str], None]) -> None:
    definition = nested().materialize(**PLACES)
    for entry in definition.steps():
        if entry.type in {"Processing", "Training"}:
            dict.clear(entry.request["Arguments"])  # jobs, as elsewhere; their code has hashes of its own
    golden("control.json", json.dumps(definition.document["Steps"], indent=1) + "\n")


def test_a_pipeline_with_branches_is_shown_and_explained(golden: Callable[[str, str], None]) -> None:
    golden("control.txt", f"{nested()}\n\n{nested().explain()}\n")
    assert ">else<" in nested()._repr_html_()


def test_steps_lie_in_the_branch_they_were_written_in_and_what_follows_lies_outside() -> None:
    assert places(nested()) == {
        "data_loading": [],
        "tabular_preprocessing": [],
        "xgboost_training": [],
        "model_evaluation": [],
        "branch": [],
        "quality_gate": ["branch If"],
        "model_registration": ["branch If", "quality_gate If"],
        "quality_gate_failed": ["branch If", "quality_gate Else"],
        "slow": ["branch Else"],
        "failure": ["branch Else", "slow If"],
        "second": ["branch Else", "slow Else"],
        "again": ["branch Else", "slow Else"],
        "always": [],
    }


def test_what_follows_the_branches_takes_what_was_there_before_them() -> None:
    bindings = {binding.input: binding.label for binding in nested().explain() if binding.step == "always"}
    assert bindings["model_artifacts"] == "xgboost_training.model_artifacts"


def test_one_branch_is_enough() -> None:
    pipe = scored()
    pipe = pipe.when(figure(pipe) > 0.8).then(lambda p: p.register("champions"))
    assert places(pipe)["model_registration"] == ["branch If"]
    assert places(pipe.register("always", name="always"))["always"] == []


def test_a_branch_shares_nothing_with_the_other() -> None:
    pipe = scored().when(Parameter("second", default=True) == True).then(lambda p: p.train_xgboost(name="second"))  # noqa: E712  a condition
    other = pipe.otherwise(lambda p: p.register("champions"))
    bindings = {binding.input: binding.label for binding in other.explain() if binding.step == "model_registration"}
    assert bindings["model_artifacts"] == "xgboost_training.model_artifacts"


def test_copies_and_pickles_keep_their_branches() -> None:
    pipe = nested()
    for twin in (copy.copy(pipe), copy.deepcopy(pipe), pickle.loads(pickle.dumps(pipe))):
        assert twin.materialize(**PLACES) == pipe.materialize(**PLACES)
    half = scored().when(Parameter("x", 1) == 1).then(lambda p: p.fail("no"))
    again = pickle.loads(pickle.dumps(half)).otherwise(lambda p: p.register("g"))
    assert places(again)["model_registration"] == ["branch Else"]


def test_a_time_limit_is_for_the_trainings_of_its_own_branch() -> None:
    pipe = loaded().preprocess()
    pipe = (
        pipe.when(Parameter("large", default=False) == True)  # noqa: E712  a condition of the run
        .then(lambda p: p.train_xgboost(name="large"))
        .otherwise(lambda p: p.train_xgboost(name="small").require(max_training_time="1 hour", name="limit"))
    )
    limits = {
        entry.name: entry.arguments["StoppingCondition"]["MaxRuntimeInSeconds"]
        for entry in pipe.materialize().steps()
        if entry.type == "Training"
    }
    assert limits == {"large": 86400, "small": 3600}


# A tree of branches: a leaf is a step, and a node has two branches, each a list of trees.
TREES = st.recursive(
    st.just("step"),
    lambda inner: st.tuples(st.lists(inner, min_size=1, max_size=2), st.lists(inner, max_size=2)),
    max_leaves=8,
)


def planted(pipe: Any, tree: Any, counter: list[int], scope: list[str], wanted: dict[str, list[str]]) -> Any:
    counter[0] += 1
    name = f"s{counter[0]}"
    wanted[name] = scope
    if tree == "step":
        return pipe.fail(f"{figure(pipe)} {name}", name=name)
    then, otherwise = tree

    def branch(trees: list[Any], which: str) -> Callable[[Any], Any]:
        def grow(inner: Any) -> Any:
            for each in trees:
                inner = planted(inner, each, counter, [*scope, f"{name} {which}"], wanted)
            return inner

        return grow

    pipe = pipe.when(figure(pipe) > 0.5, name=name).then(branch(then, "If"))
    return pipe.otherwise(branch(otherwise, "Else")) if otherwise else pipe


BASE = scored()


@settings(max_examples=15, deadline=None)
@given(st.lists(TREES, min_size=1, max_size=3))
def test_every_tree_of_branches_makes_a_sound_definition_with_each_step_in_its_place(trees: list[Any]) -> None:
    pipe, wanted, counter = BASE, dict[str, list[str]](), [0]
    before = places(BASE)
    for tree in trees:
        pipe = planted(pipe, tree, counter, [], wanted)
    definition = pipe.materialize(**PLACES, max_steps=None)
    assert definition.diagnostics == ()
    found = {entry.name: [f"{gate} {branch}" for gate, branch in entry.scope] for entry in definition.steps()}
    assert found == {**before, **wanted}
    assert places(BASE) == before  # adding to a pipeline changes nothing in it


class TestDependsOn:
    @pytest.mark.parametrize(
        "named",
        [
            lambda pipe: "data_loading",
            lambda pipe: pipe.outputs.data_loading,
            lambda pipe: pipe.outputs.data_loading.raw_data,
            lambda pipe: f"{pipe.outputs.data_loading.raw_data}",
            lambda pipe: ["data_loading", pipe.outputs.data_loading],
            lambda pipe: {"data_loading"},
        ],
    )
    def test_it_takes_names_outputs_and_references(self, named: Callable[[Any], Any]) -> None:
        pipe = loaded().preprocess()
        pipe = pipe.train_xgboost(depends_on=named(pipe))
        (request,) = [entry.request for entry in pipe.materialize().steps() if entry.name == "xgboost_training"]
        assert request["DependsOn"] == ["data_loading"]

    def test_every_verb_takes_it_also_the_one_without_settings(self) -> None:
        pipe = loaded().preprocess_with_defaults(depends_on="data_loading").train_xgboost().evaluate_performance()
        pipe = pipe.require(min_auc=0.8, depends_on="data_loading").register("g", depends_on="model_evaluation")
        waits = {entry.name: entry.request.get("DependsOn") for entry in pipe.materialize().steps()}
        assert waits["tabular_preprocessing"] == waits["quality_gate"] == ["data_loading"]
        assert waits["model_registration"] == ["model_evaluation"]

    def test_steps_made_one_by_one_are_put_into_its_order(self) -> None:
        steps = [Failure("end", message="end", depends_on="load"), DataLoading("load", source="s3://my-bucket/x.csv")]
        assert [step.name for step in Pipeline.from_steps("churn", steps).steps] == ["load", "end"]
        with pytest.raises(CycleError, match=r"wait for each other: \w -> \w -> \w\."):
            Pipeline.from_steps(
                "churn", [Failure("a", message="x", depends_on="b"), Failure("b", message="x", depends_on="a")]
            )

    def test_it_makes_a_step_another(self) -> None:
        assert TabularPreprocessing("a", depends_on="b") != TabularPreprocessing("a")


class TestForEach:
    def test_each_turn_begins_anew_and_all_outputs_are_there(self) -> None:
        pipe = loaded().preprocess()
        turns = [{"max_depth": 4}, {"max_depth": 8}]
        pipe = pipe.for_each(turns, lambda p, each: p.train_xgboost(name=f"depth_{each['max_depth']}", **each))
        assert [step.given["max_depth"] for step in pipe.steps[-2:]] == [4, 8]
        with pytest.raises(AmbiguousInput, match="fits 2 outputs equally well"):
            pipe.evaluate_performance()
        assert pipe.evaluate_performance(model_artifacts=pipe.outputs.depth_8.model_artifacts)

    def test_a_turn_may_be_several_steps_and_a_branch_goes_through_it_too(self) -> None:
        pipe = loaded().preprocess()

        def turn(p: Any, depth: int) -> Any:
            return p.train_xgboost(name=f"t{depth}", max_depth=depth).evaluate_performance(name=f"e{depth}")

        pipe = pipe.when(Parameter("x", 1) == 1).then(lambda p: p.for_each([4, 8], turn))
        assert places(pipe)["e8"] == ["branch If"]
        assert [b.label for b in pipe.explain() if b.step == "e8"] == [
            "t8.model_artifacts",
            "tabular_preprocessing.test_data",
        ]


class TestRawStep:
    def test_its_inputs_outputs_and_references_are_wired(self) -> None:
        pipe = scored()
        pipe = pipe.raw_step(
            {
                **LAMBDA,
                "Name": "notify",
                "DependsOn": ["data_loading"],
                "Arguments": {
                    "model": {"Input": "model_artifacts"},
                    "auc": figure(pipe),
                    "job": {"Get": "Steps.xgboost_training.TrainingJobName"},
                    "text": f"model {pipe.outputs.xgboost_training.training_job_name}",
                },
                "OutputParameters": [{"OutputName": "ticket", "OutputType": "String"}],
            },
            takes=[DependencySpec("model_artifacts", ModelArtifacts)],
            outputs=[OutputSpec("ticket", CustomProperty, "OutputParameters['ticket']")],
        )
        pipe = pipe.fail(f"ticket {pipe.outputs.notify.ticket}")
        raw, fail = pipe.materialize().document["Steps"][-2:]
        model = {"Get": "Steps.xgboost_training.ModelArtifacts.S3ModelArtifacts"}
        assert raw["Arguments"]["model"] == model
        assert raw["DependsOn"] == ["data_loading"]
        assert raw["Arguments"]["job"] == {"Get": "Steps.xgboost_training.TrainingJobName"}
        assert {"Get": "Steps.notify.OutputParameters['ticket']"} in fail["Arguments"]["ErrorMessage"]["Std:Join"][
            "Values"
        ]

    def test_its_output_is_taken_by_kind_and_json_text_will_do(self) -> None:
        job = next(entry.request for entry in scored().materialize().steps() if entry.type == "Training")
        text = json.dumps({**job, "Name": "by_hand"})
        outputs = [OutputSpec("model", ModelArtifacts, "ModelArtifacts.S3ModelArtifacts")]
        pipe = loaded().preprocess().raw_step(text, outputs=outputs).evaluate_performance()
        assert {b.input: b.label for b in pipe.explain()}["model_artifacts"] == "by_hand.model"
        assert pickle.loads(pickle.dumps(pipe)).materialize() == pipe.materialize()

    def test_two_raw_steps_are_no_rivals_of_one_family(self) -> None:
        job = OutputSpec("job", JobName, "TrainingJobName")
        request = {"Type": "Training", "Arguments": {}}
        pipe = loaded().raw_step(request, name="one", outputs=[job]).raw_step(request, name="two", outputs=[job])
        assert pipe.outputs.one.job.same_as(pipe.outputs.one.job)
        assert not pipe.outputs.one.job.same_as(pipe.outputs.two.job)


def branched() -> Any:
    pipe = scored()
    return (
        pipe.when(figure(pipe) > 0.8).then(lambda p: p.train_xgboost(name="inside")).otherwise(lambda p: p.fail("no"))
    )


MISTAKES: dict[str, Callable[[], Any]] = {
    "out_of_then": lambda: branched().evaluate_performance(name="e", model_artifacts=branched().outputs.inside.model_artifacts),
    "out_of_otherwise": lambda: scored()
    .when(Parameter("x", 1) == 1)
    .then(lambda p: p)
    .otherwise(lambda p: p.train_xgboost(name="inside"))
    .fail("no", depends_on="inside"),
    "otherwise_without_when": lambda: scored().otherwise(lambda p: p.fail("no")),
    "otherwise_twice": lambda: branched().otherwise(lambda p: p.fail("no", name="f")),
    "when_without_condition": lambda: scored().when(True),
    "when_of_a_later_step": lambda: loaded().when(figure(scored()) > 1),
    "when_without_then": lambda: scored().when(Parameter("x", 1) == 1).register("g"),
    "branch_is_no_function": lambda: scored().when(Parameter("x", 1) == 1).then(scored()),
    "branch_returns_nothing": lambda: scored().when(Parameter("x", 1) == 1).then(lambda p: None),
    "branch_of_another_pipeline": lambda: scored().when(Parameter("x", 1) == 1).then(lambda p: loaded()),
    "one_name_in_both_branches": lambda: branched().when(Parameter("x", 1) == 1, name="w").then(lambda p: p.fail("n")),
    "wrong_order_in_a_branch": lambda: loaded().when(Parameter("x", 1) == 1).then(lambda p: p.train_xgboost()),
    "depends_on_unknown": lambda: scored().fail("no", depends_on="data_loadin"),
    "depends_on_condition": lambda: branched().fail("no", name="f", depends_on="branch"),
    "depends_on_number": lambda: scored().fail("no", depends_on=4),
    "for_each_one_name": lambda: loaded().preprocess().for_each([4, 8], lambda p, d: p.train_xgboost(max_depth=d)),
    "for_each_of_nothing": lambda: loaded().for_each([], lambda p, d: p),
    "raw_step_faults": lambda: scored().raw_step(
        {"Type": "Training", "Argument": {}, "CacheConfig": {"Enabled": 1}, "Arguments": {"x": {"Input": "rows"}}},
        takes=[DependencySpec("row", TestData)],
        outputs=[OutputSpec("o", CustomProperty, "ModelArtifact.S3ModelArtifacts")],
        name="raw",
    ),
    "raw_step_type": lambda: scored().raw_step({**LAMBDA, "Type": "Lambd"}, name="raw"),
    "raw_step_condition": lambda: scored().raw_step({"Type": "Condition", "Arguments": {}}, name="raw"),
    "raw_step_json": lambda: scored().raw_step("{", name="raw"),
    "raw_step_unknown_step": lambda: scored().raw_step({**LAMBDA, "Arguments": {"x": {"Get": "Steps.xgboost.A"}}}, name="raw"),
    "raw_step_lacks_input": lambda: loaded().raw_step(
        {**LAMBDA, "Arguments": {"x": {"Input": "rows"}}}, takes=[DependencySpec("rows", TrainingData)], name="raw"
    ),
    "raw_step_input_twice": lambda: loaded().raw_step(
        {**LAMBDA, "Arguments": {"x": {"Input": "rows"}}}, takes=[DependencySpec("rows", TestData)] * 2, name="raw"
    ),
    "raw_step_unknown_outputs": lambda: loaded().raw_step(
        {"Type": "Lineage", "Arguments": {}}, outputs=[OutputSpec("o", CustomProperty, "X")], name="raw"
    ),
    "fail_without_a_message": lambda: scored().fail(),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_says_what_where_and_what_to_do(mistake: str, golden: Callable[[str, str], None]) -> None:
    with pytest.raises((FluentpipeError, AttributeError)) as caught:
        MISTAKES[mistake]()
    golden(f"control/{mistake}.txt", f"{type(caught.value).__name__}: {caught.value}\n")


def test_conditions_deeper_than_the_check_reads_are_an_error() -> None:
    def deeper(pipe: Any, depth: int) -> Any:
        if depth == 0:
            return pipe.fail("deep")
        return pipe.when(Parameter("x", 1) == 1, name=f"w{depth}").then(lambda p: deeper(p, depth - 1))

    assert deeper(loaded(), 60).materialize(max_steps=None).diagnostics == ()
    with pytest.raises(FluentpipeError, match="deeper in one another than 64 levels"):
        deeper(loaded(), 66).materialize(max_steps=None)


def test_the_check_of_a_document_refuses_what_the_verbs_refuse() -> None:
    document = copy.deepcopy(branched().materialize().document)
    document["Steps"].append(
        {"Name": "late", "Type": "Fail", "DependsOn": ["inside"], "Arguments": {"ErrorMessage": "x"}}
    )
    assert [each.code for each in check(document) if each.severity == "error"] == ["out-of-scope"]
