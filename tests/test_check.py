"""A check finds every fault of a definition at once, says where it is, and never raises."""

import copy
import json
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from fluentpipe.check import MAX_DEPTH, check, check_pipeline_name
from fluentpipe.document import MAX_NESTING

DEFINITIONS = {path.stem: json.loads(path.read_text()) for path in Path(__file__).parent.glob("definitions/*.json")}
WRITTEN = json.loads((Path(__file__).parent / "sdk" / "fixtures" / "checks_v3.json").read_text())  # by the SDK
DEFINITIONS["checks"] = {"Version": "2020-12-01", "Steps": WRITTEN["Steps"]}
GONE = object()  # stands for "remove this member"


def edited(name, *keys_and_value):
    """A copy of a sound definition with the value at a path replaced; a missing list index is appended."""
    document = copy.deepcopy(DEFINITIONS[name])
    *keys, last, value = keys_and_value
    place = document
    for key in keys:
        place = place[key]
    if value is GONE:
        del place[last]
    elif isinstance(place, list) and last == len(place):
        place.append(value)
    else:
        place[last] = value
    return document


def get(text):
    return {"Get": text}


@pytest.mark.parametrize("name", sorted(DEFINITIONS))
def test_a_sound_definition_has_no_diagnostics(name):
    assert check(DEFINITIONS[name]) == ()


PREPARE, TRAIN, EVALUATE, GATE = (("Steps", index) for index in range(4))
ARGS = "Arguments"
REGISTER = (*GATE, ARGS, "IfSteps", 0)
CONDITION = (*GATE, ARGS, "Conditions", 0)
FIRST_URI = (*PREPARE, ARGS, "ProcessingInputs", 0, "S3Input", "S3Uri")
IN_TRAIN = (*TRAIN, ARGS)
CHANNEL = (*IN_TRAIN, "InputDataConfig", 0, "DataSource", "S3DataSource", "S3Uri")
OUTPUTS = (*PREPARE, ARGS, "ProcessingOutputConfig", "Outputs")
JOB_NAME = "Steps.{}.TrainingJobName"

