"""Sessions of the SDK: one that reaches AWS when it is used, and one that never does.

Neither sends the SDK's telemetry, and neither asks for credentials before a call is made.
"""

from __future__ import annotations

import datetime
import hashlib
import io
import urllib.parse
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from fluentpipe.errors import FluentpipeError, SettingError
from fluentpipe.s3uri import check_s3_uri
from fluentpipe.sdk.installed import Sdk, installed

_NO_TELEMETRY = {"SchemaVersion": "1.0", "SageMaker": {"PythonSDK": {"Modules": {"TelemetryOptOut": True}}}}
_MADE_UP = "made-up"
_ACCOUNT = "000000000000"
_LARGEST = 1 << 30  # bytes of one file kept below the folder of an offline session


def online_session(sdk: Sdk, region: str, bucket: str | None) -> Any:
    """A `PipelineSession` of the region; credentials are looked for when the first call is made.

    The SDK's own configuration files count as always, except that telemetry is off.
    """
    import boto3
    import botocore.session

    core = botocore.session.Session()
    core.register_component("credential_provider", _Later())
    boto = boto3.Session(botocore_session=core, region_name=region)
    return sdk.PipelineSession(boto_session=boto, default_bucket=bucket, sagemaker_config=_configuration(sdk))


class _Later:
    """A credential provider that looks for credentials at the first call: clients are made before anything is called."""

    def load_credentials(self) -> Any:
        """Credentials that find themselves when they are asked for."""
        from botocore.credentials import DeferredRefreshableCredentials

        return DeferredRefreshableCredentials(refresh_using=_credentials, method="fluentpipe")


def _credentials() -> dict[str, str | None]:
    """What the usual chain finds now, to be asked again in a quarter of an hour."""
    import botocore.session
    from botocore.exceptions import NoCredentialsError

    found = botocore.session.Session().get_credentials()
    if found is None:
        raise NoCredentialsError
    frozen = found.get_frozen_credentials()
    expiry = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=30)
    return {
        "access_key": frozen.access_key, "secret_key": frozen.secret_key, "token": frozen.token,
        "expiry_time": expiry.isoformat(),
    }  # fmt: skip


def _configuration(sdk: Sdk) -> dict[str, Any]:
    """The user's defaults for the SDK, with telemetry off."""
    found: dict[str, Any] = dict(sdk.load_sagemaker_config())
    return _merged(found, _NO_TELEMETRY)


def _merged(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(one)
    for key, value in other.items():
        found[key] = _merged(found.get(key, {}), value) if isinstance(value, Mapping) else value
    return found


def offline_session(folder: str | Path, *, bucket: str = "my-bucket", region: str = "us-east-1") -> Any:
    """A `PipelineSession` for pipelines of the SDK that run here: what the SDK uploads is kept below a folder.

    Nothing leaves the machine, and no credentials are needed. Run such a pipeline with the folder in the place of its bucket::

        session = fluentpipe.sdk.offline_session("bucket")
        ...                                             # processors, estimators and steps, as always
        pipe = Pipeline.from_sagemaker(pipeline)
        pipe.run(maps={"s3://my-bucket": "bucket"})

    Args:
        folder: Made if it does not exist; a file of the bucket lies at its key.
        bucket: The default bucket of the session.
        region: Decides the registry of images.

    Raises:
        MissingExtra: There is no SDK.
        InvalidS3Uri: A bucket cannot have that name.
    """
    import boto3

    check_s3_uri(f"s3://{bucket}")
    sdk = installed()
    import botocore.session

    core = botocore.session.Session()
    # Else a body is sent in signed chunks with a checksum behind it.
    core.set_config_variable("request_checksum_calculation", "when_required")
    boto = boto3.Session(_MADE_UP, _MADE_UP, botocore_session=core, region_name=region)
    store = _Store(Path(folder).expanduser(), bucket)
    boto.events.register("before-send", store.answer)
    return sdk.PipelineSession(boto_session=boto, default_bucket=bucket, sagemaker_config=_NO_TELEMETRY)


class _Store:
    """Answers, in the place of AWS, the few questions that the SDK has while it writes a definition."""

    def __init__(self, folder: Path, bucket: str) -> None:
        self._folder = folder
        self._bucket = bucket

    def answer(self, request: Any, event_name: str, **_: object) -> Any:
        """What botocore takes for the response of the service."""
        operation = event_name.removeprefix("before-send.")
        answers = {
            "sts.GetCallerIdentity": self._identity,
            "s3.HeadBucket": self._nothing,
            "s3.ListBuckets": self._buckets,
            "s3.PutObject": self._put,
            "s3.HeadObject": self._head,
        }
        if operation not in answers:
            raise FluentpipeError(
                f"The SDK asked AWS for {operation}, which an offline session has no answer to.",
                fix="use a session of your account for this: sagemaker_session=PipelineSession()",
            )
        status, body = answers[operation](request)
        return _response(request, status, body)

    def _identity(self, _: Any) -> tuple[int, bytes]:
        text = f"<Arn>arn:aws:iam::{_ACCOUNT}:user/nobody</Arn><UserId>nobody</UserId><Account>{_ACCOUNT}</Account>"
        return 200, f"<Answer><GetCallerIdentityResult>{text}</GetCallerIdentityResult></Answer>".encode()

    def _nothing(self, _: Any) -> tuple[int, bytes]:
        return 200, b""

    def _buckets(self, _: Any) -> tuple[int, bytes]:
        text = f"<Bucket><Name>{self._bucket}</Name><CreationDate>2025-01-01T00:00:00Z</CreationDate></Bucket>"
        return 200, f"<ListAllMyBucketsResult><Buckets>{text}</Buckets></ListAllMyBucketsResult>".encode()

    def _put(self, request: Any) -> tuple[int, bytes]:
        file = self._file(request)
        body = request.body
        content = body.read(_LARGEST + 1) if hasattr(body, "read") else body or b""
        if len(content) > _LARGEST:
            raise FluentpipeError(f"{file.name} is larger than 1 GiB, which an offline session does not keep.")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        return 200, b""

    def _head(self, request: Any) -> tuple[int, bytes]:
        return (200, b"") if self._file(request).is_file() else (404, b"")

    def _file(self, request: Any) -> Path:
        """Where an object lies; a key that could leave the folder is refused."""
        place = urllib.parse.urlsplit(request.url)
        key = urllib.parse.unquote(place.path).lstrip("/")
        if not place.netloc.startswith(f"{self._bucket}."):  # the bucket is in the path, where its name has a dot
            bucket, _, key = key.partition("/")
            if bucket != self._bucket:
                raise SettingError(
                    f"The SDK uses bucket {bucket!r}, but the offline session has {self._bucket!r} only.",
                    fix=f"offline_session(…, bucket={bucket!r})",
                )
        check_s3_uri(f"s3://{self._bucket}/{key}")
        return self._folder / key


def _response(request: Any, status: int, body: bytes) -> Any:
    from botocore.awsrequest import AWSResponse

    headers = {"ETag": f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'}
    return AWSResponse(request.url, status, headers, _Body(body))


class _Body(io.BytesIO):
    """What botocore reads a response from."""

    def stream(self, **_: object) -> Iterator[bytes]:
        """The whole of it."""
        yield self.read()
