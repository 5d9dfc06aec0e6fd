"""A definition with one of everything that a difference can be about, and how to change it."""

from __future__ import annotations

import copy
import json
import pathlib
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from fluentpipe import Pipeline
from fluentpipe.definition import Definition

ROLE = "arn:aws:iam::111122223333:role/SageMakerRole"
FOLDER = pathlib.Path(__file__).parents[1] / "definitions"
Document = dict[str, Any]


@lru_cache(maxsize=1)
def _document() -> str:
    pipe = (
        Pipeline("churn")
        .load_data("s3://my-bucket/churn.csv", label="churn")
        .preprocess()
        .train_xgboost(max_depth=8)
        .evaluate_performance()
        .require(min_auc=0.80)
        .register("churn-models")
    )
    document = copy.deepcopy(pipe.materialize(role=ROLE, bucket="my-bucket", region="us-east-1").document)
    training = step(document, "xgboost_training")
    training["CacheConfig"] = {"Enabled": True, "ExpireAfter": "P30D"}
    training["RetryPolicies"] = [
        {"ExceptionType": ["Step.SERVICE_FAULT", "Step.THROTTLING"], "MaxAttempts": 3, "IntervalSeconds": 5}
    ]
    training["Arguments"]["Tags"] = [{"Key": "team", "Value": "growth"}, {"Key": "cost", "Value": "7"}]
    training["Arguments"]["VpcConfig"] = {"SecurityGroupIds": ["sg-1", "sg-2"], "Subnets": ["subnet-1"]}
    training["Arguments"]["Environment"] = {"LOG": "info"}
    training["DependsOn"] = ["data_loading", "tabular_preprocessing"]
    document["Parameters"].append({"Name": "depth", "Type": "Integer", "DefaultValue": 6, "EnumValues": [6, 8]})
    conditions = step(document, "quality_gate")["Arguments"]["Conditions"]
    left = {"Get": "Parameters.depth"}
    conditions.append({"Type": "Not", "Condition": {"Type": "Equals", "LeftValue": left, "RightValue": 8}})
    either = [{"Type": "LessThan", "LeftValue": left, "RightValue": limit} for limit in (7, 9)]
    conditions.append({"Type": "Or", "Conditions": either})
    conditions.append({"Type": "In", "QueryValue": left, "Values": [6, 8]})
    return json.dumps(document)


def document() -> Document:
    """A fresh copy, to be changed."""
    found: Document = json.loads(_document())
    return found


def step(document: Document, name: str) -> dict[str, Any]:
    """A step of a document, in a branch or not."""
    pending = list(document["Steps"])
    while pending:
        each = pending.pop()
        if each["Name"] == name:
            found: dict[str, Any] = each
            return found
        pending += [*each["Arguments"].get("IfSteps", ()), *each["Arguments"].get("ElseSteps", ())]
    raise KeyError(name)


def loaded(document: Document) -> Definition:
    """The definition of a document, faulty or not."""
    return Definition("churn", document, diagnostics=())


def changed(change: Callable[[Document], object]) -> Definition:
    """The definition after a change."""
    found = document()
    change(found)
    return loaded(found)