# (edit of the canonical definition, severity and code, path, part of the message or of the fix)
FAULTS = [
    # the document
    (("Version", "2021-01-01"), "error version", "$.Version", "no version '2021-01-01'"),
    (("Version", GONE), "error version", "$", "missing"),
    (("Stepz", []), "error unknown-member", "$.Stepz", "Did you mean 'Steps'?"),
    (("Steps", []), "error no-steps", "$.Steps", "at least one"),
    (("Steps", {"a": 1}), "error wrong-type", "$.Steps", "must be a list"),
    (("Metadata", "x" * 1_048_577), "error too-large", "$", "the service takes 1048576"),
    (("PipelineExperimentConfig", "Trial", "x"), "error unknown-member", "$.PipelineExperimentConfig.Trial", "'Trial'"),
    (
        ("PipelineExperimentConfig", "TrialName", get("Steps.Train.TrainingJobName")),
        "error reference",
        "$.PipelineExperimentConfig.TrialName",
        "Outside of the steps",
    ),
    # parameters
    (("Parameters", 1, "Name", "the source"), "error parameter-name", "$.Parameters[1].Name", "'the_source'"),
    (("Parameters", 1, "Name", "n" * 65), "error parameter-name", "$.Parameters[1].Name", "65 characters"),
    (("Parameters", 1, "Name", "Role"), "error duplicate-parameter", "$.Parameters[1].Name", "'Role'"),
    (("Parameters", 3, "Type", "Int"), "error parameter-type", "$.Parameters[3].Type", "String, Integer"),
    (("Parameters", 3, "DefaultValue", "300"), "error parameter-value", "$.Parameters[3].DefaultValue", "Integer"),
    (("Parameters", 3, "DefaultValue", True), "error parameter-value", "$.Parameters[3].DefaultValue", "true is no"),
    (("Parameters", 0, "DefaultValue", "x" * 1025), "error parameter-value", "$.Parameters[0].DefaultValue", "1024"),
    (("Parameters", 2, "DefaultValue", "ml.huge"), "error parameter-enum", "$.Parameters[2].DefaultValue", "EnumValues"),
    (("Parameters", 2, "EnumValues", []), "error parameter-enum", "$.Parameters[2].EnumValues", "1 to 16"),
    (("Parameters", 4, "Defaultvalue", 1), "error unknown-member", "$.Parameters[4].Defaultvalue", "'DefaultValue'"),
    (("Parameters", 6, {"Name": "Spare", "Type": "Float"}), "warning unused-parameter", "$.Parameters[6]", "'Spare'"),
    ((*FIRST_URI, get("Parameters.Sauce")), "error unknown-parameter", FIRST_URI, "Did you mean 'Source'?"),
    # steps
    ((*TRAIN, "Name", "Train it"), "error step-name", "$.Steps[1].Name", "'Train-it'"),
    ((*TRAIN, "Name", "T" * 65), "error step-name", "$.Steps[1].Name", "65 characters"),
    ((*TRAIN, "Name", GONE), "error step-name", "$.Steps[1]", "needs a name"),
    ((*REGISTER, "Name", "Train"), "error duplicate-step", (*REGISTER, "Name"), "the other one is $.Steps[1]"),
    ((*TRAIN, "Type", "Trainig"), "error step-type", "$.Steps[1].Type", "Did you mean 'Training'?"),
    ((*TRAIN, "Type", "Juggling"), "warning step-type", "$.Steps[1].Type", "not known here"),
    ((*TRAIN, "DependOn", []), "error unknown-member", "$.Steps[1].DependOn", "Did you mean 'DependsOn'?"),
    ((*TRAIN, ARGS, GONE), "error missing-member", "$.Steps[1]", "'Arguments'"),
    ((*TRAIN, "CacheConfig", "ExpireAfter", "a month"), "error cache-config", "$.Steps[1].CacheConfig.ExpireAfter", "P30D"),
    ((*TRAIN, "CacheConfig", "Enabled", "yes"), "error cache-config", "$.Steps[1].CacheConfig", "true or false"),
    (
        (*PREPARE, "RetryPolicies", 0, "MaxAttempts", 21),
        "error retry-policy",
        "$.Steps[0].RetryPolicies[0].MaxAttempts",
        "1 to 20",
    ),
    (
        (*PREPARE, "RetryPolicies", 0, "ExceptionType", ["Step.THROTTLE"]),
        "error retry-policy",
        "$.Steps[0].RetryPolicies[0].ExceptionType[0]",
        "Did you mean 'Step.THROTTLING'?",
    ),
    ((*PREPARE, "RetryPolicies", 0, "ExpireAfterMin", 9), "error retry-policy", "$.Steps[0].RetryPolicies[0]", "exclude"),
    # property files
    ((*EVALUATE, "PropertyFiles", 0, "OutputName", "eval"), "error unknown-output", "$.Steps[2].PropertyFiles[0].OutputName", "'eval'"),
    ((*EVALUATE, "PropertyFiles", 0, "FilePath", GONE), "error property-file", "$.Steps[2].PropertyFiles[0]", "FilePath"),
    (
        (*CONDITION, "LeftValue", "Std:JsonGet", "PropertyFile", get("Steps.Evaluate.PropertyFiles.Reprot")),
        "error unknown-property-file",
        "$.Steps[3].Arguments.Conditions[0].LeftValue['Std:JsonGet'].PropertyFile",
        "Did you mean 'Report'?",
    ),
    (
        (*CONDITION, "LeftValue", get("Steps.Evaluate.PropertyFiles.Report")),
        "error property-file",
        (*CONDITION, "LeftValue"),
        "Std:JsonGet",
    ),
    (
        (*CONDITION, "LeftValue", "Std:JsonGet", "Path", GONE),
        "error json-get",
        "$.Steps[3].Arguments.Conditions[0].LeftValue['Std:JsonGet']",
        "'Path'",
    ),
    # references
    ((*FIRST_URI, get("Param.Source")), "error reference", FIRST_URI, "begins with none of"),
    ((*FIRST_URI, {"Get": 3}), "error reference", FIRST_URI, "takes text, not 3"),
    ((*FIRST_URI, get("Execution.PipelineExecutionID")), "error unknown-variable", FIRST_URI, "'PipelineExecutionId'"),
    ((*FIRST_URI, {"Std:Join": {"On": "/", "Values": []}}), "error join", None, "nothing to join"),
    ((*FIRST_URI, {"Std:Join": {"On": 1, "Values": ["a"]}}), "error join", None, "must be text"),
    ((*FIRST_URI, {"Std:Join": {"Values": [["a"]]}}), "error join", None, "a list"),
    ((*FIRST_URI, {"Std:Join": ["a"]}), "error join", None, "'Values'"),
    ((*CHANNEL, get("Steps.Prepair.X")), "error unknown-step", CHANNEL, "Did you mean 'Prepare'?"),
    ((*CHANNEL, get("Steps.Prepare")), "error unknown-property", CHANNEL, "needs a property"),
    ((*CHANNEL, get("Steps.Evaluate.ProcessingOutputConf")), "error unknown-property", CHANNEL, "'ProcessingOutputConfig'"),
    ((*CHANNEL, get("Steps.Prepare.ProcessingOutputConfig.Outputs")), "error not-a-value", CHANNEL, "is a list"),
    (
        (*CHANNEL, get("Steps.Prepare.ProcessingOutputConfig.Outputs['trian'].S3Output.S3Uri")),
        "error unknown-output",
        CHANNEL,
        "Did you mean 'train'?",
    ),
    (
        (*CHANNEL, get("Steps.Prepare.ProcessingOutputConfig.Outputs[3].S3Output.S3Uri")),
        "error unknown-output",
        CHANNEL,
        "declares 3 entries",
    ),
    ((*TRAIN, "DependsOn", ["Preparation"]), "error unknown-step", "$.Steps[1].DependsOn[0]", "'Preparation'"),
    ((*TRAIN, "DependsOn", "Prepare"), "error depends-on", "$.Steps[1].DependsOn", "list of names"),
    ((*TRAIN, "DependsOn", ["Register"]), "error out-of-scope", "$.Steps[1].DependsOn[0]", "condition 'GoodEnough'"),
    (
        (*GATE, ARGS, "ElseSteps", 0, "DependsOn", ["Register"]),
        "error out-of-scope",
        "$.Steps[3].Arguments.ElseSteps[0].DependsOn[0]",
        "If branch",
    ),
    ((*CHANNEL, get("Steps.Train.TrainingJobName")), "error cycle", "$.Steps[1]", "Train -> Train."),
    ((*PREPARE, "DependsOn", ["Evaluate"]), "error cycle", "$.Steps[0]", "Prepare -> Train -> Evaluate -> Prepare."),
    ((*PREPARE, "DependsOn", ["GoodEnough"]), "error cycle", "$.Steps[0]", "-> Evaluate -> GoodEnough -> Prepare."),
    # conditions
    ((*CONDITION, "Type", "GreaterEquals"), "error condition", (*CONDITION, "Type"), "one of Equals"),
    ((*CONDITION, "RightValue", GONE), "error condition", CONDITION, "needs 'RightValue'"),
    ((*CONDITION, "RightVal", 1), "error condition", (*CONDITION, "RightVal"), "Did you mean 'RightValue'?"),
    ((*CONDITION, "RightValue", [1]), "error condition", (*CONDITION, "RightValue"), "not a list"),
    ((*CONDITION, {"Type": "Equals", "LeftValue": 1, "RightValue": 1}), "warning constant-condition", CONDITION, "never changes"),
    ((*CONDITION, {"Type": "Or", "Conditions": []}), "error condition", (*CONDITION, "Conditions"), "at least one"),
    ((*CONDITION, {"Type": "Not", "Condition": 5}), "error condition", (*CONDITION, "Condition", "Type"), "no type"),
    ((*CONDITION, {"Type": "Not", "Expression": {}}), "error condition", (*CONDITION, "Expression"), "members: Condition"),
    ((*CONDITION, {"Type": "In", "QueryValue": "a", "Values": "a"}), "error condition", (*CONDITION, "Values"), "list"),
    ((*GATE, ARGS, "IfStep", []), "error unknown-member", (*GATE, ARGS, "IfStep"), "Did you mean 'IfSteps'?"),
    ((*GATE, ARGS, "ElseSteps", 0, ARGS, {"Error": "x"}), "error unknown-member", None, "'Error'"),
    ((*GATE, ARGS, "ElseSteps", 0, ARGS, {"ErrorMessage": 1}), "error wrong-type", None, "must be text"),
    # requests
    ((*IN_TRAIN, "RoleArn", GONE), "error missing-member", "$.Steps[1].Arguments", "'RoleArn'"),
    ((*IN_TRAIN, "RoleArn", "arn:aws:iam::12:role/Forest"), "error pattern", "$.Steps[1].Arguments.RoleArn", "arn:aws"),
    ((*IN_TRAIN, "ResourceConfig", "InstanceCont", 1), "error unknown-member", None, "Did you mean 'InstanceCount'?"),
    ((*IN_TRAIN, "ResourceConfig", "InstanceType", "ml.m5.huge"), "warning unknown-value", None, "Did you mean 'ml.m5"),
    ((*IN_TRAIN, "StoppingCondition", "MaxRuntimeInSeconds", 0), "error too-small", None, "the minimum, 1"),
    ((*IN_TRAIN, "StoppingCondition", "MaxRuntimeInSeconds", "3600"), "error wrong-type", None, "whole number"),
    ((*IN_TRAIN, "HyperParameters", "max_depth", 5), "error wrong-type", None, "write '5'"),
    ((*IN_TRAIN, "HyperParameters", "max_depth", "5" * 2501), "error too-long", None, "2501 characters"),
    ((*IN_TRAIN, "HyperParameters", {}), "warning empty-container", None, "leave the member out"),
    ((*IN_TRAIN, "InputDataConfig", []), "error empty-container", None, "leave the member out"),
    ((*IN_TRAIN, "InputDataConfig", get("Parameters.Source")), "error reference-for-container", None, "a list"),
    ((*IN_TRAIN, "InputDataConfig", 1, "ChannelName", "train"), "error duplicate-name", None, "'train' is used twice"),
    ((*IN_TRAIN, "OutputDataConfig", "KmsKeyId", None), "error wrong-type", None, "leave the member out"),
    ((*REGISTER, ARGS, "ModelApprovalStatus", "Aproved"), "warning unknown-value", None, "Did you mean 'Approved'?"),
    ((*OUTPUTS, 1, "OutputName", "train"), "error duplicate-name", (*OUTPUTS, 1, "OutputName"), "used twice"),
    ((*OUTPUTS, 1, "S3Output", "LocalPath", "/opt/ml/processing/output/train"), "error duplicate-path", None, "twice"),
    ((*OUTPUTS, 1, "S3Output", "LocalPath", "/tmp/out"), "error local-path", None, "below /opt/ml/processing/"),
    # texts
    ((*IN_TRAIN, "OutputDataConfig", "S3OutputPath", "s3://b_b/x"), "error s3-uri", None, "s3://b-b/x"),
    ((*IN_TRAIN, "OutputDataConfig", "S3OutputPath", "s3://bucket//x"), "error s3-uri", None, "double slash"),
    ((*IN_TRAIN, "OutputDataConfig", "S3OutputPath", "s3://bucket/x/"), "warning s3-uri", None, "ends in a slash"),
    (("Parameters", 1, "DefaultValue", "s3://bucket/../x"), "error s3-uri", "$.Parameters[1].DefaultValue", "'..'"),
    ((*IN_TRAIN, "HyperParameters", "eta", "${a.b~0123abcd}"), "error mangled-token", None, "reference"),
    ((*IN_TRAIN, "HyperParameters", "eta", "B~0123ABCD}"), "error mangled-token", None, "reference"),
    ((*IN_TRAIN, "HyperParameters", "eta", "${train.model_artif~01"), "error mangled-token", None, "reference"),
    ((*PREPARE, ARGS, "Environment", {"a~0123abcd}": "1"}), "error mangled-token", None, "reference"),
    # what is no step
    (("Steps", 1, None), "error wrong-type", None, "A step is an object, not null."),
    (("Steps", 4, 5), "error wrong-type", None, "A step is an object, not 5."),
    ((*GATE, ARGS, "IfSteps", 0, "Register"), "error wrong-type", None, "A step is an object, not 'Register'."),
    ((*GATE, ARGS, "ElseSteps", 0, ["Fail"]), "error wrong-type", None, "A step is an object, not a list."),
    ((*GATE, ARGS, "IfSteps", {"Name": "x"}), "error wrong-type", None, "must be a list of steps"),
]  # fmt: skip


