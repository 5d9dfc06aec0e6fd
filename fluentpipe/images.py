"""SageMaker's own container images: which registry holds them in which region.

The table, `_image_table.py`, is generated from what the SageMaker Python SDK knows of XGBoost, scikit-learn, PyTorch, Spark, Model
Monitor and Clarify, for every region of every partition.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fluentpipe._image_table import (
    ACCOUNTS,
    CLARIFY,
    CLARIFY_ACCOUNTS,
    DOMAIN,
    DOMAINS,
    MONITOR,
    MONITOR_ACCOUNTS,
    PYTORCH,
    PYTORCH_ACCOUNTS,
    REPOSITORIES,
    SPARK,
    SPARK_ACCOUNTS,
    SPARK_DOMAINS,
    SPARK_REPOSITORY,
    TAGS,
)
from fluentpipe.errors import SettingError, did_you_mean

DEFAULT_XGBOOST = "3.0-5"
"""The newest image that is known to hold PyArrow, which the steps' scripts use; Python 3.10 and xgboost 3.0.5."""
SERVING_SCRIPT: Mapping[str, str] = {
    "SAGEMAKER_PROGRAM": "inference.py",
    "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
}
"""Where the serving container of SageMaker's framework images looks for the script: environment variables."""


def image_uri(framework: str, version: str, region: str) -> str:
    """The URI of an image, such as `683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.0-5`.

    Args:
        framework: `xgboost` or `sklearn`.
        version: Of the image, such as `3.0-5`; the SDK's numbers.
        region: Such as `us-east-1`.

    Raises:
        SettingError: There is no such framework, version or region in the table; any image can be given by its URI.
    """
    tags = TAGS.get(framework, {})
    faults = []
    if framework not in TAGS:
        faults.append(f"framework {framework!r} is not in the table; it has {', '.join(map(repr, TAGS))}")
    elif version not in tags:
        faults.append(f"{framework} has no version {version!r}; it has {', '.join(tags)}")
    if region not in ACCOUNTS:
        faults.append(f"region {region!r} is not in the table.{did_you_mean(region, ACCOUNTS)}")
    _refuse(faults)
    return f"{_registry(ACCOUNTS, region)}/{REPOSITORIES[framework]}:{tags[version]}"


def pytorch_uri(scope: str, version: str, region: str, *, gpu: bool = False, python: str | None = None) -> str:
    """The URI of an image of PyTorch, such as `….amazonaws.com/pytorch-training:2.6.0-cpu-py312`.

    Args:
        scope: `training` or `inference`.
        version: Of PyTorch, such as `2.6.0`; since 2.1.
        region: Such as `us-east-1`.
        gpu: Whether the instances have GPUs.
        python: Its Python, such as `py312`; each version has just one.

    Raises:
        SettingError: There is no such image in the table; any image can be given by its URI.
    """
    pythons = PYTORCH[scope]
    faults = []
    if version not in pythons:
        faults.append(f"PyTorch has no {scope} image of version {version!r}; it has {', '.join(pythons)}")
    elif python not in (None, pythons[version]):
        faults.append(f"PyTorch {version} has the Python {pythons[version]!r}, not {python!r}")
    if region not in PYTORCH_ACCOUNTS:
        faults.append(f"region {region!r} is not in the table.{did_you_mean(region, PYTORCH_ACCOUNTS)}")
    _refuse(faults)
    return (
        f"{_registry(PYTORCH_ACCOUNTS, region)}/pytorch-{scope}:{version}-{'gpu' if gpu else 'cpu'}-{pythons[version]}"
    )


def spark_uri(version: str, region: str, *, python: str | None = None, container: str | None = None) -> str:
    """The URI of an image of Spark, such as `….amazonaws.com/sagemaker-spark-processing:3.5-cpu`.

    Args:
        version: Of Spark, such as `3.5`.
        region: Such as `us-east-1`.
        python: Its Python, such as `py312`; only with `container`, else the newest image of the version is taken.
        container: Version of the image itself, such as `1.0`, of those that the releases of sagemaker-spark-container list.

    Raises:
        SettingError: There is no such image in the table; any image can be given by its URI.
    """
    faults = []
    if version not in SPARK:
        faults.append(f"Spark has no image of version {version!r}; it has {', '.join(SPARK)}")
    elif python is not None and python not in SPARK[version]:
        faults.append(f"Spark {version} has the Python {' or '.join(map(repr, SPARK[version]))}, not {python!r}")
    if (python is None) != (container is None):
        faults.append("py_version and container_version name an image together; give both or neither")
    if region not in SPARK_ACCOUNTS:
        faults.append(f"region {region!r} is not in the table.{did_you_mean(region, SPARK_ACCOUNTS)}")
    _refuse(faults)
    return f"{_registry(SPARK_ACCOUNTS, region, SPARK_DOMAINS)}/{SPARK_REPOSITORY}:{version}-cpu{f'-{python}-v{container}' if python else ''}"


def monitor_uri(region: str) -> str:
    """The URI of Model Monitor's image, of which there is one version, without a tag.

    Raises:
        SettingError: It is not in the region, as far as the table knows; any image can be given by its URI.
    """
    return _of_check(MONITOR_ACCOUNTS, MONITOR, region, "Model Monitor")


def clarify_uri(region: str) -> str:
    """The URI of Clarify's image, of which there is one version.

    Raises:
        SettingError: It is not in the region, as far as the table knows; any image can be given by its URI.
    """
    return _of_check(CLARIFY_ACCOUNTS, CLARIFY, region, "Clarify")


def _of_check(accounts: Mapping[str, str], name: str, region: str, what: str) -> str:
    if region not in accounts:
        raise SettingError(
            f"there is no image of {what} in region {region!r}, as far as is known.{did_you_mean(region, accounts)}",
            fix="give any image by its URI: image_uri='…'",
        )
    return f"{_registry(accounts, region)}/{name}"


def _registry(accounts: Mapping[str, str], region: str, domains: Mapping[str, str] = DOMAINS) -> str:
    return f"{accounts[region]}.dkr.ecr.{region}.{domains.get(region, DOMAIN)}"


def _refuse(faults: Sequence[str]) -> None:
    if faults:
        raise SettingError("there is no such image.", *faults, fix="give any image by its URI: image_uri='…'")
