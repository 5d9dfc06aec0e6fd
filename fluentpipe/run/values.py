"""What a reference of a definition stands for while the pipeline runs.

References are objects with one key: `Get` (`Parameters.x`, `Execution.x`, `Steps.x.<property path>`),
`Std:Join` and `Std:JsonGet`. Everything else stands for itself.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import attrs

from fluentpipe.errors import RunError, did_you_mean
from fluentpipe.run.paths import look_up

_MAX_JSON = 64 << 20  # bytes of a property file; the service itself stops far below


@attrs.define
class Values:
    """Everything that references may get, as far as the run has come."""

    parameters: Mapping[str, Any]
    execution: Mapping[str, Any]  # Execution.<name>; times in ISO 8601, UTC
    property_file: Callable[[str, str], Path]  # (step, property file) -> the file here
    object_at: Callable[[str], Path]  # S3 URI of a file -> the file here
    documents: dict[str, Mapping[str, Any]] = attrs.field(factory=dict)  # finished step -> Describe response

    def resolve(self, value: Any, extra: Mapping[str, Any] | None = None) -> Any:
        """The value with every reference in it replaced.

        Args:
            value: JSON data of a definition.
            extra: Execution variables of the one job, such as `TrainingJobName`.

        Raises:
            RunError: A reference names something that is not there.
        """
        if isinstance(value, Mapping):
            if len(value) == 1:
                ((kind, inside),) = value.items()
                if kind == "Get" and isinstance(inside, str):
                    return self._get(inside, extra or {})
                if kind == "Std:Join" and isinstance(inside, Mapping):
                    parts = (as_text(self.resolve(part, extra)) for part in inside.get("Values", ()))
                    return as_text(inside.get("On", "")).join(parts)
                if kind == "Std:JsonGet" and isinstance(inside, Mapping):
                    return self._json_get(inside, extra)
            return {key: self.resolve(item, extra) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.resolve(item, extra) for item in value]
        return value

    def model(self, name: str) -> Mapping[str, Any]:
        """The CreateModel request of a model that a finished Model step made.

        Raises:
            RunError: None made one of the name.
        """
        found = {each["ModelName"]: each for each in self.documents.values() if "ModelArn" in each}
        made = _known(found, name, "model")
        return {key: value for key, value in made.items() if key not in ("ModelName", "ModelArn", "CreationTime")}

    def _get(self, text: str, extra: Mapping[str, Any]) -> Any:
        root, _, rest = text.partition(".")
        if root == "Parameters":
            return _known(self.parameters, rest, "pipeline parameter")
        if root == "Execution":
            return _known({**self.execution, **extra}, rest, "execution variable")
        step, _, path = rest.partition(".")
        if root != "Steps" or not path:
            raise RunError(f"The reference {text!r} is none of Parameters.x, Execution.x and Steps.x.<property>.")
        document = _known(self.documents, step, "finished step")
        return look_up(document, path, f"Step {step!r}")

    def _json_get(self, inside: Mapping[str, Any], extra: Mapping[str, Any] | None) -> Any:
        path = as_text(self.resolve(inside.get("Path", ""), extra))
        if "S3Uri" in inside:
            file = self.object_at(as_text(self.resolve(inside["S3Uri"], extra)))
        else:
            step, name = property_file_of(inside)
            file = self.property_file(step, name)
        return look_up(read_json(file), path, f"The file {file.name} of {self._origin(inside)} ({file})")

    @staticmethod
    def _origin(inside: Mapping[str, Any]) -> str:
        return "an S3 URI" if "S3Uri" in inside else "step {!r}, property file {!r}".format(*property_file_of(inside))


def property_file_of(json_get: Mapping[str, Any]) -> tuple[str, str]:
    """The step and the name of the property file that a Std:JsonGet reads.

    Raises:
        RunError: It is written otherwise than `{"Get": "Steps.<step>.PropertyFiles.<name>"}`.
    """
    written = json_get.get("PropertyFile")
    text = written.get("Get", "") if isinstance(written, Mapping) else ""
    parts = text.split(".", 3) if isinstance(text, str) else []
    if len(parts) != 4 or parts[0] != "Steps" or parts[2] != "PropertyFiles":
        raise RunError(
            f"Std:JsonGet reads {written!r}, which is no property file.",
            fix='write {"Get": "Steps.<step>.PropertyFiles.<name>"}',
        )
    return parts[1], parts[3]


def read_json(file: Path) -> Any:
    """The content of a JSON file.

    Raises:
        RunError: It is missing, too large, or no JSON.
    """
    if not file.is_file():
        there = sorted(path.name for path in file.parent.iterdir())[:12] if file.parent.is_dir() else []
        raise RunError(
            f"The JSON file {file.name!r} is not there.",
            f"looked for: {file}",
            f"in its folder: {', '.join(there) or 'nothing'}",
            fix="let the step write it, or correct FilePath of the property file",
        )
    if file.stat().st_size > _MAX_JSON:
        raise RunError(f"The JSON file {file} has more than {_MAX_JSON >> 20} MiB.")
    try:
        return json.loads(file.read_bytes())
    except (ValueError, RecursionError) as error:
        raise RunError(f"The file {file} is no JSON: {error}.") from error


def as_text(value: object) -> str:
    """A value as the service writes it into a text: `true`, `8`, `0.5`, the text itself."""
    if isinstance(value, str):
        return value
    return json.dumps(value, separators=(",", ":"), sort_keys=True)


def _known(there: Mapping[str, Any], name: str, what: str) -> Any:
    if name not in there:
        raise RunError(
            f"There is no {what} {name!r}.{did_you_mean(name, there)}",
            f"there are: {', '.join(sorted(there)) or 'none'}",
        )
    return there[name]
