"""Where a definition will run: account role, bucket and region; and what has to be uploaded there."""

from __future__ import annotations

import functools
import gzip
import io
import re
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import attrs

from fluentpipe.assets import Asset, tree_sha256
from fluentpipe.errors import DefinitionError, SettingError, SourceError
from fluentpipe.expression import Expression, Join
from fluentpipe.files import local_files
from fluentpipe.images import image_uri, pytorch_uri
from fluentpipe.program import program_files
from fluentpipe.reference import ExecutionVariable, LocalPath
from fluentpipe.s3uri import check_s3_uri, join_s3
from fluentpipe.stamps import sha256_once

PLACEHOLDER_ROLE = "arn:aws:iam::000000000000:role/fluentpipe-placeholder"
PLACEHOLDER_BUCKET = "fluentpipe-placeholder"
PLACEHOLDER_REGION = "us-east-1"

_ROLE = re.compile(r"arn:aws[a-z\-]*:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+")  # botocore: RoleArn
EXECUTION_ID = ExecutionVariable("PipelineExecutionId")
SOURCE_ARCHIVE = "sourcedir.tar.gz"


def _valid_role(_target: Target, _attribute: Any, value: object) -> None:
    if not isinstance(value, str) or not _ROLE.fullmatch(value):
        raise SettingError(f"role {value!r} is no role ARN.", fix="role='arn:aws:iam::111122223333:role/SageMakerRole'")


def _valid_bucket(_target: Target, _attribute: Any, value: str) -> None:
    check_s3_uri(f"s3://{value}")


