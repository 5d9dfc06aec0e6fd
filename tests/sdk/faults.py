"""Faults that a program for the SageMaker SDK may have, each a change of one sound program; shared by faults_v2 and faults_v3.

In the table are those that at least one major of the SDK turns into a definition without a word. Nothing here needs
fluentpipe, so that write_fixtures.py can import it where the SDK is.
"""

from __future__ import annotations

import json
import pathlib
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

BUCKET = "my-bucket"
ROLE = "arn:aws:iam::111122223333:role/SageMakerRole"
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.0-5"
INSTANCE = "ml.m5.xlarge"
PLACE = "/opt/ml/processing"


class Program(NamedTuple):
    """What the program says; the defaults are a sound one."""

    parameter: str = "InputData"
    declared: bool = True  # whether the parameter is given to the pipeline
    default: str = "s3://my-bucket/raw"
    source: str = ""  # of the first step's input, instead of the parameter
    prepare: str = "Prepare"  # name of the first step
    outputs: tuple[str, ...] = ("train", "test")
    output_path: str = f"{PLACE}/train"  # of the first output
    inputs: int = 1
    arguments: tuple[str, ...] = ("--label", "churn")
    environment: Mapping[str, str] = {}
    expire: str = "P30D"  # how long results of the first step are kept
    instances: int = 1
    prepare_after: tuple[str, ...] = ()  # what the first step waits for
    train_from: Callable[[Any], Any] = lambda step: (
        step.properties.ProcessingOutputConfig.Outputs["train"].S3Output.S3Uri
    )
    model_to: str = "s3://my-bucket/models"
    hyperparameters: Mapping[str, str] = {"num_round": "20"}
    channels: tuple[str, ...] = ("train",)
    report_output: str = "test"  # the output that the property file is in
    report_declared: bool = True  # whether the step is told of the property file
    limit: Any = 0.8
    variable: str = "PipelineExecutionId"  # of the execution, in the failure's message
    cites_branch: bool = False  # whether that message has a property of a step of the other branch


class Fault(NamedTuple):
    """A fault, and what `fluentpipe check` says of it."""

    what: str
    change: Mapping[str, Any]
    code: str  # of the diagnostic
    said: str  # a part of its message


def _outputs(step: Any) -> Any:
    return step.properties.ProcessingOutputConfig.Outputs


FAULTS: Mapping[str, Fault] = {
    "misspelt output": Fault(
        "a misspelt output: `Outputs['trian']`",
        {"train_from": lambda step: _outputs(step)["trian"].S3Output.S3Uri},
        "unknown-output", "Step 'Prepare' declares no 'trian' in ProcessingOutputConfig.Outputs",
    ),
    "output by number": Fault(
        "an output by a number that there is not: `Outputs[7]`",
        {"train_from": lambda step: _outputs(step)[7].S3Output.S3Uri},
        "unknown-output", "declares 2 entries of ProcessingOutputConfig.Outputs; there is no [7]",
    ),
    "structure for a value": Fault(
        "a property path that stops early: `Outputs['train'].S3Output`",
        {"train_from": lambda step: _outputs(step)["train"].S3Output},
        "not-a-value", "is a structure; a reference stands for one value",
    ),
    "property of another job": Fault(
        "the channel of a processing job: `properties.ProcessingInputs['train']`",
        {"train_from": lambda step: step.properties.ProcessingInputs["train"].S3Input.S3Uri},
        "unknown-output", "declares no 'train' in ProcessingInputs",
    ),
    "undeclared parameter": Fault(
        "a parameter that the pipeline is not given",
        {"declared": False},
        "unknown-parameter", "There is no parameter 'InputData'",
    ),
    "long default": Fault(
        "a parameter's default that is too long",
        {"default": "x" * 1100},
        "parameter-value", "at most 1024 characters",
    ),
    "name of a parameter": Fault(
        "a parameter's name with a space",
        {"parameter": "Input Data"},
        "parameter-name", "may hold only letters, digits, '-' and '_'",
    ),
    "name of a step": Fault(
        "a step's name with a space",
        {"prepare": "Prepare data"},
        "step-name", "may hold only letters, digits, '-' and '_'",
    ),
    "long name of a step": Fault(
        "a step's name of more than 64 characters",
        {"prepare": "Prepare" * 10},
        "step-name", "at most 64 are allowed",
    ),
    "duplicate output": Fault(
        "two outputs of one name",
        {"outputs": ("train", "test", "test")},
        "duplicate-name", "OutputName 'test' is used twice",
    ),
    "path outside": Fault(
        "a LocalPath outside of /opt/ml/processing",
        {"output_path": "/tmp/train"},
        "local-path", "does not lie below /opt/ml/processing/",
    ),
    "same path twice": Fault(
        "two outputs with one LocalPath",
        {"output_path": f"{PLACE}/test"},
        "duplicate-path", "is used twice: one would hide the other",
    ),
    "many inputs": Fault(
        "more than ten inputs of a processing job",
        {"inputs": 11},
        "too-many", "the service takes at most 10",
    ),
    "long argument": Fault(
        "an argument of more than 256 characters",
        {"arguments": ("--columns", "column," * 60)},
        "too-long", "the service takes at most 256",
    ),
    "long variable": Fault(
        "an environment variable of more than 256 characters",
        {"environment": {"COLUMNS": "column," * 60}},
        "too-long", "the service takes at most 256",
    ),
    "no instance": Fault(
        "no instance: `instance_count=0`",
        {"instances": 0},
        "too-small", "less than the minimum, 1",
    ),
    "duration": Fault(
        "a duration that is none: `expire_after=\"30 days\"`",
        {"expire": "30 days"},
        "cache-config", "'30 days' is no ISO 8601 duration",
    ),
    "bucket name": Fault(
        "a bucket's name that S3 does not have",
        {"model_to": "s3://My_Bucket/models"},
        "s3-uri", "may hold only lower-case letters, digits, '-' and '.'",
    ),
    "double slash": Fault(
        "a double slash in an S3 URI",
        {"source": "s3://my-bucket//raw"},
        "s3-uri", "it has a double slash",
    ),
    "long hyperparameter": Fault(
        "a hyperparameter of more than 2,500 characters",
        {"hyperparameters": {"columns": "column," * 400}},
        "too-long", "the service takes at most 2500",
    ),
    "many hyperparameters": Fault(
        "more than a hundred hyperparameters",
        {"hyperparameters": {f"h{number}": "1" for number in range(101)}},
        "too-many", "it has 101 entries; the service takes at most 100",
    ),
    "duplicate channel": Fault(
        "two channels of one name",
        {"channels": ("train", "train")},
        "duplicate-name", "ChannelName 'train' is used twice",
    ),
    "name of a channel": Fault(
        "a channel's name with a space",
        {"channels": ("train data",)},
        "pattern", "does not match the service's pattern",
    ),
    "cycle": Fault(
        "steps that wait for each other",
        {"prepare_after": ("Train",)},
        "cycle", "Prepare",
    ),
    "output of a property file": Fault(
        "a property file in an output that there is not",
        {"report_output": "evaluatoin"},
        "unknown-output", "The step declares no output 'evaluatoin'",
    ),
    "missing property file": Fault(
        "a property file that its step does not declare",
        {"report_declared": False},
        "unknown-property-file", "declares no property file 'Report'",
    ),
    "nothing to compare": Fault(
        "a limit that is a list",
        {"limit": [0.8, 0.9]},
        "condition", "Conditions compare texts, numbers, booleans and references, not a list",
    ),
    "no limit": Fault(
        "a limit that is None",
        {"limit": None},
        "condition", "not null",
    ),
    "execution variable": Fault(
        "an execution variable that there is not",
        {"variable": "PipelineExecutionID"},
        "unknown-variable", "There is no execution variable 'PipelineExecutionID'. Did you mean 'PipelineExecutionId'?",
    ),
    "out of a branch": Fault(
        "a reference to a step of the other branch",
        {"cites_branch": True},
        "out-of-scope", "runs only in the If branch of condition 'Check'",
    ),
}  # fmt: skip