def written(path):
    return path if isinstance(path, str) else "$" + "".join(f"[{k}]" if isinstance(k, int) else f".{k}" for k in path)


@pytest.mark.parametrize(("edit", "kind", "path", "words"), FAULTS, ids=[f"{f[1]}-{f[3]}" for f in FAULTS])
def test_a_planted_fault_is_found_where_it_is(edit, kind, path, words):
    before, after = set(check(DEFINITIONS["canonical"])), check(edited("canonical", *edit))
    severity, code = kind.split()
    fitting = [each for each in after if (each.severity, each.code) == (severity, code)]
    assert fitting, [str(each) for each in after]
    place = written(path or edit[:-1])
    assert any(each.path.startswith(place) if path is None else each.path == place for each in fitting), fitting
    assert any(words in f"{each.message} {each.fix}" for each in fitting), fitting
    assert not before


# (edit of the checks that the SDK writes, severity, path, part of the message or of the fix)
CHECK_FAULTS = [
    ((0, "CheckType", "DATA_QUALTY"), "error", "$.Steps[0].CheckType", "Did you mean 'DATA_QUALITY'?"),
    ((2, "CheckType", "DATA_QUALITY"), "error", "$.Steps[2].CheckType", "one of DATA_BIAS, MODEL_BIAS"),
    ((1, "CheckType", GONE), "error", "$.Steps[1].CheckType", "null is no check"),
    ((3, "ModelName", GONE), "error", "$.Steps[3].ModelName", "asks a model"),
    ((0, "SkipCheck", "no"), "error", "$.Steps[0].SkipCheck", "true or false"),
    ((4, "ModelPackageGroupName", 7), "error", "$.Steps[4].ModelPackageGroupName", "must be text"),
    ((2, "SuppliedBaselineConstraints", None), "warning", "$.Steps[2].SkipCheck", "nothing to compare with"),
]


