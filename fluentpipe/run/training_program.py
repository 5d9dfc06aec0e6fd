"""The ways in which a Training job names its program.

`ContainerEntrypoint` is run as it stands; SDK v3's trainer brings a shell script by the channel `sm_drivers` that
way. `sagemaker_program` is the training toolkit's script mode. Neither means the algorithm built into the image; of
those XGBoost's is here, as a program of ours.
"""

from __future__ import annotations

import contextlib
import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import attrs

from fluentpipe.errors import RunError, did_you_mean
from fluentpipe.run.archive import unpack
from fluentpipe.run.job import check_script, interpreter
from fluentpipe.run.notebook import PROGRAM, Notebook, is_notebook, notebook_faults
from fluentpipe.run.paths import inside, relocated, relocated_everywhere
from fluentpipe.run.placing import Placed
from fluentpipe.run.storage import Storage
from fluentpipe.run.toolkit import command_arguments, read_hyperparameters, toolkit_variables
from fluentpipe.run.values import as_text

DRIVERS = "sm_drivers"  # the channel that SDK v3's trainer adds, beside `code`

_ARCHIVE_ENDS = (".tar.gz", ".tgz", ".tar")
_ALGORITHM = Path(__file__).parent / "builtin" / "xgboost_algorithm.py"
_ALGORITHM_CHANNELS = ("train", "validation", "code")
_ALGORITHM_TYPES = ("csv", "libsvm", "parquet")
_DRIVER_ENDS = (".sh", ".py", ".json", "")
_LARGEST_DRIVER = 1 << 20  # bytes; programs are smaller
_PLAIN_FOR_A_SHELL = re.compile(r"[\w@%+=:,./-]+")


class Program(Protocol):
    """What a training job starts, in a root that stands for /opt/ml."""

    def prepare(self, root: Path, storage: Storage) -> None:
        """Bring the code; the channels are in place."""

    def argv(self, root: Path) -> tuple[str, ...]:
        """The command line."""

    def cwd(self, root: Path) -> Path:
        """The working directory."""

    def environment(self, root: Path, job: str, channels: Mapping[str, Any], threads: int) -> dict[str, str]:
        """The variables of its own."""


def program_of(request: Mapping[str, Any]) -> Program:
    """The program of a CreateTrainingJob request."""
    if is_notebook(request):
        return Notebook()
    if request["AlgorithmSpecification"].get("ContainerEntrypoint"):
        return EntryPoint(request)
    return Script(request) if "sagemaker_program" in request.get("HyperParameters", {}) else Algorithm()


def has_algorithm(request: Mapping[str, Any]) -> bool:
    """Whether a training runs the algorithm inside its image; false for what is no training."""
    return "AlgorithmSpecification" in request and isinstance(program_of(request), Algorithm)


def own_programs(request: Mapping[str, Any]) -> tuple[Path, ...]:
    """Our files that run in place of an image's program: like the code of a script, they decide about the result."""
    if is_notebook(request):
        return (PROGRAM,)
    if not has_algorithm(request) and "TransformInput" not in request:
        return ()
    return tuple(sorted(_ALGORITHM.parent.glob("*.py")))


