"""What went wrong with AWS, in words that say what to do, and without a word of the credentials."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any

from fluentpipe.errors import (
    AccessDenied,
    AwsError,
    NoCredentials,
    NoSuchBucket,
    NoSuchPipeline,
    NoSuchRole,
    QuotaExceeded,
    Throttled,
    Unreachable,
    did_you_mean,
)

_DENIED = frozenset(
    ("403", "AccessDenied", "AccessDeniedException", "AllAccessDisabled", "Forbidden", "UnauthorizedOperation")
)
_STALE = frozenset(
    ("ExpiredToken", "ExpiredTokenException", "RequestExpired", "InvalidAccessKeyId", "InvalidClientTokenId", "InvalidToken",
     "UnrecognizedClientException", "SignatureDoesNotMatch", "InvalidSignatureException", "IncompleteSignature",
     "MissingAuthenticationToken", "TokenRefreshRequired", "AuthFailure")
)  # fmt: skip
_CLOCK = frozenset(("RequestTimeTooSkewed", "RequestInTheFuture"))
# As botocore's own list of throttling codes (botocore.retries.standard) has them.
_THROTTLED = frozenset(
    ("Throttling", "ThrottlingException", "ThrottledException", "RequestThrottledException", "RequestThrottled",
     "TooManyRequestsException", "BandwidthLimitExceeded", "LimitExceededException", "SlowDown", "PriorRequestNotComplete",
     "EC2ThrottledException", "TransactionInProgressException", "ProvisionedThroughputExceededException", "429")
)  # fmt: skip
_DOWN = frozenset(
    ("500", "502", "503", "504", "InternalFailure", "InternalError", "InternalServerError", "ServiceUnavailable", "RequestTimeout",
     "InternalServerException", "RequestTimeoutException")
)  # fmt: skip
_QUOTA = frozenset(("ResourceLimitExceeded", "TooManyBuckets", "ServiceQuotaExceededException"))
_NOT_AUTHORIZED = re.compile(
    r"(?:User: (?P<principal>\S+) )?is not authorized to perform: (?P<action>[\w-]+:\w+)"
    r"(?:[^.]*? on resource: (?P<resource>[^\s,]+))?(?P<why>.*)",
    re.DOTALL,
)
_NO_PIPELINE = re.compile(r"^Could not find pipeline|^Pipeline .*does not exist")
# The permission that an operation needs, where it is not `sagemaker:<operation>` (service authorization reference).
_ACTIONS = {
    "HeadBucket": "s3:ListBucket",
    "ListObjectsV2": "s3:ListBucket",
    "HeadObject": "s3:GetObject",
    "GetObject": "s3:GetObject",
    "CreateMultipartUpload": "s3:PutObject",
    "UploadPart": "s3:PutObject",
    "CompleteMultipartUpload": "s3:PutObject",
    "PutObject": "s3:PutObject",
    "AbortMultipartUpload": "s3:AbortMultipartUpload",
    "ListMultipartUploads": "s3:ListBucketMultipartUploads",
    "CreateBucket": "s3:CreateBucket",
    "GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
    "PutPublicAccessBlock": "s3:PutBucketPublicAccessBlock",
    "GetRole": "iam:GetRole",
    "GetCallerIdentity": "sts:GetCallerIdentity",
    "GetLogEvents": "logs:GetLogEvents",
    "FilterLogEvents": "logs:FilterLogEvents",
    "DescribeLogStreams": "logs:DescribeLogStreams",
}
_SIGN_IN = "sign in again: aws sso login, or aws configure; or use another profile: profile= (--profile), AWS_PROFILE"

# What a fault may say of the credentials: signature faults quote the request, an endpoint or a proxy its password.
_SECRETS = (
    re.compile(r"(x-amz-security-token\s*[:=]\s*)[^\s&']+", re.IGNORECASE),
    re.compile(r"(Signature\s*=\s*)[0-9a-f]{64}", re.IGNORECASE),
    re.compile(r"(Credential\s*=\s*)[^\s,&']+", re.IGNORECASE),
    re.compile(r"(://)[^/\s:@]+:[^/\s@]+(?=@)"),
    re.compile(r"()\b(?:AKIA|ASIA)[A-Z0-9]{12,}\b"),
)


def without_secrets(text: str) -> str:
    """The text without session tokens, signatures, ids of access keys, and passwords in URLs."""
    for secret in _SECRETS:
        text = secret.sub(r"\1…", text)
    return text


def in_our_words(error: Exception, doing: str, region: str, *, resource: str = "") -> Exception:
    """The error as an `AwsError`; one that is none of botocore's is returned as it is.

    The words of botocore's error, which stays its cause, are freed of credentials in place.

    Args:
        error: What was raised.
        doing: What was not possible, to go on after "Could not".
        region: Where it was tried.
        resource: What it was about, where the answer does not say.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    _scrub(error)
    if isinstance(error, ClientError):
        answer: Any = error.response
        return _answered(answer, str(getattr(error, "operation_name", "")), doing, region, resource)
    if isinstance(error, BotoCoreError) or _is_transfer(error):
        return _never_answered(error, doing, region)
    return error


