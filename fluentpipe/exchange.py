"""Exchange: pipelines and steps of the SageMaker Python SDK, in and out.

`Pipeline` inherits these methods. The SDK is imported when one of them is called.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Generic

from fluentpipe._state import S
from fluentpipe.errors import SettingError, did_you_mean
from fluentpipe.offers import Offers, Scope

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fluentpipe.chain import Chain
    from fluentpipe.definition import Definition
    from fluentpipe.pipeline import Pipeline
    from fluentpipe.sdk import Takes, Yields
    from fluentpipe.step import Step


class Exchange(Generic[S]):
    """The methods of `Pipeline` that go to the SDK and come from it."""

    name: str
    _chain: Chain
    _offers: Offers
    _scope: Scope | None

    if TYPE_CHECKING:  # what `Pipeline` has

        def __new__(cls, name: str) -> Any: ...  # noqa: D102  Pipeline says it
        def _with(self, **changes: Any) -> Pipeline[Any]: ...
        def _with_step(self, step: Step) -> Pipeline[Any]: ...
        def materialize(  # noqa: D102  Pipeline says it
            self, *, role: str | None = None, bucket: str | None = None, region: str | None = None
        ) -> Definition: ...

    def sdk_step(self, step: Any, *, takes: Takes | None = None, outputs: Yields | None = None) -> Pipeline[Any]:
        """Add a step that was made with the SageMaker Python SDK, version 2 or 3.

        Its inputs that are outputs of other steps stay so; its outputs wire like any others. A `ModelStep` may become
        several steps. After a `ConditionStep` and the steps of its If branch, what follows lies under it, as after `require`.

        Args:
            step: Such as `TrainingStep(name=…, step_args=…)`.
            takes: Names of inputs (channels, processing inputs) -> kinds of data that shall be wired to them; see
                `explain()`. The others stay what they are.
            outputs: Names of outputs -> their kinds, such as `{"train": TrainingData}`, or an `OutputSpec` for a property
                that cannot be inferred. The others are of the general kind of their family.

        Raises:
            MissingExtra: The SDK is not installed.
            SettingError: It is no step of the SDK, or has no such inputs or outputs.
            ResolveError: It does not fit what is there.
        """
        name = str(getattr(step, "name", ""))
        return self._exchanged([step], {name: takes or {}}, {name: outputs or {}}, stay=name)

    @classmethod
    def from_sagemaker(
        cls,
        pipeline: Any,
        *,
        takes: Mapping[str, Takes] | None = None,
        outputs: Mapping[str, Yields] | None = None,
    ) -> Pipeline[Any]:
        """A chain of the steps of a pipeline of the SageMaker Python SDK, version 2 or 3, each wrapped by `sdk_step`.

        Args:
            pipeline: A `Pipeline` of the SDK.
            takes: Name of a step -> its inputs that shall be wired anew, as in `sdk_step`.
            outputs: Name of a step -> the kinds of its outputs, as in `sdk_step`.

        Raises:
            MissingExtra: The SDK is not installed.
            SettingError: A step that was told of is not there.
            ResolveError: The steps do not fit together.
        """
        pipe: Exchange[Any] = cls(pipeline.name)
        config = pipeline.pipeline_definition_config
        return pipe._exchanged(list(pipeline.steps), takes or {}, outputs or {}, config=config)

    def to_sagemaker(
        self, *, role: str | None = None, bucket: str | None = None, region: str | None = None, session: Any = None
    ) -> Any:
        """This pipeline as a `Pipeline` of the SageMaker Python SDK, version 3 or 2, whichever is installed.

        It is made offline. Its steps are the SDK's, its graph sees their dependencies, and its `definition()` is that of
        `materialize`. Its `upsert()` uploads code and data first.

        Args:
            role: ARN of the role that the jobs take, and that `upsert()` uses. Without it a placeholder stands in, and the
                pipeline is for looking at.
            bucket: For code, data and outputs.
            region: Otherwise that of the session.
            session: A `PipelineSession` of the SDK; otherwise one is made that looks for credentials when it first calls.

        Raises:
            MissingExtra: The SDK is not installed.
            DefinitionError: Lists every fault.
        """
        from fluentpipe import sdk

        region = region or getattr(session, "boto_region_name", None)
        definition = self.materialize(role=role, bucket=bucket, region=region)
        return sdk.sdk_pipeline(definition, role=role, region=region, bucket=bucket, session=session)

    def _exchanged(
        self,
        given: Sequence[Any],
        takes: Mapping[str, Takes],
        outputs: Mapping[str, Yields],
        *,
        stay: str = "",
        config: Any = None,
    ) -> Pipeline[Any]:
        """The pipeline with all steps that objects of the SDK stand for, each in its scope.

        What follows lies under the Condition step named `stay`, or else where the pipeline was.
        """
        from fluentpipe import sdk

        pipe: Exchange[Any] = self
        scopes: dict[str, Scope | None] = {"": self._scope}
        members = sdk.members(given, tuple(self._chain), self.name, takes, config)
        _refuse_unknown([each.stands_for for each in members], takes, outputs)
        for member in members:
            step = sdk.wrapped(member, pipe._chain, outputs.get(member.stands_for))
            pipe = pipe._plus(step, scopes[member.gate])
            scopes[member.name] = pipe._scope  # noqa: SLF001  a Pipeline is an Exchange
        found: Pipeline[Any] = pipe._within(scopes.get(stay, self._scope))  # noqa: SLF001  ditto
        return found

    def _plus(self, step: Step, scope: Scope | None) -> Pipeline[Any]:
        """The pipeline with a step in a scope."""
        return self._within(scope)._with_step(step)  # noqa: SLF001  ditto

    def _within(self, scope: Scope | None) -> Pipeline[Any]:
        """The pipeline where later steps lie in another scope: they see what was made in it and around it."""
        return self._with(
            scope=scope, offers=self._offers if self._scope is scope else self._offers.merged(Offers(), scope)
        )


def let_the_sdk_take_references() -> None:
    """Make references pipeline variables of the SDK, if it is imported: they may then stand in its own objects."""
    if "sagemaker" in sys.modules:
        from fluentpipe import sdk

        sdk.accept_references(sdk.installed())


def _refuse_unknown(names: Sequence[str], *told: Mapping[str, Any]) -> None:
    faults = [
        f"there is no step {name!r}.{did_you_mean(name, names)}"
        for name in dict.fromkeys(name for each in told for name in each)
        if name not in names
    ]
    if faults:
        raise SettingError(
            "takes= and outputs= speak of steps that there are not.", *faults, f"steps: {', '.join(names)}",
            faults=tuple(faults),
        )  # fmt: skip
