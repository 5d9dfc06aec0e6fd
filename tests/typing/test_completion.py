"""Completion of what is being typed: jedi on a script, and IPython on live objects, with jedi and without."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import jedi
import pytest

# Two processes that fill one cache of jedi's at a time read each other's half-written files.
pytestmark = pytest.mark.xdist_group("completion")


@pytest.fixture(scope="module", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A folder for jedi's cache that no other process uses."""
    folder = str(tmp_path_factory.mktemp("cache"))
    jedi.settings.cache_directory = folder
    return folder


SETUP = """
from fluentpipe import *
base = Pipeline("churn").load_data("s3://bucket/churn.csv", label="churn").preprocess()
pipe = base.train_xgboost(name="deep").evaluate_performance()
"""
OWN_STEP = """
class Halving(ProcessingStep):
    '''Keep half of the rows.'''

    contract = StepContract(
        step_type="Halving",
        verb="halve",
        dependencies=(DependencySpec("rows", TrainingData, description="Rows to draw from."),),
        outputs=(OutputSpec("half", TrainingData, "ProcessingOutputConfig.Outputs['half'].S3Output.S3Uri", "The rows kept."),),
    )
    script = "halve.py"

    seed: int = setting(0, doc="Of the draw.")
"""
FOURTEEN = (
    ".train_xgboost().evaluate_performance().require(min_auc=1).register('m')" * 3 + ".load_data('x').preprocess()"
)
VERBS = {"load_data", "preprocess", "train_xgboost", "evaluate_performance", "require", "register", "merge", "run"}

CASES = {
    "after a pipeline": ("pipe.", VERBS),
    "after its outputs": ("pipe.outputs.", {"data_loading", "tabular_preprocessing", "deep", "model_evaluation"}),
    "after a step": ("pipe.outputs.deep.", {"model_artifacts", "training_job_name", "properties"}),
    "after properties": ("pipe.outputs.deep.properties.", {"ModelArtifacts", "TrainingTimeInSeconds"}),
    "inside of a verb": ("pipe.train_xgboost(", {"max_depth=", "eta=", "n_estimators=", "training_data=", "name="}),
    "at the fifteenth call": (f"base{FOURTEEN}.", VERBS),
    "after a pipeline with a step of an earlier cell": ("base.halve().", VERBS | {"halve"}),
    "inside of the verb of an earlier cell": ("base.halve(", {"seed=", "rows=", "instance_type="}),
    "after the step of an earlier cell": ("own.outputs.halving.", {"half", "properties"}),
}
BEYOND_JEDI = {"after a pipeline with a step of an earlier cell"}


LIVE = """
import json, sys
from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell

cells, texts, names = json.load(sys.stdin)
shell = InteractiveShell.instance()
for cell in cells:
    assert shell.run_cell(cell).success
found = {}
for use_jedi in (True, False):
    shell.Completer.use_jedi = use_jedi
    with provisionalcompleter():
        found[str(use_jedi)] = [[each.text for each in shell.Completer.completions(text, len(text))] for text in texts]
print(json.dumps([found, [shell.object_inspect(name) for name in names]], default=str))
"""


@pytest.fixture(scope="module")
def live(own_cache: str) -> tuple[dict[tuple[str, bool], set[str]], list[dict[str, str]]]:
    """What IPython, started afresh, completes at each case with and without jedi; and what it says of two verbs."""
    asked = (
        [SETUP, OWN_STEP, "own = base.halve(seed=3)"],
        [text for text, _ in CASES.values()],
        ["pipe.train_xgboost", "base.halve"],
    )
    environment = {**os.environ, "XDG_CACHE_HOME": own_cache}
    words = [sys.executable, "-c", LIVE]
    done = subprocess.run(words, input=json.dumps(asked), capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    found, inspected = json.loads(done.stdout.splitlines()[-1])
    completed = {
        (case, use_jedi): {text.removeprefix(".") for text in texts}
        for use_jedi in (True, False)
        for case, texts in zip(CASES, found[str(use_jedi)], strict=True)
    }
    return completed, inspected


@pytest.mark.slow  # the first question of jedi's to a package takes seconds
@pytest.mark.parametrize("use_jedi", [True, False], ids=["jedi", "no jedi"])
@pytest.mark.parametrize("case", CASES)
def test_ipython_completes_live_objects(case: str, use_jedi: bool, live: Any) -> None:
    completed, _ = live
    if use_jedi and case in BEYOND_JEDI:
        assert not CASES[case][1] & completed[case, use_jedi]  # it does not ask an object what its call returns
    else:
        assert CASES[case][1] <= completed[case, use_jedi]


@pytest.mark.slow
def test_a_question_mark_shows_signature_and_docs_also_of_a_step_of_an_earlier_cell(live: Any) -> None:
    built_in, own = live[1]
    assert "max_depth: 'int | Deferred[int] | None' = None" in built_in["definition"]
    assert "max_depth: Maximum depth of a tree" in built_in["docstring"]
    assert "seed: 'int' = 0" in own["definition"]
    assert "Keep half of the rows." in own["docstring"]
    assert "seed: Of the draw." in own["docstring"]


STATIC = {
    "after a pipeline": ("pipe.", VERBS),
    "after its outputs": ("pipe.outputs.", {"xgboost_training", "model_evaluation"}),
    "after a step": ("pipe.outputs.xgboost_training.", {"model_artifacts", "training_job_name", "properties"}),
    "after properties": ("pipe.outputs.xgboost_training.properties.ModelArtifacts.", {"S3ModelArtifacts"}),
    "after an element of a list": (
        "pipe.outputs.tabular_preprocessing.properties.ProcessingOutputConfig.Outputs['train_data'].",
        {"S3Output", "OutputName"},
    ),
    "inside of a verb": ("pipe.train_xgboost(max_", {"max_depth=", "max_bin="}),
    "at the fifteenth call": (f"Pipeline('churn').load_data('x'){FOURTEEN}.", VERBS),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", STATIC)
def test_jedi_completes_a_script(case: str) -> None:
    text, wanted = STATIC[case]
    found = {each.name for each in jedi.Script(SETUP + text).complete()}
    assert wanted <= found


@pytest.mark.slow
def test_jedi_shows_the_signature_and_the_docs_of_a_verb() -> None:
    (signature,) = jedi.Script(f"{SETUP}pipe.train_xgboost(").get_signatures()
    assert "max_depth" in {parameter.name for parameter in signature.params}
    assert "Maximum depth of a tree" in signature.docstring()
