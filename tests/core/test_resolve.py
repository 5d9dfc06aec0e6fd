"""The resolver: kinds gate, scores rank, explicit wins, and what cannot be decided is said."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, strategies as st

from fluentpipe import (
    EvaluationReport,
    Hyperparameters,
    Join,
    ModelArtifacts,
    Parameter,
    Pipeline,
    PropertyReference,
    RawData,
    TestData,
    TrainingData,
    ValidationData,
)
from fluentpipe.connection import check_connection
from fluentpipe.errors import (
    AmbiguousInput,
    ConnectionMismatch,
    CycleError,
    DuplicateName,
    MixedLineage,
    OutOfScope,
    UnwiredInput,
)
from fluentpipe.match import confidence, name_similarity
from fluentpipe.order import in_order, references_in
from fluentpipe.resolve import resolve
from fluentpipe.steps import DataLoading, ModelEvaluation, QualityGate, TabularPreprocessing, XGBoostTraining

from .own import PATH, declare, takes, yields

pytestmark = pytest.mark.usefixtures("registry")


def loaded() -> Any:
    return Pipeline("churn").load_data("s3://my-bucket/churn.csv", label="churn")


def wired(pipe: Any) -> dict[str, str]:
    return {f"{each.step}.{each.input}": each.label for each in pipe.explain()}


PREP = {"tabular_preprocessing.raw_data": "data_loading.raw_data"}
TRAIN = {
    "xgboost_training.training_data": "tabular_preprocessing.train_data",
    "xgboost_training.validation_data": "tabular_preprocessing.validation_data",
    "xgboost_training.preprocessing_model": "tabular_preprocessing.preprocessing_model",
}
EVALUATE = {
    "model_evaluation.model_artifacts": "xgboost_training.model_artifacts",
    "model_evaluation.test_data": "tabular_preprocessing.test_data",
}
REGISTER = {
    "model_registration.model_artifacts": "xgboost_training.model_artifacts",
    "model_registration.evaluation_report": "model_evaluation.evaluation_report",
}

CHAINS = {
    "load": (lambda: loaded(), {}),
    "preprocess": (lambda: loaded().preprocess(), PREP),
    "train": (lambda: loaded().preprocess().train_xgboost(), {**PREP, **TRAIN}),
    "evaluate": (lambda: loaded().preprocess().train_xgboost().evaluate_performance(), {**PREP, **TRAIN, **EVALUATE}),
    "gate and register": (
        lambda: loaded().preprocess().train_xgboost().evaluate_performance().require(min_auc=0.8).register("g"),
        {**PREP, **TRAIN, **EVALUATE, **REGISTER, "quality_gate.evaluation_report": "model_evaluation.evaluation_report"},
    ),
    "register without a report": (
        lambda: loaded().preprocess().train_xgboost().register("g"),
        {**PREP, **TRAIN, "model_registration.model_artifacts": "xgboost_training.model_artifacts"},
    ),
    "a time limit alone reads no report": (
        lambda: loaded().preprocess().train_xgboost().require(max_training_time="1h"),
        {**PREP, **TRAIN},
    ),
    "a later output of one type shadows an earlier one": (
        lambda: loaded().preprocess(name="one").preprocess(name="two").train_xgboost(),
        {"one.raw_data": "data_loading.raw_data", "two.raw_data": "data_loading.raw_data",
         "xgboost_training.training_data": "two.train_data", "xgboost_training.validation_data": "two.validation_data",
         "xgboost_training.preprocessing_model": "two.preprocessing_model"},
    ),
    "provided data": (
        lambda: Pipeline("a").provide(TrainingData, "s3://bucket/t").provide(Hyperparameters, "s3://bucket/h").train_xgboost(),
        {"xgboost_training.training_data": "s3://bucket/t", "xgboost_training.hyperparameters": "s3://bucket/h"},
    ),
    "a given URI": (
        lambda: Pipeline("a").train_xgboost(training_data="s3://bucket/t"),
        {"xgboost_training.training_data": "s3://bucket/t"},
    ),
    "a given parameter": (
        lambda: Pipeline("a").train_xgboost(training_data=Parameter("rows", "s3://bucket/t")),
        {"xgboost_training.training_data": "parameters.rows"},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("chain", "expected"), CHAINS.values(), ids=CHAINS)
def test_what_is_wired_to_what(chain: Any, expected: dict[str, str]) -> None:
    assert wired(chain()) == expected


def test_a_given_input_wins_over_every_score() -> None:
    pipe = loaded().preprocess(name="one").preprocess(name="two")
    given = pipe.train_xgboost(
        training_data=pipe.outputs.one.train_data, preprocessing_model=pipe.outputs.one.preprocessing_model
    )
    assert wired(given)["xgboost_training.training_data"] == "one.train_data"
    binding = next(each for each in given.explain() if each.input == "training_data")
    assert (binding.automatic, binding.confidence, binding.reason) == (False, 1.0, "given")


def test_none_for_an_input_leaves_it_to_the_resolver() -> None:
    pipe = loaded().preprocess()
    assert wired(pipe.train_xgboost(training_data=None)) == wired(pipe.train_xgboost())


def test_an_input_may_be_given_as_text_with_a_reference_in_it() -> None:
    pipe = loaded().preprocess()
    below = pipe.train_xgboost(training_data=f"{pipe.outputs.tabular_preprocessing.train_data}/part-0")
    assert isinstance(below.explain().bindings[1].source, Join)
    later = below.preprocess(name="again")
    with pytest.raises(MixedLineage):  # the lineage goes through the join
        later.evaluate_performance()


class TestKindsGate:
    def test_a_kind_that_does_not_fit_is_never_wired_whatever_its_name(self) -> None:
        declare("Fake", "fake", (), (yields("training_data", EvaluationReport, aliases=("train_data",)),))
        with pytest.raises(UnwiredInput):
            Pipeline("a").fake().train_xgboost()  # type: ignore[attr-defined]  # a verb declared at run time

    def test_a_given_output_of_another_kind_is_refused(self) -> None:
        pipe = loaded().preprocess()
        with pytest.raises(
            ConnectionMismatch, match=r"train_data is TrainingData, .*validation_data takes ValidationData"
        ):
            pipe.train_xgboost(validation_data=pipe.outputs.tabular_preprocessing.train_data)

    def test_an_optional_input_takes_a_stranger_only_at_high_confidence(self) -> None:
        declare("Near", "near", (), (yields("validation_data", ValidationData),))
        declare("Far", "far", (), (yields("bolts", ValidationData),))
        provided: Any = Pipeline("a").provide(TrainingData, "s3://bucket/t")
        assert wired(provided.near().train_xgboost())["xgboost_training.validation_data"] == "near.validation_data"
        far = provided.far().train_xgboost()
        assert "xgboost_training.validation_data" not in wired(far)
        assert "  validation_data, preprocessing_model, hyperparameters -  optional" in str(far.explain())

    def test_a_general_kind_fits_its_family_by_half(self) -> None:
        from fluentpipe import ProcessingOutput

        declare("Any", "anything", (takes("rows", ProcessingOutput),))
        binding = loaded().anything().explain().bindings[0]
        assert binding.candidates[0].type_score == 0.5


class TestAmbiguity:
    def test_two_that_fit_equally_well_are_listed_and_never_guessed(self) -> None:
        for name in ("Augment", "Rebalance"):
            declare(name, name.lower(), (takes("raw_data", RawData),), (yields("train_data", TrainingData),))
        pipe = loaded().augment().rebalance()
        with pytest.raises(AmbiguousInput) as caught:
            pipe.train_xgboost()
        error = caught.value
        assert (error.step, error.input) == ("xgboost_training", "training_data")
        assert [name for name, _ in error.candidates] == ["augment.train_data", "rebalance.train_data"]
        assert wired(eval("pipe" + error.fix, {"pipe": pipe}))["xgboost_training.training_data"] == "augment.train_data"

    def test_a_declared_source_is_taken_before_a_stranger(self) -> None:
        declare("Augment", "augment", (takes("raw_data", RawData),), (yields("training_data", TrainingData),))
        assert wired(loaded().preprocess().augment().train_xgboost())["xgboost_training.training_data"] == (
            "tabular_preprocessing.train_data"
        )

    def test_branches_merged_do_not_shadow_each_other(self) -> None:
        base = loaded()
        merged = base.preprocess(name="one").merge(base.preprocess(name="two"))
        with pytest.raises(AmbiguousInput, match="fits 2 outputs equally well"):
            merged.train_xgboost()
        assert merged.train_xgboost(
            training_data=merged.outputs.one.train_data,
            validation_data=merged.outputs.one.validation_data,
            preprocessing_model=merged.outputs.one.preprocessing_model,
        )


class TestLineage:
    def test_a_model_and_rows_of_different_preprocessing_are_not_put_together(self) -> None:
        pipe = loaded().preprocess().train_xgboost().preprocess(name="second")
        with pytest.raises(MixedLineage) as caught:
            pipe.evaluate_performance()
        message = str(caught.value)
        assert "model_artifacts: xgboost_training.model_artifacts, from tabular_preprocessing" in message
        assert "test_data: second.test_data, from second" in message

    def test_given_inputs_are_exempt(self) -> None:
        pipe = loaded().preprocess().train_xgboost().preprocess(name="second")
        assert pipe.evaluate_performance(test_data=pipe.outputs.second.test_data)

    def test_the_report_of_one_training_does_not_go_with_the_model_of_another(self) -> None:
        pipe = loaded().preprocess().train_xgboost().evaluate_performance().train_xgboost(name="second")
        with pytest.raises(MixedLineage, match="different XGBoostTraining steps"):
            pipe.register("g")

    def test_the_job_type_tells_steps_of_one_type_apart(self) -> None:
        declare("Roles", "role", (takes("raw_data", RawData),), (yields("train_data", TrainingData),))
        declare("Reader", "read", (takes("rows", TrainingData),))
        with pytest.raises(AmbiguousInput):  # neither shadows the other
            loaded().role(job_type="training").role(job_type="calibration").read()


class TestScope:
    def gated(self) -> Any:
        return loaded().preprocess().train_xgboost().evaluate_performance().require(min_auc=0.8).register("g")

    def test_a_reference_out_of_a_branch_names_the_condition(self) -> None:
        gated = self.gated()
        declare(
            "Tell",
            "tell",
            outputs=(),
            arn=__import__("fluentpipe").setting(None),
            __annotations__={"arn": "str | None"},
        )
        arn = gated.outputs.model_registration.model_package_arn
        assert gated.tell(arn=arn)
        outside = loaded().merge(gated)
        with pytest.raises(OutOfScope, match=r"only if 'quality_gate' lets it through") as caught:
            outside.tell(arn=arn)
        assert "require" in caught.value.fix

    def test_after_merging_a_branch_the_scope_is_the_common_one(self) -> None:
        base = loaded().preprocess().train_xgboost().evaluate_performance()
        branch = base.require(min_auc=0.8).register("g")
        merged = base.merge(branch).register("always", name="second")
        steps = merged.materialize().document["Steps"]
        assert [each["Name"] for each in steps][-1] == "second"
        gate = next(each for each in steps if each["Type"] == "Condition")
        assert [each["Name"] for each in gate["Arguments"]["IfSteps"]] == ["model_registration"]

    def test_two_gates_after_one_another_nest(self) -> None:
        pipe = self.gated().require(min_f1=0.5, name="second").register("h", name="inner")
        outer = pipe.materialize().document["Steps"][-1]
        inner = outer["Arguments"]["IfSteps"][-1]
        assert (outer["Name"], inner["Name"]) == ("quality_gate", "second")
        assert [each["Name"] for each in inner["Arguments"]["IfSteps"]] == ["inner"]


class TestConnections:
    def test_a_connection_that_fits_passes(self) -> None:
        check_connection(TabularPreprocessing, "train_data", XGBoostTraining, "training_data")
        check_connection(TabularPreprocessing, "training_data", XGBoostTraining, "training_data")  # by an alias

    @pytest.mark.parametrize(
        ("producer", "output", "consumer", "name", "faults"),
        [
            (TabularPreprocessing, "train_dat", XGBoostTraining, "training_data", ["no output 'train_dat'. Did you mean 'train_data'"]),
            (TabularPreprocessing, "train_data", XGBoostTraining, "training_dta", ["no input 'training_dta'. Did you mean 'training_data'"]),
            (TabularPreprocessing, "x", XGBoostTraining, "y", ["no output 'x'", "no input 'y'"]),
            (DataLoading, "raw_data", XGBoostTraining, "training_data", ["raw_data is RawData, XGBoostTraining.training_data takes TrainingData"]),
            (XGBoostTraining, "training_job_name", ModelEvaluation, "test_data", ["is JobName", "is a String, ModelEvaluation.test_data takes a S3Uri"]),
            (QualityGate, "x", ModelEvaluation, "test_data", ["outputs: none"]),
        ],
    )  # fmt: skip
    def test_a_connection_that_does_not_names_both_ends_and_every_fault(
        self, producer: Any, output: str, consumer: Any, name: str, faults: list[str]
    ) -> None:
        with pytest.raises(ConnectionMismatch) as caught:
            check_connection(producer, output, consumer, name)
        text = str(caught.value)
        assert text.startswith(
            f"{producer.contract.step_type}.{output} cannot be given to {consumer.contract.step_type}.{name}."
        )
        assert all(fault in text for fault in faults)


class TestExplanation:
    def test_it_prints_the_very_numbers_that_decided(self) -> None:
        for binding in CHAINS["gate and register"][0]().explain():  # type: ignore[no-untyped-call]  # a lambda
            best = binding.candidates[0]
            assert binding.confidence == best.confidence
            assert best.confidence == confidence(best.type_score, best.name_score, best.keyword_score)
            said = re.search(r"type (\S+), name (\S+), keywords (\S+)$", binding.reason)
            assert said is not None
            assert [float(each) for each in said.groups()] == pytest.approx(
                [best.type_score, best.name_score, best.keyword_score], abs=1e-4
            )

    def test_it_is_data_too(self) -> None:
        facts = loaded().preprocess().explain().to_dict()
        assert facts[0]["source"] == "data_loading.raw_data"
        assert facts[0]["candidates"][0]["output"] == "data_loading.raw_data"

    def test_it_lists_what_was_not_taken(self) -> None:
        declare("Augment", "augment", (takes("raw_data", RawData),), (yields("training_data", TrainingData),))
        text = str(loaded().preprocess().augment().train_xgboost().explain())
        assert re.search(r"not augment\.training_data  \d\.\d\d  another source", text)


class TestSuggestions:
    @pytest.mark.parametrize(
        ("make", "chain"),
        [
            (lambda: loaded().train_xgboost(), ("preprocess",)),
            (lambda: loaded().evaluate_performance(), ("preprocess", "train_xgboost")),
            (lambda: Pipeline("a").preprocess(), ("load_data",)),
            (lambda: Pipeline("a").train_xgboost(), ("load_data", "preprocess")),
            (lambda: Pipeline("a").register("g"), ("load_data", "preprocess", "train_xgboost")),
            (lambda: loaded().require(min_auc=1), ("preprocess", "train_xgboost", "evaluate_performance")),
        ],
    )
    def test_the_verbs_that_would_supply_what_is_missing(self, make: Any, chain: tuple[str, ...]) -> None:
        with pytest.raises(UnwiredInput) as caught:
            make()
        assert caught.value.suggestions[0] == chain
        assert "Did you mean `." in str(caught.value)

    def test_what_no_verb_supplies_is_to_be_provided(self) -> None:
        from fluentpipe import DependencyType, Kind

        lonely = type("Lonely", (Kind,), {}, family=DependencyType.PROCESSING_OUTPUT)  # type: ignore[call-overload]  # a class keyword
        declare("Own", "own", (takes("x", lonely),))
        with pytest.raises(UnwiredInput) as caught:
            Pipeline("a").own()  # type: ignore[attr-defined]  # a verb declared at run time
        assert caught.value.fix == ".provide(Lonely, 's3://…') for data from outside"


def _output(step: str, kind: Any, name: str) -> Any:
    return PropertyReference(step, PATH.format(name), name, kind)


class TestOrder:
    def own(self) -> Any:
        return declare("Own", "own", (takes("a", TrainingData, required=False),), (yields("b", TrainingData),))

    def steps(self, needs: dict[str, str]) -> list[Any]:
        own = self.own()
        return [own(name, **({"a": _output(need, TrainingData, "b")} if need else {})) for name, need in needs.items()]

    def test_a_cycle_is_printed_in_the_order_of_the_data(self) -> None:
        with pytest.raises(CycleError, match=r"a -> c -> b -> a") as caught:
            in_order(self.steps({"a": "b", "b": "c", "c": "a"}))
        assert caught.value.cycle == ("a", "c", "b", "a")
        with pytest.raises(CycleError, match=r"a -> a\."):
            in_order(self.steps({"a": "a"}))

    def test_duplicate_names_are_listed(self) -> None:
        own = self.own()
        with pytest.raises(DuplicateName, match="several steps have one name: a, b"):
            in_order([own("b"), own("a"), own("b"), own("a"), own("c")])

    @given(st.permutations(["a", "b", "c", "d", "e"]), st.data())
    def test_steps_in_any_order_come_after_what_they_need(self, names: list[str], data: st.DataObject) -> None:
        own = self.own()
        needs = {name: data.draw(st.sampled_from(["", *sorted(names)[:i]])) for i, name in enumerate(sorted(names))}
        steps = [own(name, **({"a": _output(needs[name], TrainingData, "b")} if needs[name] else {})) for name in names]
        done: set[str] = set()
        for step in in_order(steps):
            assert {ref.step for ref in references_in(step.inputs)} <= done
            done.add(step.name)
        assert done == set(names)
        pipe = Pipeline.from_steps("a", steps)
        assert [each.name for each in pipe.steps] == [each.name for each in in_order(steps)]
        assert pipe.materialize().check() == ()

    def test_a_long_chain_in_reverse_is_put_in_order(self) -> None:
        names = [f"s{i:04}" for i in range(1500)]
        needs = {name: names[i - 1] if i else "" for i, name in enumerate(names)}
        steps = self.steps(dict(reversed(needs.items())))
        assert [step.name for step in in_order(steps)] == names


def test_a_list_of_steps_is_resolved_like_a_chain() -> None:
    pipe = CHAINS["gate and register"][0]()  # type: ignore[no-untyped-call]  # a lambda
    assert resolve(pipe.steps) == pipe.explain().bindings
    assert resolve(pipe.steps) == resolve(pipe.steps)


@given(st.text("abcdef_", max_size=12), st.text("abcdef_", max_size=12))
def test_the_likeness_of_names_is_symmetric_and_bounded(one: str, other: str) -> None:
    assert 0 <= name_similarity(one, other) == name_similarity(other, one) <= 1
    assert name_similarity(one, one) == 1


def test_names_of_different_roles_are_not_alike() -> None:
    assert name_similarity("train_data", "test_data") == 0
    assert name_similarity("train_data", "training_dataset") == 1


@pytest.mark.parametrize("kind", [TestData, ModelArtifacts])
def test_a_model_is_not_wired_from_what_was_provided_for_something_else(kind: Any) -> None:
    with pytest.raises(UnwiredInput):
        Pipeline("a").provide(kind, "s3://bucket/x").evaluate_performance()
