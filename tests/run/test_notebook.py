"""A run in a notebook, through a real kernel and its messages: the live table, the report, an interruption."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager, start_new_kernel

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("notebook")]
SECONDS = 120  # to wait for an answer

SETUP = """
from tests.run.pipelines import Sketch
from fluentpipe.demo import demo_pipeline
from fluentpipe.live import watching
from fluentpipe.run import run
def waiting(home):
    sketch = Sketch()
    sketch.processing("Waits", "import time; print('waits', flush=True); time.sleep(600)")
    with watching() as watch:
        run(sketch.definition(), home=home, echo=watch.echo, listener=watch.listener)
"""


@pytest.fixture(scope="module")
def notebook() -> Iterator[tuple[KernelManager, BlockingKernelClient]]:
    manager, client = start_new_kernel(cwd=str(Path(__file__).parents[2]))
    try:
        assert said(client, SETUP)[0]["status"] == "ok"
        yield manager, client
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def said(
    client: BlockingKernelClient, code: str, on_message: Any = None
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The reply to a cell, and what it showed meanwhile, in order."""
    shown: list[dict[str, Any]] = []

    def keep(message: dict[str, Any]) -> None:
        shown.append({"what": message["msg_type"], **message["content"]})
        if on_message is not None:
            on_message(shown[-1])

    reply = client.execute_interactive(code, timeout=SECONDS, output_hook=keep)
    return reply["content"], shown


def words(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def test_a_run_is_one_table_that_is_written_over_and_its_report_a_sealed_frame(notebook, tmp_path):
    _, client = notebook
    reply, shown = said(client, f"done = demo_pipeline().run(home={str(tmp_path)!r})")
    assert reply["status"] == "ok", reply
    tables = [each for each in shown if each["what"] in ("display_data", "update_display_data")]
    assert [each["what"] for each in tables].count("display_data") == 1
    assert len({each["transient"]["display_id"] for each in tables}) == 1
    pages = [words(each["data"]["text/html"]) for each in tables]
    assert any("training" in page and "Waiting" in page for page in pages[:-1])  # while it went on
    assert "churn 7 of 7 steps" in pages[-1]
    assert pages[-1].count("Succeeded") == 6
    assert not [each for each in shown if each["what"] in ("stream", "error")]  # the table, and nothing beside it
    reply, shown = said(client, "done.show()")
    (frame,) = (each["data"]["text/html"] for each in shown if each["what"] == "execute_result")
    assert frame.startswith("<iframe sandbox srcdoc=")
    assert "Run of the pipeline" in frame


def test_interrupting_the_kernel_stops_the_run_in_order_and_the_kernel_goes_on(notebook, tmp_path):
    manager, client = notebook

    def interrupt(shown: dict[str, Any]) -> None:
        if "waits" in str(shown.get("data", "")) and not interrupted:
            interrupted.append(manager.interrupt_kernel())

    interrupted: list[None] = []
    reply, _ = said(client, f"waiting({str(tmp_path)!r})", interrupt)
    assert (reply["status"], reply["ename"]) == ("error", "KeyboardInterrupt")
    (manifest,) = tmp_path.glob("runs/*/run.json")
    assert json.loads(manifest.read_bytes())["status"] == "Stopped"
    assert not list((tmp_path / "running").iterdir())
    _, shown = said(client, "1 + 1")
    assert [each["data"]["text/plain"] for each in shown if each["what"] == "execute_result"] == ["2"]
