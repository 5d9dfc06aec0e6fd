"""The ways in which a training job names its program: the image's own algorithm, script mode, an entry point."""

from __future__ import annotations

import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from fluentpipe.errors import RunError, StepFailed
from fluentpipe.run import Run
from fluentpipe.run.builtin.channel_tables import UserError, read_channel
from fluentpipe.run.builtin.xgboost_algorithm import settings
from fluentpipe.run.paths import relocated_everywhere
from fluentpipe.run.training_program import own_programs

from .pipelines import DRIVERS, IMAGE, Sketch, packed

xgboost = pytest.importorskip("xgboost")
pa = pytest.importorskip("pyarrow")

ROWS = 400
SETTINGS = {"num_round": "20", "max_depth": "3", "eta": "0.3", "seed": "1", "objective": "binary:logistic"}


def numbers(seed: int, rows: int = ROWS) -> Any:
    """Rows with the label first; the second of four features is missing in places."""
    generator = np.random.default_rng(seed)
    features = generator.normal(size=(rows, 4)).astype(np.float32)
    label = (features[:, 0] + features[:, 2] > 0).astype(np.float32)
    features[::7, 1] = np.nan
    return np.column_stack([label, features])


def as_csv(table: Any, file: Path, delimiter: str = ",") -> None:
    lines = (delimiter.join("" if np.isnan(value) else repr(float(value)) for value in row) for row in table)
    file.write_text("\n".join(lines) + "\n")


def as_libsvm(table: Any, file: Path) -> None:
    pairs = (
        " ".join(f"{position}:{float(value)!r}" for position, value in enumerate(row[1:]) if not np.isnan(value))
        for row in table
    )
    file.write_text("".join(f"{row[0]:g} {each}\n" for row, each in zip(table, pairs, strict=True)))


def as_parquet(table: Any, file: Path) -> None:
    import pyarrow.parquet as pq

    columns = [pa.array(column, from_pandas=True) for column in table.T]
    pq.write_table(pa.table(columns, names=["label", *"abcd"]), file)


def algorithm(channels: dict[str, Path], content_type: str | None, hyperparameters: dict[str, str]) -> Sketch:
    """One training step without a script."""
    sketch = Sketch()
    step = sketch.training("Train", "", channels={name: str(folder) for name, folder in channels.items()})
    step["Arguments"]["HyperParameters"] = hyperparameters
    for channel in step["Arguments"]["InputDataConfig"]:
        if content_type is not None:
            channel["ContentType"] = content_type
    return sketch


def channels(folder: Path, write: Callable[[Any, Path], None], suffix: str) -> dict[str, Path]:
    made = {}
    for seed, name in enumerate(("train", "validation")):
        made[name] = folder / name
        made[name].mkdir()
        write(numbers(seed), made[name] / f"part-0{suffix}")
    (made["train"] / "_SUCCESS").touch()
    (made["train"] / ".ipynb_checkpoints").mkdir()
    (made["train"] / ".ipynb_checkpoints" / f"part-0{suffix}").write_text("no,data\n")
    return made


def model_of(run: Run, folder: Path) -> Any:
    with tarfile.open(run.steps["Train"].outputs["model"]) as tar:
        assert tar.getnames() == ["xgboost-model"]
        tar.extract("xgboost-model", folder, filter="data")
    return xgboost.Booster(model_file=folder / "xgboost-model")


@pytest.mark.parametrize(
    ("write", "suffix", "content_type"),
    [
        (as_csv, ".csv", "text/csv"),
        (lambda table, file: as_csv(table, file, ";"), ".csv", "text/csv; label_size=1"),
        (as_libsvm, ".libsvm", None),
        (as_parquet, ".parquet", "application/x-parquet"),
    ],
    ids=["csv", "semicolons", "libsvm", "parquet"],
)
def test_the_images_own_algorithm_learns_what_xgboost_learns(write, suffix, content_type, run, tmp_path):
    result = run(algorithm(channels(tmp_path, write, suffix), content_type, SETTINGS))
    table, held = numbers(0), numbers(1)
    direct = xgboost.train(
        {"max_depth": 3, "eta": 0.3, "seed": 1, "objective": "binary:logistic"},
        xgboost.DMatrix(table[:, 1:], label=table[:, 0]),
        20,
    )
    held = xgboost.DMatrix(held[:, 1:])
    np.testing.assert_allclose(model_of(result, tmp_path).predict(held), direct.predict(held), rtol=1e-5)
    log = result.steps["Train"].log.read_text()
    assert "[19]\ttrain-logloss:" in log
    assert "\tvalidation-logloss:" in log


