"""Property paths and requests are checked against the service's own model."""

import copy
import json
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
from botocore.session import Session
from botocore.validate import ParamValidator
from hypothesis import given, strategies as st

from fluentpipe import request, shapes
from fluentpipe._property_table import render
from fluentpipe.document import walk_steps, write_trail
from fluentpipe.errors import UnknownOutput
from fluentpipe.shapes import OPERATIONS, Leaf, check_request, members, operation_for, property_table, step_types, walk

OPERATION_NAMES = sorted({*OPERATIONS.values(), "CreateAutoMLJob"})
SERVICE = Session().get_service_model("sagemaker")


# --- property paths ---------------------------------------------------------------------------------------------


def test_the_table_of_paths_is_what_the_installed_botocore_says():
    again = "botocore changed: run `python -m fluentpipe.shapes` and commit _property_paths.json"
    assert shapes.TABLE.read_text("ascii") == render(), again
    stored = json.loads(shapes.TABLE.read_text("ascii"))
    assert {key: stored[key] for key in ("steps", "shapes")} == property_table()


def test_paths_are_walked_without_importing_botocore():
    code = (
        "import sys, fluentpipe.shapes as s; s.walk('Training', 'ModelArtifacts.S3ModelArtifacts');"
        "sys.exit(any(m.split('.')[0] in ('botocore', 'boto3') for m in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parent.parent, check=False).returncode == 0


OUTPUTS = "ProcessingOutputConfig.Outputs"
WALKED = [
    ("Training", "ModelArtifacts.S3ModelArtifacts", "str", ()),
    ("Training", "properties.ModelArtifacts.S3ModelArtifacts", "str", ()),
    ("Training", "TrainingJobName", "str", ()),
    ("Training", "TrainingTimeInSeconds", "int", ()),
    ("Training", "EnableNetworkIsolation", "bool", ()),
    ("Training", "CreationTime", "timestamp", ()),
    ("Training", "FinalMetricDataList[0].Value", "float", (("FinalMetricDataList", 0),)),
    ("Training", "HyperParameters['eta']", "str", (("HyperParameters", "eta"),)),
    ("Training", "HyperParameters", "map", ()),
    ("Training", "ModelArtifacts", "structure", ()),
    ("Processing", OUTPUTS, "list", ()),
    ("Processing", OUTPUTS + "['train'].S3Output.S3Uri", "str", ((OUTPUTS, "train"),)),
    ("Processing", OUTPUTS + "[0].S3Output.S3Uri", "str", ((OUTPUTS, 0),)),
    ("Transform", "TransformOutput.S3OutputPath", "str", ()),
    ("Tuning", "BestTrainingJob.TrainingJobName", "str", ()),
    ("Tuning", "TrainingJobSummaries[0].TrainingJobName", "str", (("TrainingJobSummaries", 0),)),
    ("Model", "ModelName", "str", ()),
    ("RegisterModel", "ModelPackageArn", "str", ()),
    ("AutoML", "BestCandidate.CandidateName", "str", ()),
    ("AutoML", "BestCandidateProperties.ModelInsightsJsonReportPath", "str", ()),
    ("QualityCheck", "CalculatedBaselineConstraints", "str", ()),
    ("ClarifyCheck", "ProcessingJobName", "str", ()),
    ("Condition", "Outcome", "str", ()),
    ("Lambda", "OutputParameters['x']", "str", (("OutputParameters", "x"),)),
    ("EMR", "ClusterId", "str", ()),
    ("EMR", "Status.State", "str", ()),
    ("NotebookJob", "ComputingJobName", "str", ()),
]


@pytest.mark.parametrize(("step_type", "path", "kind", "keys"), WALKED)
def test_a_path_of_the_service_is_walked_to_its_type(step_type, path, kind, keys):
    leaf = walk(step_type, path)
    assert (leaf.path, leaf.type, leaf.keys) == (path.removeprefix("properties."), kind, keys)


def test_both_kinds_of_quotes_mean_the_same_path():
    assert walk("Processing", OUTPUTS + '["a"]') == walk("Processing", OUTPUTS + "['a']")
    assert walk("Processing", OUTPUTS + '["a"]').path == OUTPUTS + "['a']"


WRONG = [
    ("Training", "ModelArtifact.S3ModelArtifacts", "Did you mean 'ModelArtifacts'?"),
    ("Training", "ModelArtifacts.S3ModelArtifact", "Did you mean 'S3ModelArtifacts'?"),
    ("Training", "ModelArtifacts['x']", "is a structure and cannot be indexed"),
    ("Training", "ModelArtifacts.S3ModelArtifacts.x", "is a str; it has no member 'x'"),
    ("Processing", OUTPUTS + ".train", "choose an element, as in [0] or ['name']"),
    ("Training", "HyperParameters.eta", "choose a key, as in ['key']"),
    ("Training", "HyperParameters[0]", "takes a key in quotes"),
    ("Model", "Containers[0].SupportedContentTypes['x']", "no property 'SupportedContentTypes'"),
    ("Training", "VpcConfig.Subnets['x']", "takes a number"),
    ("Training", "", "is empty"),
    ("Training", ".ModelArtifacts", "cannot be read from '.ModelArtifacts' on"),
    ("Training", "ModelArtifacts..S3", "cannot be read from '..S3' on"),
    ("Training", "ModelArtifacts.", "cannot be read from '.' on"),
    ("Training", "TrainingJobName x", "cannot be read from ' x' on"),
    ("Processing", OUTPUTS + "['train", "cannot be read from"),
    ("Processing", OUTPUTS + "[-1]", "cannot be read from '[-1]' on"),
    ("Trainig", "ModelArtifacts", "Did you mean 'Training'?"),
    ("Fail", "ErrorMessage", "no known properties"),
]


@pytest.mark.parametrize(("step_type", "path", "words"), WRONG)
def test_a_wrong_path_is_an_attribute_error_that_says_what_to_write(step_type, path, words):
    with pytest.raises(AttributeError) as caught:
        walk(step_type, path)
    assert isinstance(caught.value, UnknownOutput)
    assert words in str(caught.value)


def test_an_error_lists_the_members_there_are():
    with pytest.raises(UnknownOutput, match="members: S3ModelArtifacts"):
        walk("Training", "ModelArtifacts.x")


def test_members_are_listed_with_their_types_for_completion():
    assert members("Training", "ModelArtifacts") == {"S3ModelArtifacts": "str"}
    assert members("Training")["InputDataConfig"] == "list"
    assert members("Training", "TrainingJobName") == {}


@given(st.data())
def test_every_chain_of_members_can_be_walked_and_its_canonical_path_is_a_fixed_point(data):
    step_type = data.draw(st.sampled_from(step_types()))
    path = data.draw(st.sampled_from(sorted(members(step_type))))
    for _ in range(8):
        leaf = walk(step_type, path)
        assert walk(step_type, leaf.path) == leaf
        if leaf.type == "list":
            path += f"[{data.draw(st.integers(0, 99))}]"
        elif leaf.type == "map":
            path += f"[{data.draw(st.text('abc.-', min_size=1))!r}]"
        elif leaf.type == "structure" and members(step_type, path):
            path += "." + data.draw(st.sampled_from(sorted(members(step_type, path))))
        else:
            break


@given(st.sampled_from(step_types()), st.text("aM.[]'\"0-é ", max_size=12))
def test_any_text_is_a_path_or_an_unknown_output(step_type, text):
    try:
        found = walk(step_type, text)
    except UnknownOutput as error:
        found = error
    assert isinstance(found, Leaf | UnknownOutput)


# --- requests ---------------------------------------------------------------------------------------------------

REQUESTS = [
    (operation_for(entry.type, entry.arguments), dict(entry.arguments))
    for path in sorted(Path(__file__).parent.glob("definitions/*.json"))
    for entry in walk_steps(json.loads(path.read_text()))
    if operation_for(entry.type, entry.arguments)
]


def plain(value):
    """The same request with every reference replaced by a text, as it is when the job is made."""
    if isinstance(value, dict):
        if len(value) == 1 and next(iter(value)) in ("Get", "Std:Join", "Std:JsonGet"):
            return "arn:aws:iam::123456789012:role/Some"
        return {key: plain(inner) for key, inner in value.items()}
    return [plain(inner) for inner in value] if isinstance(value, list) else value


def botocore_errors(operation, arguments):
    named = dict.fromkeys(request.FILLED_IN.get(operation, ()), "a-name")
    shape = SERVICE.operation_model(operation).input_shape
    report = ParamValidator().validate({**named, **arguments}, shape)
    return report.generate_report() if report.has_errors() else ""


@pytest.mark.parametrize(("operation", "arguments"), REQUESTS)
def test_the_request_of_a_sound_step_has_no_fault(operation, arguments):
    assert check_request(operation, arguments) == []


def test_every_kind_of_job_among_the_definitions_is_checked():
    assert {operation for operation, _ in REQUESTS} == {*OPERATION_NAMES} - {"CreateAutoMLJob", "CreateAutoMLJobV2"}


@pytest.mark.parametrize("operation", OPERATION_NAMES)
def test_names_of_jobs_are_required_only_when_the_request_is_complete(operation):
    def missing(complete):
        return {fault.message.split("'")[1] for fault in check_request(operation, {}, complete=complete)}

    assert missing(complete=True) - missing(complete=False) == set(request.FILLED_IN.get(operation, ()))
    assert missing(complete=True) == set(SERVICE.operation_model(operation).input_shape.required_members)


ODD = st.sampled_from([None, True, 0, -1, 10**9, 1.5, "", "x", "x" * 5000, [], {}, ["a"], {"a": 1}, [{}], [None]])


def trails(value, trail=()):
    yield trail
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from trails(inner, (*trail, key))


TARGETS = [
    (index, trail) for index, (_, arguments) in enumerate(REQUESTS) for trail in trails(plain(arguments)) if trail
]
# What botocore's validator looks at; the rest (maximums, patterns, enums) only the model itself tells.
SHARED = {"missing-member", "unknown-member", "wrong-type", "too-short", "too-small", "too-few", "empty-container"}


@given(st.sampled_from(TARGETS), ODD, st.sampled_from(["replace", "remove", "add"]))
def test_a_damaged_request_gets_the_verdict_of_botocore(target, value, how):
    operation, arguments = REQUESTS[target[0]]
    arguments = copy.deepcopy(plain(arguments))
    *keys, last = target[1]
    place = arguments
    for key in keys:
        place = place[key]
    if how == "remove":
        del place[last]
    elif how == "add" and isinstance(place, dict):
        place["Surplus"] = value
    else:
        place[last] = value
    ours = check_request(operation, arguments, references=False)
    # Values that references stood for are texts here; where numbers belong both say so.
    errors = [fault for fault in ours if fault.severity == "error"]
    theirs = botocore_errors(operation, arguments)
    if theirs:
        assert errors, theirs
    elif value is not True:  # botocore takes true for the number 1
        assert not [fault for fault in errors if fault.code in SHARED], errors


FAULTY = [
    ("HyperParameters", {"a": True}, "wrong-type", ".HyperParameters.a", "write 'true'"),
    ("HyperParameters", {"a": 0.5}, "wrong-type", ".HyperParameters.a", "write '0.5'"),
    ("HyperParameters", {"": "x" * 2501}, "too-long", ".HyperParameters['']", "2501"),
    ("HyperParameters", {str(n): "x" for n in range(101)}, "too-many", ".HyperParameters", "at most 100"),
    ("EnableManagedSpotTraining", "yes", "wrong-type", ".EnableManagedSpotTraining", "true or false"),
    ("InputDataConfig", [{}], "empty-container", ".InputDataConfig[0]", "leave"),
    ("Tags", [{"Key": "k", "Value": "ä"}], None, "", ""),
]


@pytest.mark.parametrize(("member", "value", "code", "path", "words"), FAULTY)
def test_a_faulty_member_is_named_with_its_place(member, value, code, path, words):
    operation, arguments = next(each for each in REQUESTS if each[0] == "CreateTrainingJob")
    found = [
        fault for fault in check_request(operation, {**arguments, member: value}) if fault.code != "missing-member"
    ]
    assert [(fault.code, write_trail(fault.trail)) for fault in found] == ([(code, path)] if code else [])
    assert all(words in f"{fault.message} {fault.fix}" for fault in found)


def test_references_stand_for_scalars_and_only_when_they_are_allowed():
    operation, arguments = next(each for each in REQUESTS if each[0] == "CreateTrainingJob")
    refused = {fault.code for fault in check_request(operation, arguments, references=False)}
    assert refused == {"wrong-type"}


def test_every_pattern_of_the_requests_is_compiled_or_skipped_knowingly():
    skipped, compiled = set(), 0
    pending = [SERVICE.operation_model(name).input_shape for name in OPERATION_NAMES]
    seen = set()
    while pending:
        shape = pending.pop()
        if shape.name in seen:
            continue
        seen.add(shape.name)
        if pattern := shape.metadata.get("pattern"):
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                found = request.compiled_pattern.__wrapped__(pattern)
            compiled += found is not None
            skipped |= {shape.name} if found is None else set()
        inner = shape.members.values() if shape.type_name == "structure" else ()
        pending += [*inner, *(getattr(shape, part) for part in ("member", "key", "value") if hasattr(shape, part))]
    assert compiled > 90
    # Unicode classes, and one range over surrogates: Python's re has neither.
    assert skipped == {
        "AthenaCatalog",
        "CustomerMetadataKey",
        "CustomerMetadataValue",
        "EntityDescription",
        "ModelPackageSourceUri",
        "TagKey",
        "TagValue",
        "TrainingRepositoryCredentialsProviderArn",
    }
