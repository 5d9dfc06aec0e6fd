"""A boto3 session for the SageMaker SDK that never calls out: what it may ask is answered here, anything else raises.

Used only by write_fixtures.py, in an environment that has the SDK.
"""

from __future__ import annotations

import io
import os
import pathlib
import socket
import urllib.parse
from typing import Any, NoReturn

import boto3
from botocore.awsrequest import AWSResponse

REGION = "us-east-1"
_IDENTITY = b"""<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>
<Arn>arn:aws:iam::111122223333:user/someone</Arn><UserId>someone</UserId><Account>111122223333</Account>
</GetCallerIdentityResult></GetCallerIdentityResponse>"""
_BUCKETS = b"""<ListAllMyBucketsResult><Buckets><Bucket><Name>my-bucket</Name>
<CreationDate>2025-01-01T00:00:00Z</CreationDate></Bucket></Buckets></ListAllMyBucketsResult>"""
_ANSWERS = {"sts.GetCallerIdentity": _IDENTITY, "s3.ListBuckets": _BUCKETS, "s3.HeadBucket": b"", "s3.PutObject": b""}


class _Body(io.BytesIO):
    """What botocore reads a response from."""

    def stream(self, **_: object) -> Any:
        yield self.read()


def _refuse(*_: object, **__: object) -> NoReturn:
    raise OSError("the SDK tried to open a connection; fixtures are written without a network")


def close_the_network() -> None:
    """Make every connection an error, telemetry's included."""
    socket.socket.connect = _refuse  # type: ignore[method-assign]
    socket.create_connection = _refuse
    socket.getaddrinfo = _refuse


def _keep(request: Any, bucket: pathlib.Path) -> None:
    key = urllib.parse.unquote(urllib.parse.urlsplit(request.url).path).lstrip("/")
    file = bucket / key
    file.parent.mkdir(parents=True, exist_ok=True)
    body = request.body
    file.write_bytes(body.read() if hasattr(body, "read") else body or b"")


def session(bucket: pathlib.Path | None = None) -> boto3.Session:
    """A session with made-up credentials whose requests are answered from a short list.

    Args:
        bucket: Folder for what is uploaded, of whatever bucket, under its key; without it nothing is kept.
    """
    # Else a body is sent in signed chunks, with a checksum behind it.
    os.environ["AWS_REQUEST_CHECKSUM_CALCULATION"] = "when_required"
    made = boto3.Session("made-up", "made-up", region_name=REGION)

    def answer(request: Any, event_name: str, **_: object) -> AWSResponse:
        operation = event_name.removeprefix("before-send.")
        if operation not in _ANSWERS:
            raise OSError(f"the SDK asked for {operation}, which has no answer here")
        if bucket is not None and operation == "s3.PutObject":
            _keep(request, bucket)
        return AWSResponse(request.url, 200, {"ETag": '"0"'}, _Body(_ANSWERS[operation]))

    made.events.register("before-send", answer)
    return made
