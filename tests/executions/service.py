"""A loopback server that speaks JSON 1.1 as SageMaker and CloudWatch Logs do, driven by a script of states.

moto has no step lists, no stop and no retry. Every request is held against botocore's input shape and every answer against
its output shape; what does not fit is a fault, and a fault fails the test.
"""

# ruff: noqa: N802, N803  # operations and their members have the names that the service gives them

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import attrs
import botocore.session
from botocore.model import ServiceModel
from botocore.validate import ParamValidator

from fluentpipe.definition import Definition
from fluentpipe.run.values import Values

ACCOUNT, REGION = "111122223333", "us-east-1"
START = datetime(2026, 11, 2, 10, 0, tzinfo=timezone.utc)
_PAGE = 3  # items of one answer, so that every list has pages
_SERVICES = {"SageMaker": "sagemaker", "Logs_20140328": "logs"}
_MEMBERS = {
    "Processing": ("ProcessingJob", "processing-job"),
    "Training": ("TrainingJob", "training-job"),
    "RegisterModel": ("RegisterModel", "model-package"),
}


def models() -> dict[str, ServiceModel]:
    loader = botocore.session.Session().get_component("data_loader")
    return {name: ServiceModel(loader.load_service_model(name, "service-2"), name) for name in _SERVICES.values()}


