"""Checks the request of a SageMaker job against the service's own model of it.

botocore's model is compiled once per operation into small Python objects that are walked in microseconds. It
is asked more than botocore's validator asks: beside types, required and unknown members and minimums, also
maximums, patterns, enums, empty containers, and references where none may stand.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Literal

import attrs

from fluentpipe.diagnostic import described
from fluentpipe.document import Trail, is_reference
from fluentpipe.errors import did_you_mean

# Step type -> operation that runs it. QualityCheck and ClarifyCheck are processing jobs.
OPERATIONS: Mapping[str, str] = {
    "AutoML": "CreateAutoMLJobV2",
    "ClarifyCheck": "CreateProcessingJob",
    "Model": "CreateModel",
    "Processing": "CreateProcessingJob",
    "QualityCheck": "CreateProcessingJob",
    "RegisterModel": "CreateModelPackage",
    "Training": "CreateTrainingJob",
    "Transform": "CreateTransformJob",
    "Tuning": "CreateHyperParameterTuningJob",
}
# Required members that Pipelines fills in itself: it names the jobs.
FILLED_IN: Mapping[str, frozenset[str]] = {
    "CreateAutoMLJob": frozenset(("AutoMLJobName",)),
    "CreateAutoMLJobV2": frozenset(("AutoMLJobName",)),
    "CreateHyperParameterTuningJob": frozenset(("HyperParameterTuningJobName",)),
    "CreateModel": frozenset(("ModelName",)),
    "CreateProcessingJob": frozenset(("ProcessingJobName",)),
    "CreateTrainingJob": frozenset(("TrainingJobName",)),
    "CreateTransformJob": frozenset(("TransformJobName",)),
}
_V1_AUTOML = frozenset(("InputDataConfig", "ProblemType", "AutoMLJobConfig", "GenerateCandidateDefinitionsOnly"))
_MAX_FOR_PATTERN = 8192  # characters; a longer text is not matched, so that no pattern can be made slow


@attrs.frozen
class Fault:
    """One thing in a request that the service would refuse, or may."""

    severity: Literal["error", "warning"]
    code: str  # "missing-member", "wrong-type", …
    trail: Trail  # keys and indices from the request down; `fluentpipe.document.write_trail` writes it out
    message: str
    fix: str = ""


def operation_for(step_type: str, arguments: Mapping[str, Any]) -> str | None:
    """The operation whose request a step's Arguments are; None for a type that has none."""
    if step_type == "AutoML" and _V1_AUTOML & set(arguments):
        return "CreateAutoMLJob"
    return OPERATIONS.get(step_type)


def check_request(operation: str, arguments: Any, *, references: bool = True, complete: bool = False) -> list[Fault]:
    """Every fault of a request.

    Args:
        operation: "CreateTrainingJob", …
        arguments: The request as JSON data.
        references: Whether `Get`, `Std:Join` and `Std:JsonGet` may stand for scalars.
        complete: Whether members that Pipelines fills in (names of jobs) are required too.

    Returns:
        Faults in the order of the request; enum misses are warnings, since botocore lags behind the service.
    """
    found: list[Fault] = []
    _compiled(operation, references, complete)(arguments, (), found)
    return found


def check_structure(
    service: str, shape: str, value: Any, trail: Trail = (), *, filled_in: frozenset[str] = frozenset()
) -> list[Fault]:
    """Every fault of a structure of another service, such as `RunJobFlowInput` of `emr`; references may stand for scalars.

    Args:
        service: As botocore names it.
        shape: Of its model.
        value: JSON data.
        trail: Where the value stands.
        filled_in: Required members that Pipelines fills in itself.
    """
    found: list[Fault] = []
    _compiled_structure(service, shape, filled_in)(value, trail, found)
    return found


Check = Callable[[Any, Trail, list[Fault]], None]


@lru_cache(maxsize=4)
def _model(service: str = "sagemaker") -> Mapping[str, Any]:
    """The model of a service as botocore stores it; that of SageMaker takes 0.1 s, once."""
    from botocore.loaders import create_loader

    model: Mapping[str, Any] = create_loader().load_service_model(service, "service-2")
    return model


@lru_cache(maxsize=16)
def _compiled_structure(service: str, shape: str, filled_in: frozenset[str]) -> Check:
    return Compiler(_model(service)["shapes"], references=True).structure(shape, filled_in)


@lru_cache(maxsize=64)
def _compiled(operation: str, references: bool, complete: bool) -> Check:
    compiler = Compiler(_model()["shapes"], references)
    exempt = frozenset() if complete else FILLED_IN.get(operation, frozenset())
    return compiler.structure(_model()["operations"][operation]["input"]["shape"], exempt)


