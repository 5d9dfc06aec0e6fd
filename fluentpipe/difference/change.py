"""One difference between two definitions, and all of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal

import attrs
from typing_extensions import override

Kind = Literal[
    "step",
    "branch",
    "wiring",
    "setting",
    "code",
    "image",
    "condition",
    "parameter",
    "tag",
    "retry",
    "cache",
    "pipeline",
]
Action = Literal["added", "removed", "changed", "renamed"]
_MIRRORED: dict[Action, Action] = {"added": "removed", "removed": "added"}
MAX_SHOWN = 160  # characters of a value


@attrs.frozen
class Change:
    """One thing that means something else, in the words of a reader."""

    kind: Kind
    action: Action
    place: str  # "max_depth", "input train", …; the name of a step or parameter
    old: str | None = None  # None: it is not there
    new: str | None = None
    old_step: str = ""  # how the old definition calls the step that this is about; "" outside of the steps
    new_step: str = ""
    detail: tuple[str, ...] = attrs.field(default=(), eq=False)  # lines of the code that changed

    @property
    def step(self) -> str:
        """The step, as the new definition calls it; as the old one does where it is gone."""
        return self.new_step or self.old_step

    def mirrored(self) -> Change:
        """The same seen from the other side; the lines of code are left out."""
        action = _MIRRORED.get(self.action, self.action)
        place = self.old if self.action == "renamed" and self.old else self.place
        return Change(self.kind, action, place, self.new, self.old, self.new_step, self.old_step)

    @override
    def __str__(self) -> str:
        return f"{self.step}: {self.line}" if self.step and self.kind != "step" else self.line

    @property
    def line(self) -> str:
        """What changed, in a line, without the step's name."""
        if self.action == "renamed":
            return f"{self.old} is now called {self.new}"
        if self.kind == "branch":
            return _moved(self.old, self.new)
        label = self.place if self.kind in ("wiring", "setting") else f"{self.kind} {self.place}".rstrip()
        if self.action == "changed":
            return f"{label}: {_cut(self.old)} → {_cut(self.new)}"
        value = self.old if self.action == "removed" else self.new
        return f"{label} {self.action}" + (f": {_cut(value)}" if value else "")

    def to_dict(self) -> dict[str, Any]:
        """Plain data; members that are absent or empty are left out."""
        found = attrs.asdict(self)
        found["detail"] = list(self.detail)
        return {key: value for key, value in found.items() if value not in (None, "", [])}


@attrs.frozen
class Difference(Sequence[Change]):
    """What one definition means and another does not; falsy where they mean the same."""

    old_name: str
    new_name: str
    changes: tuple[Change, ...]

    @override
    def __len__(self) -> int:
        return len(self.changes)

    @override
    def __getitem__(self, index: Any) -> Any:
        return self.changes[index]

    def by_step(self) -> Iterator[tuple[str, tuple[Change, ...]]]:
        """The changes outside of the steps (name `""`), then those of each step, in the order of the steps."""
        names = dict.fromkeys(change.step for change in self.changes)
        for name in sorted(names, key=bool):
            yield name, tuple(change for change in self.changes if change.step == name)

    @override
    def __str__(self) -> str:
        return "\n".join(line for line, _ in self.lines())

    def lines(self) -> Iterator[tuple[str, str]]:
        """The text line by line, each with what it is: "title", "step", "added", "removed", "changed", "renamed" or "code"."""
        if not self.changes:
            yield f"{self.old_name} and {self.new_name} mean the same.", "title"
            return
        count = "1 difference" if len(self) == 1 else f"{len(self)} differences"
        yield f"{self.old_name} → {self.new_name}: {count}", "title"
        for step, changes in self.by_step():
            indent = "  "
            if step and not all(change.kind == "step" for change in changes):
                yield f"  {step}", "step"
                indent = "    "
            for change in changes:
                yield indent + change.line, change.action
                yield from ((f"{indent}  {line}", "code") for line in change.detail)

    def to_dict(self) -> dict[str, Any]:
        """Plain data, fit for JSON."""
        return {"old": self.old_name, "new": self.new_name, "changes": [change.to_dict() for change in self.changes]}


def _moved(old: str | None, new: str | None) -> str:
    if old is None:
        return f"moved into {new}"
    return f"moved out of {old}" if new is None else f"moved from {old} to {new}"


def _cut(text: str | None) -> str:
    shown = text or ("''" if text == "" else "")
    return shown if len(shown) <= MAX_SHOWN else shown[: MAX_SHOWN - 1] + "…"