@pytest.mark.parametrize(("edit", "severity", "path", "words"), CHECK_FAULTS, ids=[each[2] for each in CHECK_FAULTS])
def test_a_fault_of_a_check_is_found_where_it_is(edit, severity, path, words):
    (found,) = check(edited("checks", "Steps", *edit))
    assert (found.severity, found.code, found.path) == (severity, "check-step", path)
    assert words in f"{found.message} {found.fix}"


def test_a_member_that_no_check_has_is_found():
    faults = [check(edited("checks", "Steps", index, "SuppliedBaselineStatistic", None)) for index in (0, 2)]
    assert [each.code for found in faults for each in found] == ["unknown-member"] * 2


def test_all_faults_are_reported_at_once_and_in_the_order_of_the_definition():
    document = copy.deepcopy(DEFINITIONS["canonical"])
    for edit, *_ in [FAULTS[0], FAULTS[9], FAULTS[20], FAULTS[26]]:
        place = document
        for key in edit[:-2]:
            place = place[key]
        place[edit[-2]] = edit[-1]
    paths = [each.path for each in check(document)]
    assert len(paths) >= 4
    assert paths.index("$.Parameters[1].Name") < paths.index("$.Steps[1].Name") < paths.index("$.Version")


def test_the_order_of_paths_counts_as_people_do():
    steps = [{"Name": f"S{index}", "Type": "Fail", "Arguments": {"x": 1}} for index in range(12)]
    found = [each.step for each in check({"Version": "2020-12-01", "Steps": steps})]
    assert found == [f"S{index}" for index in range(12)]


