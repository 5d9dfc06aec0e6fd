"""The values of a finished run's outputs: the job's request and what the service would say of it, read from the run's folder.

What an S3 URI stands for is a file or a folder of the run; so the value of an output that is data is its path here.
"""

from __future__ import annotations

import functools
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs

from fluentpipe.definition import Definition, StepEntry
from fluentpipe.errors import RunError, SourceError
from fluentpipe.outcome.values import no_value
from fluentpipe.run.conditions import judge
from fluentpipe.run.execution import JOBS, execution_variables, job_name
from fluentpipe.run.job import ACCOUNT, JobRequest
from fluentpipe.run.paths import inside, look_up
from fluentpipe.run.placing import Placed
from fluentpipe.run.result import Run
from fluentpipe.run.storage import Found, Outputs
from fluentpipe.run.values import Values


class Documents(Mapping[str, Mapping[str, Any]]):
    """Step -> what the Describe operation of its job would say; made when it is asked for.

    Args:
        values: Of the run whose steps these are.
    """

    def __init__(self, values: LocalValues) -> None:
        self._values = values
        self._known: dict[str, Mapping[str, Any]] = {}

    def __getitem__(self, step: str) -> Mapping[str, Any]:
        if step not in self._known:
            self._known[step] = self._values.document(step)
        return self._known[step]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values.run.steps)

    def __len__(self) -> int:
        return len(self._values.run.steps)


@attrs.define(eq=False)
class LocalValues:
    """The `ValueSource` of a run on this machine."""

    run: Run
    definition: Definition = attrs.field(init=False)
    _manifest: Mapping[str, Any] = attrs.field(init=False)
    _entries: Mapping[str, StepEntry] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._manifest = _json(self.run.path / "run.json")
        self.definition = Definition(self.run.name, _json(self.run.path / "definition.json"), (), ())
        self._entries = {entry.name: entry for entry in self.definition.steps()}

    @property
    def label(self) -> str:
        """Of the run, for messages."""
        return f"run {self.run.id}"

    def type_of(self, step: str) -> str:
        """Type of a step in the definition."""
        return self._entries[step].type

    def inside(self, content: Any, path: str, where: str) -> Any:
        """What stands in JSON data at a path."""
        return look_up(content, path, where)

    def resolve(self, value: Any) -> Any:
        """JSON data with every reference in it replaced; an S3 URI that is an output of the run, by its path here."""
        return self._here(self._values.resolve(value))

    def fetch(self, place: str, step: str, output: str, folder: Path | None) -> Path:
        """The file or the folder of the run; a copy in `folder` if one is given."""
        path = Path(place)
        if not path.exists():
            raise SourceError(
                f"What step {step!r} made as {output!r} is gone: {place} is not there.", fix="run the pipeline again"
            )
        if folder is None:
            return path
        if path.is_file():
            folder.mkdir(parents=True, exist_ok=True)
            return Path(shutil.copyfile(path, inside(folder, path.name)))
        files = {each.relative_to(path).as_posix(): each for each in sorted(path.rglob("*")) if each.is_file()}
        Placed().place(Found(place, False, files), folder)
        return folder

    def document(self, step: str) -> Mapping[str, Any]:
        """What the Describe operation of a step's job would say.

        Raises:
            NoValue: The step has not finished, failed, or was not executed.
        """
        found = self.run.steps[step]
        if found.state != "Succeeded":
            raise no_value(step, found.state, self.label, found.reason)
        make = _DOCUMENTS.get(found.type)
        if make is None and "answered" in self.facts(step):  # by a function that stood in for it
            return dict(self.facts(step)["answered"])
        if make is None:
            raise RunError(f"Step {step!r} is a {found.type}, of which a run here knows no values.", step=step)
        return make(self, self._entries[step])

    def job(self, step: str) -> JobRequest:
        """The job of a finished step, with its request as it was."""
        facts = self._manifest["steps"][step]
        request = _json(self.run.path / "steps" / step / "job.json")
        return JOBS[facts["type"]](step, facts["job"], request)

    def facts(self, step: str) -> Mapping[str, Any]:
        """What the manifest says of a step."""
        found: Mapping[str, Any] = self._manifest["steps"][step]
        return found

    def holds(self, entry: StepEntry) -> bool:
        """Whether a condition held: judged again, on the same values."""
        return all(judge(each, self._values).holds for each in entry.arguments["Conditions"])

    @functools.cached_property
    def _values(self) -> Values:
        variables = execution_variables(self.run.name, self.run.id.rpartition("-")[2], self._manifest["started"])
        documents: Any = Documents(self)  # made one by one, where a run as it goes on fills a dictionary
        return Values(self._manifest["parameters"], variables, self._property_file, self._file_at, documents)

    @functools.cached_property
    def _places(self) -> Outputs:
        """S3 URI -> where it lies here, of every finished job."""
        places = Outputs()
        for step in self.run.steps.values():
            if step.type in JOBS and step.state == "Succeeded":
                made = {
                    name: path.relative_to(self._folder(step.name)).as_posix() for name, path in step.outputs.items()
                }
                for uri, path in self.job(step.name).places(made).items():
                    places.publish(uri, self._folder(step.name) / path)
            for uri, path in self.facts(step.name).get("places", {}).items():  # of a function that stood in
                places.publish(uri, inside(self._folder(step.name), path))
        return places

    def _folder(self, step: str) -> Path:
        return self.run.path / "steps" / step

    def _here(self, value: Any) -> Any:
        if not isinstance(value, str) or not value.startswith("s3://"):
            return value
        for uri, path in self._places.published.items():
            if value == uri or value.startswith(uri + "/"):
                return str(inside(path, value[len(uri) + 1 :].rstrip("/")))
        return value

    def _file_at(self, uri: str) -> Path:
        return Path(self._here(uri))

    def _property_file(self, step: str, name: str) -> Path:
        self._values.documents[step]  # the step must have finished
        for declared in self._entries[step].request.get("PropertyFiles", ()):
            if declared.get("PropertyFileName") == name:
                return inside(self.run.steps[step].outputs[declared["OutputName"]], declared["FilePath"])
        raise RunError(f"Step {step!r} declares no property file {name!r}.", fix="add it to its PropertyFiles")


