"""The environment variables of a step, and what of them must not appear in a log."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

# What a program needs to find itself, its libraries and a place for temporary files. Nothing of AWS, no tokens.
_INHERITED = (
    "PATH", "HOME", "USER", "LANG", "TZ", "TMPDIR", "TEMP", "TMP", "SHELL", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH",
    "VIRTUAL_ENV", "CONDA_PREFIX", "SYSTEMROOT", "SSL_CERT_FILE", "SSL_CERT_DIR",
)  # fmt: skip
_SECRET_NAME = re.compile(
    r"secret|passw|token(?!i[sz]e)|credential|private|(api|access|auth|account|encryption)[_-]?key", re.IGNORECASE
)
_OPTION = re.compile(r"-{0,2}\w[\w.-]*")
_NAMED = ("Environment", "HyperParameters", "StaticHyperParameters")  # members of requests: values by name
_APPLICATIONS = ("AppSpecification", "AlgorithmSpecification")  # those with the words of a command
_MASK = "***"
_SHORTEST_SECRET = 6  # characters; shorter texts occur everywhere


def inherited(threads: int) -> dict[str, str]:
    """The variables that every step gets: some of this process's, and those that make it behave.

    Args:
        threads: For numerical libraries; the cores divided by the steps that run at once.
    """
    found = {name: value for name in _INHERITED if (value := os.environ.get(name)) is not None}
    found |= {name: value for name, value in os.environ.items() if name.startswith("LC_")}
    # A shell script that says `python3` means the Python of this library, as it would mean the image's in a container.
    found["PATH"] = os.pathsep.join(filter(None, (str(Path(sys.executable).parent), found.get("PATH", os.defpath))))
    return found | {
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONIOENCODING": "utf-8",
        # What a script, or the drivers of SDK v3, would install goes into an image there, but here into the user's own
        # environment: only what is in it already is found.
        "PIP_NO_INDEX": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "AWS_DEFAULT_REGION": "us-east-1",  # where scripts make a client; there are no credentials
        "OMP_WAIT_POLICY": "passive",  # spinning threads of two busy steps take each other's cores
        "OMP_NUM_THREADS": str(threads),
        "OPENBLAS_NUM_THREADS": str(threads),
    }


@attrs.frozen
class Mask:
    """Replaces secret values in text."""

    secrets: tuple[str, ...]  # longest first, so that one inside another is not cut in two

    @classmethod
    def of(cls, named: Iterable[Mapping[str, Any] | Sequence[Any]]) -> Mask:
        """The values whose names look secret (`DB_PASSWORD`, `api_key`, …), and each of their lines; numbers are none.

        Args:
            named: Values by name, and words of commands: of `--api-key=VALUE` and `--api-key VALUE` it is the value.
        """
        found = {
            part
            for each in named
            for name, value in (each.items() if isinstance(each, Mapping) else _options(each))
            if isinstance(value, str) and _SECRET_NAME.search(name)
            for part in (value, *value.splitlines(), _decoded(value))  # a log is masked line by line
            if len(part) >= _SHORTEST_SECRET and not part.replace(".", "", 1).isdigit()
        }
        return cls(tuple(sorted(found, key=lambda secret: (-len(secret), secret))))

    @classmethod
    def of_job(cls, parameters: Mapping[str, Any], request: Mapping[str, Any]) -> Mask:
        """The secrets of a job: among the pipeline's parameters, its variables, hyperparameters and arguments.

        Args:
            parameters: Values of the pipeline's parameters.
            request: Of a job of any kind, also of a tuning.
        """
        parts = (request, request.get("TrainingJobDefinition") or {})
        said = [part.get(member) or {} for part in parts for member in _APPLICATIONS]
        values = [part.get(member) or {} for part in parts for member in _NAMED]
        words = [[*(each.get("ContainerEntrypoint") or ()), *(each.get("ContainerArguments") or ())] for each in said]
        return cls.of((parameters, *values, *words))

    def text(self, text: str) -> str:
        """The text with `***` for each secret."""
        for secret in self.secrets:
            text = text.replace(secret, _MASK)
        return text

    def data(self, value: Any) -> Any:
        """JSON data with `***` for each secret in its texts."""
        if not self.secrets:
            return value
        if isinstance(value, Mapping):
            return {key: self.data(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.data(item) for item in value]
        return self.text(value) if isinstance(value, str) else value


def _options(words: Sequence[Any]) -> Iterator[tuple[str, Any]]:
    """The options among the words of a command, with their values."""
    for word, after in zip(words, (*words, "")[1:], strict=True):
        name, equals, value = str(word).partition("=")
        if not _OPTION.fullmatch(name):
            continue  # such as a line for a shell
        if equals:
            yield name, value
        elif name.startswith("-") and not str(after).startswith("-"):
            yield name, after


def _decoded(value: str) -> str:
    """The text that a hyperparameter stands for, as JSON encodes those of scripts; the value itself where it is none."""
    try:
        text = json.loads(value) if value.startswith('"') else value
    except ValueError:
        return value
    return text if isinstance(text, str) else value