def written(program: Program, script: pathlib.Path, session: Any, sdk: Any) -> dict[str, Any]:
    """The definition that the SDK writes of a program; raises what the SDK raises.

    Args:
        program: What to write.
        script: The file that its processing jobs run.
        session: A `PipelineSession` that never calls out.
        sdk: A major's classes by their names, and what the majors say differently: `taken` and `made`, an input and an
            output of a processing job, and `trained`, the arguments of the training step.
    """
    parameter = sdk.ParameterString(program.parameter, default_value=program.default)
    source: Any = program.source or parameter

    def processor(environment: Any = None, instances: int = 1) -> Any:
        return sdk.ScriptProcessor(
            role=ROLE,
            image_uri=IMAGE,
            command=["python3"],
            instance_count=instances,
            instance_type=INSTANCE,
            env=dict(environment) if environment else None,
            sagemaker_session=session,
        )

    paths = [program.output_path, *(f"{PLACE}/{name}{index or ''}" for index, name in enumerate(program.outputs[1:]))]
    report = sdk.PropertyFile(name="Report", output_name=program.report_output, path="report.json")
    prepare = sdk.ProcessingStep(
        name=program.prepare,
        step_args=processor(program.environment, program.instances).run(
            code=str(script),
            inputs=[sdk.taken(f"input{index}", source) for index in range(program.inputs)],
            outputs=[sdk.made(name, path) for name, path in zip(program.outputs, paths, strict=True)],
            arguments=list(program.arguments),
        ),
        property_files=[report] if program.report_declared else None,
        cache_config=sdk.CacheConfig(enable_caching=True, expire_after=program.expire),
        depends_on=list(program.prepare_after) or None,
    )
    train = sdk.TrainingStep(name="Train", step_args=sdk.trained(program, prepare, session))
    model = train.properties.ModelArtifacts.S3ModelArtifacts
    evaluate = sdk.ProcessingStep(
        name="Evaluate",
        step_args=processor().run(
            code=str(script), inputs=[sdk.taken("model", model)], outputs=[sdk.made("scores", f"{PLACE}/scores")]
        ),
    )
    cited: list[Any] = [sdk.ExecutionVariable(program.variable)]
    if program.cites_branch:
        cited.append(evaluate.properties.ProcessingJobName)
    auc = sdk.JsonGet(step_name=prepare.name, property_file="Report", json_path="metrics.auc")
    failing = sdk.FailStep(name="AucTooLow", error_message=sdk.Join(on=" ", values=["too low in", *cited]))
    gate = sdk.ConditionStep(
        name="Check",
        conditions=[sdk.ConditionGreaterThanOrEqualTo(left=auc, right=program.limit)],
        if_steps=[evaluate],
        else_steps=[failing],
    )
    pipeline = sdk.Pipeline(
        name="faults",
        parameters=[parameter] if program.declared else [],
        steps=[prepare, train, gate],
        sagemaker_session=session,
    )
    found: dict[str, Any] = json.loads(pipeline.definition())
    return found
