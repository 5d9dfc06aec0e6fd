"""What has to be allowed for a definition's needs, to who deploys it and to the role that it runs with.

Actions and the resources that they may be narrowed to: service authorization reference of SageMaker, S3, ECR, CloudWatch
(Logs), EC2, KMS, Lambda, SQS and IAM; for EMR see `emr`. What the jobs need: SageMaker developer guide, "How to use SageMaker execution roles"
and "IAM Access Management" of Pipelines.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

import attrs

from fluentpipe.policy.document import Statement
from fluentpipe.policy.emr import emr_statements, emr_watching
from fluentpipe.policy.needs import Location, Needs

# Pipelines names its jobs pipelines-<execution>-<step>-<random>; developer guide, "IAM Access Management".
JOB_PREFIX = "pipelines-"
# Step type -> (kind of job in an ARN, name in the actions, whether one can be stopped)
JOBS: Mapping[str, tuple[str, str, bool]] = {
    "AutoML": ("automl-job", "AutoMLJob", True),
    "ClarifyCheck": ("processing-job", "ProcessingJob", True),
    "Model": ("model", "Model", False),
    "Processing": ("processing-job", "ProcessingJob", True),
    "QualityCheck": ("processing-job", "ProcessingJob", True),
    "Training": ("training-job", "TrainingJob", True),
    "Transform": ("transform-job", "TransformJob", True),
    "Tuning": ("hyper-parameter-tuning-job", "HyperParameterTuningJob", True),
}
LOG_GROUPS = {
    "processing-job": "ProcessingJobs",
    "training-job": "TrainingJobs",
    "transform-job": "TransformJobs",
    "hyper-parameter-tuning-job": "TrainingJobs",
    "automl-job": "ProcessingJobs",
}
_QUEUE = re.compile(r"https://sqs\.([a-z0-9-]+)\.[^/]+/(\d{12})/([^/]+)")
SERVICE = "sagemaker.amazonaws.com"


@attrs.frozen
class Arns:
    """Builds ARNs of an account in a region."""

    partition: str
    region: str
    account: str

    def sagemaker(self, kind: str, name: str) -> str:
        """The ARN of something of SageMaker; names stand in lower case there."""
        return f"arn:{self.partition}:sagemaker:{self.region}:{self.account}:{kind}/{name.lower()}"

    def objects(self, locations: Iterable[Location]) -> tuple[str, ...]:
        """Objects below prefixes; those that another one covers are left out."""
        found: set[str] = set()
        for each in widest(locations):
            found.add(f"arn:{self.partition}:s3:::{each.bucket}/{each.key}{'/*' if each.exact and each.key else '*'}")
        return tuple(sorted(found))

    def buckets(self, locations: Iterable[Location]) -> tuple[str, ...]:
        """The buckets themselves."""
        return tuple(sorted({f"arn:{self.partition}:s3:::{each.bucket}" for each in locations}))

    def log_group(self, name: str) -> str:
        """A log group of SageMaker's jobs, with its streams."""
        return f"arn:{self.partition}:logs:{self.region}:{self.account}:log-group:/aws/sagemaker/{name}:*"

    def key(self, name: str) -> str:
        """A key of KMS by its ARN, id or alias."""
        if name.startswith("arn:"):
            return name
        kind = "" if name.startswith("alias/") else "key/"
        return f"arn:{self.partition}:kms:{self.region}:{self.account}:{kind}{name}"


def widest(locations: Iterable[Location]) -> list[Location]:
    """The locations without those that another one covers."""
    unique = sorted(set(locations), key=lambda each: (each.bucket, each.key, each.exact))
    return [each for each in unique if not any(other != each and other.covers(each) for other in unique)]


def pass_role(roles: Iterable[str]) -> Statement:
    """Hand a role to SageMaker, and to no other service."""
    return Statement(
        "PassRole", ("iam:PassRole",), tuple(sorted(roles)), {"StringEquals": {"iam:PassedToService": SERVICE}}
    )


