"""What the trainings of trees by boosting share: settings of their own, and whatever else their library takes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from typing_extensions import override

from fluentpipe.errors import SettingError
from fluentpipe.jobs import TrainingStep


class BoostedTrees(TrainingStep):
    """A training whose setting `parameters` holds what has no setting of its own."""

    @override
    def validate(self) -> None:
        super().validate()
        own = {word: name for name, each in self.settings.items() for word in (name, each.emit, *each.aliases) if word}
        given = self.given.get("parameters") or {}
        taken = [key for key in given if key in own]
        if taken:
            raise SettingError(
                "parameters= is for what has no setting of its own.",
                *(f"{key!r} is the setting {own[key]}" for key in taken),
                fix=f".{self.contract.verb}({own[taken[0]]}={given[taken[0]]!r})",
            )

    @override
    def program_settings(self) -> Iterator[tuple[str, Any]]:
        """The settings, and the further parameters one by one."""
        for name, value in super().program_settings():
            if name == "parameters":
                yield from value.items()
            else:
                yield name, value