@attrs.frozen
class Script:
    """Script mode: `python train.py --key value …`; the XGBoost images run a module, `python -m train`."""

    request: Mapping[str, Any]

    def prepare(self, root: Path, storage: Storage) -> None:
        """Unpack, or copy, the code into `code`."""
        found = storage.find(str(self._parameters["sagemaker_submit_directory"]))
        code, packed = root / "code", root / "input" / "sourcedir"
        is_archive = found.is_object and next(iter(found.files)).endswith(_ARCHIVE_ENDS)
        Placed().place(found, packed if is_archive else code)
        if is_archive:
            unpack(packed / next(iter(found.files)), code)

    def argv(self, root: Path) -> tuple[str, ...]:
        """The script with every hyperparameter as an argument."""
        program = str(self._parameters["sagemaker_program"])
        script = inside(root / "code", program)
        check_script((str(script),), root)
        if script.suffix == ".sh":
            start: tuple[str, ...] = ("/bin/sh", str(script))
        elif _has_xgboost(self.request) and script.suffix == ".py":
            start = (sys.executable, "-m", program.removesuffix(".py").replace("/", "."))
        else:
            start = (sys.executable, str(script))
        return (*start, *command_arguments(self._own(root)))

    def cwd(self, root: Path) -> Path:
        """The folder of the code."""
        return root / "code"

    def environment(self, root: Path, job: str, channels: Mapping[str, Any], threads: int) -> dict[str, str]:
        """The `SM_*` variables of the training toolkit."""
        variables = toolkit_variables(
            root,
            job=job,
            hyperparameters=self._own(root),
            internal={key: value for key, value in self._parameters.items() if key.startswith("sagemaker_")},
            channels=channels,
            arguments=command_arguments(self._own(root)),
            cpus=threads,
        )
        return {"PYTHONPATH": str(root / "code"), **variables}

    @property
    def _parameters(self) -> dict[str, Any]:
        return read_hyperparameters(self.request["HyperParameters"])

    def _own(self, root: Path) -> dict[str, Any]:
        """The script's own hyperparameters, paths below /opt/ml moved to the root."""
        return {
            key: relocated(value, root) if isinstance(value, str) else value
            for key, value in self._parameters.items()
            if not key.startswith("sagemaker_")
        }


@attrs.frozen
class EntryPoint:
    """A command of the request's own, in place of the image's."""

    request: Mapping[str, Any]

    def prepare(self, root: Path, storage: Storage) -> None:  # noqa: ARG002 - the code is a channel like any other
        """Let the SDK's drivers, which have /opt/ml written into them, find the root.

        Raises:
            RunError: They could not be told the root, as it has characters that a shell reads otherwise.
        """
        folder = root / "input" / "data" / DRIVERS
        for file in sorted(folder.rglob("*")) if folder.is_dir() else ():
            if file.is_file() and not file.is_symlink() and file.suffix in _DRIVER_ENDS:
                _relocate_file(file, root)

    def argv(self, root: Path) -> tuple[str, ...]:
        """The entry point and its arguments, every /opt/ml in them moved to the root."""
        algorithm = self.request["AlgorithmSpecification"]
        written = [as_text(x) for x in (*algorithm["ContainerEntrypoint"], *algorithm.get("ContainerArguments", ()))]
        program, *arguments = (relocated_everywhere(word, root) for word in written)
        if written != [program, *arguments]:
            _refuse_special(root)
        argv = (interpreter(program), *arguments)
        check_script(argv, root)
        return argv

    def cwd(self, root: Path) -> Path:
        """The root itself."""
        return root

    def environment(self, root: Path, job: str, channels: Mapping[str, Any], threads: int) -> dict[str, str]:  # noqa: ARG002
        """None: a container without the toolkit has only what the request gives it."""
        return {}


@attrs.frozen
class Algorithm:
    """The XGBoost image's own algorithm, which learns from the channels alone."""

    def prepare(self, root: Path, storage: Storage) -> None:
        """Nothing: the program is here."""

    def argv(self, root: Path) -> tuple[str, ...]:  # noqa: ARG002 - it is told the root by the environment
        """Our program in place of the image's."""
        return (sys.executable, str(_ALGORITHM))

    def cwd(self, root: Path) -> Path:
        """The root itself."""
        return root

    def environment(self, root: Path, job: str, channels: Mapping[str, Any], threads: int) -> dict[str, str]:  # noqa: ARG002
        """None of its own."""
        return {}


