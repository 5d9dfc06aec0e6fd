"""The values of an execution's outputs: the documents of its steps, walked by property path; files, downloaded."""

from __future__ import annotations

import functools
import posixpath
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from fluentpipe.errors import RunError, SourceError
from fluentpipe.executions.documents import document_of
from fluentpipe.outcome.asked import known_step
from fluentpipe.outcome.values import no_value
from fluentpipe.run.home import home_folder
from fluentpipe.run.paths import folder_name, inside, look_up
from fluentpipe.run.placing import Placed
from fluentpipe.run.s3 import S3
from fluentpipe.run.values import Values

if TYPE_CHECKING:
    from fluentpipe.executions.execution import Execution


class _Documents(Mapping[str, Mapping[str, Any]]):
    """Step -> its document; asked for once, when it is needed, and kept, since a step that succeeded does not change."""

    def __init__(self, execution: Execution) -> None:
        self._execution = execution
        self._known: dict[str, Mapping[str, Any]] = {}

    def __getitem__(self, step: str) -> Mapping[str, Any]:
        if step not in self._known:
            execution = self._execution
            found = known_step(execution.steps, step, execution.label)
            if found.state != "Succeeded":
                raise no_value(step, found.state, execution.label, found.reason)
            self._known[step] = document_of(found, execution.call)
        return self._known[step]

    def __contains__(self, step: object) -> bool:
        return step in self._known or step in self._execution.step_types

    def __iter__(self) -> Iterator[str]:
        return iter(self._execution.step_types)

    def __len__(self) -> int:
        return len(self._execution.step_types)


@attrs.define(eq=False)
class ExecutionValues:
    """The `ValueSource` of an execution on SageMaker."""

    execution: Execution
    home: Path = attrs.field(factory=lambda: home_folder(None))

    @property
    def label(self) -> str:
        """Of the execution, for messages."""
        return self.execution.label

    def type_of(self, step: str) -> str:
        """Type of a step in the definition."""
        return self.execution.step_types.get(step, "")

    def inside(self, content: Any, path: str, where: str) -> Any:
        """What stands in JSON data at a path."""
        return look_up(content, path, where)

    def resolve(self, value: Any) -> Any:
        """JSON data with every reference in it replaced."""
        return self._values.resolve(value)

    def fetch(self, place: str, step: str, output: str, folder: Path | None) -> Path:
        """Download an object, or all below a prefix; what came before and did not change is not downloaded again."""
        mirror = S3(self.home / "s3", lambda _line: None, self.execution.account.client("s3"))
        if folder is None:
            of_run = self.home / "executions" / folder_name(self.execution.id, "execution")
            folder = of_run / folder_name(step, "step") / folder_name(output, "output")
        try:
            found = mirror.find(place)
            if found is None or not found.files:
                raise SourceError(f"There is nothing at {place!r}.", fix="see what the job wrote: its log", uri=place)
            Placed().place(found, folder)
        finally:
            mirror.release()
        return inside(folder, next(iter(found.files))) if found.is_object else folder

    @functools.cached_property
    def _values(self) -> Values:
        execution, said = self.execution, self.execution.describe()
        variables = {
            "PipelineName": execution.name,
            "PipelineArn": said["PipelineArn"],
            "PipelineExecutionId": execution.id,
            "PipelineExecutionArn": execution.arn,
            "StartDateTime": said["CreationTime"].isoformat(),
        }
        documents: Any = _Documents(execution)  # filled as it is asked, where a run here fills a dictionary
        return Values(execution.parameters, variables, self._property_file, self._file_at, documents)

    def _property(self, step: str, path: str) -> Any:
        return look_up(self._values.documents[step], path, f"Step {step!r}")

    def _file_at(self, uri: str) -> Path:
        return self.fetch(uri, "json", posixpath.basename(uri), None)

    def _property_file(self, step: str, name: str) -> Path:
        entry = next((each for each in self.execution.definition.steps() if each.name == step), None)
        for declared in entry.request.get("PropertyFiles", ()) if entry else ():
            if declared.get("PropertyFileName") == name:
                output = str(declared["OutputName"])
                place = self._property(step, f"ProcessingOutputConfig.Outputs['{output}'].S3Output.S3Uri")
                return self.fetch(f"{str(place).rstrip('/')}/{declared['FilePath']}", step, output, None)
        raise RunError(f"Step {step!r} declares no property file {name!r}.", fix="add it to its PropertyFiles")
