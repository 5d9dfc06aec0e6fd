"""What stands behind a URI here: outputs of this run, assets of the definition, mapped buckets, local files, S3.

A URI is looked up in that order, the longest prefix first. Only the last, `fluentpipe.run.s3`, calls out.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

import attrs

from fluentpipe.definition import Definition
from fluentpipe.errors import SourceError, did_you_mean
from fluentpipe.files import files_below, is_file, is_folder
from fluentpipe.run.paths import inside

_SCHEME = "s3://"


@attrs.frozen
class Found:
    """The files that a URI stands for."""

    uri: str
    is_object: bool  # one file, as opposed to a prefix
    files: Mapping[str, Path | bytes]  # relative POSIX name -> local file or content; empty for an empty folder

    @property
    def path(self) -> Path | None:
        """The local file, where the URI is one."""
        only = next(iter(self.files.values())) if self.is_object else None
        return only if isinstance(only, Path) else None


class Source(Protocol):
    """Something that knows S3 URIs."""

    def find(self, uri: str) -> Found | None:
        """The files behind a URI, or None where this source has none.

        A trailing slash leaves only what lies below; it makes a difference on S3 alone, where `a` and `a/b` may both be
        objects.
        """


class Remote(Source, Protocol):
    """A source with connections."""

    def close(self) -> None:
        """End them."""


@attrs.define
class Outputs:
    """What the finished steps of a run wrote: S3 URI -> local folder or file. Safe to use from threads."""

    published: dict[str, Path] = attrs.field(factory=dict)
    _lock: threading.Lock = attrs.field(factory=threading.Lock, repr=False)

    def publish(self, uri: str, path: Path) -> None:
        """Let a URI, and all URIs below it, stand for a local path from now on."""
        with self._lock:
            self.published[uri.rstrip("/")] = path

    def find(self, uri: str) -> Found | None:
        """The output at a URI or above it, else the outputs below it, together, as one prefix on S3 would be."""
        uri = uri.rstrip("/")
        with self._lock:
            published = dict(self.published)
        if above := _longest(uri, published):
            return found_at(uri, inside(published[above], uri[len(above) + 1 :]))
        below = {known[len(uri) + 1 :]: path for known, path in published.items() if known.startswith(uri + "/")}
        files = {
            f"{name}/{key}" if key else name: file
            for name, path in sorted(below.items())
            for key, file in _files_of(path)
        }
        return Found(uri, False, files) if below else None


@attrs.frozen
class Assets:
    """The files that belong to the definition itself, found by their content hash."""

    definition: Definition

    def find(self, uri: str) -> Found | None:
        """The file or folder of an asset."""
        hit = self.definition.asset_for(uri.rstrip("/"))
        if hit is None:
            return None
        asset, name = hit
        if name in asset.files:
            return Found(uri, True, {Path(name).name: asset.files[name]})
        prefix = f"{name}/" if name else ""
        return Found(uri, False, {k[len(prefix) :]: file for k, file in asset.files.items() if k.startswith(prefix)})


@attrs.frozen
class Maps:
    """Buckets, or prefixes of them, that stand for local folders: `{"s3://data": "./data"}`."""

    folders: Mapping[str, Path]

    @classmethod
    def of(cls, maps: Mapping[str, str | Path] | None) -> Maps:
        """Check and complete what a user gave.

        Raises:
            SourceError: A key is no S3 URI, or a folder is not there.
        """
        folders: dict[str, Path] = {}
        for uri, folder in (maps or {}).items():
            if not uri.startswith(_SCHEME):
                raise SourceError(f"maps: {uri!r} is no S3 URI.", fix="write maps={'s3://bucket': './folder'}")
            if not Path(folder).exists():
                raise SourceError(f"maps: there is no {str(folder)!r} to stand for {uri!r}.", fix="correct the path")
            folders[uri.rstrip("/")] = Path(folder).resolve()
        return cls(folders)

    def find(self, uri: str) -> Found | None:
        """The mapped file or folder; of several maps the longest that fits.

        Raises:
            SourceError: There is a map, but nothing in its folder: S3 is not asked for what was said to be here.
        """
        uri = uri.rstrip("/")
        above = _longest(uri, self.folders)
        if not above:
            return None
        path = inside(self.folders[above], uri[len(above) + 1 :])
        if found := found_at(uri, path):
            return found
        beside = sorted(each.name for each in path.parent.iterdir()) if is_folder(path.parent) else []
        raise SourceError(
            f"There is no {str(path)!r} to stand for {uri!r}.{did_you_mean(path.name, beside)}",
            f"{above!r} is mapped to {str(self.folders[above])!r}",
            fix="correct the URI, or put the file there",
            uri=uri,
        )


@attrs.frozen
class Storage:
    """Every source of one run, in the order in which they are asked."""

    outputs: Outputs
    sources: tuple[Source, ...]
    close: Callable[[], None] = lambda: None  # ends connections; the next find opens new ones

    @classmethod
    def of(cls, definition: Definition, maps: Maps, remote: Remote | None = None) -> Storage:
        """The storage of a new run.

        Args:
            definition: With its assets.
            maps: Local folders that stand for buckets.
            remote: Asked for what nothing here stands for; it raises where it has nothing either.
        """
        outputs = Outputs()
        local = (outputs, Assets(definition), maps)
        return cls(outputs, local) if remote is None else cls(outputs, (*local, remote), remote.close)

    def find(self, uri: str) -> Found:
        """What a URI, a `file://` URI or a local path stands for; with a trailing slash only what lies below.

        Raises:
            SourceError: Nothing here stands for it.
            RunError: It climbs out of its bucket.
        """
        below = "/" if uri.endswith("/") else ""
        uri = uri.rstrip("/") or uri
        if not uri.startswith(_SCHEME):
            path = local_path(uri)
            if found := self.outputs.find(uri) or found_at(uri, path):
                return found
            raise SourceError(f"There is no file or folder {uri!r}.", f"looked for: {path}", fix="correct the path")
        inside(Path(), uri[len(_SCHEME) :])  # a key that climbs is refused before anything is looked up
        for source in self.sources:
            if found := source.find(uri + below):
                return found
        bucket = uri[len(_SCHEME) :].partition("/")[0]
        raise SourceError(
            f"Nothing here stands for {uri!r}.",
            "this run does not read from S3",
            fix=f"give a local path as the parameter's value, or map the bucket: maps={{'s3://{bucket}': './folder'}}"
            f" (--map s3://{bucket}=./folder)",
            uri=uri,
        )

    def file(self, uri: str) -> Path:
        """The one local file that a URI stands for.

        Raises:
            SourceError: Nothing stands for it, or no single file.
        """
        path = self.find(uri).path
        if path is None:
            raise SourceError(f"{uri!r} is no single file here.", fix="name the file, not its folder")
        return path


def local_path(text: str) -> Path:
    """The absolute path of a local path or a `file://` URI."""
    return Path(unquote(urlsplit(text).path) if text.startswith("file://") else text).expanduser().absolute()


def found_at(uri: str, path: Path) -> Found | None:
    """The file or the folder at a path, or None."""
    if is_file(path):
        return Found(uri, True, {path.name: path})
    return Found(uri, False, dict(_files_of(path))) if is_folder(path) else None


def _files_of(path: Path) -> Iterator[tuple[str, Path]]:
    """The files at or below a path with their relative names, sorted; the name of a file itself is empty."""
    if path.is_file():
        yield "", path
    elif path.is_dir():
        yield from files_below(path)


def _longest(uri: str, known: Iterable[str]) -> str:
    fitting = (each for each in known if uri == each or uri.startswith(each + "/"))
    return max(fitting, key=len, default="")
