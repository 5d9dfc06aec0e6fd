"""What went wrong with S3, in words that say what to do."""

from __future__ import annotations

from fluentpipe.errors import SourceError

_REFUSED = frozenset(("403", "AccessDenied", "AllAccessDisabled", "AccountProblem", "Forbidden"))
_STALE = frozenset(
    ("ExpiredToken", "ExpiredTokenException", "InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "TokenRefreshRequired",
     "RequestTimeTooSkewed")
)  # fmt: skip
_BUSY = frozenset(
    (
        "SlowDown",
        "ServiceUnavailable",
        "InternalError",
        "RequestTimeout",
        "Throttling",
        "ThrottlingException",
        "500",
        "503",
    )
)


def breaks_off(error: BaseException) -> bool:
    """Whether a connection broke while a body was read, so that reading may go on."""
    from botocore.exceptions import (
        ConnectionError as Connection,
        HTTPClientError,
        IncompleteReadError,
        ResponseStreamingError,
    )
    from urllib3.exceptions import HTTPError

    broken = (
        Connection,
        HTTPClientError,
        IncompleteReadError,
        ResponseStreamingError,
        HTTPError,
        ConnectionError,
        TimeoutError,
    )
    return isinstance(error, broken)


def as_source_error(error: Exception, uri: str, bucket: str) -> Exception:
    """The error in our words; one that is none of S3's is returned as it is."""
    from botocore import exceptions as known
    from botocore.exceptions import BotoCoreError, ClientError

    nothing = f"Nothing here stands for {uri!r}"
    here = f"give a local path, or map the bucket: maps={{'s3://{bucket}': './folder'}} (--map s3://{bucket}=./folder)"
    if isinstance(error, ClientError):
        said = error.response["Error"]
        return SourceError(*_answered(said["Code"], uri, bucket), f"S3 says: {said['Code']} {said.get('Message', '')}".rstrip(),
                           fix=_fix(said["Code"], here), uri=uri)  # fmt: skip
    if isinstance(error, known.NoCredentialsError | known.PartialCredentialsError | known.CredentialRetrievalError):
        return SourceError(
            f"{nothing}, and S3 cannot be asked: no AWS credentials were found.",
            fix=f"{here}; or sign in: aws configure, aws sso login",
            uri=uri,
        )
    if isinstance(error, known.SSOError | known.ProfileNotFound | known.ConfigParseError | known.ConfigNotFound):
        return SourceError(f"{nothing}, and S3 cannot be asked: {error}", fix=f"aws sso login; or {here}", uri=uri)
    if isinstance(error, known.ParamValidationError):
        return SourceError(f"{uri!r} is no URI that S3 takes.", str(error).split("\n")[-1], fix="correct it", uri=uri)
    if breaks_off(error) or isinstance(error, BotoCoreError):
        return SourceError(
            f"{nothing}, and S3 cannot be reached.",
            f"{type(error).__name__}: {error}"[:300],
            fix=f"run again with a network (what was downloaded so far is kept); or {here}",
            uri=uri,
        )
    return error


def _answered(code: str, uri: str, bucket: str) -> tuple[str]:
    if code in _REFUSED:
        return (f"S3 does not let you read {uri!r}.",)
    if code == "NoSuchBucket":
        return (f"There is no bucket {bucket!r}, or not in this account's partition.",)
    if code in _STALE:
        return (f"S3 does not accept the AWS credentials, so {uri!r} cannot be read.",)
    if code in ("412", "PreconditionFailed"):
        return (f"{uri!r} was changed while it was downloaded.",)
    if code in _BUSY:
        return (f"S3 is too busy to give {uri!r}.",)
    return (f"S3 could not give {uri!r}.",)


def _fix(code: str, here: str) -> str:
    if code in _REFUSED:
        return f"ask for s3:GetObject and s3:ListBucket on it, or use another profile (AWS_PROFILE); or {here}"
    if code in _STALE:
        return f"sign in again: aws sso login, aws configure; or {here}"
    if code in _BUSY:
        return f"run again in a while; what was downloaded so far is kept; or {here}"
    return f"run again; or {here}" if code in ("412", "PreconditionFailed") else f"correct the URI; or {here}"
