"""The page about executions: its code runs against the scripted service, and prints what the page shows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fluentpipe.executions import documents

PAGE = (Path(__file__).parents[2] / "docs" / "executions.md").read_text("utf-8")


def test_the_code_of_the_page_runs_and_prints_what_the_page_shows(service, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(documents, "_strategies", dict(documents._strategies))
    blocks = re.findall(r"```py\n(.*?)```", PAGE, re.DOTALL)
    shown = re.search(r"<!-- output on SageMaker -->\n```text\n(.*?)```", PAGE, re.DOTALL)
    assert shown
    names: dict[str, object] = {}
    exec(blocks[0], names)
    assert capsys.readouterr().out == shown[1]
    for block in blocks[1:]:
        exec(block, names)
    assert len(blocks) == 3
    assert documents._strategies["Athena"] is names["athena"]


@pytest.mark.parametrize("command", re.findall(r"^fluentpipe (\w+)", PAGE, re.MULTILINE))
def test_each_command_of_the_page_exists(command):
    from fluentpipe.cli import main

    assert command in main.commands
