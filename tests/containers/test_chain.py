"""The whole chain: how good it is, and that it is the same again."""

from __future__ import annotations

import csv
import gzip
import hashlib
import importlib.util
import json
import os
import random
import statistics
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fluentpipe.containers import archive, evaluate, inference, job, model_folder, train
from fluentpipe.containers.job import JobError

from .chain import TELCO, Chain

SCRIPTS = Path(train.__file__).parent


def hashes(folder: Path) -> dict[str, str]:
    files = (file for file in sorted(folder.rglob("*")) if file.is_file())
    return {file.relative_to(folder).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def shuffled_labels(folder: Path) -> Path:
    with gzip.open(TELCO, "rt") as stream:
        header, *rows = csv.reader(stream)
    labels = [row[-1] for row in rows]
    random.Random(0).shuffle(labels)
    file = folder / "shuffled.csv"
    with file.open("w", newline="") as out:
        csv.writer(out).writerows([header, *([*row[:-1], label] for row, label in zip(rows, labels, strict=True))])
    return file


def test_one_split_of_the_churn_data_is_predicted_well(churn: Chain) -> None:
    found = churn.evaluation
    assert found["rows"] == 1409
    assert found["metrics"]["auc"] > 0.84
    assert found["metrics"]["log_loss"] < 0.43
    assert found["positive_class"] == "Yes"


@pytest.mark.slow
def test_the_mean_auc_over_twenty_splits_of_the_churn_data_is_at_least_0_845(tmp_path: Path) -> None:
    areas = [Chain(tmp_path / str(seed)).whole(TELCO, "--seed", str(seed))["metrics"]["auc"] for seed in range(20)]
    assert statistics.mean(areas) >= 0.845


def test_labels_without_meaning_are_not_predicted(chain: Chain, tmp_path: Path) -> None:
    assert chain.whole(shuffled_labels(tmp_path))["metrics"]["auc"] == pytest.approx(0.5, abs=0.05)


def test_the_same_inputs_give_the_same_bytes_whatever_the_number_of_threads(churn: Chain, tmp_path: Path) -> None:
    again = Chain(tmp_path)
    again.load(TELCO)
    again.preprocess()
    again.train("--nthread", "2")
    again.evaluate()
    for part in ("raw", "train", "model", "trained", "report", "predictions"):
        assert hashes(again.folder / part) == hashes(churn.folder / part)


def test_preprocess_splits_what_is_not_split_exactly_as_load_data_does(churn: Chain, tmp_path: Path) -> None:
    direct = Chain(tmp_path)
    direct.preprocess("--label", "churn", source=TELCO)
    for part in ("train", "validation", "test"):
        file = f"{part}/data.parquet"
        assert (direct.folder / file).read_bytes() == (churn.folder / file).read_bytes()


def test_raw_test_rows_are_judged_exactly_as_preprocessed_ones(churn: Chain, tmp_path: Path) -> None:
    before = churn.evaluation
    arguments = [f"--model={churn.folder / 'trained'}", f"--test={churn.folder / 'raw'}"]
    evaluate.main([*arguments, f"--output={tmp_path}", f"--predictions={tmp_path}"])
    assert json.loads((tmp_path / "evaluation.json").read_text()) == before


@pytest.mark.parametrize("form", ["csv with header", "csv without header", "csv without label", "records", "lines"])
def test_inference_gives_the_numbers_of_the_evaluation(churn: Chain, form: str) -> None:
    rows = pq.read_table(churn.folder / "raw" / "test" / "data.parquet").slice(0, 50).to_pylist()
    names = list(rows[0])
    if form == "records":
        body, kind = json.dumps({"instances": rows}), "application/json"
    elif form == "lines":
        body, kind = "\n".join(map(json.dumps, rows)), "application/jsonlines"
    else:
        kept = names[:-1] if form == "csv without label" else names
        lines = [[row[name] for name in kept] for row in rows]
        lines = [["" if value is None else value for value in line] for line in lines]
        out = [kept, *lines] if form == "csv with header" else lines
        body, kind = "\n".join(",".join(map(str, line)) for line in out), "text/csv; charset=utf-8"
    model = inference.model_fn(str(churn.folder / "trained"))
    answers = inference.predict_fn(inference.input_fn(body.encode(), kind), model)
    known = pq.read_table(churn.folder / "predictions" / "predictions.parquet").slice(0, 50).to_pylist()
    assert [answer["prediction"] for answer in answers] == [row["prediction"] for row in known]
    found = [answer["probability"] for answer in answers]
    assert found == pytest.approx([row["probability"] for row in known], abs=1e-6)
    assert len(json.loads(inference.output_fn(answers, "application/json"))["predictions"]) == 50
    assert inference.output_fn(answers, "text/csv").count("\n") == 50


def test_inference_names_every_missing_column(churn: Chain) -> None:
    model = inference.model_fn(str(churn.folder / "trained"))
    with pytest.raises(JobError, match=r"lack 18 .*'female'.*'total_charges'"):
        inference.predict_fn(inference.input_fn('{"tenure": 3}', "application/json"), model)


@pytest.mark.slow
def test_the_code_in_the_model_folder_serves_by_itself(churn: Chain) -> None:
    row = pq.read_table(churn.folder / "raw" / "test" / "data.parquet").slice(0, 1).to_pylist()
    program = (
        "import inference, json, sys\n"
        "model = inference.model_fn(sys.argv[1])\n"
        "print(inference.predict_fn(inference.input_fn(sys.argv[2], 'application/json'), model)[0]['probability'])\n"
    )
    command = [sys.executable, "-c", program, str(churn.folder / "trained"), json.dumps(row)]
    environment = {**os.environ, "PYTHONPATH": str(churn.folder / "trained" / "code")}
    found = subprocess.run(command, capture_output=True, text=True, check=True, cwd="/", env=environment)
    known = pq.read_table(churn.folder / "predictions" / "predictions.parquet")["probability"][0].as_py()
    assert float(found.stdout) == pytest.approx(known, abs=1e-6)


def test_the_model_of_several_folds_is_the_mean_of_their_margins(churn: Chain) -> None:
    facts = json.loads((churn.folder / "trained" / "model.json").read_text())
    assert facts["n_folds"] == 5
    assert facts["rounds"] == sum(member["best_round"] + 1 for member in facts["members"])
    assert model_folder.load(churn.folder / "trained").booster.num_boosted_rounds() == facts["rounds"]


def test_rounds_that_the_user_sets_are_the_rounds_of_a_single_model(churn: Chain) -> None:
    churn.train("--n_estimators", "20", "--early_stopping_rounds", "0", "--max-depth", "2", model="twenty")
    facts = json.loads((churn.folder / "twenty" / "model.json").read_text())
    assert (facts["rounds"], facts["n_folds"], facts["parameters"]["max_depth"]) == (20, 0, 2)


@pytest.mark.parametrize("method", ["approx", "auto"])
def test_trees_grow_by_other_methods(churn: Chain, method: str) -> None:
    arguments = ("--num_round", "3", "--tree_method", method)
    churn.train(*arguments, model=method)
    assert json.loads((churn.folder / method / "model.json").read_text())["parameters"]["tree_method"] == method


def test_hyperparameters_in_the_channel_go_over_the_command_line(churn: Chain, tmp_path: Path) -> None:
    (tmp_path / "tuned.json").write_text('{"max_depth": 5}')
    arguments = ("--num_round", "3", "--max_depth", "2", "--hyperparameters", str(tmp_path))
    churn.train(*arguments, model="tuned")
    assert json.loads((churn.folder / "tuned" / "model.json").read_text())["parameters"]["max_depth"] == 5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--max_dept", "4"], "unknown hyperparameters: 'max_dept'. Did you mean 'max_depth'?"),
        (["--max_depth", "deep"], "max_depth"),
        (["--subsample", "7"], "subsample"),
        (["--eval_metric", "guess"], "Unknown metric function guess"),
        (["--objective", "reg:squarederror"], "does not fit the task 'binary'"),
        (["--num_round", "0"], "num_round is 0"),
        (["--eta", "0.1", "--learning_rate", "0.2"], "the same parameter"),
        (["--max_depth"], "has no value"),
        (["deep"], "is no --name"),
    ],
)
def test_hyperparameters_that_cannot_be_meant_are_refused(churn: Chain, arguments: list[str], message: str) -> None:
    with pytest.raises(JobError) as fault:
        churn.train(*arguments, model="refused")
    assert message in str(fault.value)


