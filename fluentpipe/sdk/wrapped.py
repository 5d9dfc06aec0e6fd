"""A step of the SDK as a step of a chain: the request that the SDK wrote, under a contract of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import attrs
from typing_extensions import override

from fluentpipe.contract import DependencySpec, StepContract
from fluentpipe.step import Inputs, Step

if TYPE_CHECKING:
    from fluentpipe.target import Target

_DEFAULT_RUNTIME = 86400  # seconds; of a training job that says nothing: the developer guide, StoppingCondition


@attrs.frozen
class Place:
    """Where in the request of a step the URI of an input stands."""

    name: str  # as the SDK has it, such as the name of a channel
    keys: tuple[str | int, ...]  # from the request down


class SdkStep(Step):
    """A step of the SDK in a chain. It is made by `Pipeline.sdk_step`; each has a contract of its own.

    Its inputs are those of its job: where the SDK's step had the output of another step, that is given; where the user said
    what it takes, the resolver decides.
    """

    given: Mapping[str, Any]

    def __init__(
        self,
        request: Mapping[str, Any],
        contract: StepContract,
        places: Mapping[str, Place],
        inputs: Mapping[str, Any],
    ) -> None:
        facts: dict[str, Any] = {
            "name": request["Name"],
            "sagemaker_type": request["Type"],
            "contract": contract,
            "given": MappingProxyType({"request": request}),
            "inputs": MappingProxyType(dict(inputs)),
            "_places": places,
        }
        for word, value in facts.items():
            object.__setattr__(self, word, value)

    _places: Mapping[str, Place]

    @property
    def request(self) -> Mapping[str, Any]:
        """The step as the SDK wrote it, with references of ours."""
        found: Mapping[str, Any] = self.given["request"]
        return found

    @property
    @override
    def opens_scope(self) -> bool:
        return self.sagemaker_type == "Condition"

    @property
    def max_runtime(self) -> Any:
        """Seconds after which the service stops the job; what a requirement may shorten."""
        stopping: Mapping[str, Any] = self.request.get("Arguments", {}).get("StoppingCondition", {})
        return stopping.get("MaxRuntimeInSeconds", _DEFAULT_RUNTIME) if self.sagemaker_type == "Training" else None

    def limited(self, seconds: int) -> SdkStep:
        """The same step with a shorter time limit."""
        arguments = dict(self.request["Arguments"])
        arguments["StoppingCondition"] = {**arguments.get("StoppingCondition", {}), "MaxRuntimeInSeconds": seconds}
        return SdkStep({**self.request, "Arguments": arguments}, self.contract, self._places, self.inputs)

    @override
    def required(self) -> Iterator[DependencySpec]:
        return (spec for spec in self.contract.dependencies if spec.required)

    @override
    def requests(self, inputs: Inputs, target: Target, then: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        request: Any = dict(self.request)
        for name, value in inputs.items():
            if name in self._places:
                request = replaced(request, self._places[name].keys, target.location(value))
        if self.opens_scope:
            request["Arguments"] = {**request["Arguments"], "IfSteps": list(then)}
        return [request]

    @property
    @override
    def key(self) -> tuple[Any, ...]:
        return (*super().key, self.contract)

    @override
    def __reduce__(self) -> tuple[Any, ...]:
        return SdkStep, (dict(self.request), self.contract, dict(self._places), dict(self.inputs))

    @override
    def __repr__(self) -> str:
        return f"Sdk{self.sagemaker_type}({self.name!r})"


# Of the class itself, for messages; declared in the body it would be registered as a verb.
SdkStep.contract = StepContract("SdkStep", "sdk_step", own_method=True)


def replaced(value: Any, keys: Sequence[str | int], new: Any) -> Any:
    """A copy with something else at a place."""
    if not keys:
        return new
    first, *rest = keys
    if isinstance(value, Mapping):
        return {**value, first: replaced(value.get(first, {}), rest, new)}
    return [replaced(each, rest, new) if index == first else each for index, each in enumerate(value)]
