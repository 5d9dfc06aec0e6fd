"""Defaults: settings that the steps of a pipeline share unless one says otherwise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from fluentpipe.errors import SettingError, did_you_mean
from fluentpipe.jobs import ProcessingStep, TrainingStep
from fluentpipe.settings import Setting
from fluentpipe.step import Step, step_classes

KINDS: Mapping[str, type[Step]] = {"processing": ProcessingStep, "training": TrainingStep}
"""The kinds of job that may have defaults of their own."""

_BASES = (ProcessingStep, TrainingStep)


def shared_settings(*, own: bool = True) -> dict[str, Setting]:
    """The settings that may be shared, by name.

    Args:
        own: Whether those that the declared step classes add count, too.
    """
    classes: tuple[type[Step], ...] = (*_BASES, *(step_classes() if own else ()))
    return {name: each for cls in reversed(classes) for name, each in cls.settings.items() if each.shared}


@attrs.frozen
class Defaults:
    """Settings that steps share: of every job, and of one kind of job, which go before those."""

    every: Mapping[str, Any] = attrs.field(factory=dict)
    by_kind: Mapping[str, Mapping[str, Any]] = attrs.field(factory=dict)

    def extended(self, values: Mapping[str, Any]) -> Defaults:
        """With these, too; later ones replace earlier ones.

        Args:
            values: Settings by name; under `processing` and `training` those of one kind of job.

        Raises:
            SettingError: Lists every unknown name and every value that is not allowed.
        """
        faults: list[str] = []
        every = {**self.every, **_validated({k: v for k, v in values.items() if k not in KINDS}, "", faults)}
        by_kind = dict(self.by_kind)
        for kind in [kind for kind in KINDS if values.get(kind) is not None]:
            if not isinstance(values[kind], Mapping):
                faults.append(f"{kind}: must be a mapping of settings, not {values[kind]!r}")
                continue
            by_kind[kind] = {**by_kind.get(kind, {}), **_validated(values[kind], f"{kind}.", faults)}
        if faults:
            raise SettingError(
                "defaults was given what steps do not share.", *faults, verb="defaults", faults=tuple(faults)
            )
        return Defaults(every, by_kind)

    def applied(self, cls: type[Step], given: Mapping[str, Any]) -> dict[str, Any]:
        """What a verb was given, completed by the defaults for its class.

        Environment variables and tags come together entry by entry; whatever else is given replaces the default.
        """
        shared = {
            **self.every,
            **{word: value for kind in _kinds(cls) for word, value in self.by_kind.get(kind, {}).items()},
        }
        if not shared:
            return dict(given)
        mine = {alias: name for name, each in cls.settings.items() if each.shared for alias in (name, *each.aliases)}
        said = {mine[word] for word in given if word in mine}
        if given.get("use_spot", shared.get("use_spot")) is not True:
            said.add("max_wait")  # of spot jobs alone, which this is none
        found = {name: value for name, value in shared.items() if name in mine and name not in said}
        return {**found, **{word: _joined(shared.get(mine.get(word, "")), value) for word, value in given.items()}}


def _kinds(cls: type[Step]) -> Iterator[str]:
    return (kind for kind, base in KINDS.items() if issubclass(cls, base))


def _joined(shared: Any, given: Any) -> Any:
    both = isinstance(shared, Mapping) and isinstance(given, Mapping)
    return {**shared, **given} if both else given


def _validated(values: Mapping[str, Any], where: str, faults: list[str]) -> dict[str, Any]:
    known = {word: (name, each) for name, each in shared_settings().items() for word in (name, *each.aliases)}
    return dict(_each_validated(values, known, where, faults))


def _each_validated(
    values: Mapping[str, Any], known: Mapping[str, tuple[str, Setting]], where: str, faults: list[str]
) -> Iterator[tuple[str, Any]]:
    for word, value in values.items():
        if word not in known:
            faults.append(f"{where}{word}: steps share no such setting.{did_you_mean(word, known)}")
            continue
        name, each = known[word]
        try:
            yield name, each.validated(value)
        except ValueError as fault:
            faults.append(f"{where}{word}: {fault}")