class Compiler:
    """Turns shapes of the model into checks; each shape once, so that shapes may be recursive."""

    def __init__(self, shapes: Mapping[str, Any], references: bool) -> None:
        self.shapes = shapes
        self.references = references
        self.checks: dict[str, Check] = {}

    def check(self, name: str) -> Check:
        """The check of a shape."""
        if name not in self.checks:
            # Announced before it is built: a shape that contains itself then finds this entry.
            self.checks[name] = lambda value, trail, found: self.checks[name](value, trail, found)  # noqa: PLW0108 - late
            self.checks[name] = self._build(name)
        return self.checks[name]

    def _build(self, name: str) -> Check:
        shape = self.shapes[name]
        kind = shape["type"]
        if kind == "structure":
            return self.structure(name, frozenset())
        if kind == "list":
            return self._list(shape)
        if kind == "map":
            return self._map(shape)
        if kind in ("string", "blob", "character"):
            return self._scalar(_text(name, shape), "text")
        if kind in ("integer", "long"):
            return self._scalar(_number(shape, (int,)), "a whole number")
        if kind in ("float", "double"):
            return self._scalar(_number(shape, (int, float)), "a number")
        if kind == "boolean":
            return self._scalar(_boolean, "true or false")
        return self._scalar(_anything, "a time")

    def structure(self, name: str, exempt: frozenset[str]) -> Check:
        """The check of a structure, some of whose required members may be missing."""
        shape = self.shapes[name]
        checks = {member: self.check(each["shape"]) for member, each in shape["members"].items()}
        required = tuple(member for member in shape.get("required", ()) if member not in exempt)
        union = bool(shape.get("union"))

        def check(value: Any, trail: Trail, found: list[Fault]) -> None:
            if not isinstance(value, dict | Mapping) or is_reference(value):
                found.append(_wrong_container(value, trail, "an object"))
                return
            if not value and trail:
                _report_empty(found, trail, "{}", "error" if required or union else "warning")
            if union and len(value) > 1:
                names = ", ".join(sorted(str(member) for member in value))
                found.append(Fault("error", "too-many", trail, f"it may have only one of its members, not {names}"))
            found.extend(
                Fault("error", "missing-member", trail, f"{member!r} is required and missing")
                for member in required
                if member not in value
            )
            for member, inner in value.items():
                if (known := checks.get(member)) is not None:
                    known(inner, (trail, member), found)
                else:
                    found.append(_unknown_member(member, trail, checks))

        return check

    def _list(self, shape: Mapping[str, Any]) -> Check:
        member = self.check(shape["member"]["shape"])
        least, most = shape.get("min", 0), shape.get("max")

        def check(value: Any, trail: Trail, found: list[Fault]) -> None:
            if not isinstance(value, list | tuple):
                found.append(_wrong_container(value, trail, "a list"))
                return
            if not value:
                _report_empty(found, trail, "[]", "error" if least else "warning")
            elif len(value) < least:
                found.append(_count("too-few", trail, len(value), f"at least {least}"))
            if most is not None and len(value) > most:
                found.append(_count("too-many", trail, len(value), f"at most {most}"))
            for index, inner in enumerate(value):
                member(inner, (trail, index), found)

        return check

    def _map(self, shape: Mapping[str, Any]) -> Check:
        key_check, value_check = self.check(shape["key"]["shape"]), self.check(shape["value"]["shape"])
        least, most = shape.get("min", 0), shape.get("max")

        def check(value: Any, trail: Trail, found: list[Fault]) -> None:
            if not isinstance(value, dict | Mapping) or is_reference(value):
                found.append(_wrong_container(value, trail, "an object"))
                return
            if not value:
                _report_empty(found, trail, "{}", "error" if least else "warning")
            elif len(value) < least:
                found.append(_count("too-few", trail, len(value), f"at least {least}"))
            if most is not None and len(value) > most:
                found.append(_count("too-many", trail, len(value), f"at most {most}"))
            for key, inner in value.items():
                key_check(key, (trail, key), found)
                value_check(inner, (trail, key), found)

        return check

    def _scalar(self, check: Callable[[Any, Trail, list[Fault]], bool], expected: str) -> Check:
        allowed = self.references

        def outer(value: Any, trail: Trail, found: list[Fault]) -> None:
            if (allowed and is_reference(value)) or check(value, trail, found):
                return
            fix = _scalar_fix(value, expected)
            found.append(Fault("error", "wrong-type", trail, f"it must be {expected}, not {described(value)}", fix))

        return outer