def test_quotas_count_the_steps_of_all_branches_and_can_be_lifted():
    document = DEFINITIONS["canonical"]
    assert [each.code for each in check(document, max_steps=5)] == ["too-many-steps"]
    assert [each.code for each in check(document, max_parameters=5)] == ["too-many-parameters"]
    assert check(document, max_steps=None, max_parameters=None, max_characters=None) == ()


def test_a_parameter_without_a_type_is_text():
    document = edited("canonical", "Parameters", 1, "Type", GONE)
    assert check(document) == ()
    document["Parameters"][1]["DefaultValue"] = 1
    assert [each.code for each in check(document)] == ["parameter-value"]


def test_a_step_of_a_branch_may_name_the_condition_it_lies_under():
    assert check(edited("canonical", *REGISTER, "DependsOn", ["GoodEnough"])) == ()


def test_a_later_step_may_be_used_as_long_as_nothing_waits_for_itself():
    document = copy.deepcopy(DEFINITIONS["canonical"])
    document["Steps"].reverse()
    assert check(document) == ()


def test_a_step_of_a_branch_may_use_every_step_outside_of_it():
    document = edited("canonical", *REGISTER, "DependsOn", ["Prepare", "Evaluate"])
    assert check(document) == ()


def test_every_knot_of_steps_is_reported_once():
    steps = [
        {"Name": name, "Type": "Fail", "Arguments": {"ErrorMessage": "x"}, "DependsOn": waits}
        for name, waits in {"a": ["b"], "b": ["c"], "c": ["a"], "d": ["e"], "e": ["d"], "f": ["a", "d"]}.items()
    ]
    found = [each.message for each in check({"Version": "2020-12-01", "Steps": steps})]
    assert found == [
        "Steps wait for each other: a -> c -> b -> a.",
        "Steps wait for each other: d -> e -> d.",
    ]