def test_early_stopping_keeps_the_best_rounds_and_metrics_may_be_a_list(run, tmp_path):
    given = {**SETTINGS, "num_round": "500", "early_stopping_rounds": "5", "eval_metric": '["logloss","auc"]'}
    result = run(algorithm(channels(tmp_path, as_csv, ".csv"), "text/csv", given))
    model = model_of(result, tmp_path)
    assert 5 < model.num_boosted_rounds() < 400
    assert "train-logloss:" in (log := result.steps["Train"].log.read_text())
    assert "validation-auc:" in log


@pytest.mark.parametrize(
    ("content", "content_type", "hyperparameters", "message"),
    [
        ("label,a\n1,2\n", "text/csv", SETTINGS, "its first line has 'label'. The algorithm takes CSV without a header"),
        ("1 0:2 1:3\n", "text/csv", SETTINGS, "looks like libsvm, but its channel says text/csv"),
        ("1,2\n0,1\n", None, SETTINGS, "line 1 is no libsvm .* for CSV the channel must say ContentType text/csv"),
        ("1,2\n0,x\n", "text/csv", SETTINGS, "is no CSV of numbers: .*x"),
        ("1,2\n0\n", "text/csv", SETTINGS, "is no CSV of numbers: .*Expected 2 columns, got 1"),
        ("1\n0\n", "text/csv", SETTINGS, "has 1 columns; the label and at least one more are needed"),
        (",2\n0,1\n", "text/csv", SETTINGS, "has rows without a label"),
        ("", "text/csv", SETTINGS, "rows.csv is empty"),
        ("1,2\n", "text/csv", {**SETTINGS, "max_dept": "3"}, "unknown hyperparameter 'max_dept'; did you mean 'max_depth'"),
        ("1,2\n", "text/csv", {**SETTINGS, "num_round": "many"}, "'num_round' must be a whole number of at least 1, not 'many'"),
        ("1,2\n", "text/csv", {**SETTINGS, "_num_cv_round": "5"}, "'_num_cv_round': repeated cross-validation does not run"),
        ("1,2\n", "text/csv", {**SETTINGS, "objective": "binary:logistik"}, "Unknown objective function"),
    ],
)  # fmt: skip
def test_a_mistake_is_the_failure_message_of_the_job(content, content_type, hyperparameters, message, run, tmp_path):
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "rows.csv").write_text(content)
    with pytest.raises(StepFailed, match=rf"(?s)failed with exit code 1: AlgorithmError: .*{message}"):
        run(algorithm({"train": tmp_path / "train"}, content_type, hyperparameters))


def test_weights_are_the_second_column_where_csv_weights_says_so(tmp_path):
    (tmp_path / "rows.csv").write_text("1,0.5,7\n0,2,8\n")
    matrix = read_channel(tmp_path, "text/csv", weights=True)
    assert (matrix.get_label().tolist(), matrix.get_weight().tolist(), matrix.num_col()) == ([1, 0], [0.5, 2], 1)
    with pytest.raises(UserError, match="csv_weights needs ContentType text/csv"):
        read_channel(tmp_path, "", weights=True)


def test_files_of_different_width_are_refused_by_name(tmp_path):
    (tmp_path / "a.csv").write_text("1,2\n")
    (tmp_path / "b.csv").write_text("1,2,3\n")
    with pytest.raises(UserError, match=r"different numbers of columns: a\.csv 2, b\.csv 3"):
        read_channel(tmp_path, "text/csv")


def test_settings_are_read_as_the_sdk_quotes_them():
    rounds, patience, rest = settings(
        {"num_round": "7", "objective": '"multi:softprob"', "eval_metric": "auc, logloss",
         "monotone_constraints": "[1,-1]", "save_model_on_termination": "true", "sagemaker_region": '"us-east-1"'}
    )  # fmt: skip
    assert (rounds, patience) == (7, None)
    assert rest == {
        "objective": "multi:softprob", "eval_metric": ["auc", "logloss"], "monotone_constraints": "[1,-1]",
    }  # fmt: skip


HOW = """
import os, sys
print("module", __spec__.name if __spec__ else "none", "folder", os.getcwd().rsplit("/", 1)[1], *sys.argv[1:])
"""