@pytest.mark.parametrize("task", [pytest.param("multiclass", marks=pytest.mark.slow), "regression"])
def test_the_other_tasks_run_through(chain: Chain, tmp_path: Path, task: str) -> None:
    draw = random.Random(1)
    rows = [(draw.random(), draw.choice("abcd")) for _ in range(400)]
    name = ["low", "middle", "high"]
    label = [
        name[min(int(x * 3), 2)] if task == "multiclass" else 3 * x + (c == "a") + draw.random() / 10 for x, c in rows
    ]
    table = pa.table({"x": [x for x, _ in rows], "c": [c for _, c in rows], "target": label})
    (tmp_path / "source").mkdir()
    pq.write_table(table, tmp_path / "source" / "rows.parquet")
    found = chain.whole(tmp_path / "source", "--task", task if task == "multiclass" else "auto")
    assert found["task"] == task
    figures = found["metrics"]
    assert figures["accuracy"] > 0.9 if task == "multiclass" else figures["r2"] > 0.9
    raw = chain.evaluate(test="raw")
    assert raw["metrics"] == figures


def test_one_class_in_the_test_rows_leaves_out_the_auc_and_says_so(churn: Chain, tmp_path: Path) -> None:
    table = pq.read_table(churn.folder / "raw" / "test" / "data.parquet")
    pq.write_table(table.filter(pa.compute.equal(table["churn"], "No")), tmp_path / "no.parquet")
    outputs = [f"--output={tmp_path / 'out'}", f"--predictions={tmp_path / 'out'}"]
    evaluate.main([f"--model={churn.folder / 'trained'}", f"--test={tmp_path / 'no.parquet'}", *outputs])
    found = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    assert "auc" not in found["metrics"]
    assert "accuracy" in found["metrics"]
    assert any("'Yes'" in warning for warning in found["warnings"])


