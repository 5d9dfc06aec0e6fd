"""S3 URIs: the one place that builds them, takes them apart and says what is wrong with them.

What S3 itself would accept is wider: an object key may hold `//`, `..` or end in `/`. Each of these has
cost somebody a day (a job that reads an empty prefix, a local copy outside its folder), so none passes here.
"""

from __future__ import annotations

import re

from fluentpipe.errors import InvalidS3Uri

SCHEME = "s3://"
MAX_URI = 1024  # characters; `max` of the shape S3Uri in the service's model

_BUCKET_CHARACTERS = re.compile(r"[a-z0-9.\-]*")
_IP_ADDRESS = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")
# C0 and C1 controls, and the separators that end a line in logs and in str.splitlines.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def check_s3_uri(uri: str) -> str:
    """Return the URI itself if it is well formed.

    Bucket names follow the rules of S3 for general purpose buckets; the key, if there is one, has no
    empty, `.` or `..` segment, no double and no trailing slash; the whole is at most 1024 characters
    and free of control characters.

    Raises:
        InvalidS3Uri: Says what is wrong; `reason` is the same as one word, `corrected` the form to write
            instead (empty where there is none), `uri` the text.
    """
    if not isinstance(uri, str):
        raise _invalid(repr(uri), "type", f"an S3 URI is text, not {type(uri).__name__}")
    if not uri.startswith(SCHEME):
        raise _invalid(uri, "scheme", f"it does not begin with {SCHEME!r}")
    if _CONTROL.search(uri):
        raise _invalid(uri, "control", "it holds a control character", _CONTROL.sub("", uri))
    bucket, slash, key = uri[len(SCHEME) :].partition("/")
    _check_bucket(uri, bucket)
    if slash:
        _check_key(uri, key)
    if len(uri) > MAX_URI:
        raise _invalid(uri, "length", f"it has {len(uri)} characters, the service takes at most {MAX_URI}")
    return uri


def join_s3(first: str, *rest: str) -> str:
    """Join a URI and further segments with exactly one `/` between them.

    One slash at a seam is taken as the seam's own (`join_s3("s3://b/a/", "c")`); everything else is
    checked as in `check_s3_uri`. An empty segment is an error: mostly it is a variable that was not set.

    Raises:
        InvalidS3Uri: A segment is empty, or the whole is no well-formed URI.
    """
    parts = [str(first)[:-1] if rest and str(first).endswith("/") and str(first) != SCHEME else str(first)]
    for position, segment in enumerate(rest, start=1):
        inner = str(segment).removeprefix("/").removesuffix("/")
        if not inner:
            raise _invalid("/".join([first, *rest]), "segment", f"segment {position} to join, {segment!r}, is empty")
        parts.append(inner)
    return check_s3_uri("/".join(parts))


def split_s3_uri(uri: str) -> tuple[str, str]:
    """Take a well-formed URI apart into bucket and key; the key is empty for a whole bucket.

    Raises:
        InvalidS3Uri: As `check_s3_uri`.
    """
    bucket, _, key = check_s3_uri(uri)[len(SCHEME) :].partition("/")
    return bucket, key


def _check_bucket(uri: str, bucket: str) -> None:
    """The naming rules of general purpose buckets (Amazon S3 user guide, "Bucket naming rules")."""
    if not bucket:
        raise _invalid(uri, "bucket", "it names no bucket")
    lowered = bucket.lower().replace("_", "-")
    corrected = uri.replace(bucket, lowered, 1) if _bucket_fault(lowered) == "" else ""
    if fault := _bucket_fault(bucket):
        raise _invalid(uri, "bucket", f"the bucket {bucket!r} {fault}", corrected)


def _bucket_fault(bucket: str) -> str:
    if not _BUCKET_CHARACTERS.fullmatch(bucket):
        return "may hold only lower-case letters, digits, '-' and '.'"
    if not 3 <= len(bucket) <= 63:
        return f"has {len(bucket)} characters; 3 to 63 are allowed"
    if not (bucket[0].isalnum() and bucket[-1].isalnum()):
        return "must begin and end with a letter or a digit"
    if ".." in bucket:
        return "has two dots side by side"
    if _IP_ADDRESS.fullmatch(bucket):
        return "looks like an IP address"
    if bucket.startswith("xn--"):
        return "begins with the reserved 'xn--'"
    return ""


def _check_key(uri: str, key: str) -> None:
    segments = key.split("/")
    kept = [segment for segment in segments if segment not in ("", ".", "..")]
    corrected = "/".join([uri[: len(uri) - len(key) - 1], *kept])
    if "." in segments or ".." in segments:
        dots = ".." if ".." in segments else "."
        raise _invalid(uri, "dots", f"it has a {dots!r} segment", corrected)
    if "" in segments[:-1]:
        raise _invalid(uri, "empty-segment", "it has a double slash, that is, an empty segment", corrected)
    if not segments[-1]:
        raise _invalid(uri, "trailing-slash", "it ends in a slash", corrected)


def _invalid(uri: str, reason: str, why: str, corrected: str = "") -> InvalidS3Uri:
    shown = uri if len(uri) <= 200 else uri[:197] + "..."
    fix = f"write {corrected!r}" if corrected and len(corrected) <= MAX_URI else "write s3://bucket/prefix/name"
    return InvalidS3Uri(f"{shown!r} is no usable S3 URI: {why}.", fix=fix, reason=reason, uri=uri, corrected=corrected)
