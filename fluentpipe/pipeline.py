"""`Pipeline`, the fluent face: frozen, chainable, checked at every call.

What is heavy is imported when it is asked for: `show` here; `materialize`, `target`, `run` and `live` in `here`;
`deploy`, `against`, `schedules` and `alarms` in `on_sagemaker`. There are no other such imports in these three.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any, Generic, NoReturn, TypeVar, Union, cast, final

from typing_extensions import Never, Self, override

import fluentpipe_project
from fluentpipe import checking, shapes
from fluentpipe._state import S
from fluentpipe._verbs import BuiltinOutputs, Verbs
from fluentpipe.adopt import adopted
from fluentpipe.anything import Anything
from fluentpipe.chain import Chain
from fluentpipe.contract import usual_data_type
from fluentpipe.control import Control
from fluentpipe.defaults import Defaults
from fluentpipe.errors import DuplicateName, FluentpipeError, SettingError, did_you_mean
from fluentpipe.exchange import Exchange, let_the_sdk_take_references
from fluentpipe.here import Here
from fluentpipe.kinds import (
    EvaluationReport,
    JobName,
    Kind,
    ModelArtifacts,
    Predictions,
    PreprocessingModel,
    RawData,
    TestData,
    TrainingData,
    ValidationData,
    known_kinds,
)
from fluentpipe.lineage import offer_of, offers_of
from fluentpipe.node import Node, said, same
from fluentpipe.notebook import let_ipython_look
from fluentpipe.offers import Offers, Provided, Scope
from fluentpipe.on_sagemaker import OnSageMaker
from fluentpipe.order import in_order
from fluentpipe.plan import Plan, parameters_in, plan
from fluentpipe.plugins import load_plugins
from fluentpipe.proxy import Properties, StepOutputProxy
from fluentpipe.reach import check_references
from fluentpipe.reference import Deferred, Given, Parameter, PropertyReference, data_source
from fluentpipe.resolve import bind
from fluentpipe.step import Step, class_of_verb, on_declared, step_classes
from fluentpipe.verb import BoundVerb, LiveVerb, settings_of
from fluentpipe_project import ProjectOutputs, ProjectVerbs

if TYPE_CHECKING:
    from fluentpipe.show import Explanation

_P = TypeVar("_P", bound=StepOutputProxy)
_M = TypeVar("_M")
_N = TypeVar("_N", bound=Kind)
_PIPELINE_NAME = re.compile(shapes.PIPELINE_NAME)


class PipelineOutputs(BuiltinOutputs, ProjectOutputs):
    """The outputs of every step of a pipeline."""


@final
class Pipeline(Verbs[S], Control[S], Anything[S], Here[S], OnSageMaker[S], Exchange[S], ProjectVerbs[S], Generic[S]):
    """A machine-learning pipeline. Every verb gives a new one, checked; nothing changes one.

    Args:
        name: At most 82 letters, digits and hyphens, as the service takes it.

    Raises:
        SettingError: The service would not take the name.
    """

    name: str
    _chain: Chain
    _offers: Offers
    _scope: Scope | None
    _provided: tuple[Provided, ...]
    _defaults: Defaults
    _branched: str  # name of the condition whose second branch may follow; empty for none

    def __new__(cls, name: str) -> Pipeline[Never]:  # noqa: D102  the class says it
        if not _is_pipeline_name(name):
            raise SettingError(
                f"a pipeline cannot be named {name!r}.",
                f"letters, digits and single hyphens between them, at most {shapes.MAX_PIPELINE_NAME}",
                fix='Pipeline("churn")',
            )
        return _restored(
            {
                "name": name,
                "_chain": Chain(),
                "_offers": Offers(),
                "_scope": None,
                "_provided": (),
                "_branched": "",
                "_defaults": Defaults(),
            }
        )

    @classmethod
    def from_steps(cls, name: str, steps: Sequence[Step]) -> Pipeline[Any]:
        """A pipeline of steps made one by one; one that is given the output of another comes after it.

        Raises:
            ResolveError: The steps do not fit together.
        """
        pipe: Pipeline[Any] = cls(name)
        for step in in_order(steps):
            pipe = pipe._with_step(step)
        return pipe

    # ---- building ----------------------------------------------------------------------------------------------------

    def provide(self, kind: type[_N], source: Deferred[str] | str | PathLike[str]) -> Pipeline[Union[S, _N]]:
        """Declare data of a kind that comes from outside the pipeline.

        Args:
            kind: Such as `TrainingData`.
            source: An S3 URI, a local path, or a `Parameter`; for a `ModelName`, the name.
        """
        if kind not in known_kinds():
            raise SettingError(f"{kind!r} is no kind of data.", fix=".provide(TrainingData, 's3://bucket/train')")
        try:
            provided = Provided(kind, data_source(adopted(source), usual_data_type(kind)))
        except ValueError as fault:
            raise SettingError(f"data for {kind.__name__}: {fault}") from fault
        check_references(provided.value, f"data for {kind.__name__}", self._chain, self._scope)
        offers = self._offers.extended([offer_of(provided, self._scope)])
        return self._with(offers=offers, provided=(*self._provided, provided))

    def merge(self, other: Pipeline[_M]) -> Pipeline[Union[S, _M]]:
        """Both pipelines' steps; those they share, once. Later steps may take outputs of either.

        Raises:
            DuplicateName: Both have a step of one name, and it is not the same.
        """
        if not isinstance(other, Pipeline):
            raise SettingError(f"{other!r} is no pipeline to merge.", fix="pipe.merge(other_pipe)")
        scope = _common(self._scope, other._scope)
        if other._scope is scope and other._chain.starts_with(self._chain) and {*self._provided} <= {*other._provided}:
            return other._with(name=self.name, defaults=self._defaults)
        if self._scope is scope and self._chain.starts_with(other._chain) and {*other._provided} <= {*self._provided}:
            return cast("Pipeline[Union[S, _M]]", self)
        clashes = [
            name for name, node in other._chain.items() if name in self._chain and not same(self._chain[name], node)
        ]
        if clashes:
            raise DuplicateName(
                f"both pipelines have a step {', '.join(map(repr, clashes))}, and it is not the same one.",
                fix=f"give one of them a name of its own: name='{clashes[0]}_2'",
            )
        chain = self._chain
        for name, node in other._chain.items():
            chain = chain if name in chain else chain.added(node)
        provided = dict.fromkeys((*self._provided, *other._provided))
        offers = self._offers.merged(other._offers, scope)
        return self._with(chain=chain, offers=offers, scope=scope, provided=tuple(provided))

    def auto_train_xgboost(
        self,
        source: Given[RawData],
        label: str | None = None,
        *,
        validation_split: float = 0.15,
        test_split: float = 0.2,
        seed: int = 0,
        **training: Any,
    ) -> Pipeline[
        Union[
            S,
            RawData,
            TrainingData,
            ValidationData,
            TestData,
            PreprocessingModel,
            ModelArtifacts,
            JobName,
            EvaluationReport,
            Predictions,
        ]
    ]:
        """Load, preprocess, train and evaluate in one call; label and task are told from the data where they are not given.

        Args:
            source: A local file or folder, an S3 URI, or a `Parameter`.
            label: Name of the column to predict. Without it a local source is read now, and the choice is printed.
            validation_split: Share of the rows left after the test rows that validation takes.
            test_split: Share of all rows that are set aside for the test.
            seed: Of the split and of the training.
            **training: Settings of `train_xgboost`.

        Raises:
            SourceError: The label cannot be told; lists the columns it could be.
        """
        loaded = self.load_data(
            cast("Any", source), label=label, validation_split=validation_split, test_split=test_split, seed=seed
        )
        return loaded.preprocess().train_xgboost(**{"seed": seed, **training}).evaluate_performance()

    @override
    def _add(self, verb: str, values: dict[str, Any]) -> Pipeline[Any]:
        if verb == "defaults":
            return self._sharing(values)
        check = checking.active()
        if check is None:
            return self._added(verb, values)
        try:
            pipe = self._added(verb, dict(values))
        except FluentpipeError as error:
            check.fault(error)
            return self._assumed(class_of_verb(verb), values.get("name"), check)
        check.placed(self.name, pipe.steps[-1].name)
        return pipe

    def _sharing(self, values: dict[str, Any]) -> Pipeline[Any]:
        try:
            return self._with(defaults=self._defaults.extended(values))
        except FluentpipeError as error:
            check = checking.active()
            if check is None:
                raise
            check.fault(error)
            return self

    def _assumed(self, cls: type[Step], name: object, check: checking.Checking) -> Pipeline[Any]:
        """As if the step were right, so that a check finds the faults after it too."""
        step = cls.assumed(name if isinstance(name, str) else cls.contract.key)
        if step.name in self._chain:
            return self
        check.assumed.append(step)
        node = Node(step, (), self._scope, {(step.contract.step_type, ""): frozenset((step.name,))})
        return self._with(chain=self._chain.added(node), offers=self._offers.extended(offers_of(node)))

    def _added(self, verb: str, values: dict[str, Any]) -> Pipeline[Any]:
        values = adopted(values)
        cls = class_of_verb(verb)
        if verb == cls.contract.default_verb:
            _refuse_settings(cls, verb, values)
        name = values.pop("name", None)
        return self._with_step(cls(name, **cls.at_call(self._defaults.applied(cls, values))))

    def _with_step(self, step: Step) -> Pipeline[Any]:
        if step.name in self._chain:
            raise DuplicateName(
                f"pipeline {self.name!r} has a step {step.name!r} already.",
                fix=f".{step.contract.verb}(…, name='{step.name}_2')",
                name=step.name,
            )
        node = bind(step, self._offers, self._chain, self._scope, self.name)
        scope = Scope.below(step.name, self._scope) if step.opens_scope else self._scope
        return self._with(chain=self._chain.added(node), offers=self._offers.extended(offers_of(node)), scope=scope)

    @override
    def _beside(self, branch: Pipeline[Any], branched: str) -> Pipeline[Any]:
        """This pipeline with the steps of a branch, which nothing outside of it sees."""
        return self._with(chain=branch._chain, branched=branched)

    @override
    def _with(self, **changes: Any) -> Pipeline[Any]:
        """A pipeline that differs in some facts, named without their underscore."""
        pipe: Pipeline[Any] = object.__new__(Pipeline)
        changed = {name if name == "name" else f"_{name}": value for name, value in changes.items()}
        vars(pipe).update({**vars(self), "_branched": "", **changed})
        return pipe

    # ---- looking -----------------------------------------------------------------------------------------------------

    @property
    def outputs(self) -> PipelineOutputs:
        """The outputs of every step: `pipe.outputs.xgboost_training.model_artifacts`."""
        let_the_sdk_take_references()
        return PipelineOutputs(tuple(self._chain), self._proxy)

    def step(self, name: str, outputs: type[_P]) -> _P:
        """The outputs of the step of that name, typed: `pipe.step("second", XGBoostTrainingOutputs)`.

        Raises:
            UnknownOutput: There is no step of that name.
            SettingError: It is of another type.
        """
        proxy = getattr(self.outputs, name)
        if not isinstance(proxy, outputs):
            found = self._chain[name].step.contract.step_type
            raise SettingError(
                f"step {name!r} is a {found}; its outputs are no {outputs.__name__}.", fix=f"{found}Outputs"
            )
        return proxy

    def _proxy(self, name: str) -> StepOutputProxy:
        step = self._chain[name].step
        return StepOutputProxy.of(name, step.contract, step.sagemaker_type)

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps in order."""
        return tuple(node.step for node in self._chain.nodes)

    @property
    def parameters(self) -> Mapping[str, Parameter[Any]]:
        """The parameters that the steps use, by name."""
        found: dict[str, Parameter[Any]] = {}
        for node in self._chain.nodes:
            sources = [binding.source for binding in node.bindings]
            own = [each for each in (getattr(node.step, "parameter", None),) if each is not None]
            for each in parameters_in((own, sources, node.step.given)):
                found.setdefault(each.name, each)
        return found

    def explain(self) -> Explanation:
        """Why each input is wired as it is; prints as text."""
        from fluentpipe.show import Explanation

        return Explanation(self._plan())

    @override
    def __repr__(self) -> str:
        from fluentpipe.show import outline

        return outline(
            self.name, self._chain.nodes, tuple(f"{each.kind.__name__} {said(each.value)}" for each in self._provided)
        )

    def to_mermaid(self) -> str:
        """The graph as a Mermaid flowchart, text that GitHub and many wikis draw."""
        from fluentpipe.show import to_mermaid

        return to_mermaid(self._chain.nodes)

    def _repr_html_(self) -> str:
        from fluentpipe.show import as_html

        return as_html(self.name, self._chain.nodes, repr(self))

    def _plan(self) -> Plan:
        return plan(self.name, self._chain.nodes)

    # ---- being frozen ------------------------------------------------------------------------------------------------

    @override
    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"pipeline {self.name!r} is frozen; a verb gives a new one.")

    @override
    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"pipeline {self.name!r} is frozen; a verb gives a new one.")

    if not TYPE_CHECKING:  # so that the checkers report an unknown verb themselves

        def __getattr__(self, name: str) -> NoReturn:
            if name.startswith("_"):
                raise AttributeError(name)
            known = [each for each in dir(self) if not each.startswith("_")]
            raise AttributeError(f"Pipeline has no verb {name!r}.{did_you_mean(name, known)}")

    @override
    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, ({**vars(self), "_chain": Chain(self._chain.nodes)},)