def test_a_job_that_fails_says_why_once_and_leaves_the_reason_where_the_service_looks(tmp_path: Path) -> None:
    command = [sys.executable, str(SCRIPTS / "load_data.py"), "--input", str(TELCO), "--label", "churned"]
    environment = {**os.environ, "SAGEMAKER_BASE_DIR": str(tmp_path)}
    found = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert found.returncode == 1
    assert "Traceback" not in found.stderr
    assert found.stderr.startswith("error: there is no column 'churned' to be the label. Did you mean 'churn'?")
    reason = (tmp_path / "output" / "message").read_text()
    assert found.stderr == f"error: {reason}\n"


@pytest.mark.parametrize("name", ["../outside", "/outside", "a/../../outside", "c:/outside", "a\\b"])
def test_an_archive_cannot_write_outside_of_its_folder(tmp_path: Path, name: str) -> None:
    import io
    import tarfile

    with tarfile.open(tmp_path / "model.tar.gz", "w:gz") as members:
        member = tarfile.TarInfo(name)
        member.size = 1
        members.addfile(member, io.BytesIO(b"x"))
    with pytest.raises(JobError, match="would leave its folder"):
        archive.unpack(tmp_path / "model.tar.gz", tmp_path / "model")
    assert not (tmp_path / "outside").exists()


