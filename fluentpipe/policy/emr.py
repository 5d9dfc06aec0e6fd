"""What steps of EMR and of EMR Serverless need: clusters and applications, the roles that these take, rules that tell of an end.

Actions and rules: AWS managed policy AmazonSageMakerPipelinesIntegrations. Of EMR Serverless: its user guide, "Job runtime roles", and
the service authorization reference.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import attrs

from fluentpipe.document import StepEntry
from fluentpipe.policy.document import Statement

if TYPE_CHECKING:
    from fluentpipe.policy.allowed import Arns

EMR_TYPES = frozenset(("EMR", "EMRServerless"))
ROLES = frozenset(
    ("RoleArn", "ExecutionRoleArn")
)  # members that name a role of the jobs of SageMaker, and of EMR another
EVERY = "*"  # in place of an id that only the run knows

_ON_CLUSTER = ("AddJobFlowSteps", "CancelSteps", "DescribeStep", "ListSteps", "DescribeCluster")
_RULE_OF_STEPS = "SageMakerPipelineExecutionEMRStepStatusUpdateRule"
_RULE_OF_CLUSTERS = "SageMakerPipelineExecutionEMRClusterStatusUpdateRule"
_RULES_OF_SERVERLESS = "SageMakerPipelineExecutionEMRServerless*"
_SERVERLESS_RULE_NOTE = (
    "the EventBridge rule by which Pipelines watches EMR Serverless has no published name; rules that begin with "
    f"{_RULES_OF_SERVERLESS[:-1]} are allowed"
)
# Member of a new cluster -> the role that EMR takes where none is said, and who is handed it; EMR API, RunJobFlow.
_HANDED = {
    "JobFlowRole": ("EMR_EC2_DefaultRole", "ec2.amazonaws.com"),
    "ServiceRole": ("EMR_DefaultRole", "elasticmapreduce.amazonaws.com"),
    "AutoScalingRole": ("", "elasticmapreduce.amazonaws.com"),
}
_SERVERLESS = "emr-serverless.amazonaws.com"


@attrs.define
class EmrNeeds:
    """What the EMR steps of a definition use."""

    clusters: set[str] = attrs.field(factory=set)  # ids
    applications: set[str] = attrs.field(factory=set)  # ids
    makes_clusters: bool = False
    makes_applications: bool = False
    tags: bool = False  # whether clusters, applications or jobs get tags
    handed: dict[str, set[str]] = attrs.field(factory=dict)  # service -> roles that it is handed, by ARN or name
    notes: set[str] = attrs.field(factory=set)


def take_emr(found: EmrNeeds, entry: StepEntry, texts: Callable[[Any, tuple[str, ...]], Iterator[str]]) -> None:
    """Gather what a step of EMR needs.

    Args:
        found: Where to.
        entry: A step of one of `EMR_TYPES`.
        texts: Says the texts that a value of a member may be, and notes what is not known.
    """
    arguments = entry.arguments
    if entry.type == "EMR":
        if "ClusterId" in arguments:
            found.clusters |= set(texts(arguments["ClusterId"], ("ClusterId",))) or {EVERY}
        if isinstance(config := arguments.get("ClusterConfig"), Mapping):
            found.makes_clusters = True
            found.tags |= bool(config.get("Tags"))
            for member, (usual, service) in _HANDED.items():
                names = set(texts(config[member], (member,))) if member in config else {usual} - {""}
                found.handed.setdefault(service, set()).update(names)
        return
    found.notes.add(_SERVERLESS_RULE_NOTE)
    if "ApplicationId" in arguments:
        found.applications |= set(texts(arguments["ApplicationId"], ("ApplicationId",))) or {EVERY}
    config, job = arguments.get("ApplicationConfig"), arguments.get("JobConfig")
    found.makes_applications |= config is not None
    found.tags |= any(isinstance(each, Mapping) and bool(each.get("tags")) for each in (config, job))
    role = arguments.get("ExecutionRoleArn")
    found.handed.setdefault(_SERVERLESS, set()).update(texts(role, ("ExecutionRoleArn",)) if role is not None else ())


def emr_statements(needs: EmrNeeds, types: set[str], arns: Arns) -> Iterator[Statement]:
    """What the pipeline's role needs for its EMR steps."""
    if "EMR" in types:
        yield from _cluster_statements(needs, arns)
    if "EMRServerless" in types:
        yield from _serverless_statements(needs, arns)
    for service, names in sorted(needs.handed.items()):
        if names:
            roles = tuple(sorted(_role(name, arns) for name in names))
            sid = "PassRoleTo" + {"ec2": "Ec2", "elasticmapreduce": "Emr"}.get(
                service.partition(".")[0], "EmrServerless"
            )
            yield Statement(sid, ("iam:PassRole",), roles, {"StringEquals": {"iam:PassedToService": service}})


