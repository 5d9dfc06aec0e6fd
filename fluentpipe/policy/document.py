"""Policies as IAM has them: statements, documents, their limits."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import attrs

MAX_CHARACTERS = 6144  # of a managed policy, white space not counted; IAM user guide, "IAM and AWS STS quotas"
VERSION = "2012-10-17"


@attrs.frozen
class Statement:
    """Something that is allowed."""

    sid: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    condition: Mapping[str, Mapping[str, Any]] | None = None
    reason: str = ""  # why the resource is "*", where it is

    def to_dict(self) -> dict[str, Any]:
        """As IAM reads it."""
        found: dict[str, Any] = {
            "Sid": self.sid,
            "Effect": "Allow",
            "Action": list(self.actions),
            "Resource": list(self.resources),
        }
        return {**found, "Condition": self.condition} if self.condition else found


def policy(statements: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """A policy document."""
    return {"Version": VERSION, "Statement": list(statements)}


def size(document: Mapping[str, Any]) -> int:
    """Characters as IAM counts them."""
    return len(json.dumps(document, separators=(",", ":")))


def split(statements: Sequence[Statement], most: int = MAX_CHARACTERS) -> tuple[dict[str, Any], ...]:
    """Policy documents that fit the limit each; together they allow what the statements allow."""
    documents: list[dict[str, Any]] = []
    held: list[dict[str, Any]] = []
    for part in (part for statement in statements for part in _parts(statement, most)):
        if held and size(policy([*held, part])) > most:
            documents.append(policy(held))
            held = []
        held.append(part)
    return (*documents, policy(held)) if held else tuple(documents)


def _parts(statement: Statement, most: int) -> list[dict[str, Any]]:
    """A statement, or several with a part of its resources each, where it alone is too large."""
    whole = statement.to_dict()
    count = len(statement.resources)
    if size(policy([whole])) <= most or count < 2:
        return [whole]
    halves = [statement.resources[: count // 2], statement.resources[count // 2 :]]
    parts = [
        attrs.evolve(statement, resources=half, sid=statement.sid + end) for half, end in zip(halves, "AB", strict=True)
    ]
    return [small for part in parts for small in _parts(part, most)]
