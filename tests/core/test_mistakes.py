"""Planted mistakes: each message says what is wrong, where, and what to do. The texts are golden files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fluentpipe import (
    ModelArtifacts,
    Parameter,
    Pipeline,
    PropertyReference,
    RawData,
    TrainingData,
    TrainingStep,
    setting,
)
from fluentpipe.errors import FluentpipeError
from fluentpipe.steps import TabularPreprocessing, XGBoostTraining

from .own import PATH, declare, takes, yields

pytestmark = pytest.mark.usefixtures("registry")


def loaded(**values: Any) -> Any:
    return Pipeline("churn").load_data("s3://my-bucket/churn.csv", **{"label": "churn", **values})


def whole() -> Any:
    return loaded().preprocess().train_xgboost().evaluate_performance()


def two_candidates() -> Any:
    for name in ("Augment", "Rebalance"):
        declare(name, name.lower(), (takes("raw_data", RawData),), (yields("train_data", TrainingData),))
    return loaded().augment().rebalance().train_xgboost()


def cycle() -> Any:
    def output(step: str) -> Any:
        return PropertyReference(step, PATH.format("rows"), "rows", TrainingData)

    own = declare("Refine", "refine", (takes("source", TrainingData),), (yields("rows", TrainingData),))
    steps = [own("a", source=output("b")), own("b", source=output("c")), own("c", source=output("a"))]
    return Pipeline.from_steps("churn", steps)


def local(rows: str, **values: Any) -> Any:
    Path("rows.csv").write_text(rows)
    return Pipeline("churn").load_data("rows.csv", **values)


def deep(path: Callable[[Any], Any]) -> Any:
    return path(whole().outputs.xgboost_training.properties)


def out_of_scope() -> Any:
    gated = whole().require(min_auc=0.8).register("churn-models")
    declare("Announce", "announce", (), (), what=setting(None), __annotations__={"what": "str | None"})
    arn = gated.outputs.model_registration.model_package_arn
    return gated.merge(loaded().preprocess(name="other")).announce(what=arn)


MISTAKES: dict[str, Callable[[], Any]] = {
    "wrong_order": lambda: loaded().evaluate_performance().train_xgboost(),
    "missing_preprocessing": lambda: loaded().train_xgboost(),
    "nothing_yet": lambda: Pipeline("churn").train_xgboost(),
    "misspelt_output": lambda: whole().outputs.xgboost_training.model_artifact,
    "misspelt_setting": lambda: loaded().preprocess().train_xgboost(max_detph=8, eta="fast", subsample=2),
    "misspelt_step": lambda: whole().outputs.xgboost_trainin,
    "misspelt_verb": lambda: loaded().preproces(),
    "misspelt_deep_path": lambda: deep(lambda properties: properties.ModelArtifacts.S3ModelArtifact),
    "misspelt_contract_path": lambda: declare(
        "Own", "own", (), (yields("model", ModelArtifacts, path="properties.ModelArtifact.S3ModelArtifacts"),), TrainingStep
    ),
    "misspelt_list_key": lambda: whole().outputs.tabular_preprocessing.properties.ProcessingOutputConfig.Outputs["trian_data"],
    "two_candidates": two_candidates,
    "mixed_lineage": lambda: loaded().preprocess().train_xgboost().preprocess(name="second").evaluate_performance(),
    "truth_value": lambda: bool(whole().outputs.xgboost_training.model_artifacts),
    "number": lambda: int(deep(lambda properties: properties.TrainingTimeInSeconds)),
    "arithmetic": lambda: deep(lambda properties: properties.TrainingTimeInSeconds) * 2,
    "iteration": lambda: list(whole().outputs.xgboost_training.model_artifacts),
    "list_iteration": lambda: list(deep(lambda properties: properties.FinalMetricDataList)),
    "format_spec": lambda: f"{whole().outputs.xgboost_training.model_artifacts:>20}",
    "mangled_token": lambda: whole().register(f"{whole().outputs.xgboost_training.training_job_name}".upper()),
    "repr_in_text": lambda: whole().register(f"{whole().outputs.xgboost_training.training_job_name!r}"),
    "cycle": cycle,
    "duplicate_names": lambda: loaded().preprocess().preprocess(),
    "duplicate_names_of_steps": lambda: Pipeline.from_steps("churn", [TabularPreprocessing(), TabularPreprocessing()]),
    "merge_clash": lambda: loaded().preprocess().merge(loaded().preprocess(seed=1)),
    "label_not_in_the_data": lambda: local("age,churn\n1,yes\n2,no\n", label="chrun"),
    "label_that_cannot_be_told": lambda: local("a,b,c\n1,5,x\n2,6,y\n3,7,x\n4,8,y\n"),
    "missing_file": lambda: (Path("churn.csv").write_text("a\n1\n"), Pipeline("churn").load_data("churn.cvs", label="a")),
    "empty_file": lambda: local("", label="a"),
    "malformed_uri": lambda: Pipeline("churn").load_data("s3://my-bucket//churn.csv", label="churn"),
    "provided_reference_of_another_kind": lambda: whole().provide(
        ModelArtifacts, whole().outputs.tabular_preprocessing.train_data
    ),
    "malformed_bucket": lambda: Pipeline("churn").provide(RawData, "s3://My_Bucket/churn.csv"),
    "not_s3": lambda: Pipeline("churn").load_data("https://example.com/churn.csv", label="churn"),
    "require_nothing": lambda: whole().require(),
    "require_misspelt": lambda: whole().require(min_acu=0.8, max_training_time="four hours"),
    "require_elsewhere": lambda: whole().require(min_auc=0.8, evaluation_report="s3://my-bucket/report"),
    "wrong_kind": lambda: loaded().preprocess().train_xgboost(validation_data=loaded().preprocess().outputs.tabular_preprocessing.train_data),
    "reference_of_another_pipeline": lambda: Pipeline("other").train_xgboost(training_data=whole().outputs.tabular_preprocessing.train_data),
    "out_of_scope": out_of_scope,
    "misspelt_objective": lambda: loaded().preprocess().train_xgboost(objective="binary:logit", eval_metric="aucpr@1"),
    "wrong_type_of_parameter": lambda: loaded().preprocess().train_xgboost(max_depth=Parameter("depth", "deep")),
    "bad_pipeline_name": lambda: Pipeline("churn model"),
    "bad_step_name": lambda: loaded().preprocess(name="pre process"),
    "bad_contract": lambda: declare("own step", "run", (takes("", RawData), takes("x", None)), (yields("y", int, path=""),)),
    "verb_taken": lambda: declare("Own", "train_xgboost"),
    "unknown_version": lambda: loaded(framework_version="9.9").materialize(),
    "quota": lambda: whole().materialize(max_steps=3),
    "input_of_the_wrong_type": lambda: Pipeline("churn").train_xgboost(training_data=Parameter("rows", 5)),
    "step_for_an_output": lambda: loaded().preprocess().train_xgboost(training_data=loaded().preprocess().outputs.tabular_preprocessing),
    "pipeline_for_an_input": lambda: loaded().preprocess().train_xgboost(training_data=whole()),
    "class_for_a_step": lambda: Pipeline.from_steps("churn", [TabularPreprocessing]),
    "no_source": lambda: Pipeline("churn").load_data(None, label="churn"),
    "merge_of_nothing": lambda: whole().merge("other"),
    "connection": lambda: __import__("fluentpipe").check_connection(TabularPreprocessing, "test_data", XGBoostTraining, "training_data"),
}  # fmt: skip


@pytest.mark.parametrize(("name", "mistake"), MISTAKES.items(), ids=MISTAKES)
def test_a_mistake_is_answered_with_what_where_and_what_to_do(
    name: str, mistake: Callable[[], Any], golden: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Exception) as caught:
        mistake()
    text = f"{type(caught.value).__name__}: {caught.value}\n".replace(str(tmp_path), "<here>")
    golden(f"mistakes/{name}.txt", text)
    assert isinstance(caught.value, (FluentpipeError, AttributeError))
    assert "object has no attribute" not in text


def test_every_golden_message_belongs_to_a_mistake() -> None:
    files = {path.stem for path in (Path(__file__).parent / "golden" / "mistakes").glob("*.txt")}
    assert files == set(MISTAKES)
