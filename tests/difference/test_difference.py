"""Each edit of a definition is told as what it is, and as nothing else."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from fluentpipe.difference import Difference, difference

from .definitions import Document, changed, document, loaded, step

TRAINING, GATE = "xgboost_training", "quality_gate"
_TRAIN = "Steps.tabular_preprocessing.ProcessingOutputConfig.Outputs['train_data'].S3Output.S3Uri"


def arguments(document: Document, name: str) -> Any:
    return step(document, name)["Arguments"]


def channel(document: Document, index: int) -> Any:
    return arguments(document, TRAINING)["InputDataConfig"][index]["DataSource"]["S3DataSource"]


def words(document: Document, name: str) -> list[Any]:
    found: list[Any] = arguments(document, name)["AppSpecification"]["ContainerArguments"]
    return found


def set_word(document: Document, name: str, flag: str, value: Any) -> None:
    listed = words(document, name)
    listed[listed.index(flag) + 1] = value


def moved_out(document: Document) -> None:
    document["Steps"].append(arguments(document, GATE)["IfSteps"].pop())


def renamed(document: Document, old: str, new: str) -> Document:
    """The document with every mention of a step under another name."""
    import json

    changed: Document = json.loads(json.dumps(document).replace(old, new))
    document.clear()
    document.update(changed)
    return document


EDITS: dict[str, tuple[Callable[[Document], object], str]] = {
    "a hyperparameter": (
        lambda d: arguments(d, TRAINING)["HyperParameters"].update(max_depth="6"),
        "xgboost_training: max_depth: 8 → 6",
    ),
    "a hyperparameter more": (
        lambda d: arguments(d, TRAINING)["HyperParameters"].update(gamma="1"),
        "xgboost_training: gamma added: 1",
    ),
    "a hyperparameter less": (
        lambda d: arguments(d, TRAINING)["HyperParameters"].pop("eta"),
        "xgboost_training: eta removed: 0.05",
    ),
    "a hyperparameter that becomes a parameter": (
        lambda d: arguments(d, TRAINING)["HyperParameters"].update(max_depth={"Get": "Parameters.depth"}),
        "xgboost_training: max_depth: 8 → parameter depth",
    ),
    "an argument of a program": (
        lambda d: set_word(d, "data_loading", "--validation-split", "0.3"),
        "data_loading: --validation-split: 0.15 → 0.3",
    ),
    "an argument more": (
        lambda d: words(d, "data_loading").extend(["--verbose"]),
        "data_loading: --verbose added",
    ),
    "an argument less": (
        lambda d: words(d, "data_loading").__delitem__(slice(-2, None)),
        "data_loading: --format removed: auto",
    ),
    "the order of the arguments": (
        lambda d: words(d, "model_evaluation").extend(
            [words(d, "model_evaluation").pop(0), words(d, "model_evaluation").pop(0)]
        ),
        ("model_evaluation: order of the arguments: --model --test --output --predictions"
        " → --test --output --predictions --model"),
    ),
    "an environment variable": (
        lambda d: arguments(d, TRAINING)["Environment"].update(LOG="debug"),
        "xgboost_training: Environment LOG: info → debug",
    ),
    "the instance type": (
        lambda d: arguments(d, TRAINING)["ResourceConfig"].update(InstanceType="ml.m5.4xlarge"),
        "xgboost_training: InstanceType: ml.m5.xlarge → ml.m5.4xlarge",
    ),
    "a time limit": (
        lambda d: arguments(d, "model_evaluation")["StoppingCondition"].update(MaxRuntimeInSeconds=60),
        "model_evaluation: MaxRuntimeInSeconds: 86400 → 60",
    ),
    "where an input comes from": (
        lambda d: channel(d, 1).update(S3Uri={"Get": _TRAIN}),
        "xgboost_training: input validation: tabular_preprocessing.validation_data → tabular_preprocessing.train_data",
    ),
    "an input from outside": (
        lambda d: channel(d, 0).update(S3Uri="s3://my-bucket/train"),
        "xgboost_training: input train: tabular_preprocessing.train_data → s3://my-bucket/train",
    ),
    "an input less": (
        lambda d: arguments(d, TRAINING)["InputDataConfig"].pop(2),
        "xgboost_training: input preprocessing removed: tabular_preprocessing.preprocessing_model",
    ),
    "how an input is read": (
        lambda d: channel(d, 0).update(S3DataDistributionType="ShardedByS3Key"),
        "xgboost_training: input train S3DataDistributionType added: ShardedByS3Key",
    ),
    "where an output goes": (
        lambda d: arguments(d, "data_loading")["ProcessingOutputConfig"]["Outputs"][0]["S3Output"].update(
            S3Uri="s3://my-bucket/raw"
        ),
        ("data_loading: output raw_data: s3://my-bucket/churn/${PipelineExecutionId}/data_loading/output/raw_data"
        " → s3://my-bucket/raw"),
    ),
    "an image": (
        lambda d: arguments(d, TRAINING)["AlgorithmSpecification"].update(TrainingImage="repo/image:2"),
        ("xgboost_training: image TrainingImage: 683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.0-5"
        " → repo/image:2"),
    ),
    "a tag": (
        lambda d: arguments(d, TRAINING)["Tags"][0].update(Value="sales"),
        "xgboost_training: tag team: growth → sales",
    ),
    "a tag less": (lambda d: arguments(d, TRAINING)["Tags"].pop(), "xgboost_training: tag cost removed: 7"),
    "how long results are kept": (
        lambda d: step(d, TRAINING)["CacheConfig"].update(ExpireAfter="P1D"),
        "xgboost_training: cache ExpireAfter: P30D → P1D",
    ),
    "caching at all": (
        lambda d: step(d, TRAINING).pop("CacheConfig"),
        "xgboost_training: cache removed: true, P30D",
    ),
    "how often is tried again": (
        lambda d: step(d, TRAINING)["RetryPolicies"][0].update(MaxAttempts=5),
        "xgboost_training: retry RetryPolicies[0] MaxAttempts: 3 → 5",
    ),
    "what is waited for": (
        lambda d: step(d, TRAINING)["DependsOn"].remove("data_loading"),
        "xgboost_training: DependsOn: data_loading, tabular_preprocessing → tabular_preprocessing",
    ),
    "a limit": (
        lambda d: arguments(d, GATE)["Conditions"][0].update(RightValue=0.9),
        ("quality_gate: condition: model_evaluation.evaluation_report metrics.auc >= 0.8"
        " → model_evaluation.evaluation_report metrics.auc >= 0.9"),
    ),
    "a sign": (
        lambda d: arguments(d, GATE)["Conditions"][0].update(Type="GreaterThan"),
        ("quality_gate: condition: model_evaluation.evaluation_report metrics.auc >= 0.8"
        " → model_evaluation.evaluation_report metrics.auc > 0.8"),
    ),
    "a condition less": (
        lambda d: arguments(d, GATE)["Conditions"].pop(1),
        "quality_gate: condition removed: not (parameter depth == 8)",
    ),
    "a condition more": (
        lambda d: arguments(d, GATE)["Conditions"].append({"Type": "Equals", "LeftValue": 1, "RightValue": 2}),
        "quality_gate: condition added: 1 == 2",
    ),
    "a default": (lambda d: d["Parameters"][1].update(DefaultValue=8), "parameter depth: 6 → 8"),
    "the type of a parameter": (
        lambda d: d["Parameters"][1].update(Type="Float"),
        "parameter depth Type: Integer → Float",
    ),
    "a parameter more": (
        lambda d: d["Parameters"].append({"Name": "more", "Type": "Boolean", "DefaultValue": True}),
        "parameter more added: true",
    ),
    "a parameter less": (lambda d: d["Parameters"].pop(), "parameter depth removed: 6"),
    "the allowed values": (lambda d: d["Parameters"][1]["EnumValues"].append(9), "parameter depth EnumValues: 6, 8 → 6, 8, 9"),
    "the experiment": (
        lambda d: d["PipelineExperimentConfig"].update(TrialName="one"),
        "pipeline PipelineExperimentConfig TrialName: execution PipelineExecutionId → one",
    ),
    "a step less": (
        lambda d: arguments(d, GATE)["IfSteps"].pop(),
        ("step model_registration removed: RegisterModel, takes xgboost_training.model_artifacts,"
        " model_evaluation.evaluation_report, in the If branch of quality_gate"),
    ),
    "a step more": (
        lambda d: d["Steps"].append({"Name": "stop", "Type": "Fail", "Arguments": {"ErrorMessage": "no"}}),
        "step stop added: Fail",
    ),
    "a step of another type": (
        lambda d: step(d, "quality_gate_failed").update(Type="Lambda"),
        "step quality_gate_failed: Fail → Lambda",
    ),
    "a step out of its branch": (moved_out, "model_registration: moved out of the If branch of quality_gate"),
    "a step in the other branch": (
        lambda d: arguments(d, GATE)["ElseSteps"].append(arguments(d, GATE)["IfSteps"].pop()),
        "model_registration: moved from the If branch of quality_gate to the Else branch of quality_gate",
    ),
    "a name": (
        lambda d: renamed(d, "tabular_preprocessing", "prepare"),
        "tabular_preprocessing is now called prepare",
    ),
    "the program": (
        lambda d: arguments(d, TRAINING)["HyperParameters"].update(
            sagemaker_submit_directory=f'"s3://my-bucket/churn/code/{"0" * 64}/sourcedir.tar.gz"'
        ),
        "xgboost_training: code sagemaker_submit_directory: ",
    ),
}  # fmt: skip


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_is_one_difference_told_as_what_it_is(edit: str) -> None:
    change, told = EDITS[edit]
    found = difference(loaded(document()), changed(change))
    assert [str(each) for each in found] == [str(found[0])], "one edit, one difference"
    assert str(found[0]).startswith(told) if told.endswith(": ") else str(found[0]) == told


@pytest.mark.parametrize("edit", EDITS)
def test_from_the_other_side_it_is_the_mirror_image(edit: str) -> None:
    old, new = loaded(document()), changed(EDITS[edit][0])
    assert {each.mirrored() for each in difference(old, new)} == set(difference(new, old))


def _nothing(document: Document) -> None:
    pass


MEANINGLESS: dict[str, Callable[[Document], object]] = {
    "the order of the steps": lambda d: d["Steps"].reverse(),
    "the order of the parameters": lambda d: d["Parameters"].reverse(),
    "the order of allowed values": lambda d: d["Parameters"][1]["EnumValues"].reverse(),
    "the order of channels": lambda d: arguments(d, TRAINING)["InputDataConfig"].reverse(),
    "the order of conditions": lambda d: arguments(d, GATE)["Conditions"].reverse(),
    "the order of alternatives": lambda d: arguments(d, GATE)["Conditions"][2]["Conditions"].reverse(),
    "the order of tags": lambda d: arguments(d, TRAINING)["Tags"].reverse(),
    "the order of what is waited for": lambda d: step(d, TRAINING)["DependsOn"].reverse(),
    "the order of failures": lambda d: step(d, TRAINING)["RetryPolicies"][0]["ExceptionType"].reverse(),
    "the order of inputs of a job": lambda d: arguments(d, "model_evaluation")["ProcessingInputs"].reverse(),
    "the order of members": lambda d: d.update(dict(reversed([(key, d.pop(key)) for key in list(d)]))),
    "a default of the service": lambda d: arguments(d, TRAINING).update(EnableManagedSpotTraining=False),
    "a default of an input": lambda d: [
        each["S3Input"].update(S3CompressionType="None")
        for each in arguments(d, "model_evaluation")["ProcessingInputs"]
    ],
    "a default that is left out": lambda d: channel(d, 0).pop("S3DataDistributionType"),
    "null": lambda d: d.update(MlflowConfig=None),
    "an empty container": lambda d: arguments(d, "model_registration")["ModelMetrics"].update(Bias={}),
    "an output by its number": lambda d: channel(d, 0).update(S3Uri={"Get": _TRAIN.replace("'train_data'", "0")}),
    "double quotes in a path": lambda d: channel(d, 0).update(S3Uri={"Get": _TRAIN.replace("'", '"')}),
    "a join cut elsewhere": lambda d: arguments(d, TRAINING)["OutputDataConfig"].update(
        S3OutputPath={
            "Std:Join": {
                "On": "",
                "Values": [
                    "s3://my-bucket/",
                    {"Std:Join": {"On": "/", "Values": ["churn", {"Get": "Execution.PipelineExecutionId"}]}},
                    "/xgboost_training",
                ],
            }
        }
    ),
    "a whole number with a point": lambda d: arguments(d, GATE)["Conditions"][3].update(Values=[8.0, 6]),
    "the place of code with that content": lambda d: [
        each["S3Input"].update(S3Uri=each["S3Input"]["S3Uri"].replace("my-bucket", "another"))
        for each in arguments(d, "data_loading")["ProcessingInputs"]
        if each["InputName"] == "code"
    ],
}


@pytest.mark.parametrize("edit", MEANINGLESS)
def test_what_means_nothing_is_no_difference(edit: str) -> None:
    edited = changed(MEANINGLESS[edit])
    found = difference(loaded(document()), edited)
    assert not found, str(found)
    assert str(found) == "churn and churn mean the same."
    keyless = edit == "the order of members"
    assert keyless or edited != loaded(document()), "the edit changed something"


def test_the_order_of_outputs_matters_to_references_by_number() -> None:
    def reordered(document: Document) -> None:
        channel(document, 0)["S3Uri"] = {"Get": _TRAIN.replace("'train_data'", "0")}
        arguments(document, "tabular_preprocessing")["ProcessingOutputConfig"]["Outputs"].reverse()

    found = difference(loaded(document()), changed(reordered))
    assert [str(each) for each in found] == [
        "xgboost_training: input train: tabular_preprocessing.train_data → tabular_preprocessing.preprocessing_model"
    ]


def test_a_renamed_step_may_have_changed_too() -> None:
    def edit(document: Document) -> None:
        renamed(document, TRAINING, "fit")
        arguments(document, "fit")["HyperParameters"]["max_depth"] = "6"

    found = difference(loaded(document()), changed(edit))
    assert [str(each) for each in found] == ["xgboost_training is now called fit", "fit: max_depth: 8 → 6"]


def test_a_gate_around_what_was_there_moves_it() -> None:
    plain = copy.deepcopy(document())
    moved_out(plain)
    plain["Steps"] = [each for each in plain["Steps"] if each["Name"] != GATE]
    found = difference(loaded(plain), loaded(document()))
    assert [str(each) for each in found] == [
        "step quality_gate added: Condition",
        "model_registration: moved into the If branch of quality_gate",
        "step quality_gate_failed added: Fail, in the Else branch of quality_gate",
    ]


def test_two_texts_that_read_alike_are_told_apart() -> None:
    def edit(document: Document) -> None:
        arguments(document, TRAINING)["HyperParameters"]["max_depth"] = {
            "Std:Join": {"Values": [{"Get": "Parameters.depth"}]}
        }

    def plain(document: Document) -> None:
        arguments(document, TRAINING)["HyperParameters"]["max_depth"] = {"Get": "Parameters.depth"}

    (found,) = difference(changed(edit), changed(plain))
    assert found.old != found.new


def test_the_text_goes_step_by_step() -> None:
    def edit(document: Document) -> None:
        arguments(document, TRAINING)["HyperParameters"]["max_depth"] = "6"
        arguments(document, TRAINING)["HyperParameters"]["eta"] = "0.1"
        document["Parameters"][1]["DefaultValue"] = 8

    found = difference(loaded(document()), changed(edit))
    assert str(found) == (
        "churn → churn: 3 differences\n"
        "  parameter depth: 6 → 8\n"
        "  xgboost_training\n"
        "    max_depth: 8 → 6\n"
        "    eta: 0.05 → 0.1"
    )


def test_it_is_plain_data_too() -> None:
    found = difference(loaded(document()), changed(EDITS["a limit"][0]))
    assert found.to_dict() == {
        "old": "churn",
        "new": "churn",
        "changes": [
            {
                "kind": "condition",
                "action": "changed",
                "old": "model_evaluation.evaluation_report metrics.auc >= 0.8",
                "new": "model_evaluation.evaluation_report metrics.auc >= 0.9",
                "old_step": "quality_gate",
                "new_step": "quality_gate",
            }
        ],
    }
    assert isinstance(found, Difference)
