"""The service's checks here: functions stand in for them, and a registered version takes what those say they found."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fluentpipe import ModelArtifacts, Pipeline
from fluentpipe.errors import RunError


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working directory with rows, a model, and what checks found."""
    monkeypatch.chdir(tmp_path)
    Path("rows.csv").write_text("gender,churn\nFemale,No\nMale,Yes\n")
    for name in ("model.tar.gz", "statistics.json", "constraints.json", "bias.json"):
        Path(name).write_text(f'"{name}"')


def checked() -> Any:
    pipe: Any = Pipeline("own")
    pipe = pipe.provide(ModelArtifacts, "model.tar.gz").check_quality(rows="rows.csv", group="g")
    return pipe.check_bias("gender", positive="No", rows="rows.csv", label="churn").register("g")


FOUND = {"CalculatedBaselineStatistics": "statistics.json", "CalculatedBaselineConstraints": "constraints.json"}


def test_a_version_takes_what_stands_in_for_checks_has_found() -> None:
    asked: dict[str, Any] = {}

    def quality(inputs: dict[str, Any]) -> dict[str, str]:
        (rows,) = inputs["ProcessingInputs"]
        asked["rows"] = Path(rows["S3Input"]["S3Uri"]).read_text()
        return FOUND

    def bias(inputs: dict[str, Any]) -> dict[str, str]:
        places = {each["InputName"]: Path(each["S3Input"]["S3Uri"]) for each in inputs["ProcessingInputs"]}
        asked["analysis"] = json.loads(places["analysis_config"].read_text())
        return {"CalculatedBaselineConstraints": "bias.json", "BaselineUsedForDriftCheckConstraints": "before.json"}

    run = checked().run(echo=None, stand_ins={"data_quality_check": quality, "data_bias_check": bias})
    assert asked["rows"].startswith("gender,churn")
    assert asked["analysis"]["facet"] == [{"name_or_index": "gender"}]
    assert run.outputs.data_quality_check.used_statistics.value() == "statistics.json"
    folder = run.models[0].path
    assert (
        folder / "metrics" / "ModelDataQuality.Constraints" / "constraints.json"
    ).read_text() == '"constraints.json"'
    kept = json.loads((folder / "package.json").read_text())["DriftCheckBaselines"]
    assert kept["ModelDataQuality"]["Statistics"]["S3Uri"] == "statistics.json"
    assert kept["Bias"]["PreTrainingConstraints"]["S3Uri"] == "before.json"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"CalculatedBaselineStatistic": "s"}, "no 'CalculatedBaselineStatistic'. Did you mean 'CalculatedBaselineStatistics'"),
        ({"CalculatedBaselineConstraints": {}}, "must be the place of a file"),
    ],
)  # fmt: skip
def test_what_stands_in_for_a_check_answers_what_a_check_has(answer: dict[str, Any], said: str) -> None:
    pipe: Any = Pipeline("own")
    pipe = pipe.check_quality(rows="rows.csv")
    with pytest.raises(RunError, match=said):
        pipe.run(echo=None, stand_ins={"data_quality_check": lambda _: answer})


def test_that_checks_do_not_run_here_is_told_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"data_quality_check \(QualityCheck\), data_bias_check \(ClarifyCheck\)"):
        checked().run(echo=None, home=tmp_path / "home")
    assert not (tmp_path / "home" / "runs").exists()