@pytest.mark.parametrize(
    ("image", "name"),
    [(IMAGE, "none"), (IMAGE.replace("scikit-learn", "xgboost"), "train")],
    ids=["sklearn", "xgboost"],
)
def test_script_mode_starts_a_file_in_most_images_and_a_module_in_those_of_xgboost(image, name, run, rows):
    sketch = Sketch()
    sketch.training("T", HOW, channels={"train": str(rows)}, hyperparameters={"b": "1", "a-b": "x"}, image=image)
    assert f"module {name} folder code --a-b x -b 1" in run(sketch).steps["T"].log.read_text()


WITH_DRIVERS = """
import os, pathlib, shutil, sys
assert sys.argv[1:] == ["--max_depth", "8"], sys.argv
print("python", sys.executable)
shutil.copy(pathlib.Path(os.environ["SM_CHANNEL_TRAIN"], "rows.csv"), os.environ["SM_MODEL_DIR"])
"""


def trainer(rows: Path, script: str) -> Sketch:
    """A training as SDK v3 writes it."""
    sketch = Sketch()
    step = sketch.training("Train", "", channels={"train": str(rows)}, code=packed({"x.py": ""}))
    arguments = step["Arguments"]
    arguments["HyperParameters"] = {"max_depth": "8"}
    place = "/opt/ml/input/data/sm_drivers/sm_train.sh"
    arguments["AlgorithmSpecification"] |= {
        "ContainerEntrypoint": ["/bin/bash"], "ContainerArguments": ["-c", f"chmod +x {place} && {place}"],
    }  # fmt: skip
    for name, files in (("code", {"train.py": script}), ("sm_drivers", DRIVERS)):
        source = {"S3DataType": "S3Prefix", "S3Uri": sketch.asset(files), "S3DataDistributionType": "FullyReplicated"}
        arguments["InputDataConfig"].append({"ChannelName": name, "DataSource": {"S3DataSource": source}})
    return sketch


def test_the_drivers_of_sdk_3_find_everything_and_run_the_python_of_the_library(run, rows):
    import sys

    result = run(trainer(rows, WITH_DRIVERS))
    with tarfile.open(result.steps["Train"].outputs["model"]) as tar:
        assert tar.getnames() == ["rows.csv"]
    used = next(line for line in result.steps["Train"].log.read_text().splitlines() if line.startswith("python "))
    assert Path(used.removeprefix("python ")).parent == Path(sys.executable).parent


def test_the_drivers_own_failure_message_is_the_steps(run, rows):
    with pytest.raises(StepFailed, match="failed with exit code 3: the driver says why"):
        run(trainer(rows, "raise SystemExit(1)"))


def test_a_folder_that_a_shell_would_misread_is_refused(run, rows, tmp_path):
    with pytest.raises(RunError, match="its name has blanks or signs in it") as caught:
        run(trainer(rows, WITH_DRIVERS), home=tmp_path / "my runs; rm")
    assert "home=" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "moved"),
    [
        ("chmod +x /opt/ml/a.sh && /opt/ml/a.sh", "chmod +x /r/a.sh && /r/a.sh"),
        ('cat "/opt/ml/x" >/opt/ml', 'cat "/r/x" >/r'),
        ("X=/opt/ml/model:/opt/ml/code", "X=/r/model:/r/code"),
        ("/opt/mlx /data/opt/ml/x ./opt/ml s3://b/opt/ml/x /opt/ml-1/x", None),
    ],
)
def test_only_paths_that_begin_with_opt_ml_move(text, moved):
    assert relocated_everywhere(text, Path("/r")) == (moved or text)


@given(st.text(st.sampled_from("/opt/ml x.='\"-"), max_size=40))
def test_moving_paths_leaves_no_path_of_the_container_and_nothing_else_changes(text):
    moved = relocated_everywhere(text, Path("/r"))
    assert relocated_everywhere(moved, Path("/r")) == moved
    assert moved.replace("/r", "/opt/ml") == text.replace("/r", "/opt/ml")


def test_our_program_in_place_of_the_images_is_part_of_what_a_cached_result_came_from():
    request = {"AlgorithmSpecification": {"TrainingImage": "x/sagemaker-xgboost:3.0-5"}}
    assert {file.name for file in own_programs(request)} >= {"channel_tables.py", "xgboost_algorithm.py"}
    assert not own_programs({**request, "HyperParameters": {"sagemaker_program": "train.py"}})
    assert not own_programs({"AppSpecification": {}})
