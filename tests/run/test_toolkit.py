"""What a training script is told."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from fluentpipe.run.toolkit import command_arguments, read_hyperparameters

from .pipelines import Sketch

PRINT = """
import json, os, pathlib, sys
config = pathlib.Path(os.environ["SAGEMAKER_BASE_DIR"], "input/config")
files = {path.name: json.loads(path.read_text()) for path in config.iterdir()}
print(json.dumps({"env": dict(os.environ), "argv": sys.argv[1:], "files": files, "cwd": os.getcwd()}))
"""
HYPERPARAMETERS = {
    "max_depth": "8",
    "my-param": "x y",
    "flags": '{"b": 1, "a": true}',
    "n": "null",
    "out": "/opt/ml/model",
    "e": "0.10",
}


@pytest.fixture
def told(run, rows) -> dict[str, Any]:
    sketch = Sketch(data=str(rows))
    data = {"Get": "Parameters.data"}
    sketch.training("T", PRINT, channels={"train": data, "my-channel": data}, hyperparameters=HYPERPARAMETERS)
    found = json.loads(run(sketch, max_parallel=1).steps["T"].log.read_text())
    found["root"] = found["env"]["SAGEMAKER_BASE_DIR"]
    return found


def test_the_command_line_has_every_hyperparameter_sorted_and_none_of_sagemakers(told):
    assert told["argv"] == [
        "-e", "0.1", "--flags", "a=True,b=1", "--max_depth", "8", "--my-param", "x y", "-n", "",
        "--out", f"{told['root']}/model",
    ]  # fmt: skip
    assert json.loads(told["env"]["SM_USER_ARGS"]) == told["argv"]


def test_the_variables_are_those_of_the_toolkit(told):
    env, root = told["env"], told["root"]
    expected = {
        "SM_MODEL_DIR": f"{root}/model",
        "SM_OUTPUT_DATA_DIR": f"{root}/output/data",
        "SM_OUTPUT_DIR": f"{root}/output",
        "SM_INPUT_DIR": f"{root}/input",
        "SM_INPUT_CONFIG_DIR": f"{root}/input/config",
        "SM_CHANNEL_TRAIN": f"{root}/input/data/train",
        "SM_CHANNEL_MY-CHANNEL": f"{root}/input/data/my-channel",
        "SM_CHANNELS": '["my-channel","train"]',
        "SM_HP_MAX_DEPTH": "8",
        "SM_HP_MY-PARAM": "x y",
        "SM_HP_MY_PARAM": "x y",
        "SM_HP_FLAGS": '{"a":true,"b":1}',
        "SM_HP_N": "",
        "SM_HOSTS": '["algo-1"]',
        "SM_CURRENT_HOST": "algo-1",
        "SM_NUM_GPUS": "0",
        "SM_MODULE_NAME": "train",
        "SM_USER_ENTRY_POINT": "train.py",
        "SM_LOG_LEVEL": "20",
        "SM_NETWORK_INTERFACE_NAME": "eth0",
        "SM_CURRENT_INSTANCE_TYPE": "local",
    }
    assert {name: env.get(name) for name in expected} == expected
    assert env["SM_MODULE_DIR"].startswith("s3://my-bucket/code/")
    assert json.loads(env["SM_HPS"])["flags"] == {"a": True, "b": 1}
    training = json.loads(env["SM_TRAINING_ENV"])
    assert training["hyperparameters"] == json.loads(env["SM_HPS"])
    assert training["channel_input_dirs"]["train"] == env["SM_CHANNEL_TRAIN"]
    assert training["job_name"] == env["TRAINING_JOB_NAME"]
    assert not [name for name in env if name.startswith("AWS_SEC")]


def test_the_configuration_files_are_there_and_hyperparameters_in_them_are_all_text(told):
    files = told["files"]
    assert sorted(files) == ["hyperparameters.json", "inputdataconfig.json", "resourceconfig.json"]
    assert {key: files["hyperparameters.json"][key] for key in HYPERPARAMETERS} == HYPERPARAMETERS
    assert files["hyperparameters.json"]["sagemaker_program"] == '"train.py"'
    assert files["inputdataconfig.json"]["train"]["TrainingInputMode"] == "File"
    assert files["resourceconfig.json"]["hosts"] == ["algo-1"]
    assert told["cwd"] == f"{told['root']}/code"


@settings(suppress_health_check=[HealthCheck.too_slow])  # the first text that Hypothesis draws costs a second
@given(
    st.dictionaries(
        st.text("abc_", min_size=2), st.text() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    )
)
def test_the_command_line_is_pairs_in_the_order_of_the_keys(parameters):
    arguments = command_arguments(read_hyperparameters(parameters))
    assert list(arguments[::2]) == [f"--{key}" for key in sorted(parameters)]
    assert len(arguments) == 2 * len(parameters)
