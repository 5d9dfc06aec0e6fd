"""Steps and pipelines of the SDK as steps of a chain."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs

from fluentpipe.adopt import adopted
from fluentpipe.contract import DependencySpec, OutputSpec, StepContract
from fluentpipe.document import at
from fluentpipe.errors import SettingError
from fluentpipe.expression import Expression
from fluentpipe.kinds import Kind, ProcessingOutput
from fluentpipe.node import Node
from fluentpipe.order import references_in
from fluentpipe.proxy import output_reference
from fluentpipe.reference import PropertyReference
from fluentpipe.sdk.installed import Sdk, installed
from fluentpipe.sdk.interface import input_places, logical_name, outputs_of, taken, with_kinds
from fluentpipe.sdk.native import accept_references
from fluentpipe.sdk.wrapped import SdkStep, replaced

Takes = Mapping[str, "type[Kind] | DependencySpec"]
"""Name of an input -> what the resolver shall wire to it."""
Yields = Mapping[str, "type[Kind] | OutputSpec"]
"""Name of an output -> what it is."""


@attrs.frozen
class Member:
    """A step of the SDK, as the SDK writes it."""

    name: str
    request: Mapping[str, Any]  # with references of ours
    gate: str  # name of the Condition step that it lies under; empty for none
    stands_for: str  # name of what was given: of the step, or of the collection that it is the last of
    takes: Mapping[str, DependencySpec]  # inputs that the resolver shall wire, by logical name

    def needs(self) -> set[str]:
        """Names of the steps that come before it."""
        waits = (each["Step"] if isinstance(each, Mapping) else each for each in self.request.get("DependsOn", ()))
        return {*(each.step for each in references_in(self.request)), *waits, *filter(None, (self.gate,))}


def members(
    given: Sequence[Any], known: Sequence[str], pipeline: str, takes: Mapping[str, Takes], config: Any = None
) -> tuple[Member, ...]:
    """The steps that objects of the SDK stand for, each after those that it needs.

    The SDK writes their requests, and with that uploads their code, if their sessions are such as reach AWS. A `ModelStep`
    may hold a step that packs the model anew; a `ConditionStep` is followed by the steps of its If branch; a step whose
    output is used comes along, listed or not, as in the SDK.

    Args:
        given: Steps, collections of steps, or what functions decorated with `@step` gave.
        known: Names of the steps that are there already.
        pipeline: Name of the pipeline; the SDK puts it into the keys of what it uploads.
        takes: Name of what was given -> its inputs that the resolver shall wire; the others stay as they are.
        config: The SDK's `PipelineDefinitionConfig`, where there is one.

    Raises:
        SettingError: Something is no step of the SDK, the SDK cannot write it, or it has no such inputs.
    """
    sdk = installed()
    accept_references(sdk)
    config = config or sdk.PipelineDefinitionConfig(use_custom_job_prefix=False)
    found: dict[str, Member] = {}
    waiting = [each for one in given for each in _unfolded(sdk, one, "")]
    names = [*known, *(step.name for step, *_ in waiting)]
    while waiting:
        step, gate, stands_for = waiting.pop(0)
        if step.name in known or step.name in found:
            continue
        request, upstream = _written(sdk, step, names, pipeline, config)
        places = input_places(request)
        open_inputs = taken(step.name, places, takes.get(stands_for) or {})
        for name in open_inputs:
            request = replaced(request, places[name].keys, "")  # what stood there is not needed
        member = found[step.name] = Member(step.name, request, gate, stands_for, open_inputs)
        needed = member.needs() - {*names}
        waiting += [each for one in upstream if one.name in needed for each in _unfolded(sdk, one, "")]
    return tuple(_in_order(found, {*known}))


def _unfolded(sdk: Sdk, step: Any, gate: str) -> Iterator[tuple[Any, str, str]]:
    """The single steps in what was given: step, gate, and the name that its user knows it by."""
    if not isinstance(step, sdk.Step) and isinstance(getattr(step, "_step", None), sdk.Step):
        step = vars(step)["_step"]  # what a decorated function gave; the SDK's own way from it to its step
    inner = list(getattr(step, "steps", None) or ())
    if not isinstance(step, sdk.Step) and not inner:
        raise SettingError(
            f"{type(step).__name__} is no step of {sdk!r}.", fix=".sdk_step(TrainingStep(name=…, step_args=…))"
        )
    for each in inner:
        last = not isinstance(step, sdk.Step) and each is inner[-1]
        yield from ((one, under, step.name if last else name) for one, under, name in _unfolded(sdk, each, gate))
    if isinstance(step, sdk.Step):
        yield step, gate, step.name
    for each in step.if_steps if isinstance(step, sdk.ConditionStep) else ():
        yield from _unfolded(sdk, each, step.name)


def _in_order(found: Mapping[str, Member], known: set[str]) -> Iterator[Member]:
    """Each after those that it needs, as early as it was given; steps in a circle come last, for others to refuse."""
    rest = list(found.values())
    while rest:
        ready = next((each for each in rest if each.needs() & found.keys() <= known), rest[0])
        known.add(ready.name)
        rest.remove(ready)
        yield ready


def wrapped(member: Member, chain: Mapping[str, Node], outputs: Yields | None = None) -> SdkStep:
    """One step of the SDK as a step of a chain.

    Args:
        member: The step.
        chain: The steps before it.
        outputs: Kinds of the outputs; the others are of the general kind of their family.

    Raises:
        SettingError: It has no such outputs.
    """
    request = _with_property_files(member.request)
    places, yields = input_places(request), with_kinds(member.name, outputs_of(request), outputs or {})
    given = {
        name: known
        for name, place in places.items()
        if name not in member.takes and isinstance(known := _known(at(request, place.keys), chain), PropertyReference)
    }
    dependencies = [
        member.takes[name] if name in member.takes else _dependency(name, given[name], chain)
        for name in places
        if name in member.takes or name in given
    ]
    # Each is a family of its own: nothing is known of what it does, so none stands for another.
    family = re.sub(r"\W", "_", f"Sdk{request['Type']}_{member.name}")
    contract = StepContract(family, "sdk_step", dependencies, yields, own_method=True)
    return SdkStep(request, contract, places, given)


def _written(sdk: Sdk, step: Any, names: Sequence[str], pipeline: str, config: Any) -> tuple[dict[str, Any], list[Any]]:
    """The step as the SDK writes it, with references of ours in it; and the steps whose outputs it uses.

    The SDK looks up the names of other steps among those of the pipeline; for each there is a stand-in.
    """
    others = [sdk.FailStep(name=name) for name in dict.fromkeys(names) if name != step.name]
    is_condition = isinstance(step, sdk.ConditionStep)
    compiler = sdk.StepsCompiler(
        pipeline_name=pipeline,
        sagemaker_session=_session_of(step),
        steps=others if is_condition else [step, *others],
        pipeline_definition_config=config,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            # Private, but the one way to a single step: the public ones write all that it depends on as well.
            written = _condition_request(compiler, step) if is_condition else compiler._build_step(step).to_request()  # noqa: SLF001
        except (TypeError, ValueError) as error:
            raise SettingError(f"{sdk!r} cannot write step {step.name!r}: {error}", step=step.name) from error
    plain = _plain(adopted(written), step.name)
    if not plain.get("DependsOn"):
        plain.pop("DependsOn", None)
    upstream = compiler.get_upstream_steps_from_step_arguments(written["Arguments"])
    return plain, [each for each in upstream if isinstance(each, sdk.Step)]


def _condition_request(compiler: Any, step: Any) -> dict[str, Any]:
    """A Condition step with its Else branch; the steps of the If branch are steps of the chain."""
    return {
        "Name": step.name,
        "Type": step.step_type.value,
        **{
            member: value
            for member, value in (("DisplayName", step.display_name), ("Description", step.description))
            if value
        },
        "DependsOn": [getattr(each, "name", each) for each in step.depends_on or ()],
        "Arguments": {
            **step.step_only_arguments,
            "ElseSteps": [each.to_request() for each in compiler._build_steps(step.else_steps)],  # noqa: SLF001  as in _written
        },
    }


def _session_of(step: Any) -> Any:
    """The session of the estimator or processor behind a step, if there is one."""
    arguments = getattr(getattr(step, "step_args", None), "func_args", None) or (None,)
    return getattr(arguments[0], "sagemaker_session", None)


def _plain(value: Any, step: str) -> Any:
    """Checked to be plain data and references, all the way down."""
    if value is None or isinstance(value, (str, int, float, Expression)):
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(each, step) for key, each in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [_plain(each, step) for each in value]
    raise SettingError(f"the request of step {step!r} holds {value!r}, which is no data of a definition.", step=step)


def _with_property_files(request: Mapping[str, Any]) -> Mapping[str, Any]:
    """Declare the JSON files of outputs under the outputs' own names as well, by which `.json(…)` reads them."""
    files = request.get("PropertyFiles", [])
    names = {each["PropertyFileName"] for each in files}
    further: dict[str, dict[str, Any]] = {}
    for each in files:
        name = logical_name(each["OutputName"])
        if name not in names:
            further.setdefault(name, {**each, "PropertyFileName": name})
    return {**request, "PropertyFiles": [*files, *further.values()]} if further else request


def _known(value: Any, chain: Mapping[str, Node]) -> Any:
    """A reference as the output that the step in the chain declares, with its kind; anything else as it is."""
    if not isinstance(value, PropertyReference) or value.step not in chain:
        return value
    step = chain[value.step].step
    declared = (output_reference(step.name, spec, step.sagemaker_type) for spec in step.contract.outputs)
    return next((each for each in declared if each.path == value.path), value)


def _dependency(name: str, given: PropertyReference[Any], chain: Mapping[str, Node]) -> DependencySpec:
    """What an input takes that has its output already: just that."""
    spec = chain[given.step].step.contract.output(given.name) if given.name else None
    return DependencySpec(name, given.kind or ProcessingOutput, data_type=spec.data_type if spec else "")