def for_deployer(name: str, needs: Needs, arns: Arns, bucket: str, default_bucket: str) -> Iterator[Statement]:
    """What it takes to deploy, start, watch and read the outcome of this pipeline, and no other."""
    yield Statement(
        "Pipeline",
        _sagemaker("CreatePipeline", "UpdatePipeline", "DescribePipeline", "DeletePipeline", "StartPipelineExecution")
        + _sagemaker("ListPipelineExecutions", "AddTags", "ListTags", "DeleteTags"),
        (arns.sagemaker("pipeline", name),),
    )
    yield Statement(
        "Executions",
        _sagemaker("DescribePipelineExecution", "DescribePipelineDefinitionForExecution", "ListPipelineExecutionSteps")
        + _sagemaker("ListPipelineParametersForExecution", "StopPipelineExecution", "RetryPipelineExecution"),
        (arns.sagemaker("pipeline", f"{name}/execution/*"),),
    )
    yield pass_role(needs.roles)
    yield Statement("LookAtRole", ("iam:GetRole",), tuple(sorted(needs.roles)))
    own = Location(bucket, f"{name}/definition", exact=True)
    uploads = {*(attrs.evolve(each, key=each.key.rpartition("/")[0]) for each in needs.assets), own}
    yield Statement("Upload", ("s3:PutObject", "s3:GetObject", "s3:AbortMultipartUpload"), arns.objects(uploads))
    yield Statement("LookAtBucket", ("s3:ListBucket", "s3:ListBucketMultipartUploads"), arns.buckets(uploads))
    if default_bucket in {each.bucket for each in uploads}:
        actions = ("s3:CreateBucket", "s3:GetBucketPublicAccessBlock", "s3:PutBucketPublicAccessBlock")
        yield Statement("MakeDefaultBucket", actions, (f"arn:{arns.partition}:s3:::{default_bucket}",))
    if needs.writes:
        yield Statement("ReadOutputs", ("s3:GetObject",), arns.objects(needs.writes))
    yield from _watching(needs, arns)


def _watching(needs: Needs, arns: Arns) -> Iterator[Statement]:
    jobs = [JOBS[kind] for kind in sorted(needs.types & JOBS.keys())]
    for kind, action, _ in dict.fromkeys(jobs):
        yield Statement(f"Watch{action}", _sagemaker(f"Describe{action}"), _jobs(kind, needs, arns))
    groups = sorted({LOG_GROUPS[kind] for kind, *_ in jobs if kind in LOG_GROUPS})
    if groups:
        arn = tuple(arns.log_group(name) for name in groups)
        yield Statement("ReadLogs", ("logs:DescribeLogStreams", "logs:GetLogEvents"), arn)
    yield from emr_watching(needs.emr, needs.types, arns)
    if needs.groups:
        packages = tuple(arns.sagemaker("model-package", f"{group}/*") for group in sorted(needs.groups))
        yield Statement("WatchModelPackage", _sagemaker("DescribeModelPackage"), packages)


def for_execution(needs: Needs, arns: Arns) -> Iterator[Statement]:
    """What the pipeline's role needs to start the jobs, and the jobs' role to do them."""
    for kind, action, stoppable in dict.fromkeys(JOBS[each] for each in sorted(needs.types & JOBS.keys())):
        verbs = ("Create", "Describe", "Stop") if stoppable else ("Create", "Describe")
        actions = _sagemaker(*(f"{verb}{action}" for verb in verbs), "AddTags")
        yield Statement(action, actions, _jobs(kind, needs, arns))
    if "AutoML" in needs.types:
        second = _sagemaker("CreateAutoMLJobV2", "DescribeAutoMLJobV2")
        yield Statement("AutoMLJobV2", second, _jobs("automl-job", needs, arns))
    if "Tuning" in needs.types:
        actions = _sagemaker("DescribeTrainingJob", "ListTrainingJobsForHyperParameterTuningJob")
        both = (*_jobs("hyper-parameter-tuning-job", needs, arns), arns.sagemaker("training-job", "*"))
        yield Statement("TrainingJobsOfTuning", actions, both)
    yield from _registering(needs, arns)
    yield from _checking(needs, arns)
    if needs.roles:
        yield pass_role(needs.roles)
    yield from _data(needs, arns)
    yield from _containers(needs, arns)
    yield from _network(needs, arns)
    if needs.keys:
        kms = ("kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey", "kms:DescribeKey", "kms:CreateGrant")
        yield Statement("Keys", kms, tuple(sorted(arns.key(each) for each in needs.keys)))
    if needs.functions:
        yield Statement("Functions", ("lambda:InvokeFunction",), tuple(sorted(needs.functions)))
    yield from emr_statements(needs.emr, needs.types, arns)
    if needs.queues:
        yield Statement("Queues", ("sqs:SendMessage",), tuple(sorted(_queue(each, arns) for each in needs.queues)))


def _registering(needs: Needs, arns: Arns) -> Iterator[Statement]:
    if not needs.groups:
        return
    groups = sorted(needs.groups)
    actions = _sagemaker("CreateModelPackageGroup", "DescribeModelPackageGroup", "AddTags")
    yield Statement("ModelPackageGroup", actions, tuple(arns.sagemaker("model-package-group", each) for each in groups))
    packages = tuple(arns.sagemaker("model-package", f"{each}/*") for each in groups)
    own = tuple(arns.sagemaker("model-package-group", each) for each in groups)
    yield Statement("CreateModelPackage", _sagemaker("CreateModelPackage"), (*own, *packages))
    yield Statement("ModelPackage", _sagemaker("DescribeModelPackage", "AddTags"), packages)


