"""The service's API model: the properties of steps, the shapes of requests, the limits.

The properties of a step are the members of the response that describes its job. Walking them must be
possible while a class is declared, without botocore, so they come from a compact table beside this
module, generated from botocore by `python -m fluentpipe.shapes`. In it a type is `str`, `int`, `float`,
`bool`, `timestamp`, the name of a structure, or one of these after `[]` (a list of) or `{}` (a map to).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

import attrs

from fluentpipe.errors import UnknownOutput, did_you_mean
from fluentpipe.request import OPERATIONS, Fault, check_request, operation_for

__all__ = [
    "OPERATIONS",
    "Fault",
    "Leaf",
    "Members",
    "Structures",
    "check_request",
    "members",
    "operation_for",
    "pieces",
    "property_request",
    "property_table",
    "step_types",
    "structures",
    "walk",
]

# Limits of the service. Unless said otherwise they are those of the API model (botocore 1.44.5).
MAX_PIPELINE_NAME = 82  # characters; the model says 256, CreatePipeline rejects more than 82
PIPELINE_NAME = r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,255}"  # PipelineName
MAX_STEP_NAME = 64  # characters; StepName
STEP_NAME = r"[A-Za-z0-9\-_]*"  # StepName
MAX_PARAMETER_NAME = 64  # characters; the published JSON schema of definitions
PARAMETER_NAME = r"[A-Za-z0-9\-_]*"  # the same schema
MAX_PARAMETER_VALUE = 1024  # characters; String1024, the value of a Parameter
MAX_ENUM_VALUES = 16  # of a parameter; developer guide, "Pipeline parameters"
MAX_DEFINITION = 1_048_576  # characters; PipelineDefinition
INLINE_DEFINITION = 102_400  # bytes; longer ones go through PipelineDefinitionS3Location
MAX_STEPS = 50  # quota, can be raised; service quotas of Pipelines
MAX_PARAMETERS = 200  # quota, can be raised; service quotas of Pipelines
MAX_PROCESSING_INPUTS = 10  # the service's own refusal; the model has no number
MAX_PROCESSING_OUTPUTS = 10  # ditto
PROCESSING_ROOT = "/opt/ml/processing/"  # every LocalPath of a processing job lies below it

TABLE = Path(__file__).with_name("_property_paths.json")

Members: TypeAlias = Mapping[str, str]
"""Member of a structure -> its type, written as in the table."""
Structures: TypeAlias = Mapping[str, Members]
"""Name of a structure -> its members."""
LeafType = Literal["str", "int", "float", "bool", "timestamp", "structure", "list", "map"]
SCALARS = frozenset(("str", "int", "float", "bool", "timestamp"))

_PART = re.compile(r"(?:^|\.)([A-Za-z_]\w*)|\[(\d+)\]|\['([^']*)'\]|\[\"([^\"]*)\"\]", re.ASCII)
_EMPTY: Mapping[str, str] = MappingProxyType({})


@attrs.frozen
class Leaf:
    """Where a property path of a step leads."""

    path: str  # canonical: "ProcessingOutputConfig.Outputs['train'].S3Output.S3Uri"
    type: LeafType
    keys: tuple[tuple[str, str | int], ...] = ()  # (path of the list or map, key or index), in order
    shape: str = ""  # name of the structure in the API model, for messages; "" for everything else


@lru_cache(maxsize=4096)
def walk(step_type: str, path: str) -> Leaf:
    """Follow a property path of a step of the service through the API model.

    Args:
        step_type: As in a definition: "Training", "Processing", …
        path: `ModelArtifacts.S3ModelArtifacts`, `ProcessingOutputConfig.Outputs['train'].S3Output.S3Uri`,
            `Outputs[0]`, `Outputs["train"]`; a leading `properties.` is dropped. Or several in a text; see `pieces`.

    Raises:
        UnknownOutput: A member does not exist (with a suggestion and the members there are), or the path
            is no path. It is an AttributeError.
    """
    text = path.removeprefix("properties.")
    if text.startswith("{"):
        return _walk_several(step_type, text)
    here, written, keys, position = _root(step_type), "", [], 0
    if not text:
        raise UnknownOutput("The property path is empty.", _listed(here, _table()[1]), path=path)
    while position < len(text):
        match = _PART.match(text, position)
        if match is None or text[0] == ".":
            raise _bad_syntax(step_type, path, text, position)
        position = match.end()
        name, index, *quoted = match.groups()
        if name is not None:
            here = _member(step_type, path, here, written, name)
            written = f"{written}.{name}" if written else name
        else:
            key: str | int = int(index) if index is not None else next(each for each in quoted if each is not None)
            here = _element(step_type, path, here, written, key)
            keys.append((written, key))
            written += f"[{key!r}]" if isinstance(key, int) or "'" not in key else f'["{key}"]'
    return Leaf(written, _leaf_type(here), tuple(keys), here if _leaf_type(here) == "structure" else "")


def pieces(path: str) -> tuple[tuple[str, bool], ...]:
    """The parts of the path of an output: text, and whether it is a property path.

    Mostly it is one property path. A place that the job's description does not hold as a whole is written with several,
    in braces: `{TrainingJobDefinition.OutputDataConfig.S3OutputPath}/{BestTrainingJob.TrainingJobName}/output/model.tar.gz`.
    """
    if not path.startswith("{"):
        return ((path, True),)
    return tuple(
        (part[1:-1], True) if part.startswith("{") and part.endswith("}") else (part, False)
        for part in re.findall(r"(\{[^{}]*\}|[^/{}]+(?:/[^/{}]+)*)(?:/|$)", path)
    )


def property_request(step: str, path: str) -> dict[str, Any]:
    """The reference to a property of a step, or to a text made of several, as a definition has it."""
    found = [(f"Steps.{step}.{text}" if is_path else text, is_path) for text, is_path in pieces(path)]
    if len(found) == 1:
        return {"Get": found[0][0]}
    return {"Std:Join": {"On": "/", "Values": [{"Get": text} if is_path else text for text, is_path in found]}}


def _walk_several(step_type: str, path: str) -> Leaf:
    found = pieces(path)
    if "/".join(f"{{{text}}}" if is_path else text for text, is_path in found) != path:
        raise UnknownOutput(
            f"The path {path!r} cannot be read.",
            fix="write property paths in braces and text with one / between them: {property.path}/model.tar.gz",
            path=path,
        )
    leaves = [walk(step_type, text) for text, is_path in found if is_path]
    for leaf in leaves:
        if leaf.type not in SCALARS:
            raise UnknownOutput(
                f"{leaf.path!r} of a {step_type} step is a {leaf.type}; text is made of single values.", path=path
            )
    return Leaf(path, "str", tuple(key for leaf in leaves for key in leaf.keys))


@lru_cache(maxsize=1024)
def members(step_type: str, path: str = "") -> Mapping[str, str]:
    """The members below a structure with their types, for completion; empty below anything else.

    Raises:
        UnknownOutput: As `walk`.
    """
    shapes = _table()[1]
    shape = walk(step_type, path).shape if path.removeprefix("properties.") else _root(step_type)
    found = shapes.get(shape, _EMPTY)
    return MappingProxyType({name: _leaf_type(found[name]) for name in sorted(found)})


def step_types() -> tuple[str, ...]:
    """The step types of the service whose properties are known, sorted."""
    return tuple(sorted(_table()[0]))


def structures() -> tuple[Mapping[str, str], Structures]:
    """The whole table: type of a step -> name of the structure that it starts from; and all structures."""
    return _table()


def property_table() -> dict[str, Any]:
    """Generate the table from the installed botocore; `_property_paths.json` holds its outcome."""
    from fluentpipe import _property_table

    return _property_table.property_table()


@lru_cache(maxsize=1)
def _table() -> tuple[Mapping[str, str], Mapping[str, Mapping[str, str]]]:
    """Step type -> name of its root structure; name of a structure -> member -> type."""
    table = json.loads(TABLE.read_text("ascii"))
    shapes: dict[str, Mapping[str, str]] = table["shapes"]
    roots: dict[str, str] = {}
    for step_type, names in table["steps"].items():
        merged = {member: kind for name in reversed(names) for member, kind in shapes[name].items()}
        roots[step_type] = names[0] if len(names) == 1 else f"{step_type}Properties"
        shapes[roots[step_type]] = merged
    return roots, shapes


def _root(step_type: str) -> str:
    roots = _table()[0]
    if step_type not in roots:
        raise UnknownOutput(
            f"Steps of type {step_type!r} have no known properties.{did_you_mean(step_type, roots)}",
            f"types with properties: {', '.join(sorted(roots))}",
            step_type=step_type,
        )
    return roots[step_type]


def _member(step_type: str, path: str, here: str, written: str, name: str) -> str:
    shapes = _table()[1]
    known = shapes.get(here, _EMPTY)
    if name in known:
        return known[name]
    if not known:
        what = {"list": "a list: choose an element, as in [0] or ['name']", "map": "a map: choose a key, as in ['key']"}
        headline = f"{written!r} of a {step_type} step is {what.get(_leaf_type(here), f'a {_leaf_type(here)}')}; it has no member {name!r}."
    else:
        place = f"{written!r} of a {step_type} step" if written else f"A {step_type} step"
        headline = f"{place} has no property {name!r}.{did_you_mean(name, known)}"
    raise UnknownOutput(headline, f"in path {path!r}", _listed(here, shapes), path=path, name=name)


def _element(step_type: str, path: str, here: str, written: str, key: str | int) -> str:
    if here.startswith("{}") and isinstance(key, str):
        return here[2:]
    if here.startswith("[]") and (isinstance(key, int) or here[2:] in _table()[1]):
        return here[2:]
    takes = {"list": "takes a number: its elements have no names", "map": "takes a key in quotes"}
    why = takes.get(_leaf_type(here), f"is a {_leaf_type(here)} and cannot be indexed")
    raise UnknownOutput(f"{written!r} of a {step_type} step {why}; got [{key!r}].", f"in path {path!r}", path=path)


def _leaf_type(kind: str) -> LeafType:
    if kind in SCALARS:
        return kind  # type: ignore[return-value] # narrowed by the set just above
    return "list" if kind.startswith("[]") else "map" if kind.startswith("{}") else "structure"


def _listed(here: str, shapes: Mapping[str, Mapping[str, str]]) -> str:
    names = sorted(shapes.get(here, ()))
    return f"members: {', '.join(names)}" if names else ""


def _bad_syntax(step_type: str, path: str, text: str, position: int) -> UnknownOutput:
    return UnknownOutput(
        f"{path!r} is no property path of a {step_type} step: it cannot be read from {text[position:]!r} on.",
        fix="write names with dots between them, and list keys as ['name'] or [0]",
        path=path,
    )


if __name__ == "__main__":  # pragma: no cover - run by hand after an upgrade of botocore
    from fluentpipe import _property_table

    TABLE.write_text(_property_table.render(), "ascii")
