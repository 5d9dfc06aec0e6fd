"""Definitions written by the SageMaker SDK, version 2 and 3, run here unchanged to a trained, registered model."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest
from run.pipelines import DRIVERS, packed

from fluentpipe.errors import GateFailed

from .run_written import run_written

pytest.importorskip("xgboost")
HERE = Path(__file__).parent
PROGRAMS = {file.name: file.read_text() for file in (HERE / "code").glob("*.py")}
WRITTEN = sorted((HERE / "fixtures").glob("run_v*.json"))
QUICK = ("run_v2_xgboost", "run_v3_algorithm")  # one of each version; the others take longer


def the_bucket(text: str, bucket: Path) -> None:
    """What the SDK uploads for a definition, under the keys that it names; of the drivers, stand-ins."""
    contents = {**{name: text.encode() for name, text in PROGRAMS.items()}, "sourcedir.tar.gz": packed(PROGRAMS)}
    uris = {word.strip("\\") for word in text.split('"') if word.startswith("s3://my-bucket/churn-by-hand")}
    for uri in uris:
        place = bucket / uri.removeprefix("s3://my-bucket/")
        if place.name in contents:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(contents[place.name])
        for name, program in {"code": PROGRAMS, "sm_drivers": DRIVERS}.get(place.name, {}).items():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (place / name).write_text(program)


def load(file: Path, folder: Path) -> Path:
    """The definition with hashes and times in it again, and its bucket beside it."""
    text = file.read_text().replace("<sha256>", "0" * 64).replace("<time>", "20250101000000")
    the_bucket(text, folder / "bucket")
    made = folder / "definition.json"
    made.write_text(text)
    return made


def test_there_is_a_definition_for_each_way_to_name_a_program():
    assert [file.stem for file in WRITTEN] == [
        "run_v2_algorithm", "run_v2_serving", "run_v2_sklearn", "run_v2_tuning", "run_v2_xgboost", "run_v3_algorithm", "run_v3_drivers",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "file",
    [pytest.param(file, id=file.stem, marks=() if file.stem in QUICK else pytest.mark.slow) for file in WRITTEN],
)
def test_a_definition_of_the_sdk_runs_to_a_registered_model(file, tmp_path):
    result = run_written(load(file, tmp_path), tmp_path / "bucket", tmp_path / "home")
    assert result.status == "Succeeded"
    (model,) = result.models
    assert (model.group, model.version, model.approval_status) == ("churn-by-hand", 1, "PendingManualApproval")
    with tarfile.open(model.path / "model.tar.gz") as tar:
        assert tar.getnames() == ["xgboost-model"]
    (report,) = (model.path / "metrics").rglob("evaluation.json")
    assert 0.95 < json.loads(report.read_text())["binary_classification_metrics"]["auc"]["value"] < 1
    step = result.path / "steps" / ("Tune/trials/001" if "tuning" in file.stem else "Train")
    log = step / "log.txt"
    assert "[19]\ttrain-" in log.read_text()


def test_a_batch_transform_of_the_sdk_answers_the_test_rows(tmp_path):
    result = run_written(
        load(HERE / "fixtures" / "run_v2_serving.json", tmp_path), tmp_path / "bucket", tmp_path / "home"
    )
    (file,) = result.steps["Score"].outputs["transform_output"].rglob("*.out")
    pairs = [[float(field) for field in line.split(",")] for line in file.read_text().splitlines()]
    assert len(pairs) > 50
    right = sum((probability >= 0.5) == label for label, probability in pairs)
    assert right / len(pairs) > 0.85


def test_a_definition_of_the_sdk_is_held_back_by_its_own_gate(tmp_path):
    file = load(HERE / "fixtures" / "run_v2_algorithm.json", tmp_path)
    document = json.loads(file.read_text())
    (limit,) = (each for each in document["Parameters"] if each["Name"] == "AucThreshold")
    limit["DefaultValue"] = 1.1
    file.write_text(json.dumps(document))
    with pytest.raises(GateFailed, match=r"AucTooLow.*AUC below 1\.1"):
        run_written(file, tmp_path / "bucket", tmp_path / "home")