@lru_cache(maxsize=512)
def compiled_pattern(pattern: str) -> re.Pattern[str] | None:
    r"""An AWS pattern for Python's `re`, to be used with `fullmatch`: the service anchors both ends.

    None where it uses what `re` lacks: Unicode classes (`\p{L}`), ranges over surrogates. The service's
    regular expressions are Java's, where `\d`, `\w` and `\s` are ASCII.
    """
    try:
        return None if re.search(r"\\[pP]\{", pattern) else re.compile(pattern, re.ASCII)
    except re.error:
        return None


def _text(name: str, shape: Mapping[str, Any]) -> Callable[[Any, Trail, list[Fault]], bool]:
    least, most = shape.get("min", 0), shape.get("max")
    pattern = shape.get("pattern", "")
    enum = frozenset(shape.get("enum", ()))

    def check(value: Any, trail: Trail, found: list[Fault]) -> bool:
        if not isinstance(value, str):
            return False
        if len(value) < least:
            found.append(_length("too-short", trail, value, f"at least {least}"))
        elif most is not None and len(value) > most:
            found.append(_length("too-long", trail, value, f"at most {most}"))
        elif enum and value not in enum:
            message = f"{described(value)} is none of the known values of {name}.{did_you_mean(value, enum)}"
            found.append(Fault("warning", "unknown-value", trail, message))
        elif pattern and len(value) <= _MAX_FOR_PATTERN and not _matches(pattern, value):
            message = f"{described(value)} does not match the service's pattern {pattern}"
            found.append(Fault("error", "pattern", trail, message))
        return True

    return check


@lru_cache(maxsize=4096)
def _matches(pattern: str, value: str) -> bool:
    """Whether a text fits; the same roles, images and names come again and again in one definition."""
    compiled = compiled_pattern(pattern)
    return compiled is None or compiled.fullmatch(value) is not None


def _number(shape: Mapping[str, Any], types: tuple[type, ...]) -> Callable[[Any, Trail, list[Fault]], bool]:
    least, most = shape.get("min"), shape.get("max")

    def check(value: Any, trail: Trail, found: list[Fault]) -> bool:
        if not isinstance(value, types) or isinstance(value, bool):
            return False
        if least is not None and value < least:
            found.append(Fault("error", "too-small", trail, f"{described(value)} is less than the minimum, {least}"))
        if most is not None and value > most:
            found.append(Fault("error", "too-large", trail, f"{described(value)} is more than the maximum, {most}"))
        return True

    return check


def _boolean(value: Any, _trail: Trail, _found: list[Fault]) -> bool:
    return isinstance(value, bool)


def _anything(value: Any, _trail: Trail, _found: list[Fault]) -> bool:
    """A timestamp: botocore itself parses almost everything."""
    return isinstance(value, str | int | float) and not isinstance(value, bool)


def _wrong_container(value: Any, trail: Trail, expected: str) -> Fault:
    if is_reference(value):
        message = f"a reference stands for one value, never for {expected}"
        return Fault(
            "error", "reference-for-container", trail, message, "write the members out, with references inside"
        )
    return Fault("error", "wrong-type", trail, f"it must be {expected}, not {described(value)}")


def _unknown_member(member: object, trail: Trail, known: Mapping[str, Any]) -> Fault:
    name = str(member)
    near = did_you_mean(name, known)
    fix = "" if near else f"members: {', '.join(sorted(known))}"
    return Fault("error", "unknown-member", (trail, member), f"{name!r} is no member of this request.{near}", fix)


def _report_empty(found: list[Fault], trail: Trail, text: str, severity: Literal["error", "warning"]) -> None:
    message = f"an empty container, {text}, says nothing, and the service refuses most of them"
    found.append(Fault(severity, "empty-container", trail, message, "leave the member out"))


def _count(code: str, trail: Trail, count: int, allowed: str) -> Fault:
    return Fault("error", code, trail, f"it has {count} entries; the service takes {allowed}")


def _length(code: str, trail: Trail, value: str, allowed: str) -> Fault:
    return Fault("error", code, trail, f"{described(value)} has {len(value)} characters; the service takes {allowed}")


def _scalar_fix(value: object, expected: str) -> str:
    if value is None:
        return "leave the member out"
    if expected == "text" and isinstance(value, bool):
        return f"write {str(value).lower()!r}"
    if expected == "text" and isinstance(value, int | float):
        return f"write '{described(value)}'"
    return ""
