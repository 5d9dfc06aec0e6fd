"""Networks: the VPC that a job runs in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from fluentpipe.errors import SettingError, did_you_mean

_SUBNETS, _SECURITY_GROUPS = 16, 5  # at most; botocore: Subnets, VpcSecurityGroupIds


def _texts(value: Any) -> tuple[Any, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


@attrs.frozen
class Vpc:
    """The network that a job runs in.

    Args:
        subnets: Ids of 1 to 16 subnets.
        security_groups: Ids of 1 to 5 security groups of the same VPC.

    Raises:
        SettingError: There are none, or too many, or something else than ids.
    """

    subnets: tuple[str, ...] = attrs.field(converter=_texts)
    security_groups: tuple[str, ...] = attrs.field(converter=_texts)

    def __attrs_post_init__(self) -> None:
        faults = [
            *_id_faults("subnets", self.subnets, "subnet-", _SUBNETS),
            *_id_faults("security_groups", self.security_groups, "sg-", _SECURITY_GROUPS),
        ]
        if faults:
            raise SettingError("a VPC cannot be so.", *faults, fix="Vpc(['subnet-0a1b2c3d'], ['sg-0a1b2c3d'])")

    def to_request(self) -> dict[str, Any]:
        """As it stands in the request of a job."""
        return {"SecurityGroupIds": list(self.security_groups), "Subnets": list(self.subnets)}


def _id_faults(name: str, ids: Sequence[object], begin: str, most: int) -> list[str]:
    faults = [
        f"{name}: {each!r} is no id, which begins with {begin!r}"
        for each in ids
        if not (
            isinstance(each, str) and each.startswith(begin) and len(each) <= 32 and each.replace("-", "").isalnum()
        )
    ]
    if not 1 <= len(ids) <= most:
        faults.append(f"{name}: there are 1 to {most}, not {len(ids)}")
    return faults


def vpc(value: Any) -> Vpc:
    """A `Vpc`, or the mapping that makes one.

    Raises:
        ValueError: It is neither.
    """
    if isinstance(value, Mapping):
        known = [each.name for each in attrs.fields(Vpc)]
        for name in value:
            if name not in known:
                raise ValueError(f"has no member {name!r}.{did_you_mean(str(name), known)}")
        if missing := [name for name in known if name not in value]:
            raise ValueError(f"needs {' and '.join(missing)}")
        try:
            return Vpc(**value)
        except SettingError as fault:
            raise ValueError("; ".join(str(fault).split("\n  ")[1:-1])) from None
    if not isinstance(value, Vpc):
        raise ValueError(f"must be a Vpc(subnets, security_groups), not {value!r}")
    return value