@attrs.define
class Target:
    """Where a definition will run. It collects the assets that steps ask for, each once.

    Args:
        pipeline: Name of the pipeline; the first segment of every key.
        role: ARN of the role that the jobs take.
        bucket: For code, data and outputs.
        region: Such as `us-east-1`; decides the registry of images.
        of_file: Gives the SHA-256 of a file.
    """

    pipeline: str
    role: str = attrs.field(default=PLACEHOLDER_ROLE, validator=_valid_role)
    bucket: str = attrs.field(default=PLACEHOLDER_BUCKET, validator=_valid_bucket)
    region: str = PLACEHOLDER_REGION
    of_file: Callable[[Path], bytes] = attrs.field(default=sha256_once, kw_only=True, repr=False)
    assets: dict[str, Asset] = attrs.field(factory=dict, init=False)
    frameworks: Mapping[str, tuple[str, str]] = attrs.field(factory=dict, init=False)
    """Step -> framework and version of the model that it makes or takes; see `fluentpipe.frameworks`."""
    labels: Mapping[str, str] = attrs.field(factory=dict, init=False)
    """Step -> the label of the rows that it descends from, where that is known; see `fluentpipe.labels`."""
    _hashes: dict[Any, str] = attrs.field(factory=dict, init=False, repr=False)
    _programs: dict[Any, dict[str, Path]] = attrs.field(factory=dict, init=False, repr=False)
    _archives: dict[Any, str] = attrs.field(factory=dict, init=False, repr=False)

    def moved(self, *, role: str, bucket: str, region: str) -> Target:
        """The same for another place, so that files that were hashed already are not read again."""
        other = Target(self.pipeline, role, bucket, region, of_file=self.of_file)
        other._hashes, other._programs = self._hashes, self._programs
        return other

    def program(self, script: Path, companions: tuple[str, ...] = ()) -> Mapping[str, Path]:
        """The files of a program, read once for a definition."""
        if (script, companions) not in self._programs:
            self._programs[script, companions] = program_files(script, companions)
        return self._programs[script, companions]

    def code(self, files: Mapping[str, Path | bytes]) -> str:
        """The S3 URI of a folder of program files, which will be uploaded under its content hash."""
        return self._asset("code", files)

    def source_archive(self, files: Mapping[str, Path]) -> str:
        """The S3 URI of a `sourcedir.tar.gz` of program files, as SageMaker's framework images take them."""
        key = tuple(files.items())
        if key not in self._archives:
            folder = self._asset("code", {SOURCE_ARCHIVE: source_archive(files)})
            self._archives[key] = f"{folder}/{SOURCE_ARCHIVE}"
        return self._archives[key]

    def location(self, value: Any) -> Any:
        """An S3 URI, checked; a local path as the URI it will be uploaded to; an expression as it is.

        Raises:
            InvalidS3Uri: A malformed S3 URI.
            SourceError: A local path where nothing is, or a scheme other than `s3://`.
        """
        if isinstance(value, Expression):
            return value
        text = str(value.path) if isinstance(value, LocalPath) else str(value)
        if text.startswith("s3://"):
            return check_s3_uri(text)
        if "://" in text:
            raise SourceError(f"data can be taken from s3:// and from local files, not from {text!r}.")
        return self._local(Path(text))

    def below(self, value: Any, name: str) -> Any:
        """The S3 URI of a file below a place, which is told as `location` takes it."""
        place = self.location(value)
        return join_s3(place, name) if isinstance(place, str) else Join("/", (place, name))

    def output(self, *segments: str) -> Join:
        """An S3 URI below a prefix of this very execution, so that executions never overwrite each other."""
        return Join("/", (f"s3://{self.bucket}/{self.pipeline}", EXECUTION_ID, *segments))

    def image(self, framework: str, version: str) -> str:
        """The URI of SageMaker's image of a framework in the region."""
        return image_uri(framework, version, self.region)

    def image_for(self, step: Any, version: str) -> str:
        """The URI of the image for a step: of its own framework, or of the one that made the model which it takes.

        Args:
            step: With `framework`, and `framework_version` where one was given.
            version: Of XGBoost's image, where nothing else is known.
        """
        framework, usual = self.frameworks.get(step.name, ("xgboost", version))
        if step.framework:
            framework, usual = step.framework, step.framework_version
        if framework == "pytorch":
            return self._serving_pytorch(step, step.given.get("framework_version", usual))
        return self.image(framework, step.given.get("framework_version", usual))

    def _serving_pytorch(self, step: Any, version: str) -> str:
        verb = step.contract.verb
        if verb not in ("register", "create_model"):
            raise SettingError(
                f"{verb} reads models of the other trainings; that of train_pytorch is what its script makes it.",
                fix="process('evaluate.py', inputs={'model': ModelArtifacts, 'test': TestData}, outputs={'report': EvaluationReport})",
                step=step.name,
            )
        return pytorch_uri("inference", version, self.region)

    def _local(self, path: Path) -> str:
        files = local_files(path)
        uri = self._asset("data", files)
        return uri if path.is_dir() else join_s3(uri, path.name)

    def _asset(self, folder: str, files: Mapping[str, Path | bytes]) -> str:
        key = tuple(files.items())
        digest = self._hashes.get(key)
        if digest is None:
            digest = self._hashes[key] = tree_sha256(files, self.of_file)
        uri = f"s3://{self.bucket}/{self.pipeline}/{folder}/{digest}"
        if uri not in self.assets:
            self.assets[uri] = Asset(uri, digest, dict(files))
        return uri


def source_archive(files: Mapping[str, Path]) -> bytes:
    """A gzipped tar that is the same to the byte for the same files, whatever their dates and owners."""
    return _packed(tuple((name, files[name].read_bytes()) for name in sorted(files)))


@functools.lru_cache(maxsize=16)
def _packed(files: tuple[tuple[str, bytes], ...]) -> bytes:
    packed = io.BytesIO()
    with gzip.GzipFile("", "wb", 9, packed, mtime=0) as zipped, tarfile.open(fileobj=zipped, mode="w") as tar:
        for name, content in files:
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), 0o644
            tar.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def refuse_placeholders(document: str) -> None:
    """Refuse a definition that was made without role, bucket or region, as deploying one would fail far away.

    Raises:
        DefinitionError: It holds a placeholder.
    """
    found = [what for what, text in (("role", PLACEHOLDER_ROLE), ("bucket", PLACEHOLDER_BUCKET)) if text in document]
    if found:
        raise DefinitionError(
            f"the definition was made without {' and '.join(found)}; it runs here, but not on SageMaker.",
            fix='materialize(role="arn:aws:iam::…", bucket="my-bucket", region="us-east-1")',
            diagnostics=(),
        )
