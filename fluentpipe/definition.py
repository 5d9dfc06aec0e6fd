"""A pipeline definition: loaded from anywhere, walked, checked, written.

The definition is the hinge of everything after the fluent chain: whoever made it (this library, the
SageMaker SDK, a person with an editor), it is read here, and run, deploy and show work on what this gives.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol, runtime_checkable

import attrs

from fluentpipe.assets import Asset, tree_sha256
from fluentpipe.bundle import read_bundle, write_bundle
from fluentpipe.check import Diagnostic, check, check_pipeline_name
from fluentpipe.document import Reference, StepEntry, references, walk_steps
from fluentpipe.errors import DefinitionError
from fluentpipe.flowchart import edges_of, mermaid
from fluentpipe.shapes import MAX_DEFINITION, MAX_PARAMETERS, MAX_STEPS

__all__ = ["Asset", "Definition", "Diagnostic", "Reference", "StepEntry", "references", "tree_sha256"]


@runtime_checkable
class Writer(Protocol):
    """What writes a definition as JSON: a `Pipeline` of the SageMaker Python SDK, of either version."""

    name: str

    def definition(self) -> str:
        """The JSON."""


def _found(definition: Definition) -> tuple[Diagnostic, ...]:
    return definition.check()


@attrs.frozen(eq=False, repr=False)
class Definition:
    """A pipeline definition of the service (JSON, version 2020-12-01) and what has to be uploaded for it.

    Two definitions are equal if their documents are, whatever the order of the keys.
    """

    name: str  # of the pipeline
    document: Mapping[str, Any]  # plain JSON data; do not change it
    assets: tuple[Asset, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = attrs.field(default=attrs.Factory(_found, takes_self=True))
    _entries: list[StepEntry] = attrs.field(factory=list, init=False)

    @classmethod
    def load(
        cls, source: str | Path | Mapping[str, Any] | Writer, *, name: str | None = None, strict: bool = True
    ) -> Definition:
        """Read a definition and check it.

        Args:
            source: A .json file, a bundle folder, JSON text that begins with `{`, the data itself, or a `Pipeline` of the
                SageMaker Python SDK, version 2 or 3.
            name: Of the pipeline; otherwise the SDK's or the bundle's, or made from the file's, or "pipeline".
            strict: Whether errors raise. Without it they are among the `diagnostics`.

        Raises:
            DefinitionError: It is no JSON object, or strict and it has errors, all of which are listed.
            FileNotFoundError: There is no such file.
        """
        assets: tuple[Asset, ...] = ()
        found = "pipeline"
        if isinstance(source, Mapping):
            document = _copied(source)
        elif isinstance(source, str) and source.lstrip().startswith("{"):
            document = parse(source, "the text")
        elif isinstance(source, Writer):
            # The SDK writes it, and with that uploads code if its session is one that reaches AWS.
            found, document = source.name, parse(source.definition(), f"the definition of {source!r}")
        elif (path := Path(source)).is_dir():
            found, text, assets_in = read_bundle(path)
            document = parse(text, str(path / "definition.json"))
            assets = assets_in(document)
        else:
            found = re.sub(r"[^A-Za-z0-9]+", "-", path.stem).strip("-") or found
            document = parse(path.read_bytes(), str(path))
        definition = cls(name or found, document, assets)
        return definition.raise_on_errors() if strict else definition

    def check(
        self,
        *,
        max_steps: int | None = MAX_STEPS,
        max_parameters: int | None = MAX_PARAMETERS,
        max_characters: int | None = MAX_DEFINITION,
    ) -> tuple[Diagnostic, ...]:
        """Every fault of the name and the document, errors and warnings; see `fluentpipe.check.check`."""
        faults = check(self.document, max_steps=max_steps, max_parameters=max_parameters, max_characters=max_characters)
        return (*check_pipeline_name(self.name), *faults)

    def raise_on_errors(self) -> Definition:
        """Return the definition itself if no diagnostic is an error.

        Raises:
            DefinitionError: Lists every error, one a line, with path and fix.
        """
        errors = [diagnostic for diagnostic in self.diagnostics if diagnostic.severity == "error"]
        if errors:
            count = "1 error" if len(errors) == 1 else f"{len(errors)} errors"
            raise DefinitionError(
                f"The definition of pipeline {self.name!r} has {count}.",
                *(str(diagnostic) for diagnostic in errors),
                diagnostics=self.diagnostics,
            )
        return self

    def steps(self) -> Iterator[StepEntry]:
        """Every step in the order of the JSON, a Condition step before those of its branches."""
        if not self._entries:
            self._entries.extend(walk_steps(self.document))
        return iter(self._entries)

    @property
    def parameters(self) -> Mapping[str, Mapping[str, Any]]:
        """The declared parameters: name -> declaration (Name, Type, DefaultValue, …), in their order."""
        declared = self.document.get("Parameters")
        if not isinstance(declared, list | tuple):
            return MappingProxyType({})
        named = [each for each in declared if isinstance(each, Mapping) and isinstance(each.get("Name"), str)]
        return MappingProxyType({each["Name"]: each for each in named})

    def to_json(self) -> str:
        """The document as it is sent to the service: ASCII, compact, keys sorted; equal for equal documents."""
        return json.dumps(self.document, sort_keys=True, separators=(",", ":"), allow_nan=False)

    def to_mermaid(self) -> str:
        """The graph of the steps as a Mermaid flowchart, text that GitHub and many wikis draw."""
        steps = {entry.name: entry.type for entry in self.steps() if entry.name}
        return mermaid(steps, edges_of(self.steps()))

    def write(self, folder: str | Path) -> Path:
        """Write a bundle: definition.json, bundle.json and the files of the assets; returns the folder.

        It appears at once or not at all. A bundle that is there is replaced, anything else is refused.

        Raises:
            FluentpipeError: The folder holds something else than a bundle; an asset is used nowhere, or its
                files changed since.
        """
        return write_bundle(Path(folder), self.name, self.document, self.assets)

    def asset_for(self, uri: str) -> tuple[Asset, str] | None:
        """The asset that a URI stands for, and the relative name of a file or folder in it (`""`: all of it)."""
        for asset in self.assets:
            if uri == asset.uri or uri.startswith(asset.uri + "/"):
                name = uri[len(asset.uri) + 1 :].rstrip("/")
                return (asset, name) if asset.covers(name) else None
        return None

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Definition):
            return NotImplemented
        return self.document is other.document or self.to_json() == other.to_json()

    def __hash__(self) -> int:
        return hash(self.to_json())

    def __repr__(self) -> str:
        steps = sum(1 for _ in self.steps())
        count = "1 step" if steps == 1 else f"{steps} steps"
        assets = "1 asset" if len(self.assets) == 1 else f"{len(self.assets)} assets"
        return f"<definition {self.name}: {count}, {assets}>"


def parse(text: str | bytes, where: str) -> dict[str, Any]:
    """JSON text as data, stricter than the json module: no key twice, no NaN, an object at the top.

    Raises:
        DefinitionError: Says where the text is no such JSON.
    """
    try:
        data = json.loads(text, object_pairs_hook=_once, parse_constant=_refused_constant)
    except RecursionError:
        raise DefinitionError(f"{where} is nested too deeply to be a pipeline definition.", diagnostics=()) from None
    except ValueError as error:
        raise DefinitionError(f"{where} is no JSON: {error}.", diagnostics=()) from error
    if not isinstance(data, dict):
        raise DefinitionError(f"{where} is JSON, but no object: a definition begins with {{.", diagnostics=())
    return data


def _copied(source: Mapping[str, Any]) -> dict[str, Any]:
    """A copy through JSON: what the service would see, and safe from later changes."""
    try:
        text = json.dumps(dict(source), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise DefinitionError(
            f"The mapping given is no plain JSON data: {error}.", fix="give the parsed JSON", diagnostics=()
        ) from error
    return parse(text, "the mapping")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = sorted({name for name in names if names.count(name) > 1})
        raise ValueError(f"an object has the key {twice[0]!r} twice")
    return found


def _refused_constant(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON number")
