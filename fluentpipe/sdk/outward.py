"""A definition as a pipeline of the SDK, which the SDK itself turns into the same definition again."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs

from fluentpipe.aws import Account
from fluentpipe.definition import Definition
from fluentpipe.document import BRANCHES, walk_steps, write_key
from fluentpipe.errors import DefinitionError
from fluentpipe.sdk.installed import Sdk, installed
from fluentpipe.sdk.sessions import online_session
from fluentpipe.sdk.steps import connect, written_step
from fluentpipe.sdk.variables import Variables, parameter
from fluentpipe.target import PLACEHOLDER_REGION, refuse_placeholders
from fluentpipe.upload import store

ABSENT: Any = object()
_log = logging.getLogger(__name__)


@attrs.frozen
class Defaulted:
    """A member that the SDK writes where the definition says nothing; there are no other differences."""

    path: str  # the last keys of the place, from a step's type on; the document's own have no dot
    value: Any
    reason: str


DEFAULTED: Sequence[Defaulted] = (
    Defaulted("MlflowConfig", None, "version 3 writes null where there is no MLflow"),
    Defaulted("PipelineExperimentConfig", None, "null where there is no experiment"),
    Defaulted("Metadata", {}, "empty where there is none"),
    Defaulted("Parameters", [], "empty where there are none"),
    Defaulted("Condition.Arguments.IfSteps", [], "a branch without steps"),
    Defaulted("Condition.Arguments.ElseSteps", [], "a branch without steps"),
    Defaulted("Condition.Arguments.Conditions", [], "a condition that is none"),
    Defaulted("Fail.Arguments.ErrorMessage", "", "a failure without a message"),
)


def sdk_pipeline(
    definition: Definition,
    *,
    role: str | None = None,
    region: str | None = None,
    bucket: str | None = None,
    session: Any = None,
) -> Any:
    """A `Pipeline` of the installed SDK, version 3 or 2.

    Its steps are the SDK's, with the dependencies that its graph sees. It is made offline. `upsert`, `create` and `update`
    upload what the definition needs and is missing, with the session's credentials.

    Args:
        definition: Any; whoever wrote it.
        role: ARN that `upsert`, `create` and `update` use where they are given none.
        region: Of the session that is made where none is given.
        bucket: The default bucket of that session.
        session: A `PipelineSession` or `Session` of the SDK.

    Raises:
        MissingExtra: There is no SDK.
        DefinitionError: It cannot be said with the classes of this SDK; names the places.
    """
    sdk = installed()
    if session is None:
        session = online_session(sdk, region or PLACEHOLDER_REGION, bucket)
    document = definition.document
    parameters = {each["Name"]: parameter(sdk, each) for each in document.get("Parameters", ())}
    steps: dict[str, Any] = {}
    variables = Variables(sdk, parameters, steps)
    requests = {entry.name: entry.request for entry in walk_steps(document)}
    for name, request in requests.items():
        steps[name] = written_step(variables, request)
    for name, request in requests.items():
        connect(variables, steps[name], request)
    found = _pipeline_class(sdk)(
        name=definition.name,
        parameters=list(parameters.values()),
        steps=[steps[each["Name"]] for each in document.get("Steps", ())],
        sagemaker_session=session,
        pipeline_experiment_config=_experiment(variables, document.get("PipelineExperimentConfig")),
        **_mlflow(sdk, document.get("MlflowConfig")),
    )
    # The SDK has no arguments for the first two.
    vars(found).update(
        _version=document.get("Version"), _metadata=dict(document.get("Metadata") or {}), source=definition, role=role
    )
    _refuse_differences(sdk, definition, found)
    return found


def _pipeline_class(sdk: Sdk) -> Any:
    """The SDK's `Pipeline` that uploads what its definition needs before it is created or updated."""

    class Pipeline(sdk.Pipeline):  # type: ignore[misc, name-defined]  # known only once the SDK is imported
        source: Definition
        role: str | None

        def create(self, role_arn: str | None = None, *args: Any, **named: Any) -> Any:
            self.upload()
            return super().create(role_arn or self.role, *args, **named)

        def update(self, role_arn: str | None = None, *args: Any, **named: Any) -> Any:
            self.upload()
            return super().update(role_arn or self.role, *args, **named)

        def upsert(self, role_arn: str | None = None, *args: Any, **named: Any) -> Any:
            refuse_placeholders(self.source.to_json())
            return super().upsert(role_arn or self.role, *args, **named)

        def upload(self) -> tuple[str, ...]:
            """Upload what the definition needs and S3 does not have; gives the URIs."""
            refuse_placeholders(self.source.to_json())
            account = Account(self.sagemaker_session.boto_region_name, session=self.sagemaker_session.boto_session)
            return tuple(each.uri for each in store(account, self.source.assets, say=_log.info))

    Pipeline.__doc__, Pipeline.__qualname__ = sdk.Pipeline.__doc__, "Pipeline"
    return Pipeline


