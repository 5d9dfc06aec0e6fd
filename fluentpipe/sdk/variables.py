"""What stands in a definition for a value of the run, as the SDK's own objects: references, functions, conditions."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from fluentpipe.document import GET, JOIN, JSON_GET, is_reference
from fluentpipe.errors import DefinitionError
from fluentpipe.sdk.installed import Sdk

_PLACE = re.compile(r"Steps\.([A-Za-z0-9\-_]+)\.(.+)", re.DOTALL)
_FILE = re.compile(r"Steps\.([A-Za-z0-9\-_]+)\.PropertyFiles\.(.+)", re.DOTALL)
_PART = re.compile(r"([A-Za-z_]\w*)|\[(\d+)\]|\['([^']*)'\]|\.", re.ASCII)
_COMPARISONS = ("Equals", "GreaterThan", "GreaterThanOrEqualTo", "LessThan", "LessThanOrEqualTo")


class Variables:
    """Turns references of a definition into objects of the SDK.

    Args:
        sdk: The installed one.
        parameters: The SDK's parameters by name.
        steps: The SDK's steps by name; may be filled later, as long as it is before a reference is asked for.
    """

    def __init__(self, sdk: Sdk, parameters: Mapping[str, Any], steps: Mapping[str, Any]) -> None:
        self.sdk = sdk
        self.parameters = parameters
        self.steps = steps

    def of(self, value: Any) -> Any:
        """A JSON value with the SDK's object in the place of every reference."""
        if is_reference(value):
            ((function, inside),) = value.items()
            readers: Mapping[str, Callable[[Any], Any]] = {GET: self._get, JOIN: self._join, JSON_GET: self._json_get}
            return readers[function](inside)
        if isinstance(value, Mapping):
            return {key: self.of(each) for key, each in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.of(each) for each in value]
        return value

    def condition(self, request: Mapping[str, Any]) -> Any:
        """A condition of a Condition step.

        Raises:
            DefinitionError: The SDK has no condition of that type.
        """
        kind = request.get("Type")
        if kind in _COMPARISONS:
            made = getattr(self.sdk, f"Condition{kind}")
            return made(left=self.of(request["LeftValue"]), right=self.of(request["RightValue"]))
        if kind == "In":
            return self.sdk.ConditionIn(value=self.of(request["QueryValue"]), in_values=self.of(request["Values"]))
        if kind == "Not":
            return self.sdk.ConditionNot(self.condition(request["Condition"]))
        if kind == "Or":
            return self.sdk.ConditionOr([self.condition(each) for each in request["Conditions"]])
        raise DefinitionError(f"{self.sdk!r} has no condition of type {kind!r}.", diagnostics=())

    def _get(self, text: str) -> Any:
        scope, _, name = text.partition(".")
        if scope == "Parameters" and name in self.parameters:
            return self.parameters[name]
        if scope == "Execution":
            return self.sdk.ExecutionVariable(name)
        if (found := _PLACE.fullmatch(text)) and found[1] in self.steps:
            return properties_at(self.sdk, self.steps[found[1]], found[2])
        raise DefinitionError(
            f"{text!r} leads to nothing in the definition, so the SDK has no object for it.",
            fix="check the definition: fluentpipe check FILE",
            diagnostics=(),
        )

    def _join(self, inside: Mapping[str, Any]) -> Any:
        return self.sdk.Join(on=inside.get("On", ""), values=self.of(inside["Values"]))

    def _json_get(self, inside: Mapping[str, Any]) -> Any:
        path = inside["Path"]
        if "S3Uri" in inside:
            uri = self.of(inside["S3Uri"])
            whole = uri if isinstance(uri, self.sdk.Join) else self.sdk.Join(values=[uri])  # it takes nothing else
            return self.sdk.JsonGet(s3_uri=whole, json_path=path)
        found = _FILE.fullmatch(inside["PropertyFile"]["Get"])
        if found is None or found[1] not in self.steps:
            raise DefinitionError(f"{inside!r} reads a file of no step of the definition.", diagnostics=())
        step = self.steps[found[1]]
        files = {each.name: each for each in getattr(step, "property_files", ())}
        # The step itself as well: by its name alone the SDK does not find one that stands in a branch.
        return self.sdk.JsonGet(
            step_name=step.name, property_file=files.get(found[2], found[2]), json_path=path, step=step
        )


def properties_at(sdk: Sdk, step: Any, path: str) -> Any:
    """The SDK's `Properties` of a step at a property path, as `step.properties.A.B['c']` gives it.

    A path that the SDK does not know, as of a newer API, is made a `Properties` all the same.
    """
    try:
        here = _walked(step.properties, path)
    except (AttributeError, KeyError, TypeError):
        here = None
    if isinstance(here, sdk.Properties) and here.path == path:
        return here
    return sdk.Properties(step_name=step.name, path=path, step=step)


def _walked(here: Any, path: str) -> Any:
    for name, index, key in (match.groups() for match in _PART.finditer(path)):
        if name:
            here = here[name] if isinstance(here, dict) else getattr(here, name)
        elif index or key:
            here = here[int(index) if index else key]
    return here


def parameter(sdk: Sdk, declared: Mapping[str, Any]) -> Any:
    """A declared parameter as an object of the SDK."""
    name, default = declared["Name"], declared.get("DefaultValue")
    if declared.get("Type") == "String":
        return sdk.ParameterString(name, default, list(declared.get("EnumValues", ())) or None)
    if declared.get("Type") == "Integer":
        return sdk.ParameterInteger(name, default)
    if declared.get("Type") == "Float":  # whose default may be written as 1
        return sdk.ParameterFloat(name, float(default) if isinstance(default, int) else default)
    return sdk.ParameterBoolean(name, default_value=default)
