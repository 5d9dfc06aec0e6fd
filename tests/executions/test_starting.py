"""Starting: what is wrong is said before the service is asked, what is right is sent as the service takes it."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest

from fluentpipe.errors import FluentpipeError, NoSuchPipeline, SettingError, UnknownExecution
from fluentpipe.executions import find, list_executions, start
from fluentpipe.executions.arguments import data_parameter, pipeline_parameters

from .conftest import churn
from .service import Frame, Refused


def sent(service, operation="StartPipelineExecution"):
    return [request for name, request in service.calls if name == operation]


@pytest.mark.parametrize(
    ("given", "text"),
    [(7, "7"), ("7", "7"), (7.0, "7")],
)
def test_a_parameter_is_sent_as_text_of_its_type(begin, service, given, text):
    begin(parameters={"depth": given})
    assert sent(service)[0]["PipelineParameters"] == [{"Name": "depth", "Value": text}]


@pytest.mark.parametrize(
    ("declared", "given", "text"),
    [("Boolean", True, "true"), ("Boolean", "False", "false"), ("Float", 1, "1.0"), ("Float", "1e-3", "0.001"), ("String", "", "")],
)  # fmt: skip
def test_each_type_has_its_text(declared, given, text):
    definition = attrs.evolve(
        churn(), document={"Version": "2020-12-01", "Parameters": [{"Name": "x", "Type": declared}], "Steps": []}
    )
    assert pipeline_parameters(definition, {"x": given}, pytest.fail) == [{"Name": "x", "Value": text}]


def test_every_fault_of_the_parameters_is_listed_and_nothing_is_started(begin, service, golden):
    wrong = {"dpeth": 7, "booster": "gbtre", "depth": "deep", "data": "no/such/file.csv"}
    with pytest.raises(SettingError) as caught:
        begin(parameters=wrong)
    golden("parameters.txt", str(caught.value))
    assert len(caught.value.faults) == 4
    assert service.names() == ["DescribePipeline"]


def test_a_parameter_without_default_has_to_be_given():
    document = {"Version": "2020-12-01", "Parameters": [{"Name": "x", "Type": "String"}], "Steps": []}
    with pytest.raises(SettingError, match="'x' has no default and was not given"):
        pipeline_parameters(attrs.evolve(churn(), document=document), {}, pytest.fail)


def test_a_value_that_the_service_would_refuse_for_its_length_is_refused(begin):
    with pytest.raises(SettingError, match="has 1030 characters; the service takes at most 1024"):
        begin(parameters={"data": "s3://my-bucket/" + "x" * 1015})


def test_nothing_is_uploaded_if_another_parameter_is_wrong(tmp_path):
    (tmp_path / "rows.csv").write_text("a\n1\n")
    with pytest.raises(SettingError, match="'depth' is 'x'"):
        pipeline_parameters(churn(), {"data": tmp_path / "rows.csv", "depth": "x"}, pytest.fail)


def test_local_data_is_uploaded_and_its_uri_sent(tmp_path):
    (tmp_path / "rows.csv").write_text("a\n1\n")
    took: list[Path] = []

    def upload(path: Path) -> str:
        took.append(path)
        return "s3://b/data/rows.csv"

    found = pipeline_parameters(churn(), {"data": tmp_path / "rows.csv"}, upload)
    assert (found, took) == ([{"Name": "data", "Value": "s3://b/data/rows.csv"}], [tmp_path / "rows.csv"])


def test_data_sets_the_one_parameter_that_is_a_place_of_data(begin, service):
    begin(data="s3://my-bucket/other.csv")
    assert sent(service)[0]["PipelineParameters"] == [{"Name": "data", "Value": "s3://my-bucket/other.csv"}]


def test_data_without_such_a_parameter_is_refused():
    document = {"Version": "2020-12-01", "Parameters": [{"Name": "x", "Type": "String"}], "Steps": []}
    with pytest.raises(SettingError, match="needs exactly one parameter that is the place of an input"):
        data_parameter(attrs.evolve(churn(), document=document))


def test_options_go_where_the_service_has_them_and_what_is_not_given_is_not_sent(begin, service):
    begin(display_name="nightly", description="by hand", max_parallel_steps=2)
    request = sent(service)[0]
    assert request.pop("ClientRequestToken")
    assert request == {
        "PipelineName": "churn",
        "PipelineExecutionDisplayName": "nightly",
        "PipelineExecutionDescription": "by hand",
        "ParallelismConfiguration": {"MaxParallelExecutionSteps": 2},
    }


# ---- some steps only -----------------------------------------------------------------------------------------------------


def selected(service):
    config = sent(service)[-1]["SelectiveExecutionConfig"]
    return [each["StepName"] for each in config["SelectedSteps"]], config.get("SourcePipelineExecutionArn")


def test_some_steps_go_on_from_the_newest_execution_that_has_results(begin, service, account):
    service.frames = [Frame("Failed", {"data_loading": "Succeeded"})]
    useful = begin()
    service.frames = [Frame("Executing", {})]
    begin()
    begin(from_step="model_evaluation")
    assert selected(service) == (
        ["model_evaluation", "quality_gate", "model_registration"],
        useful.arn,
    )
    begin(only=["xgboost_training"], source="arn:aws:sagemaker:us-east-1:111122223333:pipeline/churn/execution/mine")
    assert selected(service)[1].endswith("/mine")


def test_steps_that_need_nothing_of_others_need_no_source(begin, service):
    begin(only="data_loading")
    assert selected(service) == (["data_loading"], None)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"only": "xgbost_training"}, "there is no step 'xgbost_training'. Did you mean 'xgboost_training'?"),
        ({"only": ["data_loading", "xgboost_training"]}, "step 'tabular_preprocessing' lies between steps that are selected"),
        ({"only": "data_loading", "from_step": "data_loading"}, "exclude each other"),
        ({"only": "xgboost_training"}, "No execution of 'churn' has results for xgboost_training"),
        ({"source": "arn"}, "source= is for a start of some steps only"),
    ],
)  # fmt: skip
def test_a_selection_that_cannot_be_is_refused(begin, service, options, message):
    with pytest.raises(SettingError) as caught:
        begin(**options)
    assert message in str(caught.value)
    assert not sent(service)


# ---- once --------------------------------------------------------------------------------------------------------------


def test_two_starts_with_one_token_are_one_execution(begin, service):
    token = "t" * 32
    assert begin(token=token).arn == begin(token=token).arn
    assert begin().arn != begin().arn
    assert len(service.executions) == 3


def test_a_start_whose_answer_is_lost_is_repeated_with_the_token_that_the_message_names(begin, service, golden):
    service.lost = {1}
    with pytest.raises(FluentpipeError) as caught:
        begin()
    golden("lost.txt", str(caught.value).replace(caught.value.token, "<token>").replace(service.url, "<url>"))
    assert begin(token=caught.value.token).arn == service.executions[0].arn
    assert len(service.executions) == 1


# ---- finding -------------------------------------------------------------------------------------------------------------


def test_a_pipeline_that_is_not_deployed_is_said_to_be_so(account, golden):
    with pytest.raises(NoSuchPipeline) as caught:
        start(account, "chrun")
    golden("no_such_pipeline.txt", str(caught.value))


def test_executions_are_listed_newest_first_over_all_pages(begin, account):
    arns = [begin().arn for _ in range(7)]
    assert [each.arn for each in list_executions(account, "churn")] == arns[::-1]


def test_only_the_pages_that_are_taken_are_asked_for(begin, account, service):
    for _ in range(7):
        begin()
    next(list_executions(account, "churn"))
    assert service.names().count("ListPipelineExecutions") == 1


@pytest.mark.parametrize("which", ["churn", "churn/last", "churn/exec00000003", "churn/0003", "arn"])
def test_an_execution_is_found_by_its_names(begin, account, which):
    arns = [begin().arn for _ in range(4)]
    assert find(account, arns[-1] if which == "arn" else which).arn == arns[-1]


@pytest.mark.parametrize(
    ("name", "which"),
    [
        ("none_of_them", "churn/exec9"),
        ("several", "churn/exec"),
        ("no_pipeline", "/exec"),
        ("no_arn", "arn:aws:sagemaker:us-east-1:111122223333:pipeline/churn"),
        ("another_region", "arn:aws:sagemaker:eu-west-1:111122223333:pipeline/churn/execution/abc"),
    ],
)
def test_what_names_no_execution_is_refused(begin, account, golden, name, which):
    for _ in range(3):
        begin()
    with pytest.raises(UnknownExecution) as caught:
        find(account, which)
    golden(f"find_{name}.txt", str(caught.value))


def test_a_pipeline_without_executions_is_said_to_have_none(account):
    with pytest.raises(UnknownExecution, match="has no executions"):
        find(account, "churn")


def test_what_the_service_refuses_is_told_in_its_words(begin, service):
    service.refuse["StartPipelineExecution"] = Refused("ValidationException", "Only one execution at a time.")
    with pytest.raises(FluentpipeError, match="Only one execution at a time"):
        begin()
