"""What of the exchange with the SageMaker SDK needs no SDK: what its objects look like is enough."""

from __future__ import annotations

import copy
import json
import pickle
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from fluentpipe import (
    Definition,
    ExecutionVariable,
    Join,
    JsonGet,
    Parameter,
    Pipeline,
    PropertyReference,
    TrainingData,
)
from fluentpipe.adopt import Verbatim, adopted, reference
from fluentpipe.document import is_reference
from fluentpipe.errors import DefinitionError, MissingExtra, SettingError
from fluentpipe.kinds import JobName
from fluentpipe.sdk.installed import Sdk, installed
from fluentpipe.sdk.interface import input_places, logical_name, outputs_of, with_kinds
from fluentpipe.sdk.inward import Member, wrapped
from fluentpipe.sdk.outward import differences

FIXTURES = Path(__file__).parent / "fixtures"


class Variable:
    """Looks like a pipeline variable of the SDK."""

    def __init__(self, expr: Any, **facts: Any) -> None:
        self.expr = expr
        vars(self).update(facts)

    def __str__(self) -> str:
        raise TypeError("Pipeline variables do not support __str__ operation.")


def declared(name: str, kind: str, default: Any, choices: Any = None) -> Variable:
    """Looks like one of the SDK's parameters."""
    facts = {"name": name, "parameter_type": Variable(None, value=kind), "default_value": default}
    return Variable({"Get": f"Parameters.{name}"}, **facts, **({"enum_values": choices} if choices else {}))


# ---- variables of the SDK ------------------------------------------------------------------------------------------------

