"""Install the requirements.txt that lies beside this file, then go on as the program that is named.

    python3 with_requirements.py PROGRAM [ARGUMENT…]

Training images install it themselves; those of processing jobs do not.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

NAME = "requirements.txt"


def main(words: Sequence[str]) -> None:
    """Install, and become the program."""
    file = Path(__file__).absolute().with_name(NAME)
    options = ["--disable-pip-version-check", "--no-input", "--requirement", str(file)]
    command = [sys.executable, "-m", "pip", "install", *options]
    done = subprocess.run(command, cwd=file.parent, check=False)  # noqa: S603  what the user of the job asks for
    if done.returncode:
        sys.exit(f"What {NAME} asks for cannot be installed; pip says why, above.")
    sys.stdout.flush()
    os.execvp(words[0], list(words))  # noqa: S606  the program of the job


if __name__ == "__main__":
    main(sys.argv[1:])
