"""Bundles: a folder that holds a definition and every file it needs, and runs anywhere.

::

    bundle.json                 {"format": 1, "name": "churn"}
    definition.json             the document, indented
    assets/<sha256>/<name>      the files of each asset

The S3 URI of an asset is not stored: every literal URI in the document that holds `/<sha256>` is one.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from fluentpipe.assets import Asset, tree_sha256
from fluentpipe.document import strings
from fluentpipe.errors import DefinitionError, FluentpipeError, InvalidS3Uri

FORMAT = 1
MEMBERS = frozenset(("bundle.json", "definition.json", "assets"))
# At most as long as a URI may be: without a bound a long text of many beginnings takes quadratic time.
_ASSET_URI = re.compile(r"(s3://[^\s'\"]{0,960}/([0-9a-f]{64}))(?=[/'\"]|$)")


def write_bundle(folder: Path, name: str, document: Mapping[str, Any], assets: tuple[Asset, ...]) -> Path:
    """Write a bundle beside its place and move it there; see `Definition.write`."""
    _refuse_to_overwrite(folder)
    used = asset_uris(document)
    for asset in assets:
        if asset.uri not in used:
            raise FluentpipeError(f"Asset {asset.uri} is used nowhere in the definition.", fix="leave it out")
    folder.parent.mkdir(parents=True, exist_ok=True)
    staged = Path(tempfile.mkdtemp(prefix=f".{folder.name}.tmp-", dir=folder.parent))
    try:
        staged.chmod(0o755)
        _fill(staged, name, document, assets)
        _publish(staged, folder)
    finally:
        shutil.rmtree(staged, ignore_errors=True)
    return folder


def read_bundle(folder: Path) -> tuple[str, str, Callable[[Mapping[str, Any]], tuple[Asset, ...]]]:
    """Name, text of the definition, and a function that finds the assets once the document is known.

    Raises:
        DefinitionError: The folder is no bundle, of a later format, or an asset is not what its hash says.
    """
    marker = folder / "bundle.json"
    if not marker.is_file():
        raise _refused(f"{folder} is no bundle: it has no bundle.json.", "give a folder that Definition.write made")
    try:
        facts = json.loads(_plain_file(marker).read_text("utf-8"))
        version, name = facts["format"], facts["name"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise _refused(f"{marker} is damaged: {error!r}.", "write the bundle again") from error
    if version != FORMAT or not isinstance(name, str):
        raise _refused(
            f"{marker} says format {version!r} and name {name!r}; this version of fluentpipe reads format {FORMAT}.",
            "upgrade fluentpipe, or write the bundle again",
        )
    text = _plain_file(folder / "definition.json").read_text("utf-8")
    return name, text, lambda document: _read_assets(folder / "assets", asset_uris(document))


def asset_uris(document: Mapping[str, Any]) -> dict[str, str]:
    """Every S3 URI in the document that ends in a content hash -> that hash, in the order of the document.

    Also where it stands inside a text, as in the JSON of the hyperparameter `sagemaker_submit_directory`.
    """
    found: dict[str, str] = {}
    for _, text in strings(document):
        for match in _ASSET_URI.finditer(text):
            found.setdefault(match[1], match[2])
    return found


def _read_assets(folder: Path, uris: Mapping[str, str]) -> tuple[Asset, ...]:
    if not folder.exists():
        return ()
    stored = {each.name: _files(each) for each in sorted(_plain_folder(folder).iterdir())}
    for sha256, files in stored.items():
        if sha256 not in uris.values():
            raise _refused(f"{folder / sha256} belongs to no URI of the definition.", "delete it")
        if _hashed(files) != sha256:
            raise _refused(
                f"{folder / sha256} holds other files than its hash says: something was changed, added or removed.",
                "write the bundle again",
            )
    try:
        return tuple(Asset(uri, sha256, stored[sha256]) for uri, sha256 in uris.items() if sha256 in stored)
    except InvalidS3Uri as error:
        raise _refused(f"An asset of {folder} has a malformed URI. {error}", "correct the definition") from error


def _hashed(files: Mapping[str, Path | bytes]) -> str:
    try:
        return tree_sha256(files)
    except FluentpipeError as error:
        raise _refused(f"A bundle holds an unsafe name. {error}", "write the bundle again") from error


def _refused(headline: str, fix: str) -> DefinitionError:
    return DefinitionError(headline, fix=fix, diagnostics=())


def _files(folder: Path) -> dict[str, Path | bytes]:
    """The files below a folder by relative name; symbolic links and special files are refused."""
    found: dict[str, Path | bytes] = {}
    pending = [_plain_folder(folder)]
    while pending:
        for each in sorted(pending.pop().iterdir()):
            if each.is_dir() and not each.is_symlink():
                pending.append(each)
            else:
                found[each.relative_to(folder).as_posix()] = _plain_file(each)
    return found


def _plain_file(path: Path) -> Path:
    if path.is_symlink() or not path.is_file():
        raise _refused(f"{path} is no plain file; a bundle holds no links.", "write the bundle again")
    return path


def _plain_folder(path: Path) -> Path:
    if path.is_symlink() or not path.is_dir():
        raise _refused(f"{path} is no plain folder; a bundle holds no links.", "write the bundle again")
    return path


def _refuse_to_overwrite(folder: Path) -> None:
    """Only a missing or empty folder, or a bundle with nothing of anybody else in it, may be written."""
    if not folder.is_symlink() and not folder.exists():
        return
    held = {each.name for each in folder.iterdir()} if folder.is_dir() and not folder.is_symlink() else {"?"}
    if held and ("bundle.json" not in held or not held <= MEMBERS):
        raise FluentpipeError(
            f"{folder} exists and is no bundle; it was left as it is.", fix="give a new folder", folder=folder
        )


def _fill(staged: Path, name: str, document: Mapping[str, Any], assets: tuple[Asset, ...]) -> None:
    text = json.dumps(document, indent=2, allow_nan=False)
    (staged / "definition.json").write_text(text + "\n", "utf-8")
    (staged / "bundle.json").write_text(json.dumps({"format": FORMAT, "name": name}) + "\n", "utf-8")
    for asset in assets:
        target = staged / "assets" / asset.sha256
        if not target.exists():  # two URIs may stand for the same files
            target.mkdir(parents=True)
            asset.copy_into(target)


def _publish(staged: Path, folder: Path) -> None:
    """Put the staged bundle in place; the one it replaces is moved aside first and comes back on failure."""
    if not (folder / "bundle.json").exists():
        if folder.exists():
            folder.rmdir()  # empty, or it would have been refused
        staged.rename(folder)
        return
    aside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.tmp-", dir=folder.parent)) / "old"
    folder.rename(aside)
    try:
        staged.rename(folder)
    except OSError:
        aside.rename(folder)
        aside.parent.rmdir()
        raise
    shutil.rmtree(aside.parent, ignore_errors=True)
