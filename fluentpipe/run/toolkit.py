"""What the training toolkit in SageMaker's images tells a script: hyperparameters, arguments, `SM_*` variables.

The names and the forms are those of `sagemaker-training` (ENVIRONMENT_VARIABLES.md there lists them).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fluentpipe.run.job import HOST, RESOURCES
from fluentpipe.run.values import as_text

_LOG_LEVEL = 20  # logging.INFO


def read_hyperparameters(written: Mapping[str, Any]) -> dict[str, Any]:
    """Hyperparameters as values: each text is read as JSON where it is JSON, else it stays as it is."""
    return {key: _decoded(as_text(value)) for key, value in written.items()}


def command_arguments(hyperparameters: Mapping[str, Any]) -> tuple[str, ...]:
    """`--key value` (`-k value` for one letter), keys sorted; a mapping becomes `a=1,b=2`, null nothing."""
    words: list[str] = []
    for key in sorted(hyperparameters):
        words += [f"--{key}" if len(key) > 1 else f"-{key}", _argument(hyperparameters[key])]
    return tuple(words)


def toolkit_variables(
    root: Path,
    *,
    job: str,
    hyperparameters: Mapping[str, Any],
    internal: Mapping[str, Any],
    channels: Mapping[str, Any],
    arguments: tuple[str, ...],
    cpus: int,
) -> dict[str, str]:
    """The `SM_*` variables.

    Args:
        root: Stands for /opt/ml.
        job: Name of the training job.
        hyperparameters: The script's own.
        internal: Those that begin with `sagemaker_`.
        channels: Name -> its part of inputdataconfig.json.
        arguments: The script's command line.
        cpus: That the job may use.
    """
    program = str(internal["sagemaker_program"])
    groups = RESOURCES["instance_groups"]
    known: dict[str, Any] = {
        "current_host": HOST,
        "current_instance_group": RESOURCES["current_group_name"],
        "current_instance_group_hosts": [HOST],
        "current_instance_type": RESOURCES["current_instance_type"],
        "distribution_instance_groups": [],
        "framework_module": None,
        "hosts": [HOST],
        "input_config_dir": str(root / "input" / "config"),
        "input_data_config": channels,
        "input_dir": str(root / "input"),
        "instance_groups": [group["instance_group_name"] for group in groups],
        "instance_groups_dict": {group["instance_group_name"]: group for group in groups},
        "is_hetero": False,
        "log_level": internal.get("sagemaker_container_log_level", _LOG_LEVEL),
        "model_dir": str(root / "model"),
        "module_dir": internal["sagemaker_submit_directory"],
        "module_name": program.removesuffix(".py"),
        "network_interface_name": RESOURCES["network_interface_name"],
        "num_cpus": cpus,
        "num_gpus": 0,
        "num_neurons": 0,
        "output_data_dir": str(root / "output" / "data"),
        "output_dir": str(root / "output"),
        "output_intermediate_dir": str(root / "output" / "intermediate"),
        "resource_config": RESOURCES,
        "user_entry_point": program,
    }
    folders = {name: str(root / "input" / "data" / name) for name in channels}
    framework = {key: value for key, value in internal.items() if key not in _TOOLKIT_PARAMETERS}
    told = {
        **known,
        "channels": sorted(channels),
        "framework_params": framework,
        "hps": hyperparameters,
        "user_args": list(arguments),
        "training_env": {
            **known,
            "additional_framework_parameters": framework,
            "channel_input_dirs": folders,
            "distribution_hosts": [],
            "is_modelparallel_enabled": None,
            "is_smddpmprun_installed": False,
            "is_smddprun_installed": False,
            "topology": [],
            "hyperparameters": hyperparameters,
            "is_master": True,
            "job_name": job,
            "master_hostname": HOST,
        },
        **{f"channel_{name}": folder for name, folder in folders.items()},
    }
    for key, value in hyperparameters.items():
        # The toolkit keeps a hyphen, SDK v3 makes it `_`: a script may look for either.
        told |= {f"hp_{key}": value, f"hp_{key.replace('-', '_')}": value}
    return {f"SM_{name.upper()}": _encoded(value) for name, value in told.items()}


_TOOLKIT_PARAMETERS = frozenset(
    ("sagemaker_program", "sagemaker_submit_directory", "sagemaker_container_log_level", "sagemaker_region",
     "sagemaker_job_name", "sagemaker_enable_cloudwatch_metrics", "sagemaker_s3_output"),
)  # fmt: skip


def _argument(value: Any) -> str:
    if isinstance(value, Mapping):
        return ",".join(f"{name}={value[name]}" for name in sorted(value))
    return "" if value is None else str(value)


def _decoded(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _encoded(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, sort_keys=True, separators=(",", ":"))
