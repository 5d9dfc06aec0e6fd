"""The environment variables of a step, and what of them must not appear in a log."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import attrs

# What a program needs to find itself, its libraries and a place for temporary files. Nothing of AWS, no tokens.
_INHERITED = (
    "PATH", "HOME", "USER", "LANG", "TZ", "TMPDIR", "TEMP", "TMP", "SHELL", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH",
    "VIRTUAL_ENV", "CONDA_PREFIX", "SYSTEMROOT", "SSL_CERT_FILE", "SSL_CERT_DIR",
)  # fmt: skip
_SECRET_NAME = re.compile(
    r"secret|passw|token|credential|private|(api|access|auth|account|encryption)[_-]?key", re.IGNORECASE
)
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
    def of(cls, named: Iterable[Mapping[str, Any]]) -> Mask:
        """The values whose names look secret (`DB_PASSWORD`, `api_key`, …), and each of their lines; numbers are none."""
        found = {
            part
            for mapping in named
            for name, value in mapping.items()
            if isinstance(value, str) and _SECRET_NAME.search(name)
            for part in (value, *value.splitlines())  # a log is masked line by line
            if len(part) >= _SHORTEST_SECRET and not part.replace(".", "", 1).isdigit()
        }
        return cls(tuple(sorted(found, key=lambda secret: (-len(secret), secret))))

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
