"""A model of LightGBM, in LightGBM's own text form: read again, and asked for scores.

SageMaker has no image with LightGBM. Trainings and endpoints install the `requirements.txt` beside their script; processing jobs
install nothing, so that the evaluation and the scoring of a model install LightGBM here, when they first need it.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING or __package__:
    from .job import JobError
else:  # beside its siblings, as the jobs run it
    from job import JobError

if TYPE_CHECKING:
    import numpy.typing as npt

VERSION = "4.6.0"  # that the jobs install; also in lightgbm_requirements.txt and the extra `local`
REQUIREMENT = f"lightgbm=={VERSION}"
PROCESSING_JOB = Path("/opt/ml/config/processingjobconfig.json")


def package() -> Any:
    """The package LightGBM, which a processing job of SageMaker's installs if its image has none.

    Raises:
        JobError: It is not there, and is not installed on somebody's machine, or cannot be.
    """
    try:
        import lightgbm
    except ImportError:
        if "SAGEMAKER_BASE_DIR" in os.environ or not PROCESSING_JOB.is_file():
            msg = f"LightGBM is not installed: pip install {REQUIREMENT}"
            raise JobError(msg) from None
        _install()
        import lightgbm
    return lightgbm


def _install() -> None:
    command = [sys.executable, "-m", "pip", "install", "--no-cache-dir", REQUIREMENT]
    # As the images' Python is their system's, which newer pips leave alone unless they are told.
    environment = {**os.environ, "PIP_BREAK_SYSTEM_PACKAGES": "1"}
    done = subprocess.run(command, env=environment, check=False)  # noqa: S603  the words are all our own
    if done.returncode:
        msg = f"the image has no LightGBM and `pip install {REQUIREMENT}` failed; without a network, give image_uri= of an image that has it"
        raise JobError(msg)


def load(file: Path) -> Any:
    """Read a booster.

    Raises:
        JobError: The file is missing or damaged, or LightGBM is not there.
    """
    lightgbm = package()
    try:
        text = file.read_text(encoding="utf-8")
        # LightGBM reads what is cut off without complaint, or ends the process; the sizes of the trees tell.
        check(text)
        return lightgbm.Booster(model_str=text)
    except (lightgbm.basic.LightGBMError, OSError, ValueError) as fault:
        msg = f"{file.name} cannot be read: {str(fault).splitlines()[0]}"
        raise JobError(msg) from None


def check(text: str) -> None:
    """Refuse a text that is not a whole model: the head says how many characters each tree has.

    Raises:
        ValueError: It is cut off, or none.
    """
    found = re.search(r"^tree_sizes=([\d ]*)$", text, re.MULTILINE)
    start = text.find("Tree=0\n")
    sizes = [int(size) for size in found.group(1).split()] if found else []
    if not text.startswith("tree\n") or (sizes and start < 0) or "\nend of trees\n" not in text:
        raise ValueError("it is no whole model of LightGBM")
    for place, size in enumerate(sizes):
        if not text.startswith(f"Tree={place}\n", start):
            raise ValueError(f"tree {place} is not where the head says")
        start += size
    if not text.startswith("end of trees\n", start):
        raise ValueError("its trees do not end where the head says")


def scores(booster: Any, features: npt.NDArray[np.float32], task: str, classes: int) -> npt.NDArray[np.float64]:
    """What a booster says of rows.

    Returns:
        Probability of the positive class, shape (rows,); of every class, shape (rows, classes); or the value.
    """
    found = np.asarray(booster.predict(features), dtype=np.float64)
    return found.reshape(len(features), classes) if task == "multiclass" else found
