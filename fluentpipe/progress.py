"""How far a step is, as far as its own output tells. A share is only claimed where the end is known."""

from __future__ import annotations

import re

import attrs

_SETTINGS = "hyperparameters: "
_FOLDS = re.compile(r"^averaging (\d{1,9}) models")
_ROUND = re.compile(r"^(?:fold (\d{1,9}) )?(best )?round (\d{1,9}) (\S+ \S+?),?(?: |$)")
_XGBOOST_ROUND = re.compile(
    r"^(?:\[[\d:]{1,20}\] ?)?\[(\d{1,9})\]\s+(\S+:\S+)"
)  # as XGBoost itself prints: [12]  train-rmse:0.3
_SHARE = re.compile(r"\b([\d,]{1,20}) (?:of|/) ([\d,]{1,20}) (rows|rounds|files|epochs|batches)\b")


@attrs.frozen
class Progress:
    """Where a step stands.

    Args:
        said: In words: "round 150, validation-logloss 0.41".
        share: From 0 to 1; None where the end is not known, as when training stops by itself.
    """

    said: str = ""
    share: float | None = None
    _rounds: int | None = None  # that training will take; None where it may stop before
    _folds: int = 1

    def after(self, line: str) -> Progress:
        """Where the step stands once it has written a line; the same object if the line says nothing of it."""
        if line.startswith(_SETTINGS):
            settings = dict(word.partition("=")[::2] for word in line.removeprefix(_SETTINGS).split(" "))
            rounds, patience = settings.get("num_round", ""), settings.get("early_stopping_rounds", "0")
            return attrs.evolve(self, rounds=int(rounds) if rounds.isdecimal() and patience == "0" else None)
        if found := _FOLDS.match(line):
            return attrs.evolve(self, folds=max(1, int(found.group(1))), share=0.0)
        if found := _ROUND.match(line):
            fold, best, number, figure = found.groups()
            return self._in_round(int(fold or 1), int(number), figure, is_over=bool(best))
        if found := _XGBOOST_ROUND.match(line):
            return self._in_round(1, int(found.group(1)), found.group(2).replace(":", " "), is_over=False)
        if found := _SHARE.search(line):
            done, whole = (int(each.replace(",", "") or 0) for each in found.groups()[:2])
            if 0 <= done <= whole and whole:
                return attrs.evolve(self, said=f"{done:,} of {whole:,} {found.group(3)}", share=done / whole)
        return self

    def _in_round(self, fold: int, number: int, figure: str, *, is_over: bool) -> Progress:
        """A fold counts when it is over, unless it is known how many rounds it takes."""
        several = self._folds > 1
        of_fold = 1.0 if is_over else min(1.0, (number + 1) / self._rounds) if self._rounds else 0.0
        known = several or self._rounds is not None
        share = min(1.0, (min(fold, self._folds) - 1 + of_fold) / self._folds) if known else None
        where = f"fold {fold} of {self._folds}, " if several else ""
        return attrs.evolve(self, said=f"{where}{'best ' if is_over else ''}round {number}, {figure}", share=share)
