"""`invoke_lambda` and `callback`: what other services do in the middle of a pipeline."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import override

from fluentpipe.caching import cached, caching
from fluentpipe.contract import DependencySpec, OutputSpec, StepContract
from fluentpipe.kinds import CustomProperty
from fluentpipe.settings import setting
from fluentpipe.step import Inputs
from fluentpipe.steps.by_call import DeclaredByCall, as_mapping, dependency, is_wired

if TYPE_CHECKING:
    from fluentpipe.target import Target

# developer guide, "Lambda step" and "Callback step": the types of outputs
_TYPES: Mapping[Any, str] = {str: "String", int: "Integer", float: "Float", bool: "Boolean"}
_ARN = re.compile(r"arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:function:[A-Za-z0-9_-]+(:[A-Za-z0-9$_-]+)?")
_QUEUE = re.compile(r"https://[^\s/]+/\d{12}/[A-Za-z0-9_-]{1,80}")


def _outputs(value: Any) -> tuple[OutputSpec, ...]:
    if isinstance(value, tuple) and all(isinstance(each, OutputSpec) for each in value):
        return value  # as it is kept
    if not isinstance(value, Mapping):
        value = dict.fromkeys([value] if isinstance(value, str) else value, str)
    for name, kind in value.items():
        if not isinstance(name, str) or kind not in _TYPES:
            raise ValueError(f"must say for each name str, int, float or bool, not {name!r}: {kind!r}")
    return tuple(
        OutputSpec(name, CustomProperty, f"OutputParameters['{name}']", "What it answers.", data_type=_TYPES[kind])
        for name, kind in value.items()
    )


def _lambda(value: Any) -> str:
    if not isinstance(value, str) or not _ARN.fullmatch(value):
        raise ValueError(
            f"must be the ARN of a function, arn:aws:lambda:us-east-1:111122223333:function:name, not {value!r}"
        )
    return value


def _queue(value: Any) -> str:
    if not isinstance(value, str) or not _QUEUE.fullmatch(value):
        raise ValueError(
            f"must be the URL of a queue, https://sqs.us-east-1.amazonaws.com/111122223333/name, not {value!r}"
        )
    return value


class AskingStep(DeclaredByCall):
    """A step that sends named values somewhere and gets named values back."""

    takes: Any = setting(
        MappingProxyType({}), job=True, reference=False, convert=as_mapping,
        doc="What is sent, by name: any values, references among them; for a kind, where that data is.",
    )  # fmt: skip
    outputs: Any = setting((), job=True, reference=False, convert=_outputs, doc="What is answered: name -> type.")
    cache: bool | str | None = setting(
        None, job=True, reference=False, convert=caching, doc="Whether the answer to an equal earlier step is taken."
    )

    addressee: ClassVar[tuple[str, str]] = ("", "")
    """The setting that says whom it asks, and the member of the step in a definition."""

    @override
    def _made(self) -> tuple[OutputSpec, ...]:
        found: tuple[OutputSpec, ...] = self.outputs
        return found

    @override
    def _dependencies(self) -> Iterator[DependencySpec]:
        return (dependency(name, value) for name, value in self.takes.items() if is_wired(value))

    @override
    def arguments(self, inputs: Inputs, target: Target) -> dict[str, Any]:
        places = {name: target.location(value) for name, value in inputs.items()}
        return {name: places.get(name) if is_wired(value) else value for name, value in self.takes.items()}

    @override
    def requests(self, inputs: Inputs, target: Target, then: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        word, member = self.addressee
        outputs = [{"OutputName": spec.name, "OutputType": spec.data_type} for spec in self.contract.outputs]
        request = {
            **super().requests(inputs, target, then)[0],
            member: getattr(self, word),
            "OutputParameters": outputs,
        }
        return [cached(request, self.cache)]


class LambdaInvocation(AskingStep):
    """Invoke a function of AWS Lambda with named values, and go on with what it answers.

    It has ten minutes at most. Here a function stands in for it; without one, the run says so before anything starts. It gets the
    inputs as they are in this run, and paths in the place of S3 URIs; its answer is checked against `outputs`.

    Example:
        from fluentpipe import Pipeline, RawData

        asked = Pipeline("churn").provide(RawData, "churn.csv").invoke_lambda(
            "arn:aws:lambda:us-east-1:111122223333:function:ask",
            inputs={"rows": RawData, "least": 500}, outputs={"ticket": str, "open": int}, name="ask",
        )
        run = asked.run(stand_ins={"ask": lambda inputs: {"ticket": "T-1", "open": inputs["least"] + 1}})
        print(run.outputs.get("ask", "open").value())
    """

    contract = StepContract(step_type="LambdaInvocation", verb="invoke_lambda", own_method=True)
    sagemaker_type = "Lambda"
    addressee = ("function_arn", "FunctionArn")

    function_arn: str = setting(positional=True, job=True, convert=_lambda, doc="ARN of the function.")


class Callback(AskingStep):
    """Send named values and a token to a queue, and wait until somebody answers with the token.

    A person who looks at the figures, say, or another system: it answers with the service's
    `SendPipelineExecutionStepSuccess`, or `…Failure`. Here a function stands in for it, as for [`invoke_lambda`](invoke_lambda.md).

    Example:
        from fluentpipe import Pipeline

        trained = Pipeline("churn").load_data("churn.csv", label="churn").preprocess().train_xgboost(n_estimators=20)
        evaluated = trained.evaluate_performance()
        auc = evaluated.outputs.model_evaluation.evaluation_report.json("metrics.auc")
        asked = evaluated.callback(
            "https://sqs.us-east-1.amazonaws.com/111122223333/reviews",
            inputs={"auc": auc}, outputs={"verdict": str}, name="review",
        )
        good = asked.outputs.get("review", "verdict") == "good"
        pipe = asked.when(good).then(lambda p: p.register("churn-models"))
        run = pipe.run(stand_ins={"review": lambda inputs: {"verdict": "good" if inputs["auc"] > 0.8 else "poor"}})
    """

    contract = StepContract(step_type="Callback", verb="callback", own_method=True)
    sagemaker_type = "Callback"
    addressee = ("queue_url", "SqsQueueUrl")

    queue_url: str = setting(positional=True, job=True, convert=_queue, doc="URL of the queue of SQS.")