TRAINING = Variable(None, step_type=Variable(None, value="Training"))
FORMS = {
    "a text parameter": (declared("data", "String", "s3://b/x", ["s3://b/x", "s3://b/y"]), Parameter("data", "s3://b/x", choices=("s3://b/x", "s3://b/y"))),
    "a number whose default is written without a point": (declared("share", "Float", 1), Parameter("share", 1.0)),
    "a parameter without a default": (declared("open", "Integer", None), Parameter("open", type=int)),
    "a flag": (declared("flag", "Boolean", False), Parameter("flag", False)),
    "an execution variable": (Variable({"Get": "Execution.PipelineExecutionId"}), ExecutionVariable("PipelineExecutionId")),
    "a property, with its type where the step is known": (
        Variable({"Get": "Steps.Train.FinalMetricDataList['auc'].Value"}, _step=TRAINING),
        PropertyReference("Train", "FinalMetricDataList['auc'].Value", value_type="float"),
    ),
    "a property of a step that is not known": (
        Variable({"Get": "Steps.Ask.OutputParameters['x']"}),
        PropertyReference("Ask", "OutputParameters['x']", value_type="any"),
    ),
    "a value in a JSON file": (
        Variable({"Std:JsonGet": {"PropertyFile": {"Get": "Steps.Eval.PropertyFiles.Report"}, "Path": "a.b"}}),
        JsonGet(PropertyReference("Eval", "PropertyFiles.Report", "Report"), "a.b"),
    ),
    "an execution variable that we have no class for": (
        Variable({"Get": "Execution.TrainingJobName"}),
        Verbatim({"Get": "Execution.TrainingJobName"}),
    ),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_a_variable_of_the_sdk_is_a_reference_of_ours(form):
    variable, wanted = FORMS[form]
    assert adopted(variable) is wanted
    assert adopted(variable).to_request() == variable.expr


def test_a_join_keeps_the_declarations_of_its_parameters():
    part = declared("prefix", "String", "a")
    join = Variable({"Std:Join": {"On": "/", "Values": ["s3://b", part.expr]}}, values=["s3://b", part], on="/")
    assert adopted(join) is Join("/", ("s3://b", Parameter("prefix", "a")))


def test_variables_are_found_inside_lists_and_mappings_and_all_else_is_left_alone():
    plain = [1, "x", None, object(), {"a": (2.0, True)}, Path("x")]
    assert adopted(plain) == plain
    assert adopted({"a": [Variable({"Get": "Execution.PipelineName"})]})["a"][0] is ExecutionVariable("PipelineName")


names = st.text("abcXYZ09-_", min_size=1, max_size=8)
gets = st.builds(
    lambda text: {"Get": text},
    st.one_of(
        names.map("Parameters.{}".format),
        st.sampled_from(("Execution.PipelineName", "Execution.Newer", "Anything.Else")),
        st.builds("Steps.{}.A.B['{}']".format, names, names),
    ),
)
forms = st.recursive(
    gets,
    lambda inner: st.one_of(
        st.builds(
            lambda on, values: {"Std:Join": {"On": on, "Values": values}},
            st.sampled_from(("", "/", "-")),
            st.lists(st.one_of(inner, names, st.integers()), min_size=1, max_size=3),
        ),
        st.builds(lambda uri, path: {"Std:JsonGet": {"S3Uri": uri, "Path": path}}, inner, names),
    ),
    max_leaves=6,
)


@given(forms)
def test_whatever_form_a_reference_has_it_stays_that_form(form):
    assert reference(form).to_request() == form
    assert pickle.loads(pickle.dumps(reference(form))) is reference(form)


# ---- in the chain --------------------------------------------------------------------------------------------------------


def test_settings_and_inputs_take_variables_of_the_sdk():
    pipe: Any = (
        Pipeline("churn")
        .load_data(declared("rows", "String", "s3://my-bucket/rows"), label="y")
        .preprocess()
        .train_xgboost(
            max_depth=declared("depth", "Integer", 6), environment={"A": Variable({"Get": "Execution.PipelineName"})}
        )
    )
    assert pipe.steps[-1].max_depth is Parameter("depth", 6)
    assert set(pipe.parameters) == {"rows", "depth"}
    arguments = next(each for each in pipe.materialize().steps() if each.type == "Training").arguments
    assert arguments["Environment"] == {"A": {"Get": "Execution.PipelineName"}}


def test_a_variable_of_the_wrong_type_is_refused_like_any_value():
    base: Any = Pipeline("churn").provide(TrainingData, "s3://my-bucket/rows")
    with pytest.raises(SettingError, match=r"max_depth: takes int, but <reference parameters\.depth> is str"):
        base.train_xgboost(max_depth=declared("depth", "String", "6"))


class LooksLikeAPipeline:
    name = "by-hand"

    def __init__(self, document: Any) -> None:
        self._document = document

    def definition(self) -> str:
        return json.dumps(self._document)


def test_a_pipeline_object_loads_as_what_it_writes():
    document = json.loads((FIXTURES / "run_v3_algorithm.json").read_text().replace("<sha256>", "0" * 64))
    definition = Definition.load(LooksLikeAPipeline(document))
    assert (definition.name, definition.document) == ("by-hand", document)
    with pytest.raises(DefinitionError, match="Steps"):
        Definition.load(LooksLikeAPipeline({"Version": "2020-12-01", "Steps": {}}))


PARAMETERS = {
    "Parameters.InputData": Parameter("InputData", "s3://my-bucket/raw"),
    "Parameters.ProcessingInstanceCount": Parameter("ProcessingInstanceCount", 1),
}


def with_references(value: Any) -> Any:
    """A request of a fixture as the SDK gives it to us."""
    if is_reference(value):
        known = PARAMETERS.get(str(value.get("Get")))
        return reference(value) if known is None else known
    if isinstance(value, dict):
        return {key: with_references(each) for key, each in value.items()}
    return [with_references(each) for each in value] if isinstance(value, list) else value


def steps_of(name: str) -> dict[str, Any]:
    document = json.loads((FIXTURES / f"{name}.json").read_text().replace("<sha256>", "0" * 64))
    return {each["Name"]: each for each in document["Steps"]}


INTERFACES = {
    ("run_v2_xgboost", "Prep"): (["input_1", "code"], ["train", "validation", "test"]),
    ("run_v3_algorithm", "Prep"): (["input", "code"], ["train", "validation", "test"]),
    ("run_v2_xgboost", "Train"): (["train", "validation"], ["model_artifacts", "training_job_name"]),
    ("run_v3_drivers", "Train"): (["train", "validation", "code", "sm_drivers"], ["model_artifacts", "training_job_name"]),
    ("v3", "model_evaluation"): (["model_artifacts", "test_data", "code"], ["evaluation_report", "predictions"]),
}  # fmt: skip


@pytest.mark.parametrize(("fixture", "name"), INTERFACES)
def test_what_a_step_takes_and_yields_is_read_off_its_request(fixture, name):
    step = steps_of(fixture)[name]
    assert (list(input_places(step)), list(outputs_of(step))) == INTERFACES[fixture, name]


@pytest.mark.parametrize(("kind", "data_type"), [(JobName, "Integer"), (TrainingData, "S3Uri")])
def test_an_output_that_is_told_its_kind_keeps_its_type_of_data_within_the_family(kind, data_type):
    given = {"OutputName": "job-id", "OutputType": "Integer"}
    inferred = outputs_of({"Type": "Lambda", "OutputParameters": [given]})
    (spec,) = with_kinds("Ask", inferred, {"job-id": kind})
    assert (spec.name, spec.kind, spec.path) == ("job_id", kind, "OutputParameters['job-id']")
    assert spec.data_type == data_type


def test_a_registration_takes_a_model_and_yields_a_version():
    (step,) = steps_of("run_v3_algorithm")["CheckAuc"]["Arguments"]["IfSteps"]
    assert list(input_places(step)) == ["model_artifacts", "model_statistics"]
    assert [spec.path for spec in outputs_of(step).values()] == ["ModelPackageArn"]


@pytest.mark.parametrize(
    ("name", "logical"),
    [
        ("input-1", "input_1"),
        ("train", "train"),
        ("1st", "data_1st"),
        ("class", "class_"),
        ("-x-", "x"),
        ("é", "data"),
        ("properties", "properties_"),
    ],
)
def test_a_name_of_the_sdk_is_an_identifier(name, logical):
    assert logical_name(name) == logical


def test_a_chain_of_wrapped_steps_materializes_to_the_steps_that_the_sdk_wrote():
    theirs = steps_of("run_v2_algorithm")
    pipe: Any = Pipeline("by-hand")
    for name in ("Prep", "Train"):
        member = Member(name, with_references(theirs[name]), "", name, {})
        pipe = pipe._with_step(wrapped(member, pipe._chain, {"train": TrainingData} if name == "Prep" else None))
    ours = {each.name: each.request for each in pipe.materialize().steps()}
    assert list(differences([ours["Prep"], ours["Train"]], [theirs["Prep"], theirs["Train"]])) == [
        # An empty container says nothing, and the service refuses some.
        "$[1].Arguments.DebugHookConfig.CollectionConfigurations: nothing here, [] by the SDK"
    ]
    assert pipe.outputs.Prep.train.kind is TrainingData
    assert [each.label for each in pipe.explain()] == ["Prep.train", "Prep.validation"]


# ---- comparing -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda steps: steps["Prep"]["Arguments"].pop("RoleArn"), "RoleArn"),
        (lambda steps: steps["Prep"].update(Further=1), "Further"),
        (lambda steps: steps["Train"]["CacheConfig"].update(Enabled=1), "Enabled"),
        (lambda steps: steps["CheckAuc"]["Arguments"]["IfSteps"].clear(), "IfSteps"),
        (lambda steps: steps["CheckAuc"]["Arguments"].update(ElseSteps=[]), "ElseSteps"),
    ],
)
def test_any_difference_from_what_the_sdk_writes_is_found_with_its_place(change, place):
    ours = steps_of("run_v2_algorithm")
    theirs = copy.deepcopy(ours)
    change(theirs)
    (found,) = differences({"Steps": list(ours.values())}, {"Steps": list(theirs.values())})
    assert place in found


