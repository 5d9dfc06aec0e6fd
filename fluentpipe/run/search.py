"""The search of a tuning: which values the next trials try, by the ranges and the strategy of its request.

Optuna chooses them: `Bayesian` by tree-structured Parzen estimators, `Random` and `Hyperband` at random; `Grid` is every
combination. One seed gives one sequence, as long as the trials give what they gave before.
"""

from __future__ import annotations

import itertools
import logging
import threading
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attrs

from fluentpipe.errors import RunError

if TYPE_CHECKING:
    import optuna

_LOG_FROM = 100  # high ÷ low from which an `Auto` range is searched on a logarithmic scale
_DIGITS = 6  # of numbers that are tried
_STARTUP = 10  # trials at random before the first that learns from others, at most


@attrs.frozen
class Suggestion:
    """What one trial tries."""

    number: int  # from 1
    values: Mapping[str, str]  # hyperparameter -> value, as text


@attrs.frozen
class Between:
    """An integer or continuous range of a request."""

    name: str
    low: float
    high: float
    whole: bool
    scaling: str  # Auto, Linear, Logarithmic, ReverseLogarithmic

    @classmethod
    def of(cls, written: Mapping[str, Any], *, whole: bool) -> Between:
        """As the request has it.

        Raises:
            RunError: Its ends are no numbers in order.
        """
        try:
            low, high = (float(written[member]) for member in ("MinValue", "MaxValue"))
        except ValueError:
            low, high = 1, 0
        scaling = written.get("ScalingType", "Auto")
        least = {"Logarithmic": low > 0, "ReverseLogarithmic": low >= 0 and high < 1}.get(scaling, True)
        if low > high or not least or (whole and not (low.is_integer() and high.is_integer())):
            raise RunError(
                f"The range of {written['Name']!r} cannot be searched: {written['MinValue']} to {written['MaxValue']}, "
                f"{'whole numbers, ' if whole else ''}{scaling}."
            )
        return cls(written["Name"], low, high, whole, scaling)

    @property
    def log(self) -> bool:
        """Whether it is searched on a logarithmic scale."""
        return self.scaling == "Logarithmic" or (
            self.scaling == "Auto" and self.low > 0 and self.high / self.low >= _LOG_FROM
        )

    def distribution(self) -> Any:
        """As Optuna takes it; a reversed one by what is left to 1."""
        from optuna.distributions import FloatDistribution, IntDistribution

        if self.scaling == "ReverseLogarithmic":
            return FloatDistribution(1 - self.high, 1 - self.low, log=True)
        if self.whole:
            return IntDistribution(int(self.low), int(self.high), log=self.log)
        return FloatDistribution(self.low, self.high, log=self.log)

    def text(self, chosen: float) -> str:
        """A value as the training is told it."""
        if self.whole:
            return str(int(chosen))
        value = 1 - chosen if self.scaling == "ReverseLogarithmic" else chosen
        return repr(min(max(float(f"{value:.{_DIGITS}g}"), self.low), self.high))


@attrs.frozen
class OneOf:
    """A categorical range of a request."""

    name: str
    choices: tuple[str, ...]

    def distribution(self) -> Any:
        """As Optuna takes it."""
        from optuna.distributions import CategoricalDistribution

        return CategoricalDistribution(self.choices)

    def text(self, chosen: str) -> str:
        """A value as the training is told it."""
        return chosen


def ranges_of(config: Mapping[str, Any]) -> tuple[Between | OneOf, ...]:
    """The ranges of a tuning's configuration, by name.

    Raises:
        RunError: One cannot be searched.
    """
    written = config.get("ParameterRanges", {})
    found: list[Between | OneOf] = [Between.of(each, whole=True) for each in written.get("IntegerParameterRanges", ())]
    found += [Between.of(each, whole=False) for each in written.get("ContinuousParameterRanges", ())]
    found += [OneOf(each["Name"], tuple(each["Values"])) for each in written.get("CategoricalParameterRanges", ())]
    return tuple(sorted(found, key=lambda each: each.name))