def emr_watching(needs: EmrNeeds, types: set[str], arns: Arns) -> Iterator[Statement]:
    """What it takes to read the outcome of the EMR steps."""
    if "EMR" in types:
        ids = {EVERY} if needs.makes_clusters else needs.clusters or {EVERY}
        clusters = tuple(_arn(arns, "elasticmapreduce", f"cluster/{each}") for each in sorted(ids))
        yield Statement("WatchEmrSteps", ("elasticmapreduce:DescribeStep",), clusters)
    if "EMRServerless" in types:
        ids = {EVERY} if needs.makes_applications else needs.applications or {EVERY}
        runs = tuple(_arn(arns, "emr-serverless", f"/applications/{each}/jobruns/*") for each in sorted(ids))
        yield Statement("WatchJobRuns", ("emr-serverless:GetJobRun",), runs)


def _cluster_statements(needs: EmrNeeds, arns: Arns) -> Iterator[Statement]:
    actions = [f"elasticmapreduce:{action}" for action in _ON_CLUSTER]
    if needs.makes_clusters:
        reason = "elasticmapreduce:RunJobFlow has no resource"
        yield Statement("MakeCluster", ("elasticmapreduce:RunJobFlow",), ("*",), None, reason)
        actions += ["elasticmapreduce:TerminateJobFlows", *(["elasticmapreduce:AddTags"] if needs.tags else [])]
    ids = {EVERY} if needs.makes_clusters else needs.clusters or {EVERY}
    yield Statement(
        "Clusters", tuple(actions), tuple(_arn(arns, "elasticmapreduce", f"cluster/{each}") for each in sorted(ids))
    )
    rules = [_RULE_OF_STEPS] * bool(needs.clusters) + [_RULE_OF_CLUSTERS] * needs.makes_clusters
    yield _rules("WatchClusters", rules or [_RULE_OF_STEPS], arns)


def _serverless_statements(needs: EmrNeeds, arns: Arns) -> Iterator[Statement]:
    ids = sorted({EVERY} if needs.makes_applications else needs.applications or {EVERY})
    actions = ["StartJobRun", "GetApplication", "StartApplication"]
    if needs.makes_applications:
        reason = "emr-serverless:CreateApplication has no resource"
        yield Statement("MakeApplication", ("emr-serverless:CreateApplication",), ("*",), None, reason)
        actions += ["StopApplication", "DeleteApplication"]
    tagging = ["TagResource"] if needs.tags else []
    found = tuple(f"emr-serverless:{action}" for action in (*actions, *tagging))
    yield Statement("Applications", found, tuple(_arn(arns, "emr-serverless", f"/applications/{each}") for each in ids))
    found = tuple(f"emr-serverless:{action}" for action in ("GetJobRun", "CancelJobRun", *tagging))
    runs = tuple(_arn(arns, "emr-serverless", f"/applications/{each}/jobruns/*") for each in ids)
    yield Statement("JobRuns", found, runs)
    yield _rules("WatchJobRuns", [_RULES_OF_SERVERLESS], arns)


def _rules(sid: str, names: list[str], arns: Arns) -> Statement:
    actions = ("events:DescribeRule", "events:PutRule", "events:PutTargets")
    return Statement(sid, actions, tuple(_arn(arns, "events", f"rule/{name}") for name in names))


def _arn(arns: Arns, service: str, rest: str) -> str:
    return f"arn:{arns.partition}:{service}:{arns.region}:{arns.account}:{rest}"


def _role(name: str, arns: Arns) -> str:
    """A role by its ARN or name; an instance profile of EMR is named as its role."""
    if name.startswith("arn:"):
        return name.replace(":instance-profile/", ":role/")
    return f"arn:{arns.partition}:iam::{arns.account}:role/{name}"
