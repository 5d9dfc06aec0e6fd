"""Control: branches and repetition in a chain, and steps that have no verb of their own.

`Pipeline` inherits these methods. What they add lies in a scope: the steps of a branch see all that was there before the
condition, and nothing outside of the branch sees them.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, NoReturn, TypeVar, Union, cast

from typing_extensions import override

from fluentpipe._state import Opened, S
from fluentpipe.contract import DependencySpec, OutputSpec
from fluentpipe.errors import DuplicateName, SettingError
from fluentpipe.expression import Condition
from fluentpipe.offers import Scope
from fluentpipe.proxy import StepOutputProxy
from fluentpipe.reference import PropertyReference
from fluentpipe.steps.raw_step import step_facts

if TYPE_CHECKING:
    from fluentpipe.pipeline import Pipeline

_E = TypeVar("_E")
_N = TypeVar("_N")

After = Union[
    str, StepOutputProxy, "PropertyReference[Any]", "Sequence[str | StepOutputProxy | PropertyReference[Any]]"
]
"""What names the steps that another comes after."""


class When(Generic[S]):
    """A condition that waits for the steps of its branch; made by `Pipeline.when`."""

    def __init__(self, name: str, add: Callable[[Any], Any]) -> None:
        self._name = name
        self._add = add

    def then(self, branch: Callable[[Pipeline[S]], Pipeline[Any]]) -> Pipeline[Union[S, Opened]]:
        """Add the steps that are carried out where the condition holds.

        Args:
            branch: Takes the pipeline and returns it with steps added: `lambda p: p.register("churn")`.

        Returns:
            The pipeline as it was before `when`, and the branch beside it; `.otherwise(…)` may follow.
        """
        return cast("Pipeline[Union[S, Opened]]", self._add(branch))

    if not TYPE_CHECKING:  # so that the checkers report a verb that is too early themselves

        def __getattr__(self, name: str) -> NoReturn:
            if name.startswith("_"):
                raise AttributeError(name)
            raise AttributeError(f"a condition has no {name!r}: after .when(…) comes .then(lambda p: p.…).")

    @override
    def __repr__(self) -> str:
        return f"<when {self._name}: .then(lambda p: p.…) is to follow>"


class Control(Generic[S]):
    """The methods of `Pipeline` that branch and repeat."""

    name: str
    _scope: Scope | None
    _branched: str  # name of the condition whose second branch may follow; empty for none

    if TYPE_CHECKING:  # what `Pipeline` has

        def _add(self, verb: str, values: dict[str, Any]) -> Pipeline[Any]: ...
        def _with(self, **changes: Any) -> Pipeline[Any]: ...
        def _beside(self, branch: Pipeline[Any], branched: str) -> Pipeline[Any]: ...

    def when(self, condition: Condition, *, depends_on: After | None = None, name: str | None = None) -> When[S]:
        """Branch on a condition that the run decides: `.when(…).then(lambda p: p.…).otherwise(lambda p: p.…)`.

        Each branch sees what the pipeline has so far. After the branches the pipeline goes on as it was before, since
        only one of them will have been carried out. Branches may branch again.

        Args:
            condition: Of references, parameters and values in reports: `report.json("metrics.auc") >= 0.8`; several
                with `&`, `|` and `~`, membership with `.is_in([…])`.
            depends_on: Steps that it comes after, though it takes nothing of them.
            name: Name of the step; 'branch' by default, another for a second use.
        """
        inside = self._add("when", present({"condition": condition, "depends_on": depends_on, "name": name}))
        gate = inside.steps[-1].name
        return When(gate, lambda branch: self._beside(grown(inside, branch, "then"), gate))

    def otherwise(self: Control[Opened], branch: Callable[[Pipeline[S]], Pipeline[Any]]) -> Pipeline[S]:
        """Add the steps that are carried out where the condition of the `when` just before does not hold.

        Args:
            branch: As of `then`.
        """
        if not self._branched:
            raise SettingError(
                f"there is no condition for otherwise() in pipeline {self.name!r}.",
                fix=".when(condition).then(lambda p: p.…).otherwise(lambda p: p.…)",
            )
        inside = self._with(scope=Scope.below(self._branched, self._scope, "Else"))
        return self._beside(grown(inside, branch, "otherwise"), "")

    def for_each(
        self, settings: Iterable[_E], body: Callable[[Pipeline[S], _E], Pipeline[_N]]
    ) -> Pipeline[Union[S, _N]]:
        """Add steps once for each of several settings, side by side; all of it while the pipeline is written.

        Each turn begins with the pipeline as it is now. The outputs of all turns are there afterwards, so a later step that
        fits several asks for the one that is meant.

        Args:
            settings: Values of any kind.
            body: Takes the pipeline and one of them; returns the pipeline with steps added, each with a name of its own:
                `lambda p, depth: p.train_xgboost(name=f"depth_{depth}", max_depth=depth)`.

        Raises:
            DuplicateName: Two turns made a step of one name.
        """
        each_of = list(settings)
        if not each_of:
            raise SettingError("for_each has nothing to go through: settings is empty.", fix="give at least one")
        base: Any = self
        turns = [grown(base, functools.partial(_turn, body, each), "for_each") for each in each_of]
        _refuse_same_names(len(base.steps), turns, each_of)
        return cast("Pipeline[Union[S, _N]]", functools.reduce(lambda merged, turn: merged.merge(turn), turns))

    def raw_step(
        self,
        request: Mapping[str, Any] | str,
        *,
        outputs: Sequence[OutputSpec] = (),
        takes: Sequence[DependencySpec] = (),
        depends_on: After | None = None,
        name: str | None = None,
    ) -> Pipeline[Any]:
        """Add any step that the service offers, as the definition has it.

        Args:
            request: The step as a mapping or as JSON: `Type`, `Arguments` and whatever else it has. References may stand in it,
                ours and the service's.
            outputs: What later steps may take of it.
            takes: What it takes. Where the request has `{"Input": "model_artifacts"}`, the place of that input is put.
            depends_on: Steps that it comes after, besides those that the request names.
            name: Name of the step, where the request has none.
        """
        facts = step_facts(request, name, depends_on)
        return self._add("raw_step", present({**facts, "outputs": outputs, "takes": takes}))


def present(values: Mapping[str, Any]) -> dict[str, Any]:
    """What was given at a call."""
    return {name: value for name, value in values.items() if value is not None}


def grown(start: Any, body: Callable[[Any], Any], method: str) -> Any:
    """What a function makes of a pipeline, which must be that pipeline with steps added.

    Raises:
        SettingError: It is no function, or gives something else.
    """
    fix = (
        f".{method}(lambda p: p.train_xgboost(…))" if method != "for_each" else ".for_each([4, 8], lambda p, each: p.…)"
    )
    if not callable(body):
        raise SettingError(f"{method} takes a function of the pipeline, not {type(body).__name__}.", fix=fix)
    made = body(start)
    if not isinstance(made, type(start)):
        raise SettingError(f"the function given to {method} must return a pipeline, not {made!r}.", fix=fix)
    names, given = [step.name for step in made.steps], [step.name for step in start.steps]
    if any(one is not other for one, other in zip(start.steps, (*made.steps, *[None] * len(given)), strict=False)):
        raise SettingError(
            f"the function given to {method} must return the pipeline that it was given, with steps added.",
            f"it was given {', '.join(given) or 'no steps'}; it returned {', '.join(names) or 'no steps'}",
            fix=fix,
        )
    return made


def _turn(body: Callable[[Any, Any], Any], each: Any, pipe: Any) -> Any:
    return body(pipe, each)


def _refuse_same_names(before: int, turns: Sequence[Any], each_of: Sequence[Any]) -> None:
    made_for: dict[str, Any] = {}
    for turn, each in zip(turns, each_of, strict=True):
        names = [step.name for step in turn.steps[before:]]
        if twice := next((name for name in names if name in made_for), None):
            raise DuplicateName(
                f"for_each made a step {twice!r} for {made_for[twice]!r}, and again for {each!r}.",
                fix="give each a name of its own: lambda p, each: p.…(name=f'…_{each}')",
                name=twice,
            )
        made_for.update(dict.fromkeys(names, each))