class Search:
    """The trials of one tuning, asked for in batches and told of their results. Safe to use from threads."""

    def __init__(self, config: Mapping[str, Any], limit: int, batch: int) -> None:
        """Begin.

        Args:
            config: HyperParameterTuningJobConfig of the request.
            limit: Trials at most.
            batch: Trials that are asked for at once.
        """
        self.limit, self._batch = limit, batch
        self._ranges = ranges_of(config)
        self._lock = threading.Lock()
        self._count = 0
        self._grid: Iterator[Mapping[str, str]] | None = None
        self._trials: dict[int, optuna.trial.Trial] = {}
        if config["Strategy"] == "Grid":
            self._grid = _combinations(self._ranges)
        else:
            self._study = _study(config, limit, batch)

    def ask(self) -> list[Suggestion]:
        """The next batch; empty when there is nothing more to try."""
        with self._lock:
            found: list[Suggestion] = []
            for _ in range(min(self._batch, self.limit - self._count)):
                values = self._next()
                if values is None:
                    break
                self._count += 1
                found.append(Suggestion(self._count, values))
            return found

    def _next(self) -> Mapping[str, str] | None:
        if self._grid is not None:
            return next(self._grid, None)
        with warnings.catch_warnings(), _quiet():
            warnings.simplefilter("ignore")  # of what Optuna calls experimental
            trial = self._study.ask({each.name: each.distribution() for each in self._ranges})
        self._trials[self._count + 1] = trial
        return {each.name: each.text(trial.params[each.name]) for each in self._ranges}

    def falls_behind(self, number: int, step: int, value: float) -> bool:
        """Whether a trial that tells its metric for the `step`-th time should be stopped."""
        if self._grid is not None:
            return False
        with self._lock, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            trial = self._trials[number]
            trial.report(value, step)
            return bool(trial.should_prune())

    def tell(self, number: int, value: float | None, *, stopped: bool) -> None:
        """The result of a trial; None where it failed."""
        if self._grid is not None:
            return
        from optuna.trial import TrialState

        state = TrialState.FAIL if value is None else TrialState.PRUNED if stopped else TrialState.COMPLETE
        with self._lock, _quiet():
            self._study.tell(self._trials[number], value if state is TrialState.COMPLETE else None, state=state)


def _combinations(ranges: Sequence[Between | OneOf]) -> Iterator[Mapping[str, str]]:
    choices = [each.choices if isinstance(each, OneOf) else () for each in ranges]
    return (
        {each.name: one for each, one in zip(ranges, chosen, strict=True)} for chosen in itertools.product(*choices)
    )


def _study(config: Mapping[str, Any], limit: int, batch: int) -> Any:
    with warnings.catch_warnings():  # in a notebook without ipywidgets its progress bar complains, which is not used
        warnings.simplefilter("ignore")
        import optuna

    seed = int(config.get("RandomSeed", 0))
    startup = min(_STARTUP, max(3, limit // 4))
    with warnings.catch_warnings(), _quiet():
        warnings.simplefilter("ignore")
        if config["Strategy"] == "Bayesian":
            sampler: Any = optuna.samplers.TPESampler(seed=seed, n_startup_trials=startup, constant_liar=batch > 1)
        else:
            sampler = optuna.samplers.RandomSampler(seed=seed)
        direction = config["HyperParameterTuningJobObjective"]["Type"].lower()
        return optuna.create_study(direction=direction, sampler=sampler, pruner=_pruner(config))


def _pruner(config: Mapping[str, Any]) -> Any:
    import optuna

    if config["Strategy"] == "Hyperband":
        limits = config.get("StrategyConfig", {}).get("HyperbandStrategyConfig", {})
        return optuna.pruners.HyperbandPruner(limits.get("MinResource", 1), limits.get("MaxResource", "auto"))
    if config.get("TrainingJobEarlyStoppingType", "Off") == "Auto":
        return optuna.pruners.MedianPruner(n_startup_trials=4)
    return optuna.pruners.NopPruner()


class _quiet:  # noqa: N801  used as a statement
    """Keeps Optuna from writing to the log what the run tells itself; errors still come."""

    def __enter__(self) -> None:
        self._logger = logging.getLogger("optuna")
        self._level = self._logger.level
        self._logger.setLevel(logging.ERROR)

    def __exit__(self, *_: object) -> None:
        self._logger.setLevel(self._level)