def program_faults(arguments: Mapping[str, Any]) -> Iterator[str]:
    """What lets the program of a training not start here, known before anything does."""
    parameters = arguments.get("HyperParameters", {})
    channels = {str(each.get("ChannelName")): each for each in arguments.get("InputDataConfig", ())}
    if is_notebook(arguments):
        yield from notebook_faults(arguments)
        return
    if arguments.get("AlgorithmSpecification", {}).get("ContainerEntrypoint"):
        return
    if "sagemaker_program" in parameters:
        yield from _script_faults(parameters)
    elif DRIVERS in channels:
        yield f"channel {DRIVERS} is there, but no ContainerEntrypoint that would run it"
    elif not _has_xgboost(arguments):
        image = arguments.get("AlgorithmSpecification", {}).get("TrainingImage", "")
        yield f"there is no script (sagemaker_program), and the program inside the image {image!r} is not here; only XGBoost's is"
    else:
        yield from _algorithm_faults(parameters, channels)


def _script_faults(parameters: Mapping[str, Any]) -> Iterator[str]:
    if "sagemaker_submit_directory" not in parameters:
        yield "sagemaker_program is given, but no sagemaker_submit_directory to find it in"
    program = parameters["sagemaker_program"]
    if not isinstance(program, str):
        return
    with contextlib.suppress(ValueError):  # quoted as JSON, or plain
        program = str(json.loads(program))
    try:
        inside(Path(), program)
    except RunError:
        yield f"sagemaker_program {program!r} is no safe relative path"
    if not program.endswith((".py", ".sh")):
        yield f"sagemaker_program {program!r} is neither a .py nor a .sh file"


def _algorithm_faults(parameters: Mapping[str, Any], channels: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    if "num_round" not in parameters:
        yield "XGBoost without a script needs the hyperparameter num_round"
    if "_kfold" in parameters:
        yield (
            "the cross-validation of XGBoost's image (hyperparameter _kfold) does not run here: leave it out, or bring a "
            "script that calls xgboost.cv; train_xgboost(n_folds=…) averages a model per fold, here and there"
        )
    if "train" not in channels:
        yield "XGBoost without a script needs a channel 'train'." + did_you_mean("train", channels)
    for name, channel in channels.items():
        if name not in _ALGORITHM_CHANNELS:
            yield f"XGBoost without a script takes the channels train and validation, not {name!r}." + did_you_mean(
                name, _ALGORITHM_CHANNELS
            )
        written = channel.get("ContentType", "libsvm")
        if isinstance(written, str) and not written.partition(";")[0].strip().lower().endswith(_ALGORITHM_TYPES):
            yield (
                f"channel {name!r} has ContentType {written!r}; here XGBoost reads text/csv, text/libsvm, "
                "application/x-parquet: write the rows as one of these and say so in ContentType"
            )
        if channel.get("RecordWrapperType", "None") != "None":
            yield (
                f"channel {name!r} has RecordWrapperType {channel['RecordWrapperType']!r}, which is not unwrapped here: leave it out"
            )


def _has_xgboost(request: Mapping[str, Any]) -> bool:
    image = request.get("AlgorithmSpecification", {}).get("TrainingImage", "")
    return "xgboost" in (image if isinstance(image, str) else json.dumps(image)).rpartition("/")[2]


def _relocate_file(file: Path, root: Path) -> None:
    if file.stat().st_size > _LARGEST_DRIVER:
        return
    with contextlib.suppress(UnicodeDecodeError):  # no text
        text = file.read_bytes().decode("utf-8")
        if (moved := relocated_everywhere(text, root)) != text:
            _refuse_special(root)
            file.write_bytes(moved.encode())


def _refuse_special(root: Path) -> None:
    if not _PLAIN_FOR_A_SHELL.fullmatch(str(root)):
        raise RunError(
            f"A shell script of the job cannot be told the folder {str(root)!r}: its name has blanks or signs in it.",
            fix="let the runs lie elsewhere: home='/tmp/runs' (--home /tmp/runs)",
        )
