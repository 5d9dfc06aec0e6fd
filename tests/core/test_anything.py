"""Steps of the user's own making: what the call declares is wired, shown, emitted and refused like any contract."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fluentpipe import (
    DependencySpec,
    EvaluationReport,
    ModelArtifacts,
    OutputSpec,
    Parameter,
    Pipeline,
    ProcessingOutput,
    RawData,
    TestData,
    TrainingData,
)
from fluentpipe.errors import AmbiguousInput, SettingError, UnknownOutput, UnwiredInput

from .test_materialize import HERE, masked, named


@pytest.fixture(autouse=True)
def scripts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with programs, which is the working directory."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "clean.py").write_text("import shared\n")
    (tmp_path / "shared.py").write_text("")
    (tmp_path / "fit.py").write_text("")
    (tmp_path / "run.sh").write_text("true\n")
    (tmp_path / "code" / "deep").mkdir(parents=True)
    (tmp_path / "code" / "deep" / "main.py").write_text("")
    (tmp_path / "code" / "notes.txt").write_text("")
    (tmp_path / "asking").mkdir()
    (tmp_path / "asking" / "main.py").write_text("")
    (tmp_path / "asking" / "requirements.txt").write_text("shap\n")
    return tmp_path


def loaded() -> Any:
    return Pipeline("churn").load_data("s3://my-bucket/churn.csv", label="churn")


def bound(pipe: Any, step: str) -> dict[str, str]:
    return {each.input: each.label for each in pipe.explain() if each.step == step}


def emitted(pipe: Any, step: str) -> dict[str, Any]:
    found: dict[str, Any] = named(pipe.materialize(**HERE).document)[step]["Arguments"]
    return found


def cleaned(**facts: Any) -> Any:
    return loaded().process("clean.py", inputs={"raw": RawData}, outputs={"clean": RawData}, **facts)


def both() -> Any:
    return (
        cleaned(arguments={"share": Parameter("share", 0.5), "verbose": True}, instance_type="ml.c5.large")
        .preprocess()
        .train(
            "fit.py",
            inputs={"train": TrainingData},
            hyperparameters={"depth": 3, "columns": ["a", "b"]},
            metric_definitions={"auc": "auc=([0-9.]+)"},
            framework="sklearn",
            use_spot=True,
        )
    )


def test_the_definition_of_a_script_and_of_a_training_script(golden: Callable[[str, str], None]) -> None:
    definition = both().materialize(**HERE)
    golden("anything.json", masked(definition, [named(definition.document)[name] for name in ("clean", "fit")]))


def test_what_a_script_makes_of_its_input_takes_the_place_of_it() -> None:
    pipe = cleaned().preprocess()
    assert bound(pipe, "clean") == {"raw": "data_loading.raw_data"}
    assert bound(pipe, "tabular_preprocessing") == {"raw_data": "clean.clean"}


def test_an_output_of_another_kind_leaves_its_input_in_place() -> None:
    pipe = loaded().process("clean.py", inputs={"raw": RawData}, outputs={"rows": TestData}).preprocess()
    assert bound(pipe, "tabular_preprocessing") == {"raw_data": "data_loading.raw_data"}


def test_two_scripts_that_make_the_same_kind_are_an_error_that_asks() -> None:
    pipe = Pipeline("a").process("clean.py", outputs={"one": TrainingData})
    with pytest.raises(AmbiguousInput, match=r"clean\.one .*other\.two"):
        pipe.process("clean.py", outputs={"two": TrainingData}, name="other").train_xgboost()


def test_outputs_are_reached_by_their_names() -> None:
    pipe = cleaned()
    assert pipe.outputs.clean.clean is pipe.outputs.get("clean", "clean")
    assert pipe.outputs.clean.clean.kind is RawData
    with pytest.raises(UnknownOutput, match=r"has no output 'claen'\. Did you mean 'clean'"):
        _ = pipe.outputs.clean.claen


def test_inputs_may_be_given_and_their_kind_is_checked_like_any() -> None:
    pipe = loaded().preprocess().train_xgboost()
    model = pipe.outputs.xgboost_training.model_artifacts
    given = pipe.process("clean.py", inputs={"model": model, "list": "s3://my-bucket/list.csv", "script": "shared.py"})
    assert bound(given, "clean")["model"] == "xgboost_training.model_artifacts"
    places = {each["InputName"]: each["S3Input"]["S3Uri"] for each in emitted(given, "clean")["ProcessingInputs"]}
    assert places["model"] == {"Get": "Steps.xgboost_training.ModelArtifacts.S3ModelArtifacts"}
    assert places["list"] == "s3://my-bucket/list.csv"
    assert places["script"].startswith("s3://my-bucket/churn/data/")


def test_an_input_may_be_specified_in_full() -> None:
    spec = DependencySpec("any", ModelArtifacts, required=False, description="A model, if there is one.")
    assert bound(loaded().process("clean.py", inputs={"model": spec}), "clean") == {}


@pytest.mark.parametrize(
    ("outputs", "file"),
    [
        ({"report": EvaluationReport}, "evaluation.json"),
        ([OutputSpec("report", EvaluationReport)], "evaluation.json"),
        ([OutputSpec("report", EvaluationReport, property_file="figures.json")], "figures.json"),
        ([OutputSpec("report", ProcessingOutput, property_file="any.json")], "any.json"),
    ],
)
def test_values_in_an_output_are_read_by_conditions(outputs: Any, file: str) -> None:
    pipe = loaded().process("clean.py", outputs=outputs)
    gated = pipe.when(pipe.outputs.clean.report.json("rows") > 100).then(lambda p: p.preprocess())
    steps = named(gated.materialize(**HERE).document)
    assert steps["clean"]["PropertyFiles"] == [{"PropertyFileName": "report", "OutputName": "report", "FilePath": file}]


def test_the_figures_of_a_scripts_report_are_gated_and_registered() -> None:
    pipe = loaded().process("clean.py", inputs={"raw": RawData}, outputs={"report": EvaluationReport})
    steps = named(pipe.require(min_auc=0.8).fail("enough").materialize(**HERE).document)
    assert steps["quality_gate"]["Arguments"]["Conditions"][0]["LeftValue"]["Std:JsonGet"]["Path"] == "metrics.auc"


def test_a_list_of_arguments_is_all_that_the_script_gets() -> None:
    words = ["--in", "/opt/ml/processing/input/raw", 3, Parameter("share", 0.5)]
    application = emitted(cleaned(arguments=words), "clean")["AppSpecification"]
    assert application["ContainerArguments"][:3] == ["--in", "/opt/ml/processing/input/raw", "3"]
    assert len(application["ContainerArguments"]) == 4


def test_a_folder_is_shipped_as_a_whole() -> None:
    pipe = Pipeline("a").process("deep/main.py", source_dir="code").train("deep/main.py", source_dir="code", name="fit")
    definition = pipe.materialize(**HERE)
    assert {"deep/main.py", "notes.txt"} in [set(asset.files) for asset in definition.assets]
    entry = emitted(pipe, "main")["AppSpecification"]["ContainerEntrypoint"]
    assert entry == ["python3", "/opt/ml/processing/input/code/deep/main.py"]
    assert emitted(pipe, "fit")["HyperParameters"]["sagemaker_program"] == '"deep/main.py"'


@pytest.mark.parametrize(
    ("given", "script"),
    [
        ({"script": "main.py", "source_dir": "asking", "requirements": "asking/requirements.txt"}, "main.py"),
        ({"script": "clean.py", "requirements": ["shap"]}, "clean.py"),
    ],
)
def test_requirements_are_installed_before_the_script_starts(given: dict[str, Any], script: str) -> None:
    pipe = Pipeline("a").process(**given, arguments=["--all"], name="own")
    application = emitted(pipe, "own")["AppSpecification"]
    places = [f"/opt/ml/processing/input/code/{name}" for name in ("with_requirements.py", script)]
    assert application["ContainerEntrypoint"] == ["python3", places[0], "python3", places[1]]
    assert application["ContainerArguments"] == ["--all"]
    (asset,) = pipe.materialize(**HERE).assets
    assert {script, "requirements.txt", "with_requirements.py"} <= {*asset.files}
    asked = asset.files["requirements.txt"]
    assert (asked if isinstance(asked, bytes) else asked.read_bytes()) == b"shap\n"


def test_a_script_brings_the_modules_beside_it() -> None:
    assert {"clean.py", "shared.py"} in [set(asset.files) for asset in cleaned().materialize(**HERE).assets]


def test_a_shell_script_and_an_image_of_its_own() -> None:
    pipe = Pipeline("a").process("run.sh", image_uri="a.dkr.ecr.b/c:1").process(image_uri="d.dkr.ecr.e/f:2", name="own")
    shell, own = emitted(pipe, "run"), emitted(pipe, "own")
    assert shell["AppSpecification"] == {
        "ImageUri": "a.dkr.ecr.b/c:1",
        "ContainerEntrypoint": ["/bin/sh", "/opt/ml/processing/input/code/run.sh"],
    }
    assert own["AppSpecification"] == {"ImageUri": "d.dkr.ecr.e/f:2"}
    assert "ProcessingInputs" not in own


def test_the_algorithm_of_an_image_is_trained_without_a_script() -> None:
    algorithm = Pipeline("a").train(
        image_uri="a.dkr.ecr.b/c:1", name="fit", inputs={"train": "s3://bucket/t"}, hyperparameters={"num_round": 5}
    )
    assert emitted(algorithm, "fit")["HyperParameters"] == {"num_round": "5"}


def test_shared_settings_and_time_limits_hold() -> None:
    pipe = Pipeline("a").defaults(instance_type="ml.m5.large", processing={"tags": {"team": "x"}})
    request = emitted(pipe.process("clean.py"), "clean")
    assert request["ProcessingResources"]["ClusterConfig"]["InstanceType"] == "ml.m5.large"
    assert request["Tags"] == [{"Key": "team", "Value": "x"}]
    limited = both().steps[-1].limited(60)
    assert limited.given["max_runtime"] == 60
    assert set(limited.contract.dependencies) == set(both().steps[-1].contract.dependencies)


MISTAKES: dict[str, tuple[Callable[[], Any], str]] = {
    "no script": (lambda: loaded().process(), "script: must be given, or image_uri"),
    "a script that is not there": (lambda: loaded().process("claen.py"), "Did you mean 'clean.py'"),
    "a script that is not in the folder": (lambda: loaded().process("main.py", source_dir="code"), "there is no 'main.py'"),
    "no requirements there": (lambda: loaded().process("clean.py", requirements="r.txt"), "requirements: there is no file 'r.txt'"),
    "requirements of nothing": (lambda: loaded().process(image_uri="a/b", requirements=["a"]), "requirements: they are those of"),
    "requirements that are none": (lambda: loaded().process("clean.py", requirements=["a\nb"]), "a list of lines such as"),
    "requirements without a network": (
        lambda: loaded().process("clean.py", requirements=["a"], network_isolation=True), "with network_isolation nothing can be",
    ),
    "requirements of two files": (
        lambda: loaded().process("main.py", source_dir="asking", requirements=["a"]), "source_dir has a requirements.txt of its own",
    ),
    "a program of another kind": (lambda: loaded().process("clean.R"), r"script: must be a \.py or \.sh file"),
    "a folder without a script": (lambda: loaded().process(image_uri="a/b", source_dir="code"), "source_dir: it is the"),
    "an input that is nothing": (lambda: loaded().process("clean.py", inputs={"raw": 3}), "inputs: raw must be"),
    "an input in the place of the code": (lambda: loaded().process("clean.py", inputs={"code": RawData}), "'code' is where"),
    "an output without a kind": (lambda: loaded().process("clean.py", outputs={"a": "b"}), "must say the kind of 'a'"),
    "a name that is none": (lambda: loaded().process("clean.py", outputs={"a b": RawData}), "'a b' is empty or no ident"),
    "one option twice": (lambda: cleaned(arguments={"raw": 1}), "'raw' is given twice"),
    "a setting that is none": (lambda: cleaned(instance_typ="x"), "Did you mean 'instance_type'"),
    "hyperparameters of no form": (lambda: loaded().train("fit.py", hyperparameters={"a": object()}), "hyperparameters: must"),
}  # fmt: skip


@pytest.mark.parametrize(("call", "said"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_told_at_the_call(call: Callable[[], Any], said: str) -> None:
    with pytest.raises(SettingError, match=said):
        call()


def test_a_kind_that_nothing_gives_is_told_at_the_call() -> None:
    with pytest.raises(UnwiredInput, match="needs TrainingData"):
        loaded().process("clean.py", inputs={"train": TrainingData})


ARN = "arn:aws:lambda:us-east-1:111122223333:function:tell"
QUEUE = "https://sqs.us-east-1.amazonaws.com/111122223333/people"


def asking() -> Any:
    pipe = loaded().invoke_lambda(
        ARN, inputs={"rows": RawData, "who": ["me", 3]}, outputs={"ticket": str, "open": int}, name="ask", cache="P1D"
    )
    return pipe.callback(QUEUE, inputs={"ticket": pipe.outputs.ask.ticket}, outputs=["answer"], name="person")


def test_the_definition_of_a_lambda_and_a_callback_is_that_of_the_sdk() -> None:
    pipe = asking()
    steps = named(pipe.when(pipe.outputs.ask.open > 2).then(lambda p: p.fail("no")).materialize(**HERE).document)
    assert steps["ask"] == {
        "Name": "ask",
        "Type": "Lambda",
        "Arguments": {
            "rows": {"Get": "Steps.data_loading.ProcessingOutputConfig.Outputs['raw_data'].S3Output.S3Uri"},
            "who": ["me", 3],
        },
        "FunctionArn": ARN,
        "OutputParameters": [
            {"OutputName": "ticket", "OutputType": "String"},
            {"OutputName": "open", "OutputType": "Integer"},
        ],
        "CacheConfig": {"Enabled": True, "ExpireAfter": "P1D"},
    }
    assert steps["person"] == {
        "Name": "person",
        "Type": "Callback",
        "Arguments": {"ticket": {"Get": "Steps.ask.OutputParameters['ticket']"}},
        "SqsQueueUrl": QUEUE,
        "OutputParameters": [{"OutputName": "answer", "OutputType": "String"}],
    }
    assert steps["branch"]["Arguments"]["Conditions"][0]["LeftValue"] == {"Get": "Steps.ask.OutputParameters['open']"}


@pytest.mark.parametrize("made", [both, asking])
def test_copies_and_pickles_keep_what_the_call_declared(made: Callable[[], Any]) -> None:
    pipe = made()
    for twin in (copy.deepcopy(pipe), pickle.loads(pickle.dumps(pipe))):
        assert twin.steps == pipe.steps
        assert twin.materialize(**HERE).document == pipe.materialize(**HERE).document


ASKED_WRONGLY: dict[str, tuple[Callable[[], Any], str]] = {
    "no ARN": (lambda: loaded().invoke_lambda("tell"), "function_arn: must be the ARN of a function"),
    "no queue": (lambda: loaded().callback("people"), "queue_url: must be the URL of a queue"),
    "a type of no answer": (lambda: loaded().invoke_lambda(ARN, outputs={"a": list}), "outputs: must say for each name"),
    "a name that is none": (lambda: loaded().invoke_lambda(ARN, outputs=["a b"]), "output name 'a b'"),
    "inputs without names": (lambda: loaded().callback(QUEUE, inputs=3), "must be a mapping with names"),
}  # fmt: skip


@pytest.mark.parametrize(("call", "said"), ASKED_WRONGLY.values(), ids=ASKED_WRONGLY)
def test_what_asks_wrongly_is_told_at_the_call(call: Callable[[], Any], said: str) -> None:
    with pytest.raises(SettingError, match=said):
        call()


def test_several_instances_share_the_files_of_the_inputs_that_are_named() -> None:
    both = {"rows": "s3://bucket/rows", "list": "s3://bucket/list"}
    pipe = (
        Pipeline("a")
        .process("clean.py", inputs=both, instance_count=3, sharded=["rows"])
        .train("fit.py", inputs=both, instance_count=2, sharded=["list"])
    )
    request, training = emitted(pipe, "clean"), emitted(pipe, "fit")
    assert request["ProcessingResources"]["ClusterConfig"]["InstanceCount"] == 3
    assert training["ResourceConfig"]["InstanceCount"] == 2
    shared = {each["InputName"]: each["S3Input"]["S3DataDistributionType"] for each in request["ProcessingInputs"]}
    assert shared == {"rows": "ShardedByS3Key", "list": "FullyReplicated", "code": "FullyReplicated"}
    sources = {each["ChannelName"]: each["DataSource"]["S3DataSource"] for each in training["InputDataConfig"]}
    assert {name: each["S3DataDistributionType"] for name, each in sources.items()} == {
        "rows": "FullyReplicated",
        "list": "ShardedByS3Key",
    }
    own = Pipeline("a").process(image_uri="a.dkr.ecr.b/c:1", instance_count=2, name="own")
    assert emitted(own, "own")["ProcessingResources"]["ClusterConfig"]["InstanceCount"] == 2
    with pytest.raises(SettingError, match=r"sharded: there is no input 'row'\. Did you mean 'rows'"):
        Pipeline("a").process("clean.py", inputs=both, instance_count=3, sharded=["row"])


@pytest.mark.parametrize(
    "call",
    [
        lambda: Pipeline("a").load_data("s3://bucket/x", label="y", instance_count=2),
        lambda: loaded().preprocess(instance_count=2),
        lambda: loaded().preprocess().tune_xgboost(instance_count=2),
        lambda: loaded().preprocess().train_sklearn(instance_count=2),
        lambda: loaded().preprocess().prepare_hyperparameters(instance_count=2),
        lambda: loaded().preprocess().train_xgboost().evaluate_performance(instance_count=2),
    ],
)
def test_programs_for_one_instance_refuse_several(call: Callable[[], Any]) -> None:
    with pytest.raises(SettingError, match="cannot use 2 instances"):
        call()


def test_several_instances_train_one_model_without_folds() -> None:
    request = emitted(loaded().preprocess().train_xgboost(instance_count=3, network_isolation=True), "xgboost_training")
    assert (request["ResourceConfig"]["InstanceCount"], request["HyperParameters"]["n_folds"]) == (3, "0")
    shared = {each["DataSource"]["S3DataSource"]["S3DataDistributionType"] for each in request["InputDataConfig"]}
    assert shared == {"FullyReplicated"}  # a part of the files would be data without their schema
    later = loaded().preprocess().train_xgboost(instance_count=Parameter("instances", 1))
    assert "n_folds" not in emitted(later, "xgboost_training")["HyperParameters"]
    with pytest.raises(SettingError, match=r"among 2 instances") as caught:
        loaded().preprocess().train_xgboost(instance_count=2, n_folds=5, tree_method="exact", booster="gblinear")
    assert all(f"{name}: " in str(caught.value) for name in ("n_folds", "tree_method", "booster"))
