"""Step classes are checked when they are declared, and a user's own are like the built-in ones."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from fluentpipe import (
    DependencySpec,
    DependencyType,
    Kind,
    OutputSpec,
    Pipeline,
    RawData,
    StepContract,
    TrainingData,
    TrainingStep,
    setting,
)
from fluentpipe.contract import RESERVED_VERBS
from fluentpipe.errors import ContractError
from fluentpipe.kinds import ModelArtifacts, ProcessingOutput, kind_fits, snake_case
from fluentpipe.step import class_of_verb, step_class, step_classes

from .own import declare, takes, yields

pytestmark = pytest.mark.usefixtures("registry")


class TestContract:
    @pytest.mark.parametrize(
        ("dependencies", "outputs", "fault"),
        [
            ([takes("", RawData)], [], "input name '' is empty or no identifier"),
            ([takes("a b", RawData)], [], "input name 'a b' is empty or no identifier"),
            ([takes("class", RawData)], [], "input name 'class' is empty or no identifier"),
            ([takes("_a", RawData)], [], "input name '_a' is empty or no identifier"),
            ([takes("name", RawData)], [], "input name 'name' is taken by fluentpipe itself"),
            ([], [yields("properties", RawData)], "output name 'properties' is taken by fluentpipe itself"),
            ([takes("a", RawData), takes("a", RawData)], [], "input name 'a' is declared 2 times"),
            ([takes("a", RawData), takes("b", RawData, aliases="a")], [], "input name 'a' is declared 2 times"),
            ([], [yields("a", RawData), yields("a", RawData)], "output name 'a' is declared 2 times"),
            ([takes("a", None)], [], "input 'a' says no kind; give one, or its family as dependency_type="),
            ([], [yields("a", None)], "output 'a' says no kind; give one, or its family as output_type="),
            ([takes("a", "RawData")], [], "input 'a' is of no known kind: 'RawData'"),
            ([takes("a", (RawData, int))], [], "input 'a' is of no known kind: <class 'int'>"),
            ([takes("a", Kind)], [], "input 'a' is of no known kind"),
            ([takes("a", RawData, data_type="Uri")], [], "input 'a' has data type 'Uri'; there are S3Uri, String"),
            ([], [yields("a", RawData, path="")], "output 'a' has no property path"),
        ],
    )
    def test_a_contract_that_cannot_work_says_why(self, dependencies: Any, outputs: Any, fault: str) -> None:
        with pytest.raises(ContractError) as caught:
            StepContract("Own", "own", dependencies, outputs)
        assert any(each.startswith(fault) for each in caught.value.faults)  # type: ignore[attr-defined]  # a fact

    @pytest.mark.parametrize("verb", ["", "train xgboost", "_own", "import", *sorted(RESERVED_VERBS)])
    def test_a_verb_has_to_be_free_and_a_name(self, verb: str) -> None:
        with pytest.raises(ContractError, match=r"no name for a method|method of Pipeline already"):
            StepContract("Own", verb)

    def test_all_faults_are_in_one_error(self) -> None:
        with pytest.raises(ContractError) as caught:
            StepContract("own step", "run", (takes("", RawData), takes("x", None)), (yields("y", int, path=""),))
        faults = caught.value.faults  # type: ignore[attr-defined]  # facts are attributes
        assert len(faults) == 6
        assert all(fault in str(caught.value) for fault in faults)

    def test_the_reserved_verbs_are_what_pipeline_has_for_itself(self) -> None:
        generated = {name for cls in step_classes() for name in cls.contract.verbs if not cls.contract.own_method}
        bases = [each for each in Pipeline.__mro__ if each.__module__.startswith("fluentpipe.")]
        own = {name for base in bases for each in (vars(base), base.__annotations__) for name in each}
        assert {name for name in own - generated if not name.startswith("_")} == RESERVED_VERBS

    def test_families_stand_for_their_general_kind(self) -> None:
        family = DependencyType.PROCESSING_OUTPUT
        assert DependencySpec("a", dependency_type=family).kind == (ProcessingOutput,)
        assert OutputSpec("a", path="X", output_type=DependencyType.MODEL_ARTIFACTS).kind is ModelArtifacts

    def test_a_leading_properties_is_dropped(self) -> None:
        assert OutputSpec("a", ModelArtifacts, "properties.ModelArtifacts.S3ModelArtifacts").path.startswith("Model")

    @pytest.mark.parametrize(
        ("name", "snake"),
        [("XGBoostTraining", "xgboost_training"), ("TabularPreprocessing", "tabular_preprocessing"), ("A", "a")],
    )
    def test_the_key_of_a_step_is_its_type_in_snake_case(self, name: str, snake: str) -> None:
        assert snake_case(name) == snake == StepContract(name, "own").key


class TestKinds:
    def test_a_kind_needs_a_family(self) -> None:
        with pytest.raises(ContractError, match=r"says no family.*\n.*PROCESSING_OUTPUT"):
            type("Embeddings", (Kind,), {})

    def test_kinds_are_never_subclassed(self) -> None:
        with pytest.raises(ContractError, match="derives from kind 'RawData'; kinds are unrelated"):
            type("Rows", (RawData,), {})  # type: ignore[misc]  # a final class, which is the point

    def test_a_kind_fits_itself_and_the_general_kind_of_its_family(self) -> None:
        assert kind_fits(RawData, RawData) == 1
        assert kind_fits(RawData, ProcessingOutput) == kind_fits(ProcessingOutput, RawData) == 0.5
        assert kind_fits(RawData, TrainingData) == kind_fits(ProcessingOutput, ModelArtifacts) == 0

    def test_a_kind_declared_anew_is_still_that_kind(self) -> None:
        code = "class Embeddings(Kind, family=DependencyType.PROCESSING_OUTPUT): ..."
        cell: dict[str, Any] = {"__name__": "__main__", "Kind": Kind, "DependencyType": DependencyType}
        exec(code, cell)
        first = cell["Embeddings"]
        declare("Embedding", "embed", (), (yields("embeddings", first),))
        exec(code, cell)
        declare("Search", "search", (takes("embeddings", cell["Embeddings"]),))
        assert Pipeline("a").embed().search().explain().bindings[0].confidence == 0.9  # type: ignore[attr-defined]  # at run time


class TestStepClass:
    @pytest.mark.parametrize(
        ("path", "message"),
        [
            ("ModelArtifact.S3ModelArtifacts", "Did you mean 'ModelArtifacts'"),
            ("properties.ModelArtifacts.S3ModelArtifact", "Did you mean 'S3ModelArtifacts'"),
            ("ModelArtifacts", "is a structure; a reference stands for one value"),
            ("FinalMetricDataList", "is a list; a reference stands for one value"),
            ("ModelArtifacts..S3ModelArtifacts", "output 'model': "),
        ],
    )
    def test_a_wrong_property_path_is_told_when_the_class_is_written(self, path: str, message: str) -> None:
        with pytest.raises(ContractError, match=message):
            declare("Own", "own", (), (yields("model", ModelArtifacts, path=path),), TrainingStep)
        assert "own" not in dir(Pipeline)

    @pytest.mark.parametrize(
        ("body", "message"),
        [
            ({"depth": setting(3)}, "settings of Own have no type: depth"),
            ({"depth": setting("x"), "__annotations__": {"depth": "int"}}, "the default of setting 'depth' of Own must be int"),
            ({"depth": setting(-1, ge=0), "__annotations__": {"depth": int}}, "must be >= 0, not -1"),
            ({"depth": setting(1), "__annotations__": {"depth": "Nonsense"}}, "the type 'Nonsense' of a setting of Own cannot be read"),
            ({"depth": setting(1), "__annotations__": {"depth": "1 +"}}, "the type '1 [+]' of a setting of Own cannot be read"),
            ({"depth": setting(None), "__annotations__": {"depth": "set[int]"}}, "setting 'depth' of Own cannot have the type"),
            ({"rows": setting(1), "__annotations__": {"rows": int}}, "'rows' is both an input and a setting"),
            ({"a": setting(1), "b": setting(1, aliases=("a",)), "__annotations__": {"a": int, "b": int}}, "setting 'a' is taken already"),
            ({"name": setting("x"), "__annotations__": {"name": str}}, "setting 'name' is taken already"),
            ({"self": setting("x"), "__annotations__": {"self": str}}, "setting 'self' is taken already"),
            ({"inputs": setting(1), "__annotations__": {"inputs": int}}, "setting 'inputs' is taken already"),
            ({"arguments": setting(1), "__annotations__": {"arguments": int}}, "setting 'arguments' is taken already"),
            ({"instance_count": 0}, "the default of setting 'instance_count' of Own must be >= 1"),
        ],
    )  # fmt: skip
    def test_a_setting_that_cannot_work_is_told_when_the_class_is_written(self, body: Any, message: str) -> None:
        with pytest.raises(ContractError, match=message):
            declare("Own", "own", (takes("rows", RawData),), **body)

    def test_an_input_required_by_an_unknown_setting_is_told(self) -> None:
        with pytest.raises(ContractError, match="required by the setting 'dept', which does not exist"):
            declare("Own", "own", (takes("rows", RawData, required=False, required_by="dept"),))

    def test_a_class_without_a_job_is_told_what_to_derive_from(self) -> None:
        from fluentpipe import Step

        with pytest.raises(ContractError, match="derive it from ProcessingStep or TrainingStep"):
            declare("Own", "own", base=Step)

    def test_all_faults_of_a_class_are_in_one_error(self) -> None:
        with pytest.raises(ContractError) as caught:
            declare(
                "Own",
                "own",
                (takes("a", RawData, required=False, required_by="x"), takes("b", RawData)),
                (yields("c", RawData, path="No"), yields("d", RawData, path="Nope.Nope")),
                b=setting(1),
                __annotations__={"b": int},
            )
        assert len(caught.value.faults) == 4  # type: ignore[attr-defined]  # facts are attributes

    @pytest.mark.parametrize(
        ("step_type", "verb", "message"),
        [
            ("XGBoostTraining", "own", "step type 'XGBoostTraining' is fluentpipe.steps.train_xgboost.XGBoostTraining already"),
            ("Own", "train_xgboost", "verb 'train_xgboost' belongs to fluentpipe.steps.train_xgboost.XGBoostTraining"),
            ("Own", "preprocess_with_defaults", "verb 'preprocess_with_defaults' belongs to"),
        ],
    )  # fmt: skip
    def test_clashes_with_another_class_are_errors(self, step_type: str, verb: str, message: str) -> None:
        before = step_classes()
        with pytest.raises(ContractError, match=message):
            declare(step_type, verb)
        assert step_classes() == before

    def test_a_plain_value_is_a_new_default_of_an_inherited_setting(self) -> None:
        own = declare("Own", "own", instance_type="ml.m5.4xlarge")
        assert own().instance_type == "ml.m5.4xlarge"
        assert own(instance_type="ml.c5.large").instance_type == "ml.c5.large"
        assert declare("Other", "other")().instance_type == "ml.m5.xlarge"

    def test_a_step_is_frozen(self) -> None:
        step = declare("Own", "own", depth=setting(1), __annotations__={"depth": int})(depth=2)
        with pytest.raises(AttributeError, match="frozen"):
            step.depth = 3
        with pytest.raises(AttributeError, match="frozen"):
            del step.name
        with pytest.raises(TypeError, match="does not support item assignment"):
            step.given["depth"] = 3

    def test_steps_compare_by_type_name_settings_and_inputs(self) -> None:
        own = declare(
            "Own", "own", (takes("rows", RawData),), depth=setting(1), __annotations__={"depth": "int | float"}
        )
        assert own(depth=2, rows="s3://bucket/x") == own("own", rows="s3://bucket/x", depth=2)
        assert hash(own(depth=2)) == hash(own(depth=2))
        assert own(depth=2) != own(depth=3)
        assert own(depth=2) != own(depth=2.0)
        assert own() != own("other")
        assert own() != 3


CELL = """
from __future__ import annotations
from fluentpipe import *