def nested(levels):
    inner = {"Name": "end", "Type": "Fail", "Arguments": {"ErrorMessage": "x"}}
    compare = {"Type": "Equals", "LeftValue": get("Execution.PipelineName"), "RightValue": "x"}
    for level in reversed(range(levels)):
        arguments = {"Conditions": [compare], "IfSteps": [inner], "ElseSteps": []}
        inner = {"Name": f"c{level}", "Type": "Condition", "Arguments": arguments}
    return {"Version": "2020-12-01", "Steps": [inner]}


def test_conditions_nested_as_deep_as_allowed_are_checked_to_the_end():
    document = nested(MAX_NESTING)
    assert check(document, max_steps=None) == ()


@pytest.mark.parametrize("levels", [MAX_NESTING + 1, MAX_DEPTH, 20_000])
def test_conditions_nested_too_deep_are_reported_whatever_the_depth(levels):
    codes = {each.code for each in check(nested(levels), max_steps=None, max_characters=None)}
    assert codes == {"nested-too-deep"}


def test_values_nested_without_end_are_reported_not_raised():
    value = "x"
    for _ in range(50_000):
        value = {"Std:Join": {"On": "", "Values": [value]}}
    document = edited("small", "Steps", 0, ARGS, "RoleArn", value)
    assert [each.code for each in check(document)] == ["nested-too-deep"]


def test_the_name_of_a_pipeline_is_checked_too():
    assert check_pipeline_name("churn-2") == ()
    assert "'my-pipeline'" in check_pipeline_name("my pipeline")[0].fix
    assert "83 characters" in check_pipeline_name("a" * 83)[0].message


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)
WORDS = sorted(
    {"Get", "Std:Join", "Std:JsonGet", "Values", "On", "Steps", "Name", "Type", "Arguments", "Condition", "DependsOn",
     "Conditions", "IfSteps", "Parameters", "PropertyFiles", "Steps.a.b", "Parameters.x", "Or", "Not", "Training"}
)  # fmt: skip
words = st.sampled_from(WORDS)
likely_values = st.recursive(
    words | st.none() | st.integers(-1, 2) | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=5),
    max_leaves=25,
)


@given(json_values | likely_values)
def test_whatever_json_is_given_nothing_is_raised(value):
    assert check(value)


def places(value, trail=()):
    yield trail
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from places(inner, (*trail, key))


PLACES = [(name, trail) for name in sorted(DEFINITIONS) for trail in places(DEFINITIONS[name]) if trail]


@given(st.lists(st.sampled_from(PLACES), min_size=1, max_size=3), json_values | likely_values | st.just(GONE))
def test_a_sound_definition_damaged_anywhere_raises_nothing(targets, value):
    name = targets[0][0]
    document = copy.deepcopy(DEFINITIONS[name])
    for other, trail in targets:
        place = document
        try:
            for key in trail[:-1]:
                place = place[key]
            place[trail[-1]]
        except (KeyError, IndexError, TypeError):
            continue
        if other != name or isinstance(place, str):
            continue
        if value is GONE:
            del place[trail[-1]]
        else:
            place[trail[-1]] = value
    found = check(document)
    assert list(found) == sorted(set(found), key=found.index)
    assert all(each.message and each.code and each.path.startswith("$") for each in found)
