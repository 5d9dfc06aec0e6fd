"""The configuration of Spark, Hadoop and Hive in a Spark image: EMR's classifications, checked while the pipeline is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fluentpipe.errors import did_you_mean

# What the image writes into the files of Hadoop, Spark and Hive; smspark/config.py of aws/sagemaker-spark-container.
CLASSIFICATIONS = (
    "core-site", "hadoop-env", "hadoop-log4j", "hive-env", "hive-log4j", "hive-exec-log4j", "hive-site", "spark-defaults",
    "spark-env", "spark-log4j", "spark-hive-site", "spark-metrics", "yarn-env", "yarn-site", "export",
)  # fmt: skip
_MEMBERS = ("Classification", "Properties", "Configurations")


def configuration_file(value: Any) -> Any:
    """What a user gave, in the form of the JSON file that the image reads.

    Raises:
        ValueError: Says what is wrong.
    """
    if isinstance(value, Mapping):
        return _classified(value)
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise ValueError(f"must be a classification with its properties, or a list of such, not {value!r}")
    return tuple(_classified(each) for each in value)


def _classified(value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping) or not {"Classification", "Properties"} <= set(value):
        raise ValueError(f"must have Classification and Properties, not {value!r}")
    for member in value:
        if member not in _MEMBERS:
            raise ValueError(f"has no {member!r}.{did_you_mean(str(member), _MEMBERS)}")
    name, properties = value["Classification"], value["Properties"]
    if name not in CLASSIFICATIONS:
        raise ValueError(f"has no classification {name!r}.{did_you_mean(str(name), CLASSIFICATIONS)}")
    if not isinstance(properties, Mapping):
        raise ValueError(f"must have a mapping as the Properties of {name!r}, not {properties!r}")
    inner = [_classified(each) for each in value.get("Configurations") or ()]
    if name.endswith("-env") and not inner:
        raise ValueError(f"must have the variables of {name!r} in Configurations, of the classification 'export'")
    found = {"Classification": name, "Properties": {str(key): _property(properties[key]) for key in properties}}
    return {**found, "Configurations": inner} if inner else found


def _property(value: Any) -> str:
    if not isinstance(value, (str, int, float)):
        raise ValueError(f"must have texts and numbers as properties, known now, not {value!r}")
    return str(value).lower() if isinstance(value, bool) else str(value)