class Deduplication(ProcessingStep):
    '''Drop duplicate rows.'''
    contract = StepContract(
        "Deduplication", "deduplicate",
        (DependencySpec("raw_data", RawData, description="Rows."),),
        (OutputSpec("unique_rows", RawData, "ProcessingOutputConfig.Outputs['unique_rows'].S3Output.S3Uri"),),
    )
    script = SCRIPT
    columns: Sequence[str] | None = setting(None, doc="Columns that decide.")
    KEEP: int = setting(1, ge=1, aliases=("at_most",), doc="Rows kept of each.")
"""


class TestOwnSteps:
    def declared(self, setting_name: str = "keep") -> dict[str, Any]:
        cell: dict[str, Any] = {"__name__": "__main__", "SCRIPT": __file__}
        exec(CELL.replace("KEEP", setting_name), cell)
        return cell

    def test_a_class_of_a_notebook_cell_works_like_a_built_in_one(self) -> None:
        self.declared()
        pipe: Any = Pipeline("a").load_data("s3://bucket/x", label="y")
        own = pipe.deduplicate(at_most=2)
        assert "deduplicate" in dir(own)
        assert own.outputs.deduplication.unique_rows.label() == "deduplication.unique_rows"
        assert own.explain().bindings[0].label == "data_loading.raw_data"
        assert own.materialize().check() == ()
        assert "columns: Columns that decide." in Pipeline.deduplicate.__doc__  # type: ignore[attr-defined]  # at run time
        with pytest.raises(ValueError, match="Did you mean 'columns'"):
            pipe.deduplicate(column=["a"])

    def test_declaring_it_again_replaces_it_and_earlier_pipelines_keep_the_old_one(self) -> None:
        first = self.declared()["Deduplication"]
        provided: Any = Pipeline("a").provide(RawData, "s3://bucket/x")
        old = provided.deduplicate(keep=2)
        second = self.declared("most")["Deduplication"]
        new = provided.deduplicate(most=2)
        assert [type(pipe.steps[0]) for pipe in (old, new)] == [first, second]
        assert old.materialize().check() == ()
        assert step_class("Deduplication") is class_of_verb("deduplicate") is second
        with pytest.raises(ValueError, match="keep: there is no such setting"):
            provided.deduplicate(keep=2)

    def test_declaring_it_again_with_another_verb_drops_the_old_verb(self) -> None:
        self.declared()
        cell: dict[str, Any] = {"__name__": "__main__", "SCRIPT": __file__}
        exec(CELL.replace("KEEP", "keep").replace('"deduplicate"', '"unique"'), cell)
        assert hasattr(Pipeline, "unique")
        assert not hasattr(Pipeline, "deduplicate")
        with pytest.raises(ContractError, match="no verb 'deduplicate'"):
            class_of_verb("deduplicate")

    def test_a_module_of_steps_may_be_imported_before_the_pipeline(self, tmp_path: Any) -> None:
        module = textwrap.dedent(CELL).replace("KEEP", "keep").replace("SCRIPT", "__file__")
        module = module.replace("from fluentpipe import *", "from collections.abc import Sequence\n" + _NAMES)
        (tmp_path / "own_steps.py").write_text(module)
        script = "import own_steps, pickle; from fluentpipe import Pipeline, RawData\n"
        script += "pipe = Pipeline('a').provide(RawData, 's3://bucket/x').deduplicate(keep=2)\n"
        script += "assert pickle.loads(pickle.dumps(pipe)).steps == pipe.steps\n"
        here = str(Path(__file__).parent.parent.parent)
        subprocess.run([sys.executable, "-c", script], check=True, cwd=tmp_path, env={**os.environ, "PYTHONPATH": here})


_NAMES = "from fluentpipe import DependencySpec, OutputSpec, ProcessingStep, RawData, StepContract, setting"


def test_steps_can_be_pickled() -> None:
    for step in Pipeline("a").load_data("s3://bucket/x", label="y", seed=3).preprocess(min_frequency=3).steps:
        assert pickle.loads(pickle.dumps(step)) == step


@pytest.mark.parametrize("name", ["", "a b", "x" * 65, "_a", "get", "list_outputs", 5, "a/b", "ä"])
def test_a_step_name_that_cannot_be_used_is_refused(name: Any) -> None:
    with pytest.raises(ValueError, match="name: "):
        Pipeline("a").load_data("s3://bucket/x", label="y", name=name)
