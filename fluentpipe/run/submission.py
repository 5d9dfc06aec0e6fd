"""What `smspark-submit`, the program of SageMaker's Spark image, is called with in a request, and which words of it name data."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import attrs

from fluentpipe.errors import RunError, did_you_mean
from fluentpipe.run.paths import CONTAINER_ROOT
from fluentpipe.run.values import as_text

SUBMIT = "smspark-submit"
LISTS = ("--jars", "--py-files", "--files")  # of files and folders, with commas
EVENT_LOGS = "--local-spark-event-logs-dir"
URI = re.compile(r"(?P<option>--?[\w-]+=)?s3[an]?://(?P<rest>.+)", re.DOTALL)

_VALUED = (*LISTS, "--class", "--spark-event-logs-s3-uri", EVENT_LOGS)
_FLAGS = ("-v", "--verbose")


def submits(request: Mapping[str, Any]) -> bool:
    """Whether a CreateProcessingJob request starts `smspark-submit`."""
    words = request.get("AppSpecification", {}).get("ContainerEntrypoint") or ("",)
    return isinstance(words[0], str) and words[0].rpartition("/")[2] == SUBMIT


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
        for option in LISTS:
            parts = self.options.get(option, "").split(",")
            yield from ((f"{option} {number}", word) for number, word in enumerate(parts, 1) if uri_in(word))
        for number, word in enumerate(self.arguments, 1):
            before = self.arguments[number - 2] if number > 1 else ""
            name = before if before.startswith("-") and self.arguments.count(before) == 1 else f"argument {number}"
            if uri_in(word):
                yield name, word


def uri_in(word: str) -> str:
    """The S3 URI that a word is or, as in `--in=s3a://bucket/x`, ends in; a path here that was given in its place; else empty."""
    if found := URI.fullmatch(word):
        return f"s3://{found['rest'].rstrip('/')}"
    # A run's parameter may be a local path where SageMaker's would be a URI. A mere word is none, whatever lies beside; nor is a
    # folder elsewhere, such as the `/` of an option for something else.
    if not word.startswith(("-", CONTAINER_ROOT)) and ("/" in word or "." in word) and ".." not in Path(word).parts:
        path, here = Path(word).absolute(), Path.cwd()
        with contextlib.suppress(OSError):  # a word that is too long for a path
            if path.is_file() or (path.is_dir() and here in path.parents):
                return str(path)
    return ""


def words_read(arguments: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """(what it is, word as it is written) of all that may name data in a request of Spark; of no other."""
    if not submits(arguments):
        return
    said = arguments["AppSpecification"]
    lists = (word.split(",") for word in said["ContainerEntrypoint"][1:] if isinstance(word, str))
    yield from ((f"entry point {number}", part) for number, part in enumerate(chain.from_iterable(lists), 1))
    yield from ((f"argument {number}", word) for number, word in enumerate(said.get("ContainerArguments", ()), 1))
