"""Which outputs the steps of a definition have, by what names, and at which property paths.

A step of ours says it in its contract. For any other definition the names are the usual ones: the outputs of a processing
job have names of their own, and a job of another type has the few that everybody asks for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import attrs

from fluentpipe.contract import StepContract
from fluentpipe.definition import Definition, StepEntry

# Type of the step -> name of the output -> property path (developer guide, "Data structure for pipeline properties").
_USUAL: Mapping[str, Mapping[str, str]] = {
    "Training": {"model_artifacts": "ModelArtifacts.S3ModelArtifacts", "training_job_name": "TrainingJobName"},
    "Transform": {"predictions": "TransformOutput.S3OutputPath"},
    "Tuning": {
        "model_artifacts": "{TrainingJobDefinition.OutputDataConfig.S3OutputPath}/{BestTrainingJob.TrainingJobName}/output/model.tar.gz",
        "tuning_job_name": "HyperParameterTuningJobName",
        "best_training_job_name": "BestTrainingJob.TrainingJobName",
        "best_objective": "BestTrainingJob.FinalHyperParameterTuningJobObjectiveMetric.Value",
    },
    "Model": {"model_name": "ModelName"},
    "RegisterModel": {"model_package_arn": "ModelPackageArn"},
    "AutoML": {"best_candidate": "BestCandidate.CandidateName"},
    "Condition": {"outcome": "Outcome"},
    "Fail": {"error_message": "ErrorMessage"},
    "EndpointConfig": {"endpoint_config_name": "EndpointConfigName"},
    "Endpoint": {"endpoint_name": "EndpointName"},
    "EMR": {"step_id": "StepId"},
    "QualityCheck": {
        "statistics": "CalculatedBaselineStatistics",
        "constraints": "CalculatedBaselineConstraints",
        "used_statistics": "BaselineUsedForDriftCheckStatistics",
        "used_constraints": "BaselineUsedForDriftCheckConstraints",
    },
    "ClarifyCheck": {
        "constraints": "CalculatedBaselineConstraints",
        "used_constraints": "BaselineUsedForDriftCheckConstraints",
    },
}

_SCHEDULER = "amazon_sagemaker_scheduler"  # the entry point of a training that executes a notebook
_NOTEBOOK = "{OutputDataConfig.S3OutputPath}/{TrainingJobName}/output/output.tar.gz"


@attrs.frozen
class Declared:
    """One output of one step."""

    name: str
    path: str  # property path below the step, or several in braces, as in an OutputSpec
    json_file: str = ""  # of its files, the one that holds JSON


Outputs = Mapping[str, Mapping[str, Declared]]
"""Step -> output -> what is declared."""


def declared_outputs(definition: Definition, contracts: Mapping[str, StepContract] | None = None) -> Outputs:
    """The outputs of every step of a definition.

    Args:
        definition: Of anybody's making.
        contracts: Step -> its contract, where it is known; its names go before the usual ones.
    """
    known = contracts or {}
    return {
        entry.name: {each.name: each for each in (*_usual(entry), *_contracted(known.get(entry.name)))}
        for entry in definition.steps()
        if entry.name
    }


def _contracted(contract: StepContract | None) -> Iterator[Declared]:
    for spec in contract.outputs if contract else ():
        yield Declared(spec.name, spec.path, spec.property_file)


def _usual(entry: StepEntry) -> Iterator[Declared]:
    algorithm = entry.arguments.get("AlgorithmSpecification")
    if isinstance(algorithm, Mapping) and algorithm.get("ContainerEntrypoint") == [_SCHEDULER]:
        yield Declared("executed_notebook", _NOTEBOOK)
    for name, path in _USUAL.get(entry.type, {}).items():
        yield Declared(name, path)
    config = entry.arguments.get("ProcessingOutputConfig")
    files = {each.get("OutputName"): each.get("FilePath") for each in _objects(entry.request.get("PropertyFiles"))}
    for each in _objects(config.get("Outputs") if isinstance(config, Mapping) else None):
        if isinstance(output := each.get("OutputName"), str) and "'" not in output:
            path = f"ProcessingOutputConfig.Outputs['{output}'].S3Output.S3Uri"
            yield Declared(output, path, str(files.get(output) or ""))
    for each in _objects(entry.request.get("OutputParameters")):  # of Lambda and Callback steps
        if isinstance(output := each.get("OutputName"), str) and "'" not in output:
            yield Declared(output, f"OutputParameters['{output}']")


def _objects(value: object) -> Iterable[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list | tuple) else ()