# ---- without the SDK -----------------------------------------------------------------------------------------------------


@pytest.fixture
def version(monkeypatch):
    """Says which SDK is installed."""

    def say(text: str | None) -> None:
        def answer(name: str) -> str:
            if text is None or name != "sagemaker":
                raise metadata.PackageNotFoundError(name)
            return text

        monkeypatch.setattr(metadata, "version", answer)

    return say


CALLS = {
    "to_sagemaker": lambda: Pipeline("a").load_data("s3://my-bucket/x", label="y").to_sagemaker(),
    "sdk_step": lambda: Pipeline("a").sdk_step(object()),
    "from_sagemaker": lambda: Pipeline.from_sagemaker(Variable(None, name="a", steps=[], pipeline_definition_config=None)),
}  # fmt: skip


@pytest.mark.parametrize("call", CALLS)
def test_without_the_sdk_the_error_says_how_to_install_it(call, version):
    version(None)
    with pytest.raises(MissingExtra, match=r"not installed.\n  fix: pip install 'fluentpipe\[sagemaker\]'"):
        CALLS[call]()


def test_an_sdk_of_an_unknown_major_is_refused(version):
    version("4.0.1")
    with pytest.raises(MissingExtra, match=r"SDK 4.0.1 is installed; fluentpipe knows versions 2 and 3"):
        installed()


@pytest.mark.parametrize("text", ["2.257.7", "3.27.0"])
def test_either_known_major_is_taken(text, version):
    version(text)
    assert repr(installed()) == f"<SageMaker SDK {text}>"
    assert installed().has("StepDependency") is (text[0] == "3")


def test_a_class_that_a_major_does_not_have_is_an_attribute_error():
    assert not hasattr(Sdk("2.0.0"), "StepDependency")


def test_reaching_for_the_exchange_imports_neither_the_sdk_nor_boto3():
    code = "import fluentpipe.sdk, sys; print(sorted({'sagemaker', 'boto3', 'botocore'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