class Refused(Exception):
    """An error that the service answers."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@attrs.define
class Frame:
    """What the service says at one look."""

    status: str
    steps: dict[str, str]  # step -> StepStatus; those that are not named are not listed
    reason: str = ""  # of the execution
    reasons: dict[str, str] = attrs.field(factory=dict)  # of steps
    more: dict[str, dict[str, Any]] = attrs.field(factory=dict)  # step -> further members of its item


@attrs.define
class Running:
    """One execution."""

    arn: str
    request: dict[str, Any]
    frames: list[Frame]
    definition: str
    at: int = 0

    @property
    def frame(self) -> Frame:
        return self.frames[min(self.at, len(self.frames) - 1)]


@attrs.define
class Service:
    """The state of the service. `frames` is what the next execution goes through, one a look."""

    definition: Definition
    frames: list[Frame]
    executions: list[Running] = attrs.field(factory=list)
    logs: dict[str, dict[str, list[str]]] = attrs.field(factory=dict)  # group -> stream -> lines
    calls: list[tuple[str, dict[str, Any]]] = attrs.field(factory=list)
    faults: list[str] = attrs.field(factory=list)
    refuse: dict[str, Refused] = attrs.field(factory=dict)  # operation -> what it answers
    breaks: set[int] = attrs.field(factory=set)  # numbers of calls, from 0, that get no answer
    lost: set[int] = attrs.field(factory=set)  # the same, but what they ask for is done
    after: Callable[[str], None] = lambda operation: None
    url: str = ""
    models: dict[str, ServiceModel] = attrs.field(factory=models)
    lock: threading.Lock = attrs.field(factory=threading.Lock)

    def names(self) -> list[str]:
        """Operations that were called, in order."""
        return [name for name, _ in self.calls]

    # ---- the protocol ------------------------------------------------------------------------------------------------

    def answer(self, target: str, request: dict[str, Any]) -> tuple[int, dict[str, Any]] | None:
        """Status and body; None for a connection that breaks."""
        prefix, _, operation = target.partition(".")
        model = self.models[_SERVICES[prefix]].operation_model(operation)
        with self.lock:
            number = len(self.calls)
            self.calls.append((operation, request))
            self._hold("request", operation, request, model.input_shape)
            if number in self.breaks:
                return None
            try:
                if operation in self.refuse:
                    raise self.refuse[operation]
                said = getattr(self, operation)(**request)
            except Refused as error:
                return 400, {"__type": error.code, "message": str(error)}
            except Exception as error:
                self.faults.append(f"{operation}: {type(error).__name__}: {error}")
                raise
            if model.output_shape is not None:
                self._hold("answer", operation, said, model.output_shape)
            self.after(operation)
            return None if number in self.lost else (200, said)

    def _hold(self, what: str, operation: str, value: Any, shape: Any) -> None:
        report = ParamValidator().validate(value, shape)
        if report.has_errors():
            self.faults.append(f"{what} of {operation}: {report.generate_report()}")

    # ---- SageMaker ---------------------------------------------------------------------------------------------------

    def DescribePipeline(self, PipelineName: str) -> dict[str, Any]:
        self._known(PipelineName)
        return {
            "PipelineArn": self._arn(), "PipelineName": self.definition.name, "PipelineStatus": "Active",
            "PipelineDefinition": self.definition.to_json(), "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/Role",
        }  # fmt: skip

    def StartPipelineExecution(self, PipelineName: str, ClientRequestToken: str, **request: Any) -> dict[str, Any]:
        self._known(PipelineName)
        same = [each for each in self.executions if each.request["ClientRequestToken"] == ClientRequestToken]
        if not same:
            arn = f"{self._arn()}/execution/exec{len(self.executions):08}"
            frames = [Frame(each.status, each.steps, each.reason, each.reasons, each.more) for each in self.frames]
            same = [
                Running(arn, {**request, "ClientRequestToken": ClientRequestToken}, frames, self.definition.to_json())
            ]
            self.executions += same
        return {"PipelineExecutionArn": same[0].arn}

    def DescribePipelineExecution(self, PipelineExecutionArn: str) -> dict[str, Any]:
        found = self._execution(PipelineExecutionArn)
        frame, found.at = found.frame, min(found.at + 1, len(found.frames))
        found.at -= 1  # what is listed now is of the same look
        said = {
            "PipelineArn": self._arn(), "PipelineExecutionArn": found.arn, "PipelineExecutionStatus": frame.status,
            "CreationTime": START, "LastModifiedTime": START + timedelta(seconds=90),
        }  # fmt: skip
        return said | ({"FailureReason": frame.reason} if frame.reason else {})

    def ListPipelineExecutionSteps(
        self, PipelineExecutionArn: str, MaxResults: int, SortOrder: str, NextToken: str = "0"
    ) -> dict[str, Any]:
        found = self._execution(PipelineExecutionArn)
        items = [self._item(found, name, status) for name, status in found.frame.steps.items()]
        page, more = items[int(NextToken) :][:_PAGE], int(NextToken) + _PAGE < len(items)
        if not more:
            found.at += 1
        return {"PipelineExecutionSteps": page} | ({"NextToken": str(int(NextToken) + _PAGE)} if more else {})

    def StopPipelineExecution(self, PipelineExecutionArn: str, ClientRequestToken: str) -> dict[str, Any]:
        found = self._execution(PipelineExecutionArn)
        steps = {name: "Stopped" if status == "Executing" else status for name, status in found.frame.steps.items()}
        found.frames[found.at :] = [Frame("Stopping", found.frame.steps), Frame("Stopped", steps)]
        return {"PipelineExecutionArn": found.arn}

    def RetryPipelineExecution(self, PipelineExecutionArn: str, ClientRequestToken: str, **_: Any) -> dict[str, Any]:
        found = self._execution(PipelineExecutionArn)
        steps = dict.fromkeys(found.frame.steps, "Succeeded")
        found.frames.append(Frame("Succeeded", steps))
        found.at = len(found.frames) - 1
        return {"PipelineExecutionArn": found.arn}

    def ListPipelineExecutions(self, PipelineName: str, NextToken: str = "0", **_: Any) -> dict[str, Any]:
        self._known(PipelineName)
        newest = [
            {"PipelineExecutionArn": each.arn, "StartTime": START, "PipelineExecutionStatus": each.frame.status}
            for each in reversed(self.executions)
        ]
        page, more = newest[int(NextToken) :][:_PAGE], int(NextToken) + _PAGE < len(newest)
        return {"PipelineExecutionSummaries": page} | ({"NextToken": str(int(NextToken) + _PAGE)} if more else {})

    def ListPipelineParametersForExecution(self, PipelineExecutionArn: str, MaxResults: int) -> dict[str, Any]:
        return {"PipelineParameters": self._execution(PipelineExecutionArn).request.get("PipelineParameters", [])}

    def DescribePipelineDefinitionForExecution(self, PipelineExecutionArn: str) -> dict[str, Any]:
        return {"PipelineDefinition": self._execution(PipelineExecutionArn).definition, "CreationTime": START}

    def DescribeTrainingJob(self, TrainingJobName: str) -> dict[str, Any]:
        request = self._request(TrainingJobName)
        place = request["OutputDataConfig"]["S3OutputPath"]
        return {
            **request, "TrainingJobName": TrainingJobName,
            "TrainingJobArn": f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:training-job/{TrainingJobName}",
            "ModelArtifacts": {"S3ModelArtifacts": f"{place}/{TrainingJobName}/output/model.tar.gz"},
            "TrainingJobStatus": "Completed", "SecondaryStatus": "Completed", "CreationTime": START,
            "TrainingTimeInSeconds": 63,
        }  # fmt: skip

    def DescribeProcessingJob(self, ProcessingJobName: str) -> dict[str, Any]:
        return {
            **self._request(ProcessingJobName), "ProcessingJobName": ProcessingJobName,
            "ProcessingJobArn": f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:processing-job/{ProcessingJobName}",
            "ProcessingJobStatus": "Completed", "CreationTime": START,
        }  # fmt: skip

    def DescribeModelPackage(self, ModelPackageName: str) -> dict[str, Any]:
        return {
            "ModelPackageName": "churn-models", "ModelPackageArn": ModelPackageName, "CreationTime": START,
            "ModelPackageStatus": "Completed", "ModelPackageStatusDetails": {"ValidationStatuses": []}, "ModelPackageVersion": 1,
        }  # fmt: skip

    # ---- CloudWatch Logs ---------------------------------------------------------------------------------------------

    def DescribeLogStreams(
        self, logGroupName: str, logStreamNamePrefix: str, nextToken: str = "0", **_: Any
    ) -> dict[str, Any]:
        if logGroupName not in self.logs:
            raise Refused("ResourceNotFoundException", "The specified log group does not exist.")
        names = [name for name in self.logs[logGroupName] if name.startswith(logStreamNamePrefix)]
        return {"logStreams": [{"logStreamName": name} for name in names]}

    def GetLogEvents(
        self, logGroupName: str, logStreamName: str, startFromHead: bool, limit: int = 10_000, nextToken: str = ""
    ) -> dict[str, Any]:
        lines = self.logs[logGroupName][logStreamName]
        limit = min(limit, 4)  # so that a log of five lines has pages
        if startFromHead:
            first = int(nextToken or "0")
            chosen, back = lines[first : first + limit], first
            forward = first + len(chosen)
        else:
            forward = int(nextToken) if nextToken else len(lines)
            back = max(0, forward - limit)
            chosen = lines[back:forward]
        events = [{"timestamp": 1, "message": line, "ingestionTime": 1} for line in chosen]
        return {"events": events, "nextForwardToken": str(forward), "nextBackwardToken": str(back)}

    # ---- what it knows -----------------------------------------------------------------------------------------------

    def _arn(self) -> str:
        return f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:pipeline/{self.definition.name}"

    def _known(self, pipeline: str) -> None:
        if pipeline not in (self.definition.name, self._arn()):
            raise Refused("ResourceNotFound", f"Pipeline '{pipeline}' does not exist.")

    def _execution(self, arn: str) -> Running:
        for each in self.executions:
            if each.arn == arn:
                return each
        raise Refused("ResourceNotFound", f"Pipeline execution with ARN {arn} does not exist.")

    def _item(self, execution: Running, name: str, status: str) -> dict[str, Any]:
        frame = execution.frame
        item: dict[str, Any] = {"StepName": name, "StepStatus": status, "StartTime": START, "AttemptCount": 1}
        if status in ("Succeeded", "Failed", "Stopped"):
            item["EndTime"] = START + timedelta(seconds=63)
        if name in frame.reasons:
            item["FailureReason"] = frame.reasons[name]
        kind = {entry.name: entry.type for entry in self.definition.steps()}[name]
        if kind in _MEMBERS:
            member, resource = _MEMBERS[kind]
            which = "churn-models/1" if kind == "RegisterModel" else job_name(execution.arn, name)
            item["Metadata"] = {member: {"Arn": f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:{resource}/{which}"}}
        elif kind == "Condition":
            item["Metadata"] = {"Condition": {"Outcome": "True"}} if status == "Succeeded" else {}
        elif kind == "Fail":
            item["Metadata"] = {"Fail": {"ErrorMessage": "auc 0.71 is below 0.8"}}
        return {**item, **frame.more.get(name, {})}

    def _request(self, job: str) -> dict[str, Any]:
        """The request of a job, with values for its references as the service puts them in."""
        for execution in self.executions:
            for entry in self.definition.steps():
                if job_name(execution.arn, entry.name) == job:
                    return self._values(execution).resolve(entry.arguments)
        raise Refused("ValidationException", f"Requested resource not found: {job}")

    def _values(self, execution: Running) -> Values:
        given = {each["Name"]: each["Value"] for each in execution.request.get("PipelineParameters", ())}
        defaults = {name: each.get("DefaultValue") for name, each in self.definition.parameters.items()}

        class Described(dict[str, Any]):
            def __missing__(inner, step: str) -> Any:  # noqa: N805
                kind = {entry.name: entry.type for entry in self.definition.steps()}[step]
                describe = self.DescribeTrainingJob if kind == "Training" else self.DescribeProcessingJob
                return describe(job_name(execution.arn, step))

            def __contains__(inner, step: object) -> bool:  # noqa: N805
                return True

        values = Values(
            {**defaults, **given}, {"PipelineExecutionId": execution.arn.rpartition("/")[2]}, no_file, no_file
        )
        values.documents = Described()
        return values


def no_file(*_: str) -> Any:
    raise AssertionError("no request reads a file")


def job_name(arn: str, step: str) -> str:
    return f"pipelines-{arn.rpartition('/')[2]}-{step.replace('_', '-')}"[:63]


@attrs.define
class Server:
    """The address, and whose state it serves."""

    url: str
    service: Service


def serve(service: Service) -> Iterator[Server]:
    """The server, as long as the generator is not closed."""
    served = Server("", service)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # head and body in one packet, or each answer waits 40 ms for an acknowledgement

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])) or b"{}")
            answered = served.service.answer(self.headers["X-Amz-Target"], body)
            if answered is None:
                self.close_connection = True
                return
            status, said = answered
            content = json.dumps(said, default=_epoch).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    served.url = f"http://127.0.0.1:{server.server_port}"
    yield served
    server.shutdown()
    thread.join()
    server.server_close()


def _epoch(value: Any) -> Any:
    assert isinstance(value, datetime)
    return value.timestamp()


def all_succeeded(definition: Definition) -> Mapping[str, str]:
    """Every step but those that end a run."""
    return {entry.name: "Succeeded" for entry in definition.steps() if entry.type != "Fail"}
