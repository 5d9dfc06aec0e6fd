"""The four programs as SageMaker's images start them, in an interpreter that has an image's pins and nothing of ours.

    python image_chain.py CONTAINERS TABLE TRAINING

CONTAINERS is the folder of the programs, TABLE a CSV with the label `churn`, TRAINING the module that trains: `train` or
`train_lightgbm`. Prints the AUC; needs the standard library and what the programs import. .ci/run starts it, with Python 3.10 and
3.12.
"""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import tarfile
import tempfile

PARTS = ("train", "validation", "test")
LEAST_AUC = 0.84


def start(*words: object, cwd: pathlib.Path, **environment: object) -> None:
    """Run a program to its end; warnings of the libraries are shown, errors end this program."""
    variables = {**os.environ, **{name: str(value) for name, value in environment.items()}}
    subprocess.run([sys.executable, *map(str, words)], cwd=cwd, env=variables, check=True)


def chain(programs: pathlib.Path, table: pathlib.Path, training: str, root: pathlib.Path) -> float:
    """Load, preprocess, train as a module with channels in SM_* variables, evaluate the packed model."""
    start(programs / "load_data.py", "--input", table, "--output", root / "raw", "--label", "churn", cwd=root)
    places = [word for part in PARTS for word in (f"--{part}-output", root / part)]
    start(programs / "preprocess.py", "--input", root / "raw", *places, "--model-output", root / "prepared", cwd=root)
    model, data = root / "model", root / "data"
    model.mkdir()
    data.mkdir()
    channels = {"TRAIN": root / "train", "VALIDATION": root / "validation", "PREPROCESSING": root / "prepared"}
    start(
        "-m", training, "--num_round", "300", "--seed", "0", cwd=programs, SM_MODEL_DIR=model, SM_OUTPUT_DATA_DIR=data,
        SM_CHANNELS=json.dumps([name.lower() for name in channels]),
        **{f"SM_CHANNEL_{name}": place for name, place in channels.items()},
    )  # fmt: skip
    packed = root / "packed"
    packed.mkdir()
    with tarfile.open(packed / "model.tar.gz", "w:gz") as tar:
        tar.add(model, ".")
    start(
        programs / "evaluate.py", "--model", packed, "--test", root / "test", "--output", root / "report",
        "--predictions", root / "predictions", cwd=root,
    )  # fmt: skip
    auc: float = json.loads((root / "report" / "evaluation.json").read_text())["metrics"]["auc"]
    serve(model, root)
    if training == "train":
        together(programs, root, channels)
    return auc


def together(programs: pathlib.Path, root: pathlib.Path, channels: dict[str, pathlib.Path]) -> None:
    """Two instances of one training job, with the first of them writing the model."""
    hosts = ["127.0.0.1", "127.0.0.2"]
    started = []
    for host in hosts:
        config = root / host / "input" / "config"
        config.mkdir(parents=True)
        (config / "resourceconfig.json").write_text(json.dumps({"current_host": host, "hosts": hosts}))
        places = {"SAGEMAKER_BASE_DIR": root / host, "SM_MODEL_DIR": root / host / "model"}
        variables = {f"SM_CHANNEL_{name}": place for name, place in channels.items()} | places
        environment = {**os.environ, **{name: str(value) for name, value in variables.items()}}
        started.append(
            subprocess.Popen([sys.executable, "-m", "train", "--num_round", "20"], cwd=programs, env=environment)
        )
    ended = [process.wait(300) for process in started]
    written = [(root / host / "model" / "xgboost-model.ubj").is_file() for host in hosts]
    print("two instances:", ended, written)
    if ended != [0, 0] or written != [True, False]:
        sys.exit("two instances did not train one model that the first has")


def serve(model: pathlib.Path, root: pathlib.Path) -> None:
    """The inference code that lies in the model, called as the image's server does, with raw rows."""
    rows = "import csv, gzip, sys; rows = list(csv.DictReader(gzip.open(sys.argv[2], 'rt')))[:3]\n"
    call = (
        "import json; sys.path.insert(0, sys.argv[1] + '/code'); import inference\n"
        "[row.pop('churn') for row in rows]\n"
        "data = inference.input_fn(json.dumps(rows), 'application/json')\n"
        "print('served', inference.predict_fn(data, inference.model_fn(sys.argv[1])))\n"
    )
    start("-c", rows + call, model, pathlib.Path(sys.argv[2]).resolve(), cwd=root)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        places = [pathlib.Path(each).resolve() for each in sys.argv[1:3]]
        found = chain(places[0], places[1], sys.argv[3], pathlib.Path(folder))
    print(f"Python {sys.version.split()[0]}, {sys.argv[3]}: AUC {found:.4f}")
    if found < LEAST_AUC:
        sys.exit(f"the AUC is below {LEAST_AUC}")
