"""Steps of EMR, of EMR Serverless (version 3 alone) and of a notebook, in the classes of the SageMaker SDK, version 2 or 3."""

from __future__ import annotations

import importlib
import json
import pathlib
import tempfile
from typing import Any

import offline

ROLE = "arn:aws:iam::111122223333:role/SageMakerRole"
SPARK = "arn:aws:iam::111122223333:role/Spark"
BUCKET = "my-bucket"
RAW = "s3://my-bucket/raw"
IMAGE = "885854791233.dkr.ecr.us-east-1.amazonaws.com/sagemaker-distribution-prod:3.2.0-cpu"
CLUSTER = {
    "ReleaseLabel": "emr-7.5.0",
    "Instances": {"InstanceGroups": [{"InstanceRole": "MASTER", "InstanceType": "m5.xlarge", "InstanceCount": 1}]},
}


def definition(major: str) -> dict[str, Any]:
    """The steps that the SDK writes."""
    core, workflow = ("sagemaker", "sagemaker.workflow") if major == "2" else ("sagemaker.core", "sagemaker.mlops.workflow")  # fmt: skip
    telemetry = importlib.import_module(f"{core}.telemetry.telemetry_logging")
    telemetry._send_telemetry_request = lambda *_, **__: None
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        context = importlib.import_module(f"{core}.workflow.pipeline_context")
        session = context.PipelineSession(offline.session(folder / "up"), sagemaker_config={}, default_bucket=BUCKET)
        steps = [*_clusters(core, workflow, major), *_serverless(workflow, major), _notebook(workflow, folder)]
        pipeline = importlib.import_module(f"{workflow}.pipeline")
        written = pipeline.Pipeline(name="churn", steps=steps, sagemaker_session=session).definition()
    return {"Steps": json.loads(written)["Steps"]}


def _place(core: str, step: str) -> Any:
    functions = importlib.import_module(f"{core}.workflow.functions")
    variables = importlib.import_module(f"{core}.workflow.execution_variables").ExecutionVariables
    values = [f"s3://{BUCKET}/churn", variables.PIPELINE_EXECUTION_ID, step, "output", "rows"]
    return functions.Join(on="/", values=values)


def _clusters(core: str, workflow: str, major: str) -> list[Any]:
    emr = importlib.import_module(f"{workflow}.emr_step")
    caching = importlib.import_module(f"{workflow}.steps").CacheConfig(enable_caching=True, expire_after="P1D")
    words, rows = ["spark-submit", "s3://my-bucket/thin.py"], _place(core, "on_cluster")
    if major == "2":
        config = emr.EMRStepConfig(jar="command-runner.jar", args=[*words, "--rows", rows, "--raw", RAW])
    else:  # which adds the outputs itself
        config = emr.EMRStepConfig(jar="command-runner.jar", args=words, output_args={"rows": rows})
        config.args += ["--raw", RAW]
    made = emr.EMRStepConfig(jar="s3://my-bucket/a.jar", main_class="a.B", properties=[{"Key": "a", "Value": "b"}])
    said = {"display_name": None, "description": None}
    return [
        emr.EMRStep("on_cluster", **said, cluster_id="j-1", step_config=config, execution_role_arn=SPARK),
        emr.EMRStep(
            "new_cluster", **said, cluster_id=None, step_config=made, cluster_config=CLUSTER, cache_config=caching
        ),
    ]


def _serverless(workflow: str, major: str) -> list[Any]:
    if major == "2":
        return []
    emr = importlib.import_module(f"{workflow}.emr_serverless_step")
    spark = {"entryPoint": "s3://my-bucket/thin.py", "entryPointArguments": ["--share", "0.5"], "sparkSubmitParameters": "--conf a=b"}  # fmt: skip
    there = emr.EMRServerlessJobConfig(
        job_driver={"sparkSubmit": spark},
        execution_role_arn=SPARK,
        execution_timeout_minutes=60,
        tags={"team": "x"},
    )
    made = emr.EMRServerlessJobConfig(job_driver={"hive": {"query": "SELECT 1"}}, execution_role_arn=SPARK)
    application = {"releaseLabel": "emr-7.5.0", "type": "HIVE"}
    said = {"display_name": None, "description": None}
    return [
        emr.EMRServerlessStep("serverless", **said, job_config=there, application_id="00f1"),
        emr.EMRServerlessStep("query", **said, job_config=made, application_config=application),
    ]


def _notebook(workflow: str, folder: pathlib.Path) -> Any:
    for name in ("explore.ipynb", "beside.py", "init.sh"):
        (folder / name).write_text("{}")
    return importlib.import_module(f"{workflow}.notebook_job_step").NotebookJobStep(
        name="explore",
        notebook_job_name="explore",
        input_notebook=str(folder / "explore.ipynb"),
        additional_dependencies=[str(folder / "beside.py")],
        initialization_script=str(folder / "init.sh"),
        image_uri=IMAGE,
        kernel_name="python3",
        role=ROLE,
        s3_root_uri=f"s3://{BUCKET}",
        parameters={"least": "500"},
        environment_variables={"WHO": "me"},
        subnets=["subnet-1"],
        security_group_ids=["sg-1"],
        tags=[{"Key": "team", "Value": "x"}],
        s3_kms_key="alias/out",
        volume_kms_key="alias/volumes",
    )
