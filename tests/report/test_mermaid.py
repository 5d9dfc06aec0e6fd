"""The graph of a pipeline as text that Mermaid draws."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from fluentpipe import Pipeline
from fluentpipe.definition import Definition
from fluentpipe.flowchart import Edge, mermaid

CHAIN = """\
flowchart LR
    s0["data_loading<br/>DataLoading"]
    s1["tabular_preprocessing<br/>TabularPreprocessing"]
    s2["xgboost_training<br/>XGBoostTraining"]
    s3["model_evaluation<br/>ModelEvaluation"]
    s4{"quality_gate"}
    s5["model_registration<br/>ModelRegistration"]
    s0 --> s1
    s1 --> s2
    s1 --> s3
    s2 --> s3
    s3 --> s4
    s3 --> s5
    s2 --> s5
    s4 -. if .-> s5"""


def chain() -> Pipeline:
    start = Pipeline("churn").load_data("s3://my-bucket/x.csv", label="churn").preprocess().train_xgboost()
    return start.evaluate_performance().require(min_auc=0.8).register("models")


def test_a_pipeline_is_a_flowchart_of_its_steps_with_the_branches_of_its_gates():
    assert sorted(chain().to_mermaid().splitlines()) == sorted(CHAIN.splitlines())


def test_a_definition_shows_what_it_is_made_of_and_its_fail_step():
    text = chain().materialize().to_mermaid()
    assert 's6(["quality_gate_failed"])' in text
    assert "s4 -. else .-> s6" in text
    assert 's2["xgboost_training<br/>Training"]' in text


def test_what_waits_is_after_what_it_waits_for():
    steps = [{"Name": "a", "Type": "X"}, {"Name": "b", "Type": "X", "DependsOn": ["Steps.a", 3, "nobody"]}]
    assert "s0 --> s1" in Definition("p", {"Steps": steps}).to_mermaid()


def test_a_condition_comes_after_what_it_reads():
    start = Pipeline("churn").load_data("s3://my-bucket/x.csv", label="churn").preprocess().train_xgboost()
    pipe = start.evaluate_performance()
    good = pipe.outputs.model_evaluation.evaluation_report.json("metrics.auc") >= 0.8
    lines = pipe.when(good).then(lambda p: p.register("models")).to_mermaid().splitlines()
    assert '    s4{"branch"}' in lines
    assert "    s3 --> s4" in lines


def test_an_empty_pipeline_is_an_empty_flowchart():
    assert Pipeline("churn").to_mermaid() == "flowchart LR"


@given(st.lists(st.text(), min_size=1, max_size=4, unique=True), st.text())
def test_no_name_is_read_as_mermaid(names, kind):
    lines = mermaid(dict.fromkeys(names, kind), [Edge(names[0], names[-1], kind)]).splitlines()
    assert len(lines) == 2 + len(names)
    for line in lines[1:-1]:
        label = line.partition('"')[2].rpartition('"')[0].replace("<br/>", "")
        assert not set(label) & set("\"'[](){}<>`|\\\n")


@pytest.mark.parametrize("name", ["end", 'a"b', "x]:::y", "<b>", "ä"])
def test_words_and_signs_of_mermaid_are_shown_as_they_are(name):
    assert mermaid({name: ""}, []).splitlines()[1].startswith('    s0["')
