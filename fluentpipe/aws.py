"""The AWS account as we reach it: one boto3 session, its clients, and botocore's errors in our words.

With `aws_faults` and `run/s3.py`, the only importer of boto3. Clients retry throttling and broken connections with back-off (botocore's
standard mode) and honour what boto3 honours: profiles, AWS_ENDPOINT_URL, AWS_MAX_ATTEMPTS, AWS_RETRY_MODE.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from typing import Any

import attrs

from fluentpipe import aws_faults
from fluentpipe.errors import NoCredentials, NoRegion, did_you_mean

_TRIES = 5  # of one request, the first among them
_CONNECT, _READ = 10, 60  # seconds
_CONNECTIONS = 16  # of one client, side by side


@attrs.define
class _Known:
    """What was made or asked for once."""

    clients: dict[str, Any] = attrs.field(factory=dict)
    account_id: str = ""
    lock: Any = attrs.field(factory=threading.RLock)


@attrs.frozen(init=False)
class Account:
    """The account that the credentials belong to, in one region. Safe to use from threads.

    Args:
        region: Such as `us-east-1`; otherwise that of the session, its profile or AWS_DEFAULT_REGION.
        profile: Of the AWS configuration files; otherwise AWS_PROFILE or the default.
        session: A `boto3.Session` to use instead.

    Raises:
        NoRegion: None was given, and none is configured.
        NoCredentials: There is no such profile.
    """

    region: str
    profile: str | None
    session: Any = attrs.field(repr=False, eq=False)  # boto3.Session
    _known: _Known = attrs.field(repr=False, eq=False)

    def __init__(self, region: str | None = None, profile: str | None = None, session: Any = None) -> None:
        session = session if session is not None else _session(profile)
        found = region or session.region_name
        if not found:
            raise NoRegion(
                "No AWS region is given or configured.",
                fix='region="us-east-1" (--region us-east-1), or AWS_DEFAULT_REGION, or: aws configure set region us-east-1',
            )
        self.__attrs_init__(found, profile, session, _Known())

    def client(self, service: str) -> Any:
        """The boto3 client of a service, such as `sagemaker`; one for all callers.

        Raises:
            AwsError: The region is malformed.
        """
        known = self._known
        with known.lock:  # boto3's sessions are not made for threads; its clients are
            if service not in known.clients:
                with self.explained(f"reach {service}"):
                    known.clients[service] = self.session.client(service, region_name=self.region, config=_config())
            return known.clients[service]

    def transfers(self, *, part: int, side_by_side: int) -> Any:
        """A manager of uploads to S3, to be used as a context: left with an error it cancels them.

        Args:
            part: Bytes; larger files go up in parts of this size.
            side_by_side: Requests at once.
        """
        from boto3.s3.transfer import TransferConfig, create_transfer_manager

        config = TransferConfig(multipart_threshold=part, multipart_chunksize=part, max_concurrency=side_by_side)
        return create_transfer_manager(self.client("s3"), config)

    @property
    def account_id(self) -> str:
        """The twelve digits of the account; STS is asked once.

        Raises:
            AwsError: STS cannot be asked, as without credentials.
        """
        known = self._known
        with known.lock:
            if not known.account_id:
                with self.explained("ask whose credentials these are"):
                    known.account_id = self.client("sts").get_caller_identity()["Account"]
            return known.account_id

    @property
    def partition(self) -> str:
        """`aws`, `aws-cn`, …: the second word of an ARN."""
        return str(self.session.get_partition_for_region(self.region))

    def close(self) -> None:
        """Close the connections; they open again when they are needed."""
        known = self._known
        with known.lock:
            for client in known.clients.values():
                client.close()
            known.clients.clear()

    @contextlib.contextmanager
    def explained(self, doing: str, *, resource: str = "") -> Iterator[None]:
        """Raise what botocore raises inside as an `AwsError` that says what could not be done, why, and what to do.

        Args:
            doing: Goes on after "Could not": `update pipeline 'churn'`.
            resource: What it is about, where AWS does not name it: an ARN, a URI or a name.
        """
        try:
            yield
        except Exception as error:
            told = aws_faults.in_our_words(error, doing, self.region, resource=resource)
            if told is error:
                raise
            raise told from error


def _session(profile: str | None) -> Any:
    """A session of the profile; without one the default session, which boto3.setup_default_session sets for all."""
    import boto3
    import botocore.session
    from botocore.exceptions import ProfileNotFound

    try:
        if profile is None and boto3.DEFAULT_SESSION is not None:
            return boto3.DEFAULT_SESSION
        return boto3.Session(profile_name=profile)
    except ProfileNotFound as error:
        name = profile or os.environ.get("AWS_PROFILE", "")
        known = [each for each in botocore.session.Session().available_profiles if each != name]
        raise NoCredentials(
            f"There is no AWS profile {name!r}.{did_you_mean(name, known)}",
            f"profiles: {', '.join(sorted(known))}" if known else "",
            fix=f"aws configure --profile {name}; or name another with profile= (--profile) or AWS_PROFILE",
            profile=name,
        ) from error


def _config() -> Any:
    """Of every client; what the user says in AWS_MAX_ATTEMPTS and AWS_RETRY_MODE goes before."""
    from botocore.config import Config

    retries: Any = {"mode": os.environ.get("AWS_RETRY_MODE", "standard")}
    if "AWS_MAX_ATTEMPTS" not in os.environ:
        retries["total_max_attempts"] = _TRIES
    return Config(retries=retries, connect_timeout=_CONNECT, read_timeout=_READ, max_pool_connections=_CONNECTIONS)