def _experiment(variables: Variables, config: Mapping[str, Any] | None) -> Any:
    if not config:
        return None
    return variables.sdk.PipelineExperimentConfig(
        variables.of(config.get("ExperimentName")), variables.of(config.get("TrialName"))
    )


def _mlflow(sdk: Sdk, config: Mapping[str, Any] | None) -> dict[str, Any]:
    if not config or not sdk.has("MlflowConfig"):
        return {}
    names = {"mlflow_resource_arn": "MlflowResourceArn", "mlflow_experiment_name": "MlflowExperimentName"}
    given = {name: config[member] for name, member in names.items() if config.get(member) is not None}
    return {"mlflow_config": sdk.MlflowConfig(**given)}


def _refuse_differences(sdk: Sdk, definition: Definition, pipeline: Any) -> None:
    """The SDK's definition must be ours, but for what it defaults.

    Raises:
        DefinitionError: Lists every place that is other.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = json.loads(pipeline.definition())
    places = list(differences(definition.document, theirs))
    if places:
        raise DefinitionError(
            f"pipeline {definition.name!r} cannot be said with {sdk!r}: it would write something else.",
            *places,
            fix="upgrade the SDK, or deploy the definition without it",
            diagnostics=(),
        )


def differences(ours: Any, theirs: Any) -> Iterator[str]:
    """Every place where the SDK's document is other than ours, apart from what it defaults; in words."""
    return _compared(ours, theirs, "$", "")


def _compared(ours: Any, theirs: Any, path: str, key: str) -> Iterator[str]:
    if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
        kind = str(ours.get("Type", "")) if "Arguments" in ours else ""
        for name in dict.fromkeys((*ours, *theirs)):
            inner = ".".join(filter(None, (kind or key, name)))
            mine, other = ours.get(name, ABSENT), theirs.get(name, ABSENT)
            if (mine is ABSENT and _is_defaulted(inner, other)) or (mine is None and other is ABSENT):
                continue
            yield from _compared(mine, other, path + write_key(name), inner)
    elif isinstance(ours, (list, tuple)) and isinstance(theirs, list) and len(ours) == len(theirs):
        inner = "" if key == "Steps" or key.rpartition(".")[2] in BRANCHES.values() else key
        for index, pair in enumerate(zip(ours, theirs, strict=True)):
            yield from _compared(*pair, path + write_key(index), inner)
    elif ours != theirs or (type(ours) is not type(theirs) and not _are_numbers(ours, theirs)):
        yield f"{path}: {_said(ours)} here, {_said(theirs)} by the SDK"


def _are_numbers(one: Any, other: Any) -> bool:
    return {type(one), type(other)} == {int, float}


def _is_defaulted(key: str, value: Any) -> bool:
    return any(each.path == key and type(each.value) is type(value) and each.value == value for each in DEFAULTED)


def _said(value: Any) -> str:
    text = "nothing" if value is ABSENT else json.dumps(value)
    return text if len(text) <= 80 else text[:77] + "…"
