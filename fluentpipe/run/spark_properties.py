"""The properties of Spark on this machine: ours, and those of the job's configuration that hold here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fluentpipe.errors import RunError
from fluentpipe.run.paths import CONTAINER_ROOT, private_path

_CONFIGURATION = f"{CONTAINER_ROOT}/processing/input/conf/configuration.json"  # smspark/bootstrapper.py
_PREFIXES: Mapping[str, str] = {"spark-defaults": "", "core-site": "spark.hadoop."}
_OURS = ("spark.master", "spark.submit.deployMode")  # where Spark runs here is not the job's to say
TEMPORARY = "spark-temporary"
_QUIET = """rootLogger.level = warn
rootLogger.appenderRef.out.ref = out
logger.native.name = org.apache.hadoop.util.NativeCodeLoader
logger.native.level = error
appender.out.type = Console
appender.out.name = out
appender.out.target = SYSTEM_ERR
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %p %c{1}: %m%n%ex
"""


def write_configuration(root: Path, event_logs: Path | None) -> None:
    """Write the files that configure Spark into their folder, which `SPARK_CONF_DIR` names.

    Args:
        root: Stands for /opt/ml.
        event_logs: Folder for the events, if they are wanted.

    Raises:
        RunError: The job's configuration cannot be read.
    """
    logs = {"spark.eventLog.enabled": "true", "spark.eventLog.dir": str(event_logs)} if event_logs else {}
    folder = configuration_folder(root)
    folder.mkdir(parents=True)
    (folder / "log4j2.properties").write_text(_QUIET, encoding="utf-8")
    (folder / "spark-defaults.conf").write_text(_conf({**_usual(root), **configured(root), **logs}), encoding="utf-8")


def configuration_folder(root: Path) -> Path:
    """Where Spark finds its configuration."""
    return root / "config" / "spark"


def _usual(root: Path) -> dict[str, str]:
    """Properties of Spark on one machine: no pages, no port but the loopback's, temporary files with the job's."""
    return {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.hadoop.fs.file.impl": "org.apache.hadoop.fs.RawLocalFileSystem",  # no .crc files, as S3 has none
        "spark.sql.warehouse.dir": str(root / TEMPORARY / "warehouse"),
    }


def configured(root: Path) -> dict[str, str]:
    """The properties that the job's configuration gives Spark, and those of Hadoop, `core-site`; the rest is the cluster's.

    Raises:
        RunError: It is no list of classifications with properties.
    """
    file = private_path(root, _CONFIGURATION)
    if not file.is_file():
        return {}
    try:
        content = json.loads(file.read_text("utf-8"))
        entries = content if isinstance(content, list) else [content]
        found = {
            _PREFIXES[entry["Classification"]] + str(key): _property(value)
            for entry in entries
            if entry["Classification"] in _PREFIXES
            for key, value in entry["Properties"].items()
        }
    except (ValueError, TypeError, KeyError, AttributeError) as fault:
        raise RunError(
            f"The configuration of Spark cannot be read: {type(fault).__name__}: {fault}.",
            fix='a list such as [{"Classification": "spark-defaults", "Properties": {"spark.sql.shuffle.partitions": "8"}}]',
        ) from fault
    return {key: value for key, value in found.items() if key not in _OURS}


def _property(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _conf(properties: Mapping[str, str]) -> str:
    """A spark-defaults.conf; a line each, so that no value brings a further property."""
    return "".join(f"{' '.join(key.split())} {' '.join(value.splitlines())}\n" for key, value in properties.items())