def test_an_archive_with_a_link_or_too_many_bytes_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import tarfile

    (tmp_path / "link").symlink_to("/etc")
    (tmp_path / "zeros").write_bytes(bytes(1 << 16))
    for name, message in (("link", "no plain file"), ("zeros", "unpacks to more than")):
        with tarfile.open(tmp_path / f"{name}.tar.gz", "w:gz") as members:
            members.add(tmp_path / name, name)
        monkeypatch.setattr(archive, "MOST_BYTES", 1 << 15)
        with pytest.raises(JobError, match=message):
            archive.unpack(tmp_path / f"{name}.tar.gz", tmp_path / "model")


AS_FORKED = """
import os, runpy, sys
unwanted = "pandas", "sklearn"
sys.modules.update(dict.fromkeys(unwanted))
import numpy, pyarrow.compute, pyarrow.csv, pyarrow.parquet, xgboost
for name in unwanted:
    del sys.modules[name]
del sys.argv[0]
sys.path.insert(0, os.path.dirname(sys.argv[0]))
try:
    runpy.run_path(sys.argv[0], run_name="__main__")
except SystemExit as end:
    print("ended with", end.code, "and", [name for name in unwanted if name in sys.modules])
import pandas
print("found afterwards:", pandas.__name__)
"""


@pytest.mark.parametrize(
    "program",
    ["load_data", "train", *(pytest.param(name, marks=pytest.mark.slow) for name in ("preprocess", "evaluate"))],
)
def test_no_job_waits_for_an_import_of_pandas(program: str, churn: Chain, tmp_path: Path) -> None:
    given = churn.folder
    arguments = {
        "load_data": [f"--input={TELCO}", f"--output={tmp_path}"],
        "preprocess": [
            f"--input={given / 'raw'}",
            *(f"--{part}-output={tmp_path / part}" for part in ("train", "validation", "test", "model")),
        ],
        "train": [
            *(f"--{name}={given / name}" for name in ("train", "validation")),
            f"--preprocessing={given / 'model'}", f"--model-dir={tmp_path}", f"--output-data-dir={tmp_path}", "--num_round=3",
        ],
        "evaluate": [
            f"--model={given / 'trained'}", f"--test={given / 'test'}", f"--output={tmp_path}", f"--predictions={tmp_path}"
        ],
    }[program]  # fmt: skip
    script = str(SCRIPTS / f"{program}.py")
    done = subprocess.run([sys.executable, "-c", AS_FORKED, script, *arguments], capture_output=True, text=True)
    assert done.stdout.splitlines()[-2:] == ["ended with 0 and []", "found afterwards: pandas"], done.stderr


def test_pandas_is_kept_from_this_thread_alone() -> None:
    from concurrent.futures import ThreadPoolExecutor

    def missing() -> bool:
        return importlib.util.find_spec("pandas") is None

    kept = sys.modules.pop("pandas", None)
    try:
        with ThreadPoolExecutor(1) as pool, job.without_pandas():
            with pytest.raises(ModuleNotFoundError):
                missing()
            assert not pool.submit(missing).result()
        assert not missing()
    finally:
        if kept is not None:
            sys.modules["pandas"] = kept


@pytest.mark.parametrize("folds", ["0", "2"])
def test_columns_may_have_any_name(folds: str, chain: Chain, tmp_path: Path) -> None:
    names = ["größe", "年齢", "😀", 'a "quoted" \\ name', "<b>", "a[0]", "tab\tstop", "x" * 300]
    random_rows = [
        [f"{random.Random(row * 31 + place).random():.3f}" for place in range(len(names))] for row in range(300)
    ]
    file = tmp_path / "rows.csv"
    with file.open("w", newline="", encoding="utf-8") as out:
        csv.writer(out).writerows([[*names, "label"], *([*row, str(float(row[0]) > 0.5)] for row in random_rows)])
    chain.load(file, "--label", "label")
    chain.preprocess()
    chain.train("--n_folds", folds, "--num_round", "5", "--early_stopping_rounds", "0")
    assert chain.evaluate()["metrics"]["auc"] > 0.9
    model = model_folder.load(chain.folder / "trained")
    assert model.preprocessing is not None
    assert model.preprocessing.input_columns == (*names, "label")
