"""PySpark jobs: a Processing job whose program is `smspark-submit`, as SageMaker's Spark image has it.

Here the `spark-submit` of an installed PySpark does its work, in one process with as many threads as the step has cores. What
smspark-submit does is from its sources, smspark/cli.py and bootstrapper.py of aws/sagemaker-spark-container. Spark reads and
writes S3 itself there: an argument that is an S3 URI is an input of the job here, or the folder of an output.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from fluentpipe.errors import RunError
from fluentpipe.run.job import JobInput, check_script
from fluentpipe.run.paths import CONTAINER_ROOT, private_path, relocated
from fluentpipe.run.processing import ProcessingJob, processing_faults
from fluentpipe.run.spark_properties import TEMPORARY, configuration_folder, write_configuration
from fluentpipe.run.storage import Storage
from fluentpipe.run.submission import EVENT_LOGS, LISTS, SUBMIT, URI, Submission, submits, uri_in

_TAKEN = f"{CONTAINER_ROOT}/spark"  # what Spark itself reads from S3 there lies below it here


def processing_job(step: str, name: str, request: Mapping[str, Any]) -> ProcessingJob:
    """The job of a Processing step: one of Spark, or of any other program."""
    return (SparkJob if submits(request) else ProcessingJob)(step, name, request)


@attrs.frozen
class SparkJob(ProcessingJob):
    """A job of `smspark-submit`, carried out here by `spark-submit` on this machine alone."""

    @property
    def inputs(self) -> tuple[JobInput, ...]:
        """The inputs of the request, and what Spark itself would read from S3."""
        taken = (JobInput(name, uri_in(word), folder) for name, word, folder in self._taken())
        return (*super().inputs, *taken)

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
        super().prepare(root, storage)
        submission = Submission.of(self.request)
        for path in filter(None, map(self._written, submission.arguments)):
            shutil.rmtree(private_path(root, path), ignore_errors=True)
        write_configuration(root, self._event_logs(submission, root))

    def _event_logs(self, submission: Submission, root: Path) -> Path | None:
        if EVENT_LOGS not in submission.options:
            return None
        folder = private_path(root, submission.options[EVENT_LOGS])
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def argv(self, root: Path) -> tuple[str, ...]:
        """`spark-submit` with the files, the application and its arguments, each where it is here.

        Raises:
            RunError: The application, or one of the files, is not there.
        """
        submission = Submission.of(self.request)
        home = spark_home()
        assert home is not None  # see faults_of_processing
        here = {word: self._place(word, private_path(root, folder)) for _, word, folder in self._taken()}
        options = [word for name, value in submission.options.items() for word in self._option(name, value, here, root)]
        application = relocated(submission.application, root)
        check_script((application,), root)
        arguments = [self._argument(word, here, root) for word in submission.arguments]
        return (str(home / "bin" / "spark-submit"), *submission.flags, *options, application, *arguments)

    def _option(self, name: str, value: str, here: Mapping[str, Path], root: Path) -> list[str]:
        if name == "--class":
            return [name, value]
        if name not in LISTS:
            return []  # the logs of events, which the properties say
        found = [
            file for word in value.split(",") for file in _files(name, here.get(word) or Path(relocated(word, root)))
        ]
        return [name, ",".join(map(str, found))]

    def _argument(self, word: str, here: Mapping[str, Path], root: Path) -> str:
        if word in here or self._written(word):
            place = here[word] if word in here else private_path(root, self._written(word))
            found = URI.fullmatch(word)
            option = found["option"] or "" if found else ""
            return f"{option}file://{place}"  # as it is: Hadoop takes no %20 for a space
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
            "SPARK_CONF_DIR": str(configuration_folder(root)),
            "SPARK_LOCAL_DIRS": str(root / TEMPORARY),
            "SPARK_LOCAL_IP": "127.0.0.1",  # else it looks the host's own name up
            "MASTER": f"local[{threads}]",
            "PYSPARK_PYTHON": sys.executable,
            "PYSPARK_DRIVER_PYTHON": sys.executable,
            **super().environment(root, threads),
        }


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
