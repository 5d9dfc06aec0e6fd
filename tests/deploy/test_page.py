"""The page about deploying: its code runs against moto's server, and prints what the page shows."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import boto3
import pytest

import fluentpipe
from fluentpipe.aws import Account

from .conftest import Wire, pipelines_in
from .definitions import small

pytestmark = pytest.mark.xdist_group("moto-deploy")
PAGE = (Path(__file__).parents[2] / "docs" / "deploy.md").read_text("utf-8")


def told(text: str) -> str:
    """Without hashes, and without the sizes of programs, which change with every edit of them."""
    return re.sub(r"/[0-9a-f]{12}…", "/…", re.sub(r"\d+ files?, [\d.]+ \w+", "FILES", text))


@pytest.mark.slow
def test_the_code_of_the_page_runs_and_prints_what_the_page_shows(
    rows: Path, wire: Wire, aws: Account, tmp_path: Path, monkeypatch, capsys
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", wire.session)
    aws.client("iam").create_role(RoleName="SageMakerRole", AssumeRolePolicyDocument="{}")
    data = Path(fluentpipe.__file__).parent / "data" / "telco_churn.csv.gz"
    Path("churn.csv").write_bytes(gzip.decompress(data.read_bytes()))
    small(rows).write("bundle")
    blocks = re.findall(r"```py\n(.*?)```", PAGE, re.DOTALL)
    shown = re.search(r"<!-- output -->\n```text\n(.*?)```", PAGE, re.DOTALL)
    assert shown
    names: dict[str, object] = {}
    exec(blocks[0], names)
    assert told(capsys.readouterr().out) == told(shown[1])
    for block in blocks[1:]:
        exec(block, names)
    said = capsys.readouterr().out
    assert "\n() ()\n" in said
    assert pipelines_in(aws) == ["small"]
    assert len(blocks) == 3
