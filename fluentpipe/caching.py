"""Caching: whether the service takes the result of an equal earlier job, and how old it may be."""

from __future__ import annotations

from typing import Any

from fluentpipe.check_steps import is_duration
from fluentpipe.settings import seconds


def caching(value: Any) -> bool | str:
    """Whether results are taken again, or an ISO 8601 duration for how young they must be; `"30 days"` becomes `P30D`.

    Raises:
        ValueError: It is neither.
    """
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and is_duration(value):
        return value
    try:
        whole = seconds(value)
    except ValueError:
        raise ValueError(f"must be True, False, or a duration such as 'P30D' or '30 days', not {value!r}") from None
    return f"P{whole // 86400}D" if whole % 86400 == 0 else f"PT{whole}S"


def cached(request: dict[str, Any], value: bool | str | None) -> dict[str, Any]:
    """A step of a definition with its CacheConfig; None leaves that out."""
    if value is None:
        return request
    age = {"ExpireAfter": value} if isinstance(value, str) else {}
    return {**request, "CacheConfig": {"Enabled": value is not False, **age}}
