"""What a step of a definition says about itself: how long its result may be taken again, when it is tried again."""

from __future__ import annotations

import errno
import re
import signal
from collections.abc import Iterator, Mapping

import attrs

from fluentpipe.definition import StepEntry
from fluentpipe.errors import StepFailed

_DURATION = re.compile(
    r"P?(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?", re.ASCII | re.IGNORECASE
)
_UNITS = (365 * 86_400, 30 * 86_400, 7 * 86_400, 86_400, 3_600, 60, 1)  # seconds, in the order of the groups
# The defaults of the SDK's retry policies.
_INTERVAL, _BACKOFF, _ATTEMPTS = 1.0, 2.0, 5


@attrs.frozen
class Caching:
    """Whether, and for how long, the result of a step may be taken again.

    Here everything is: a result is found by the content of all that it was made from, so it can be no other. A
    definition says otherwise with `CacheConfig`.
    """

    allowed: bool
    seconds: float | None  # after which a result is too old; None for never

    @classmethod
    def of(cls, entry: StepEntry) -> Caching:
        """As the step's CacheConfig has it."""
        config = entry.request.get("CacheConfig")
        if not isinstance(config, Mapping):
            return cls(True, None)
        after = config.get("ExpireAfter")
        return cls(config.get("Enabled") is not False, None if after is None else seconds_of(str(after)))


def seconds_of(duration: str) -> float:
    """Seconds of an ISO 8601 duration such as `P30D` or `PT1H30M`; a year has 365 days, a month 30.

    Raises:
        ValueError: It is none.
    """
    found = _DURATION.fullmatch(duration)
    if not found or not any(found.groups()):
        raise ValueError(f"{duration!r} is no ISO 8601 duration, such as P30D")
    return float(sum(int(count or 0) * unit for count, unit in zip(found.groups(), _UNITS, strict=True)))


def retries(entry: StepEntry, error: BaseException) -> Iterator[float]:
    """The seconds to wait before each further try after an error; none where no policy of the step is for it.

    What is the program's own doing (an exit code, an exception) is an algorithm error to the service, which no
    retry policy takes; a program that the system killed is an internal error of the job; no space and no
    memory are a lack of capacity.
    """
    kinds = _kinds(error)
    for policy in entry.request.get("RetryPolicies", ()):
        if kinds.isdisjoint(policy.get("ExceptionType", ())):
            continue
        wait = float(policy.get("IntervalSeconds", _INTERVAL))
        left = float(policy["ExpireAfterMin"]) * 60 if "ExpireAfterMin" in policy else None
        attempt = 0
        while (left is None and attempt < policy.get("MaxAttempts", _ATTEMPTS)) or (left is not None and wait <= left):
            yield wait
            attempt += 1
            left = None if left is None else left - max(wait, 1.0)
            wait *= float(policy.get("BackoffRate", _BACKOFF))
        return


def _kinds(error: BaseException) -> frozenset[str]:
    if isinstance(error, StepFailed) and error.exit_code in (-signal.SIGKILL, -signal.SIGBUS):
        return frozenset(("SageMaker.JOB_INTERNAL_ERROR",))
    if isinstance(error, OSError):
        if error.errno in (errno.ENOSPC, errno.ENOMEM, errno.EDQUOT, errno.EMFILE):
            return frozenset(("SageMaker.CAPACITY_ERROR", "SageMaker.RESOURCE_LIMIT"))
        if isinstance(error, ConnectionError | TimeoutError):
            return frozenset(("Step.SERVICE_FAULT", "Step.THROTTLING"))
        return frozenset(("SageMaker.JOB_INTERNAL_ERROR",))
    if type(error).__module__.startswith("botocore."):
        return frozenset(("Step.SERVICE_FAULT", "Step.THROTTLING"))
    return frozenset()
