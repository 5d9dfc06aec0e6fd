"""Compare the environment of our training jobs with the `sagemaker-training` toolkit's own.

    python compare_toolkit.py TOOLKIT_PYTHON

TOOLKIT_PYTHON is an interpreter that has the toolkit, this one has fluentpipe. The exit status is 1, and the differences
are printed, where a variable or an argument is not the toolkit's.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fluentpipe.run.storage import Maps, Storage
from fluentpipe.run.training import TrainingJob

HERE = Path(__file__).parent
CASES: dict[str, dict[str, str]] = {
    "numbers and texts": {"max_depth": "8", "eta": "0.10", "objective": '"binary:logistic"', "plain": "not json"},
    "one letter, hyphens, blanks": {"e": "1", "my-param": "x y", "empty": "", "quoted": '""'},
    "nothing, truth, lists": {"none": "null", "yes": "true", "list": "[1, 2.50]", "mapping": '{"b": 1, "a": true}'},
    "words of the toolkit": {"sagemaker_container_log_level": "10", "sagemaker_region": '"eu-west-1"', "sagemaker_extra": "7"},
    "signs": {"unicode": "é✓", "shell": "$(date) `x` ;", "equals": "a=b", "long": "1e400", "big": "12345678901234567890"},
    "none": {},
}  # fmt: skip
# Not the toolkit's, each for a reason.
OURS = {
    "SM_NUM_CPUS": "the threads that the step may use, not the cores of the machine",
}


def request(hyperparameters: dict[str, str], code: Path) -> dict[str, Any]:
    """A CreateTrainingJob request in script mode, with two channels."""
    return {
        "AlgorithmSpecification": {"TrainingImage": "x/sagemaker-scikit-learn:1.4-2", "TrainingInputMode": "File"},
        "OutputDataConfig": {"S3OutputPath": "s3://bucket/out"},
        "HyperParameters": {
            **hyperparameters,
            "sagemaker_program": '"train.py"',
            "sagemaker_submit_directory": json.dumps(str(code)),
        },
        "InputDataConfig": [
            {"ChannelName": name, **content, "DataSource": {"S3DataSource": {"S3Uri": "s3://bucket/x"}}}
            for name, content in (("train", {"ContentType": "text/csv"}), ("my-channel", {}))
        ],
    }


def compare(hyperparameters: dict[str, str], toolkit: str, folder: Path) -> Iterator[str]:
    """The differences, one a line."""
    root, code = folder / "ml", folder / "code"
    code.mkdir()
    (code / "train.py").touch()
    for channel in ("train", "my-channel"):
        (root / "input" / "data" / channel).mkdir(parents=True)
    job = TrainingJob("T", "a-job", request(hyperparameters, code))
    job.prepare(root, Storage.of(None, Maps({})))  # type: ignore[arg-type] # the code is a local folder: no definition is asked
    theirs = ask(toolkit, root)
    ours = {name: value for name, value in job.environment(root, 2).items() if name.startswith("SM_")}
    spelled_twice = {f"SM_HP_{name.upper().replace('-', '_')}" for name in hyperparameters if "-" in name}
    for name in sorted((theirs["env"].keys() | ours.keys()) - OURS.keys() - spelled_twice):
        mine, other = _value(ours.get(name)), _value(theirs["env"].get(name))
        for member in sorted(mine.keys() | other.keys() - {"num_cpus"}):
            if mine.get(member, "nothing") != other.get(member, "nothing") and member != "num_cpus":
                yield f"{name} {member}: ours {mine.get(member)!r}, the toolkit's {other.get(member)!r}"
    if list(job.argv(root)[2:]) != theirs["argv"]:
        yield f"arguments: ours {list(job.argv(root)[2:])}, the toolkit's {theirs['argv']}"


def ask(toolkit: str, root: Path) -> dict[str, Any]:
    """What the toolkit says of a folder."""
    environment = {
        "PATH": os.environ["PATH"], "SAGEMAKER_BASE_DIR": str(root), "SM_STUDIO_LOCAL_MODE": "true",
        "TRAINING_JOB_NAME": "a-job", "PYTHONDONTWRITEBYTECODE": "1",
    }  # fmt: skip
    command = [toolkit, str(HERE / "toolkit_oracle.py")]
    answer = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    told: dict[str, Any] = json.loads(answer.stdout.splitlines()[-1])
    return told


def _value(written: str | None) -> dict[str, Any]:
    """A variable that holds a mapping by its members, any other as one."""
    try:
        value = json.loads(written) if written is not None and written[:1] in "[{" else written
    except ValueError:
        value = written
    return value if isinstance(value, dict) else {"": value}


def main(toolkit: str) -> None:
    """Compare every case."""
    found = False
    for name, hyperparameters in CASES.items():
        with tempfile.TemporaryDirectory() as folder:
            for line in compare(hyperparameters, toolkit, Path(folder)):
                found = True
                print(f"{name}: {line}")
    if found:
        sys.exit("The environment of a training job is not the toolkit's (above).")
    print(f"{len(CASES)} training jobs have the toolkit's variables and arguments")


if __name__ == "__main__":
    main(sys.argv[1])