def code_of(error: BaseException) -> str:
    """AWS's code for an error that AWS answered, such as `ConflictException`; nothing for others."""
    said = getattr(error, "response", None)
    return str(said.get("Error", {}).get("Code", "")) if isinstance(said, dict) else ""


def said_by(error: BaseException) -> str:
    """AWS's message for an error that AWS answered; nothing for others."""
    said = getattr(error, "response", None)
    return str(said.get("Error", {}).get("Message", "")) if isinstance(said, dict) else ""


def is_missing_pipeline(error: BaseException) -> bool:
    """Whether AWS answered that there is no such pipeline: with a code of its own, or as a fault of validation."""
    return code_of(error) == "ResourceNotFound" or (
        code_of(error) == "ValidationException" and bool(_NO_PIPELINE.match(said_by(error)))
    )


def retold(error: AwsError, headline: str, *more: str, fix: str, **facts: Any) -> AwsError:
    """The same error where more is known of what it means: with its lines and facts, and further ones.

    Args:
        error: As it was raised; its own `fix` is left out.
        headline: In the place of its own.
        *more: Lines after its own.
        fix: What to do.
        **facts: Beside its own.
    """
    lines = [line for line in str(error).split("\n  ")[1:] if not line.startswith("fix: ")]
    kept = {name: value for name, value in vars(error).items() if name != "fix"}
    return type(error)(headline, *lines, *more, fix=fix, **{**kept, **facts})


def _scrub(error: Exception) -> None:
    error.args = tuple(without_secrets(each) if isinstance(each, str) else each for each in error.args)
    said = getattr(error, "response", None)
    if isinstance(said, dict) and isinstance(said.get("Error"), dict):
        said["Error"] = {
            key: without_secrets(str(each)) for key, each in said["Error"].items() if "AccessKey" not in key
        }


def _is_transfer(error: Exception) -> bool:
    return type(error).__module__.startswith(("boto3.", "s3transfer.", "urllib3."))


def _answered(response: dict[str, Any], operation: str, doing: str, region: str, resource: str) -> AwsError:
    said = response.get("Error", {})  # not there where something between us and AWS answered
    code, message = str(said.get("Code", "")), str(said.get("Message", "")).strip()
    facts: dict[str, Any] = {"code": code, "operation": operation, "region": region}
    quoted = f"{operation} in {region} said: {code} {message}".rstrip()[:1000]
    if not code:
        status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", "an unknown status")
        return AwsError(
            f"Could not {doing}: something that is not AWS answered.",
            f"{operation} in {region} got HTTP {status} without an error of AWS",
            fix="see whether a proxy or AWS_ENDPOINT_URL is between this machine and AWS",
            **facts,
        )
    if code in _DENIED or "is not authorized to perform" in message:
        return _denied(message, operation, doing, resource, facts)
    if code in _STALE:
        first = message.split("\n", maxsplit=1)[0].split(". ", maxsplit=1)[0]
        return NoCredentials(
            f"Could not {doing}: AWS does not accept the credentials.", f"{code}: {first}", fix=_SIGN_IN, **facts
        )
    for codes, make in _KNOWN:
        if code in codes:
            return make(doing, quoted, facts)
    if code == "NoSuchBucket":
        return NoSuchBucket(f"Could not {doing}: there is no such bucket.", resource, fix="create it, or name another: bucket= (--bucket)", **facts)  # fmt: skip
    if operation == "GetRole" and code == "NoSuchEntity":
        return NoSuchRole(f"Could not {doing}: there is no such role.", quoted, fix="aws iam list-roles shows those there are", **facts)  # fmt: skip
    if code == "ResourceNotFound" or (code == "ValidationException" and _NO_PIPELINE.match(message)):
        return NoSuchPipeline(f"Could not {doing}: it does not exist in {region}.", quoted, fix="check its name, the region and the profile", **facts)  # fmt: skip
    return AwsError(f"Could not {doing}.", quoted, fix="correct what AWS names", **facts)


