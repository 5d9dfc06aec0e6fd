"""What the folder of a run has to tell: read as data, with limits, whoever wrote it.

Nothing is trusted: a file that is missing, too large, no JSON or of another shape is as if it were not there.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import math
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import IO, Any, Protocol, cast

import attrs

from fluentpipe import terminal
from fluentpipe.document import StepEntry, walk_steps

_LARGEST_JSON = 16 << 20  # bytes
_LARGEST_MEMBER = 4 << 20  # bytes of a file in an archive
_LARGEST_LOOK = 64 << 20  # bytes of an archive, unpacked, that are looked through
_LARGEST_HASHED = 256 << 20  # bytes of a model that are read for its hash
_LOG_TAIL = 64 << 10  # bytes
_KEPT = 16  # evaluations and models, parsed
_IN_MODEL = ("model.json", "importances.json", "model_card.md")
_BESIDE, _HISTORY = "output.tar.gz", "history.json"  # what a training writes beside its model, and what we look for
_LOG_READ = 2 << 20  # bytes, for what a training printed
Facts = Mapping[str, Any]


@attrs.frozen(eq=False)  # the same contents are the same object, see `_evaluation`
class Evaluation:
    """What a step wrote in `evaluation.json` and `curves.json`."""

    step: str
    report: Facts
    curves: Facts  # empty without the file


@attrs.frozen(eq=False)  # likewise, see `_read_model`
class Model:
    """What a `model.tar.gz` says of itself."""

    step: str
    facts: Facts  # model.json
    importances: Sequence[Facts]
    history: tuple[Facts, ...]  # per member: metric -> its value after every round
    card: str  # Markdown
    sha256: str  # of the archive; empty where it is too large


@attrs.frozen
class Evidence:
    """A run as its folder tells it."""

    folder: Path
    manifest: Facts  # run.json
    entries: tuple[StepEntry, ...]  # of definition.json
    document: Facts
    evaluations: tuple[Evaluation, ...]
    models: tuple[Model, ...]
    schemas: tuple[tuple[str, Facts], ...]  # (step, schema.json) of raw data, columns profiled
    searches: tuple[tuple[str, Facts], ...] = ()  # (step, trials.json) of searches for hyperparameters

    @classmethod
    def of(cls, folder: Path) -> Evidence:
        """Read the folder of a run."""
        manifest = mapping(read_json(folder / "run.json"))
        document = mapping(read_json(folder / "definition.json"))
        outputs = list(_outputs(folder, manifest))
        return cls(
            folder,
            manifest,
            tuple(entry for entry in walk_steps(document) if entry.name),
            document,
            tuple(_evaluations(outputs)),
            tuple(model for step, path in outputs if (model := _model(step, path)) is not None),
            tuple((step, schema) for step, path in outputs if (schema := _schema(path))),
            tuple((step, found) for step, path in outputs if (found := _search(path))),
        )

    def step(self, name: str) -> Facts:
        """The part of the manifest for a step."""
        return mapping(mapping(self.manifest.get("steps")).get(name))

    def log_tail(self, step: str, lines: int) -> list[str]:
        """The last lines of a step's log."""
        return self._log(step, _LOG_TAIL)[-lines:]

    def log(self, step: str) -> list[str]:
        """The log of a step; the end of one that is very long."""
        return self._log(step, _LOG_READ)

    def _log(self, step: str, size: int) -> list[str]:
        name = self.step(step).get("log")
        if not isinstance(name, str):
            return []
        try:
            with (self.folder / name).open("rb") as file:
                file.seek(max(0, file.seek(0, 2) - size))
                return terminal.plain(file.read().decode("utf-8", "replace")).splitlines()
        except OSError:
            return []

    def job(self, step: str) -> Facts:
        """The request of a step's job, secrets masked."""
        return mapping(read_json(self.folder / "steps" / step / "job.json"))


def read_json(path: Path) -> Any:
    """A JSON file; None where there is none to be read."""
    return _parsed(_content(path))


def _content(path: Path) -> bytes:
    """A file; empty where there is none to be read."""
    try:
        return path.read_bytes() if path.is_file() and path.stat().st_size <= _LARGEST_JSON else b""
    except OSError:
        return b""


def mapping(value: object) -> Facts:
    """An object of JSON; empty for anything else."""
    return value if isinstance(value, Mapping) else {}


