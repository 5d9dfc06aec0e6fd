"""Completion and `?` as Jupyter has them: through a kernel of its own, over its messages."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import start_new_kernel
from test_completion import OWN_STEP, SETUP, VERBS

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("completion")]

SECONDS = 60  # to wait for an answer


@pytest.fixture(scope="module", params=[True, False], ids=["jedi", "no jedi"])
def kernel(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BlockingKernelClient]:
    """A kernel in which the cells have run: a pipeline, a step class of the user's own, and a use of it."""
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path_factory.mktemp("cache"))}
    manager, client = start_new_kernel(env=environment)
    try:
        for cell in (f"%config Completer.use_jedi = {request.param}", SETUP, OWN_STEP, "own = base.halve(seed=3)"):
            reply = client.execute_interactive(cell, timeout=SECONDS, output_hook=lambda message: None)
            assert reply["content"]["status"] == "ok", reply["content"]
        yield client
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def completed(kernel: BlockingKernelClient, text: str) -> set[str]:
    content = answer(kernel, kernel.complete(text, len(text)))
    return {match.rpartition(".")[2] for match in content["matches"]}


def inspected(kernel: BlockingKernelClient, text: str) -> str:
    content = answer(kernel, kernel.inspect(text, len(text)))
    assert content["found"]
    return re.sub(r"\x1b\[[0-9;]*m", "", content["data"]["text/plain"])  # without the colours


def answer(kernel: BlockingKernelClient, asked: str) -> Any:
    while True:
        reply = kernel.get_shell_msg(timeout=SECONDS)
        if reply["parent_header"]["msg_id"] == asked:
            return reply["content"]


CASES = {
    "pipe.": VERBS,
    "pipe.train_": {"train_xgboost"},
    "pipe.outputs.": {"data_loading", "deep", "model_evaluation"},
    "pipe.outputs.deep.": {"model_artifacts", "training_job_name", "properties"},
    "pipe.outputs.deep.properties.ModelArtifacts.": {"S3ModelArtifacts"},
    "pipe.train_xgboost(max_d": {"max_depth="},
    "base.": {"halve"},
    "base.halve(": {"seed=", "rows=", "instance_type="},
    "own.outputs.halving.": {"half", "properties"},
}


@pytest.mark.parametrize("text", CASES)
def test_a_kernel_completes(text: str, kernel: BlockingKernelClient) -> None:
    assert CASES[text] <= completed(kernel, text)


def test_a_question_mark_shows_a_verb(kernel: BlockingKernelClient) -> None:
    said = inspected(kernel, "pipe.train_xgboost")
    assert "max_depth: 'int | Deferred[int] | None' = None" in said
    assert "max_depth: Maximum depth of a tree" in said


def test_a_question_mark_shows_the_verb_of_an_earlier_cell(kernel: BlockingKernelClient) -> None:
    said = inspected(kernel, "base.halve")
    assert "seed: 'int' = 0" in said
    assert "Keep half of the rows." in said
    assert "seed: Of the draw." in said


def test_a_cell_run_again_with_another_setting_is_what_is_completed(kernel: BlockingKernelClient) -> None:
    again = OWN_STEP.replace("seed: int", "dice: int")
    assert kernel.execute_interactive(again, timeout=SECONDS)["content"]["status"] == "ok"
    found = completed(kernel, "base.halve(")
    assert "dice=" in found
    assert "seed=" not in found