def _checking(needs: Needs, arns: Arns) -> Iterator[Statement]:
    """What checks take beside their jobs: the baseline of the newest approved version; Clarify makes endpoints in its job."""
    if needs.compared:
        packages = tuple(arns.sagemaker("model-package", f"{each}/*") for each in sorted(needs.compared))
        yield Statement("Baselines", _sagemaker("ListModelPackages", "DescribeModelPackage"), packages)
    if needs.asked_by_clarify:
        config = (arns.sagemaker("endpoint-config", "*"),)
        verbs = ("Create", "Describe", "Delete")
        yield Statement("ClarifyEndpointConfig", _sagemaker(*(f"{verb}EndpointConfig" for verb in verbs)), config)
        actions = _sagemaker(*(f"{verb}Endpoint" for verb in verbs), "InvokeEndpoint")
        yield Statement("ClarifyEndpoint", actions, (arns.sagemaker("endpoint", "*"), *config))
        yield Statement("ClarifyModel", _sagemaker("DescribeModel"), (arns.sagemaker("model", "*"),))


def _data(needs: Needs, arns: Arns) -> Iterator[Statement]:
    if needs.reads:
        yield Statement("ReadData", ("s3:GetObject",), arns.objects(needs.reads))
        prefixes = sorted({f"{each.key}*" for each in widest(needs.reads)})
        condition = {"StringLike": {"s3:prefix": prefixes}}
        yield Statement("ListData", ("s3:ListBucket",), arns.buckets(needs.reads), condition)
    if needs.writes:
        yield Statement("WriteOutputs", ("s3:PutObject", "s3:AbortMultipartUpload"), arns.objects(needs.writes))
    if needs.deletes:
        yield Statement("ReplaceOutputs", ("s3:DeleteObject",), arns.objects(needs.deletes))


def _containers(needs: Needs, arns: Arns) -> Iterator[Statement]:
    if needs.images:
        repositories = sorted(
            f"arn:{arns.partition}:ecr:{each.region}:{each.account}:repository/{each.repository}"
            for each in needs.images
        )
        actions = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
        yield Statement("Images", actions, tuple(repositories))
        reason = "ecr:GetAuthorizationToken has no resource"
        yield Statement("SignInToRegistry", ("ecr:GetAuthorizationToken",), ("*",), None, reason)
    kinds = {JOBS[each][0] for each in needs.types & JOBS.keys()} & LOG_GROUPS.keys()
    if kinds:
        groups = tuple(arns.log_group(name) for name in sorted({LOG_GROUPS[kind] for kind in kinds}))
        logs = ("logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents")
        yield Statement("Logs", logs, groups)
        condition = {"StringLike": {"cloudwatch:namespace": ["/aws/sagemaker/*", "aws/sagemaker/*"]}}
        reason = "cloudwatch:PutMetricData has no resource; the condition narrows it"
        yield Statement("Metrics", ("cloudwatch:PutMetricData",), ("*",), condition, reason)


def _network(needs: Needs, arns: Arns) -> Iterator[Statement]:
    if not (needs.subnets or needs.security_groups):
        return

    def ec2(kind: str, name: str) -> str:
        return f"arn:{arns.partition}:ec2:{arns.region}:{arns.account}:{kind}/{name}"

    interfaces = ec2("network-interface", "*")
    within = [ec2("subnet", each) for each in sorted(needs.subnets)]
    within += [ec2("security-group", each) for each in sorted(needs.security_groups)]
    yield Statement("CreateNetworkInterface", ("ec2:CreateNetworkInterface",), (interfaces, *within))
    actions = ("CreateNetworkInterfacePermission", "DeleteNetworkInterface", "DeleteNetworkInterfacePermission")
    yield Statement("NetworkInterfaces", tuple(f"ec2:{each}" for each in actions), (interfaces,))
    described = ("NetworkInterfaces", "Vpcs", "DhcpOptions", "Subnets", "SecurityGroups")
    reason = "the Describe actions of EC2 have no resources"
    yield Statement("LookAtNetwork", tuple(f"ec2:Describe{each}" for each in described), ("*",), None, reason)


def _jobs(kind: str, needs: Needs, arns: Arns) -> tuple[str, ...]:
    return tuple(arns.sagemaker(kind, f"{prefix}*") for prefix in sorted({JOB_PREFIX, *needs.job_names}))


def _queue(url: str, arns: Arns) -> str:
    """https://sqs.<region>.amazonaws.com/<account>/<name> as an ARN."""
    if found := _QUEUE.fullmatch(url):
        return f"arn:{arns.partition}:sqs:{found[1]}:{found[2]}:{found[3]}"
    return f"arn:{arns.partition}:sqs:{arns.region}:{arns.account}:{url.rpartition('/')[2]}"


def _sagemaker(*actions: str) -> tuple[str, ...]:
    return tuple(f"sagemaker:{action}" for action in actions)