_KNOWN: tuple[tuple[frozenset[str], Callable[[str, str, dict[str, Any]], AwsError]], ...] = (
    (_THROTTLED, lambda doing, quoted, facts: Throttled(
        f"Could not {doing}: AWS throttles the requests, also after several tries.", quoted,
        fix="try again in a minute; AWS_MAX_ATTEMPTS=10 tries for longer", **facts)),
    (_DOWN, lambda doing, quoted, facts: Unreachable(
        f"Could not {doing}: AWS could not answer, also after several tries.", quoted,
        fix="try again; what was done so far stays done", **facts)),
    (_QUOTA, lambda doing, quoted, facts: QuotaExceeded(
        f"Could not {doing}: a quota of the account is reached.", quoted,
        fix="delete what is not needed, or ask for more: Service Quotas in the AWS console", **facts)),
    (_CLOCK, lambda doing, quoted, facts: NoCredentials(
        f"Could not {doing}: the clock of this machine is wrong, so AWS accepts no signature.", quoted,
        fix="set the clock", **facts)),
)  # fmt: skip


def _denied(message: str, operation: str, doing: str, resource: str, facts: dict[str, Any]) -> AccessDenied:
    """Which action, on what, by whom: as the message says, or as the call has it."""
    found = _NOT_AUTHORIZED.search(message)
    said = found.groupdict() if found else {}
    action = said.get("action") or _ACTIONS.get(operation) or f"sagemaker:{operation}"
    resource = said.get("resource") or resource
    principal = said.get("principal") or ""
    why = (said.get("why") or "").strip(" .")
    return AccessDenied(
        f"Could not {doing}: access denied.",
        f"action: {action}",
        f"resource: {resource}" if resource else "",
        f"principal: {principal}" if principal else "",
        f"AWS says: {why or message}"[:500] if why or (not found and message) else "",
        fix=f"ask for {action}{f' on {resource}' if resource else ''}, or use another profile: profile= (--profile), AWS_PROFILE",
        action=action,
        resource=resource,
        principal=principal,
        **facts,
    )


def _never_answered(error: Exception, doing: str, region: str) -> AwsError:
    """For a request that was not sent, or got no answer."""
    from botocore import exceptions as known

    facts: dict[str, Any] = {"code": type(error).__name__, "operation": "", "region": region}
    text = without_secrets(str(error)).strip()[:300]
    if isinstance(error, known.NoCredentialsError | known.PartialCredentialsError):
        return NoCredentials(
            f"Could not {doing}: no AWS credentials were found.", "" if "locate" in text else text,
            fix="aws configure, or aws sso login; or name a profile that has some: profile= (--profile), AWS_PROFILE", **facts,
        )  # fmt: skip
    if isinstance(error, _sign_in_errors()):
        return NoCredentials(f"Could not {doing}: the AWS credentials could not be had.", text, fix=_SIGN_IN, **facts)
    if isinstance(error, known.InvalidRegionError | known.UnknownRegionError):
        return AwsError(f"Could not {doing}: {region!r} is no region.{_like(region)}", fix="correct it", **facts)
    if isinstance(error, known.ParamValidationError):
        return AwsError(f"Could not {doing}: the request is not one that AWS takes.", *text.split("\n"), fix="correct what it names", **facts)  # fmt: skip
    if not isinstance(error, known.ConnectionError | known.HTTPClientError | known.ResponseStreamingError) and not _is_transfer(error):  # fmt: skip
        return AwsError(f"Could not {doing}.", f"{type(error).__name__}: {text}", fix="correct what it names", **facts)
    return Unreachable(
        f"Could not {doing}: AWS cannot be reached in {region}, also after several tries.{_like(region)}",
        f"{type(error).__name__}: {text}",
        fix="try again with a network; what was done so far stays done",
        **facts,
    )


def _sign_in_errors() -> tuple[type[Exception], ...]:
    """All that botocore raises when a source of credentials has none; later versions know more of them."""
    from botocore import exceptions as known

    names = ("CredentialRetrievalError", "SSOError", "TokenRetrievalError", "NoAuthTokenError", "LoginError", "ConfigParseError",
             "ProfileNotFound", "ConfigNotFound", "UnknownCredentialError", "InvalidConfigError")  # fmt: skip
    return tuple(getattr(known, name) for name in names if hasattr(known, name))


def _like(region: str) -> str:
    """A suggestion, where the region is none that boto3 knows."""
    known = _regions()
    return "" if region in known else did_you_mean(region, known)


@functools.cache
def _regions() -> tuple[str, ...]:
    """Those of SageMaker that boto3 knows; reading them takes a while."""
    import boto3

    session = boto3.Session("none", "none", region_name="us-east-1")
    partitions = ("aws", "aws-cn", "aws-us-gov")
    return tuple(
        each for name in partitions for each in session.get_available_regions("sagemaker", partition_name=name)
    )
