"""The local model registry: `registry/<group>/<version>/`, with versions 1, 2 and so on.

A version is staged beside and renamed to a number that must not exist yet, so two runs that register at
once get two numbers, and nobody sees half of a version.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import attrs

from fluentpipe.errors import RunError
from fluentpipe.run.durable import appear, make_folder, settle
from fluentpipe.run.hashing import Hashes
from fluentpipe.run.job import ACCOUNT
from fluentpipe.run.paths import folder_name
from fluentpipe.run.placing import Placed
from fluentpipe.run.record import now
from fluentpipe.run.storage import Found, Storage

_GROUP = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")  # pattern of EntityName in the service's model
_GROUP_ARN = re.compile(r"arn:aws[a-z\-]*:sagemaker:[a-z0-9\-]*:\d{12}:model-package-group/(.+)")
_PENDING = "PendingManualApproval"  # what the service takes where the request says nothing


@attrs.frozen
class Version:
    """A version that was registered."""

    group: str
    number: int
    arn: str
    path: Path
    document: Mapping[str, Any]  # as DescribeModelPackage would say it
    is_new: bool = True  # false: the newest version was the same already


def group_name(text: object) -> str:
    """The name of a model package group, given as a name or as an ARN.

    Raises:
        RunError: It does not follow the service's pattern, so it could not be a folder's name either.
    """
    given = str(text)
    found = _GROUP_ARN.fullmatch(given)
    name = found.group(1) if found else given
    if not _GROUP.fullmatch(name):
        raise RunError(
            f"{given!r} is no name of a model package group.",
            fix="use at most 63 letters, digits and inner hyphens, such as 'churn-models'",
        )
    return name


def register(
    home: Path,
    request: Mapping[str, Any],
    storage: Storage,
    *,
    run: str,
    step: str,
    neutral: Mapping[str, Any] | None = None,
    hashes: Hashes | None = None,
) -> Version:
    """Add a version: the models and metrics of a CreateModelPackage request, copied, and the request itself.

    Args:
        home: Of the runs and the registry.
        request: CreateModelPackage, every reference replaced.
        storage: Finds the models and the metrics.
        run: Id of the run that registers.
        step: Name of its step.
        neutral: The request without what differs between runs. Where the newest version of the group has the same,
            and the same files, that one is returned: a run that is repeated, or resumed, adds nothing. None to add
            a version always.
        hashes: With these, what is registered already is told without a copy of its files.

    Raises:
        RunError: The group has no name, or nothing can be written.
        SourceError: A model or a metrics file is not there.
    """
    group = group_name(request.get("ModelPackageGroupName"))
    folder = home / "registry" / group
    make_folder(folder)
    sources = list(_sources(request, storage))
    if neutral is not None and hashes is not None:
        contents = {
            _named(where, name): digest for where, found in sources for name, digest in hashes.found(found).items()
        }
        if same := _same(folder, group, _newest(folder), _identity(neutral, contents)):
            return same
    stage = folder / f".tmp-{run}-{secrets.token_hex(4)}"
    stage.mkdir()
    try:
        files = dict(_copied(sources, stage))
        origin: dict[str, Any] = {"run": run, "step": step, "files": files}
        if neutral is not None:  # of the copies: a source may have changed meanwhile
            contents = {name: hashlib.sha256((stage / name).read_bytes()).hexdigest() for name in files}
            origin["identity"] = _identity(neutral, contents)
        return _publish(stage, folder, group, request, origin)
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def _newest(folder: Path) -> int:
    return max((int(path.name) for path in folder.iterdir() if path.name.isdigit()), default=0)


def _publish(stage: Path, folder: Path, group: str, request: Mapping[str, Any], origin: Mapping[str, Any]) -> Version:
    while True:
        newest = _newest(folder)
        if "identity" in origin and (same := _same(folder, group, newest, origin["identity"])):
            return same
        number = newest + 1
        document = _describe(group, number, request)
        package = json.dumps({**document, "Source": origin, "Request": request}, indent=2)
        (stage / "package.json").write_text(package, encoding="utf-8")
        settle(stage)
        try:
            appear(stage, folder / str(number))  # fails where the number was taken meanwhile
        except OSError:
            if not (folder / str(number)).exists():
                raise
            continue
        return Version(group, number, document["ModelPackageArn"], folder / str(number), document)


def _identity(neutral: Mapping[str, Any], contents: Mapping[str, str]) -> str:
    """One hash for the request, without its URIs, and the hashes of its files by their names in the version."""
    text = json.dumps([_without_places(neutral), contents], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _without_places(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_places(item) for key, item in value.items() if key not in ("S3Uri", "ModelDataUrl")}
    return [_without_places(item) for item in value] if isinstance(value, list | tuple) else value


def _same(folder: Path, group: str, number: int, identity: str) -> Version | None:
    """A version, if it has the identity."""
    path = folder / str(number)
    try:
        package = json.loads((path / "package.json").read_bytes())
    except (OSError, ValueError):
        return None
    if package.get("Source", {}).get("identity") != identity:
        return None
    document = {key: value for key, value in package.items() if key not in ("Source", "Request")}
    return Version(group, number, document["ModelPackageArn"], path, document, is_new=False)


def _describe(group: str, number: int, request: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "ModelApprovalStatus": _PENDING,
        **request,
        "ModelPackageGroupName": group,
        "ModelPackageVersion": number,
        "ModelPackageArn": f"{ACCOUNT}:model-package/{group}/{number}",
        "ModelPackageStatus": "Completed",
        "CreationTime": now(),
    }


def _sources(request: Mapping[str, Any], storage: Storage) -> Iterator[tuple[str, Found]]:
    """Every file that the request names, with the folder of the version that it belongs into."""
    containers = request.get("InferenceSpecification", {}).get("Containers", ())
    for index, container in enumerate(containers):
        if uri := container.get("ModelDataUrl"):
            yield f"container-{index}" if index else "", _found(uri, storage)
    for family, members in sorted(request.get("ModelMetrics", {}).items()):
        for member, source in sorted(members.items()):
            where = folder_name(f"{family}.{member}", "other")
            yield f"metrics/{where}", _found(source["S3Uri"], storage)


def _found(uri: str, storage: Storage) -> Found:
    found = storage.find(uri)
    if not found.files:
        raise RunError(f"There is nothing to register at {uri!r}.", fix="let the step that makes it write a file")
    return found


def _copied(sources: Iterable[tuple[str, Found]], stage: Path) -> Iterator[tuple[str, str]]:
    """Copy the files; gives (relative path here, URI)."""
    for where, found in sources:
        Placed().place(found, stage / where)
        for name in found.files:
            yield _named(where, name), found.uri


def _named(where: str, name: str) -> str:
    return PurePosixPath(where, name).as_posix()
