"""Retry policies: when a step is tried again, by the service and here."""

from __future__ import annotations

import math
from typing import Any

import attrs

from fluentpipe.check_steps import MAX_ATTEMPTS, MAX_EXPIRE_MINUTES, RETRIED
from fluentpipe.errors import SettingError, did_you_mean
from fluentpipe.settings import seconds

_OF_THE_STEP = ("Step.SERVICE_FAULT", "Step.THROTTLING")
_OF_THE_JOB = ("SageMaker.JOB_INTERNAL_ERROR", "SageMaker.CAPACITY_ERROR", "SageMaker.RESOURCE_LIMIT")


def _texts(value: Any) -> tuple[Any, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


@attrs.frozen
class Retry:
    """When a step is tried again, by the service and here.

    What a program does itself, such as an exit code, is never tried again.

    Args:
        on: Types of failure: `Step.SERVICE_FAULT`, `Step.THROTTLING`, `SageMaker.JOB_INTERNAL_ERROR`,
            `SageMaker.CAPACITY_ERROR`, `SageMaker.RESOURCE_LIMIT`.
        attempts: How often, at most 20; by default 5, where `within` is not given.
        within: How long, instead of how often: seconds, or `"2 hours"`; at most 10 days.
        interval: Seconds before the first time, or `"30 s"`.
        backoff: What the interval is multiplied by each time.

    Raises:
        SettingError: Lists everything that the service would not take.
    """

    on: tuple[str, ...] = attrs.field(converter=_texts)
    attempts: int | None = None
    within: int | str | None = None
    interval: int | str = 1
    backoff: float = 2.0

    def __attrs_post_init__(self) -> None:
        faults = [
            f"on: there is no failure {each!r}.{did_you_mean(str(each), RETRIED)}"
            for each in self.on
            if each not in RETRIED
        ]
        if not self.on:
            faults.append(f"on: name at least one of {', '.join(sorted(RETRIED))}")
        if self.attempts is not None and self.within is not None:
            faults.append("attempts and within exclude one another")
        if self.attempts is not None and not (_is_whole(self.attempts) and 1 <= self.attempts <= MAX_ATTEMPTS):
            faults.append(f"attempts: must be 1 to {MAX_ATTEMPTS}, not {self.attempts!r}")
        if not _is_factor(self.backoff):
            faults.append(f"backoff: must be a number that is not negative, not {self.backoff!r}")
        faults += _time_faults("within", self.within, MAX_EXPIRE_MINUTES * 60) + _time_faults(
            "interval", self.interval, None
        )
        if faults:
            raise SettingError(
                "a retry policy cannot be so.", *faults, fix='Retry(on="SageMaker.CAPACITY_ERROR", attempts=3)'
            )

    def to_request(self) -> dict[str, Any]:
        """As it stands in a definition."""
        limit = (
            {"ExpireAfterMin": -(-seconds(self.within) // 60)}
            if self.within is not None
            else {"MaxAttempts": self.attempts or 5}
        )
        interval = seconds(self.interval)
        return {"ExceptionType": list(self.on), "IntervalSeconds": interval, "BackoffRate": self.backoff, **limit}


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_factor(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < math.inf


def _time_faults(name: str, value: Any, most: int | None) -> list[str]:
    if value is None:
        return []
    try:
        found = seconds(value)
    except ValueError as fault:
        return [f"{name}: {fault}"]
    return [f"{name}: must be at most {most} seconds, not {value!r}"] if most is not None and found > most else []


def retries(value: Any) -> tuple[Retry, ...]:
    """Retry policies as people write them: a number of attempts for whatever is not the program's doing, or policies.

    Raises:
        ValueError: It is none of these.
    """
    if _is_whole(value):
        try:
            return (Retry(_OF_THE_STEP, attempts=value), Retry(_OF_THE_JOB, attempts=value))
        except SettingError:
            raise ValueError(f"must be 1 to {MAX_ATTEMPTS} attempts, not {value!r}") from None
    several = value if isinstance(value, (list, tuple)) else (value,)
    if not several or not all(isinstance(each, Retry) for each in several):
        raise ValueError(f"must be a number of attempts, a Retry or several, not {value!r} ({type(value).__name__})")
    return tuple(several)