def items(value: object) -> Sequence[Any]:
    """A list of JSON; empty for anything else."""
    return value if isinstance(value, list | tuple) else ()


def finite(value: object) -> float | None:
    """A number of JSON; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:
        return None


def finites(value: object) -> list[float]:
    """A list of numbers; empty where one is none."""
    found = [finite(each) for each in items(value)]
    return [each for each in found if each is not None] if None not in found else []


def _outputs(folder: Path, manifest: Facts) -> Iterator[tuple[str, Path]]:
    for name, step in mapping(manifest.get("steps")).items():
        for path in mapping(mapping(step).get("outputs")).values():
            if isinstance(path, str):
                yield name, folder / path


def _evaluations(outputs: Sequence[tuple[str, Path]]) -> Iterator[Evaluation]:
    for step, path in outputs:
        for file in sorted(path.glob("**/evaluation.json")) if path.is_dir() else ():
            found = _evaluation(step, _content(file), _content(file.with_name("curves.json")))
            if found.report:
                yield found


@lru_cache(maxsize=_KEPT)
def _evaluation(step: str, report: bytes, curves: bytes) -> Evaluation:
    """Parsed once: a run whose results were kept shows the same figures again."""
    return Evaluation(step, mapping(_parsed(report)), mapping(_parsed(curves)))


def _schema(path: Path) -> Facts:
    """The profile of raw data; what later steps write has no columns in it."""
    found = mapping(read_json(path / "schema.json")) if path.is_dir() else {}
    return found if items(found.get("columns")) else {}


def _search(path: Path) -> Facts:
    """The table of trials that a tuning leaves."""
    found = mapping(read_json(path)) if path.name == "trials.json" else {}
    return found if items(found.get("trials")) else {}


def _model(step: str, path: Path) -> Model | None:
    if path.name != "model.tar.gz" or not path.is_file():
        return None
    return _read_model(
        step, _Archive(path, _version(path)), _Archive(beside := path.with_name(_BESIDE), _version(beside))
    )


@attrs.frozen
class _Archive:
    """A file that is the same as another one with this version, under whatever name: kept results are links."""

    path: Path = attrs.field(eq=False)
    version: tuple[int, ...]


def _version(path: Path) -> tuple[int, ...]:
    try:
        stat = path.stat()
    except OSError:
        return ()
    return stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns


@lru_cache(maxsize=_KEPT)
def _read_model(step: str, model: _Archive, others: _Archive) -> Model:
    found, beside = _members(model.path, _IN_MODEL), _members(others.path, (_HISTORY,))
    history = items(mapping(_parsed(beside.get(_HISTORY, b""))).get("validation"))
    facts = mapping(_parsed(found.get("model.json", b"")))
    importances = mapping(_parsed(found.get("importances.json", b"")))
    listed = [mapping(each) for each in items(importances.get("importances"))]
    card = found.get("model_card.md", b"").decode("utf-8", "replace")
    return Model(step, facts, listed, tuple(map(mapping, history)), card, _sha256(model.path))


class _Reads(Protocol):
    def read(self, size: int, /) -> bytes: ...


@attrs.define
class _Limited:
    """A stream that ends after so many bytes, so that a small archive cannot unpack without end."""

    stream: _Reads
    left: int

    def read(self, size: int) -> bytes:
        found = self.stream.read(min(size, self.left))
        self.left -= len(found)
        return found


def _members(path: Path, wanted: tuple[str, ...]) -> dict[str, bytes]:
    """Files out of an archive by their names, read as a stream and never unpacked."""
    found: dict[str, bytes] = {}
    try:
        with gzip.open(path) as unpacked:
            stream = cast("IO[bytes]", _Limited(unpacked, _LARGEST_LOOK))
            with tarfile.open(fileobj=stream, mode="r|") as archive:
                for member in archive:
                    name = member.name.removeprefix("./")
                    if name in wanted and member.isreg() and member.size <= _LARGEST_MEMBER:
                        content = archive.extractfile(member)
                        found[name] = content.read() if content else b""
                    if len(found) == len(wanted):
                        break
    except (OSError, EOFError, tarfile.TarError, ValueError):
        pass  # damaged, or not ours; what was found before counts
    return found


def _parsed(text: bytes) -> Any:
    try:
        return json.loads(text, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        return None


def _sha256(path: Path) -> str:
    if path.stat().st_size > _LARGEST_HASHED:
        return ""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()
