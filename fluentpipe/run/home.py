"""The folder of runs, registry, cache and mirror."""

from __future__ import annotations

import os
from pathlib import Path

HOME_VARIABLE = "FLUENTPIPE_HOME"
_DEFAULT = ".fluentpipe"


def home_folder(home: str | Path | None) -> Path:
    """The one given, $FLUENTPIPE_HOME, or ./.fluentpipe."""
    return Path(home or os.environ.get(HOME_VARIABLE) or _DEFAULT).expanduser().resolve()
