"""PySpark jobs: a Processing job whose program is `smspark-submit`, as SageMaker's Spark image has it.

Here the `spark-submit` of an installed PySpark does its work, in one process with as many threads as the step has cores. What
smspark-submit takes and does with it is from its sources, smspark/cli.py and bootstrapper.py of aws/sagemaker-spark-container.
Spark reads and writes S3 itself there: an argument that is an S3 URI is an input of the job here, or the folder of an output.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import re
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from fluentpipe.errors import RunError, did_you_mean
from fluentpipe.run.job import JobInput, check_script
from fluentpipe.run.paths import CONTAINER_ROOT, private_path, relocated
from fluentpipe.run.processing import ProcessingJob, processing_faults
from fluentpipe.run.storage import Storage
from fluentpipe.run.values import as_text

SUBMIT = "smspark-submit"

_LISTS = ("--jars", "--py-files", "--files")  # of files and folders, with commas
_LOGS = "--local-spark-event-logs-dir"
_VALUED = (*_LISTS, "--class", "--spark-event-logs-s3-uri", _LOGS)
_FLAGS = ("-v", "--verbose")
_URI = re.compile(r"(?P<option>--?[\w-]+=)?s3[an]?://(?P<rest>.+)", re.DOTALL)
_CONFIGURATION = f"{CONTAINER_ROOT}/processing/input/conf/configuration.json"
_TAKEN = f"{CONTAINER_ROOT}/spark"  # what Spark itself reads from S3 there lies below it here
# Where it runs and what it tells are not the script's to say here.
_KEPT = ("spark.master", "spark.submit.deployMode")
_TEMPORARY = "spark-temporary"
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


def submits(request: Mapping[str, Any]) -> bool:
    """Whether a CreateProcessingJob request starts `smspark-submit`."""
    words = request.get("AppSpecification", {}).get("ContainerEntrypoint") or ("",)
    return isinstance(words[0], str) and words[0].rpartition("/")[2] == SUBMIT


def processing_job(step: str, name: str, request: Mapping[str, Any]) -> ProcessingJob:
    """The job of a Processing step: one of Spark, or of any other program."""
    return (SparkJob if submits(request) else ProcessingJob)(step, name, request)


@attrs.frozen
class Submission:
    """What `smspark-submit` was called with."""

    options: Mapping[str, str]
    flags: tuple[str, ...]
    application: str
    arguments: tuple[str, ...]

    @classmethod
    def of(cls, request: Mapping[str, Any]) -> Submission:
        """Read off a request.

        Raises:
            RunError: An option that smspark-submit has not, or no application.
        """
        said = request["AppSpecification"]
        words = [*map(as_text, (*said["ContainerEntrypoint"][1:], *said.get("ContainerArguments", ())))]
        options: dict[str, str] = {}
        flags: list[str] = []
        while words and words[0].startswith("-"):
            name, has_value, value = words.pop(0).partition("=")
            if name in _FLAGS:
                flags.append("--verbose")
            elif name not in _VALUED:
                known = did_you_mean(name, _VALUED)
                raise RunError(
                    f"{SUBMIT} has no option {name!r}.{known}",
                    fix="settings of Spark, such as --conf, are the job's configuration",
                )
            elif has_value or words:
                options[name] = value if has_value else words.pop(0)
        if not words:
            raise RunError(f"{SUBMIT} is told no application.", fix="the last word of the entry point is the script")
        return cls(options, tuple(flags), words[0], tuple(words[1:]))

    def read_from_s3(self) -> Iterator[tuple[str, str]]:
        """(what it is, word) of each word that is, or ends in, the URI of something in S3 or a path of this machine."""
        for option in _LISTS:
            parts = self.options.get(option, "").split(",")
            yield from ((f"{option} {number}", word) for number, word in enumerate(parts, 1) if uri_in(word))
        for number, word in enumerate(self.arguments, 1):
            before = self.arguments[number - 2] if number > 1 else ""
            name = before if before.startswith("-") and self.arguments.count(before) == 1 else f"argument {number}"
            if uri_in(word):
                yield name, word


def uri_in(word: str) -> str:
    """The S3 URI that a word is or, as in `--in=s3a://bucket/x`, ends in; a path here that was given in its place; else empty."""
    if found := _URI.fullmatch(word):
        return f"s3://{found['rest'].rstrip('/')}"
    # A run's parameter may be a local path where SageMaker's would be a URI. A mere word is none, whatever lies beside; nor is a
    # folder elsewhere, such as the `/` of an option for something else.
    if not word.startswith(("-", CONTAINER_ROOT)) and ("/" in word or "." in word) and ".." not in Path(word).parts:
        path, here = Path(word).absolute(), Path.cwd()
        with contextlib.suppress(OSError):  # a word that is too long for a path
            if path.is_file() or (path.is_dir() and here in path.parents):
                return str(path)
    return ""


@attrs.frozen
class SparkJob(ProcessingJob):
    """A job of `smspark-submit`, carried out here by `spark-submit` on this machine alone."""

    @property
    def inputs(self) -> tuple[JobInput, ...]:
        """The inputs of the request, and what Spark itself would read from S3."""
        taken = (JobInput(name, uri_in(word), folder) for name, word, folder in self._taken())
        return (*ProcessingJob.inputs.fget(self), *taken)  # type: ignore[attr-defined]  # a property's getter

    def _taken(self) -> Iterator[tuple[str, str, str]]:
        """(name, word, folder in the container) of what the words of the command bring."""
        for number, (name, word) in enumerate(Submission.of(self.request).read_from_s3(), 1):
            if not self._written(word):
                yield name, word, f"{_TAKEN}/{number}"

    def _written(self, word: str) -> str:
        """The path in the container of the output that a word names, or of what lies below it; empty for none."""
        uri = uri_in(word)
        for _, _, place, path in self._outputs():
            if f"{uri}/".startswith(f"{place}/"):
                return path.rstrip("/") + uri[len(place) :]
        return ""

    def prepare(self, root: Path, storage: Storage) -> None:
        """Make the folders, and the files that configure Spark; what the script writes by its URI is not there before, as in S3."""
        ProcessingJob.prepare(self, root, storage)
        submission = Submission.of(self.request)
        for path in filter(None, map(self._written, submission.arguments)):
            shutil.rmtree(private_path(root, path), ignore_errors=True)
        folder = root / "config" / "spark"
        folder.mkdir(parents=True)
        (folder / "log4j2.properties").write_text(_QUIET, encoding="utf-8")
        properties = {**_usual(root), **configured(root), **self._logged(submission, root)}
        (folder / "spark-defaults.conf").write_text(_conf(properties), encoding="utf-8")

    def _logged(self, submission: Submission, root: Path) -> dict[str, str]:
        if _LOGS not in submission.options:
            return {}
        folder = private_path(root, submission.options[_LOGS])
        folder.mkdir(parents=True, exist_ok=True)
        return {"spark.eventLog.enabled": "true", "spark.eventLog.dir": folder.as_uri()}

    def argv(self, root: Path) -> tuple[str, ...]:
        """`spark-submit` with the files, the application and its arguments, each where it is here.

        Raises:
            RunError: The application, or one of the files, is not there.
        """
        submission = Submission.of(self.request)
        home = spark_home()
        assert home is not None  # see spark_faults
        here = {word: self._place(word, private_path(root, folder)) for _, word, folder in self._taken()}
        options = [word for name, value in submission.options.items() for word in self._option(name, value, here, root)]
        application = relocated(submission.application, root)
        check_script((application,), root)
        arguments = [self._argument(word, here, root) for word in submission.arguments]
        return (str(home / "bin" / "spark-submit"), *submission.flags, *options, application, *arguments)

    def _option(self, name: str, value: str, here: Mapping[str, Path], root: Path) -> list[str]:
        if name == "--class":
            return [name, value]
        if name not in _LISTS:
            return []  # the logs of events, which the properties say
        found = [
            file for word in value.split(",") for file in _files(name, here.get(word) or Path(relocated(word, root)))
        ]
        return [name, ",".join(map(str, found))]

    def _argument(self, word: str, here: Mapping[str, Path], root: Path) -> str:
        if word in here or self._written(word):
            place = here[word] if word in here else private_path(root, self._written(word))
            found = _URI.fullmatch(word)
            return (found["option"] or "" if found else "") + place.as_uri()
        return relocated(word, root)

    @staticmethod
    def _place(word: str, folder: Path) -> Path:
        """What was placed for a word: the one object of that name, else the folder of a prefix."""
        file = folder / uri_in(word).rpartition("/")[2]
        return file if file.is_file() else folder

    def environment(self, root: Path, threads: int) -> dict[str, str]:
        """What a processing job gets, and what tells Spark where it is, what it runs with, and how wide."""
        found = {name: os.environ[name] for name in ("JAVA_HOME",) if name in os.environ}
        return {
            **found,
            "SPARK_HOME": str(spark_home()),
            "SPARK_CONF_DIR": str(root / "config" / "spark"),
            "SPARK_LOCAL_DIRS": str(root / _TEMPORARY),
            "SPARK_LOCAL_IP": "127.0.0.1",  # else it looks the host's own name up
            "MASTER": f"local[{threads}]",
            "PYSPARK_PYTHON": sys.executable,
            "PYSPARK_DRIVER_PYTHON": sys.executable,
            **ProcessingJob.environment(self, root, threads),
        }


def _usual(root: Path) -> dict[str, str]:
    """Properties of Spark on one machine: no pages, no port but the loopback's, temporary files with the job's."""
    return {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.hadoop.fs.file.impl": "org.apache.hadoop.fs.RawLocalFileSystem",  # no .crc files, as S3 has none
        "spark.sql.warehouse.dir": (root / _TEMPORARY / "warehouse").as_uri(),
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
            prefix + str(key): _property(value)
            for entry in entries
            for prefix in _PREFIXES.get(entry["Classification"], ())
            for key, value in entry["Properties"].items()
        }
    except (ValueError, TypeError, KeyError, AttributeError) as fault:
        raise RunError(
            f"The configuration of Spark cannot be read: {type(fault).__name__}: {fault}.",
            fix='a list such as [{"Classification": "spark-defaults", "Properties": {"spark.sql.shuffle.partitions": "8"}}]',
        ) from fault
    return {key: value for key, value in found.items() if key not in _KEPT}


_PREFIXES: Mapping[str, tuple[str, ...]] = {"spark-defaults": ("",), "core-site": ("spark.hadoop.",)}


def _property(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _conf(properties: Mapping[str, str]) -> str:
    """A spark-defaults.conf; a line each, so that no value brings a further property."""
    return "".join(f"{' '.join(key.split())} {' '.join(value.splitlines())}\n" for key, value in properties.items())


def _files(option: str, path: Path) -> Sequence[Path]:
    """A file, or those of a folder, whose own folders the image passes over, too."""
    if path.is_file():
        return [path]
    found = sorted(each for each in path.iterdir() if each.is_file()) if path.is_dir() else []
    if not found:
        raise RunError(
            f"{option}: there is no file at {path.name!r}.", fix="correct the path, or the input that brings it"
        )
    return found


def spark_home() -> Path | None:
    """The folder of the installed PySpark, which has Spark itself in it; None where there is none."""
    try:
        spec = importlib.util.find_spec("pyspark")
    except (ImportError, ValueError):
        return None
    places = spec.submodule_search_locations or () if spec else ()
    return next((Path(each) for each in places if Path(each, "bin", "spark-submit").is_file()), None)


def _has_java() -> bool:
    home = os.environ.get("JAVA_HOME")
    return Path(home, "bin", "java").exists() if home else shutil.which("java") is not None


def faults_of_processing(arguments: Mapping[str, Any]) -> Iterator[str]:
    """What in a request does not run here, known before anything starts; of Spark also what it needs and is not there."""
    yield from processing_faults(arguments)
    if not submits(arguments):
        return
    if spark_home() is None:
        yield f"{SUBMIT} takes PySpark, which is not installed here: pip install 'fluentpipe[spark]'"
    if not _has_java():
        said = (
            f"JAVA_HOME={os.environ['JAVA_HOME']} has no bin/java" if os.environ.get("JAVA_HOME") else "there is none"
        )
        yield f"{SUBMIT} takes Java, {said}: install a JRE of version 8, 11 or 17, such as openjdk-17-jre-headless"
    try:
        Submission.of(arguments)
    except RunError as fault:
        yield str(fault).split("\n", 1)[0]


def words_read(arguments: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """(what it is, word as it is written) of all that may name data in a request of Spark; of no other."""
    if submits(arguments):
        words = arguments["AppSpecification"].get("ContainerArguments", ())
        yield from ((f"argument {number}", word) for number, word in enumerate(words, 1))