def _is_pipeline_name(name: object) -> bool:
    return isinstance(name, str) and len(name) <= shapes.MAX_PIPELINE_NAME and bool(_PIPELINE_NAME.fullmatch(name))


def _restored(facts: Mapping[str, Any]) -> Pipeline[Any]:
    pipe: Pipeline[Any] = object.__new__(Pipeline)
    vars(pipe).update(facts)
    return pipe


def _common(one: Scope | None, other: Scope | None) -> Scope | None:
    """The scope that both lie in."""
    while one is not other:
        if (one.depth if one else 0) >= (other.depth if other else 0):
            one = one.parent if one else None
        else:
            other = other.parent if other else None
    return one


def _refuse_settings(cls: type[Step], verb: str, values: Mapping[str, Any]) -> None:
    inputs = {name for spec in cls.contract.dependencies for name in spec.names}
    extra = sorted(set(values) - inputs - {"name", *settings_of(cls, verb)})
    if extra:
        raise SettingError(
            f"{verb} takes no settings, but was given {', '.join(extra)}.",
            fix=f".{cls.contract.verb}({', '.join(f'{word}={values[word]!r}' for word in extra)})",
        )


def _attach(cls: type[Step], replaced: type[Step] | None) -> None:
    """Give `Pipeline` the verbs of a class that was just declared."""
    if cls.contract.own_method:
        return
    for name in replaced.contract.verbs if replaced else ():
        if name in vars(ProjectVerbs):
            delattr(ProjectVerbs, name)
    for name in cls.contract.verbs:
        setattr(ProjectVerbs, name, LiveVerb(cls, name))
    outputs = f"{cls.contract.step_type}Outputs"
    namespace = {"__module__": fluentpipe_project.__name__, "__doc__": f"The outputs of {cls.contract.step_type}."}
    proxy = type(outputs, (StepOutputProxy,), namespace, step_type=cls.contract.step_type)
    setattr(fluentpipe_project, outputs, proxy)
    let_ipython_look([proxy])


on_declared.append(_attach)
for _cls in step_classes():  # those of a project whose module was imported before this one
    if not hasattr(Verbs, _cls.contract.verb):
        _attach(_cls, None)
for _method in vars(Verbs).values():
    if callable(_method) and hasattr(_method, "__wrapped__"):
        _method.__annotations__["return"] = Self  # IPython's evaluator goes on with the live pipeline
del Pipeline.__new__.__annotations__["return"]  # which it takes for a class that makes its own instances
# Without it jedi looks at the outputs that there are, which have steps of any name, instead of at their class.
del vars(Pipeline)["outputs"].fget.__annotations__["return"]
let_ipython_look(
    [Pipeline, PipelineOutputs, BoundVerb, Properties, PropertyReference, *StepOutputProxy.__subclasses__()]
)
load_plugins()