def _of_job(values: LocalValues, entry: StepEntry) -> Mapping[str, Any]:
    job, facts = values.job(entry.name), values.facts(entry.name)
    times = {f"{entry.type}StartTime": facts["started"], f"{entry.type}EndTime": facts["ended"]}
    billed = {"TrainingTimeInSeconds": round(facts["seconds"])} if entry.type == "Training" else {}
    created = {"CreationTime": facts["started"], "LastModifiedTime": facts["ended"]}
    folder = values.run.path / "steps" / entry.name
    return {**job.request, **job.describe(folder), **created, **times, **billed}


def _of_registration(values: LocalValues, entry: StepEntry) -> Mapping[str, Any]:
    group = values.resolve(entry.arguments.get("ModelPackageGroupName"))
    for model in values.run.models:
        if str(group).endswith(model.group) and (model.path / "package.json").is_file():
            return dict(_json(model.path / "package.json"))
    raise RunError(f"The version that step {entry.name!r} registered is not in the registry any more.")


def _of_model(values: LocalValues, entry: StepEntry) -> Mapping[str, Any]:
    name = job_name(values.run.id.rpartition("-")[2], entry.name)
    return {**values.resolve(entry.arguments), "ModelName": name, "ModelArn": f"{ACCOUNT}:model/{name}"}


def _of_condition(values: LocalValues, entry: StepEntry) -> Mapping[str, Any]:
    return {"Outcome": values.holds(entry)}


# Type of a step -> what the service would say of it. A type that runs here needs its line.
_DOCUMENTS: Mapping[str, Callable[[LocalValues, StepEntry], Mapping[str, Any]]] = {
    "Processing": _of_job,
    "Training": _of_job,
    "Tuning": _of_job,
    "Transform": _of_job,
    "Model": _of_model,
    "RegisterModel": _of_registration,
    "Condition": _of_condition,
}


def _json(file: Path) -> Any:
    try:
        return json.loads(file.read_bytes())
    except (OSError, ValueError) as error:
        raise SourceError(f"The run cannot be read: {file} ({error}).", fix="run the pipeline again") from error
