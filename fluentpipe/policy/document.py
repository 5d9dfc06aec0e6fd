"""Policies as IAM has them: statements, documents, their limits."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import attrs

MAX_CHARACTERS = 6144  # of a managed policy, white space not counted; IAM user guide, "IAM and AWS STS quotas"
VERSION = "2012-10-17"
_SPECIAL = re.compile(r"[*?$]")


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


def literal(name: str) -> str:
    """A name to the letter: IAM takes `*` and `?` in a resource for patterns, and `$` for the start of a variable.

    Source: IAM user guide, "IAM policy elements: Variables and tags", on special characters.
    """
    return _SPECIAL.sub(lambda found: f"${{{found[0]}}}", name)


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
    """A statement, or several with a part of its resources, or of what its condition lists, where it alone is too large."""
    whole = statement.to_dict()
    halves = list(_halves(statement))
    if size(policy([whole])) <= most or not halves:
        return [whole]
    parts = [attrs.evolve(half, sid=statement.sid + end) for half, end in zip(halves, "AB", strict=True)]
    return [small for part in parts for small in _parts(part, most)]


def _halves(statement: Statement) -> Iterator[Statement]:
    """Two statements that allow together what one does; none where it has one resource and one value."""
    if len(statement.resources) > 1:
        yield from (attrs.evolve(statement, resources=half) for half in _half(statement.resources))
        return
    for test, keys in (statement.condition or {}).items():
        for key, values in keys.items():
            if isinstance(values, list) and len(values) > 1 and len(statement.condition or {}) == len(keys) == 1:
                yield from (attrs.evolve(statement, condition={test: {key: half}}) for half in _half(values))


def _half(values: Sequence[Any]) -> tuple[Any, Any]:
    middle = len(values) // 2
    return values[:middle], values[middle:]
